"""Arguments: filling a layer's parameters, and checking values against their types."""

from __future__ import annotations

from abc import ABC, abstractmethod

from dslc.diagnostics.codes import nearest
from dslc.elaborate.errors import (
    GivenTwice,
    MissingArgument,
    NotAChoice,
    OutOfRange,
    SurplusArgument,
    UnknownArgument,
    WrongType,
)
from dslc.elaborate.errors_body import NoSuite
from dslc.elaborate.errors_use import BadOperation, NotALayer
from dslc.elaborate.expression import Expressions
from dslc.elaborate.kinds import (
    KINDS,
    TYPES,
    element_type,
    fitted,
    initial,
    literal_kind,
    matches,
    numbers_in,
    spell_type,
    whole,
)
from dslc.elaborate.limits import weight
from dslc.elaborate.state import (
    CALL,
    POISON,
    WALKED,
    Definition,
    Function,
    Place,
    Recipe,
    Shared,
    SuiteLayer,
    block_of,
    describe,
    is_tensor,
)
from dslc.ir.model import Value
from dslc.ops.base import Attr, Op
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Const, Scope, literal
from dslc.types.dim import Dim

Arguments = list[tuple[str | None, Const, Span | None]]


class Binding(Expressions, ABC):
    """Filling in arguments."""

    def bind(self, recipe: Recipe, arguments: Arguments, call: tree.Call, p: Place) -> Const:
        """The layer with more arguments; applied at once where tensors are among them."""
        if any(c.value is POISON for _, c, _ in arguments):
            return literal(POISON, call.span)
        tensors, named, rest = self._sorted(recipe, arguments)
        filled = self._fill(recipe, rest, self.parameter_names(recipe), call, p)
        if filled is not None and call.suite is not None:
            filled = self._suite(filled, recipe, call, p)
        if filled is None:
            return literal(POISON, call.span)
        waiting = self._layer_waiting(filled) if tensors else None
        if waiting is not None:
            first = next(c for key, c, _ in arguments if key is None and is_tensor(c.value))
            return self.report(NotALayer(describe(first.value).replace("a tensor", "the tensor", 1)), first.span, p)
        if tensors or named:
            places = {id(c.value): c.span for _, c, _ in arguments if isinstance(c.value, Value)}
            filled = replace(filled, places={**filled.places, **places})
        if named:
            filled = replace(filled, named={**recipe.named, **named}, home=block_of(p.owner))
        source = isinstance(recipe.target, type) and not recipe.target.inputs
        if tensors or source or (named and self._required(recipe) <= set(filled.named)):
            return self.apply(literal(filled, call.span), tuple(tensors), p, call.span)
        return Const(filled, call, p.scope, call.span)

    def _sorted(self, recipe: Recipe, arguments: Arguments) -> tuple[list[Value], dict[str, Value], Arguments]:
        """Arguments told apart: tensors by position, tensors by port name, and values for parameters."""
        ports, attributes = self.port_names(recipe), self.parameter_names(recipe)
        numbers = recipe.target.numbers if isinstance(recipe.target, type) else {}
        at_once = any(key is None and is_tensor(c.value) for key, c, _ in arguments)
        tensors: list[Value] = []
        named: dict[str, Value] = {}
        rest: Arguments = []
        position = 0
        for key, const, span in arguments:
            value = const.value
            if key is None and isinstance(value, Value):
                tensors.append(value)
            elif key is None and is_tensor(value) and isinstance(value, tuple):
                tensors += value
            elif key is None and at_once and position < len(ports) and ports[position] in numbers:
                rest.append((numbers[ports[position]], const, span))
            elif key in ports and key not in attributes and (isinstance(value, Value) or value is None):
                if isinstance(value, Value):
                    named[str(key)] = value
            elif key in numbers:
                rest.append((numbers[str(key)], const, span))
            else:
                rest.append((key, const, span))
            position += key is None
        return tensors, named, rest

    def _layer_waiting(self, recipe: Recipe) -> str | None:
        """A parameter of a block that must be given a layer, and has none."""
        block = recipe.target.tree if isinstance(recipe.target, Definition) else None
        for q in block.parameters if block is not None else ():
            if q.type is not None and q.type.kind == "layer" and q.default is None and q.name not in recipe.bound:
                return q.name
        return None

    def probe(self, const: Const, p: Place) -> None:
        """Check a layer's arguments although it cannot be applied, because something above failed."""
        recipe = const.value
        if not isinstance(recipe, Recipe):
            return
        if isinstance(recipe.target, type):
            for name, given in recipe.bound.items():
                self.attribute(recipe.target, recipe.target.attributes[name], given, p)
        elif isinstance(recipe.target, Definition):
            declared = {q.name: q for q in recipe.target.tree.parameters}
            for name, given in recipe.bound.items():
                self.parameter(recipe.label, declared[name], given, p)

    def _required(self, recipe: Recipe) -> set[str]:
        """The ports of a layer that must have a tensor."""
        if isinstance(recipe.target, Shared):
            return self._required(recipe.target.layer)
        if isinstance(recipe.target, type):
            return {q.name for q in recipe.target.inputs if not q.optional}
        block = recipe.target.tree if isinstance(recipe.target, Definition) else None
        return {q.name for q in (block.ports or ()) if not q.optional} if block is not None else set()

    def in_port_order(self, recipe: Recipe, inputs: tuple[Value, ...]) -> tuple[Value, ...]:
        """The tensors of a use: those given by port name stand at their ports, the rest fills the others in order."""
        waiting = list(inputs)
        ordered = []
        for name in self.port_names(recipe):
            if name in recipe.named:
                ordered.append(recipe.named[name])
            elif waiting:
                ordered.append(waiting.pop(0))
        return (*ordered, *waiting)

    def port_names(self, recipe: Recipe) -> tuple[str, ...]:
        """The names of a layer's tensor inputs."""
        match recipe.target:
            case type():
                return tuple(p.name for p in recipe.target.inputs)
            case Definition(tree=block):
                return tuple(p.name for p in block.ports or ())
            case Shared(layer=layer):
                return self.port_names(layer)
            case _:
                return ()

    def parameter_names(self, recipe: Recipe) -> tuple[str, ...]:
        """The names of a layer's parameters in header order."""
        match recipe.target:
            case type():
                return tuple(recipe.target.attributes)
            case Definition(tree=block):
                return tuple(q.name for q in block.parameters)
            case _:
                return ()

    def _fill(
        self, recipe: Recipe, arguments: Arguments, known: tuple[str, ...], call: tree.Call, p: Place
    ) -> Recipe | None:
        bound, extra = dict(recipe.bound), dict(recipe.extra)
        op = recipe.target if isinstance(recipe.target, type) else None
        spread = getattr(op, "extra", None)
        gather = getattr(op, "gather", None)  # an op such as `reshape` takes its positional arguments as one tuple
        open_names = [
            n for n in known if n not in bound and n not in (spread, gather) and not (op and op.attributes[n].keyword)
        ]
        gathered: list[Const] = []
        now: set[str] = set()  # given in this call
        for key, const, span in arguments:
            if key is None:
                if gather is not None:
                    gathered.append(const)
                elif not open_names:
                    count = sum(a[0] is None for a in arguments)
                    most = count - sum(a[0] is None and a[1] is not const for a in arguments) - 1
                    self.report(SurplusArgument(recipe.label, max(most, 0)), span or call.span, p)
                    return None
                else:
                    now.add(open_names[0])
                    bound[open_names.pop(0)] = const
            elif key in now:
                self.report(GivenTwice(recipe.label, key), span or call.span, p)
                return None
            elif key in known and key not in (spread, gather):
                now.add(key)
                bound[key] = const
                if key in open_names:
                    open_names.remove(key)
            elif spread is not None:
                extra[key] = const
            else:
                near = nearest(key, (*known, *self.port_names(recipe)))
                self.report(UnknownArgument(recipe.label, key, known, near), span or call.span, p)
                return None
        if gathered and gather is not None:
            bound[gather] = literal(tuple(gathered), call.span)
        return replace(recipe, span=call.span if recipe.name is None else recipe.span, bound=bound, extra=extra)

    def _suite(self, recipe: Recipe, before: Recipe, call: tree.Call, p: Place) -> Recipe | None:
        """A trailing suite fills `body`, or `branches` if its lines begin with `|`."""
        suite = call.suite
        assert suite is not None
        parameter = "branches" if has_branches(suite) else "body"
        if parameter not in self.parameter_names(recipe):
            self.report(NoSuite(recipe.label, parameter), call.target.span, p)
            return None
        given = recipe.bound.get(parameter)
        if given is not None and given is not before.bound.get(parameter):
            self.report(GivenTwice(recipe.label, parameter), given.span, p)
            return None
        value: object
        if parameter == "body":
            value = Recipe(SuiteLayer(suite, seq=False), call.span, p.scope)
        else:
            value = self.branches(suite, p)
        recipe.bound[parameter] = Const(value, None, None, call.target.span)
        return recipe

    @abstractmethod
    def branches(self, suite: tree.Suite, p: Place) -> list[object]:
        """The branches of a combinator's suite, as layers."""

    @abstractmethod
    def free(self, name: str, span: Span, p: Place) -> bool:
        """Whether a name may be given here."""

    # ---- checks

    def attribute(self, op: type[Op], rules: Attr, const: Const, p: Place) -> Const | None:
        """An op's attribute checked against its declaration; none after a mistake."""
        if rules.name == op.gather:
            return self._gathered(op, rules.name, const, p)
        kinds = rules.kind.replace("Any", "object").split(" | ")
        if "Init" in kinds:
            const = replace(const, value=initial(const.value))
        if "DType" in kinds:
            const = replace(const, value=element_type(const.value))
        value = self.sized(const.value)
        words = tuple(c for c in rules.choices if isinstance(c, str))
        if isinstance(value, str) and rules.choices:
            if value in words:
                return const
            near = nearest(value, words)
            self.report(NotAChoice(op.name, rules.name, value, words, near), const.span, p)
            return None
        if rules.choices and not words and value not in rules.choices:
            known = tuple(str(c) for c in rules.choices)
            self.report(NotAChoice(op.name, rules.name, str(value), known, None), const.span, p)
            return None
        if not any(KINDS.get(kind, KINDS["object"])[1](value) for kind in kinds):
            wanted = " or ".join(KINDS[k][0] for k in kinds if k in KINDS)
            if rules.choices:
                wanted += " or " + ", ".join(f"`{c}`" for c in rules.choices)
            self.report(WrongType(op.name, rules.name, wanted, describe(value)), const.span, p)
            return None
        if not rules.symbolic and "object" not in kinds:
            value = self.numbers(value, p, const.span)
        if rules.least is not None or rules.most is not None:
            for number in numbers_in(value):
                low = rules.least is not None and number < rules.least
                if low or (rules.most is not None and number > rules.most):
                    self.report(OutOfRange(op.name, rules.name, number, rules.least, rules.most), const.span, p)
                    return None
        if isinstance(value, list):
            value = tuple(value)
        if value is const.value:
            return const
        return Const(value, const.origin, const.scope, const.span)

    def _gathered(self, op: type[Op], name: str, const: Const, p: Place) -> Const | None:
        """The positional arguments of an op such as `expand`: sizes each, or one list of them."""
        items = const.value if isinstance(const.value, tuple) else (const,)
        for item in items:
            value = item.value if isinstance(item, Const) else item
            one_list = len(items) == 1 and isinstance(value, list | tuple) and all(map(whole, value))
            if not whole(value) and not one_list:
                span = item.span if isinstance(item, Const) else const.span
                self.report(WrongType(op.name, name, "whole numbers", describe(value)), span, p)
                return None
        return const

    def numbers(self, value: object, p: Place, span: Span) -> object:
        """A value whose symbolic sizes are pinned at their defaults: weights and kernels need numbers."""
        if isinstance(value, Dim):
            return self.sizes.pin(value, span)
        if not isinstance(value, tuple | list):
            return value
        found = tuple(self.numbers(v, p, span) for v in value)
        return value if all(a is b for a, b in zip(found, value, strict=True)) else found

    def parameter(self, block: str, declared: tree.Parameter, const: Const, p: Place) -> Const | None:
        """A block's argument checked against the header's type; none after a mistake."""
        if const.value is POISON:
            return None
        if declared.type is None:
            return self._like_default(block, declared, const, p)
        self.spend(weight(const.value) // WALKED)
        wanted = spell_type(declared.type)
        if not matches(declared.type, const.value) or not self._takes(const.value, declared.type.calls):
            self.report(WrongType(block, declared.name, wanted, describe(const.value)), const.span, p)
            return None
        value = fitted(declared.type, const.value)
        return const if value is const.value else Const(value, const.origin, const.scope, const.span)

    def _takes(self, value: object, called_with: tuple[str, ...] | None) -> bool:
        """Whether a layer has room for the arguments that `layer(out, s)` says it will get."""
        if called_with is None or not isinstance(value, Recipe) or not isinstance(value.target, Definition | type):
            return True
        free = [n for n in self.parameter_names(value) if n not in value.bound]
        return len(free) >= len(called_with)

    def _like_default(self, block: str, declared: tree.Parameter, const: Const, p: Place) -> Const | None:
        """A parameter without a type has its default's, where that is a plain literal."""
        kind = literal_kind(declared.default)
        if kind is None or TYPES[kind][1](const.value):
            return const
        self.report(WrongType(block, declared.name, TYPES[kind][0], describe(const.value)), const.span, p)
        return None

    def missing(self, recipe: Recipe, names: list[str], p: Place, span: Span) -> Const:
        """The mistake of a layer applied before it is complete."""
        return self.report(MissingArgument(recipe.label, tuple(names), signature(recipe)), span, p)

    def call_function(self, target: Function, arguments: Arguments, expr: tree.Call, p: Place) -> Const:
        """A `fn` of compile-time values."""
        if any(c.value is POISON for _, c, _ in arguments):
            return literal(POISON, expr.span)
        self.spend(CALL)
        fn = target.tree
        for _, const, span in arguments:
            if is_tensor(const.value):
                text = f"`{fn.name}` is a function of compile-time values, not of tensors: make it a `block`"
                return self.report(BadOperation(text), span or expr.span, p)
        scope = Scope("fn", target.scope, None)
        recipe = Recipe(Definition(fn, target.scope), expr.span, p.scope)  # type: ignore[arg-type]
        names = [q.name for q in fn.parameters]
        given: dict[str, Const] = {}
        for key, const, span in arguments:
            if key is None:
                free = [n for n in names if n not in given]
                if not free:
                    return self.report(SurplusArgument(fn.name, len(names)), span or const.span, p)
                given[free[0]] = const
            elif key in given:
                return self.report(GivenTwice(fn.name, key), span or expr.span, p)
            elif key in names:
                given[key] = const
            else:
                return self.report(
                    UnknownArgument(fn.name, key, tuple(names), nearest(key, names)), span or expr.span, p
                )
        q = replace(p, scope=scope, it=None)
        from dslc.types.const import Binding as Bound

        for declared in fn.parameters:
            const_or_none = given.get(declared.name)
            if const_or_none is None:
                if declared.default is None:
                    return self.missing(recipe, [declared.name], p, expr.span)
                const_or_none = self.evaluate(declared.default, q)
            checked = self.parameter(fn.name, declared, const_or_none, p)
            if checked is None:
                return literal(POISON, expr.span)
            scope.names[declared.name] = Bound("parameter", checked, declared.span)
        for line in fn.lets:
            if not self.free(line.target.name, line.target.span, q):
                return literal(POISON, expr.span)
            scope.names[line.target.name] = Bound("let", self.evaluate(line.value, q), line.target.span)
        result = self.evaluate(fn.value, q)
        if isinstance(result.value, Recipe):
            return result
        return Const(result.value, expr, p.scope, expr.span)


def has_branches(suite: tree.Suite) -> bool:
    """Whether the lines of a suite begin with `|`, also inside `for` and `if`."""
    for line in suite.body:
        if isinstance(line, tree.Branch):
            return True
        if isinstance(line, tree.For) and has_branches(line.suite):
            return True
        if isinstance(line, tree.If) and any(has_branches(s) for _, s in line.branches):
            return True
    return False


def signature(recipe: Recipe) -> str:
    """A layer's header in one line: `conv(out, k, s=1, ...)`."""
    parts = []
    match recipe.target:
        case type():
            for rules in recipe.target.attributes.values():
                if rules.required:
                    parts.append(rules.name)
                elif isinstance(rules.default, int | float | str) and not isinstance(rules.default, bool):
                    parts.append(f"{rules.name}={rules.default}")
        case Definition(tree=block):
            for q in block.parameters:
                parts.append(q.name if q.default is None else f"{q.name}={q.default.span.text}")
    return f"{recipe.label}({', '.join(parts)})"
