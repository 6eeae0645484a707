"""The schema of the JSON of `dslc stats`: stats.schema.json beside this file, with what METRICS put into it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from dslc.analysis.metrics import METRICS, QUANTITIES, Metric, Work, by_layer


def stats_schema() -> dict[str, Any]:
    """The schema: numbers of layers, sums of the totals, and quantities, each with what it is."""
    schema: dict[str, Any] = json.loads((files("dslc.reports") / "stats.schema.json").read_text("utf-8"))
    layer, totals = schema["$defs"]["layer"], schema["properties"]["totals"]
    for metric in by_layer(device=False, asked=False):
        layer["properties"][metric.key] = {"description": said(metric), "anyOf": [number(metric), {"type": "null"}]}
        layer["required"].append(metric.key)
    for metric in METRICS.values():
        if isinstance(metric.adds, Work):
            totals["properties"][metric.name] = {"description": said(metric), "$ref": "#/$defs/sum"}
            totals["required"].append(metric.name)
    quantities = schema["properties"]["quantities"]
    for name, metric in QUANTITIES.items():
        quantities["properties"][name] = {"description": said(metric), "$ref": "#/$defs/quantity"}
    quantities["required"] = list(QUANTITIES)
    return schema


def schema_text() -> str:
    """The schema as `dslc stats --schema` prints it."""
    return json.dumps(stats_schema(), indent=2, ensure_ascii=False)


def number(metric: Metric) -> dict[str, Any]:
    """What a layer's number looks like."""
    if isinstance(metric.adds, Work):
        return {"$ref": "#/$defs/sum"}
    return {"type": "number" if metric.unit == "s" else "integer", "minimum": 0}


def said(metric: Metric) -> str:
    """What a number is, with its unit."""
    return f"{metric.doc} ({metric.unit})" if metric.unit else metric.doc
