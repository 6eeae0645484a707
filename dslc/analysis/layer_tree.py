"""A network as a tree of layers with their numbers: what two networks are compared by.

Each layer has three keys, small integers that are equal iff what they stand for is: `content` (the op and all its
attributes; of a part, the names and contents of what is in it and how that is wired), `same` (content, name and what it
reads) and `full` (that and every number). Keys come from one `Keys` for both networks, so that equal subtrees are
found without walking them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import Literal, TypeAlias

from dslc.analysis.cost import Count, NodeCost
from dslc.analysis.field import Status
from dslc.analysis.metrics import COMPARED, Elements, PerUse, Work
from dslc.analysis.quantities import Numbers
from dslc.analysis.receptive import Tracks
from dslc.ir.model import Call, Either, For, If, Instance, Item, Node, Param, Value
from dslc.ir.walk import Needed, Step
from dslc.ops.identity import ChannelAxis
from dslc.syntax import tree
from dslc.types.const import Const
from dslc.types.dim import Dim, evaluate
from dslc.types.tensor import TensorType

Kind: TypeAlias = Literal["op", "part", "tensor", "extern"]


class Keys:
    """Gives each distinct value a number of its own."""

    def __init__(self) -> None:
        self.numbers: dict[object, int] = {}

    def __call__(self, *value: object) -> int:
        return self.numbers.setdefault(value, len(self.numbers))


@dataclass(frozen=True, slots=True)
class Source:
    """What a layer reads: `text` is `it` for the value before it, else a name as seen from the reader.

    `layer` made it (none: not known), as its output `index`; `inward`: it is that part's own input instead.
    """

    text: str
    layer: Layer | None
    index: int = 0
    inward: bool = False

    @property
    def full(self) -> str:
        """What it is by name, also where it is the value before."""
        known = self.text if self.text != "it" or self.layer is None or self.inward else self.layer.name
        return f"{known}[{self.index}]" if self.index and "[" not in known else known


@dataclass(slots=True, eq=False)
class Layer:
    """A use of an op, a part that owns some, a declared tensor, or a user's module.

    `explicit`: its name is the user's own. `attributes` are texts by name, those in `bare` written without it and those
    in `given` shown at all; of a part, they are its arguments, which are not compared. `outs` has the outputs' shapes
    at the default sizes. `layers` counts the ops in it, `owns` says whether it has tensors in the state dict. `numbers`
    has a count or none where a user's module does not say.
    """

    kind: Kind
    name: str
    path: str
    op: str
    explicit: bool
    attributes: dict[str, str]
    needed: Needed = Needed.ALWAYS
    bare: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    reads: tuple[Source, ...] = ()
    outs: tuple[str, ...] = ()
    tracks: Tracks = ()
    tensors: dict[str, Param] = field(default_factory=dict)
    numbers: dict[str, int | None] = field(default_factory=dict)
    children: list[Layer] = field(default_factory=list)
    layers: int = 1
    owns: bool = False
    content: int = 0
    same: int = 0
    full: int = 0

    def __iter__(self) -> Iterator[Layer]:
        """This layer and all in it, in program order."""
        left = [self]
        while left:
            layer = left.pop()
            yield layer
            left += reversed(layer.children)


def layer_tree(numbers: Numbers, keys: Keys) -> Layer:
    """The tree of a network. Linear in its layers; nesting takes no recursion."""
    return TreeBuilder(numbers, keys).build()


class TreeBuilder:
    """Walks the module tree in the order of `walk.flatten`, whose steps it takes along."""

    def __init__(self, numbers: Numbers, keys: Keys) -> None:
        self.numbers = numbers
        self.keys = keys
        self.default = numbers.model.sizes.default
        self.work = {n: m.adds.by_use(numbers) for n, m in COMPARED.items() if isinstance(m.adds, Work | PerUse)}
        self.steps = iter(numbers.flat.steps)
        self.made: dict[Value, Source] = {}
        self.tensors: dict[Param, Layer] = {}
        self.last: Value | None = None

    def build(self) -> Layer:
        root = self.part(self.numbers.model.root, None)
        stack: list[tuple[Iterator[Item], Layer, Call | Either | None]] = []
        stack.append((iter(self.numbers.model.root.body), root, None))
        while stack:
            items, around, region = stack[-1]
            item = next(items, None)
            if item is None:
                stack.pop()
                if isinstance(region, Call):
                    self.leave(around, region)
                elif isinstance(region, Either):
                    self.made[region.out] = self.made.get(region.sides[1], Source("?", None))
                    self.last = region.out
            elif isinstance(item, Node):
                self.op(next(self.steps), item, around)
            elif isinstance(item, Call):
                if item.instance.kind == "extern":
                    self.extern(next(self.steps), item, around)
                else:
                    reads = tuple(self.source(v, around.path) for v in item.inputs)
                    part = self.part(item.instance, around)
                    part.reads = reads
                    stack.append((iter(item.instance.body), part, item))
            elif isinstance(item, If):
                stack.append((iter(item.items), around, None))
            elif isinstance(item, For):
                stack.append((chain.from_iterable(item.turns), around, None))
            else:
                stack.append((chain(item.evaluation, item.training), around, item))
        self.finish(root, self.numbers.model.root)
        return root

    # ---- layers

    def part(self, instance: Instance, around: Layer | None) -> Layer:
        """A net, block or `seq`, with the tensors it declares; what it applies is added as it is met."""
        op = instance.definition.name if instance.definition is not None else "seq"
        arguments = {name: attribute_text(const) for name, const in instance.args.items()}
        path = instance.path
        name, explicit = (instance.name, instance.explicit) if around is not None else ("", True)
        layer = Layer("part", name, path, op, explicit, arguments)
        if isinstance(instance.definition, tree.Block):
            default = {p.name: p.default for p in instance.definition.parameters}
            layer.given = frozenset(
                n for n, c in instance.args.items() if c.origin is not default.get(n) or not c.origin
            )
        for index, value in enumerate(instance.inputs):
            if instance.kind != "seq":
                self.made[value] = Source(value.name or "it", layer, index, inward=True)
        if instance.inputs and instance.kind != "seq":
            self.last = instance.inputs[0]
        for param in instance.params.values():
            self.declared(param, layer)
        if around is not None:
            around.children.append(layer)
        return layer

    def declared(self, param: Param, around: Layer) -> None:
        """A `param`, `buffer` or `const` line."""
        spec = param.spec
        start = f"{spec.init.kind}({', '.join(f'{k}={v}' for k, v in spec.init.args)})"
        attributes = {"shape": str(list(spec.shape)), "dtype": spec.dtype.value, "init": start.removesuffix("()")}
        if param.values is not None:
            attributes["values"] = str(param.values)
        layer = Layer("tensor", param.name, param.path, spec.kind, True, attributes)
        layer.given = frozenset({"shape", "init"})
        layer.bare = frozenset({"shape"})
        layer.outs = (self.shape(TensorType(spec.shape, spec.dtype)),)
        if spec.kind != "const":
            layer.tensors = {param.name: param}
            layer.owns = True
        train_only = param in self.numbers.cost.train_only_params
        layer.needed = Needed.TRAINING if train_only and spec.kind == "param" else Needed.ALWAYS
        count = Count()
        count.add(param, train_only=False)
        layer.numbers = dict.fromkeys(COMPARED, 0)
        layer.numbers |= elements(count)
        layer.layers = 0
        layer.content = self.keys("tensor", spec.kind, *attributes.items())
        layer.same = self.keys(layer.name, layer.content)
        layer.full = self.keys(layer.same, layer.needed)
        self.tensors[param] = layer
        around.children.append(layer)

    def op(self, step: Step, node: Node, around: Layer) -> None:
        """One use of an op."""
        if isinstance(node.op, ChannelAxis):  # no layer: it says something of one
            self.made[node.outs[0]] = self.made.get(node.inputs[0], Source("?", None))
            self.last = node.outs[0] if self.last is node.inputs[0] else self.last
            return
        attributes: dict[str, str] = {}
        default = {name: rules.default for name, rules in node.op.attributes.items()}
        given = {name for name, const in node.consts.items() if const.origin and const.value != default[name]}
        bare = {name for name, rules in node.op.attributes.items() if rules.required}
        for name in node.op.attributes:
            value = getattr(node.op, name)
            if name in node.tied:
                attributes[name] = self.source(node.tied[name], around.path).text
                given.add(name)
            elif name == node.op.extra:
                assert isinstance(value, tuple)
                attributes |= {key: attribute_text(const) for key, const in value}
                given |= {key for key, _ in value}
            elif name == node.op.gather:
                assert isinstance(value, tuple)
                attributes[name] = ", ".join(map(attribute_text, value))
                bare.add(name)
            else:
                attributes[name] = attribute_text(value)
        layer = Layer("op", node.name, step.path, node.op.name, node.explicit, attributes, step.needed)
        layer.bare, layer.given = frozenset(bare), frozenset(given | bare)
        layer.reads = tuple(self.source(v, around.path) for v in node.inputs)
        layer.tensors = {name: p for name, p in node.params.items() if p.spec.kind != "const"}
        layer.owns = bool(layer.tensors)
        for param in node.params.values():
            self.tensors.setdefault(param, layer)
        layer.content = self.keys("op", node.op.name, step.needed, node.first is not None, *attributes.items())
        self.leaf(layer, step, node.outs, self.numbers.cost.nodes[node])
        around.children.append(layer)

    def extern(self, step: Step, call: Call, around: Layer) -> None:
        """A use of a user's own module."""
        instance = call.instance
        assert instance.definition is not None
        arguments = {name: attribute_text(const) for name, const in instance.args.items()}
        op, explicit = instance.definition.name, instance.explicit
        layer = Layer("extern", instance.name, step.path, op, explicit, arguments, step.needed)
        layer.reads = tuple(self.source(v, around.path) for v in call.inputs)
        layer.content = self.keys("extern", layer.op, step.needed, *arguments.items())
        self.leaf(layer, step, call.outs, self.numbers.cost.nodes[call])
        around.children.append(layer)

    def leaf(self, layer: Layer, step: Step, outs: tuple[Value, ...], cost: NodeCost) -> None:
        """Outputs, numbers and keys of a layer with nothing in it."""
        for index, value in enumerate(outs):
            self.made[value] = Source(layer.path, layer, index)
        if outs:
            self.last = outs[0]
        layer.outs = tuple(self.shape(v.type) for v in step.outs)
        layer.tracks = self.numbers.fields.get(step.outs[0], ()) if step.outs else ()
        layer.numbers = dict.fromkeys(COMPARED)
        if cost.known:
            work = {name: int(counts.get(step.node, 0)) for name, counts in self.work.items()}
            layer.numbers |= {**work, **elements(cost.count)}
        layer.same = self.keys(layer.name, layer.content, *(s.text for s in layer.reads))
        layer.full = self.keys(layer.same, layer.outs, track_key(layer.tracks), *layer.numbers.values())

    def leave(self, part: Layer, call: Call) -> None:
        """Close a part: its outputs are from here on what it made."""
        self.finish(part, call.instance)
        for index, value in enumerate(call.outs):
            self.made[value] = Source(part.path, part, index)
        if call.outs:
            self.last = call.outs[0]

    def finish(self, part: Layer, instance: Instance) -> None:
        """Outputs, sums and keys of a part. What only training computes is in no sum of work."""
        part.outs = tuple(self.shape(v.type) for v in instance.outputs)
        if instance.outputs:
            part.tracks = self.numbers.fields.get(self.numbers.flat.resolve(instance.outputs[0]), ())
        part.layers = sum(child.layers for child in part.children)
        part.owns = any(child.owns for child in part.children)
        part.numbers = {name: summed(name, part.children) for name in COMPARED}
        if part.children and all(child.needed is part.children[0].needed for child in part.children):
            part.needed = part.children[0].needed
        results = [self.source(v, part.path).text for v in instance.outputs]
        part.content = self.keys("part", *results, *((child.name, child.same) for child in part.children))
        part.same = self.keys(part.name, part.content, *(s.text for s in part.reads))
        numbers = (track_key(part.tracks), *part.numbers.values())
        part.full = self.keys(part.same, part.outs, *numbers, *(child.full for child in part.children))

    # ---- words

    def source(self, value: Value, owner: str) -> Source:
        """Where a value comes from, named as seen from the part at the path `owner`."""
        if isinstance(value.producer, Param):
            layer = self.tensors.get(value.producer)
            return Source(relative(value.producer.path, owner), layer)
        known = self.made.get(value, Source(value.name or "?", None))
        if value is self.last:
            return Source("it", known.layer, known.index, known.inward)
        if known.inward or known.layer is None:
            return known
        more = f"[{known.index}]" if known.index else ""
        return Source(relative(known.text, owner) + more, known.layer, known.index)

    def shape(self, type: TensorType) -> str:
        """`[N, 64, 112, 112]`: numbers at the default sizes; universal sizes keep their names."""
        sizes = self.numbers.model.sizes
        words = []
        for size in type.dims:
            if isinstance(size, Dim) and any(s.name in sizes.universal for s in size.symbols):
                words.append(sizes.text(size))
            else:
                words.append(str(evaluate(size, self.default)))
        text = f"[{', '.join(words)}]"
        return text if type.dtype.is_float else f"{type.dtype.value}{text}"


def elements(count: Count) -> dict[str, int]:
    """The counts of tensors that are compared; `params` are also those that only training uses."""
    every = Count(count.params + count.train_only, count.buffers)
    return {name: metric.adds.of(every) for name, metric in COMPARED.items() if isinstance(metric.adds, Elements)}


def summed(name: str, layers: list[Layer]) -> int | None:
    """A count over layers; none where one of them does not say."""
    total = 0
    for layer in layers:
        number = layer.numbers[name]
        if number is None:
            return None
        if layer.needed is Needed.ALWAYS or COMPARED[name].training:
            total += number
    return total


def relative(path: str, owner: str) -> str:
    """A path of layers as seen from the part at `owner`; each part that is left is a `^`."""
    if not owner:
        return path
    there, here = path.split("."), owner.split(".")
    shared = 0
    while shared < min(len(there) - 1, len(here)) and there[shared] == here[shared]:
        shared += 1
    return ".".join(["^"] * (len(here) - shared) + there[shared:])


def attribute_text(value: object) -> str:
    """An attribute as the language writes it: `3`, `3x5`, `true`, `"n c h w -> n (h w) c"`; equal iff it is."""
    if isinstance(value, Const):
        value = value.value
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Dim):
        return str(value)
    if isinstance(value, tuple) and value and all(isinstance(v, int) and not isinstance(v, bool) for v in value):
        return "x".join(map(str, value)) if len(set(value)) > 1 else str(value[0])
    if isinstance(value, tuple | list):
        return f"[{', '.join(attribute_text(v) for v in value)}]"
    if isinstance(value, str):
        return value if value.isidentifier() else f'"{value}"'
    return str(getattr(value, "label", None) or type(value).__name__.lower())


def track_key(tracks: Tracks) -> tuple[tuple[int, int, int | Fraction, int | Fraction, int | Fraction, Status], ...]:
    """What is compared of receptive fields: size, stride, padding and status, per axis of each input."""
    return tuple((t.input, t.axis, t.field.size, t.field.stride, t.field.padding, t.field.status) for t in tracks)
