"""Ops that give a tensor another shape: merge, split, move and repeat axes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops import words
from dslc.ops.axes import axis_slot, channel_axis
from dslc.ops.base import (
    Axes,
    Graph,
    InferContext,
    NoMacs,
    NoParams,
    Op,
    Pointwise,
    Port,
    Reach,
    Types,
    attr,
    op,
)
from dslc.ops.counting import SAME, STRIDED, Moves, Same, SavesNothing, Storage
from dslc.ops.errors_tensor import (
    CannotFlatten,
    CannotSplit,
    ExpandSize,
    ReshapeCount,
    SplitSum,
)
from dslc.ops.layout import axis_of, check_sizes, cut_places, merged, one_place, pick, shape_text
from dslc.ops.recovery import MOST_PARTS, Known, RecoversNothing, known, merged_axes
from dslc.ops.signals import Keeps, Signal, figures
from dslc.ops.torchtext import Form, In, TorchContext, call, keyword, sequence
from dslc.ops.views import PartView
from dslc.record import replace
from dslc.types.const import Const
from dslc.types.dim import UNKNOWN, Size, product
from dslc.types.tensor import TensorType

ANY: tuple[Port, ...] = (Port("x", rank=(1, None), dtype="any"),)


# ---- one axis from several


@op("flatten")
class Flatten(NoParams, NoMacs, Moves, Same, SavesNothing, Op):
    """Axes `start` to `end` as one, in row-major order: `[N, C, H, W] -> [N, C * H * W]`.

    ```dl
    net f on image[N, 1, 28, 28]:
        conv(6, 5) -> relu -> maxpool(2, s=2)
        flatten -> linear(10)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(2, None), dtype="any"),)
    start: int = attr(1)
    end: int = attr(-1)

    def axes(self, x: TensorType) -> tuple[int, int]:
        """First and last of the axes that are merged."""
        return axis_of("flatten", self.start, x, "start"), axis_of("flatten", self.end, x, "end")

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        start, end = self.axes(x)
        if end < start:
            raise Reject(CannotFlatten(start, end, str(x)), at="end")
        size = merged(x, range(start, end + 1))
        source = [*range(start), None, *range(end + 1, x.rank)]
        result = pick(x, source, [size])
        channels = x.split or (() if x.channel is None else (x.channel,))
        inside = bool(channels) and all(start <= axis <= end for axis in channels)
        return result.with_channel(start) if inside else result

    def recover(self, ins: Known) -> Types:
        return merged_axes(ins, self.start, self.end)

    def reach(self, ins: Types, outs: Types) -> Reach:
        start, end = self.axes(ins[0])
        return Axes((*range(start), only_axis(ins[0], start, end), *range(end + 1, ins[0].rank)))

    def torch(self, t: TorchContext) -> Form:
        start, end = t.attr("start"), t.attr("end")
        return Form(
            module=call("nn.Flatten", keyword("start_dim", start, 1), keyword("end_dim", end, -1)),
            function=call("flatten", start, keyword("end_dim", end, -1), receiver=In(0)),
        )

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        if outs[0].rank == 2 and self.axes(ins[0]) == (1, ins[0].rank - 1):
            return str(g.op("Flatten", x, axis=1))
        return g.reshape(x[0], ins[0].dims, outs[0].dims)


def only_axis(x: TensorType, start: int, end: int) -> int | None:
    """The one axis of a range that has more than one place; the first if none has; none if several have."""
    long = [axis for axis in range(start, end + 1) if x.dims[axis] != 1]
    return (long or [start])[0] if len(long) < 2 else None


@op("reshape")
class Reshape(NoParams, NoMacs, Moves, Same, SavesNothing, Op):
    """The same elements in row-major order under another shape; one size may be -1: what is left.

    `rearrange` says what the axes mean and is checked; use it where axes move. An axis that keeps its place
    and size keeps its meaning (batch, channels).

    ```dl
    net f on x[N, 256, 7, 7]:
        reshape(N, 16, 16, 49) -> mean(3)
        flatten -> linear(10)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = ANY
    gather: ClassVar[str | None] = "sizes"
    sizes: tuple[Size, ...] = attr(symbolic=True)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        target = words.sizes(self.sizes)
        check_sizes(c, "reshape", [size for size in target if size != -1], "what is left")
        unknown = sum(1 for size in target if size == -1)
        written = [size for size in target if size != -1]
        facts = str(x), str(product(x.dims)), shape_text(target), str(product(written))
        elements, known = without_common(x.dims, written)
        if unknown > 1:
            raise Reject(ReshapeCount(*facts, unknown), at="sizes")
        if isinstance(elements, int) and isinstance(known, int):
            if elements % known if unknown else elements != known:
                raise Reject(ReshapeCount(*facts, unknown), at="sizes")
            rest: Size = elements // known
        elif unknown:
            rest = c.divide(elements, known)
        else:
            rest = c.equal(elements, known)
        dims = tuple(rest if size == -1 else size for size in target)
        given = c.word("sizes")
        names = words.items(given) if given is not None else (None,) * len(dims)
        kept = self.kept(x, dims)
        channel = x.channel if x.channel in kept else None
        if x.channel == x.rank - 1 and x.rank - 1 not in kept and dims[-1] == x.dims[-1]:
            channel = len(dims) - 1
        return x.with_dims(
            dims,
            channel,
            tuple(
                x.word(axis) if axis in kept else name if size != -1 else None
                for axis, (size, name) in enumerate(zip(target, names, strict=True))
            ),
        )

    def recover(self, ins: Known) -> Types:
        x = ins[0]
        if x is None or not isinstance(self.sizes, tuple | list):
            return ()
        return (TensorType((UNKNOWN,) * len(words.sizes(self.sizes)), x.dtype),)

    @staticmethod
    def kept(x: TensorType, dims: tuple[Size, ...]) -> tuple[int, ...]:
        """The leading axes that a shape leaves as they are."""
        count = 0
        for before, after in zip(x.dims, dims, strict=False):
            if before != after:
                break
            count += 1
        return tuple(range(count))

    def reach(self, ins: Types, outs: Types) -> Reach:
        kept = self.kept(ins[0], outs[0].dims)
        return Axes(tuple(axis if axis in kept else None for axis in range(outs[0].rank)))

    def torch(self, t: TorchContext) -> Form:
        sizes = words.items(t.attr("sizes")) or (t.const(()),)
        return Form(function=call("reshape", *sizes, receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        return g.reshape(x[0], ins[0].dims, outs[0].dims)


def without_common(left: Sequence[Size], right: Sequence[Size]) -> tuple[Size, Size]:
    """The products of two lists of sizes without the symbolic sizes that stand in both."""
    mine, other = list(left), list(right)
    for size in left:
        if not isinstance(size, int) and size in other:
            mine.remove(size)
            other.remove(size)
    return product(mine), product(other)


# ---- several tensors from one, one from several


@op("unbind")
class Unbind(RecoversNothing, NoParams, NoMacs, Moves, PartView, SavesNothing, Op):
    """The slices of an axis as so many tensors, which lose it.

    ```dl
    net f on x[N, 16, 192]:
        rearrange("n t (three h d) -> three n h t d", three=3, h=4)
        q, k, v = unbind(0)
        sdpa(q, k, v)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = ANY
    axis: int = attr(0)

    def infer(self, c: InferContext, x: TensorType) -> tuple[TensorType, ...]:
        axis = axis_of("unbind", self.axis, x)
        return (one_place(x, axis),) * c.pin(x.dims[axis])

    def reach(self, ins: Types, outs: Types) -> Reach:
        axis = self.axis % ins[0].rank
        return Axes(tuple(a for a in range(ins[0].rank) if a != axis))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Keeps(self.axis % ins[0].rank, tuple((i, i + 1) for i in range(len(outs))))

    def torch(self, t: TorchContext) -> Form:
        return Form(function=call("unbind", t.attr("axis"), receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> tuple[str, ...]:
        axis = self.axis % ins[0].rank
        parts = pieces(g, x[0], (1,) * len(outs), axis)
        return tuple(str(g.op("Squeeze", [part, g.ints([axis])])) for part in parts)


def pieces(g: Graph, x: str, sizes: tuple[int, ...], axis: int) -> tuple[str, ...]:
    """A tensor cut along an axis into pieces of the sizes given."""
    if len(sizes) == 1:
        return (x,)
    parts: tuple[str, ...] = g.op("Split", [x, g.ints(sizes)], outputs=len(sizes), axis=axis)
    return parts


@op("split")
class Split(NoParams, NoMacs, Moves, PartView, SavesNothing, Op):
    """An axis (the channels, unless given) cut into pieces of the sizes given, or all of one size.

    ```dl
    net f on x[N, 64, 8, 8]:
        a, b = split([48, 16])
        concat(b, a)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = ANY
    sizes: int | tuple[int, ...] = attr(min=1)
    axis: int | None = attr(None)

    def infer(self, c: InferContext, x: TensorType) -> tuple[TensorType, ...]:
        axis = channel_axis("split", x, self.axis)
        size = c.pin(x.dims[axis])
        c.count(size // self.sizes if isinstance(self.sizes, int) else len(self.sizes))
        sizes = self.pieces(size)
        given = c.word("sizes")
        names: tuple[Const | None, ...] = (given,) * len(sizes)
        if isinstance(self.sizes, int):
            if size % self.sizes:
                raise Reject(CannotSplit("split", size, self.sizes, f"axis {axis}"), at="sizes")
        elif sum(sizes) != size:
            raise Reject(SplitSum(str(list(sizes)), str(sum(sizes)), axis, str(size)), at="sizes")
        elif given is not None:
            names = words.items(given)
        return tuple(x.with_dim(axis, side, name) for side, name in zip(sizes, names, strict=True))

    def recover(self, ins: Known) -> Types:
        return super().recover(ins) * len(self.sizes) if isinstance(self.sizes, tuple) else ()

    def pieces(self, size: int) -> tuple[int, ...]:
        """The size of each piece."""
        return (self.sizes,) * (size // self.sizes) if isinstance(self.sizes, int) else self.sizes

    def reach(self, ins: Types, outs: Types) -> Reach:
        return cut_places(ins[0], channel_axis("split", ins[0], self.axis))

    def signal(self, ins: Types, outs: Types) -> Signal:
        axis = channel_axis("split", ins[0], self.axis)
        ends = list(accumulate((figures(out.dims)[axis] for out in outs), initial=0))
        return Keeps(axis, tuple(pairwise(ends)))

    def torch(self, t: TorchContext) -> Form:
        sizes = t.attr("sizes")
        given = sizes if isinstance(self.sizes, int) else sequence(words.items(sizes))
        return Form(function=call("split", given, axis_slot(t, "split", self.axis), receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> tuple[str, ...]:
        axis = channel_axis("split", ins[0], self.axis)
        size = ins[0].dims[axis]
        assert isinstance(size, int)
        return pieces(g, x[0], self.pieces(size), axis)


@op("chunk")
class Chunk(NoParams, NoMacs, Moves, PartView, SavesNothing, Op):
    """An axis (the channels, unless given) cut into `n` equal pieces.

    ```dl
    net f on x[N, 58, 28, 28]:
        a, b = chunk(2)
        concat(a, b -> conv(29, 1))
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = ANY
    n: int = attr(min=1)
    axis: int | None = attr(None)

    def infer(self, c: InferContext, x: TensorType) -> tuple[TensorType, ...]:
        axis = channel_axis("chunk", x, self.axis)
        size = x.dims[axis]
        if isinstance(size, int) and size % self.n:
            raise Reject(CannotSplit("chunk", size, self.n, f"axis {axis}"), at="n")
        c.count(self.n)
        word = words.quotient((size, x.word(axis)), [(self.n, c.word("n"))])
        return (x.with_dim(axis, c.divide(size, self.n), word),) * self.n

    def recover(self, ins: Known) -> Types:
        return super().recover(ins) * self.n if known(self.n) and self.n <= MOST_PARTS else ()

    def reach(self, ins: Types, outs: Types) -> Reach:
        return cut_places(ins[0], channel_axis("chunk", ins[0], self.axis))

    def signal(self, ins: Types, outs: Types) -> Signal:
        axis = channel_axis("chunk", ins[0], self.axis)
        size = figures(outs[0].dims)[axis]
        return Keeps(axis, tuple((i * size, (i + 1) * size) for i in range(self.n)))

    def torch(self, t: TorchContext) -> Form:
        return Form(function=call("chunk", t.attr("n"), axis_slot(t, "chunk", self.axis), receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> tuple[str, ...]:
        axis = channel_axis("chunk", ins[0], self.axis)
        if self.n == 1:
            return (x[0],)
        parts: tuple[str, ...] = g.op("Split", [x[0]], outputs=self.n, axis=axis, num_outputs=self.n)
        return parts


# ---- moved and repeated axes


@op("transpose")
class Transpose(NoParams, NoMacs, Moves, SavesNothing, Op):
    """Two axes exchanged.

    ```dl
    net f on x[N, 16, 64]:
        it @ (it -> transpose(1, 2))
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(2, None), dtype="any"),)
    a: int = attr()
    b: int = attr()

    def order(self, x: TensorType) -> tuple[int, ...]:
        """Per axis of the result, the axis of the input."""
        a, b = axis_of("transpose", self.a, x, "a"), axis_of("transpose", self.b, x, "b")
        order = list(range(x.rank))
        order[a], order[b] = b, a
        return tuple(order)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        return pick(x, self.order(x))

    def recover(self, ins: Known) -> Types:
        return tuple(replace(x, channel=None) for x in super().recover(ins))

    def storage(self, ins: Types, outs: Types) -> Storage:
        long = [axis for axis in self.order(ins[0]) if ins[0].dims[axis] != 1]
        return SAME if long == sorted(long) else STRIDED

    def reach(self, ins: Types, outs: Types) -> Reach:
        return Axes(self.order(ins[0]))

    def torch(self, t: TorchContext) -> Form:
        return Form(function=call("transpose", t.attr("a"), t.attr("b"), receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Transpose", x, perm=self.order(ins[0])))


@op("expand")
class Expand(NoParams, NoMacs, Moves, PartView, SavesNothing, Op):
    """Axes of size 1 repeated to the sizes given; -1 keeps an axis.

    ```dl
    net f on x[N, T=16, 64]:
        param token: [1, 1, 64] = trunc_normal(0.02)
        cat(token -> expand(N, -1, -1), it, axis=1)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = ANY
    gather: ClassVar[str | None] = "sizes"
    sizes: tuple[Size, ...] = attr(symbolic=True)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        sizes = words.sizes(self.sizes)
        target = shape_text(sizes)
        check_sizes(c, "expand", [size for size in sizes if size != -1], "an axis as it is")
        if len(sizes) != x.rank:
            raise Reject(ExpandSize(str(x), target, -1, ""), at="sizes")
        given = c.word("sizes")
        names = words.items(given) if given is not None else (None,) * x.rank
        for axis, (size, name) in enumerate(zip(sizes, names, strict=True)):
            if size == -1:
                continue
            before = x.dims[axis]
            if before == 1:
                x = x.with_dim(axis, size, name)
            elif isinstance(before, int) and isinstance(size, int):
                if before != size:
                    raise Reject(ExpandSize(str(x), target, axis, str(before)), at="sizes")
            else:
                x = x.with_dim(axis, c.equal(before, size), x.word(axis) or name)
        return x

    def reach(self, ins: Types, outs: Types) -> Reach:
        return Pointwise()

    def torch(self, t: TorchContext) -> Form:
        return Form(function=call("expand", *words.items(t.attr("sizes")), receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        target = [1 if a == b else b for a, b in zip(ins[0].dims, outs[0].dims, strict=True)]
        if all(g.static(size) == 1 for size in target):
            return x[0]
        return str(g.op("Expand", [x[0], g.extents(target, x[0])]))
