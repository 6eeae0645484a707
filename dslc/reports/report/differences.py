"""What changed between two networks of a page, as plain data: by the numbers of their rows."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.analysis.changes import Change
from dslc.analysis.compare import Comparison
from dslc.diagnostics.export import diagnostic_record
from dslc.diagnostics.model import Diagnostic
from dslc.reports.diff import lint_text, sides, weight_lines
from dslc.reports.diff_rows import Folder, Row, fields, output, title, what

Json = dict[str, object]
Rows = tuple[dict[str, int], dict[str, int]]
"""The number of a row by its path, in the first network and in the second."""


def differences(comparison: Comparison, a: Json, b: Json) -> Json:
    """What became of every layer, and of the networks as a whole. `a`, `b`: records of the networks.

    `changes` has every layer of both in program order: status, row in the first, row in the second (none: it is not
    there), words of what changed, and what is `inside` a part that came or went around layers that stayed. `rows` are
    the lines of `dslc diff`: each names the changes that it stands for.
    """
    rows = (numbered(a), numbered(b))
    found = [change for change in comparison.root if change is not comparison.root]
    number = {change: i for i, change in enumerate(found)}
    lines = [line for line in Folder().rows(comparison) if comparison.root not in line.changes]
    record = {change: change_record(change, rows) for change in found}
    for change in found:
        if change.shell:
            record[change]["inside"] = [number[child] for child in change.children]
    return {
        "paths": list(dict.fromkeys(each.model.source.shown for each in (comparison.a, comparison.b))),
        "sides": list(sides(comparison)),
        "differ": comparison.differ,
        "changes": list(record.values()),
        "rows": [row_record(line, number) for line in lines],
        "facts": [[fact.name, fact.a, fact.b] for fact in comparison.facts if fact.a != fact.b],
        "weights": {"load": comparison.weights.load, "words": weight_lines(comparison.weights, *sides(comparison))},
        "appeared": notes(comparison.appeared),
        "gone": notes(comparison.gone),
    }


def numbered(record: Json) -> dict[str, int]:
    """The numbers of a network's rows by path."""
    rows = record["rows"]
    assert isinstance(rows, list)
    return {row["path"]: i for i, row in enumerate(rows)}


def change_record(change: Change, rows: Rows) -> Json:
    """One layer of one network or of both."""
    a, b = (
        None if layer is None else known.get(layer.path)
        for layer, known in zip((change.a, change.b), rows, strict=True)
    )
    found: Json = {"status": change.status.value, "a": a, "b": b}
    if change.differs:
        found["words"] = what(change)
        found["edits"] = [[edit.name, edit.old, edit.new] for edit in change.edits]
        if change.renamed or change.moved:
            found["named"] = title(change)
    if change.a is not None and change.b is not None:
        for name, text, old in (("output", output(change), change.a.outs), ("field", fields(change), None)):
            if text and (old is None or old != change.b.outs):
                found[name] = text
    return found


def row_record(row: Row, number: dict[Change, int]) -> Json:
    """A line of the table: the page computes its numbers from the changes."""
    return {
        "mark": row.mark,
        "depth": row.depth,
        "name": row.name,
        "what": row.what,
        "output": row.output,
        "field": row.field,
        "times": row.times,
        "changes": [number[change] for change in row.changes],
    }


def notes(found: Sequence[Diagnostic]) -> list[Json]:
    """What rules say, with one line for each."""
    return [{**diagnostic_record(each), "line": lint_text(each)} for each in found]
