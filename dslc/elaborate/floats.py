"""Float types that meet: the mistake of joining two, and the edit that mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dslc.diagnostics.model import Applicability, Edit, Help
from dslc.ir.model import Node, Param, Value
from dslc.ops.errors_dtype import MixedFloats
from dslc.source import Span
from dslc.types.tensor import DType


def mixed_floats(
    symbol: str, inputs: Sequence[Value], texts: Sequence[Span]
) -> tuple[MixedFloats, tuple[Value, Value], list[Help]] | None:
    """Two inputs of an op that are floats of other types, with the mistake and its help; none where all agree.

    `texts` are the inputs as they are written, where that is known.
    """
    floats = [value for value in inputs if value.type.dtype.is_float]
    other = next((v for v in floats if v.type.dtype is not floats[0].type.dtype), None)
    if other is None:
        return None
    mistake = MixedFloats(symbol, floats[0].type.dtype.value, other.type.dtype.value)
    return mistake, (floats[0], other), [*_declared(floats), *_cast(inputs, texts)][:1]


def _declared(floats: Sequence[Value]) -> Iterator[Help]:
    """A table whose type nobody stated takes that of what it meets: rounded to 16 bits it would spoil it."""
    exact = next(v.type.dtype for v in floats if v.type.dtype is not DType.FLOAT)
    for value in floats:
        param = _source(value)
        if value.type.dtype is not DType.FLOAT or param is None or param.definition is None:
            continue
        spec = param.definition.spec
        if param.spec.kind != "param" and spec.dtype is None:
            start = Span(spec.span.source, spec.span.start, spec.span.start)
            text = f"`{param.name}` can be {exact.value}, as what it meets"
            yield Help(text, edits=(Edit(start, exact.value),), applicability=Applicability.MAYBE)


def _source(value: Value) -> Param | None:
    """The declared tensor that a value is, or is a view of."""
    while isinstance(value.producer, Node) and len(value.producer.inputs) == 1:
        value = value.producer.inputs[0]
    return value.producer if isinstance(value.producer, Param) else None


def _cast(inputs: Sequence[Value], texts: Sequence[Span]) -> Iterator[Help]:
    """The tensors that are not of the network's own type, cast to it."""
    if len(texts) != len(inputs) or any(text.source.is_library for text in texts):
        return
    own = next((at for at, value in enumerate(inputs) if value.type.dtype is DType.FLOAT), 0)
    target, written = inputs[own].type.dtype, texts[own]
    words = f"like={written.text}" if written.text.isidentifier() else target.value
    edits: list[Edit] = []
    for text, value in zip(texts, inputs, strict=True):
        if value.type.dtype.is_float and value.type.dtype is not target:
            source, start, end = text.source, text.start, text.end
            edits += [Edit(Span(source, start, start), "cast("), Edit(Span(source, end, end), f", {words})")]
    yield Help(f"cast the other: `cast(.., {words})`", edits=tuple(edits), applicability=Applicability.MAYBE)
