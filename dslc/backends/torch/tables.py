"""Tensors given by index, such as `buffer idx: int64[i: T, j: T] = i - j + T - 1`, as comprehensions."""

from __future__ import annotations

from collections.abc import Callable

from dslc.backends.torch import terms
from dslc.backends.torch.layout import Group, Px
from dslc.backends.torch.merged import Class, CompilerBug, Declared
from dslc.backends.torch.reading import Env
from dslc.backends.torch.slots import Resolver
from dslc.backends.torch.tabulate import filled
from dslc.backends.torch.terms import Infix, NoValue, Term, Var
from dslc.syntax import tree
from dslc.types.const import Const

MAX_LITERAL = 4096
"""Numbers of a table that are written one by one where no text says how they are made."""


def resolve_tables(resolver: Resolver) -> None:
    """Find the text of every table of the class, right for all members."""
    for declared in resolver.target.declared.values():
        if all(p.values is None for p in declared.params):
            continue
        for param in declared.params:
            found = _term(resolver, declared, param.definition)
            if found is not None:
                declared.index = found
                declared.reads = [n for n in terms.free(found[1]) if n not in found[0]]
                break


def _term(
    resolver: Resolver, declared: Declared, definition: tree.TensorDef | None
) -> tuple[tuple[str, ...], Term] | None:
    if definition is None or definition.value is None or not any(d.index for d in definition.spec.dims or ()):
        return None
    names = tuple(d.index or f"_{k}" for k, d in enumerate(definition.spec.dims or ()))
    scope = declared.params[0].scope
    resolver.reader.locals = set(names)
    term = resolver.reader.term(Const(0, definition.value, scope, definition.span))
    resolver.reader.memo.pop(id(definition.value), None)
    resolver.reader.locals = set()
    if term is None:
        return None
    if resolver.by_value:
        term = terms.substitute(term, {n: terms.Lit(resolver.value(n, 0)) for n in terms.free(term) if n not in names})
    if not all(resolver.known(n, False) for n in terms.free(term) if n not in names):
        return None
    for at, param in enumerate(declared.params):
        if not _right(resolver, term, names, at, param.spec.shape, param.values):
            return None
    return names, term


def _right(
    resolver: Resolver, term: Term, names: tuple[str, ...], member: int, shape: tuple[int, ...], values: object
) -> bool:
    """Whether a term has a member's values, at every place of the table."""
    from dslc.backends.torch.merged import Row

    env = Env(resolver, Row(member))
    try:
        known = {n: env[n] for n in terms.free(term) if n not in names}
        if 0 not in shape:
            terms.evaluate(term, {**known, **dict.fromkeys(names, 0)})  # refuses what would not end
        return filled(term, known, tuple(zip(names, shape, strict=True))) == values
    except (NoValue, KeyError):
        return False


def table(declared: Declared, spelled: Callable[[str], str], sizes: list[str]) -> Px | None:
    """The values of a tensor as Python: a comprehension, or the numbers; none where an initialiser makes them."""
    values = declared.params[0].values
    if values is None:
        return None
    if declared.index is None:
        if any(p.values != values for p in declared.params) or count(values) > MAX_LITERAL:
            raise CompilerBug(f"no text says the values of `{declared.params[0].name}`")
        return literal(values)
    names, term = declared.index
    locals_ = {n: n if n.isidentifier() else "_" for n in names}
    px: Px = terms.text(term, lambda n: locals_.get(n) or spelled(n))
    for name, size in reversed(list(zip(names, sizes, strict=True))):
        variable = "_" if name.startswith("_") else name
        px = Group("", (px, f"for {variable} in range({size})"), "", "[]", clauses=True)
    return px


def count(values: object) -> int:
    """Numbers in nested lists."""
    return sum(map(count, values)) if isinstance(values, list | tuple) else 1


def literal(values: object) -> Px:
    """Nested lists of numbers as Python."""
    if isinstance(values, list | tuple):
        return Group("", tuple(map(literal, values)), "", "[]")
    return terms.literal(values)[0]


__all__ = ["Class", "Infix", "Var", "resolve_tables", "table"]
