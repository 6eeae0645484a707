"""Sizes and sums that depend on them, each once, as plain data that the page's `sizes.mjs` evaluates.

- A size is a number, or, where it depends on the input, -1 - i for entry i of `dims`.
- An entry of `dims` is a list of terms `[coefficient, atom, ..]`; an atom is a symbol's name or `[size, divisor]`, the
  floor of a quotient. `texts` has the same as people read it.
- An entry of `sums` is a list of products `[count, size, ..]`.
- `shared` has records that many layers have alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from dslc.reports.numbers import size_text
from dslc.types.dim import Atom, Dim, Size, Sym
from dslc.types.sizes import Sizes


class Pool:
    """The sizes and sums of one network, by the numbers that stand for them."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.dims: list[list[list[object]]] = []
        self.texts: list[str] = []
        self.sums: list[list[list[int]]] = []
        self.shared: list[object] = []
        self._shared: dict[str, int] = {}
        self._dims: dict[Dim, int] = {}
        self._sums: dict[tuple[tuple[int, ...], ...], int] = {}

    def size(self, size: Size, *, told: bool = True) -> int:
        """What stands for a size; `told`: it is shown to people, too."""
        if isinstance(size, int):
            return size
        found = self._dims.get(size)
        if found is None:
            terms = [[coefficient, *map(self._atom, monomial)] for monomial, coefficient in size.terms]
            found = self._dims[size] = len(self.dims)
            self.dims.append(terms)
            self.texts.append("")
        if told and not self.texts[found]:
            self.texts[found] = size_text(size, self.sizes)
        return -1 - found

    def shape(self, dims: Iterable[Size]) -> list[int]:
        """What stands for the sizes of a tensor."""
        return [self.size(size) for size in dims]

    def sum(self, terms: Mapping[tuple[Dim, ...], int]) -> int:
        """What stands for a sum of products of sizes."""
        key = tuple((count, *(self.size(size, told=False) for size in product)) for product, count in terms.items())
        found = self._sums.get(key)
        if found is None:
            found = self._sums[key] = len(self.sums)
            self.sums.append([list(product) for product in key])
        return found

    def share(self, record: object) -> int:
        """The number of a record in `shared`."""
        key = json.dumps(record)
        found = self._shared.get(key)
        if found is None:
            found = self._shared[key] = len(self.shared)
            self.shared.append(record)
        return found

    def _atom(self, atom: Atom) -> object:
        return atom.name if isinstance(atom, Sym) else [self.size(atom.num, told=False), atom.den]
