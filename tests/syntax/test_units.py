"""Units that people write behind the limits of budgets, and what the language writes instead."""

from __future__ import annotations

import pytest

from dslc.syntax.text import number
from dslc.syntax.units import plain


@pytest.mark.parametrize(
    ("written", "meant", "value"),
    [
        ("5 GFLOPs", "5G", 5_000_000_000),
        ("5GFLOPS", "5G", 5_000_000_000),
        ("4.2 GMACs", "4.2G", 4_200_000_000),
        ("300MMACs", "300M", 300_000_000),
        ("25M params", "25M", 25_000_000),
        ("25 million", "25M", 25_000_000),
        ("1.5 billion parameters", "1.5G", 1_500_000_000),
        ("8 MB", "8MB", 8_000_000),
        ("8 megabytes", "8MB", 8_000_000),
        ("8 MiB", "8MiB", 8 * 1024**2),
        ("512 bytes", "512B", 512),
        ("1e9 flops", "1e9", 1e9),
        ("4 k", "4K", 4_000),
        ("5 relu", None, None),
        ("5e3 MB", None, None),
        ("8 MiFLOPs", None, None),
        ("fast", None, None),
        ("", None, None),
    ],
)
def test_what_is_meant(written: str, meant: str | None, value: float | None) -> None:
    assert plain(written) == meant
    assert meant is None or number(meant) == value
