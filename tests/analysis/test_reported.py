"""Counts that other tools were reported to get wrong; beside each the number of the tracker's report."""

from __future__ import annotations

from textwrap import dedent

import pytest

from dslc.analysis.cost import costs
from dslc.api import compile_model
from dslc.ir.walk import flatten

COUNTS = {
    "gates of a gru over time (calculate-flops 55)": ("x[N, 10, 128]: gru(128)", 2 * 3 * 128 * (128 + 1), 98_304 * 10),
    "a tied table counts once (torchinfo 377)": (
        """
        ids: int64[N, T=8]:
            module words = embedding(5000, 64)
            words(ids) -> linear(64) -> gelu -> linear(5000, weight=words.weight, bias=false)
        """,
        5000 * 64 + 64 * 65,
        8 * 64 * (64 + 5000),
    ),
    "a module used three times (pytorch-summary 37)": (
        """
        x[N, 8, 12, 12]:
            module c = conv(8, 3)
            c -> relu -> c -> relu -> c
        """,
        8 * 8 * 9 + 8,
        3 * 144 * 8 * 8 * 9,
    ),
    "a transposed convolution counts its input's places (flops-counter 149)": (
        "x[N, 3, 2, 2]: deconv(1, 2, s=2)",
        3 * 4 + 1,
        3 * 2 * 2 * 4,
    ),
    "attention in one op (pytorch 195460)": ("q[N, 12, 64, 64]: sdpa(q, q, q)", 0, 2 * 12 * 64 * 64 * 64),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str) -> None:
    text, params, macs = COUNTS[name]
    model = compile_model(f"net f on {dedent(text).strip()}\n")
    found = costs(model, flatten(model))
    assert (found.count.params, found.macs) == (params, macs)
