"""Names of one text: what is declared where, what a name means at a place, and what the sides of an `if` leave.

`elaborate` opens a scope for each instance and turn; here there is one for each text, so a name that only some
sides of an `if` give is given *maybe*: it may be read, and given again elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import field
from functools import lru_cache
from typing import Final, Literal, Protocol, Self, TypeVar

from dslc.bind.table import Symbol
from dslc.record import entity
from dslc.syntax import tree
from dslc.syntax.scan import mentioned, nodes

MEANINGS: Final = {
    "parameter": "a parameter",
    "size": "a size of the input",
    "let": "a `let` value",
    "loop": "the variable of a `for`",
    "tensor": "the name of a tensor",
    "module": "a module",
    "definition": "a definition of this file",
}
"""What messages call the symbols of a program."""


@entity
class Scope:
    """The names of a body, of one turn of a `for`, of a layer's suite, or of a function.

    `others` are the symbols that earlier sides of the `if` give, whose names this side may give too.
    """

    kind: Literal["body", "turn", "suite", "fn"]
    parent: Scope | None
    names: dict[str, Symbol] = field(default_factory=dict)
    families: list[Symbol] = field(default_factory=list)
    maybe: set[str] = field(default_factory=set)
    others: dict[str, Symbol] = field(default_factory=dict)

    def find(self, name: str) -> Symbol | None:
        """The symbol of a plain name here or around."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def home(self, name: str) -> Scope | None:
        """The scope that gives a name."""
        scope: Scope | None = self
        while scope is not None and name not in scope.names:
            scope = scope.parent
        return scope

    def of_family(self, name: str) -> Symbol | None:
        """A family here or around that may give a plain name."""
        scope: Scope | None = self
        while scope is not None:
            for symbol in scope.families:
                if symbol.family is not None and overlap(symbol.family, name):
                    return symbol
            scope = scope.parent
        return None

    def all_names(self) -> list[str]:
        """All plain names here and around, the inner ones first."""
        names: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            names += scope.names
            scope = scope.parent
        return names

    def matching(self, text: tree.Text) -> list[Symbol]:
        """The symbols that a name in back-ticks may mean: families and, if it holds an expression, plain names."""
        found: list[Symbol] = []
        scope: Scope | None = self
        while scope is not None:
            found += [s for s in scope.families if s.family is not None and overlap(s.family, text)]
            if plain(text) is None:
                found += [s for name, s in scope.names.items() if overlap(text, name)]
            scope = scope.parent
        return found


def plain(text: tree.Text) -> str | None:
    """The letters of a name in back-ticks that holds no expression."""
    if any(not isinstance(piece, str) for piece in text.pieces):
        return None
    return "".join(piece for piece in text.pieces if isinstance(piece, str))


def overlap(family: tree.Text, other: tree.Text | str) -> bool:
    """Whether a name of a family may be a name of another, or that name: their fixed beginnings and ends agree."""
    first, last = _ends(family)
    if isinstance(other, str):
        return len(other) >= len(first) + len(last) and other.startswith(first) and other.endswith(last)
    whole = plain(other)
    if whole is not None:
        return overlap(family, whole)
    begin, end = _ends(other)
    return (first.startswith(begin) or begin.startswith(first)) and (last.endswith(end) or end.endswith(last))


def _ends(text: tree.Text) -> tuple[str, str]:
    first, last = text.pieces[0], text.pieces[-1]
    return first if isinstance(first, str) else "", last if isinstance(last, str) and len(text.pieces) > 1 else ""


def spelled(text: tree.Text) -> str:
    """A family as messages and tables write it: the text between the back-ticks."""
    return text.span.text.strip("`")


@lru_cache(maxsize=4)  # each of many mistakes in a text asks for the names of the same body
def given_names(part: Hashable) -> frozenset[str]:
    """All names that the lines of a body give somewhere."""
    names: set[str] = set()
    for node in nodes(part):
        match node:
            case tree.Assign(targets=targets) | tree.For(targets=targets):
                names |= {t.name for t in targets if isinstance(t, tree.Name)}
            case tree.Let(target=target) | tree.TensorDef(target=target):
                names.add(target.name)
            case tree.ModuleDef(target=tree.Name(name=name)):
                names.add(name)
    return frozenset(names)


class Turns(Protocol):
    """A scope of names, of a text or of a run: what `beyond_turns` asks of it."""

    @property
    def kind(self) -> str: ...

    @property
    def names(self) -> Mapping[str, object]: ...

    @property
    def parent(self) -> Self | None: ...


AScope = TypeVar("AScope", bound=Turns)


def beyond_turns(scope: AScope, target: tree.Name | tree.TickName) -> AScope:
    """Where a name is put: one in back-ticks made with a loop's variable belongs to the body around the loop."""
    found = scope
    if isinstance(target, tree.TickName):
        used = mentioned(target.text)
        turn: AScope | None = scope
        while turn is not None and turn.kind == "turn":
            if used & turn.names.keys() and turn.parent is not None:
                found = turn.parent
            turn = turn.parent
    return found


def names_again(block: tree.Block) -> set[str]:
    """The names of tensors that lines of a body give although an input or a line above gave them."""
    given = Counter(port.name for port in block.ports or ())
    for line in assigns(block.suite):
        given.update({target.name for target in line.targets if isinstance(target, tree.Name)} - {"_"})
    return {name for name, times in given.items() if times > 1}


def assigns(suite: tree.Suite) -> Iterator[tree.Assign]:
    """The lines of a body that name tensors; of the sides of an `if`, those of the one that has most."""
    for line in suite.body:
        match line:
            case tree.Assign():
                yield line
            case tree.For():
                yield from assigns(line.suite)
            case tree.If(branches=branches):
                sides = [list(assigns(side)) for _, side in branches]
                yield from max(sides, key=len)  # the sides of an `if` may give the same names
