"""Axes moved, split, merged, reduced and repeated by patterns that are checked at compile time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops import words
from dslc.ops.base import (
    Axes,
    Global,
    Graph,
    InferContext,
    NoMacs,
    NoParams,
    Op,
    Port,
    Reach,
    Types,
    Upsample,
    Window,
    Work,
    attr,
    op,
)
from dslc.ops.counting import FRESH, NOTHING, SAME, STRIDED, Held, Kind, Moves, Saved, SavesNothing, Storage
from dslc.ops.errors_axis import PatternLetters
from dslc.ops.layout import PERMUTE, check_sizes, spatial_axes
from dslc.ops.pattern import Divide, Group, Reading, apply, read
from dslc.ops.recovery import RecoversNothing
from dslc.ops.signals import Keeps, NoSignal, Pools, Signal
from dslc.ops.torchtext import Arg, Form, In, PyCall, PyExpr, TorchContext, call, keyword, sequence
from dslc.types.const import Const
from dslc.types.dim import Size, product
from dslc.types.tensor import TensorType

PLACE_LETTERS = ("h", "w", "height", "width")
"""What nobody calls channels in a pattern that calls another axis `c`."""


class Patterned(RecoversNothing, NoParams, NoMacs, Op):
    """What ops with a pattern share."""

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(1, None), dtype="any"),)
    extra: ClassVar[str | None] = "sizes"
    pattern: str = attr()
    sizes: tuple[tuple[str, Const], ...] = attr((), symbolic=True)

    def reading(self, x: TensorType, c: InferContext | None = None) -> Reading:
        """The pattern on a tensor. With a context, sizes that depend on the input are checked."""
        divide = None if c is None else Divide(c.divide, c.equal)
        return apply(self.name, self.pattern, x, self.sizes, divide)

    def check(self) -> None:
        read(self.name, self.pattern)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        for name, size in self.sizes:
            check_sizes(c, self.name, [words.size_of(size)], at=name)
        self.check_letters(x)
        return self.reading(x, c).result_type(x)

    def check_letters(self, x: TensorType) -> None:
        """A Reject where the channels are called `h` or `w`, and another axis `c`."""
        sides = read(self.name, self.pattern)
        if x.channel is None or len(sides.left) != x.rank:
            return
        letters = [group[0].lower() if len(group) == 1 else "" for group in sides.left]
        if letters[x.channel] not in PLACE_LETTERS or letters.count("c") != 1:
            return
        named = letters.index("c")
        groups = [group for axis, group in enumerate(sides.left) if axis != named]
        groups.insert(x.channel, sides.left[named])
        left = " ".join(group[0] if len(group) == 1 else f"({' '.join(group)})" if group else "1" for group in groups)
        meant = f"{left} -> {sides.text[1]}"
        letter = sides.left[x.channel][0]
        raise Reject(PatternLetters(self.pattern, x, x.channel, named, letter, meant), at="pattern")


# ---- steps in PyTorch


class Steps:
    """A chain of tensor methods; axes are named by atoms, so each step finds its own numbers."""

    def __init__(self, t: TorchContext, reading: Reading) -> None:
        self.t = t
        self.reading = reading
        self.value: PyExpr = In(0)
        self.axes: list[Group] = list(reading.left)  # what the axes are by now; an empty group has size 1
        self.modules: list[PyCall | None] = []  # per step: a module that does it

    def method(self, name: str, *args: Const | str | PyExpr) -> None:
        self.value = call(name, *args, receiver=self.value)

    def number(self, value: object) -> Const:
        return self.t.const(value)

    def split(self) -> None:
        """Take groups apart, the last first, so that the numbers of the others stay."""
        for axis in reversed(range(len(self.axes))):
            group = self.axes[axis]
            if len(group) > 1:
                sizes = [self.factor(atom) for atom in group]
                self.method("unflatten", self.number(axis), sequence(sizes, "("))
                self.modules.append(call("nn.Unflatten", self.number(axis), sequence(sizes, "(")))
                self.axes[axis : axis + 1] = [(atom,) for atom in group]

    def factor(self, atom: str) -> Const | str:
        """The size of an atom: as given, else -1, which is text as which of them is left out is the pattern's."""
        return "-1" if atom in self.reading.inferred else self.reading.given[atom]

    def squeeze(self) -> None:
        """Drop axes of size 1 that have no atom."""
        empty = [axis for axis, group in enumerate(self.axes) if not group]
        if empty:
            number = empty[0] if len(empty) == 1 else tuple(empty)
            self.method("squeeze", self.number(number))
            self.modules.append(None)
            self.axes = [group for group in self.axes if group]

    def permute(self, target: Sequence[Group]) -> None:
        """Order the axes as in `target`; as text, so that another order makes another class."""
        order = tuple(self.axes.index(group) for group in target)
        moved = [i for i, axis in enumerate(order) if i != axis]
        if not moved:
            return
        if len(moved) == 2:
            self.method("transpose", *map(str, moved))
        else:
            self.method("permute", *map(str, order))
        self.modules.append(call("Permute", *map(str, order)))
        self.axes = list(target)

    def merge(self, groups: Sequence[Group]) -> None:
        """Make each group, whose atoms stand side by side, one axis; the last first."""
        for group in reversed([g for g in groups if len(g) > 1 and g not in self.axes]):
            first = self.axes.index((group[0],))
            last = first + len(group) - 1
            start, end = self.number(first), self.number(-1 if last == len(self.axes) - 1 else last)
            self.value = call("flatten", start, Arg(end, None, -1), receiver=self.value)
            span = keyword("start_dim", start, 1), keyword("end_dim", end, -1)
            self.modules.append(call("nn.Flatten", *span))
            self.axes[first : last + 1] = [group]

    def unsqueeze(self, target: Sequence[Group]) -> None:
        """Add the axes of size 1 that `target` has."""
        for axis, group in enumerate(target):
            if not group:
                self.method("unsqueeze", self.number(axis))
                self.modules.append(None)
                self.axes.insert(axis, ())

    def form(self) -> Form:
        module = self.modules[0] if len(self.modules) == 1 else None
        if module is None or module.function != "Permute":
            return Form(module=module, function=self.value)
        return Form(module, self.value, helpers=(self.t.helper("Permute", PERMUTE),))


def adjacent(groups: Sequence[Group], atoms: Sequence[str]) -> bool:
    """Whether the atoms of each group stand side by side, in order, in a list of atoms."""
    return all(tuple(atoms[atoms.index(g[0]) :][: len(g)]) == g for g in groups if g)


def moves(source: Sequence[Group], target: Sequence[Group]) -> int:
    """How much a permutation asks of a reader: nothing, an exchange, or a list of axes."""
    moved = sum(a != b for a, b in zip(source, target, strict=True))
    return 0 if not moved else 1 if moved == 2 else 2


def arrange(steps: Steps, target: Sequence[Group]) -> None:
    """The shortest of: merge, move; take apart, move, merge; move, take apart, merge."""
    source = [group for group in steps.axes if group]
    groups = [group for group in target if group]
    atoms = [atom for group in source for atom in group]
    result = [atom for group in groups for atom in group]
    plans = [(moves([(a,) for a in atoms], [(a,) for a in result]), 1)]
    by_source = sorted(groups, key=lambda group: atoms.index(group[0]))
    by_result = sorted(source, key=lambda group: result.index(group[0]))
    if adjacent(groups, atoms):
        plans.append((moves(by_source, groups), 0))
    if adjacent(source, result):
        plans.append((moves(source, by_result), 2))
    plan = min(plans)[1]
    if plan == 2:
        steps.squeeze()
        steps.permute(by_result)
    steps.split()
    steps.squeeze()
    if plan == 0:
        steps.merge(groups)
        steps.permute(groups)
    elif plan == 1:
        steps.permute([(atom,) for atom in result])
    steps.merge(groups)
    steps.unsqueeze(target)


def storage_of(reading: Reading, source: Sequence[str], target: Sequence[Group]) -> Storage:
    """Where a tensor with the axes `source` lies once `arrange` has made them the groups `target`.

    Atoms of `target` that `source` lacks are axes that `expand` repeats. A group is one axis of a view where its atoms
    stand side by side in memory; else `flatten` copies. An atom of size 1 may stand anywhere.
    """
    old = [atom for atom in source if reading.size[atom] != 1]
    groups = [[atom for atom in group if reading.size[atom] != 1] for group in target]
    place = {atom: number for number, atom in enumerate(old)}
    result = [atom for group in groups for atom in group]
    if result == old:
        return SAME
    for group in groups:
        for a, b in pairwise(group):
            beside = place[b] == place[a] + 1 if a in place and b in place else a not in place and b not in place
            if not beside:
                return FRESH
    return STRIDED


# ---- nodes in ONNX


def split_atoms(g: Graph, name: str, x: TensorType, reading: Reading) -> str:
    """The tensor with one axis for each atom."""
    if all(len(group) == 1 for group in reading.left):
        return name
    return g.reshape(name, x.dims, sizes_of(reading, reading.atoms))


def moved_and_merged(g: Graph, name: str, atoms: Sequence[str], reading: Reading, out: TensorType) -> str:
    """Axes named by `atoms` put in the order of the result and merged into its groups."""
    result = reading.result
    if tuple(atoms) != result:
        name = str(g.op("Transpose", [name], perm=tuple(atoms.index(atom) for atom in result)))
    if all(len(group) == 1 for group in reading.right):
        return name
    return g.reshape(name, sizes_of(reading, result), out.dims)


def sizes_of(reading: Reading, atoms: Sequence[str]) -> tuple[Size, ...]:
    return tuple(reading.size[atom] for atom in atoms)


# ---- the ops


@op("rearrange")
class Rearrange(Moves, SavesNothing, Patterned):
    """Axes moved, split and merged by a pattern: `"n t (h d) -> n h t d"`. No element is lost or repeated.

    Axes in one bracket are one axis of the tensor, the last of them the fastest; all but one need a size,
    given as an argument. `1` is an axis of size 1, `...` stands for axes that stay. The channels go with the
    last factor of their axis. The notation is that of einops (Rogozhnikov, ICLR 2022).

    ```dl
    net f on x[N, 16, 192]:
        rearrange("n t (three h d) -> three n h t d", three=3, h=4)
        q, k, v = unbind(0)
        sdpa(q, k, v) -> rearrange("n h t d -> n t (h d)")
    ```
    """

    def storage(self, ins: Types, outs: Types) -> Storage:
        reading = self.reading(ins[0])
        return storage_of(reading, reading.atoms, reading.right)

    def reach(self, ins: Types, outs: Types) -> Reach:
        reading = self.reading(ins[0])
        source = tuple(map(reading.source_axis, reading.right))
        return Axes(source, reading.splits_places(ins[0]), moves=reading.moves)

    def torch(self, t: TorchContext) -> Form:
        reading = self.reading(t.ins[0])
        steps = Steps(t, reading)
        arrange(steps, reading.right)
        return steps.form()

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        reading = self.reading(ins[0])
        name = split_atoms(g, x[0], ins[0], reading)
        return moved_and_merged(g, name, reading.atoms, reading, outs[0])


@op("reduce")
class Reduce(Patterned):
    """Axes that are only on the left of a pattern reduced by `mean`, `sum`, `max`, `min` or `prod`.

    `"n c (h 2) .."` is no size: name the factor and give it, `reduce("n c (h a) w -> n c h w", "max", a=2)`.

    ```dl
    net f on x[N, 64, 8, 8]:
        reduce("n c h w -> n c", "mean") -> linear(10)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(1, None)),)
    how: str = attr(choices=("mean", "sum", "max", "min", "prod"))

    def dropped(self, reading: Reading) -> tuple[int, ...]:
        """The atoms that are reduced, by number."""
        return tuple(i for i, atom in enumerate(reading.atoms) if atom not in reading.result)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        reading = self.reading(ins[0])
        lost = self.dropped(reading)
        if not lost:
            return ()
        if self.how == "mean":  # n - 1 additions and a division for each mean of n
            return (Work(1, ins[0].dims),)
        n = product(reading.size[reading.atoms[i]] for i in lost)
        return (Work(1, (n - 1, *outs[0].dims)),)

    def storage(self, ins: Types, outs: Types) -> Storage:
        reading = self.reading(ins[0])
        if not self.dropped(reading):
            return storage_of(reading, reading.atoms, reading.right)
        moved = self.moved(reading).kind is not Kind.SAME
        return Storage(Kind.FRESH, (Held(1, outs[0].dims, outs[0].dtype),) if moved else ())

    def moved(self, reading: Reading) -> Storage:
        """Where the result lies beside the tensor that is reduced, whose axes are still in the order of the input."""
        kept = [atom for atom in reading.atoms if atom in reading.result]
        return storage_of(reading, kept, reading.right)

    def saved(self, ins: Types, outs: Types) -> Saved:
        reading = self.reading(ins[0])
        lost = self.dropped(reading)
        if not lost or self.how in ("mean", "sum"):
            return NOTHING
        steps = lost if self.how == "prod" else lost[:1]  # torch multiplies along one axis after another
        sizes = {i: reading.size[atom] for i, atom in enumerate(reading.atoms)}
        extra = []
        for axis in reversed(steps[1:]):
            del sizes[axis]
            extra.append(Held(1, tuple(sizes.values()), outs[0].dtype))
        if self.moved(reading).kind is Kind.FRESH:
            return Saved((0,), (), (*extra, Held(1, outs[0].dims, outs[0].dtype)))
        return Saved((0,), (0,), tuple(extra))

    def reach(self, ins: Types, outs: Types) -> Reach:
        x, reading = ins[0], self.reading(ins[0])
        places = spatial_axes(x)
        lost = [reading.atoms[i] for i in self.dropped(reading)]
        if not any(atom in lost for axis in places for atom in reading.left[axis]):
            return Axes(tuple(map(reading.source_axis, reading.right)), reading.splits_places(x))
        kept = tuple(tuple(atom for atom in group if atom not in lost) for group in reading.left)
        pooled = all(group[-1:] == (atom,) for atom in lost for group in reading.left if atom in group)
        if x.channel == 1 and pooled and kept == reading.right and all(map(len, kept)):
            sizes = [reading.size[group[-1]] if group[-1] in lost else 1 for group in reading.left[2:]]
            if all(isinstance(size, int) for size in sizes):
                kernel = tuple(size for size in sizes if isinstance(size, int))
                return Window(kernel, kernel, (0,) * len(kernel), (1,) * len(kernel))
        return Global(f"{self.how} by `reduce`")

    def signal(self, ins: Types, outs: Types) -> Signal:
        if self.how == "prod":
            return NoSignal("a product over places or channels has no rule")
        how, sign = ("max" if self.how in ("max", "min") else self.how), (-1 if self.how == "min" else 1)
        reading = self.reading(ins[0])
        lost = [reading.atoms[i] for i in self.dropped(reading)]
        if not lost:
            return Keeps() if self.moved(reading).kind is Kind.SAME else Keeps(mixed=True)
        whole = [axis for axis, group in enumerate(reading.left) if group and all(atom in lost for atom in group)]
        axes = {atom for axis in whole for atom in reading.left[axis]}
        kept = [group for axis, group in enumerate(reading.left) if axis not in whole]
        rest = [group for group in reading.right if group]
        if all(atom in axes for atom in lost) and [g for g in kept if g] == rest:
            return Pools(how, axes=tuple(whole), sign=sign)
        reach = self.reach(ins, outs)
        if isinstance(reach, Window) and ins[0].channel == 1:
            window = tuple((k, s, 0, 0, 1) for k, s in zip(reach.kernel, reach.stride, strict=True))
            return Pools(how, window=window, sign=sign)
        return NoSignal("a reduction of parts of axes that come in another order has no rule")

    def torch(self, t: TorchContext) -> Form:
        reading = self.reading(t.ins[0])
        steps = Steps(t, reading)
        steps.split()
        steps.squeeze()
        lost = [i for i, (atom,) in enumerate(steps.axes) if atom not in reading.result]
        method = {"max": "amax", "min": "amin"}.get(self.how, self.how)
        if self.how == "prod":
            for axis in reversed(lost):
                steps.method("prod", steps.number(axis))
        elif lost:
            steps.method(method, steps.number(lost[0] if len(lost) == 1 else tuple(lost)))
        steps.modules.append(None)
        steps.axes = [group for i, group in enumerate(steps.axes) if i not in lost]
        arrange(steps, reading.right)
        return steps.form()

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        reading = self.reading(ins[0])
        name = split_atoms(g, x[0], ins[0], reading)
        lost = self.dropped(reading)
        if lost:
            kind = f"Reduce{self.how.capitalize()}"
            name = str(g.op(kind, [name, g.ints(lost)], keepdims=0))
        atoms = tuple(atom for atom in reading.atoms if atom in reading.result)
        return moved_and_merged(g, name, atoms, reading, outs[0])


@op("repeat")
class Repeat(Moves, SavesNothing, Patterned):
    """Elements repeated along axes that are only on the right of a pattern; their sizes are arguments.

    ```dl
    net f on x[N, 64, 8, 8]:
        repeat("n c h w -> n c (h a) (w b)", a=2, b=2)
    ```
    """

    def storage(self, ins: Types, outs: Types) -> Storage:
        reading = self.reading(ins[0])
        return storage_of(reading, reading.atoms, reading.right)

    def reach(self, ins: Types, outs: Types) -> Reach:
        x, reading = ins[0], self.reading(ins[0])
        old = tuple(tuple(atom for atom in group if atom in reading.atoms) for group in reading.right)
        if x.channel == 1 and old == reading.left and all(map(len, old)):
            factors = self.factors(reading)[2:]
            if all(factor is not None for factor in factors):
                return Upsample(tuple(float(factor) for factor in factors if factor), nearest=True)
        return Axes(tuple(map(reading.source_axis, old)), reading.splits_places(x))

    def factors(self, reading: Reading) -> list[int | None]:
        """How often each axis of the result repeats its elements side by side; none if otherwise."""
        found: list[int | None] = []
        for group in reading.right:
            new = [atom for atom in group if atom not in reading.atoms]
            sizes = [reading.size[atom] for atom in new]
            last = group[len(group) - len(new) :] == tuple(new)
            whole = product(sizes)
            found.append(whole if last and isinstance(whole, int) else None)
        return found

    def torch(self, t: TorchContext) -> Form:
        reading = self.reading(t.ins[0])
        steps = Steps(t, reading)
        old = [(atom,) for atom in reading.result if atom in reading.atoms]
        arrange(steps, old)
        target = [(atom,) for atom in reading.result]
        for axis, group in enumerate(target):
            if group not in old:
                steps.method("unsqueeze", steps.number(axis))
        new = [steps.number(-1) if group in old else reading.given[group[0]] for group in target]
        if len(target) > len(old):
            steps.method("expand", *new)
            steps.modules += [None, None]
        steps.axes = list(target)
        steps.merge([group for group in reading.right if group])
        steps.unsqueeze(reading.right)
        return steps.form()

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        reading = self.reading(ins[0])
        name = split_atoms(g, x[0], ins[0], reading)
        old = tuple(atom for atom in reading.result if atom in reading.atoms)
        if old != reading.atoms:
            name = str(g.op("Transpose", [name], perm=tuple(reading.atoms.index(atom) for atom in old)))
        new = [i for i, atom in enumerate(reading.result) if atom not in old]
        if new:
            name = str(g.op("Unsqueeze", [name, g.ints(new)]))
            sizes = [1 if atom in old else reading.size[atom] for atom in reading.result]
            name = str(g.op("Expand", [name, g.extents(sizes, x[0])]))
        return moved_and_merged(g, name, reading.result, reading, outs[0])
