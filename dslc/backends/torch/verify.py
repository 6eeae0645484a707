"""Checks of generated code before it is given out: the text is what it may be, and builds this network."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dslc.backends.torch import terms
from dslc.backends.torch.merged import (
    Class,
    CompilerBug,
    MCall,
    MFor,
    MNode,
    MSeq,
    Row,
    Slot,
    walk,
)
from dslc.backends.torch.terms import Lit, NoValue

MODULES = {
    "math": None,
    "torch": {"Tensor", "nn"},
    "torch.nn": {"functional"},
    "collections": {"OrderedDict"},
    "collections.abc": {"Callable"},
    "functools": {"partial"},
    "typing": {"Any", "NamedTuple"},
}
"""Modules that a generated file may import, and from them what."""

CALLABLE = frozenset(
    """
    ValueError abs bool callable dict enumerate float hasattr int isinstance len list max min range reversed round str
    sum super tuple zip
    """.split()
)
"""Builtins that a generated file may name."""

ALLOWED = frozenset(
    """
    Module ClassDef FunctionDef Assign AnnAssign AugAssign Expr Return If For Raise With withitem
    Call Name Attribute Constant BinOp UnaryOp BoolOp Compare IfExp Subscript Slice Tuple List Dict Starred keyword
    arguments arg GeneratorExp ListComp comprehension JoinedStr FormattedValue Load Store
    Add Sub Mult Div FloorDiv Mod Pow MatMult BitAnd BitOr BitXor LShift RShift USub Invert Not And Or
    Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn
    """.split()
)
"""Nodes of Python's syntax tree that the body of a generated file may have."""


HEAD = frozenset(("Any", "F", "Callable", "NamedTuple", "OrderedDict", "Tensor", "math", "nn", "partial", "torch"))
"""Names that the head of a generated file may bind."""


class Mismatch(Exception):
    """Printed texts give a part of a class another value than the network has."""

    def __init__(self, target: Class, why: str) -> None:
        super().__init__(why)
        self.target = target


# ---- the text


@dataclass(slots=True)
class Code:
    """The classes and functions of a file, parsed and checked; `used` are the names that they take from its head."""

    tree: ast.Module
    used: set[str]


def check_code(code: str) -> Code:
    """CompilerBug unless a text holds classes and functions alone, of allowed syntax, that bind no name twice."""
    module = parsed(code)
    bound = {n.name for n in module.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}
    used: set[str] = set()
    for item in module.body:
        if not isinstance(item, ast.ClassDef | ast.FunctionDef):
            raise CompilerBug(f"the generated file has a {type(item).__name__} at its top level")
        loaded, local = _names(item)
        if local & bound or local & CALLABLE or local & HEAD:
            taken = min(local & (bound | CALLABLE | HEAD))
            raise CompilerBug(f"the generated file binds `{taken}` a second time")
        used |= loaded - local
    return Code(module, used - bound)


def parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise CompilerBug(f"the generated file does not parse: {error}") from error


def _names(item: ast.AST) -> tuple[set[str], set[str]]:
    """The names that a class or function reads, and those that it binds inside."""
    loaded: set[str] = set()
    local: set[str] = set()
    todo: list[Any] = [item]
    while todo:
        node = todo.pop()
        kind = type(node).__name__
        if kind not in ALLOWED:
            raise CompilerBug(f"the generated file has a {kind}")
        if kind == "Name":
            (local if isinstance(node.ctx, ast.Store) else loaded).add(node.id)
            continue
        if kind == "arg":
            local.add(node.arg)
        elif kind == "Attribute" and node.attr.startswith("__") and node.attr != "__init__":
            raise CompilerBug(f"the generated file reads `{node.attr}`")
        for name in node._fields:
            value = getattr(node, name)
            if isinstance(value, list):
                todo.extend(v for v in value if isinstance(v, ast.AST))
            elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
                todo.append(value)
    return loaded, local


def check_head(head: str, used: set[str], externs: Mapping[str, str]) -> None:
    """CompilerBug unless a file's head is a docstring and imports of allowed names, and gives what the code uses."""
    bound = set(CALLABLE)
    for at, node in enumerate(parsed(head).body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name not in MODULES or alias.asname is not None:
                    raise CompilerBug(f"the generated file imports `{alias.name}`")
                bound.add(alias.name)
        elif isinstance(node, ast.ImportFrom):
            bound |= _imported(node, externs)
        elif not (at == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            raise CompilerBug(f"the generated file has a {type(node).__name__} at its top level")
    if used - bound:
        name = min(used - bound)
        what = "a builtin that it may not use" if hasattr(builtins, name) else "bound nowhere"
        raise CompilerBug(f"the generated file names `{name}`, which is {what}")


def _imported(node: ast.ImportFrom, externs: Mapping[str, str]) -> set[str]:
    found = set()
    for alias in node.names:
        name = alias.asname or alias.name
        allowed = MODULES.get(node.module or "")
        own = externs.get(name) == f"{node.module}:{alias.name}"
        if node.level or (not own and (allowed is None or alias.name not in allowed)):
            raise CompilerBug(f"the generated file imports `{alias.name}` from `{node.module}`")
        found.add(name)
    return found


# ---- what the text builds


def replay(root: Class, classes: Mapping[int, Class]) -> None:
    """Build the network from the printed terms alone, and compare every value with the network's.

    Each class's parameters get what its callers' texts say, from the root on; nothing of the analysis that chose
    the texts is used. Mismatch at the first that differs.
    """
    start: dict[str, object] = {}
    for key, parameter in root.parameters.items():
        if parameter.default is ...:
            raise Mismatch(root, f"the root's parameter `{parameter.name}` has no default")
        start[key] = parameter.default
    todo: list[tuple[Class, int, dict[str, object]]] = [(root, 0, start)]
    while todo:
        target, member, given = todo.pop()
        _replay(target, member, given, todo)


def _replay(
    target: Class, member: int, given: dict[str, object], todo: list[tuple[Class, int, dict[str, object]]]
) -> None:
    for name, term in target.lets.items():
        try:
            given[name] = terms.evaluate(term, given)
        except NoValue as error:
            raise Mismatch(target, f"`{name}` of `{target.first.name}` has no value: {error}") from None
    loops = {}
    for item in walk(target.items):
        if isinstance(item, MFor):
            for row in item.inner:
                loops[id(row.turns[-1][0])] = item.variable
    items = list(walk(target.items))
    for slot, row, at in _rows(target, member):
        if slot.forward or slot.term is None:
            continue
        env = {**given, **{loops[id(s)]: k for s, k in row.turns}} if row.turns else given
        try:
            value = terms.evaluate(slot.term, env)
        except NoValue as error:
            raise Mismatch(target, f"`{slot.hint}` in `{target.first.name}` has no value: {error}") from None
        if not _same(value, slot.consts[at].value):
            wanted = slot.consts[at].value
            raise Mismatch(target, f"`{slot.hint}` in `{target.first.name}` would be {value}, and is {wanted}")
    for item in items:
        if isinstance(item, MCall):
            _call(item, target, member, given, loops, todo)
        elif isinstance(item, MNode | MSeq) and item.template is not None:
            _template(item, target, member)


def _rows(target: Class, member: int) -> list[tuple[Slot, Row, int]]:
    """The slots of a class with a row of a member."""
    found = []
    for slot in target.slots:
        if len(slot.rows) == len(target.members) and not slot.rows[0].turns:
            found.append((slot, slot.rows[member], member))
            continue
        found += [(slot, row, at) for at, row in enumerate(slot.rows) if row.member == member]
    return found


def _call(
    item: MCall,
    target: Class,
    member: int,
    given: dict[str, object],
    loops: dict[int, str],
    todo: list[tuple[Class, int, dict[str, object]]],
) -> None:
    for at, row in enumerate(item.rows):
        if row.member != member:
            continue
        env = {**given, **{loops[id(s)]: k for s, k in row.turns}} if row.turns else given
        instance = item.calls[at].instance
        inner: dict[str, object] = {}
        for key, parameter in item.target.parameters.items():
            slot = item.slots[parameter.name]
            assert slot.term is not None
            optional = parameter.default is not ...
            if optional and isinstance(slot.term, Lit) and terms.same(slot.term.value, parameter.default):
                inner[key] = parameter.default
            else:
                inner[key] = terms.evaluate(slot.term, env)
        if item.template is not None:
            _check_template(item.template, row, instance.name, target)
        if item.target.kind != "extern":
            todo.append((item.target, item.target.index[id(instance)], inner))


def _template(item: MNode | MSeq, target: Class, member: int) -> None:
    from dslc.backends.torch.merged import Template

    assert isinstance(item.template, Template)
    names = [n.name for n in item.nodes] if isinstance(item, MNode) else [c.instance.name for c in item.calls]
    for row, name in zip(item.rows, names, strict=True):
        if row.member == member:
            _check_template(item.template, row, name, target)


def _check_template(template: object, row: Row, name: str, target: Class) -> None:
    from dslc.backends.torch.merged import Template

    assert isinstance(template, Template)
    made = f"{template.before}{template.base + row.turns[-1][1]}{template.after}"
    if made != name:
        raise Mismatch(target, f"a module would be called `{made}`, and is `{name}`")


def _same(a: object, b: object) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return isinstance(a, bool) == isinstance(b, bool) and a == b
    return terms.same(a, b)
