"""The JSON of `dslc stats`: every number both as value and as expression."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dslc.api import compile_model
from dslc.reports.json import stats_json
from dslc.reports.stats import Stats
from tests.analysis.nets import compiled

ROOT = Path(__file__).resolve().parent.parent.parent


def record(text: str) -> Any:
    """The report of the net of a program."""
    return json.loads(stats_json(Stats(compiled(text))))


def test_every_size_and_count_has_value_and_expression() -> None:
    found = record("""
        net f on image[N, 3, H=33, W=32] -> [N, 10]:
            conv(16, 3, s=2) as a -> bn as b
            gap -> flatten -> linear(10) as c
    """)
    assert found["version"] == 1 and found["net"] == "f"
    a = found["layers"][0]
    assert a["path"] == "a" and a["op"] == "conv" and not a["part"]
    assert a["outputs"][0]["shape"][2:] == [
        {"value": 17, "expr": "ceil(H/2)"},
        {"value": 16, "expr": "ceil(W/2)"},
    ]
    assert a["macs"] == {
        "value": 432 * 17 * 16,
        "expr": "432 * ceil(H/2) * ceil(W/2)",
        "terms": [{"count": 432, "sizes": ["ceil(H/2)", "ceil(W/2)"]}],
    }
    assert a["fields"][0] == {
        "input": "image",
        "axis": 2,
        "size": "3",
        "stride": "2",
        "padding": "1",
        "centre": "0",
        "smallest": "3",
        "spread": "0",
        "status": "exact",
        "cause": "",
    }
    assert found["sizes"] == {
        "N": {"value": 1, "universal": True},
        "H": {"value": 33, "universal": False},
        "W": {"value": 32, "universal": False},
    }
    assert found["totals"]["macs"]["value"] == 432 * 17 * 16 + 160
    assert found["totals"]["params"] == 432 + 32 + 170
    assert found["guards"] == []


def test_guards_have_the_lines_that_ask_for_them() -> None:
    found = record("""
        net f on image[N, 3, H=32, W=32]:
            a = conv(8, 3)
            maxpool(2) -> upsample(2)
            it -> conv(8, 3) as joined
            it + a
    """)
    by_symbol = {g["symbol"]: g for g in found["guards"]}
    assert set(by_symbol) == {"H", "W"}
    assert (by_symbol["H"]["mod"], by_symbol["H"]["residues"]) == (2, [0])
    assert by_symbol["H"]["lines"] == ["<text>:4", "<text>:6"]


def test_pins_are_guards_of_one_size() -> None:
    found = record("net f on image[N, 3, H=8, W=8]:\n    flatten -> linear(2)\n")
    assert {g["symbol"]: (g["min"], g["max"]) for g in found["guards"]} == {"H": (8, 8), "W": (8, 8)}


def test_totals_are_the_sums_of_the_layers() -> None:
    model = compile_model(ROOT / "examples" / "googlenet.dl", "googlenet")
    found = json.loads(stats_json(Stats(model)))
    tops = [layer for layer in found["layers"] if layer["depth"] == 0]
    assert sum(layer["macs"]["value"] for layer in tops) == found["totals"]["macs"]["value"]
    assert sum(layer["train_only_params"] for layer in tops) == found["totals"]["train_only_params"] > 0
