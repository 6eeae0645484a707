"""The whole answer for a few networks as text, to be read in a diff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import dslc
from dslc.analysis.signal.result import NetworkSignal
from tests.conftest import Golden

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent / "golden"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def table(found: NetworkSignal) -> str:
    lines = [
        f"{found.name}: ratio {number(found.ratio)}, varies {number(found.varies)}, largest {number(found.largest)}, "
        f"sensitivity {number(found.sensitivity)}",
        *(f"{v.kind} at {v.path}: {v.words}" for v in found.verdicts),
        *(f"gap at {gap.path}: {gap.reason}" for gap in found.gaps),
        *(f"memory of {m.path}: {m.steps} of {m.length}" for m in found.memory),
        f"{'layer':36}{'rms':>10}{'gradient':>10}{'varies':>10}{'flat':>7}{'dead':>7}  weights",
    ]
    for layer in found.layers:
        shares = "".join(f"{'' if x is None else f'{x:.2f}':>7}" for x in (layer.saturated, layer.dead))
        weights = ", ".join(
            f"{w.path.rpartition('.')[2]} {number(w.update) if not w.idle else 'idle'}" for w in layer.weights
        )
        columns = "".join(f"{number(x):>10}" for x in (layer.rms, layer.gradient, layer.varies))
        lines.append(f"{layer.path:36}{columns}{shares}  {weights}")
    return "\n".join(line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("file", "net", "arguments"),
    [
        ("lenet", "lenet", {}),
        ("resnet", "resnet18", {}),
        ("squeezenet", "squeezenet1_1", {}),
        ("text_lstm", "text_lstm", {}),
        ("gpt2", "gpt2", {"depth": 2, "heads": 2, "width": 64, "vocab": 100}),
    ],
)
def test_the_table_of_a_network(file: str, net: str, arguments: dict[str, Any], golden: Golden) -> None:
    found = dslc.compile(ROOT / "examples" / f"{file}.dl", net, **arguments).signal()
    golden(HERE / f"{net}.txt", table(found))
