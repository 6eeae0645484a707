"""Which name of a `forward` holds which tensor, and the first name that is free.

A class may have ten thousand tensors alive at once, so names are not tried one after the other: the names of a series
(`y`, `y_2`, `y_3`..) wait in two heaps, those that may be free by their number, the others by when they are read last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf

from dslc.backends.torch.liveness import Lives
from dslc.backends.torch.merged import Sym

FREE = -1


@dataclass(slots=True)
class Series:
    """The names `spell(1)`, `spell(2)`..; `state` of each seen: the place of its last read, or FREE if it may be free.

    An entry of a heap is valid while it says what `state` says.
    """

    spell: Callable[[int], str]
    state: list[float] = field(default_factory=lambda: [inf])  # numbers begin at 1
    free: list[int] = field(default_factory=list)
    taken: list[tuple[float, int]] = field(default_factory=list)


@dataclass(slots=True)
class Held:
    """What every name holds, in a class whose tensors live as `lives` says. `name_of` has the name of each tensor."""

    lives: Lives
    reserved: Collection[str]
    name_of: dict[int, str]
    beside: list[tuple[int, int]] = field(default_factory=list)  # places of sides that exclude the one being written
    holds: dict[str, Sym] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    member: dict[str, tuple[Series, int]] = field(default_factory=dict)
    before: list[dict[str, Sym | None]] = field(default_factory=list)

    def bind(self, sym: Sym, name: str) -> None:
        """From here on a name holds a tensor."""
        old = self.name_of.get(sym.id, name)
        self.name_of[sym.id] = name
        self._hold(name, sym)
        self._touch(old)

    def busy(self, name: str, now: int) -> bool:
        """Whether a name holds a tensor that is still read after `now`."""
        if name in self.reserved:
            return True
        held = self.holds.get(name)
        if held is None or self.lives.last.get(held.id, 0) <= now or self.name_of.get(held.id) != name:
            return False
        uses = self.lives.uses.get(held.id, [])
        later = (uses[at] for at in range(bisect_right(uses, now), len(uses)))
        return any(not any(a < k <= b for a, b in self.beside) for k in later)

    def first(self, base: str, spell: Callable[[int], str], now: int, avoid: Collection[str] = ()) -> str:
        """The first name of a series that is free after `now` and not one of `avoid`."""
        series = self.series.setdefault(base, Series(spell))
        # A name may be free in one side of an `if` because only the other side reads it later.
        reach = max(now, *(end for _, end in self.beside)) if self.beside else now
        while series.taken and series.taken[0][0] <= reach:
            last, number = heappop(series.taken)
            if series.state[number] == last:
                series.state[number] = FREE
                heappush(series.free, number)
        avoided: list[int] = []
        found = 0
        while series.free and not found:
            number = heappop(series.free)
            if series.state[number] == FREE:
                found = self._look(series, number, now, avoid, avoided)
        while not found:
            number = len(series.state)
            series.state.append(FREE)
            self.member[spell(number)] = series, number
            found = self._look(series, number, now, avoid, avoided)
        for number in (found, *avoided):
            heappush(series.free, number)
        return spell(found)

    def _look(self, series: Series, number: int, now: int, avoid: Collection[str], avoided: list[int]) -> int:
        """The number if its name can be taken; else 0, and it waits for its last read, or is one of `avoided`."""
        name = series.spell(number)
        if self.busy(name, now):
            series.state[number] = inf if name in self.reserved else self.lives.last[self.holds[name].id]
            heappush(series.taken, (series.state[number], number))
            return 0
        if name in avoid:
            avoided.append(number)
            return 0
        return number

    # ---- the sides of an `if`

    def begin(self) -> None:
        """From here on it is kept what names held."""
        self.before.append({})

    def restore(self) -> None:
        """Names hold again what they held at `begin`, but for tensors that have another name by now."""
        for name, sym in self.before[-1].items():
            if sym is not None and self.name_of.get(sym.id) == name:
                self._hold(name, sym)

    def end(self) -> None:
        """Nothing is kept any more since the last `begin`."""
        for name, sym in self.before.pop().items():
            if self.before:
                self.before[-1].setdefault(name, sym)

    def _hold(self, name: str, sym: Sym) -> None:
        if self.before:
            self.before[-1].setdefault(name, self.holds.get(name))
        self.holds[name] = sym
        self._touch(name)

    def _touch(self, name: str) -> None:
        """What is known of when a name is free holds no longer."""
        series, number = self.member.get(name, (None, 0))
        if series is not None and series.state[number] != FREE:
            series.state[number] = FREE
            heappush(series.free, number)
