"""What binding a program leaves: which declaration every name means, and which arguments every call gives.

Identity is the object: entities compare by it, so tables are keyed by trees and symbols, and nothing asks for an `id`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import field
from typing import TYPE_CHECKING, Literal, TypeAlias

from dslc.record import entity, record
from dslc.source import Span
from dslc.syntax import tree

if TYPE_CHECKING:
    from dslc.bind.static import Static
    from dslc.ops.base import Attr

Kind: TypeAlias = Literal[
    "parameter", "size", "let", "loop", "tensor", "module", "definition", "language", "attribute", "port"
]
"""`language`: a layer, function or word that no program declares; `attribute` and `port`: of such a layer."""
Role: TypeAlias = Literal["bind", "read", "call", "argument", "import"]


@entity
class Symbol:
    """One declaration. `span` is the text of its name (none of the language's), `home` the definition it stands in.

    A name that several sides of an `if` give, and a family such as `` `y{i}` ``, is one symbol.
    """

    kind: Kind
    name: str
    span: Span | None
    home: tree.Definition | None = None
    item: tree.Definition | None = None  # of a definition
    doc: str = ""
    static: Static | None = None  # what is known of its value
    family: tree.Text | None = None  # of a name in back-ticks that holds an expression

    def __repr__(self) -> str:
        return f"<Symbol {self.kind} {self.name}>"


@record
class Use:
    """One place where a symbol is named.

    `bind` gives it its meaning, `argument` is the name of one in a call, `import` stands in a `use` line.
    """

    span: Span
    symbol: Symbol
    role: Role


@record
class Slot:
    """A parameter of a layer or function. `keyword`: it is given by name only."""

    name: str
    required: bool
    keyword: bool = False
    declared: tree.Parameter | None = None  # none of an op's attribute
    rules: Attr | None = None  # of an op's attribute

    @property
    def text(self) -> str:
        """As messages show it: `s=1`; nothing where it has a default that is no number or word."""
        if self.declared is not None:
            default = self.declared.default
            return self.name if default is None else f"{self.name}={default.span.text}"
        if self.rules is None or self.rules.required:
            return self.name
        value = self.rules.default
        return f"{self.name}={value}" if isinstance(value, int | float | str) and not isinstance(value, bool) else ""

    @property
    def layer(self) -> bool:
        """Whether it must be given a layer."""
        kind = self.declared.type if self.declared is not None else None
        return self.required and kind is not None and kind.kind == "layer"


@record
class Signature:
    """What a layer or function takes: an op, a block, an `extern`, an alias, a `fn`, or several steps.

    `ports` are the names of its tensors; `spread` is the attribute that takes unknown arguments by name, `gather` the
    one that takes all arguments by position; `numbers`: of an optional port, the attribute for a number in its place.
    """

    name: str
    kind: Literal["op", "block", "alias", "fn", "steps"]
    ports: tuple[str, ...] = ()
    needed: frozenset[str] = frozenset()  # ports that must have a tensor
    least: int = 1  # tensors, and the most; none: any number
    most: int | None = 1
    slots: tuple[Slot, ...] = ()
    spread: str | None = None
    gather: str | None = None
    numbers: dict[str, str] = field(default_factory=dict)
    results: int | None = None  # tensors that it makes, where that is known
    item: tree.Definition | None = None

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters, in the order of its header."""
        return tuple(slot.name for slot in self.slots)

    @property
    def by_position(self) -> list[str]:
        """The parameters that take arguments by position, one each."""
        alone = (self.spread, self.gather)
        return [slot.name for slot in self.slots if not slot.keyword and slot.name not in alone]

    @property
    def source(self) -> bool:
        """Whether it is a layer of the language that makes tensors of none."""
        return self.kind == "op" and self.most == 0

    @property
    def tensors(self) -> bool:
        """Whether it takes tensors at all."""
        return self.most != 0

    def applied(self, name: str) -> Signature:
        """That of a `module` made of it: it takes the same tensors, and no arguments any more."""
        return Signature(name, "steps", self.ports, self.needed, self.least, self.most, results=self.results)

    def refuses(self, count: int) -> bool:
        """Whether it is not for so many tensors; what takes none passes them over."""
        return self.tensors and (count < self.least or (self.most is not None and count > self.most))

    @property
    def inputs(self) -> str:
        """How many tensors it takes, in words: those of a block by name."""
        more = " or more" if self.most is None or self.most > self.least else ""
        if self.kind == "op":
            return f"{self.least} tensor{'' if self.least == 1 else 's'}{more}"
        names = ", ".join(f"`{port}`" for port in self.ports or ("it",))
        return f"{self.least}{more} tensor{'' if self.least == 1 else 's'} ({names})"

    @property
    def text(self) -> str:
        """The header in one line: `conv(out, k, s=1, ...)`."""
        return f"{self.name}({', '.join(slot.text for slot in self.slots if slot.text)})"


@record
class Call:
    """A call: what is called, and which expression each parameter is given; `extra` are arguments of no parameter.

    `target` is none where only an expansion knows it, as of a parameter that is a layer.
    """

    expr: tree.Call
    target: Signature | None
    given: dict[str, tree.Expr]
    extra: tuple[tree.Argument, ...] = ()


@entity
class Body:
    """What one definition's text means, its header and its lines."""

    definition: tree.Definition
    uses: list[Use] = field(default_factory=list)
    symbols: list[Symbol] = field(default_factory=list)
    calls: dict[tree.Call, Call] = field(default_factory=dict)
    failed: set[tree.Expr] = field(default_factory=set)


@entity
class Table:
    """All bodies of a program's own files, and the names of its `use` lines and `init` statements (`loose`).

    `passed`: definitions that are handed over as values; `perhaps`: what only a name in back-ticks may mean.
    """

    bodies: dict[tree.Definition, Body] = field(default_factory=dict)
    defined: dict[tree.Definition, Symbol] = field(default_factory=dict)
    aliases: dict[tree.Definition, list[Symbol]] = field(default_factory=dict)  # other names by `as` of `use`
    imported: dict[tree.Use, dict[str, Symbol]] = field(default_factory=dict)
    loose: list[Use] = field(default_factory=list)
    passed: set[Symbol] = field(default_factory=set)
    perhaps: set[Symbol] = field(default_factory=set)
    places: dict[str, tuple[list[int], list[Use]]] = field(default_factory=dict)

    @property
    def failed(self) -> frozenset[tree.Expr]:
        """The expressions that have no value because of a mistake that is told."""
        return frozenset().union(*(body.failed for body in self.bodies.values()))

    def reached(self, start: tree.Definition) -> set[tree.Definition]:
        """A definition and all that its text leads to, of those that are bound."""
        found: set[tree.Definition] = set()
        todo = [start]
        while todo:
            item = todo.pop()
            if item in self.bodies and item not in found:
                found.add(item)
                todo += [use.symbol.item for use in self.bodies[item].uses if use.symbol.item is not None]
        return found

    def at(self, path: str, offset: int) -> Use | None:
        """The name at an offset of a file, the end of the name included."""
        if path not in self.places:
            found = sorted((u for u in self.all_uses() if u.span.source.path == path), key=lambda u: u.span.start)
            self.places[path] = [use.span.start for use in found], found
        starts, uses = self.places[path]
        at = bisect_right(starts, offset) - 1
        return uses[at] if at >= 0 and offset <= uses[at].span.end else None

    def uses(self, symbol: Symbol) -> list[Use]:
        """All places that name a symbol, those that bind it among them, in the order of the text."""
        found = [use for use in self.all_uses() if use.symbol is symbol]
        return sorted(found, key=lambda use: (use.span.source.path, use.span.start))

    def all_uses(self) -> list[Use]:
        """Every place that names a symbol."""
        return [*self.loose, *(use for body in self.bodies.values() for use in body.uses)]
