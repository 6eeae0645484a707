"""Shape comments: the sizes of a tensor where they change, in the block's names; in the root at default sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dslc.backends.torch import terms
from dslc.backends.torch.merged import Class, Sym
from dslc.backends.torch.slots import Resolver
from dslc.backends.torch.terms import Var
from dslc.ir.model import Model
from dslc.syntax import tree
from dslc.types.const import Const
from dslc.types.dim import Dim, Size

LONGEST = 40
"""Columns of a shape above which it is not written."""


@dataclass(slots=True)
class Shapes:
    """Says the shapes of one class's tensors."""

    target: Class
    resolver: Resolver
    model: Model
    root: bool

    def comment(self, sym: Sym, source: Sym | None) -> str:
        """`# N, mid, H, W`, where a tensor's sizes are not those of what it was made from; else nothing."""
        if sym.values[0].type.rank == 0:
            return ""
        if source is not None and source.kind != "param" and self._same(sym, source):
            return ""
        parts: list[str] = []
        for axis in range(sym.values[0].type.rank):
            text = self._number(sym.values[0].type.dims[axis]) if self.root else self._word(sym, axis)
            if text is None:
                return ""
            parts.append(text)
        shape = ", ".join(parts)
        return f"# {shape}" if len(shape) <= LONGEST else ""

    def _same(self, sym: Sym, source: Sym) -> bool:
        return all(a.type.dims == b.type.dims for a, b in zip(sym.values, source.values, strict=False))

    def _number(self, size: Size) -> str | None:
        """A size at the defaults; those without one by name."""
        if isinstance(size, int):
            return str(size)
        sizes = self.model.sizes
        if any(s.name in sizes.universal for s in size.symbols):
            known: Size = size
            for symbol in size.symbols:
                if symbol.name not in sizes.universal:
                    from dslc.types.dim import substitute

                    known = substitute(known, {symbol: sizes.default[symbol.name]})
            return str(known)
        return str(sizes.value(size))

    def _word(self, sym: Sym, axis: int) -> str | None:
        """A size in the block's names, right for every member."""
        dims = [v.type.dims[axis] for v in sym.values]
        if len(sym.values) != len(self.target.members):
            return None
        word = sym.values[0].type.word(axis)
        if word is not None and word.origin is not None:
            term = self.resolver.reader.term(word)
            if term is not None and self._right(term, dims):
                return terms.text(term, lambda n: n.lstrip("+@"))
        if isinstance(dims[0], int) and all(d == dims[0] for d in dims) and axis == 1:
            return str(dims[0])
        for text in self._spatial(dims, axis):
            return text
        return None

    def _right(self, term: terms.Term, dims: list[Size]) -> bool:
        from dslc.backends.torch.merged import Row, Slot

        rows = [Row(m) for m in range(len(dims))]
        consts = [Const(d, None, None, self.target.first.site) for d in dims]
        return self.resolver.right(term, Slot(consts, rows, "", ..., True))

    def _spatial(self, dims: list[Size], axis: int) -> Iterator[str]:
        """A size of the input on this axis, or a part of it: `H`, `ceil(H / s)`, `H // 2`."""
        for name, (index, place) in self.resolver.places.items():
            if place != axis or name.startswith("@") or index != 0:
                continue
            own = [self.resolver.value(name, m) for m in range(len(dims))]
            if self._equal(own, dims):
                yield name
                continue
            for by in self._divisors():
                values = [terms_value(self.resolver, by, m) for m in range(len(dims))]
                if not all((isinstance(v, int) and v > 1) or v == 1 for v in values):
                    continue
                text = by.name if isinstance(by, Var) else str(values[0])
                pairs = [
                    (o, v) for o, v in zip(own, values, strict=True) if isinstance(o, int | Dim) and isinstance(v, int)
                ]
                if len(pairs) < len(dims):
                    continue
                if self._equal([-(-o // v) for o, v in pairs], dims):
                    yield f"ceil({name} / {text})"
                    return
                if self._equal([o // v for o, v in pairs], dims):
                    yield f"{name} // {text}"
                    return

    def _divisors(self) -> list[Var | terms.Lit]:
        definition = self.target.definition
        names = definition.parameters if isinstance(definition, tree.Block) and self.target.kind == "block" else ()
        return [terms.Lit(2), *(Var(p.name) for p in names), terms.Lit(4)]

    def _equal(self, left: list[object] | list[Size], right: list[Size]) -> bool:
        return all(self.resolver.same(a, b) for a, b in zip(left, right, strict=True))


def terms_value(resolver: Resolver, by: Var | terms.Lit, member: int) -> object:
    """The value of a divisor for a member."""
    if isinstance(by, terms.Lit):
        return by.value
    try:
        value = resolver.value(by.name, member)
    except KeyError:
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
