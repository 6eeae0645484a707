"""What a report is made of: networks, the texts that they stand in, devices, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import product
from pathlib import Path

from dslc.analyse.shapes import Shapes
from dslc.analysis.compare import Comparison
from dslc.analysis.devices import DEVICES, Device
from dslc.analysis.sensitivity import Axis
from dslc.api import MAX_OPS, choose, compile_program, load_program
from dslc.backends.torch.emit import emit
from dslc.check import check_file, lint_model
from dslc.diagnostics.export import Key, diagnostic_record
from dslc.diagnostics.model import CompileError, Diagnostic, Sink
from dslc.elaborate.watch import Watch
from dslc.ir.model import Model
from dslc.lints.facts import NOTHING, Facts
from dslc.names.resolve import Program
from dslc.record import frozen
from dslc.reports.report.differences import differences
from dslc.reports.report.network import network_record
from dslc.source import Source
from dslc.sweep import values_of
from dslc.values.faces import value_text

Json = dict[str, object]

FIRST = "cpu-core"
"""The device that a page begins with where none is asked for."""


MOST = 64
"""Networks of one sweep, at most: each stands in the page."""


@frozen
class Asked:
    """A network that a report is to show: a file, one of its nets (none: all that have defaults), and what it is given.

    `point`: the values that it has in a sweep, by the axis, and `label`, which tells it from others of the same name;
    `base`: these are the values that it has without the sweep.
    """

    source: str | Path
    net: str | None = None
    args: Mapping[str, object] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    label: str = ""
    point: Mapping[str, object] = field(default_factory=dict)
    base: bool = False


@frozen
class Report:
    """The plain data of a page, the names of its networks, and the mistakes that it tells of."""

    document: Json
    names: tuple[str, ...]
    mistakes: tuple[Diagnostic, ...]

    @property
    def unread(self) -> bool:
        """Whether there is no text to show: nothing that was named can be read."""
        return not self.document["sources"]

    @property
    def title(self) -> str:
        """What the page is called."""
        return ", ".join(dict.fromkeys(self.names)) or "report"


def asked(
    files: Sequence[str | Path],
    net: str | None,
    args: Mapping[str, object],
    sizes: Mapping[str, int],
    axes: Sequence[Axis] = (),
) -> list[Asked]:
    """The networks that a command line names; of a sweep, one for each combination of its values.

    Raises `CompileError` where it names none.
    """
    if not axes:
        return [Asked(file, net, args, sizes) for file in dict.fromkeys(files)]
    (file,) = files
    sink = Sink()
    program = sink.finish(load_program(file, sink))
    chosen = choose(program, net, sink, {**args, **dict.fromkeys(name for axis in axes for name in axis.names)})
    default = without(program, chosen, args, sizes)
    found = []
    for values in product(*(axis.values for axis in axes)):
        own = {name: value for axis, value in zip(axes, values, strict=True) for name in axis.names}
        point = {axis.title: value_text(value) for axis, value in zip(axes, values, strict=True)}
        label = ", ".join(f"{name}={value}" for name, value in point.items())
        base = all(name in default and default[name] == value for name, value in own.items())
        found.append(Asked(file, chosen, {**args, **own}, sizes, label, point, base))
    return found


def without(program: Program, net: str, args: Mapping[str, object], sizes: Mapping[str, int]) -> dict[str, object]:
    """What a net's parameters are without a sweep; nothing where the net does not exist so."""
    try:
        return values_of(compile_program(program, net, args=args, sizes=sizes, max_ops=MAX_OPS))
    except CompileError:
        return {}


def report(asked: Sequence[Asked], *, max_ops: int, device: Device | None = None, facts: Facts = NOTHING) -> Report:
    """Everything of some networks; of what has mistakes, these, and the networks beside it."""
    sources: list[Source] = []
    nets: list[Json] = []
    partly: list[Json] = []
    mistakes: dict[Key, Diagnostic] = {}
    for one in asked:
        args, sizes = dict(one.args), dict(one.sizes)
        watch = Watch()
        found = check_file(one.source, one.net, args=args, sizes=sizes, max_ops=max_ops, facts=facts, watch=watch)
        mistakes |= {each.key: each for each in found.errors}
        for name, seen in watch.nets.items():
            if seen.elaborated is not None:
                own = {"label": one.label, "point": dict(one.point), "base": one.base}
                nets.append({**shown(seen.elaborated, sources, facts), **own})
            elif found.program is not None and found.program.main is not None:
                partly.append(known_lines(name, Shapes(seen), found.program.main.tree.source, sources))
    for each in mistakes.values():
        if each.span.source.kind == "text" and each.span.source not in sources:
            sources.append(each.span.source)
    document: Json = {
        "version": 1,
        "nets": nets,
        "partly": partly,
        "problems": [diagnostic_record(each) for each in mistakes.values()],
        **around(sources, device),
    }
    return Report(document, tuple(str(net["name"]) for net in nets), tuple(mistakes.values()))


def difference(comparison: Comparison, device: Device | None = None) -> Json:
    """The plain data of a page that shows two networks beside each other."""
    sources: list[Source] = []
    a, b = (network_record(n.model, emit(n.model), sources, []) for n in (comparison.a, comparison.b))
    return {"version": 1, "nets": [a, b], "diff": differences(comparison, a, b), **around(sources, device)}


def around(sources: Sequence[Source], device: Device | None) -> Json:
    """What is not of one network: the devices, the one that is asked for first, and the texts."""
    first = device or DEVICES[FIRST]
    devices = [first, *(each for each in DEVICES.values() if each != first)]
    return {
        "devices": [device_record(each) for each in devices],
        "sources": [{"path": source.shown, "text": source.text} for source in sources],
    }


def shown(model: Model, sources: list[Source], facts: Facts) -> Json:
    """A network with its module and what all rules say of it."""
    return network_record(model, emit(model), sources, lint_model(model, facts).diagnostics)


def known_lines(name: str, shapes: Shapes, source: Source, sources: list[Source]) -> Json:
    """What lines of a network with mistakes make, as far as that is known."""
    if source not in sources:
        sources.append(source)
    lines = {
        line.span.source.position(line.span.end)[0]: ", ".join(each.words or each.default for each in made)
        for line, made in shapes.lines(source.path)
        if all(each.known for each in made)
    }
    return {"name": name, "source": sources.index(source), "lines": lines}


def device_record(device: Device) -> Json:
    """A machine's rates."""
    return {
        "name": device.name,
        "title": device.title,
        "peaks": dict(device.peaks),
        "bandwidth": device.bandwidth,
        "near": device.near,
    }
