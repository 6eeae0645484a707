"""All tensors of a file as they stand there."""

from __future__ import annotations

from pathlib import Path

from dslc.weights import sources
from dslc.weights.memory import Array


def load(path: str | Path) -> dict[str, Array]:
    """The tensors of a file that holds one set of them."""
    with sources.opened(path) as parts:
        (tensors,) = parts.values()
        return {name: tensors.read(name) for name in tensors.specs}
