"""Which sizes a graph keeps symbolic, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dslc.types.dim import Atom, Dim, Size, Sym, substitute, symbol
from dslc.types.sizes import Sizes
from dslc.types.solve import bounds


class SizeView:
    """Sizes as one export sees them: symbols named in `dynamic` stay, all others are numbers, their defaults or `at`.

    Equal names of extents mean equal sizes, because onnxruntime reuses buffers by name (onnxruntime #10148):
    a symbol that a `require` ties to others is written through those, and a size is named by its normal form.
    """

    def __init__(self, sizes: Sizes, dynamic: Iterable[str] = (), at: Mapping[str, int] | None = None) -> None:
        self._sizes = sizes
        kept = {s for name in dynamic for s in symbols_of(sizes.reduce(symbol(name)))}
        self._numbers: dict[Atom, Size] = {}
        for name, number in {**sizes.default, **(at or {})}.items():
            (atom,) = symbols_of(symbol(name))
            if atom not in kept and name not in sizes.same:
                self._numbers[atom] = number
        self.kept = kept
        self._fixed: dict[Dim, Size] = {}
        self._texts: dict[Dim, str] = {}
        self._equal: dict[tuple[Size, Size], bool] = {}

    def fix(self, size: Size) -> Size:
        """The size with every symbol that is not kept replaced by its number."""
        if isinstance(size, int):
            return size
        found = self._fixed.get(size)
        if found is None:
            reduced = self._sizes.reduce(size)
            found = self._fixed[size] = self._sizes.reduce(substitute(reduced, self._numbers))
        return found

    def static(self, size: Size) -> int | None:
        """The number of a size; none where it is kept symbolic."""
        fixed = self.fix(size)
        return fixed if isinstance(fixed, int) else None

    def extent(self, size: Size) -> int | str:
        """A size as an ONNX shape writes it: a number, or its text."""
        fixed = self.fix(size)
        if isinstance(fixed, int):
            return fixed
        found = self._texts.get(fixed)
        if found is None:
            found = self._texts[fixed] = self._sizes.text(fixed)
        return found

    def equal(self, a: Size, b: Size) -> bool:
        """Whether two sizes are the same for every allowed size of the input."""
        if isinstance(a, int) and isinstance(b, int):
            return a == b
        key = (a, b)
        found = self._equal.get(key)
        if found is None:
            found = self._equal[key] = a == b or self._sizes.always_equal(a, b)
        return found

    def value(self, size: Size) -> int:
        """The number of a size at the default sizes."""
        return self._sizes.value(size)

    def never_negative(self, size: Size) -> bool:
        """Whether no allowed size of the input makes this expression negative."""
        return bounds(size, self._sizes.domain)[0] >= 0


def symbols_of(size: Size) -> frozenset[Sym]:
    """The symbols a size depends on."""
    return size.symbols if isinstance(size, Dim) else frozenset()
