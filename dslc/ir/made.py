"""Where a tensor's sizes come from: the layer, and the text, that gave an axis its size."""

from __future__ import annotations

from dslc.ir.model import Call, Node, Value
from dslc.record import frozen
from dslc.source import Span
from dslc.types.const import Const
from dslc.types.dim import Size

OUT = "out"
"""The attribute of layers that says how many channels they make."""


@frozen
class Made:
    """The layer that gave an axis its size, and the argument that says it, if one does."""

    node: Node
    argument: Const | None

    @property
    def place(self) -> Span | None:
        """The text of that argument, where it stands in the layer's own."""
        const, whole = self.argument, self.node.span
        spans = [const.origin.span, const.span] if const is not None and const.origin is not None else []
        spans += [const.span] if const is not None else []
        held = (s for s in spans if s.source is whole.source and whole.start <= s.start and s.end <= whole.end)
        return next(held, None)


@frozen
class Change:
    """A size of an axis, and the op that made it of another; none at the beginning of what is known."""

    node: Node | None
    value: Value
    size: Size


def way(value: Value, axis: int) -> list[Change]:
    """How an axis came to its size, from the beginning: through blocks, along the first input of each op.

    The way ends where an op has no such axis, as a `reshape`, and at the input of the block it is asked in.
    """
    axis = axis % value.type.rank
    changes: list[Change] = []
    inside: list[Call] = []
    while True:
        size, producer = value.type.dims[axis], value.producer
        if isinstance(producer, Call):
            outputs = producer.instance.outputs
            if value.index < len(outputs) and outputs[value.index] is not value:
                inside.append(producer)
                value = outputs[value.index]
                continue
        if producer is None and inside and value in inside[-1].instance.inputs:
            call = inside.pop()
            value = call.inputs[call.instance.inputs.index(value)]
            continue
        if not isinstance(producer, Node) or not producer.inputs or axis >= producer.inputs[0].type.rank:
            return [Change(None, value, size), *reversed(changes)]
        fed = producer.inputs[0]
        if fed.type.dims[axis] != size:
            changes.append(Change(producer, value, size))
        value = fed


def maker(value: Value, axis: int) -> Made | None:
    """The last layer that did not take the size of an axis from its input; none of an input of the net or block."""
    axis = axis % value.type.rank
    size = value.type.dims[axis]
    while True:
        producer = value.producer
        if isinstance(producer, Call):
            outputs = producer.instance.outputs
            if value.index >= len(outputs) or outputs[value.index] is value:
                return None
            value = outputs[value.index]
            continue
        if not isinstance(producer, Node):
            return None
        out = producer.consts.get(OUT)
        channels = value.type.rank - 1 if value.type.channel is None else value.type.channel % value.type.rank
        if out is not None and out.value == size and axis == channels:
            return Made(producer, out)
        fed = producer.inputs[0] if producer.inputs else None
        if fed is None or axis >= fed.type.rank or fed.type.dims[axis] != size:
            return Made(producer, None)
        value = fed
