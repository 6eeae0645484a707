"""Products that sum over axes: `@` and `einsum`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops.base import (
    Axes,
    Global,
    Graph,
    InferContext,
    NoParams,
    Op,
    OutputActs,
    Pointwise,
    Port,
    Reach,
    Types,
    Work,
    attr,
    op,
)
from dslc.ops.broadcasting import converted, held, promoted
from dslc.ops.counting import Fresh, Held, NoFlops, Saved
from dslc.ops.errors_product import EinsumPattern, EinsumSize, InnerMismatch
from dslc.ops.errors_tensor import RankMismatch, ShapeMismatch
from dslc.ops.layout import never_empty, spatial_axes
from dslc.ops.recovery import RecoversNothing
from dslc.ops.signals import Contracts, NoSignal, Signal
from dslc.ops.torchtext import Form, In, PyInfix, TorchContext, call
from dslc.types.const import Const
from dslc.types.dim import Size
from dslc.types.tensor import TensorType


def met(c: InferContext, a: Size, b: Size, loose: bool) -> Size | None:
    """The size of two axes that must be equal; none where they are different numbers. A loose side pins."""
    if loose and isinstance(a, int) != isinstance(b, int):
        a, b = c.pin(a), c.pin(b)
    if isinstance(a, int) and isinstance(b, int):
        return a if a == b else None
    return c.equal(a, b)


def work(sizes: tuple[Size, ...]) -> Work:
    """Multiply-adds of one product of extents; those that depend on the input are kept apart."""
    count = 1
    for size in sizes:
        count *= size if isinstance(size, int) else 1
    return Work(count, tuple(size for size in sizes if not isinstance(size, int)))


def flat(sizes: Sequence[Size], groups: Iterable[Sequence[int | None]]) -> bool:
    """Whether a row-major tensor has a view with each group of its axes as one axis; else torch copies it.

    None is an axis that is repeated. A symbolic size is not taken for 1, which would need no place in memory.
    """
    kept = [axis for axis, size in enumerate(sizes) if size != 1]
    follower: dict[int | None, int | None] = dict(pairwise(kept))
    follower[None] = None
    for group in groups:
        present = [axis for axis in group if axis is None or sizes[axis] != 1]
        if any(a not in follower or follower[a] != b for a, b in pairwise(present)):
            return False
    return True


@op("matmul")
class MatMul(NoParams, OutputActs, NoFlops, Fresh, Op):
    """`a @ b`: `[.., m, k] @ [.., k, n] -> [.., m, n]`, the axes before as in arithmetic.

    Multiply-adds: the product of all extents, `.. * m * k * n`. A parameter may have fewer axes than its
    partner.

    ```dl
    net f on x[N, 16, 64]:
        turned = transpose(1, 2)
        scores = (it @ turned) -> softmax
        scores @ it
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("a", rank=(2, None)), Port("b", rank=(2, None)))
    is_layer: ClassVar[bool] = False

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        a, b = ins
        loose = c.loose(0), c.loose(1)
        if a.rank != b.rank and not (loose[1] if a.rank > b.rank else loose[0]):
            raise Reject(RankMismatch("@", str(a), str(b), (a.rank, b.rank)))
        inner = a.dims[-1], b.dims[-2]
        if met(c, *inner, any(loose)) is None:
            raise Reject(InnerMismatch(str(a), str(b), (str(inner[0]), str(inner[1]))))
        rank = max(a.rank, b.rank)
        dims: list[Size] = []
        names: list[Const | None] = []
        for axis in range(rank - 2):
            sides = [(x, axis - (rank - x.rank)) for x in (a, b) if axis >= rank - x.rank]
            sides = [(x, at) for x, at in sides if x.dims[at] != 1] or sides[:1]
            (x, at), size = sides[0], sides[0][0].dims[sides[0][1]]
            if len(sides) == 2:
                other = sides[1][0].dims[sides[1][1]]
                joined = met(c, size, other, any(loose))
                if joined is None:
                    raise Reject(ShapeMismatch("@", str(a), str(b), axis, (str(size), str(other))))
                size = joined
            dims.append(size)
            names.append(x.word(at))
        channel, split = self.channels(a, b, rank)
        dtype = promoted("@", a, b)
        return TensorType((*dims, a.dims[-2], b.dims[-1]), dtype, channel, (*names, a.word(-2), b.word(-1)), split)

    @staticmethod
    def channels(a: TensorType, b: TensorType, rank: int) -> tuple[int | None, tuple[int, ...]]:
        """The axis that holds the channels, or the axes of their parts: the columns of b, unless a has channels that
        are not summed over and b has none there. Of channels taken apart all parts are there, or none is known.
        """
        left, right = rank - a.rank, rank - b.rank
        if b.channel == b.rank - 1:
            return rank - 1, ()
        if b.split and b.rank - 2 not in b.split:
            return None, tuple(axis + right for axis in b.split)
        if a.channel is not None and a.channel != a.rank - 1:
            return a.channel + left, ()
        if a.split and a.rank - 1 not in a.split:
            return None, tuple(axis + left for axis in a.split)
        return None if (a.split or b.split) and b.rank > 2 else rank - 1, ()

    def macs(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (work((*outs[0].dims, ins[0].dims[-1])),)

    def saved(self, ins: Types, outs: Types) -> Saved:
        a, b = ins
        # aten/src/ATen/native/LinearAlgebra.cpp, should_fold: a batch of one meets a batch of many as a matrix does.
        alike = a.rank == b.rank == 3 and a.dims[0] != b.dims[0]
        if b.rank == 2 or (alike and b.dims[0] == 1):
            return Saved(inputs=(0, 1))
        if a.rank == 2 or (alike and a.dims[0] == 1):  # the transpose of b is flattened to rows
            rank = b.rank
            if flat(b.dims, [(*range(rank - 2), rank - 1), (rank - 2,)]):
                return Saved(inputs=(0, 1))
            return Saved(inputs=(0,), extra=(Held(1, b.dims, b.dtype),))
        batch = outs[0].dims[:-2]
        views, copies = [], []
        for index, x in enumerate(ins):
            first = len(batch) + 2 - x.rank
            own = (None,) * first + tuple(
                axis if x.dims[axis] == size else None for axis, size in enumerate(batch[first:])
            )
            axes = [axis for axis, size in zip(own, batch, strict=True) if size != 1]
            if flat(x.dims, [axes]):
                views.append(index)
            else:
                copies.append(Held(1, (*batch, *x.dims[-2:]), x.dtype))
        return Saved(inputs=tuple(views), extra=tuple(copies))

    def reach(self, ins: Types, outs: Types) -> Reach:
        a, b = ins
        return Pointwise() if b.rank == 2 and a.channel == a.rank - 1 else Global("`@`")

    def signal(self, ins: Types, outs: Types) -> Signal:
        a, b = ("abcdefgh"[8 - x.rank :] for x in ins)
        return Contracts((a[:-1] + "k", b[:-2] + "k" + "z"), "abcdefgh"[8 - outs[0].rank : -1] + "z")

    def torch(self, t: TorchContext) -> Form:
        return Form(function=PyInfix("@", In(0), In(1)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        sides = [converted(g, name, i.dtype, outs[0].dtype) for name, i in zip(x, ins, strict=True)]
        return str(g.op("MatMul", sides))


@op("einsum")
class Einsum(RecoversNothing, NoParams, Fresh, Op):
    """A sum of products by a pattern: letters name axes, those that are not in the result are summed over.

    Multiply-adds: tensors are joined from the left, two at a time; each join costs the product of its
    letters' extents. The channels of the last tensor whose channels are in the result stay channels; else the
    last axis is.

    ```dl
    net f on q[N, 8, 16, 64], k[N, 8, 16, 64]:
        einsum("nhqd,nhkd->nhqk", q, k) -> softmax(axis=-1)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("xs", rank=(1, None), many=True),)
    pattern: str = attr()

    def letters(self, ins: Types) -> tuple[list[str], str]:
        """The letters of each tensor and of the result. A Reject where they do not fit."""

        def reject(why: str) -> Reject:
            return Reject(EinsumPattern(self.pattern, why), at="pattern")

        text = self.pattern.replace(" ", "")
        sides = text.split("->")
        if len(sides) != 2:
            raise reject("it needs one `->`")
        operands, result = sides[0].split(","), sides[1]
        strange = [letter for letter in text.replace("->", ",") if not (letter.isascii() and letter.isalpha())]
        if set(strange) - {","}:
            raise reject(f"`{next(s for s in strange if s != ',')}` is no letter")
        if len(operands) != len(ins):
            raise reject(f"it names {len(operands)} tensors, but {len(ins)} are given")
        for letters, x in zip(operands, ins, strict=True):
            if len(set(letters)) != len(letters):
                raise reject(f"`{letters}` names an axis twice")
            if len(letters) != x.rank:
                raise reject(f"`{letters}` names {len(letters)} axes of {x}")
        if len(set(result)) != len(result):
            raise reject(f"`{result}` names an axis twice")
        new = [letter for letter in result if letter not in "".join(operands)]
        if new:
            raise reject(f"`{new[0]}` is only in the result")
        return operands, result

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        operands, result = self.letters(ins)
        size: dict[str, Size] = {}
        word: dict[str, Const | None] = {}
        for index, (letters, x) in enumerate(zip(operands, ins, strict=True)):
            for axis, letter in enumerate(letters):
                if letter in size:
                    joined = met(c, size[letter], x.dims[axis], c.loose(index))
                    if joined is None:
                        sizes = str(size[letter]), str(x.dims[axis])
                        raise Reject(EinsumSize(self.pattern, letter, sizes), at="pattern")
                    size[letter] = joined
                    word[letter] = word[letter] or x.word(axis)
                else:
                    size[letter], word[letter] = x.dims[axis], x.word(axis)
        dtype = ins[0].dtype
        for x in ins[1:]:
            dtype = promoted("einsum", TensorType(ins[0].dims, dtype), x)
        channel, split = self.channels(operands, result, ins)
        dims, names = tuple(size[letter] for letter in result), tuple(word[letter] for letter in result)
        return TensorType(dims, dtype, channel, names, split)

    @staticmethod
    def channels(operands: list[str], result: str, ins: Types) -> tuple[int | None, tuple[int, ...]]:
        """The axes of the result that are the channels of a tensor, the last that has all of them there; else the last,
        but where a tensor's channels were taken apart.
        """
        for letters, x in zip(reversed(operands), reversed(ins), strict=True):
            if x.channel is not None and letters[x.channel] in result:
                return result.index(letters[x.channel]), ()
            if x.split and all(letters[axis] in result for axis in x.split):
                return None, tuple(result.index(letters[axis]) for axis in x.split)
        return len(result) - 1 if result and not any(x.split for x in ins) else None, ()

    def extents(self, ins: Types) -> dict[str, Size]:
        """The size of each letter."""
        operands, _ = self.letters(ins)
        return {
            letter: x.dims[axis]
            for letters, x in zip(operands, ins, strict=True)
            for axis, letter in enumerate(letters)
        }

    def joins(self, ins: Types) -> Iterator[tuple[str, str, str]]:
        """The joins from the left: letters of both sides together, and those that a later join or the result reads."""
        operands, result = self.letters(ins)
        current = operands[0]
        for index, letters in enumerate(operands[1:], 1):
            together = current + "".join(letter for letter in letters if letter not in current)
            later = result + "".join(operands[index + 1 :])
            yield current, letters, later
            current = "".join(letter for letter in together if letter in later)

    def macs(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        size = self.extents(ins)
        together = (dict.fromkeys(left + right) for left, right, _ in self.joins(ins))
        return tuple(work(tuple(size[letter] for letter in letters)) for letters in together)

    def acts(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        size = self.extents(ins)
        kept = ([x for x in dict.fromkeys(left + right) if x in later] for left, right, later in self.joins(ins))
        return tuple(work(tuple(size[letter] for letter in letters)) for letters in kept)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        if len(ins) > 1 or ins[0].rank == outs[0].rank:
            return ()
        return work(ins[0].dims), Work(-1, outs[0].dims)  # sums alone, which are no products

    def saved(self, ins: Types, outs: Types) -> Saved:
        """Both sides of each join, as torch lays them out for a batch of matrix products.

        aten/src/ATen/native/Linear.cpp, einsum and sumproduct_pair: letters that only one side has and nobody reads
        later are summed first; then each side becomes (letters of both, its own, summed), a copy where that is no
        view of it. Without letters to sum the product is one by elements, which needs no copy.
        """
        size = self.extents(ins)
        _, result = self.letters(ins)
        order = [*result, *sorted(set(size) - set(result))]
        inputs: list[int] = []
        extra: list[Held] = []
        memory = ""  # the letters of the left side as they lie in memory, the slowest first
        dtype = outs[0].dtype
        for index, (left, right, later) in enumerate(self.joins(ins), 1):
            memory = memory or left
            summed = [x for x in order if x in left and x in right and x not in later]
            both = [x for x in order if x in left and x in right and x in later]
            own = [
                [x for x in order if x in a and x not in b and x in later] for a, b in ((left, right), (right, left))
            ]
            for side, (letters, mine) in enumerate(zip((memory, right), own, strict=True)):
                alive = [x for x in letters if x in both or x in mine or x in summed]
                groups = [[alive.index(x) for x in group] for group in (both, mine, summed)] if summed else []
                given = index if side else 0 if index == 1 else None
                if given is not None and len(alive) == len(letters) and flat([size[x] for x in alive], groups):
                    inputs.append(given)
                else:
                    extra.append(Held(1, tuple(size[x] for x in alive), dtype))
            memory = "".join([*both, *own[0], *own[1]])
        return Saved(tuple(inputs), extra=tuple(extra))

    def reach(self, ins: Types, outs: Types) -> Reach:
        operands, result = self.letters(ins)
        first = operands[0]
        if all(first[axis] in result for axis in spatial_axes(ins[0])) and (
            len(ins) == 1 or all(x.rank <= 2 for x in ins[1:])
        ):
            return Axes(tuple(first.index(letter) if letter in first else None for letter in result))
        return Global("einsum")

    def signal(self, ins: Types, outs: Types) -> Signal:
        operands, result = self.letters(ins)
        if len(operands) != 2:
            return NoSignal(
                "an einsum of other than two tensors has no rule: in which order it multiplies decides what is summed"
            )
        return Contracts(tuple(operands), result)

    def torch(self, t: TorchContext) -> Form:
        return Form(function=call("torch.einsum", t.attr("pattern"), *(In(i) for i in range(len(t.ins)))))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        dtype = held(outs[0].dtype)
        sides = [never_empty(g, converted(g, name, i.dtype, dtype), i.dims) for name, i in zip(x, ins, strict=True)]
        found = str(g.op("Einsum", sides, equation=self.pattern.replace(" ", "")))
        return converted(g, found, dtype, outs[0].dtype)
