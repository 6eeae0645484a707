"""Amounts of memory on the command line."""

from __future__ import annotations

import click
import pytest

from dslc.cli.memory_values import UNITS, parse_memory


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("24GB", 24_000_000_000),
        ("24GiB", 24 * 2**30),
        ("24 gb", 24_000_000_000),
        ("24G", 24_000_000_000),
        ("512MB", 512_000_000),
        ("1.5TiB", 3 * 2**39),
        ("80_000kB", 80_000_000),
        ("4096", 4096),
        ("7B", 7),
        ("1.1GB", 1_100_000_000),
    ],
)
def test_amounts(text: str, count: int) -> None:
    assert parse_memory(text) == count


def test_every_unit() -> None:
    powers = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    powers |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
    assert {unit: parse_memory(f"1{unit}") for unit in UNITS} == powers


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("much", "`much` is no amount of memory such as `24GB` or `24GiB`"),
        ("-1GB", "`24GB`"),
        ("1e9", "`1e9` is no amount"),
        ("24GiBB", "write `24GiB`"),
        ("24X", "`X` is no unit of memory, write `24GB`"),
        ("0GB", "write an amount such as `24GB`"),
        ("", "`24GB`"),
        ("0.1B", "`24GB`"),
        ("007GB", "`24GB`"),
    ],
)
def test_what_is_no_amount(text: str, words: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        parse_memory(text)
    assert words in caught.value.message
