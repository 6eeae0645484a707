"""Class tokens: where they are put before others, and who reads them."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.ir.model import Param, Value
from dslc.ir.walk import Step
from dslc.lints.network import Network, op_of
from dslc.ops.axes import joined_axis
from dslc.ops.index import Index
from dslc.ops.joining import Cat
from dslc.ops.reduce import Mean
from dslc.ops.shape import Expand
from dslc.record import frozen


@frozen
class ClassToken:
    """A learned token that `made` puts before or behind the others: `tokens` in all.

    `means`: over all of them; `alone`: what reads one place of them; `others`: means over the tokens without it.
    """

    made: Step
    tokens: int
    means: tuple[Step, ...]
    alone: tuple[Step, ...]
    others: tuple[Step, ...]


def class_tokens(net: Network) -> Iterator[ClassToken]:
    """The learned tokens of a network, and how they are read after them."""
    for made in net.of(Cat):
        op, out = op_of(made), made.outs[0]
        if not isinstance(op, Cat) or out.type.rank != 3 or op.axis is None:
            continue
        axis = joined_axis("concat", tuple(v.type for v in made.inputs), op.axis)
        learned = [v for v in made.inputs if _learned(net, v) and net.shape(v)[axis] == 1]
        if axis != 1 or len(learned) != 1 or len(made.inputs) != 2:
            continue
        tokens = net.shape(out)[1]
        after = net.steps[net.steps.index(made) + 1 :]
        means, alone, others = [], [], []
        for step in after:
            reads, kind = step.inputs[0] if step.inputs else None, op_of(step)
            if reads is None or reads.type.rank != 3:
                continue
            count = net.shape(reads)[1]
            if isinstance(kind, Mean) and 1 in kind.axes(reads.type):
                if count == tokens:
                    means.append(step)
                elif count == tokens - 1:
                    others.append(step)
            elif isinstance(kind, Index) and count == tokens and _one_place(kind, reads):
                alone.append(step)
        yield ClassToken(made, tokens, tuple(means), tuple(alone), tuple(others))


def _learned(net: Network, value: Value) -> bool:
    maker = net.maker(value)
    while maker is not None and isinstance(op_of(maker), Expand):
        value = maker.inputs[0]
        maker = net.maker(value)
    return isinstance(value.producer, Param) and value.producer.spec.kind == "param"


def _one_place(op: Index, x: Value) -> bool:
    entry = op.entries(x.type)[1]
    if entry.axis != 1:
        return False
    if entry.place is not None:
        return True
    return entry.bounds[2] is None and entry.start == 0 and entry.stop == 1
