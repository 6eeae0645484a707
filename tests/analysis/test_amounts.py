"""Amounts of memory, and words of a few."""

from __future__ import annotations

import pytest

from dslc.analysis.amounts import UNITS, bytes_of, words


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
    assert bytes_of(text) == count


def test_every_unit() -> None:
    powers = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    powers |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
    assert {unit: bytes_of(f"1{unit}") for unit in UNITS} == powers


@pytest.mark.parametrize(
    ("text", "said"),
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
def test_what_is_no_amount(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        bytes_of(text)
    assert said in str(caught.value)


def test_words() -> None:
    assert words("targets", "torch, onnx,torch", ("torch", "onnx")) == ("torch", "onnx")
    assert words("targets", ["onnx"], ("torch", "onnx")) == ("onnx",) and words("targets", "", ("torch",)) == ()
    with pytest.raises(ValueError, match="`targets` knows no `onxx`: did you mean `onnx`"):
        words("targets", "torch,onxx", ("torch", "onnx"))
    with pytest.raises(ValueError, match="`targets` knows no `q`: it takes torch, onnx"):
        words("targets", ["q"], ("torch", "onnx"))
