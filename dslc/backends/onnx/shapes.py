"""Sizes that a graph must compute while it runs: int64[1] tensors, from the shapes of tensors.

Needed only with `--dynamic`, and only where no attribute or view (views.py) can say the size: for Resize, Slice, Expand
and Range over a symbol, and for a Reshape that takes one axis apart into two open ones. A size that some tensor has is
read from it; only others are computed, from the inputs'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dslc.backends.onnx.graph import NodeDef
from dslc.backends.onnx.sizes import SizeView
from dslc.types.dim import Atom, Dim, Monomial, Size, Sym


class ShapeMath:
    """Writes the nodes that compute sizes, each size and each part of one once."""

    def __init__(self, view: SizeView, add: Callable[[NodeDef], None], ints: Callable[[Sequence[int]], str]) -> None:
        self._view = view
        self._add = add
        self._ints = ints
        self._inputs: dict[Sym, tuple[str, int]] = {}
        self._axes: dict[Dim, tuple[str, int]] = {}
        self._whole: dict[tuple[Size, ...], str] = {}
        self._vectors: dict[tuple[Size, ...], str] = {}
        self._ranks: dict[str, int] = {}
        self._made: dict[tuple[object, ...], str] = {}
        self._texts: dict[str, int] = {}

    def add_input(self, name: str, sizes: Sequence[Size]) -> None:
        """A graph input: every bare symbol among its sizes can be read from its shape."""
        self._ranks[name] = len(sizes)
        for axis, size in enumerate(sizes):
            found = _bare_symbol(size)
            if found is not None:
                self._inputs.setdefault(found, (name, axis))

    def add_tensor(self, name: str, sizes: tuple[Size, ...]) -> None:
        """A tensor that is there from now on: its shape, and each of its sizes, can be read."""
        open_axes = [axis for axis, size in enumerate(sizes) if isinstance(size, Dim)]
        if open_axes:
            self._whole.setdefault(sizes, name)
        for axis in open_axes:
            size = sizes[axis]
            if isinstance(size, Dim):
                self._axes.setdefault(size, (name, axis))

    def vector(self, sizes: Sequence[Size], like: tuple[str, Sequence[Size]] | None = None) -> str:
        """A 1-D tensor of sizes; one Shape node where they are the shape of a tensor, or a part of that of `like`.

        One symbol among ones (an Expand over the batch) is the shape of a slice of the input: Concat would join
        the sizes on the host, where a node has no place in a graph for the GPU.
        """
        key = tuple(sizes)
        if key not in self._vectors:
            self._vectors[key] = self._vector(key, like)
        return self._vectors[key]

    def _vector(self, sizes: tuple[Size, ...], like: tuple[str, Sequence[Size]] | None) -> str:
        lone = _bare_symbol(sizes[0]) if len(sizes) == 1 else None
        if lone is not None:
            return self.size(sizes[0])
        whole = self._whole.get(sizes)
        if whole is not None:
            return self._node("Shape", [whole], "shape")
        if like is not None:
            name, own = like
            for start in range(len(own) - len(sizes) + 1):
                if all(a is b or a == b for a, b in zip(own[start:], sizes, strict=False)):
                    return self._node("Shape", [name], "shape", start=start, end=start + len(sizes))
        symbols = [size for size in sizes if isinstance(size, Dim)]
        lone = _bare_symbol(symbols[0]) if len(symbols) == 1 else None
        if lone is not None and len(sizes) > 1 and all(size == 1 for size in sizes if isinstance(size, int)):
            return self._among_ones(lone, [isinstance(size, Dim) for size in sizes].index(True), len(sizes))
        parts = [self.size(size) for size in sizes]
        return parts[0] if len(parts) == 1 else self._node("Concat", parts, "sizes", axis=0)

    def _among_ones(self, symbol: Sym, place: int, length: int) -> str:
        """[1, .., symbol, .., 1] of this length: the shape of the input cut to one place along its other axes."""
        name, axis = self._inputs[symbol]
        rank = self._ranks[name]
        before, after = max(0, place - axis), max(0, length - place - rank + axis)
        others = [a for a in range(rank) if a != axis]
        cut = name
        if others:
            bounds = [self._ints(v) for v in ([0] * len(others), [1] * len(others), others)]
            cut = self._node("Slice", [name, *bounds], f"{symbol.name} alone")
        if before or after:
            new = [*range(before), *range(before + rank, before + rank + after)]
            cut = self._node("Unsqueeze", [cut, self._ints(new)], f"{symbol.name} alone")
        start = axis + before - place
        text = ", ".join(symbol.name if i == place else "1" for i in range(length))
        return self._node("Shape", [cut], f"[{text}]", start=start, end=start + length)

    def size(self, size: Size) -> str:
        """One size as an int64[1] tensor."""
        if isinstance(size, int):
            return self._number(size)
        if _bare_symbol(size) is None and size in self._axes:
            name, axis = self._axes[size]
            return self._node("Shape", [name], str(self._view.extent(size)), start=axis, end=axis + 1)
        total = ""
        for monomial, coefficient in sorted(size.terms, key=lambda term: term[1] < 0):
            term = self._product(monomial, abs(coefficient) if total else coefficient)
            kind = "Sub" if coefficient < 0 else "Add"
            total = self._node(kind, [total, term], str(self._view.extent(size))) if total else term
        return total

    def _product(self, monomial: Monomial, coefficient: int) -> str:
        total = self._number(coefficient) if coefficient != 1 or not monomial else ""
        for atom in monomial:
            factor = self._atom(atom)
            total = self._node("Mul", [total, factor], "product") if total else factor
        return total

    def _atom(self, atom: Atom) -> str:
        if isinstance(atom, Sym):
            name, axis = self._inputs[atom]
            return self._node("Shape", [name], atom.name, start=axis, end=axis + 1)
        num, den = self.size(atom.num), self._number(atom.den)
        if not self._view.never_negative(atom.num):
            # ONNX divides integers toward zero. Mod has the divisor's sign, as in Python, so what is left is
            # a multiple.
            num = self._node("Sub", [num, self._node("Mod", [num, den], "rest")], "multiple")
        return self._node("Div", [num, den], f"{atom.num} // {atom.den}")

    def _number(self, value: int) -> str:
        return self._ints([value])

    def _node(self, kind: str, inputs: list[str], text: str, **attributes: object) -> str:
        """The output of a node, made once; it is named after what it computes, in the size's own words."""
        key = (kind, tuple(inputs), tuple(sorted(attributes.items())))
        found = self._made.get(key)
        if found is None:
            count = self._texts[text] = self._texts.get(text, 0) + 1
            name = f"size/{text}" if count == 1 else f"size/{text}#{count}"
            found = self._made[key] = f"{name}:out"
            self._add(NodeDef(name, kind, inputs, [found], attributes))
        return found


def _bare_symbol(size: Size) -> Sym | None:
    """The symbol that a size is."""
    if isinstance(size, Dim) and len(size.terms) == 1:
        monomial, coefficient = size.terms[0]
        if coefficient == 1 and len(monomial) == 1 and isinstance(monomial[0], Sym):
            return monomial[0]
    return None
