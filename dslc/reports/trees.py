"""Sizes as trees, for programs that compute with them: what a text such as `ceil(H/2)` is, without a parser for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TypeAlias

from dslc.analysis.cost import Terms
from dslc.analysis.metrics import Metric, Work, by_layer
from dslc.reports.columns import View
from dslc.reports.numbers import size_text
from dslc.types.dim import Atom, Dim, Size, Sym

Tree: TypeAlias = "int | str | list[Tree]"


def tree(size: Size) -> Tree:
    """An integer, the name of a size of the input, or `["+", ..]`, `["*", ..]`, `["//", a, n]` of trees.

    `//` is the quotient of integers rounded down; every other tree is exact.
    """
    if isinstance(size, int):
        return size
    parts = [product([coefficient, *map(atom_tree, monomial)]) for monomial, coefficient in size.terms]
    return parts[0] if len(parts) == 1 else ["+", *parts]


def product(factors: list[Tree]) -> Tree:
    """Factors as one tree, without a leading one."""
    left = factors[1:] if factors[0] == 1 and len(factors) > 1 else factors
    return left[0] if len(left) == 1 else ["*", *left]


def atom_tree(atom: Atom) -> Tree:
    """A symbol, or a quotient that is rounded down."""
    return atom.name if isinstance(atom, Sym) else ["//", tree(atom.num), atom.den]


def trees(view: View) -> dict[str, Tree]:
    """The tree of every size that the document names by a text: those of shapes, of terms and of buffers."""
    found: dict[str, Tree] = {}
    for size in dict.fromkeys(named(view)):
        if isinstance(size, Dim):
            found.setdefault(size_text(size, view.sizes), tree(size))
    return found


def named(view: View) -> Iterator[Size]:
    """All sizes of a document, some of them often."""
    stats = view.stats
    types = (
        [t for _, t in stats.inputs] + [t for _, t, _ in stats.outputs] + [t for row in stats.rows for t in row.outs]
    )
    yield from chain.from_iterable(type.dims for type in types)
    sums = [sums for metric in by_layer(device=False) if isinstance(metric.adds, Work) for sums in works(metric, view)]
    for terms in [*sums, *(buffer.cost.terms for buffer in stats.memory.buffers)]:
        yield from chain.from_iterable(terms)


def works(metric: Metric, view: View) -> Iterable[Terms]:
    """A number of every row as a sum of products of sizes."""
    return view.terms(metric).values()
