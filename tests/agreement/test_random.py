"""Random programs: PyTorch merged and unmerged, ONNX and the stated shapes agree on each.

`DSLC_RANDOM=5000:6000` in the environment tries the programs of other seeds.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from textwrap import dedent

import pytest
import torch

from tests.agreement.agree import agree
from tests.agreement.generate import program

SEEDS = range(60)


def seeds() -> range:
    first, _, last = os.environ.get("DSLC_RANDOM", "").partition(":")
    return range(int(first), int(last)) if last else SEEDS


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors: threads only cost."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


REFUSED: Counter[bool] = Counter()


@pytest.mark.parametrize("seed", seeds())
def test_program(seed: int) -> None:
    text = program(seed)
    try:
        taken = agree(text)
    except BaseException as error:
        error.add_note(f"seed {seed}:\n{text}")
        raise
    REFUSED[not taken] += 1


def test_few_are_refused() -> None:
    """The generator is worth its time only while nearly all it writes is well typed."""
    assert REFUSED[True] <= max(2, 0.1 * REFUSED.total())


def test_one_seed_is_one_program() -> None:
    assert program(7) == program(7) != program(8)


FOUND = {
    "a Transpose that onnxruntime moves over a Pad": """
        net f on image[N, 4, H=8, W=6]:
            rearrange("n c h w -> n h w c") -> linear(4) -> rearrange("n h w c -> n c h w")
            pad(1) -> rearrange("n c h w -> n h w c") -> linear(3)
    """,
}
"""Programs that once disagreed, reduced."""


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    assert agree(dedent(FOUND[name]))
