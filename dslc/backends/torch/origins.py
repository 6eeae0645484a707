"""Origins as terms: a constant's expression in the names of the class that prints it.

Names of the class's own block stand as they are. Those of an inline block expanded in it are replaced by what they
were given, those of a loop by the turn's value; names of other blocks have no meaning here, so that such a constant
is printed by value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from dslc.backends.torch import terms
from dslc.backends.torch.terms import Fn, Lit, Term, Var
from dslc.ir.model import Instance
from dslc.names.reserved import local_name
from dslc.syntax import tree
from dslc.types.const import Binding, Const, Ref, Scope

FUNCTIONS = {
    **{name: name for name in ("max", "min", "sum", "len", "int", "float", "round", "abs", "range", "enumerate")},
    **{name: f"math.{name}" for name in ("ceil", "floor", "log", "sqrt", "exp", "sin", "cos")},
}
"""Compile-time functions of the language by their Python text."""


class _Unsaid(Exception):
    """An expression has no text in the names of the class."""


@dataclass(slots=True)
class Origins:
    """Translates origins for all classes of one network; functions are translated once."""

    lookup: Callable[[Binding], tuple[object, Scope] | None]
    fns: dict[int, Fn | None] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def fn(self, item: tree.Fn, scope: Scope) -> Fn | None:
        """A `fn` as a Python function; none if something in it cannot be said."""
        if id(item) in self.fns:
            return self.fns[id(item)]
        self.fns[id(item)] = None  # one that calls itself cannot be said
        reader = Reader(self, frozenset(), frozenset(), {})
        reader.room = 8 * terms.MAX_NODES
        reader.locals = {p.name for p in item.parameters} | {line.target.name for line in item.lets}
        try:
            parameters = []
            for p in item.parameters:
                default = None if p.default is None else reader.expr(p.default, scope)
                kind = p.type.kind if p.type is not None and not p.type.items else ""
                parameters.append((p.name, kind, default))
            lets = [(line.target.name, reader.expr(line.value, scope)) for line in item.lets]
            result = reader.expr(item.value, scope)
        except _Unsaid:
            return None
        name = local_name(item.name)
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        found = Fn(name, tuple(parameters), tuple(lets), result, item.doc)
        self.fns[id(item)] = found
        return found


class Reader:
    """Translates the origins of one class.

    `writers`: ids of the nets or blocks that the members are written in; `own`: of the scopes whose names are the
    class's; `kept`: of those of the turns of kept loops, with the name
    that counts the turns.
    """

    def __init__(
        self, origins: Origins, writers: Collection[int], own: Collection[int], kept: Mapping[int, str]
    ) -> None:
        self.origins = origins
        self.writers = writers
        self.own = own
        self.kept = kept
        self.locals: set[str] = set()
        self.room = terms.MAX_NODES
        self.pure = True
        self.memo: dict[int, Term | None] = {}
        self.unknown: set[str] = set()  # lets that the class cannot compute: what they stand for is printed
        self.fold = False  # whether that holds for all lets
        self.fixed: set[str] = set()  # options of a library part that nothing sets

    def term(self, const: Const) -> Term | None:
        """The term of a constant's origin; none if it has none in the names of the class."""
        origin, scope = const.origin, const.scope
        if origin is None:
            return None
        direct = scope is not None and id(scope) in self.own
        if direct and id(origin) in self.memo:
            return self.memo[id(origin)]
        self.room, self.pure = terms.MAX_NODES, True
        try:
            found: Term | None = self.expr(origin, scope)
        except _Unsaid:
            found = None
        if direct and self.pure:
            self.memo[id(origin)] = found
        return found

    def const(self, const: Const) -> Term:
        """A constant inside an expression: its origin, else its value."""
        if const.origin is not None:
            room = self.room
            try:
                return self.expr(const.origin, const.scope)
            except _Unsaid:
                self.room = room
        self.pure = False
        if not terms.printable(const.value):
            raise _Unsaid
        return Lit(const.value)

    def expr(self, expr: tree.Expr, scope: Scope | None) -> Term:
        """The term of an expression read in `scope`."""
        self.room -= 1
        if self.room < 0:
            raise _Unsaid
        match expr:
            case tree.Number(value=value):
                return Lit(value)
            case tree.SizeLiteral(sides=sides):
                return Lit(sides)
            case tree.Word(word=word) if word in ("true", "false", "none"):
                return Lit({"true": True, "false": False, "none": None}[word])
            case tree.Text(pieces=pieces) if all(isinstance(p, str) for p in pieces):
                return Lit("".join(p for p in pieces if isinstance(p, str)))
            case Ref(const=const):
                return self.const(const)
            case tree.Name(name=name):
                return self.name(name, scope)
            case tree.Unary(op=op, value=value):
                inner = self.expr(value, scope)
                if op == "-" and isinstance(inner, Lit) and isinstance(inner.value, int | float):
                    return Lit(-inner.value)
                return terms.Prefix(op, inner)
            case tree.Binary(op=op, left=left, right=right) if op != "@":
                return terms.infix(op, self.expr(left, scope), self.expr(right, scope))
            case tree.Compare(values=values, ops=ops):
                return terms.computed(terms.Comparison(tuple(self.expr(v, scope) for v in values), ops))
            case tree.Conditional(condition=condition, then=then, other=other):
                either = self.expr(then, scope), self.expr(other, scope)
                return terms.computed(terms.Choice(self.expr(condition, scope), *either))
            case tree.Tuple(items=items) | tree.List(items=items):
                return terms.Several(tuple(self.expr(i, scope) for i in items))
            case tree.Index(value=value, items=(index,)) if not isinstance(index, tree.Slice):
                return terms.Item(self.expr(value, scope), self.expr(index, scope))
            case tree.Call():
                return self.call(expr, scope)
        raise _Unsaid

    def name(self, name: str, scope: Scope | None) -> Term:
        """A name: the class's own, or what it stands for."""
        if name in self.locals:
            return Var(name)
        here = scope
        while here is not None and name not in here.names:
            here = here.parent
        if here is None:
            raise _Unsaid
        binding = here.names[name]
        if binding.kind == "definition":
            return self.definition(binding)
        value = binding.value
        if not isinstance(value, Const):
            raise _Unsaid
        if self.kept.get(id(here)) == name:
            return Var(name)
        folded = name in self.unknown or (self.fold and binding.kind == "let")
        if id(here) in self.own and binding.kind in ("parameter", "dim", "let", "loop") and not folded:
            if name in self.fixed and terms.printable(value.value):
                return Lit(value.value)
            return Var(name)
        if id(here) not in self.own and here.instance is not None and id(writer_of(here.instance)) not in self.writers:
            raise _Unsaid
        self.pure = False
        return self.const(value)

    def definition(self, binding: Binding) -> Term:
        """A `let` of a file."""
        found = self.origins.lookup(binding)
        if found is None or not isinstance(found[0], tree.LetItem):
            raise _Unsaid
        return self.expr(found[0].value, found[1])

    def call(self, expr: tree.Call, scope: Scope | None) -> Term:
        """A compile-time function, or a `fn` of the program."""
        if not isinstance(expr.target, tree.Name) or expr.suite is not None or any(a.star for a in expr.arguments):
            raise _Unsaid
        name = expr.target.name
        binding = None if scope is None else scope.find(name)
        args = tuple(self.expr(a.value, scope) for a in expr.arguments)
        keys = tuple(a.name for a in expr.arguments)
        if binding is not None and binding.kind == "definition":
            found = self.origins.lookup(binding)
            fn = self.origins.fn(found[0], found[1]) if found is not None and isinstance(found[0], tree.Fn) else None
            if fn is not None:
                return terms.Apply(fn.name, args, keys, fn)
        elif binding is None and name == "size":
            return terms.Several(args)
        elif binding is None and name in FUNCTIONS:
            return terms.computed(terms.Apply(FUNCTIONS[name], args, keys))
        raise _Unsaid


def writer_of(instance: Instance) -> Instance:
    """The net or block that an instance is, or stands in as a `seq`."""
    while instance.kind == "seq" and instance.parent is not None:
        instance = instance.parent
    return instance


def own_scopes(instance: Instance) -> frozenset[int]:
    """The scopes whose names a class of this instance may print: its block's, and for a `seq` those around its text.

    The scope of an inline block is none of them: its names are replaced by what they were given.
    """
    if instance.kind != "seq":
        return frozenset((id(instance.scope),))
    found = []
    scope: Scope | None = instance.scope
    while scope is not None and scope.kind != "file":
        if not scope.inline:
            found.append(id(scope))
        scope = scope.parent
    return frozenset(found)


def literal_default(declared: tree.Parameter) -> object:
    """The default of a header's parameter where it is a literal; `...` where it is none."""
    expr = declared.default
    sign = 1
    if isinstance(expr, tree.Unary) and expr.op == "-":
        sign, expr = -1, expr.value
    match expr:
        case tree.Number(value=value):
            value = sign * value
            return float(value) if declared.type is not None and declared.type.kind == "float" else value
        case tree.SizeLiteral(sides=sides):
            return sides
        case tree.Word(word=word) if word in ("true", "false", "none"):
            return {"true": True, "false": False, "none": None}[word]
        case tree.Text(pieces=pieces) if all(isinstance(p, str) for p in pieces):
            return "".join(p for p in pieces if isinstance(p, str))
    return ...
