"""Parts of the report that are there only when they are asked for, each as lines of text and as a record for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dslc.diagnostics.model import Severity
from dslc.record import frozen
from dslc.reports.stats import Stats

if TYPE_CHECKING:
    from dslc.diagnostics.levels import Levels
    from dslc.lints.facts import Facts

Json = dict[str, object]


@frozen
class Section:
    """A part of the report: its key in the JSON document, its lines, its record."""

    name: str
    lines: tuple[str, ...]
    record: object


def lints_section(stats: Stats, facts: Facts, levels: Levels) -> Section:
    """How many suspicions there are, but for those of rules about signals."""
    from dslc.suspicions import suspicions

    one = stats if stats.batch == 1 and stats.inplace else None
    found = suspicions(stats.model, facts, levels, numbers=one)
    counts = Counter(d.severity for d in found)
    words = [(s.value, counts[s]) for s in Severity if counts[s]]
    said = ", ".join(f"{count} {word}{'s' * (count > 1)}" for word, count in words)
    lines = (f"lints   {said}: `dslc lint` says which",) if found else ()
    record = {**{f"{s.value}s": counts[s] for s in Severity}, "codes": dict(Counter(d.code for d in found))}
    return Section("lints", lines, record)


def training_section(
    stats: Stats, batch: int, fit: int | None, optimizers: Sequence[str], precisions: Sequence[str]
) -> Section:
    """Memory of training by optimiser and precision, and the largest batch that `fit` bytes hold."""
    from dslc.reports.training import training_lines, training_record

    chosen = {"optimizers": tuple(optimizers), "precisions": tuple(precisions)}
    lines = training_lines(stats.training, batch=batch, fit=fit, **chosen)
    return Section("training", tuple(lines), training_record(stats.training, batch=batch, fit=fit, **chosen))


def bridge_section(stats: Stats, tool: str) -> Section:
    """What another tool counts, item by item."""
    from dslc.analysis.conventions import bridge
    from dslc.reports.conventions import bridge_lines, bridge_record

    found = bridge(stats.model, stats.flat, stats.cost, tool)
    return Section("bridge", tuple(bridge_lines(found)), bridge_record(found))


def roofline_section(stats: Stats) -> Section:
    """The least time on the device that the statistics are for."""
    from dslc.reports.roofline import roofline_lines, roofline_record

    assert stats.roofline is not None, "no device"
    return Section("roofline", tuple(roofline_lines(stats.roofline)), roofline_record(stats.roofline))


def sizes_section(stats: Stats) -> Section:
    """Which input sizes are allowed, and which of them waste work."""
    from dslc.analysis.sizes import input_sizes
    from dslc.reports.sizes import size_lines, size_records

    facts = input_sizes(stats.model, stats.flat, stats.cost.terms)
    return Section("input_sizes", tuple(size_lines(facts)), size_records(facts))


def pairs_section(stats: Stats) -> Section:
    """The receptive field of every result in every input, axis by axis, with the part of it that is really read."""
    from dslc.analysis.density import densities
    from dslc.analysis.paths import pairs
    from dslc.reports.pairs import pair_lines, pair_records

    found = list(pairs(stats.model, stats.flat, stats.fields))
    dense = densities(stats.model, stats.flat, [value for _, value in stats.flat.outputs])
    parts = {
        (d.input, d.axis, number): d
        for number, (_, value) in enumerate(stats.flat.outputs)
        for d in dense.get(value, ())
    }
    densities_of = [parts.get((pair.input, pair.axis, pair.output)) for pair in found]
    return Section("pairs", tuple(pair_lines(found, densities_of)), pair_records(found, densities_of))
