"""What names mean for one row of a class, and keys to compare what they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dslc.backends.torch.merged import Row
from dslc.types.dim import Dim, Size, Sym

if TYPE_CHECKING:
    from dslc.backends.torch.slots import Resolver


class Env(Mapping[str, object]):
    """What names mean for one row: the member's parameters, sizes and lets, and the turns of kept loops."""

    def __init__(self, resolver: Resolver, row: Row) -> None:
        self.resolver = resolver
        self.row = row

    def __getitem__(self, name: str) -> object:
        for scope, turn in self.row.turns:
            if self.resolver.kept.get(id(scope)) == name:
                return turn
        return self.resolver.value(name, self.row.member)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def symbol_name(size: Size) -> str | None:
    """The symbol that a size is, if it is one and nothing else."""
    if isinstance(size, Dim) and len(size.terms) == 1 and size.terms[0][1] == 1 and len(size.terms[0][0]) == 1:
        atom = size.terms[0][0][0]
        return atom.name if isinstance(atom, Sym) else None
    return None
