"""Networks of built files: `dslc build` wrote the .py that their class comes from."""

from __future__ import annotations


def is_built(kind: type) -> bool:
    """Whether a class is the network of a built file, or derived from one."""
    return False
