"""Time grows with the number of layers, not faster, and nothing recurses on it."""

from __future__ import annotations

import time

import pytest

from dslc.api import compile_model
from dslc.backends.torch.emit import generate
from dslc.ir.model import Model

HEAD = "net f on x[N, 8, H=16, W=16]:\n    "
END = "\n    gap -> flatten\n"
CHAINS = {
    "turns": HEAD + "for i in range({n}): conv(8, 3) -> relu" + END,
    "lines": HEAD + "{lines}" + END,
    "sequence": HEAD + "seq as body:\n        for i in range({n}): conv(8, 3) -> relu" + END,
    "residuals": HEAD + "for i in range({n}):\n        residual: conv(8, 3) -> relu" + END,
    "blocks": "block b on x[N, C, H, W]:\n    conv(C, 3) as c -> relu\n    it + x\n"
    + HEAD
    + "for i in range({n}): b"
    + END,
}


def chain(kind: str, n: int) -> Model:
    return compile_model(CHAINS[kind].format(n=n, lines="\n    ".join(["conv(8, 3)", "relu"] * n)), max_ops=1_000_000)


def seconds(model: Model) -> float:
    start = time.process_time()
    made = generate(model)
    assert made.bugs == ()
    return time.process_time() - start


@pytest.mark.parametrize("kind", CHAINS)
def test_linear(kind: str) -> None:
    """Ten times the layers take about ten times as long, and 6,000 layers a few seconds."""
    seconds(chain(kind, 100))
    small, large = (min(seconds(chain(kind, n)) for _ in range(2)) for n in (300, 3000))
    assert large <= 10 * small * 2.5
    assert large < 4


@pytest.mark.long
@pytest.mark.parametrize("kind", ["turns", "lines", "blocks"])
def test_fifty_thousand(kind: str) -> None:
    model = chain(kind, 50_000)
    assert seconds(model) < 60
