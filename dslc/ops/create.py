"""Tensors made of sizes alone, and ops that choose, mark and convert elements."""

from __future__ import annotations

import math
from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops import words
from dslc.ops.base import (
    Global,
    Graph,
    InferContext,
    Local,
    NoMacs,
    NoParams,
    Op,
    Pointwise,
    Port,
    Reach,
    Types,
    Work,
    attr,
    op,
)
from dslc.ops.broadcasting import broadcast, converted, held, number_tensor, promoted, promoted_number, raised, working
from dslc.ops.counting import (
    IN_PLACE,
    INPUT,
    NOTHING,
    SAME,
    Fresh,
    Held,
    InPlace,
    Moves,
    NoFlops,
    Saved,
    SavesNothing,
    Storage,
)
from dslc.ops.errors_dtype import CastForm
from dslc.ops.errors_product import TooManyWanted
from dslc.ops.errors_tensor import RankMismatch, ShapeMismatch
from dslc.ops.layout import axis_of, never_empty, places
from dslc.ops.recovery import Known, RecoversNothing, rows
from dslc.ops.signals import Constant, Keeps, Masks, NoSignal, Picks, Ranks, Signal, figures
from dslc.ops.torchtext import Arg, Attribute, Device, ElementType, Form, In, PyExpr, TorchContext, call, keyword
from dslc.record import replace
from dslc.types.const import Const
from dslc.types.dim import Size
from dslc.types.floats import LARGEST, overflows
from dslc.types.tensor import DType, TensorType

# ---- sources


MASKED = -50.0
"""What softmax makes nothing of."""


class Source(NoParams, NoMacs, NoFlops, Fresh, SavesNothing, Local, Op):
    """What tensors made of sizes share: no inputs."""

    inputs: ClassVar[tuple[Port, ...]] = ()


def at_least_one(c: InferContext, size: Size) -> Size:
    """A size that is 1 or more for all inputs."""
    c.at_least(size, 1)
    return size


def source_options(dtype: DType, default: DType) -> list[Arg]:
    """Element type, unless torch gives it by default, and device of a new tensor.

    Floats are of the type that the network runs in, so that it may be moved to another (`.to(torch.float16)`).
    """
    device = keyword("device", Device())
    if dtype is DType.FLOAT:
        return [keyword("dtype", ElementType()), device]
    return [device] if dtype is default else [keyword("dtype", f"torch.{dtype.value}"), device]


@op("arange")
class Arange(Source):
    """The numbers 0 to n - 1.

    ```dl
    net f on ids: int64[N, T=16]:
        places = arange(T)
        where(places[none] < 8, ids, 0) -> embedding(100, 32)
    ```
    """

    n: int = attr(min=1, symbolic=True)
    dtype: DType = attr(DType.INT64, keyword=True)

    def infer(self, c: InferContext) -> TensorType:
        return TensorType((at_least_one(c, self.n),), self.dtype, None, (c.word("n"),))

    def signal(self, ins: Types, outs: Types) -> Signal:
        (n,) = figures(outs[0].dims)
        return Constant((n - 1) / 2, (n - 1) * (2 * n - 1) / 6)

    def torch(self, t: TorchContext) -> Form:
        options = source_options(self.dtype, DType.INT64)
        return Form(function=call("torch.arange", t.attr("n"), *options))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        return converted(g, places(g, self.n, None), DType.INT64, outs[0].dtype)


@op("eye")
class Eye(Source):
    """The identity matrix `[n, n]`.

    ```dl
    net f on x[N, 16, 16]:
        diagonal = eye(16)
        it + diagonal[none]
    ```
    """

    n: int = attr(min=1, symbolic=True)
    dtype: DType = attr(DType.FLOAT, keyword=True)

    def infer(self, c: InferContext) -> TensorType:
        size = at_least_one(c, self.n)
        return TensorType((size, size), self.dtype, None, (c.word("n"),) * 2)

    def signal(self, ins: Types, outs: Types) -> Signal:
        n = figures(outs[0].dims)[0]
        return Constant(1 / n, 1 / n)

    def torch(self, t: TorchContext) -> Form:
        options = source_options(self.dtype, DType.FLOAT)
        return Form(function=call("torch.eye", t.attr("n"), *options))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        numbers = places(g, self.n, None)
        same = str(g.op("Equal", [g.op("Unsqueeze", [numbers, g.ints([1])]), numbers]))
        return converted(g, same, DType.BOOL, outs[0].dtype)


MOST_REPEATED = 1024
"""Elements of a constant that is repeated along the open axes of its place."""


class Filled(Source):
    """What `zeros` and `ones` share."""

    content: ClassVar[int]
    gather: ClassVar[str | None] = "sizes"
    sizes: tuple[Size, ...] = attr(min=1, symbolic=True)
    dtype: DType = attr(DType.FLOAT, keyword=True)

    def infer(self, c: InferContext) -> TensorType:
        sizes = tuple(at_least_one(c, size) for size in words.sizes(self.sizes))
        given = c.word("sizes")
        return TensorType(sizes, self.dtype, None, () if given is None else words.items(given))

    def torch(self, t: TorchContext) -> Form:
        sizes = words.items(t.attr("sizes"))
        options = source_options(self.dtype, DType.FLOAT)
        return Form(function=call(f"torch.{self.name}", *sizes, *options))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        dims, dtype = outs[0].dims, outs[0].dtype
        numbers = [g.static(size) for size in dims]
        known = [1 if number is None else number for number in numbers]
        if None not in numbers or math.prod(known) > MOST_REPEATED:
            return str(g.op("Expand", [g.scalar(self.content, dtype), g.extents(dims)]))
        # One open size among ones is read by a Shape; it would have to be joined to other numbers on the host.
        content = g.floats([self.content] * math.prod(known), known, dtype)
        repeats = [size if number is None else 1 for size, number in zip(dims, numbers, strict=True)]
        return str(g.op("Expand", [content, g.extents(repeats)]))


@op("zeros")
class Zeros(Filled):
    """Zeros of a shape.

    ```dl
    net f on x[N, T=16, 32]:
        concat(zeros(N, 1, 32), it[:, :T - 1], axis=1)
    ```
    """

    content: ClassVar[int] = 0

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Constant(0.0, 0.0)


@op("ones")
class Ones(Filled):
    """Ones of a shape.

    ```dl
    net f on x[N, 16, 32]:
        concat(it, ones(N, 16, 1), axis=2)
    ```
    """

    content: ClassVar[int] = 1

    # ---- choosing elements

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Constant(1.0, 1.0)


@op("where")
class Where(RecoversNothing, NoParams, NoMacs, Moves, InPlace, Local, Op):
    """`a` where the condition is true, else `b`, element by element; each may be a number.

    ```dl
    net f on x[N, 8, 16, 16]:
        where(it > 0, it, 0)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("cond", rank=(0, None), dtype="bool"),
        Port("a", rank=(0, None), dtype="any", optional=True),
        Port("b", rank=(0, None), dtype="any", optional=True),
    )
    numbers: ClassVar[dict[str, str]] = {"a": "a_number", "b": "b_number"}
    a_number: float | int | None = attr(None, symbolic=True)
    b_number: float | int | None = attr(None, symbolic=True)

    def dtype(self, ins: Types) -> DType:
        """The element type of the result."""
        if len(ins) == 3:
            return promoted("where", ins[1], ins[2])
        numbers = [n for n in (self.a_number, self.b_number) if n is not None]
        if len(ins) == 2:
            return promoted_number(ins[1], numbers[0])
        return DType.FLOAT if any(isinstance(n, float) for n in numbers) else DType.INT64

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        result = ins[0]
        for index, x in enumerate(ins[1:], 1):
            result = broadcast(c, "where", result, x, (index == 1 and c.loose(0), c.loose(index)))
        return replace(result, dtype=self.dtype(ins))

    def saved(self, ins: Types, outs: Types) -> Saved:
        return INPUT if any(x.dtype.is_float for x in ins[1:]) else NOTHING

    def signal(self, ins: Types, outs: Types) -> Signal:
        a, b = self.a_number, self.b_number
        if a is None or b is None:
            return NoSignal("a choice by element has no rule")
        if min(a, b) <= MASKED:
            return Masks()
        return Constant((a + b) / 2, (a * a + b * b) / 2)  # as if both stood as often

    def torch(self, t: TorchContext) -> Form:
        tensors = iter(range(1, len(t.ins)))
        args: list[Const | PyExpr] = [In(0)]
        for name in ("a_number", "b_number"):
            args.append(In(next(tensors)) if getattr(self, name) is None else t.attr(name))
        return Form(function=raised(t, call("torch.where", *args)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        tensors = iter(range(1, len(ins)))
        args, common = [x[0]], working(ins[1:], outs[0].dtype)
        for number in (self.a_number, self.b_number):
            if number is None:
                at = next(tensors)
                args.append(converted(g, x[at], ins[at].dtype, common))
            elif isinstance(number, float) and overflows(number, common):  # a mask, as of `broadcasting.masking`
                args.append(g.scalar(math.copysign(LARGEST[common], number), common))
            else:
                args.append(number_tensor(g, number, common, x[0]))
        if common is DType.BOOL:  # onnxruntime chooses no truth values
            chosen, other = g.op("And", args[:2]), g.op("And", [g.op("Not", args[:1]), args[2]])
            return str(g.op("Or", [chosen, other]))
        return converted(g, str(g.op("Where", args)), common, outs[0].dtype)


@op("gather")
class Gather(NoParams, NoMacs, Moves, Fresh, Op):
    """Elements picked along an axis: `y[i, j] = x[i, index[i, j]]` for axis 1, as torch.gather.

    The result has the shape of `index`, which is at most that of `x` along the other axes.

    ```dl
    net f on x[N, 16, 32], index: int64[N, 4, 32]:
        gather(x, index, axis=1)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", rank=(1, None), dtype="any"),
        Port("index", rank=(1, None), dtype="int"),
    )
    axis: int = attr()

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        x, index = ins
        chosen = axis_of("gather", self.axis, x)
        if index.rank != x.rank:
            raise Reject(RankMismatch("gather", str(x), str(index), (x.rank, index.rank)), at="index")
        for axis in range(x.rank):
            most, size = x.dims[axis], index.dims[axis]
            if axis == chosen:
                continue
            if isinstance(most, int) and isinstance(size, int):
                if size > most:
                    texts = str(most), str(size)
                    raise Reject(ShapeMismatch("gather", str(x), str(index), axis, texts), at="index")
            else:
                c.at_least(most, size)
        return replace(index, dtype=x.dtype, channel=x.channel, split=x.split)

    def places(self, ins: Types) -> dict[int, Size]:
        return {1: ins[0].dims[self.axis]}

    def saved(self, ins: Types, outs: Types) -> Saved:
        x, index = ins
        if not x.dtype.is_float:
            return NOTHING
        if index.dtype is DType.INT64:
            return Saved((0, 1))
        return Saved((0,), extra=(Held(1, index.dims, DType.INT64),))

    def reach(self, ins: Types, outs: Types) -> Reach:
        axis = self.axis % ins[0].rank
        return Pointwise() if ins[0].holds_channels(axis) else Global("gather")

    def signal(self, ins: Types, outs: Types) -> Signal:
        axis = self.axis % ins[0].rank
        of, made = figures((ins[0].dims[axis],))[0], math.prod(figures(outs[0].dims))
        return Picks(of, made / math.prod(figures(ins[0].dims)))

    def torch(self, t: TorchContext) -> Form:
        return Form(function=call("gather", t.attr("axis"), long(t.ins[1], In(1)), receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("GatherElements", x, axis=self.axis % ins[0].rank))


def long(x: TensorType, value: PyExpr) -> PyExpr:
    """An integer tensor as int64, which torch asks of indices."""
    return value if x.dtype is DType.INT64 else call("long", receiver=value)


@op("topk")
class TopK(NoParams, NoMacs, Fresh, Op):
    """The k largest elements along an axis, in falling order, and their places (or the smallest, rising).

    ```dl
    net f on x[N, 100]:
        values, _places = topk(5)
        values
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(1, None)),)
    k: int = attr(min=1)
    axis: int = attr(-1)
    largest: bool = attr(True, keyword=True)

    def infer(self, c: InferContext, x: TensorType) -> tuple[TensorType, TensorType]:
        axis = axis_of("topk", self.axis, x)
        size = x.dims[axis]
        if isinstance(size, int):
            if self.k > size:
                raise Reject(TooManyWanted(self.k, str(size)), at="k")
        else:
            c.at_least(size, self.k)
        values = x.with_dim(axis, self.k, c.word("k"))
        return values, replace(values, dtype=DType.INT64)

    def recover(self, ins: Known) -> Types:
        return tuple(y for x in super().recover(ins) for y in (x, replace(x, dtype=DType.INT64)))

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        # A row of n is read once, which costs n - 1 comparisons as in `amax`; ordering the k is not counted.
        x, axis = ins[0], self.axis % ins[0].rank
        return (Work(1, (x.dims[axis] - 1, *x.dims[:axis], *x.dims[axis + 1 :])),)

    def saved(self, ins: Types, outs: Types) -> Saved:
        return Saved(outputs=(1,))

    def reach(self, ins: Types, outs: Types) -> Reach:
        axis = self.axis % ins[0].rank
        return Pointwise() if ins[0].holds_channels(axis) else Global("topk")

    def signal(self, ins: Types, outs: Types) -> Signal:
        axis = self.axis % ins[0].rank
        if not ins[0].holds_channels(axis):
            return NoSignal("the largest few of the places have no rule: they are put in an order")
        of, count = figures((ins[0].dims[axis], outs[0].dims[axis]))
        return Ranks(axis, count, of, 1 if self.largest else -1)

    def torch(self, t: TorchContext) -> Form:
        axis, largest = t.attr("axis"), t.attr("largest")
        options = keyword("dim", axis, -1), keyword("largest", largest, True)
        return Form(function=call("topk", t.attr("k"), *options, receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> tuple[str, ...]:
        dtype = held(ins[0].dtype)
        values, places = g.op(
            "TopK",
            [never_empty(g, converted(g, x[0], ins[0].dtype, dtype), ins[0].dims), g.ints([self.k])],
            outputs=2,
            axis=self.axis % ins[0].rank,
            largest=int(self.largest),
            sorted=1,
        )
        return converted(g, values, dtype, outs[0].dtype), places


@op("one_hot")
class OneHot(NoParams, NoMacs, NoFlops, Fresh, SavesNothing, Local, Op):
    """Integers as rows of zeros with a one at their place: `int64[..] -> int64[.., classes]`.

    ```dl
    net f on ids: int64[N, 16]:
        one_hot(10) -> cast(float) -> linear(32)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(0, None), dtype="int"),)
    classes: int = attr(min=1)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        names = (*(x.word(axis) for axis in range(x.rank)), c.word("classes"))
        return TensorType((*x.dims, self.classes), DType.INT64, x.rank, names)

    def recover(self, ins: Known) -> Types:
        return rows(ins, self.classes, DType.INT64)

    def places(self, ins: Types) -> dict[int, Size]:
        return {0: self.classes}

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Constant(1 / self.classes, 1 / self.classes)

    def torch(self, t: TorchContext) -> Form:
        return Form(function=call("F.one_hot", long(t.ins[0], In(0)), t.attr("classes")))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        index = converted(g, x[0], ins[0].dtype, DType.INT64)
        return str(g.op("OneHot", [index, g.scalar(self.classes, DType.INT64), g.ints([0, 1])], axis=-1))


@op("cast")
class Cast(NoParams, NoMacs, NoFlops, SavesNothing, Local, Op):
    """Another element type: `cast(float)`, `cast(float32)`, or `cast(like=x)`, that of another tensor.

    `float` is the network's own type, which `dslc build --dtype` sets; `float32` is exactly that in every build.

    ```dl
    net f on x[N, 8, 16, 16]:
        (it > 0) -> cast(like=x) -> mean((2, 3))
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", rank=(0, None), dtype="any"),
        Port("like", rank=(0, None), dtype="any", optional=True, joins=False),
    )
    dtype: DType | None = attr(None)

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        if (self.dtype is None) == (len(ins) == 1):
            raise Reject(CastForm())
        return replace(ins[0], dtype=ins[1].dtype if self.dtype is None else self.dtype)

    def recover(self, ins: Known) -> Types:
        if ins[0] is None or not isinstance(self.dtype, DType):
            return ()
        return (replace(ins[0], dtype=self.dtype),)

    def storage(self, ins: Types, outs: Types) -> Storage:
        return SAME if ins[0].dtype is outs[0].dtype else IN_PLACE

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Keeps()

    def torch(self, t: TorchContext) -> Form:
        if self.dtype is None:
            return Form(function=call("to", Attribute(In(1), "dtype"), receiver=In(0)))
        if self.dtype is DType.FLOAT32:
            return Form(function=call("float", receiver=In(0)))
        dtype = ElementType() if self.dtype is DType.FLOAT else f"torch.{self.dtype.value}"
        return Form(function=call("to", dtype, receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        return converted(g, x[0], ins[0].dtype, outs[0].dtype)
