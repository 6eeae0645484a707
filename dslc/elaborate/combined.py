"""Mistakes inside a combinator of std in the words of its user, who wrote `residual` and no `+`."""

from __future__ import annotations

import re
from typing import Final

from dslc.diagnostics.model import Mistake
from dslc.ops.errors_tensor import ShapeMismatch
from dslc.source import Span
from dslc.types.errors import Coincidence, JoinedSizes

SIDES: Final = {
    "residual": ("its body", "its skip"),
    "scale": ("its input", "its body"),
    "add": ("the branches before it", "a branch"),
}
"""What the two tensors of the one operator are in these blocks of std."""


def as_written(mistake: Mistake, written: Span, inside: Span) -> Mistake:
    """A mistake of two tensors that a combinator joins; `written` is its use, `inside` the place in std."""
    name = re.match(r"\w*", written.text)
    sides = SIDES.get(name[0]) if name is not None and inside.source.path.endswith("combine.dl") else None
    if name is None or sides is None or not isinstance(mistake, JoinedSizes | Coincidence | ShapeMismatch):
        return mistake
    if name[0] == "residual" and not re.match(r"residual\s*\(.*?\bskip\s*=", written.text, re.DOTALL):
        sides = ("its body", "its input")
    by = "op" if isinstance(mistake, ShapeMismatch) else "by"
    return type(mistake)(**{**vars(mistake), by: name[0], "sides": sides})
