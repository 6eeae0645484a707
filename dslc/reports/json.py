"""The report of `dslc stats` as JSON. Its schema, stats.schema.json beside this file, is stable: keys are only added.

Every size and every count that depends on sizes has `value`, its number at the default sizes, and `expr`, its
expression in the sizes of the input. A count's `terms` is the same sum factored: `count` times the product of
`sizes`. `trees` has every such size as a tree (trees.py). `torch` is the generated module, whose lines layers name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction

from dslc.analysis.cost import Count, Terms, value_at
from dslc.analysis.metrics import METRICS, QUANTITIES, Metric, Work, by_layer
from dslc.analysis.receptive import Tracks
from dslc.backends.torch.emit import emit
from dslc.reports.columns import Column, View
from dslc.reports.groups import Groups, group_records
from dslc.reports.memory import memory_record
from dslc.reports.numbers import size_text, terms_text
from dslc.reports.sections import Section
from dslc.reports.stats import Row, Stats
from dslc.reports.structure import Structure
from dslc.reports.trees import trees
from dslc.types.dim import Size, evaluate
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType

VERSION = 1
Json = dict[str, object]


def stats_json(
    stats: Stats,
    sections: Sequence[Section] = (),
    *,
    columns: Mapping[str, Column] | None = None,
    grouped: Groups | None = None,
) -> str:
    """The whole report as one document."""
    record = stats_record(stats, sections, columns=columns, grouped=grouped)
    return json.dumps(record, indent=2, ensure_ascii=False)


def stats_record(
    stats: Stats,
    sections: Sequence[Section] = (),
    *,
    columns: Mapping[str, Column] | None = None,
    grouped: Groups | None = None,
) -> Json:
    """The whole report as plain data; a section stands under its own name.

    `columns`: what was asked for by name stands in each layer's `columns`. `grouped`: totals by kind or block.
    """
    model, cost = stats.model, stats.cost
    sizes = model.sizes
    names = [name for name, _ in stats.inputs]
    view = View(stats)
    torch = emit(model)
    structure = Structure(stats, torch)
    return {
        "version": VERSION,
        "net": model.name,
        "source": model.source.path,
        "inputs": [{"name": n, **type_record(t.built(model.float), sizes)} for n, t in stats.inputs],
        "outputs": [
            {"name": n, **type_record(t.built(model.float), sizes), "fields": field_records(tracks, names)}
            for n, t, tracks in stats.outputs
        ],
        "sizes": {
            name: {"value": value, "universal": name in sizes.universal} for name, value in sizes.default.items()
        },
        "guards": guard_records(sizes),
        "totals": {
            **count_record(cost.count),
            "weights": weights_record(cost.count.params),
            **{m.name: sum_record(m.adds.total(stats), sizes) for m in METRICS.values() if isinstance(m.adds, Work)},
            "train_only_macs": cost.train_only_macs,
            "memory": memory_record(stats.memory, stats.emitted, sizes),
            "unknown": list(cost.unknown),
        },
        "quantities": {name: quantity_record(metric, stats) for name, metric in QUANTITIES.items()},
        "layers": [
            {
                **row_record(row, view, names, model.float),
                **structure.of(row),
                **column_record(row, view, columns),
            }
            for row in stats.rows
        ],
        "trees": trees(view),
        "torch": torch,
        **({"totals_by": group_records(grouped)} if grouped is not None else {}),
        **{section.name: section.record for section in sections},
    }


def row_record(row: Row, view: View, names: list[str], own: DType) -> Json:
    """One line of the tree; `part` says that its numbers are sums over the lines under it; `own` is what `float` is."""
    sizes = view.sizes
    return {
        "path": row.path,
        "depth": row.depth,
        "op": row.op,
        "part": row.is_part,
        "needed": row.needed.value,
        "outputs": [type_record(t.built(own), sizes) for t in row.outs],
        **{m.key: metric_record(m, row, view) if row.known else None for m in by_layer(device=False, asked=False)},
        "fields": field_records(row.tracks, names),
    }


def metric_record(metric: Metric, row: Row, view: View) -> object:
    """A number of a row, as a sum by size where it is one."""
    if isinstance(metric.adds, Work):
        return sum_record(view.terms(metric)[row], view.sizes)
    return view.numbers(metric)[row]


def quantity_record(metric: Metric, stats: Stats) -> Json:
    """A number of the network, with what it is and what is missing from it; an exact fraction is a text."""
    value = metric.value(stats)
    return {
        "title": metric.title,
        "unit": metric.unit,
        "better": metric.better,
        "value": str(value) if isinstance(value, Fraction) else value,
        "gap": metric.gap(stats) or None,
    }


def column_record(row: Row, view: View, columns: Mapping[str, Column] | None) -> Json:
    """What a row has in the columns that were asked for: numbers, texts, null; exact fractions as texts."""
    if not columns:
        return {}
    values = {name: column.value(row, view) for name, column in columns.items()}
    return {"columns": {name: str(v) if isinstance(v, Fraction) else v for name, v in values.items()}}


def weights_record(params: int) -> Json:
    """Bytes of the trained elements in each element type."""
    return {"float32": 4 * params, "float16": 2 * params, "bfloat16": 2 * params, "int8": params}


def type_record(type: TensorType, sizes: Sizes) -> Json:
    """Element type and sizes of a tensor."""
    return {"dtype": type.dtype.value, "shape": [size_record(size, sizes) for size in type.dims]}


def size_record(size: Size, sizes: Sizes) -> Json:
    """A size as number and expression."""
    return {"value": evaluate(size, sizes.default), "expr": size_text(size, sizes)}


def count_record(count: Count) -> Json:
    """Elements of tensors by what becomes of them."""
    return {"params": count.params, "buffers": count.buffers, "train_only_params": count.train_only}


def sum_record(terms: Terms, sizes: Sizes) -> Json:
    """A count as number, as expression and as a factored sum."""
    return {
        "value": value_at(terms, sizes.default),
        "expr": terms_text(terms, sizes) or "0",
        "terms": [{"count": n, "sizes": [size_text(s, sizes) for s in key]} for key, n in terms.items()],
    }


def field_records(tracks: Tracks, names: list[str]) -> list[Json]:
    """Receptive fields, one per followed axis of each input; exact fractions are texts such as `1/2`."""
    return [
        {
            "input": names[t.input],
            "axis": t.axis,
            "size": str(t.field.size),
            "stride": str(t.field.stride),
            "padding": str(t.field.padding),
            "centre": str(t.field.centre),
            "smallest": str(t.field.smallest),
            "spread": str(t.field.spread),
            "status": t.field.status.text,
            "cause": t.field.cause,
        }
        for t in tracks
    ]


def guard_records(sizes: Sizes) -> list[Json]:
    """The allowed sizes of each symbol that is not free, with the lines that ask for them."""
    found: list[Json] = []
    for name, domain in sizes.domain.items():
        lines = [f"{g.span.source.path}:{g.span.line}" for g in sizes.guards if g.symbol == name]
        if not lines:
            continue
        found.append(
            {
                "symbol": name,
                "mod": domain.mod,
                "residues": sorted(domain.residues),
                "min": domain.lo,
                "max": domain.hi,
                "holes": sorted(domain.holes),
                "text": sizes.allowed(name),
                "lines": lines,
            }
        )
    for name, pin in sizes.pins.items():
        line = f"{pin.span.source.path}:{pin.span.line}"
        found.append(
            {
                "symbol": name,
                "mod": 1,
                "residues": [0],
                "min": pin.value,
                "max": pin.value,
                "holes": [],
                "text": pin.text,
                "lines": [line],
            }
        )
    return found
