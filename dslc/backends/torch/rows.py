"""What must agree between the rows of a class: names of modules, and loops that are kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from dslc.backends.torch.merged import MCall, MEither, MFor, MIf, MItem, MNode, MSeq, Row, Split, Template, walk
from dslc.ir.model import For, Item
from dslc.ops.base import Init
from dslc.ops.identity import Identity
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Const, literal

T = TypeVar("T")


def alike(column: Sequence[Item], kind: type[T]) -> list[T]:
    """The items of a column, which `require_same` has found to be of one kind, as items of that kind."""
    return [item for item in column if isinstance(item, kind)]


def length(source: tree.Expr | None) -> tree.Expr | None:
    """The number of turns over a source: `n` of `range(n)`, else `len(source)`."""
    if source is None:
        return None
    if isinstance(source, tree.Call) and isinstance(source.target, tree.Name) and len(source.arguments) == 1:
        if source.target.name == "range":
            return source.arguments[0].value
        if source.target.name == "enumerate":
            source = source.arguments[0].value
    return tree.Call(source.span, tree.Name(source.span, "len"), (tree.Argument(source.span, None, None, source),))


def variable(loops: list[For]) -> str:
    """The name of a loop's target that counts its turns from 0; empty if there is none."""
    scopes = [(scope, k) for f in loops for k, scope in enumerate(f.scopes)]
    for name in scopes[0][0].names:
        bindings = [(scope.names.get(name), k) for scope, k in scopes]
        if all(
            b is not None and b.kind == "loop" and isinstance(b.value, Const) and b.value.value == k
            for b, k in bindings
        ):
            return name
    return ""


def require_same(why: str, keys: Sequence[object]) -> None:
    """Split the rows unless their keys are equal."""
    if any(k != keys[0] for k in keys):
        raise Split(why, [str(k) for k in keys])


def common_name(names: Sequence[str | None], rows: list[Row], sequential: bool) -> tuple[str, Template | None]:
    """The name of a module in all rows that have it, or its rule by the turn of a kept loop.

    The numbers of a Sequential's steps are free. Split where there is neither.
    """
    known = [(n, row) for n, row in zip(names, rows, strict=True) if n is not None]
    first = known[0][0]
    if all(n == first for n, _ in known) or (sequential and all(n.isdecimal() for n, _ in known)):
        return first, None
    if rows[0].turns:
        for match in re.finditer(r"\d+", first):
            base = int(match[0]) - known[0][1].turns[-1][1]
            rule = Template(first[: match.start()], base, first[match.end() :])
            if all(n == f"{rule.before}{base + row.turns[-1][1]}{rule.after}" for n, row in known):
                return first, rule
    raise Split("their parts have other names", list(names))


def number(init: Init, at: int, span: Span) -> Const:
    """A number of an initialiser, in the words that said it."""
    name, value = init.args[at]
    said = dict(init.said).get(name)
    return literal(value, span) if said is None else Const(value, said.origin, said.scope, said.span)


def module_names(item: MItem) -> list[str]:
    """The names of a module of a Sequential in all rows."""
    if isinstance(item, MNode):
        return [n.name for n in item.nodes]
    return [c.instance.name for c in item.calls] if isinstance(item, MCall | MSeq) else []


def bearing(item: MItem) -> list[str]:
    """The names of a module in the rows that have it: a layer parameter's may be none."""
    if isinstance(item, MNode):
        return [n.name for n in item.nodes if not isinstance(n.op, Identity)]
    return module_names(item)


def steady_names(items: list[MItem], rows: list[Row]) -> None:
    """Where some steps of a Sequential have names, the numbers of the others must agree too."""
    named = [i for i in walk(items, inside_sequentials=False) if isinstance(i, MNode | MCall | MSeq)]
    numbered = all(n.isdecimal() for i in named for n in bearing(i))
    for item in named:
        fixed = isinstance(item, MNode) and bool(item.initial)
        by_loop_inside = item.template is not None and len(item.rows[0].turns) > len(rows[0].turns)
        free = numbered and not fixed and item.template is None
        if by_loop_inside or free or len(set(bearing(item))) <= 1:
            continue
        found: dict[int, list[str]] = {}
        for row, name in zip(item.rows, module_names(item), strict=True):
            found.setdefault(row.member, []).append(name)
        raise Split("their parts have other numbers", [str(found.get(row.member)) for row in rows])


def distinct_names(items: list[MItem], rows: list[Row]) -> None:
    """Split where two parts of a class would be one attribute: each member alone has names that differ."""
    twice = _shared_name(items)[1]
    if twice is None:
        return
    found: dict[int, list[str]] = {}
    for item in walk(items, inside_sequentials=False):
        if isinstance(item, MNode | MCall | MSeq):
            for row, name in zip(item.rows, module_names(item), strict=True):
                found.setdefault(row.member, []).append(name)
    raise Split(f"two of their parts would be called `{twice}`", [str(found.get(row.member)) for row in rows])


def _shared_name(items: list[MItem]) -> tuple[set[str], str | None]:
    """The attributes that items make, and one that two of them make; the sides of an `if` may share one."""
    names: set[str] = set()
    for item in items:
        made: set[str] = set()
        twice: str | None = None
        match item:
            case MNode(module=True, again=False) | MCall(again=False) | MSeq(again=False):
                made = {item.name if item.template is None else f"{item.template.before}#{item.template.after}"}
            case MIf():
                (then, first), (other, second) = _shared_name(item.then), _shared_name(item.other)
                made, twice = then | other, first or second
            case MFor():
                made, twice = _shared_name(item.items)
            case MEither():
                made, twice = _shared_name([*item.training, *item.evaluation])
        twice = twice or next(iter(sorted(n for n in made & names if not n.isdecimal())), None)
        if twice is not None:
            return names, twice
        names |= made
    return names, None
