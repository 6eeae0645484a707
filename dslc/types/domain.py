"""The allowed sizes of one symbol: bounds, remainders and holes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from math import gcd, lcm

from dslc.record import frozen
from dslc.types.text import number_runs

MAX_CLASSES = 1 << 16


class TooManyResidues(Exception):
    """A set of remainders would have more than `MAX_CLASSES` members; `mod` is their modulus."""

    def __init__(self, mod: int) -> None:
        super().__init__(f"more than {MAX_CLASSES} remainders modulo {mod}")
        self.mod = mod


@frozen
class Domain:
    """Numbers v with lo <= v <= hi, v % mod in residues, v not in holes.

    As `domain` makes them: mod is minimal, lo and hi are members, holes lie between them and would be
    members. An empty set has no residues. A bounded set can still be written in several ways: compare by
    `within`.
    """

    lo: int = 1
    hi: int | None = None
    mod: int = 1
    residues: frozenset[int] = frozenset({0})
    holes: frozenset[int] = frozenset()

    @property
    def empty(self) -> bool:
        return not self.residues

    @property
    def single(self) -> int | None:
        """The only member, if there is one."""
        return self.lo if self.lo == self.hi else None

    def __contains__(self, value: int) -> bool:
        return (
            value >= self.lo
            and (self.hi is None or value <= self.hi)
            and value % self.mod in self.residues
            and value not in self.holes
        )

    def __and__(self, other: Domain) -> Domain:
        mod, residues = _meet(self.mod, self.residues, other.mod, other.residues)
        bounds = [d.hi for d in (self, other) if d.hi is not None]
        holes = self.holes | other.holes
        return domain(max(self.lo, other.lo), min(bounds, default=None), mod, residues, holes)

    @property
    def count(self) -> int | None:
        """The number of members; none where there is no end to them."""
        if self.empty:
            return 0
        if self.hi is None:
            return None
        lo, hi = self.lo, self.hi
        return sum((hi - r) // self.mod - (lo - 1 - r) // self.mod for r in self.residues) - len(self.holes)

    def values(self) -> Iterator[int]:
        """The members in order, without end where the set has none."""
        base = self.lo - self.lo % self.mod
        ordered = sorted(self.residues)
        while self.residues and (self.hi is None or base <= self.hi):
            yield from (base + r for r in ordered if base + r in self)
            base += self.mod

    def within(self, other: Domain) -> bool:
        """Whether every member is one of `other`."""
        common = self & other
        return common == self or (self.hi is not None and common.count == self.count)

    def classes(self, mod: int) -> tuple[int, int, list[int]]:
        """(number, g, remainders by g) of the classes modulo `mod` that hold members, bounds and holes aside.

        The classes are those r in range(mod) whose r % g is listed.
        """
        g = gcd(mod, self.mod)
        kept = sorted({r % g for r in self.residues})
        return len(kept) * (mod // g), g, kept

    def nearest(self, value: int) -> tuple[int, ...]:
        """The members next below and above a number; itself alone if it is one."""
        if value in self or self.empty:
            return (value,) if value in self else ()
        below, above = self._down(value), self._up(value)
        return tuple(v for v in (below, above) if v is not None)

    def _down(self, value: int) -> int | None:
        value = value if self.hi is None else min(value, self.hi)
        while value >= self.lo:
            value = max(value - (value - r) % self.mod for r in self.residues)
            if value not in self.holes:
                return value if value >= self.lo else None
            value -= 1
        return None

    def _up(self, value: int) -> int | None:
        value = max(value, self.lo)
        while self.hi is None or value <= self.hi:
            value = min(value + (r - value) % self.mod for r in self.residues)
            if value not in self.holes:
                return value if self.hi is None or value <= self.hi else None
            value += 1
        return None

    # ---- text

    def sufficient(self) -> Domain:
        """A simpler part: the remainders of the smallest divisor of mod that has a full class, few holes."""
        mod, rest = self.mod, 0
        for size in range(len(self.residues), 0, -1):
            if self.mod % size == 0:
                full = [r for r, n in Counter(r % (self.mod // size) for r in self.residues).items() if n == size]
                if full:
                    mod, rest = self.mod // size, min(full)
                    break
        part = domain(self.lo, self.hi, mod, frozenset({rest}), self.holes)
        if len(part.holes) > 3 and part.hi is None:
            return domain(max(part.holes) + 1, None, mod, part.residues)
        return part

    def text(self, name: str) -> str:
        """The simplest sufficient form first: `H % 32 == 0 (exactly H % 32 in {0, 29..31})`; `every H`."""
        simple = self.sufficient() if not self.empty else self
        if simple.empty or self.within(simple):
            return self.exact_text(name)
        return f"{simple.exact_text(name)} (exactly {self.exact_text(name)})"

    def exact_text(self, name: str) -> str:
        """The set itself: `H % 32 in {0, 29..31}, H >= 29`."""
        if self.empty:
            return f"no {name}"
        return ", ".join(self.conditions(name)) or f"every {name}"

    def conditions(self, name: str) -> list[str]:
        """The set as conditions that hold together; none for every size from 1 up."""
        if self.single is not None:
            return [f"{name} == {self.single}"]
        parts = []
        if len(self.residues) == 1 and self.mod > 1:
            parts.append(f"{name} % {self.mod} == {min(self.residues)}")
        elif len(self.residues) == self.mod - 1 and self.mod > 2:
            (left_out,) = set(range(self.mod)) - self.residues
            parts.append(f"{name} % {self.mod} != {left_out}")
        elif self.mod > 1:
            parts.append(f"{name} % {self.mod} in {number_runs(list(self.residues))}")
        lower = self.lo > min((r or self.mod) for r in self.residues)
        if lower and self.hi is not None:
            parts.append(f"{self.lo} <= {name} <= {self.hi}")
        elif lower:
            parts.append(f"{name} >= {self.lo}")
        elif self.hi is not None:
            parts.append(f"{name} <= {self.hi}")
        if len(self.holes) > 3:
            parts.append(f"{name} not in {number_runs(list(self.holes))}")
        else:
            parts += [f"{name} != {hole}" for hole in sorted(self.holes)]
        return parts

    def requires(self, name: str) -> list[str]:
        """The simplest sufficient form as conditions that can stand in a `require`, one each."""
        return [] if self.empty else self.sufficient().conditions(name)

    def range_text(self, name: str) -> str:
        """`224..239` where that says it, else the conditions."""
        if self.mod == 1 and self.hi is not None and not self.holes:
            return str(self.lo) if self.lo == self.hi else f"{self.lo}..{self.hi}"
        return self.exact_text(name)


EVERY = Domain()
NOTHING = Domain(1, 0, 1, frozenset())


def domain(
    lo: int = 1,
    hi: int | None = None,
    mod: int = 1,
    residues: Iterable[int] = (0,),
    holes: Iterable[int] = (),
) -> Domain:
    """The set of these numbers, from 1 up, in its normal form."""
    mod, kept = _minimal(mod, frozenset(residues))
    if not kept:
        return NOTHING
    wide = Domain(max(lo, 1), hi, mod, kept, frozenset(holes))
    first = wide._up(wide.lo)
    last = None if hi is None or first is None else wide._down(hi)
    if first is None or (hi is not None and last is None):
        return NOTHING
    if first == last:
        return Domain(first, last)
    inside = frozenset(h for h in wide.holes if first < h and (last is None or h < last) and h % mod in kept)
    return Domain(first, last, mod, kept, inside)


def _minimal(mod: int, residues: frozenset[int]) -> tuple[int, frozenset[int]]:
    """The same classes by the smallest modulus. Each step divides the number of residues too."""
    left, prime = gcd(mod, len(residues)), 2
    while left > 1:
        if prime * prime > left:
            prime = left
        if left % prime:
            prime += 1
            continue
        smaller = frozenset(r % (mod // prime) for r in residues)
        if len(smaller) * prime == len(residues):
            mod, residues = mod // prime, smaller
        left = left // prime
    return mod, residues


def _meet(m: int, a: frozenset[int], n: int, b: frozenset[int]) -> tuple[int, frozenset[int]]:
    """Remainders modulo lcm(m, n) that are in `a` modulo m and in `b` modulo n."""
    if m == n:
        return m, a & b
    g = gcd(m, n)
    groups: dict[int, list[int]] = defaultdict(list)
    for r in b:
        groups[r % g].append(r)
    both = lcm(m, n)
    if sum(len(groups.get(r % g, ())) for r in a) > MAX_CLASSES:
        raise TooManyResidues(both)
    inverse = pow(m // g, -1, n // g)
    return both, frozenset(r + m * ((s - r) // g * inverse % (n // g)) for r in a for s in groups.get(r % g, ()))
