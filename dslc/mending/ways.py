"""How the sizes that do not fit came about: said of a mistake beside what was found there."""

from __future__ import annotations

from typing import Final

from dslc.diagnostics.model import Diagnostic, users_place
from dslc.elaborate.mistakes.flow import WrongPort
from dslc.ir.made import Change, way
from dslc.ir.model import Value
from dslc.ops.errors import TooSmall
from dslc.ops.errors_pattern import PatternMismatch
from dslc.ops.errors_tensor import ShapeMismatch
from dslc.source import Span
from dslc.types.dim import UnknownSize
from dslc.types.errors import BelowLeast, Coincidence, JoinedSizes
from dslc.types.text import dim_text

MOVING: Final = ("rearrange", "reshape", "transpose", "permute", "repeat")
"""Ops behind which the axis of a number is another one."""
SHOWN: Final = 5
"""Sizes of a way that are shown, the last ones."""


def ways(diagnostic: Diagnostic) -> tuple[str, ...]:
    """For each tensor whose axis is at fault, its sizes with the lines that made them; nothing of a single step."""
    inputs = [value for value in diagnostic.inputs if isinstance(value, Value)]
    axis = _axis(diagnostic, inputs)
    return tuple(text for value in inputs[:2] if axis is not None and (text := _way(value, axis, diagnostic.span)))


def _axis(diagnostic: Diagnostic, inputs: list[Value]) -> int | None:
    """The axis at fault, where it is not that of the channels."""
    mistake = diagnostic.mistake
    if isinstance(mistake, TooSmall | BelowLeast) and len(inputs) == 1 and inputs[0].type.channel == 1:
        sizes = [str(size) for size in inputs[0].type.dims]
        text = str(mistake.size) if isinstance(mistake, TooSmall) else mistake.left
        return sizes.index(text, 2) if text in sizes[2:] else None
    if isinstance(mistake, PatternMismatch) and len(inputs) == 1:
        return mistake.number if mistake.number != inputs[0].type.channel else None
    if isinstance(mistake, WrongPort) and len(inputs) == 1 and inputs[0].type.channel == 1:
        return mistake.axis if mistake.axis is not None and mistake.axis > 1 else None
    if not isinstance(mistake, JoinedSizes | Coincidence | ShapeMismatch) or len(inputs) != 2:
        return None
    left, right = (value.type for value in inputs)
    if left.rank != right.rank:
        return None
    if isinstance(mistake, ShapeMismatch) and not mistake.channels:
        return mistake.axis  # another that differs may be the one along which they are joined
    differ = [axis for axis in range(left.rank) if left.dims[axis] != right.dims[axis] and axis != left.channel]
    return differ[0] if differ else None


def _way(value: Value, axis: int, at: Span) -> str:
    steps = way(value, axis)
    if len(steps) < 3 or any(isinstance(step.size, UnknownSize) for step in steps):
        return ""
    if any(step.node is not None and step.node.op.name in MOVING for step in steps):
        return ""
    shown = [dim_text(step.size) + _line(step, at) for step in steps[-SHOWN:]]
    more = ".. -> " if len(steps) > SHOWN else ""
    whose = f" of `{value.name}`" if value.name else ""
    return f"axis {axis}{whose} on its way here: {more}{' -> '.join(shown)}"


def _line(step: Change, at: Span) -> str:
    """The line that made a size: the user's, where it was made inside a block of the library."""
    if step.node is None:
        return ""
    span, _ = users_place(step.node.span, step.node.frame)
    if span.source.is_library:
        return ""
    return f" (line {span.line})" if span.source.path == at.source.path else f" ({span.source.shown}:{span.line})"
