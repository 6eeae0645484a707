"""Applying layers to tensors: ops become nodes, composites run their steps, `seq` makes a group."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

from dslc.diagnostics.model import Frame, Label, Mistake, Reject
from dslc.elaborate.arguments import Binding
from dslc.elaborate.errors import WrongType
from dslc.elaborate.errors_body import SharedModule, TiedShape, TooManyOps
from dslc.elaborate.errors_use import BadOperation, NotALayer, WrongInputs
from dslc.elaborate.floats import mixed_floats
from dslc.elaborate.initial import Initials
from dslc.elaborate.kinds import whole
from dslc.elaborate.limits import INT32, holdable
from dslc.elaborate.meaning import OPERATORS
from dslc.elaborate.naming import Naming
from dslc.elaborate.state import (
    POISON,
    USE,
    ChainLayer,
    ChoiceLayer,
    Definition,
    Place,
    Recipe,
    Runaway,
    Shared,
    SuiteLayer,
    TrainingLayer,
    block_of,
    describe,
)
from dslc.ir.model import Call, If, Instance, Item, Node, Param, Value
from dslc.ops.base import Op, Port
from dslc.ops.errors import HeldLayer, WrongChannelAxis, WrongDtype, WrongRank
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Const, Scope, literal
from dslc.types.dim import Dim, Size
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType

SYMBOLS: Final = {name: symbol for symbol, name in OPERATORS.items()} | {"cat": "concat"}
"""What the user wrote for an op."""
NUMBERS: Final = frozenset(("number", "a_number", "b_number", "value", "min", "max"))
"""Attributes that are elements of the result, and so of an input's type."""


class OpContext:
    """What an op's `infer` may ask; see `ops.base.InferContext`."""

    def __init__(
        self,
        sizes: Sizes,
        op: str,
        inputs: tuple[Value, ...],
        consts: dict[str, Const],
        span: Span,
        count: Callable[[int], None],
    ) -> None:
        self.sizes = sizes
        self.count = count
        self.by = SYMBOLS.get(op, op)
        self.inputs = inputs
        self.consts = consts
        self.span = span

    def equal(self, a: Size, b: Size) -> Size:
        """A size that meets a weight's number is pinned; else equal for all allowed sizes, or a guard."""
        if isinstance(a, Dim) and isinstance(b, int) and any(self.loose(i) for i in range(len(self.inputs))):
            a = self.sizes.pin_axis(a, self.span)
        elif isinstance(b, Dim) and isinstance(a, int) and any(self.loose(i) for i in range(len(self.inputs))):
            b = self.sizes.pin_axis(b, self.span)
        return self.sizes.equal(a, b, self.span, self.by)

    def at_least(self, a: Size, b: Size) -> None:
        self.sizes.at_least(a, b, self.span, self.by)

    def divide(self, a: Size, m: Size) -> Size:
        return self.sizes.divide(a, m, self.span, self.by)

    def pin(self, a: Size) -> int:
        return self.sizes.pin_axis(a, self.span)

    def word(self, attribute: str) -> Const | None:
        return self.consts.get(attribute)

    def loose(self, index: int) -> bool:
        return isinstance(self.inputs[index].producer, Param)


class Application(Binding, Initials, Naming, ABC):
    """Applying layers."""

    def flow(self, expr: tree.Expr, p: Place) -> Const:
        """The tensors a line or a step of a chain makes."""
        value = self.evaluate(expr, p)
        return self.settle(value, p, expr.span)

    def settle(self, value: Const, p: Place, span: Span) -> Const:
        """A layer is applied to the current value; tensors stand for themselves."""
        if isinstance(value.value, Recipe):
            return self.apply(value, self.current(p), p, span)
        return value

    def current(self, p: Place) -> tuple[Value, ...]:
        """The current value as inputs."""
        if isinstance(p.it, Value):
            return (p.it,)
        return p.it if isinstance(p.it, tuple) else ()

    def apply(self, layer: Const, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        """The tensors that a layer makes of `inputs`."""
        recipe = layer.value
        self.spend(USE)
        if recipe is POISON or (p.it is POISON and not inputs):
            return literal(POISON, span)
        if not isinstance(recipe, Recipe):
            return self.report(NotALayer(describe(recipe)), layer.span, p)
        if recipe.named:
            if recipe.home is not block_of(p.owner):
                text = "this layer holds a tensor of another block: hand the tensor over as an input"
                return self.report(SharedModule(text), recipe.span, p)
            inputs = self.in_port_order(recipe, inputs)
        match recipe.target:
            case type():
                return self.apply_op(recipe, inputs if recipe.target.inputs else (), p, span)
            case Definition():
                return self.apply_block(recipe, inputs, p, span)
            case Shared():
                return self._apply_shared(recipe.target, inputs, p, span)
            case ChoiceLayer():
                return self._apply_choice(recipe, inputs, p, span)
            case TrainingLayer():
                return self._apply_training(recipe, recipe.target, inputs, p, span)
            case ChainLayer() | SuiteLayer():
                if recipe.name is not None or (isinstance(recipe.target, SuiteLayer) and recipe.target.seq):
                    return self._apply_group(recipe, inputs, p, span)
                return self.run(recipe, inputs, p, span)
        raise AssertionError(type(recipe.target))

    def run(self, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        """The steps of a chain or suite, in their writer's scope, owned by the place that applies them."""
        it = inputs[0] if len(inputs) == 1 else inputs
        if isinstance(recipe.target, ChainLayer):
            q = p.inside(scope=recipe.scope, it=it)
            return self.steps(self.settle(recipe.target.first, q, recipe.target.first.span), recipe.target.rest, q)
        assert isinstance(recipe.target, SuiteLayer)
        scope = recipe.scope
        if not recipe.target.seq:
            scope = Scope("suite", recipe.scope, recipe.scope.instance, recipe.scope.inline)
        q = p.inside(scope=scope, it=it)
        self.execute(recipe.target.suite, q)
        return literal(q.it, span)

    def _apply_group(self, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        """A `seq`, or a chain named by `as`: an instance that shares its writer's scope and numbers its steps."""
        group = Instance(
            "seq",
            None,
            recipe.span,
            p.owner,
            "",
            False,
            recipe.scope,
            {},
            inputs,
            p.frame,
            numbered=True,
            via=recipe.via,
        )
        self.name_instance(group, recipe, "seq", p, span)
        self.owners.append(group)
        q = replace(p, owner=group, items=group.body)
        result = self.run(recipe, inputs, q, span)
        outs = result.value if isinstance(result.value, tuple) else (result.value,)
        if not all(isinstance(o, Value) for o in outs):
            return literal(POISON, span)
        group.outputs = outs
        p.items.append(Call(group, inputs, group.outputs, span, p.frame))
        return result

    def _apply_choice(self, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        choice = recipe.target
        assert isinstance(choice, ChoiceLayer)
        taken = choice.taken
        if isinstance(taken.value, Recipe):
            inner = taken.value
            taken = Const(
                replace(
                    inner,
                    name=inner.name or recipe.name,
                    name_span=inner.name_span or recipe.name_span,
                    via=inner.via or recipe.via,
                ),
                taken.origin,
                taken.scope,
                taken.span,
            )
        items: list[Item] = []
        result = self.apply(taken, inputs, p.inside(items=items), span)
        before = inputs[0] if len(inputs) == 1 else None
        after = result.value if isinstance(result.value, Value) else None
        p.items.append(If(choice.site, (choice.condition,), choice.side, 2, items, before, after))
        return result

    def _apply_training(
        self, recipe: Recipe, layer: TrainingLayer, inputs: tuple[Value, ...], p: Place, span: Span
    ) -> Const:
        items: tuple[list[Item], list[Item]] = ([], [])
        sides = []
        for side, into in zip((layer.training, layer.evaluation), items, strict=True):
            sides.append(self.apply(side, inputs, p.inside(items=into), span))
        if any(s.value is POISON for s in sides):
            return literal(POISON, span)
        return self.either(sides, items, layer.site, p)

    def _apply_shared(self, shared: Shared, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        """A `module`: the first use makes the weights, later ones share them."""
        if block_of(p.owner) is not shared.instance:
            text = f"`{shared.name}` belongs to another block: apply it there"
            return self.report(SharedModule(text), span, p, [Label(shared.span, "made here")])
        if p.owner is not shared.instance:
            text = f"`{shared.name}` is applied inside a `seq`, which numbers modules of its own: apply it outside"
            return self.report(SharedModule(text), span, p, [Label(shared.span, "made here")])
        recipe = replace(shared.layer, name=shared.name, name_span=shared.span)
        q = replace(p, owner=shared.instance)
        self.reuse = shared.first
        before = len(q.items)
        result = self.apply(literal(recipe, shared.layer.span), inputs, q, span)
        self.reuse = None
        if shared.first is None:
            made = next(self.modules(q.items[before:]), None)
            shared.first = made.instance if isinstance(made, Call) else made
        return result

    # ---- ops

    def apply_op(
        self, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span, texts: Sequence[Span] = ()
    ) -> Const:
        """One use of an op: arguments and ports checked, the result typed, a node added. `texts` are its operands."""
        cls = recipe.target
        assert isinstance(cls, type)
        if cls.name == "id" and recipe.via is None and len(inputs) == 1:
            return literal(inputs[0], span)
        inner = self._held(recipe, p, span) if cls.holds else recipe
        if inner is None:
            return literal(POISON, span)
        applied = inner.target
        assert isinstance(applied, type)
        if not texts and all(id(value) in recipe.places for value in inputs):
            texts = tuple(recipe.places[id(value)] for value in inputs)
        if not self._ports(applied, inputs, p, span, texts):
            return literal(POISON, span)
        consts = self._consts(inner, len(inputs), p, span)
        own = self._consts(recipe, len(inputs), p, span) if consts is not None and cls.holds else {}
        if consts is None or own is None:
            return literal(POISON, span)
        self.with_stated(applied, consts, p)
        tied = {k: c.value for k, c in consts.items() if isinstance(c.value, Value)}
        if cls.holds and tied:
            return self.report(
                HeldLayer(cls.name, "one whose weight is owned elsewhere", cls.held_names()), inner.span, p
            )
        if any(v.type.dtype is DType.INT32 for v in inputs):
            for name in NUMBERS & set(consts):
                number = consts[name].value
                if isinstance(number, int) and number not in INT32:
                    text = f"{number} is beyond what a whole number of 32 bits holds, and this tensor's have 32"
                    return self.report(BadOperation(text), consts[name].span, p)
        values = {k: c.value for k, c in consts.items()}
        automatic = values.get("bias") == "auto"
        if automatic:
            values["bias"] = True
            consts["bias"] = literal(True, recipe.span)
        op: Op = applied(**values)
        if cls.holds:
            del own["layer"]
            op = cls(layer=op, **{k: c.value for k, c in own.items()})
            consts |= own
        try:
            types = op.infer(
                OpContext(self.sizes, op.core.name, inputs, consts, span, self.spend), *(v.type for v in inputs)
            )
        except Reject as reject:
            return self._rejected(reject, inner, consts, inputs, p, span)
        for spec in op.params(*(v.type for v in inputs)) if tied else ():
            given = tied.get(spec.name)
            if given is not None and given.type.dims != spec.shape:
                wanted = TensorType(spec.shape, spec.dtype)
                mistake = TiedShape(cls.name, spec.name, str(wanted), str(given.type))
                return self.report(mistake, consts[spec.name].span, p)
        if self.idle(op, inner.bound, inputs, tied, p):
            return literal(POISON, span)
        node = Node(op, inputs, (), consts, p.owner, "", False, span, p.frame, recipe.via, tied=tied)
        if automatic:
            self.auto_bias.append(node)
        return self._add(node, recipe, types if isinstance(types, tuple) else (types,), p, span)

    def _held(self, recipe: Recipe, p: Place, span: Span) -> Recipe | None:
        """The layer that `wn` or `sn` is given; none after a mistake."""
        cls = recipe.target
        assert isinstance(cls, type)
        given = recipe.bound.get("layer")
        if given is None:
            self.missing(recipe, ["layer"], p, span)
            return None
        inner = given.value
        if isinstance(inner, Recipe) and isinstance(inner.target, type) and inner.target in cls.holds:
            return inner
        self.report(HeldLayer(cls.name, describe(inner), cls.held_names()), given.span, p)
        return None

    def _consts(self, recipe: Recipe, inputs: int, p: Place, span: Span) -> dict[str, Const] | None:
        """The attributes of an op, checked, with defaults filled in; none after a mistake."""
        cls = recipe.target
        assert isinstance(cls, type)
        consts: dict[str, Const] = {}
        missing = []
        for name, rules in cls.attributes.items():
            const = recipe.bound.get(name)
            if const is None:
                if rules.required and name != getattr(cls, "extra", None):
                    missing.append(name)
                consts[name] = literal(() if name == getattr(cls, "extra", None) else rules.default, recipe.span)
                continue
            checked = self.attribute(cls, rules, const, p)
            if checked is None:
                return None
            consts[name] = checked
        if missing:
            self.missing(recipe, missing, p, span)
            return None
        if cls.numbers:
            given_count = inputs + sum(n in recipe.bound for n in cls.numbers.values())
            if given_count != len(cls.inputs):
                self.report(WrongInputs(cls.name, f"{len(cls.inputs)} tensors or numbers", given_count), span, p)
                return None
        if cls.extra is not None and recipe.extra:
            for name, const in recipe.extra.items():
                if not whole(const.value):
                    refused = WrongType(cls.name, name, "a whole number", describe(const.value))
                    self.report(refused, const.span, p)
                    return None
            consts[cls.extra] = literal(tuple(recipe.extra.items()), recipe.span)
        return consts

    def _add(self, node: Node, recipe: Recipe, types: tuple[TensorType, ...], p: Place, span: Span) -> Const:
        self.ops += 1
        if self.ops > self.max_ops:
            raise Runaway(TooManyOps(self.ops, self.max_ops))
        for type in types:
            holdable(type, self.sizes)
        outs = tuple(Value(t, node, None, i, span) for i, t in enumerate(types))
        node.outs = outs
        for value in (*node.inputs, *node.tied.values()):
            value.readers.append(node)
        self.name_node(node, recipe, p, span)
        self.nodes.append(node)
        self.owners.append(node)
        p.items.append(node)
        what = f"the result of `{recipe.label}`" if node.op.is_layer else "this result"
        self.made += [(v, what, block_of(p.owner)) for v in outs]
        return literal(outs[0] if len(outs) == 1 else outs, span)

    def _ports(self, op: type[Op], inputs: tuple[Value, ...], p: Place, span: Span, texts: Sequence[Span] = ()) -> bool:
        """Number, rank, element type and channel axis of an op's inputs."""
        ports: list[Port] = list(op.inputs)
        if ports and ports[-1].many:
            ports += [ports[-1]] * (len(inputs) - len(ports))
        least = sum(not q.optional for q in op.inputs)
        if not (least <= len(inputs) <= len(ports)):
            wanted = f"{least} tensor{'' if least == 1 else 's'}" + (
                " or more" if len(ports) > least or (ports and ports[-1].many) else ""
            )
            self.report(WrongInputs(op.name, wanted, len(inputs)), span, p)
            return False
        for port, value in zip(ports, inputs, strict=False):
            mistake = _unfit(op.name, port, value.type)
            if mistake is not None:
                made = (
                    [Label(value.span, f"this is {self.shape(value.type)}")] if value.span not in (None, span) else []
                )
                self.report(mistake, span, p, made)
                return False
        joined = [value for q, value in zip(ports, inputs, strict=False) if q.joins]
        found = mixed_floats(SYMBOLS.get(op.name, op.name), joined, texts)
        if found is not None:
            mistake, sides, help = found
            self.report(
                mistake, span, p, [Label(v.span, f"this is {self.shape(v.type)}") for v in sides if v.span], help
            )
        return found is None

    def _rejected(
        self,
        reject: Reject,
        recipe: Recipe,
        consts: dict[str, Const],
        inputs: tuple[Value, ...],
        p: Place,
        span: Span,
    ) -> Const:
        """An op's Reject at the text that is at fault, with the places that made several inputs."""
        where = span
        if reject.at is not None and reject.at in recipe.bound:
            where = consts[reject.at].span
        elif reject.at is not None and reject.at in recipe.extra:
            where = recipe.extra[reject.at].span
        related = list(reject.related)
        if len(inputs) > 1:
            for value in inputs:
                if value.span is not None:
                    related.append(Label(value.span, f"this is {self.shape(value.type)}"))
        return self.report(reject.mistake, where, p, related)

    @abstractmethod
    def apply_block(self, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        """The tensors that a block makes of tensors."""


def _unfit(op: str, port: Port, type: TensorType) -> Mistake | None:
    """Why a tensor does not fit a port: its rank, element type or channel axis."""
    least, most = port.rank
    if type.rank < least or (most is not None and type.rank > most):
        return WrongRank(op, port.name, type, least, most)
    if not _has_dtype(type.dtype, port.dtype):
        return WrongDtype(op, port.name, type, port.dtype)
    axis = None if port.channel is None or type.rank <= 2 else port.channel % type.rank
    if axis is not None and type.channel not in (None, axis):
        return WrongChannelAxis(op, port.name, type, port.channel or 0)
    return None


def _has_dtype(dtype: DType, wanted: str) -> bool:
    match wanted:
        case "float":
            return dtype.is_float
        case "int":
            return dtype in (DType.INT64, DType.INT32)
        case "bool":
            return dtype is DType.BOOL
    return True


def trail(what: str, call: Span, parent: Frame | None) -> Frame:
    """The frame of an expansion; its text is one line."""
    return Frame(" ".join(what.split())[:72], call, parent)
