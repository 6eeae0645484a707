"""The report of `dslc diff` for programs: JSON (keys are only ever added) and CSV, with every layer of both."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from fractions import Fraction

from dslc.analysis.changes import Change
from dslc.analysis.compare import Comparison, Total
from dslc.analysis.layer_tree import Layer
from dslc.analysis.metrics import COMPARED
from dslc.analysis.receptive import Tracks
from dslc.diagnostics.model import Diagnostic
from dslc.reports.diff_rows import deltas
from dslc.reports.numbers import field_text

VERSION = 1
Json = dict[str, object]


def diff_json(comparison: Comparison, *, only_changed: bool = False) -> str:
    """The whole comparison as one document."""
    return json.dumps(diff_record(comparison, only_changed=only_changed), indent=2, ensure_ascii=False)


def diff_record(comparison: Comparison, *, only_changed: bool = False) -> Json:
    """The whole comparison as plain data. `only_changed`: without the layers whose text is the same."""
    weights = comparison.weights
    return {
        "version": VERSION,
        "differ": comparison.differ,
        "a": side_record(comparison, 0),
        "b": side_record(comparison, 1),
        "totals": [total_record(total) for total in comparison.totals],
        "facts": [{"name": f.name, "a": f.a, "b": f.b} for f in comparison.facts],
        "weights": {
            "load": weights.load,
            "fitting": weights.fitting,
            "missing": list(weights.missing),
            "unexpected": list(weights.unexpected),
            "reshaped": [{"key": k, "a": list(x), "b": list(y)} for k, x, y in weights.reshaped],
            "renamed": [{"a": x, "b": y} for x, y in weights.renamed],
            "unknown": list(weights.unknown),
        },
        "lints": {
            "appeared": [lint_record(d) for d in comparison.appeared],
            "gone": [lint_record(d) for d in comparison.gone],
        },
        "layers": [layer_record(change, depth) for change, depth in wanted(comparison, only_changed)],
    }


def lint_record(diagnostic: Diagnostic) -> Json:
    """What a rule says of one network."""
    return {
        "code": diagnostic.code,
        "name": diagnostic.switch,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "file": diagnostic.span.source.path,
        "line": diagnostic.span.line,
    }


def side_record(comparison: Comparison, index: int) -> Json:
    """Which net of which file."""
    model = (comparison.a, comparison.b)[index].model
    return {"net": model.entry, "source": model.source.path, "sizes": dict(model.sizes.default)}


def total_record(total: Total) -> Json:
    """A quantity of both networks; a fraction is a text such as `1/2`."""
    return {
        "name": total.name,
        "unit": total.unit,
        "a": exact(total.a),
        "b": exact(total.b),
        "delta": exact(total.delta),
        "percent": None if total.percent is None else round(total.percent, 6),
        "gaps": list(total.gaps),
    }


def exact(number: int | Fraction | None) -> int | str | None:
    """A number that JSON keeps exactly."""
    if isinstance(number, Fraction):
        return int(number) if number.denominator == 1 else str(number)
    return number


def wanted(comparison: Comparison, only_changed: bool) -> Iterator[tuple[Change, int]]:
    """All changes with their depth, in program order; the net itself is the first, at depth 0."""
    left = [(comparison.root, 0)]
    while left:
        change, depth = left.pop()
        if only_changed and not change.differs:
            continue
        yield change, depth
        left += ((child, depth + 1) for child in reversed(change.parts()))


def layer_record(change: Change, depth: int) -> Json:
    """One layer of one or both networks."""
    return {
        "status": change.status.value,
        "renamed": change.renamed,
        "moved": change.moved,
        "depth": depth,
        "edits": [{"name": e.name, "a": e.old, "b": e.new} for e in change.edits],
        "a": half_record(change.a),
        "b": half_record(change.b),
        "delta": deltas(change),
    }


def half_record(layer: Layer | None) -> Json | None:
    """A layer of one network."""
    if layer is None:
        return None
    return {
        "path": layer.path,
        "kind": layer.kind,
        "op": layer.op,
        "needed": layer.needed.value,
        "outputs": list(layer.outs),
        **layer.numbers,
        "field": field_records(layer.tracks),
    }


def field_records(tracks: Tracks) -> list[Json]:
    """The receptive field along each axis of each input."""
    return [
        {
            "input": t.input,
            "axis": t.axis,
            "size": str(t.field.size),
            "stride": str(t.field.stride),
            "padding": str(t.field.padding),
            "status": t.field.status.text,
        }
        for t in tracks
    ]


def diff_csv(comparison: Comparison, *, only_changed: bool = False) -> str:
    """One line for each layer, the net itself first: paths, ops, shapes and every count of both sides."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    pairs = [f"{name}_{side}" for name in COMPARED for side in ("a", "b", "delta")]
    both = [f"{name}_{side}" for name in ("path", "op", "output", "field") for side in ("a", "b")]
    writer.writerow(["status", "renamed", "moved", "edits", *both, *pairs])
    for change, _ in wanted(comparison, only_changed):
        sides = (change.a, change.b)
        edits = "; ".join(f"{e.name}: {e.old or 'none'} -> {e.new or 'none'}" for e in change.edits)
        cells: list[object] = [change.status.value, change.renamed, change.moved, edits]
        for text in (lambda x: x.path, lambda x: x.op, lambda x: "; ".join(x.outs), lambda x: field_text(x.tracks)):
            cells += ["" if layer is None else text(layer) for layer in sides]
        difference = deltas(change)
        for name in COMPARED:
            cells += ["" if layer is None else layer.numbers[name] for layer in sides]
            cells.append(difference[name])
        writer.writerow(["" if cell is None else cell for cell in cells])
    return out.getvalue().rstrip("\n")
