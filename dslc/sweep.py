"""A net at many values of its parameters and sizes: each combination compiled, and its numbers collected."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path

from dslc.analysis.metrics import QUANTITIES
from dslc.analysis.quantities import Numbers
from dslc.analysis.sensitivity import Axis, Point, Sweep, magnitude
from dslc.api import MAX_OPS, _parameters, choose, compile_program, load_program
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import CompileError, Severity, Sink
from dslc.diagnostics.place import assigned, given
from dslc.ir.model import Model
from dslc.names.errors_given import OutsideNumber, UnknownAxis
from dslc.types.const import Const
from dslc.values.faces import value_text

COLLECT = 32
"""Networks after which what they left is collected: the command line runs without automatic collection."""


def sweep(
    source: str | Path,
    net: str | None,
    axes: Sequence[Axis],
    *,
    args: Mapping[str, object] | None = None,
    sizes: Mapping[str, int] | None = None,
    max_ops: int = MAX_OPS,
    begun: Callable[[str], None] | None = None,
) -> Sweep:
    """All combinations of the axes' values, and each axis alone around the base.

    The base is the net with `args` and `sizes` and its defaults; where that does not exist (a parameter has no default)
    it is the first combination that does. A combination that the net refuses is kept as a point that says why. Raises
    `CompileError` for a program that cannot be read, for a name that is neither a parameter nor a size, and where every
    combination is refused. `begun` is told of each combination of the axes' values before it is compiled.
    """
    nets = Nets(source, net, axes, args or {}, sizes or {}, max_ops)
    base = nets.default()
    points = []
    for at in product(*(axis.values for axis in axes)):
        if begun is not None:
            begun(", ".join(f"{axis.title}={value_text(value)}" for axis, value in zip(axes, at, strict=True)))
        points.append(nets.point(at))
    if all(point.refused for point in points):
        raise nets.errors[0]
    if base is None:
        base = next(point for point in points if not point.refused)
    alone = tuple(nets.along(index, base) for index in range(len(axes)))
    return Sweep(nets.net, nets.path, tuple(axes), base, tuple(points), alone)


class Nets:
    """The networks that one net gives, each compiled and measured once."""

    def __init__(
        self,
        source: str | Path,
        net: str | None,
        axes: Sequence[Axis],
        args: Mapping[str, object],
        sizes: Mapping[str, int],
        max_ops: int,
    ) -> None:
        self.source, self.axes, self.args, self.sizes = source, axes, args, sizes
        self.max_ops = max_ops
        sink = Sink()
        program = self.program = sink.finish(load_program(source, sink))
        self.net = choose(program, net, sink, {**args, **dict.fromkeys(n for axis in axes for n in axis.names)})
        assert program.main is not None
        self.path = program.main.tree.source.path
        self.parameters, _ = _parameters(program.main.scope.names[self.net])
        self.known: dict[str, Point] = {}
        self.defaults: dict[str, object] = {}  # of the swept names; empty where the base is one of the points
        self.errors: list[CompileError] = []

    def default(self) -> Point | None:
        """The net as it is without the sweep; none where it does not exist. Raises `CompileError` for unknown names."""
        try:
            model = self.model({})
        except CompileError:
            return None
        values = values_of(model)
        sink = Sink()
        for name in (name for axis in self.axes for name in axis.names if name not in values):
            known = (tuple(self.parameters), tuple(sizes_of(model)))
            sink.add(UnknownAxis(self.net, name, *known, nearest(name, values)).at(given("axes", name)))
        sink.finish(None)
        at = []
        for axis in self.axes:
            own = [values[name] for name in axis.names]
            at.append(own[0] if all(value == own[0] for value in own) else "/".join(map(value_text, own)))
            self.defaults.update(zip(axis.names, own, strict=True))
        return self.measured(tuple(at), model)

    def point(self, at: tuple[object, ...], only: int | None = None) -> Point:
        """The network with one value per axis; with `only`, all axes but that one are at their defaults."""
        own = [(axis, value) for k, (axis, value) in enumerate(zip(self.axes, at, strict=True)) if only in (None, k)]
        setting = {name: value for axis, value in own for name in axis.names}
        key = repr({**self.defaults, **setting})
        if key not in self.known:
            try:
                self.known[key] = self.measured(at, self.model(setting))
            except CompileError as error:
                self.errors.append(error)
                self.known[key] = Point(at, {}, {}, reason(error))
            if len(self.known) % COLLECT == 0:
                gc.collect()
        return self.known[key]

    def along(self, index: int, base: Point) -> tuple[Point, ...]:
        """The base and the networks that differ from it along one axis, by rising value; none of words and lists."""
        found = {}
        for value in self.axes[index].values:
            if magnitude(value) is not None:
                at = (*base.at[:index], value, *base.at[index + 1 :])
                point = self.point(at, index if self.defaults else None)
                if not point.refused:
                    found[magnitude(value)] = point
        here = magnitude(base.at[index])
        if found and here is not None:
            found[here] = base
        return tuple(found[key] for key in sorted(key for key in found if key is not None))

    def model(self, setting: Mapping[str, object]) -> Model:
        """The net with these parameters and sizes beside those given. Raises `CompileError`."""
        args = {name: value for name, value in setting.items() if name in self.parameters}
        sink = Sink()
        sizes = {}
        for name, value in setting.items():
            if name in args:
                continue
            if isinstance(value, bool) or not isinstance(value, int):
                mistake = OutsideNumber(name, value_text(value), "is not a size: it is a whole number")
                sink.add(mistake.at(assigned("axes", name, value)))
                continue
            sizes[name] = value
        sink.finish(None)
        return compile_program(
            self.program,
            self.net,
            args={**self.args, **args},
            sizes={**self.sizes, **sizes},
            max_ops=self.max_ops,
        )

    def measured(self, at: tuple[object, ...], model: Model) -> Point:
        """A network's quantities."""
        numbers = Numbers(model)
        values = {name: quantity.value(numbers) for name, quantity in QUANTITIES.items()}
        gaps = {name: quantity.gap(numbers) for name, quantity in QUANTITIES.items()}
        return Point(at, values, {name: gap for name, gap in gaps.items() if gap})


def reason(error: CompileError) -> str:
    """The first line of what the compiler says: `E0304: conv cannot split 90 channels into 8 groups`."""
    first = next(d for d in error.diagnostics if d.severity is Severity.ERROR)
    return f"{first.code}: {first.message}"


# ---- what a net's parameters and sizes are


def sizes_of(model: Model) -> dict[str, int]:
    """The named sizes of a net's inputs, those that a weight pins too."""
    return {**model.sizes.default, **{name: pin.value for name, pin in model.sizes.pins.items()}}


def values_of(model: Model) -> dict[str, object]:
    """Every parameter and size of a network by name; a parameter that is a layer is the text that gives it."""
    params = {**model.root.args, **model.entry_args}
    return {**sizes_of(model), **{name: plain(const) for name, const in params.items()}}


def plain(value: object) -> object:
    """A constant as a plain value."""
    if isinstance(value, Const):
        found = plain(value.value)
        return found if is_plain(found) else value.span.text
    if isinstance(value, list | tuple):
        return type(value)(plain(item) for item in value)
    return value


def is_plain(value: object) -> bool:
    """Whether a value can be written on the command line."""
    if isinstance(value, list | tuple):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str)
