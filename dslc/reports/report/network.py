"""All that the page knows of one network, as plain data."""

from __future__ import annotations

import math
from fractions import Fraction

from dslc.analysis.density import supports
from dslc.analysis.measure import batch_names
from dslc.analysis.metrics import QUANTITIES, Elements, Metric
from dslc.analysis.roofline import UNREAD
from dslc.analysis.signal.analyse import signal
from dslc.analysis.signal.result import NetworkSignal
from dslc.diagnostics.export import diagnostic_record
from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Model
from dslc.reports.json import guard_records
from dslc.reports.report.layers import Layers, is_fixed, is_sized
from dslc.reports.report.places import Places
from dslc.reports.report.pool import Pool
from dslc.reports.report.steps import Steps, width
from dslc.reports.signal import verdict_words
from dslc.reports.stats import Stats
from dslc.source import Source

Json = dict[str, object]


def network_record(model: Model, torch: str | None, sources: list[Source], notes: list[Diagnostic]) -> Json:
    """One network. `torch`: its generated module; `sources` grows by the texts that its layers stand in; `notes` are
    what there is to say of it.
    """
    stats = Stats(model)
    pool, places = Pool(model.sizes), Places(model, torch, sources)
    steps = Steps(stats, pool)
    fields = supports(model, stats.flat, [value for step in stats.flat.steps for value in step.outs])
    layers = Layers(stats, pool, steps, places, fields)
    inputs = [[name, steps.value(v)] for (name, _), v in zip(stats.inputs, model.root.inputs, strict=True)]
    return {
        "name": model.name,
        "doc": model.doc,
        "source": places.source(model.source),
        "torch": torch,
        "inputs": inputs,
        "outputs": [[name, number] for name, number in steps.outputs],
        "sizes": size_records(model),
        "same": {name: pool.size(size) for name, size in model.sizes.same.items()},
        "metrics": [metric_record(metric) for metric in layers.metrics],
        "totals": [total_record(metric, stats) for metric in QUANTITIES.values()],
        "budgets": [[budget.name, budget.op, budget.limit, budget.span.text] for budget in model.budgets],
        "notes": [diagnostic_record(note) for note in notes],
        "signal": signal_record(signal(model), {str(row["path"]): i for i, row in enumerate(layers.records)}),
        "weights": weights_record(model),
        "rows": layers.records,
        "steps": steps.records,
        "values": steps.values,
        "tensors": {number: layers.row_of.get(param) for number, param in steps.tensors.items()},
        "dims": pool.dims,
        "texts": pool.texts,
        "sums": pool.sums,
        "shared": pool.shared,
    }


def size_records(model: Model) -> list[Json]:
    """The sizes of the input that the page may change, with what is allowed; of the batch there is no default."""
    allowed = {str(guard["symbol"]): guard for guard in guard_records(model.sizes)}
    batch = batch_names(model)
    found: list[Json] = []
    for name, value in model.sizes.default.items():
        if name in model.sizes.same or (name in model.sizes.universal and name not in batch):
            continue
        found.append({"name": name, "value": value, "batch": name in batch, "allowed": allowed.get(name)})
    return found


def metric_record(metric: Metric) -> Json:
    """A number of layers: what it is, and whether it is a sum that depends on sizes or a plain number."""
    return {
        "name": metric.name,
        "key": metric.key,
        "heading": metric.column_heading,
        "doc": metric.doc,
        "unit": metric.unit,
        "sized": is_sized(metric),
        "fixed": is_fixed(metric),
        "training": metric.training,
    }


def total_record(metric: Metric, stats: Stats) -> Json:
    """A number of the network at the default sizes; `gap`: what is missing from it."""
    value = metric.value(stats)
    return {
        "name": metric.name,
        "title": metric.title,
        "doc": metric.doc,
        "unit": metric.unit,
        "value": float(value) if isinstance(value, Fraction) else value,
        "gap": metric.gap(stats),
        "sized": is_total_sized(metric, stats),
    }


def is_total_sized(metric: Metric, stats: Stats) -> bool:
    """Whether a number of the network may be another one at other sizes."""
    if metric.name.endswith("peak_memory"):
        return True
    if metric.unit == "places":
        return True  # windows of adaptive pools, and TensorFlow's SAME, follow the size
    return metric.adds is not None and not isinstance(metric.adds, Elements)


def weights_record(model: Model) -> list[list[int]]:
    """Elements of all tensors, by the bytes of one."""
    found: dict[int, int] = {}
    for param in model.params.values():
        if param.name not in UNREAD:
            key = width(param.spec.dtype)
            found[key] = found.get(key, 0) + param.spec.count
    return [[count, key] for key, count in found.items()]


def signal_record(found: NetworkSignal, rows: dict[str, int]) -> Json:
    """RMS of values and of gradients at initialisation, by row, and what they mean."""
    return {
        "judged": found.judged,
        "words": verdict_words(found),
        "verdicts": [[one.kind, one.path, one.words] for one in found.verdicts],
        "gaps": [[gap.path, gap.reason] for gap in found.gaps],
        "layers": [[rows[x.path], short(x.rms), short(x.gradient)] for x in found.layers if x.path in rows],
    }


def short(value: float | None) -> float | None:
    """Four digits of a number; none for what no JSON holds."""
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else None
