"""A program with mistakes gives no model, and the error holds all of them, of whichever pass."""

from __future__ import annotations

import pytest

from dslc.api import compile_model
from dslc.diagnostics.model import CompileError

HEAD = "net f on image[N, 3, H=32, W=32] -> [N, 10]:\n"
REST = "    gap -> flatten -> linear(10)\n"


def codes(text: str) -> list[tuple[str, int]]:
    with pytest.raises(CompileError) as error:
        compile_model(text)
    return [(d.code, d.span.line) for d in error.value.diagnostics]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            f"use std.conv: cbaa\n{HEAD}    conv(8 3)\n    conv(8, 3, g=5)\n    convv(8)\n    dropout(2)\n{REST}",
            [("E0213", 1), ("E0162", 3), ("E0304", 4), ("E0201", 5), ("E0361", 6)],
        ),
        (f"block b on x[N, C:\n    relu\n{HEAD}    b\n    conv(8, 3, k=5)\n{REST}", [("E0127", 1), ("E0386", 5)]),
        (f"{HEAD}    budget mac <= 1G\n    conv(8, 3, stride=2)\n{REST}", [("E0702", 2), ("E0301", 3)]),
    ],
)
def test_all_passes_tell_theirs(text: str, wanted: list[tuple[str, int]]) -> None:
    assert codes(text) == wanted


def test_only_what_loading_found_makes_no_model_of_the_rest() -> None:
    assert codes(f"block b on x[N, C:\n    relu\n{HEAD}    conv(8, 3)\n{REST}") == [("E0127", 1)]


def test_a_net_that_could_not_be_read_is_not_missing() -> None:
    assert codes("net f on image[N, 3:\n    relu\n") == [("E0127", 1)]
