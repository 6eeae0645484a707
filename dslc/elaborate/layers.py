"""The kinds of layers: each says what it takes, and how it is applied."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from dslc.bind.signatures import signature_of, signature_of_op
from dslc.bind.table import Signature
from dslc.diagnostics.model import Label
from dslc.elaborate.apply import apply, join, recover, settle, through
from dslc.elaborate.apply_block import apply_block
from dslc.elaborate.apply_op import apply_op, guess_op, recover_op
from dslc.elaborate.mistakes.modules import ForeignModule, ModuleInSeq
from dslc.elaborate.naming import claim, modules_of, name_instance
from dslc.elaborate.recipe import Known, Layer, Recipe, Shared
from dslc.elaborate.run import Flowing, Place, Run, block_of
from dslc.ir.model import Call, If, Instance, Item, Value
from dslc.ops.base import REGISTRY, Op
from dslc.record import frozen, record, replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Const, Scope, literal
from dslc.values.hole import HOLE, failed, hole


class Headed(Layer):
    """A layer with a header: its arguments have names."""

    __slots__ = ()

    @property
    def composite(self) -> bool:
        return False

    def room(self, bound: Mapping[str, Const]) -> int:
        return sum(name not in bound for name in self.signature.parameters)


@frozen
class OpLayer(Headed):
    """An op of the language."""

    op: type[Op]

    @property
    def name(self) -> str:
        return self.op.name

    @property
    def signature(self) -> Signature:
        return signature_of_op(self.op)

    def apply(self, run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        made = len(run.nodes)
        result = apply_op(run, self.op, recipe, inputs if self.op.inputs else (), p, span)
        if recipe.name is not None and len(run.nodes) == made:
            claim(run, recipe, p, span)
        return result

    def recover(self, run: Run, recipe: Recipe, inputs: Known, p: Place, span: Span) -> Const:
        claim(run, recipe, p, span)
        return recover_op(run, self.op, recipe, inputs, p, span)


@frozen
class GuessedLayer(OpLayer):
    """The op that a misspelt name most likely means: nothing is said of its arguments."""

    def apply(self, run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        return self.recover(run, recipe, inputs, p, span)

    def recover(self, run: Run, recipe: Recipe, inputs: Known, p: Place, span: Span) -> Const:
        claim(run, recipe, p, span)
        return guess_op(run, self.op, recipe, inputs, p, span)


def guessed_layer(name: str) -> GuessedLayer:
    """The layer that a name is a misspelling of."""
    return GuessedLayer(REGISTRY[name])


def op_layer(name: str) -> OpLayer:
    """The layer of an op by its name."""
    return OpLayer(REGISTRY[name])


@frozen
class BlockLayer(Headed):
    """A `block`, `net` or `extern` of a file."""

    tree: tree.Block | tree.Extern
    scope: Scope

    @property
    def name(self) -> str:
        return self.tree.name

    @property
    def signature(self) -> Signature:
        return signature_of(self.tree)

    def apply(self, run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        return apply_block(run, self.tree, self.scope, recipe, inputs, p, span)

    def recover(self, run: Run, recipe: Recipe, inputs: Known, p: Place, span: Span) -> Const:
        return apply_block(run, self.tree, self.scope, recipe, inputs, p, span)


class Composite(Layer):
    """Steps in their writer's scope; named by `as`, they are a group that numbers its modules."""

    __slots__ = ()

    def apply(self, run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        if recipe.name is None:
            return self.flow(run, recipe, inputs, p, span)
        return self.group(run, recipe, inputs, p, span)

    def recover(self, run: Run, recipe: Recipe, inputs: Known, p: Place, span: Span) -> Const:
        return self.steps(run, recipe, HOLE, replace(p, items=[]), span)

    def flow(self, run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        """What the steps make, owned by the place that applies them."""
        return self.steps(run, recipe, inputs[0] if len(inputs) == 1 else inputs, p, span)

    @abstractmethod
    def steps(self, run: Run, recipe: Recipe, it: Flowing, p: Place, span: Span) -> Const:
        """What the steps make of a current value."""

    def group(self, run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        """A `seq`, or a chain named by `as`: an instance that shares its writer's scope and numbers its steps."""
        frame, scope, via = p.frame, recipe.scope, recipe.via
        group = Instance("seq", None, recipe.span, p.owner, "", False, scope, {}, inputs, frame, numbered=True, via=via)
        name_instance(run, group, recipe, "seq", p, span)
        run.owners.append(group)
        result = self.flow(run, recipe, inputs, replace(p, owner=group, items=group.body), span)
        outs = result.value if isinstance(result.value, tuple) else (result.value,)
        if not all(isinstance(o, Value) for o in outs):
            return hole(span)
        group.outputs = outs
        p.items.append(Call(group, inputs, group.outputs, span, p.frame))
        return result


@record
class Steps(Composite):
    """`a -> b -> c` as a layer: the first step is evaluated, the rest when it is applied."""

    first: Const
    rest: tuple[tree.Expr, ...]

    def steps(self, run: Run, recipe: Recipe, it: Flowing, p: Place, span: Span) -> Const:
        q = p.inside(scope=recipe.scope, it=it)
        return through(run, settle(run, self.first, q, self.first.span), self.rest, q)


@record
class Suite(Composite):
    """A trailing suite as a layer; `seq` makes it an nn.Sequential."""

    suite: tree.Suite
    seq: bool

    def apply(self, run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        if self.seq:
            return self.group(run, recipe, inputs, p, span)
        return Composite.apply(self, run, recipe, inputs, p, span)

    def steps(self, run: Run, recipe: Recipe, it: Flowing, p: Place, span: Span) -> Const:
        scope = recipe.scope
        if not self.seq:
            scope = Scope("suite", scope, scope.instance, scope.inline)
        q = p.inside(scope=scope, it=it)
        run.execute(self.suite, q)
        return literal(q.it, span)


@record
class Choice(Layer):
    """`a if c else b` with layers: the side taken, and which it was."""

    condition: Const
    side: int
    taken: Const
    site: Span

    def apply(self, run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        if recipe.lost:
            return run.lost(span, p)
        taken, inner = self.taken, self.taken.value
        if isinstance(inner, Recipe):
            name, via = inner.name or recipe.name, inner.via or recipe.via
            named = replace(inner, name=name, name_span=inner.name_span or recipe.name_span, via=via)
            taken = Const(named, taken.origin, taken.scope, taken.span)
        items: list[Item] = []
        result = apply(run, taken, inputs, p.inside(items=items), span)
        before = inputs[0] if len(inputs) == 1 else None
        after = result.value if isinstance(result.value, Value) else None
        p.items.append(If(self.site, (self.condition,), self.side, 2, items, before, after))
        return result

    def recover(self, run: Run, recipe: Recipe, inputs: Known, p: Place, span: Span) -> Const:
        return recover(run, self.taken, inputs, p, span)


@record
class Training(Layer):
    """`(a if training else b)` with layers."""

    training: Const
    evaluation: Const
    site: Span

    def apply(self, run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        items: tuple[list[Item], list[Item]] = ([], [])
        sides = []
        for side, into in zip((self.training, self.evaluation), items, strict=True):
            sides.append(apply(run, side, inputs, p.inside(items=into), span))
        if failed(*sides):
            return next((side for side in sides if not failed(side)), hole(span))
        return join(run, sides, items, self.site, p)

    def recover(self, run: Run, recipe: Recipe, inputs: Known, p: Place, span: Span) -> Const:
        sides = [recover(run, side, inputs, p, span) for side in (self.training, self.evaluation)]
        return next((side for side in sides if not failed(side)), hole(span))


@frozen
class SharedLayer(Layer):
    """A `module`: the first use makes the weights, later ones share them."""

    shared: Shared

    @property
    def name(self) -> str:
        return self.shared.name

    @property
    def composite(self) -> bool:
        return False

    @property
    def signature(self) -> Signature:
        """Its tensors are those of its layer; it takes no arguments any more."""
        return self.shared.recipe.layer.signature.applied(self.shared.name)

    def apply(self, run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        shared = self.shared
        if block_of(p.owner) is not shared.instance:
            return run.report(ForeignModule(shared.name), span, p, [Label(shared.span, "made here")])
        if p.owner is not shared.instance:
            return run.report(ModuleInSeq(shared.name), span, p, [Label(shared.span, "made here")])
        named = replace(shared.recipe, name=shared.name, name_span=shared.span)
        q = replace(p, owner=shared.instance)
        if shared.first is None and shared.failed:  # an earlier use took the name, and made nothing
            shared.instance.taken.pop(shared.name, None)
        run.reuse = shared.first
        before = len(q.items)
        result = apply(run, literal(named, shared.recipe.span), inputs, q, span)
        run.reuse = None
        if shared.first is None:
            made = next(modules_of(q.items[before:]), None)
            shared.first = made.instance if isinstance(made, Call) else made
            shared.failed = made is None
        return result

    def recover(self, run: Run, recipe: Recipe, inputs: Known, p: Place, span: Span) -> Const:
        self.shared.failed |= self.shared.first is None
        return recover(run, literal(self.shared.recipe, self.shared.span), inputs, p, span)
