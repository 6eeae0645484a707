"""The report of `dslc stats` as JSON. The schema is stable: keys are only ever added.

Every size and every count of multiply-adds has `value`, its number at the default sizes, and `expr`, its
expression in the sizes of the input. A count's `terms` is the same sum factored: `count` times the product of
`sizes`.
"""

from __future__ import annotations

import json

from dslc.analysis.cost import Count, Terms
from dslc.analysis.receptive import Tracks
from dslc.reports.numbers import size_text, terms_text
from dslc.reports.stats import Row, Stats
from dslc.types.dim import Size, evaluate
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType

VERSION = 1
Json = dict[str, object]


def stats_json(stats: Stats) -> str:
    """The whole report as one document."""
    return json.dumps(stats_record(stats), indent=2, ensure_ascii=False)


def stats_record(stats: Stats) -> Json:
    """The whole report as plain data."""
    model, cost = stats.model, stats.cost
    sizes = model.sizes
    names = [name for name, _ in stats.inputs]
    return {
        "version": VERSION,
        "net": model.name,
        "source": model.source.path,
        "inputs": [{"name": n, **type_record(t, sizes)} for n, t in stats.inputs],
        "outputs": [
            {"name": n, **type_record(t, sizes), "fields": field_records(tracks, names)}
            for n, t, tracks in stats.outputs
        ],
        "sizes": {
            name: {"value": value, "universal": name in sizes.universal} for name, value in sizes.default.items()
        },
        "guards": guard_records(sizes),
        "totals": {
            **count_record(cost.count),
            "macs": macs_record(cost.macs, cost.terms, sizes),
            "train_only_macs": cost.train_only_macs,
            "unknown": list(cost.unknown),
        },
        "layers": [row_record(row, sizes, names) for row in stats.rows],
    }


def row_record(row: Row, sizes: Sizes, names: list[str]) -> Json:
    """One line of the tree; `part` says that its numbers are sums over the lines under it."""
    return {
        "path": row.path,
        "depth": row.depth,
        "op": row.op,
        "part": row.is_part,
        "needed": row.needed.value,
        "outputs": [type_record(t, sizes) for t in row.outs],
        **count_record(row.count),
        "macs": macs_record(row.macs, row.terms, sizes) if row.known else None,
        "fields": field_records(row.tracks, names),
    }


def type_record(type: TensorType, sizes: Sizes) -> Json:
    """Element type and sizes of a tensor."""
    return {"dtype": type.dtype.value, "shape": [size_record(size, sizes) for size in type.dims]}


def size_record(size: Size, sizes: Sizes) -> Json:
    """A size as number and expression."""
    return {"value": evaluate(size, sizes.default), "expr": size_text(size, sizes)}


def count_record(count: Count) -> Json:
    """Elements of tensors by what becomes of them."""
    return {"params": count.params, "buffers": count.buffers, "train_only_params": count.train_only}


def macs_record(macs: int, terms: Terms, sizes: Sizes) -> Json:
    """Multiply-adds as number, as expression and as a factored sum."""
    return {
        "value": macs,
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
