"""A text with many mistakes is read once for each, not once more for every one of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from dslc.api import load_program
from dslc.diagnostics.model import Sink

HEAD = "net f on x[N, 8]:\n"


def unknown(count: int) -> str:
    return HEAD + "    linaer(8)\n" * count


def unlike(count: int) -> str:
    return HEAD + "".join(f"    liner{i}(8)\n" for i in range(count))


def below(count: int) -> str:
    reads = "".join(f"    linear(a{i})\n" for i in range(count))
    return HEAD + reads + "".join(f"    let a{i} = 8\n" for i in range(count))


def listed(count: int) -> str:
    return HEAD + f"    let layers = [{', '.join(['linaer(8)'] * count)}]\n    for layer in layers: layer\n"


def elsewhere(count: int) -> str:
    return HEAD + "    nn.Linear(8, 8)\n" * count


@pytest.mark.parametrize("program", [unknown, unlike, below, listed, elsewhere])
def test_time_grows_with_mistakes(program: Callable[[int], str]) -> None:

    def seconds(count: int) -> float:
        text, sink = program(count), Sink()
        begun = time.process_time()
        told = load_program(text, sink).told
        taken = time.process_time() - begun
        assert told.total == count
        return taken

    seconds(10)
    small = seconds(60)  # once: words that are looked up again cost less
    assert seconds(480) < 25 * small + 0.1  # 8 times as many: 64 times the time if it were quadratic
