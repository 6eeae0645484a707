"""Which heads of a network can become convolutional: from `flatten` of a map to the result.

A linear layer on a flattened `[C, h, w]` map is a convolution whose kernel is the whole map, one on features is a 1x1
convolution, with the same weights in another shape: Sermanet et al., OverFeat, arXiv:1312.6229, section 3.5; Long,
Shelhamer and Darrell, arXiv:1411.4038, section 3.1; CS231n, Converting FC layers to CONV layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from dslc.ir.model import Call, Either, For, If, Instance, Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step, flatten
from dslc.ops.activation import Elementwise
from dslc.ops.arithmetic import Binary, Neg
from dslc.ops.convolution import Conv
from dslc.ops.functions import Clamp, Function
from dslc.ops.gating import AlongAxis, Gated, Maxout, ParametricRelu
from dslc.ops.identity import Identity
from dslc.ops.joining import Cat
from dslc.ops.linear import Linear
from dslc.ops.norm import BatchNorm
from dslc.ops.pool_adaptive import AdaptiveMaxPool, AdaptivePool, GlobalMaxPool, GlobalPool, even_bins
from dslc.ops.regularise import AlphaDropout, Dropout, DropPath
from dslc.ops.shape import Flatten
from dslc.source import Span
from dslc.syntax import tree

Kind = Literal["drop", "conv", "pool"]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one use of a layer: it is dropped, or becomes `conv` or a pool with a window of this size.

    `stride`: of a pool, the window's own stride (none: 1).
    """

    kind: Kind
    window: tuple[int, ...] = ()
    pool: str = ""
    stepped: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """A shape in a header that gets `axes` more axes: `[N, D]` becomes `[N, D, _, _]`."""

    spec: tree.TensorSpec
    axes: int


@dataclass(slots=True, eq=False)
class Head:
    """Flattened maps whose features meet, with all that reads them. `obstacle`: why it has to stay, and where."""

    model: Model
    flattens: list[Node]
    changes: dict[Node, Change] = field(default_factory=dict)
    headers: list[Header] = field(default_factory=list)
    obstacle: tuple[str, Span] | None = None

    def refuse(self, reason: str, span: Span) -> None:
        """Keep the first reason."""
        self.obstacle = self.obstacle or (reason, span)


@dataclass(frozen=True, slots=True)
class Features:
    """What a value `[N, F]` of a head becomes: a map whose places at the default sizes are `places`.

    `wide`: no linear layer has read the flattened map yet, so F is C times the places; else there is one place.
    """

    places: tuple[int, ...]
    wide: bool


def find_heads(model: Model) -> list[Head]:
    """The heads of a network in the order of the program, those with an obstacle too. Linear in its steps."""
    return _Search(model).run()


class _Search:
    """One walk over the steps: what each value that depends on a flattened map becomes."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.flat: Flat = flatten(model)
        self.steps = [s for s in self.flat.steps if s.needed is not Needed.NEVER]
        self.makers: dict[Value, Step] = {out: s for s in self.steps for out in s.outs}
        self.readers: dict[Value, int] = {}
        self.found: dict[Value, Features] = {}
        self.heads: dict[Value, Head] = {}
        self.all: list[Head] = []

    def run(self) -> list[Head]:
        for step in self.steps:
            for value in (*step.inputs, *step.tied.values()):
                self.readers[value] = self.readers.get(value, 0) + 1
        for step in self.steps:
            self._step(step)
        for instance in instances(self.model.root):
            self._headers(instance)
        for head in self.all:
            self._results(head)
        return self.all

    # ---- steps

    def _step(self, step: Step) -> None:
        node = step.node
        known = [v for v in (*step.inputs, *step.tied.values()) if v in self.found]
        if not known:
            if isinstance(node, Node) and isinstance(node.op, Flatten):
                self._begin(step, node)
            return
        head = self._joined(known)
        if isinstance(node, Call):
            head.refuse(f"`{node.instance.name}` is a module that is not seen into", node.span)
            return
        result = self._result(step, node, head)
        if isinstance(result, str):
            head.refuse(result, node.span)
            return
        for out in step.outs:
            self.found[out] = result
            self.heads[out] = head

    def _begin(self, step: Step, node: Node) -> None:
        """A `flatten` of a whole map begins a head; any other is none of our concern."""
        type = node.inputs[0].type
        if type.rank < 3 or type.channel != 1 or not isinstance(node.op, Flatten):
            return
        if node.op.axes(type) != (1, type.rank - 1) or not type.dtype.is_float:
            return
        places = tuple(self.model.sizes.value(size) for size in type.spatial)
        head = Head(self.model, [node], {node: Change("drop")})
        self._pool(step.inputs[0], head)
        self.all.append(head)
        self.found[step.outs[0]] = Features(places, any(side > 1 for side in places))
        self.heads[step.outs[0]] = head

    def _joined(self, values: list[Value]) -> Head:
        """The one head of several values."""
        first = self.heads[values[0]]
        for value in values[1:]:
            other = self.heads[value]
            if other is first:
                continue
            first.flattens += other.flattens
            first.changes |= other.changes
            first.obstacle = first.obstacle or other.obstacle
            self.all.remove(other)
            self.heads = {v: first if h is other else h for v, h in self.heads.items()}
        return first

    def _result(self, step: Step, node: Node, head: Head) -> Features | str:
        """What a step makes of features; the reason where it has no convolutional form."""
        op = node.op
        inputs = [self.found.get(v) for v in step.inputs]
        features = inputs[0]
        name = f"`{node.op.name}`"
        if features is None or any(f is None for f in inputs) or any(v in self.found for v in step.tied.values()):
            return f"{name} joins the features with something else"
        if isinstance(op, Linear):
            if step.tied:
                return f"the weights of {name} belong to another layer"
            head.changes[node] = Change("conv", features.places)
            return Features((1,) * len(features.places), False)
        if isinstance(op, Flatten):
            head.changes[node] = Change("drop")
            return features
        if any(f != features for f in inputs):
            return f"{name} joins features of different maps"
        if isinstance(op, Cat | AlongAxis | Gated | Maxout) and op.axis not in (None, 1):
            return f"{name} counts axes from the end: write `axis=1`"
        if isinstance(op, BatchNorm | ParametricRelu | AlongAxis | Gated | Maxout) and features.wide:
            return f"{name} takes the flattened map as features"
        if isinstance(op, _BY_PLACE):
            return features
        return f"{name} has no form for a map of features"

    # ---- the pool before a head

    def _pool(self, value: Value, head: Head) -> None:
        """The pool that makes the map one of a fixed size: without it the head would see one window only."""
        shared = False
        while (maker := self.makers.get(value)) is not None and isinstance(maker.node, Node):
            node = maker.node
            shared |= self.readers.get(value, 0) > 1
            if isinstance(node.op, GlobalPool | AdaptivePool):
                change = self._pool_change(node)
                if isinstance(change, str) or shared:
                    reason = change if isinstance(change, str) else f"something else reads `{node.op.name}` too"
                    head.refuse(reason, node.span)
                else:
                    head.changes[node] = change
                return
            if len(maker.inputs) != 1 or not _keeps_places(node):
                return
            value = maker.inputs[0]

    def _pool_change(self, node: Node) -> Change | str:
        """A pool over windows of the default map's size, which is the same at the default size."""
        source = tuple(self.model.sizes.value(size) for size in node.inputs[0].type.spatial)
        target = tuple(self.model.sizes.value(size) for size in node.outs[0].type.spatial)
        pool = "maxpool" if isinstance(node.op, GlobalMaxPool | AdaptiveMaxPool) else "avgpool"
        if source == target:
            return Change("drop")
        window = even_bins(source, target)
        if window is None:
            sides = ["x".join(map(str, side)) for side in (source, target)]
            return f"the bins of `{node.op.name}` from {sides[0]} to {sides[1]} places are no windows of one size"
        return Change("pool", window, pool, any(side > 1 for side in target))

    # ---- headers and results

    def _headers(self, instance: Instance) -> None:
        """Shapes in the headers of blocks that features pass through."""
        block = instance.definition
        if not isinstance(block, tree.Block):
            return
        for port, value in zip(_ports(block, len(instance.inputs)), instance.inputs, strict=False):
            self._header(port.spec, value, block.name, True)
        named = {r.name: r for r in block.results or ()}
        for name, value in zip(instance.output_names, instance.outputs, strict=False):
            result = named.get(name)
            if result is not None and result.spec is not None:
                self._header(result.spec, value, block.name, False)

    def _header(self, spec: tree.TensorSpec, value: Value, name: str, port: bool) -> None:
        actual = self.flat.resolve(value)
        features = self.found.get(actual)
        if features is None or spec.dims is None:
            return
        head = self.heads[actual]
        if features.wide and port:
            head.refuse(f"`{name}` takes the flattened map as {spec.span.text}: put `flatten` inside it", spec.span)
        elif not any(d.rest for d in spec.dims):
            head.headers.append(Header(spec, len(features.places)))
        elif spec.dims[-1].rest is False:
            head.refuse(f"`{name}` takes the last axis as the features: {spec.span.text}", spec.span)

    def _results(self, head: Head) -> None:
        """A flattened map that is itself a result stays one; features of one place become a map."""
        for value in self.model.root.outputs:
            actual = self.flat.resolve(value)
            features = self.found.get(actual)
            if features is not None and self.heads[actual] is head and features.wide:
                head.refuse("the flattened map is a result of the network", head.flattens[0].span)


_BY_PLACE = (
    *(Elementwise, Identity, Dropout, AlphaDropout, DropPath, BatchNorm, ParametricRelu),
    *(AlongAxis, Gated, Maxout, Function, Clamp, Binary, Neg, Cat),
)
"""Ops that do to the channels of each place of a map what they do to features."""


def _keeps_places(node: Node) -> bool:
    """Whether each place of a node's result is made of the same place of its input."""
    op = node.op
    if isinstance(op, Conv):
        windows = op.windows(node.inputs[0].type)
        return all(side == 1 for side in (*windows.kernel, *windows.stride))
    return isinstance(op, _BY_PLACE) or op.name == "dropout2d"


def _ports(block: tree.Block, count: int) -> list[tree.Port]:
    """The port of each input: the last one may take several."""
    ports = list(block.ports or ())
    return ports + ports[-1:] * (count - len(ports)) if ports and ports[-1].many else ports


def instances(root: Instance) -> Iterator[Instance]:
    """An instance and all below it, through the regions of their bodies."""
    stack: list[object] = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, Instance):
            yield item
            stack += item.body
        elif isinstance(item, Call):
            stack.append(item.instance)
        elif isinstance(item, If):
            stack += item.items
        elif isinstance(item, For):
            stack += [i for turn in item.turns for i in turn]
        elif isinstance(item, Either):
            stack += [*item.training, *item.evaluation]


def owners(model: Model) -> list[Node | Instance]:
    """The things that own parameters, each once, in order of first application."""
    found: dict[Node | Instance, None] = {}
    for param in model.params.values():
        assert isinstance(param, Param)
        found.setdefault(param.owner)
    return list(found)
