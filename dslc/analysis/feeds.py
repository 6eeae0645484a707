"""What a network does with the tensors it is given: which are indices, and of how many places; which are masks."""

from __future__ import annotations

from functools import reduce

from dslc.ir.model import Node, Value
from dslc.ir.walk import Flat, Needed, Step
from dslc.ops.counting import Moves
from dslc.record import frozen
from dslc.types.dim import Size

SOFTMAX = ("softmax", "logsoftmax")


@frozen
class Feed:
    """What is known of an input's values.

    `places`: it is an index into each of so many places, with the use that reads it (none: not known, as of an
    index that is computed from the input). `mask`: it is only added before a softmax, or is the number mask of an
    attention, so that it may hold -inf.
    """

    places: tuple[tuple[Size, Node], ...] = ()
    mask: bool = False


UNKNOWN = Feed()
MASK = Feed(mask=True)


def feeds(flat: Flat, inputs: tuple[Value, ...]) -> list[Feed]:
    """What evaluation does with each input, found backwards from what reads it. Linear in the number of steps."""
    found: dict[Value, Feed] = {value: UNKNOWN for _, value in flat.outputs}
    for step in reversed(flat.steps):
        if step.needed is Needed.ALWAYS and isinstance(step.node, Node):
            for place, value in enumerate(step.inputs):
                use = _use(step, step.node, place, found)
                found[value] = joined(found.get(value), use)
            for value in step.tied.values():
                found[value] = UNKNOWN
        elif step.needed is Needed.ALWAYS:
            found |= dict.fromkeys(step.inputs, UNKNOWN)
    return [found.get(flat.resolve(value), UNKNOWN) for value in inputs]


def joined(known: Feed | None, other: Feed) -> Feed:
    """What two readers of one tensor ask of it."""
    return (
        other if known is None else Feed(tuple(dict.fromkeys(known.places + other.places)), known.mask and other.mask)
    )


def _use(step: Step, node: Node, place: int, found: dict[Value, Feed]) -> Feed:
    """What one step asks of one of its inputs."""
    op = node.op
    ins = tuple(value.type for value in node.inputs)
    places = op.places(ins).get(place)
    if places is not None:
        return Feed(((places, node),))
    if op.name in SOFTMAX or (op.name == "sdpa" and place == 3 and ins[3].dtype.is_float):
        return MASK
    after = reduce(joined, (found[value] for value in step.outs if value in found), None) or UNKNOWN
    if op.name == "add":
        return Feed(mask=after.mask)
    kept = ins[place].dtype.is_float == node.outs[0].type.dtype.is_float
    return after if kept and (isinstance(op, Moves) or op.name == "cast") else UNKNOWN
