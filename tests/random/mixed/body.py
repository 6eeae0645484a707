"""The suite of a net or a block as it is written: its lines, the chain's current value, the values with names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from tests.random.choices import Choices
from tests.random.mixed.kinds import Kind, Side

T = TypeVar("T")
MOST = 3000
"""Elements of a tensor, above which nothing makes it larger."""


@dataclass
class Param:
    """A parameter of a block: its type, and values of which any may be given without changing a shape."""

    name: str
    type: str
    values: tuple[str, ...]


@dataclass
class Numbers:
    """New names, and new open sizes; one for a whole program."""

    count: int = 0

    def new(self) -> int:
        self.count += 1
        return self.count


@dataclass
class Body:
    """`it` is the kind of the chain's value, `values` those of the names; `unread` are names that must be read yet."""

    choices: Choices
    numbers: Numbers
    it: Kind
    fuel: int
    values: dict[str, Kind] = field(default_factory=dict)
    unread: dict[str, None] = field(default_factory=dict)
    params: list[Param] | None = None  # of a block; a net has none
    lines: list[str] = field(default_factory=list)
    indent: int = 1
    names: bool = True  # whether values may be named here
    turn: str | None = None  # the variable of the loop in whose suite the lines stand
    blocks: list[str] = field(default_factory=list)  # texts of the blocks that the program has so far
    chained: bool = False  # the last line may go on with `->`
    flat: bool = False  # the lines are to be one chain
    depth: int = 0

    # ---- choices

    def pick(self, *options: T) -> T:
        return self.choices.choice(options)

    def number(self, least: int, most: int) -> int:
        return self.choices.number(least, most)

    def chance(self, p: float) -> bool:
        return self.choices.chance(p)

    # ---- text

    def new(self, stem: str) -> str:
        return f"{stem}{self.numbers.new()}"

    def write(self, line: str) -> None:
        self.lines.append("    " * self.indent + line)
        self.chained = False

    def step(self, text: str, after: Kind) -> None:
        """A layer applied to `it`: on a line of its own or at the end of the chain before it."""
        if self.chained and self.chance(0.5):
            self.lines[-1] += f" -> {text}"
        else:
            self.write(text)
        self.chained = True
        self.it = after

    def line(self, text: str, after: Kind) -> None:
        """A tensor expression that is the new `it`. In a branch, or with a sign before it, it stands in brackets."""
        self.write(f"({text})" if self.flat or text.startswith("-") else text)
        self.it = after

    def named(self, chance: float = 0.3) -> str:
        """` as name`, or nothing."""
        if not self.chance(chance):
            return ""
        name = self.new("m")
        return f" as `{name}_{{{self.turn}}}`" if self.turn else f" as {name}"

    # ---- values

    def name(self, text: str, kind: Kind, stem: str = "y") -> str:
        """A new name for a value; something must read it."""
        name = self.new(stem)
        self.write(f"{name} = {text}")
        self.values[name] = kind
        self.unread[name] = None
        return name

    def read(self, name: str) -> str:
        self.unread.pop(name, None)
        return name

    def find(self, fits: Callable[[Kind], bool]) -> str | None:
        """The name of a value that fits, one that nothing reads yet before others; it counts as read."""
        found = [name for name, kind in self.values.items() if fits(kind)]
        waiting = [name for name in found if name in self.unread]
        if not found:
            return None
        return self.read(self.pick(*(waiting or found)))

    def partner(self, fits: Callable[[Kind], bool], make: Callable[[], str]) -> str | None:
        """A named value that fits; else `make`'s text, which has the kind of `it`; none where names are not allowed."""
        if not self.names:
            return None
        found = self.find(fits) if self.chance(0.7) else None
        return found or self.read(self.name(make(), self.it.of(self.it.dtype)))

    # ---- numbers

    def mixed(self, size: int) -> Side:
        """A new size of several open ones, equal to no other."""
        return Side(size, f"*{self.numbers.new()}")

    def resized(self, side: Side, size: int) -> Side:
        """What becomes of a size that changes."""
        return Side(size) if side.fixed else Side(size, f"{'*' if side.mixed else '?'}{self.numbers.new()}")

    def lifted(self, value: str, type: str, others: Iterable[str], chance: float = 0.35) -> str:
        """A literal, or in a block sometimes a parameter that stands for it; `others` may be given in its place."""
        if self.params is None or not self.chance(chance):
            return value
        same = [p for p in self.params if p.type == type and p.values[0] == value and set(others) <= set(p.values)]
        if same:
            return self.pick(*same).name
        param = Param(self.new("p"), type, tuple(dict.fromkeys((value, *others))))
        self.params.append(param)
        return param.name


Maker: TypeAlias = Callable[[Body], bool]
"""Writes one step or more; false, and nothing written, where the chain's value does not fit."""


@dataclass(frozen=True)
class Made:
    """A maker, the ops that it writes, and whether the value it leaves always has the kind that it found."""

    run: Maker
    ops: tuple[str, ...]
    keeps: bool
    naming: bool
    weight: int


MAKERS: list[Made] = []


def makes(*ops: str, keeps: bool = False, naming: bool = False, weight: int = 2) -> Callable[[Maker], Maker]:
    """Registers a maker. `naming`: it needs a body where values can be named. `weight`: how often it is tried."""

    def register(run: Maker) -> Maker:
        MAKERS.append(Made(run, ops, keeps, naming, weight))
        return run

    return register
