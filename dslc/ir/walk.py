"""The module tree as the flat list of ops that one pass over the network executes.

Blocks have formal inputs and results of their own; here every value is followed to the one that is really
there, so that each op's inputs are outputs of earlier steps, inputs of the net, or parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from itertools import chain

from dslc.ir.model import Call, Either, For, If, Instance, Item, Model, Node, Param, Value
from dslc.record import record


class Needed(Enum):
    """What a step is computed for: every run, training alone, or nothing that is read (a name `_x`)."""

    ALWAYS = "always"
    TRAINING = "training"
    NEVER = "never"


@record
class Step:
    """One executed use of an op, or of an `extern` block (`node` is then a Call).

    `inputs`, `tied` and `outs` are actual values: what the node's own values stand for. A value whose
    producer is a `Param` is a read of that parameter. `path` is unique: a shared module's second use is
    `head@2`.
    """

    node: Node | Call
    path: str
    inputs: tuple[Value, ...]
    tied: dict[str, Value]
    outs: tuple[Value, ...]
    needed: Needed


@record
class Flat:
    """A network as steps in program order; `outputs` has (name, value) of each result of evaluation.

    `training`: the network as it runs in training. Results of training are among the outputs then, `a if
    training else b` is `a`, and steps are needed ALWAYS or NEVER.
    """

    steps: tuple[Step, ...]
    outputs: tuple[tuple[str | None, Value], ...]
    actual: dict[Value, Value]
    training: bool = False

    def resolve(self, value: Value) -> Value:
        """The actual value behind a formal one; of `a if training else b`, that of `b` (`a` in training)."""
        return _follow(self.actual, value)


def steps(model: Model) -> list[Step]:
    """All steps, in program order."""
    return list(flatten(model).steps)


def flatten(model: Model, *, training: bool = False) -> Flat:
    """The executed steps of a network, as it is evaluated or as it is trained.

    Linear in their number; nesting takes no recursion.
    """
    actual: dict[Value, Value] = {}
    apart: list[Value] = []
    uses = list(_uses(model, actual, apart, side=0 if training else 1))
    root = model.root
    flags = root.train_only or (False,) * len(root.outputs)
    names = root.output_names or (None,) * len(root.outputs)
    outputs = [
        (name, _follow(actual, value))
        for name, value, train_only in zip(names, root.outputs, flags, strict=True)
        if training or not train_only
    ]
    apart += [v for v, train_only in zip(root.outputs, flags, strict=True) if train_only]
    always = _reach(uses, [value for _, value in outputs])
    sometimes = set() if training else _reach(uses, [_follow(actual, value) for value in apart])
    found = []
    for path, node, inputs, tied, outs in uses:
        needed = Needed.ALWAYS if node in always else Needed.TRAINING if node in sometimes else Needed.NEVER
        found.append(Step(node, path, inputs, tied, outs, needed))
    return Flat(tuple(found), tuple(outputs), actual, training)


_Use = tuple[str, Node | Call, tuple[Value, ...], dict[str, Value], tuple[Value, ...]]


def _uses(model: Model, actual: dict[Value, Value], apart: list[Value], side: int) -> Iterator[_Use]:
    """Every executed op with its actual inputs; fills `actual` with the given side of each `a if training else b`
    (0: a), and `apart` with the other one.
    """
    counts: dict[str, int] = {}
    stack: list[tuple[Iterator[Item], Call | Either | None]] = [(iter(model.root.body), None)]
    while stack:
        items, region = stack[-1]
        item = next(items, None)
        if item is None:
            stack.pop()
            if isinstance(region, Call):
                _bind(actual, region.outs, region.instance.outputs)
            elif isinstance(region, Either):
                apart.append(region.sides[1 - side])
                _bind(actual, (region.out,), (region.sides[side],))
        elif isinstance(item, Node):
            inputs = tuple(_follow(actual, value) for value in item.inputs)
            tied = {name: _follow(actual, value) for name, value in item.tied.items()}
            yield _unique(item.path, counts), item, inputs, tied, item.outs
        elif isinstance(item, Call):
            if item.instance.kind == "extern":
                inputs = tuple(_follow(actual, value) for value in item.inputs)
                yield _unique(item.instance.path, counts), item, inputs, {}, item.outs
                continue
            if item.instance.kind != "seq":
                _bind(actual, item.instance.inputs, item.inputs)
            stack.append((iter(item.instance.body), item))
        elif isinstance(item, If):
            stack.append((iter(item.items), None))
        elif isinstance(item, For):
            stack.append((chain.from_iterable(item.turns), None))
        else:
            stack.append((chain(item.evaluation, item.training), item))


def params_of(instance: Instance) -> Iterator[Param]:
    """The tensors that an instance and all in it own, its own first; nesting takes no recursion."""
    yield from instance.params.values()
    stack: list[Iterator[Item]] = [iter(instance.body)]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
        elif isinstance(item, Node):
            yield from (param for name, param in item.params.items() if name not in item.tied)
        elif isinstance(item, Call):
            yield from item.instance.params.values()
            stack.append(iter(item.instance.body))
        elif isinstance(item, If):
            stack.append(iter(item.items))
        elif isinstance(item, For):
            stack.append(chain.from_iterable(item.turns))
        else:
            stack.append(chain(item.evaluation, item.training))


def _bind(actual: dict[Value, Value], formal: tuple[Value, ...], given: tuple[Value, ...]) -> None:
    for value, other in zip(formal, given, strict=True):
        other = _follow(actual, other)
        if other is not value:
            actual[value] = other


def _follow(actual: dict[Value, Value], value: Value) -> Value:
    # What a value is bound to has been followed already, so a chain has one link for each later binding.
    while (other := actual.get(value)) is not None:
        value = other
    return value


def _unique(path: str, counts: dict[str, int]) -> str:
    count = counts[path] = counts.get(path, 0) + 1
    return path if count == 1 else f"{path}@{count}"


def _reach(uses: list[_Use], wanted: list[Value]) -> set[Node | Call]:
    """The uses whose results the wanted values depend on."""
    makers = {out: (node, inputs, tied) for _, node, inputs, tied, outs in uses for out in outs}
    found: set[Node | Call] = set()
    left = list(wanted)
    while left:
        maker = makers.get(left.pop())
        if maker is not None and maker[0] not in found:
            found.add(maker[0])
            left += maker[1]
            left += maker[2].values()
    return found
