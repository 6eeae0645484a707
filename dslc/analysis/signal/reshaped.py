"""Remedies that alter what a network is made of: gates in a recurrence, fewer turns of its loops, smaller branches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from dslc.ir.model import Call, Either, For, If, Item, Model, Node, Param, Value
from dslc.ir.walk import Flat, Step
from dslc.ops.arithmetic import Add, Mul
from dslc.ops.base import REGISTRY, Op
from dslc.ops.identity import Identity
from dslc.ops.recurrent import RNN
from dslc.record import replace

GATED = ("lstm", "gru")
"""Recurrent layers with gates."""
KEPT = ("hidden", "layers", "bidirectional", "bias", "drop")
"""Attributes that all recurrent layers have."""


# ---- gates


def gated(flat: Flat, name: str) -> Flat:
    """`lstm` or `gru` for each plain recurrent layer that is given no state and gives none."""
    found = {step: step for step in flat.steps if _plain(step)}
    if not found:
        raise ValueError("no plain recurrent layer is there that reads and gives its sequence alone")
    return replace(flat, steps=tuple(_with_gates(step, name) if step in found else step for step in flat.steps))


def _plain(step: Step) -> bool:
    op = step.node.op.core if isinstance(step.node, Node) else None
    return isinstance(op, RNN) and not op.state and len(step.inputs) == 1


def _with_gates(step: Step, name: str) -> Step:
    assert isinstance(step.node, Node)
    op = REGISTRY[name](**{key: getattr(step.node.op.core, key) for key in KEPT})
    return replace(step, node=_made(step.node, op, step.path, step.inputs), tied={})


def _made(node: Node, op: Op, path: str, inputs: tuple[Value, ...]) -> Node:
    """A node with another op and that op's own weights."""
    made = replace(node, op=op, consts={}, params={}, tied={})
    for spec in op.params(*(value.type for value in inputs)):
        made.params[spec.name] = Param(f"{path}.{spec.name}", spec.name, spec, made)
    return made


# ---- depth


def shallower(flat: Flat, model: Model, share: float) -> Flat:
    """A share of the turns of each loop that keep the shape of what goes through them; at least one turn stays.

    Of loops within each other the innermost lose turns. A turn stays whose values later lines read by name.
    """
    left_out: dict[Value, Value] = {}
    gone: set[Node | Call] = set()
    made = {out: step for step in flat.steps for out in step.outs}
    readers: dict[Value, list[Step]] = {}
    for step in flat.steps:
        for value in (*step.inputs, *step.tied.values()):
            readers.setdefault(value, []).append(step)
    results = {value for _, value in flat.outputs}
    for loop in _innermost(model.root.body):
        turns = [at for at in range(len(loop.turns)) if _can_go(loop, at, flat, made, readers, results)]
        keep = max(math.ceil(len(loop.turns) * share), 1)
        for at in reversed(turns[-(len(loop.turns) - keep) :] if len(loop.turns) > keep else []):
            before, after = loop.carried[at], loop.carried[at + 1]
            assert before is not None and after is not None
            left_out[flat.resolve(after)] = flat.resolve(before)
            gone.update(_nodes(loop.turns[at]))
    if not left_out:
        raise ValueError("no loop has turns that keep the shape of what goes through them")

    def moved(value: Value) -> Value:
        while value in left_out:
            value = left_out[value]
        return value

    steps = tuple(
        replace(
            step,
            inputs=tuple(map(moved, step.inputs)),
            tied={name: moved(value) for name, value in step.tied.items()},
        )
        for step in flat.steps
        if step.node not in gone
    )
    outputs = tuple((name, moved(value)) for name, value in flat.outputs)
    actual = {formal: moved(value) for formal, value in flat.actual.items()}
    return replace(flat, steps=steps, outputs=outputs, actual=actual)


def _innermost(items: Iterable[Item]) -> Iterator[For]:
    """The loops that hold no loop of more than one turn, wherever they are."""
    todo = list(items)
    while todo:
        item = todo.pop()
        inside = list(_inside(item))
        if isinstance(item, For) and len(item.turns) > 1 and not any(_loops(one) for one in inside):
            yield item
        else:
            todo += inside


def _inside(item: Item) -> Iterator[Item]:
    match item:
        case For(turns=turns):
            for turn in turns:
                yield from turn
        case If(items=items):
            yield from items
        case Either(training=items):
            yield from items
        case Call(instance=instance):
            yield from instance.body


def _loops(item: Item) -> bool:
    """Whether there is a loop of more than one turn in an item, or it is one."""
    todo = [item]
    while todo:
        one = todo.pop()
        if isinstance(one, For) and len(one.turns) > 1:
            return True
        todo += _inside(one)
    return False


def _nodes(items: Iterable[Item]) -> Iterator[Node | Call]:
    """All uses in items, however deep."""
    todo = list(items)
    while todo:
        item = todo.pop()
        if isinstance(item, Node | Call):
            yield item
        todo += _inside(item)


def _can_go(
    loop: For,
    at: int,
    flat: Flat,
    made: dict[Value, Step],
    readers: dict[Value, list[Step]],
    results: set[Value],
) -> bool:
    """Whether the steps around a turn fit together without it: one shape, and nothing else of it is read."""
    before, after = loop.carried[at], loop.carried[at + 1]
    if before is None or after is None or before.type.dims != after.type.dims or flat.resolve(after) not in made:
        return False
    own = set(_nodes(loop.turns[at]))
    through = flat.resolve(after)
    if flat.resolve(before) is through:
        return False
    if at and any(step.node not in own for step in readers.get(flat.resolve(before), ())):
        return False
    if at + 1 < len(loop.turns):
        following = set(_nodes(loop.turns[at + 1]))
        if through in results or any(step.node not in following for step in readers.get(through, ())):
            return False
    outs = [out for node in own for value in node.outs if (out := flat.resolve(value)) is not through]
    return not any(
        out in results or any(step.node not in own for step in readers.get(out, ())) for out in outs if out in made
    ) and (made[through].node in own)


# ---- branches


def branches(flat: Flat) -> list[Step]:
    """The last step of each residual branch: of a sum of a value and of what was made of it alone.

    A sum that reads its skip through a layer, as where the shape changes, is none.
    """
    made = {out: (place, step) for place, step in enumerate(flat.steps) for out in step.outs}
    found: list[Step] = []
    for step in flat.steps:
        if not isinstance(step.node, Node) or not isinstance(step.node.op.core, Add) or len(step.inputs) != 2:
            continue
        ends = (_past_identities(value, made) for value in step.inputs)
        a, b = sorted(ends, key=lambda value: made[value][0] if value in made else -1)
        if b in made and _comes_of(b, a, made):
            found.append(made[b][1])
    return list(dict.fromkeys(found))


def _past_identities(value: Value, made: dict[Value, tuple[int, Step]]) -> Value:
    while value in made:
        step = made[value][1]
        if not isinstance(step.node, Node) or not isinstance(step.node.op.core, Identity):
            return value
        value = step.inputs[0]
    return value


def _comes_of(value: Value, source: Value, made: dict[Value, tuple[int, Step]]) -> bool:
    """Whether a value is made of another, by steps that stand between the two."""
    first = made[source][0] if source in made else -1
    todo, seen = [value], {value}
    while todo:
        step = made[todo.pop()][1]
        for one in step.inputs:
            if one is source:
                return True
            if one in made and one not in seen and made[one][0] > first:
                seen.add(one)
                todo.append(one)
    return False


def scale_of(text: str, count: int) -> float:
    """The factor of branches: a number, or 1/sqrt(their count) where none is written (De and Smith 2020)."""
    if not text:
        return 1 / math.sqrt(max(count, 1))
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not math.isfinite(factor) or factor <= 0:
        raise ValueError(f"`{text}` is no factor of branches, such as 0.1")
    return factor


def times(factor: float) -> Op:
    """The op that multiplies by a number."""
    return Mul(number=factor)
