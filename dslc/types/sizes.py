"""Sizes of one net while it is elaborated: defaults, allowed sizes, and every question asked about them.

A question about two sizes is answered for all allowed sizes, or narrows what is allowed by a guard that holds
at the default, or is a Reject whose place the caller knows. Guards are learned in source order; the final set
is their intersection. A symbol without a default is universal: it stands for every size, and no guard touches
it. Of an unknown size, which a mistake left, all is granted and nothing is learned; what needs its number gets
`Unknown`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field

from dslc.diagnostics.model import Frame, Reject
from dslc.record import entity, replace
from dslc.source import Span
from dslc.types import dim as dims
from dslc.types import refuse
from dslc.types.condition import NotMonotone, Part, Relation, compare, split
from dslc.types.dim import UNKNOWN, Atom, Dim, Floor, Size, Unknown, substitute
from dslc.types.domain import EVERY, MAX_CLASSES, NOTHING, Domain, TooManyResidues, domain
from dslc.types.errors import NotDivisible
from dslc.types.guards import Guard, Pin, Pinned, need
from dslc.types.join import Agreement, Known, agreement
from dslc.types.limits import RequireForm, TooManyClasses, UniversalPin
from dslc.types.period import columns, period, single_floor
from dslc.types.solve import bounds, can_vanish, solved_for
from dslc.types.text import Style, dim_text

__all__ = ["Guard", "Pin", "Pinned", "Relation", "Size", "Sizes"]


@entity
class Sizes:
    """What is known of the sizes of one net.

    `default` holds 1 for the names in `universal`; `same` gives a symbol in terms of others, or its only
    number; `pins` are the symbols that an earlier elaboration found to need a number; `refused` are the sizes
    that what was refused so far would leave, so that the sizes a message proposes are right for all of it.
    """

    pins: dict[str, Pin] = field(default_factory=dict)
    default: dict[str, int] = field(default_factory=dict)
    universal: set[str] = field(default_factory=set)
    domain: dict[str, Domain] = field(default_factory=dict)
    same: dict[str, Size] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)
    refused: dict[str, Domain] = field(default_factory=dict)
    numbers: dict[Size, int] = field(default_factory=dict)  # sizes at their default that were asked for
    _joined: dict[tuple[Size, Size], Size] = field(default_factory=dict)

    # ---- names and numbers

    def symbol(self, name: str, default: int | None, span: Span) -> Dim:
        """Declare a symbolic dim of the net's input; without a default it is universal."""
        if name not in self.default:
            self.default[name] = 1 if default is None else default
            self.domain[name] = EVERY
            if default is None:
                self.universal.add(name)
        return dims.symbol(name)

    def port(self, name: str, default: int | None, span: Span) -> Size:
        """The size of a named input dim: its number if an earlier elaboration pinned it, else its symbol."""
        pin = self.pins.get(name)
        return self.symbol(name, default, span) if pin is None else pin.value

    def value(self, size: Size) -> int:
        """The number at the default sizes; 1 for universal symbols. `Unknown` for what has none."""
        if size is UNKNOWN:
            raise Unknown
        found = self.numbers.get(size)
        if found is None:
            found = self.numbers[size] = dims.evaluate(size, self.default)
        return found

    def evaluate(self, size: Size, at: Mapping[str, int]) -> int:
        """The number at some sizes; symbols not given are at their default."""
        return dims.evaluate(size, {**self.default, **at})

    def reduce(self, size: Size) -> Size:
        """The same size in its shortest form: `same` put in, one floor for several where there is one.

        To be applied where the type of a node is made.
        """
        if isinstance(size, int) or size is UNKNOWN:
            return size
        if self.same:
            by: dict[Atom, Size] = {s: self.same[s.name] for s in size.symbols if s.name in self.same}
            size = substitute(size, by) if by else size
        return single_floor(size)

    # ---- questions

    def equal(self, a: Size, b: Size, span: Span, by: str = "") -> Size:
        """Of two sizes that must be equal the one kept, the shorter; a guard if it depends on the input."""
        if a is b or a == b:
            return a
        if a is UNKNOWN or b is UNKNOWN:
            return b if a is UNKNOWN else a
        kept = self._joined.get((a, b))
        if kept is None:
            if isinstance(a, int) and isinstance(b, int):
                raise Reject(refuse.differ(self, a, b, 0, {}, by))
            self._join(a, b, "==", span, by)
            kept = self._joined[a, b] = min(a, b, key=lambda size: len(str(size)))
        return kept

    def divide(self, a: Size, m: Size, span: Span, by: str = "") -> Size:
        """a / m, exact; a guard where that depends on the input."""
        a, m = self.reduce(a), self.reduce(m)
        if isinstance(m, Dim) or a is UNKNOWN:
            return a // m
        if m == 0 or (isinstance(a, int) and a % m):
            raise Reject(NotDivisible(self.text(a), self.value(a), m, self.where(a), (), by))
        if isinstance(a, int):
            return a // m
        quotient = a // m
        key = (a, m * quotient)
        if key[0] is not key[1] and key not in self._joined:
            self._join(*key, "%", span, by, m)
            self._joined[key] = a
        return self.reduce(quotient)

    def at_least(self, a: Size, b: Size, span: Span, by: str = "") -> None:
        """a >= b; a guard where that depends on the input."""
        difference = self._difference(a, b)
        if difference is UNKNOWN or bounds(difference, self.domain)[0] >= 0:
            return
        if isinstance(difference, int):
            raise Reject(refuse.below(self, a, b, {}, by))
        names = self.names(difference)
        refuse.universal(self, names, a, ">=", b)
        if len(names) > 1 and self.value(difference) >= 0:
            raise Reject(refuse.undecided(self, a, ">=", b, names))
        if len(names) > 1:
            raise Reject(refuse.below(self, a, b, {}, by))
        holds, fails = self._split(difference, a, ">=", b)
        if fails.empty:
            return
        if holds.empty:
            raise Reject(refuse.below(self, a, b, {}, by))
        if holds.sizes is None:
            raise Reject(refuse.undecided(self, a, ">=", b, names))
        if self.default[names[0]] not in holds.sizes:
            raise Reject(refuse.below(self, a, b, {names[0]: holds.sizes}, by))
        self._narrow(Guard(names[0], holds.sizes, a, b, ">=", span, by))

    def decide(self, relation: Relation, left: Size, right: Size, span: Span) -> bool:
        """Whether a comparison holds: one answer for all allowed sizes, or a Reject that shows both sets."""
        difference = self._difference(left, right)
        if isinstance(difference, int):
            return compare(relation, difference)
        if difference is UNKNOWN:
            raise Unknown
        answers = self._by_bounds(difference, relation)
        if len(answers) == 1:
            return answers.pop()
        names = self.names(difference)
        if len(names) == 1:
            holds, fails = self._split(difference, left, relation, right)
            if holds.empty or fails.empty:
                return fails.empty
            refuse.universal(self, names, left, relation, right)
            raise Reject(refuse.both(self, left, relation, right, names[0], holds, fails))
        if relation in ("==", "!=") and can_vanish(difference) and self._agreement(left, right, difference).always:
            return relation == "=="
        refuse.universal(self, names, left, relation, right)
        raise Reject(refuse.undecided(self, left, relation, right, names))

    def always_equal(self, a: Size, b: Size) -> bool:
        """Whether two sizes are one for all allowed sizes; nothing is narrowed."""
        difference = self._difference(a, b)
        if isinstance(difference, int):
            return difference == 0
        if difference is UNKNOWN:
            return True
        try:
            return can_vanish(difference) and self._agreement(a, b, difference).always
        except Reject:
            return False

    def smaller(self, a: Size, b: Size, span: Span) -> Size:
        """min(a, b)."""
        return a if self.decide("<=", a, b, span) else b

    def larger(self, a: Size, b: Size, span: Span) -> Size:
        """max(a, b)."""
        return a if self.decide(">=", a, b, span) else b

    def pin(self, a: Size, span: Span) -> int:
        """The number of a weight's size. `Pinned` where it depends on a symbol with a default."""
        known = self.reduce(a)
        if isinstance(known, int):
            return known
        if known is UNKNOWN:
            raise Unknown
        names = self.names(known)
        if names[-1] in self.universal:
            raise Reject(UniversalPin(names[-1], self.text(known)))
        raise Pinned(Pin(names[0], self.default[names[0]], span, self._would_fit(known, names[0])))

    def pin_axis(self, a: Size, span: Span) -> int:
        """`pin` of a tensor's axis: its type must hold the number, so that symbols a guard left with one are pinned."""
        number = self.pin(a, span)
        if isinstance(a, Dim):
            name = self.names(a)[0]
            raise Pinned(Pin(name, self.default[name], span))
        return number

    def require(self, relation: Relation, left: Size, right: Size, span: Span) -> None:
        """Narrow the allowed sizes to where a comparison holds, or give one symbol in terms of others."""
        difference = self._difference(left, right)
        if isinstance(difference, int):
            if not compare(relation, difference):
                raise Reject(refuse.require_fails(self, left, relation, right, {}))
            return
        if difference is UNKNOWN:
            return
        names = self.names(difference)
        refuse.universal(self, names, left, relation, right)
        form = RequireForm(refuse.condition(self, left, relation, right), tuple(names))
        if len(names) == 1:
            holds, fails = self._split(difference, left, relation, right)
            if not compare(relation, self.value(difference)):
                sets = {names[0]: holds.sizes} if holds.sizes is not None else {}
                raise Reject(refuse.require_fails(self, left, relation, right, sets))
            if holds.sizes is None:
                raise Reject(form)
            if not fails.empty:
                self._narrow(Guard(names[0], holds.sizes, left, right, relation, span, "require"))
        elif not compare(relation, self.value(difference)):
            raise Reject(refuse.require_fails(self, left, relation, right, self._equals(difference, relation)))
        elif relation == "==" and can_vanish(difference):
            self._join(left, right, "==", span, "require")
        elif self._by_bounds(difference, relation) != {True} and not (relation == "==" and self._tie(difference, span)):
            raise Reject(form)

    # ---- text

    def text(self, size: Size) -> str:
        """A size, with `H/32` where the division is known to be exact."""
        return dim_text(size, Style(self.exact))

    def shown(self, size: Size) -> str:
        """A symbolic size with its value: `ceil(H/16)` (14 at H=224)."""
        if isinstance(size, int):
            return str(size)
        return f"`{self.text(size)}` ({self.value(size)} at {self.where(size)})"

    def where(self, *sizes: Size) -> str:
        """The defaults that values belong to: `H=224, W=224`."""
        names = {s.name for size in sizes if isinstance(size, Dim) for s in size.symbols}
        return ", ".join(f"{name}={value}" for name, value in self.default.items() if name in names)

    def exact(self, floor: Floor) -> int | None:
        """The remainder of a floor of one symbol where all allowed sizes have the same."""
        num = floor.num
        if num.depth or num.degree > 1 or len(num.symbols) > 1:
            return None
        (s,) = num.symbols
        number, g, starts = self.domain.get(s.name, EVERY).classes(floor.den)
        if number > MAX_CLASSES:
            return None
        values = [r for start in starts for r in range(start, floor.den, g)]
        found = {x % floor.den for x in columns(num, {s: values}, len(values))}
        return found.pop() if len(found) == 1 else None

    def needs(self, name: str) -> tuple[Domain, Dim | None]:
        """The sizes that a symbol may have; and what it must equal, where it is given in terms of others."""
        same = self.same.get(name)
        if isinstance(same, int):
            return domain(same, same), None
        return (self.domain[name], None) if same is None else (EVERY, same)

    def allowed(self, name: str = "") -> str:
        """The allowed sizes of one symbol, or of all with a default: `every H, W`; `H % 32 == 0; W as H`."""
        if name:
            return need(name, *self.needs(name))
        own = [n for n in self.default if n not in self.universal]
        free = [n for n in own if self.domain[n] == EVERY and n not in self.same]
        parts = [f"every {', '.join(free)}"] if free else []
        first: dict[Domain, str] = {}
        for n in own:
            if n in free:
                continue
            like = None if n in self.same else first.get(self.domain[n])
            parts.append(f"{n} as {like}" if like else self.allowed(n))
            if n not in self.same:
                first.setdefault(self.domain[n], n)
        return "; ".join(parts + [pin.text for pin in self.pins.values()])

    # ---- how

    def names(self, dim: Dim) -> list[str]:
        """The symbols of a dim as they were declared, universal ones last."""
        return [s.name for s in self._known.order(dim)]

    @property
    def _known(self) -> Known:
        return Known(self.domain, self.default, self.universal)

    def _difference(self, a: Size, b: Size) -> Size:
        return self.reduce(self.reduce(a) - self.reduce(b))

    def _by_bounds(self, difference: Dim, relation: Relation) -> set[bool]:
        """The answers that intervals leave open."""
        low, high = bounds(difference, self.domain)
        reached = [sign for sign, may in ((-1, low < 0), (0, low <= 0 <= high), (1, high > 0)) if may]
        return {compare(relation, sign) for sign in reached}

    @contextmanager
    def _limits(self, dim: Dim) -> Iterator[None]:
        """Too many remainders become the mistake that names the symbols, that of the longest period first."""
        try:
            yield
        except TooManyResidues as many:
            periods = {name: period(dim, dims.sym(name)) for name in self.names(dim)}
            if len(periods) == 1:
                periods = dict.fromkeys(periods, many.mod)
            names = tuple(sorted((n for n in periods if periods[n] > 1), key=lambda n: -periods[n]))
            raise self._too_many(names, tuple(periods[n] for n in names)) from many

    def _too_many(self, names: tuple[str, ...], moduli: tuple[int, ...]) -> Reject:
        return Reject(TooManyClasses(names, moduli, MAX_CLASSES, self.default[names[0]]))

    def _split(self, difference: Dim, left: Size, relation: Relation, right: Size) -> tuple[Part, Part]:
        (name,) = self.names(difference)
        with self._limits(difference):
            try:
                return split(difference, relation, self.domain[name])
            except NotMonotone:
                raise Reject(refuse.undecided(self, left, relation, right, [name])) from None

    def _agreement(self, a: Size, b: Size, difference: Dim) -> Agreement:
        with self._limits(difference):
            return agreement(self.reduce(a), self.reduce(b), difference, self._known)

    def _join(self, a: Size, b: Size, relation: str, span: Span, by: str, divisor: int = 0) -> None:
        """Make a == b hold: known, by guards, or a Reject; with `divisor`, that `a` is a multiple of it."""
        difference = self._difference(a, b)
        if difference == 0:
            return
        if isinstance(difference, int):
            raise Reject(refuse.differ(self, a, b, divisor, {}, by))
        found = self._agreement(a, b, difference)
        if found.always:
            return
        refuse.disagree(self, a, b, divisor, difference, found, by)
        if any(self.default[name] not in needs for name, needs in found.sets.items()):
            raise Reject(refuse.differ(self, a, b, divisor, found.sets, by))
        for name, needs in found.sets.items():
            self._narrow(Guard(name, needs, a, divisor or b, relation, span, by))

    def led_by(self, trail: Frame | None, first: int) -> None:
        """Keep what led to the line that asked for the guards from number `first` on."""
        if trail is not None:
            self.guards[first:] = [replace(guard, trail=trail) for guard in self.guards[first:]]

    def _narrow(self, guard: Guard) -> None:
        """Keep a guard whose set holds the default."""
        before = self.domain[guard.symbol]
        try:
            if before.within(guard.allowed):
                return
            after = before & guard.allowed
        except TooManyResidues as many:
            raise self._too_many((guard.symbol,), (many.mod,)) from many
        self.guards.append(guard)
        self.domain[guard.symbol] = after
        if after.single is not None:
            self._replace(guard.symbol, after.single)

    def _replace(self, name: str, size: Size) -> None:
        """From here on a symbol is another size."""
        by: dict[Atom, Size] = {dims.sym(name): size}
        self.same = {n: substitute(known, by) for n, known in self.same.items()} | {name: size}

    def _equals(self, difference: Dim, relation: Relation) -> dict[str, Domain]:
        """The only size of the last symbol at which `difference == 0` holds beside the others' defaults."""
        for name in reversed(self.names(difference) if relation == "==" else []):
            rest = solved_for(difference, name)
            if rest is not None and self.value(rest) >= 1:
                return {name: domain(lo=self.value(rest), hi=self.value(rest))}
        return {}

    def _tie(self, difference: Dim, span: Span) -> bool:
        """Keep `difference == 0` as one symbol in terms of the others; False where none stands alone."""
        for name in reversed(self.names(difference)):
            rest = solved_for(difference, name)
            if rest is not None:
                self._move(name, rest, span)
                self.guards.append(Guard(name, EVERY, dims.symbol(name), rest, "is", span, "require"))
                self._replace(name, rest)
                return True
        return False

    def _move(self, name: str, rest: Size, span: Span) -> None:
        """Let the allowed sizes of a symbol be those of the size it is given as."""
        allowed = self.domain[name]
        self.at_least(rest, allowed.lo, span, "require")
        if allowed.hi is not None:
            self.at_least(allowed.hi, rest, span, "require")
        remainder = self.reduce(rest % allowed.mod)
        if isinstance(remainder, Dim):
            self._keep_remainders(name, rest, remainder, span)
        for hole in sorted(allowed.holes):
            self.require("!=", rest, hole, span)

    def _keep_remainders(self, name: str, rest: Size, remainder: Dim, span: Span) -> None:
        """Narrow the one symbol of `remainder`, constant on its classes, to what `name` may leave over."""
        allowed, others = self.domain[name], self.names(remainder)
        if len(others) > 1:
            raise Reject(RequireForm(f"{name} == {self.text(rest)}", (name, *others)))
        symbol = dims.sym(others[0])
        with self._limits(remainder):
            mod = period(remainder, symbol)
            if mod > MAX_CLASSES:
                raise TooManyResidues(mod)
            values = columns(remainder, {symbol: list(range(mod))}, mod)
            kept = domain(mod=mod, residues=(r for r, x in enumerate(values) if x in allowed.residues))
        self._narrow(Guard(others[0], kept, dims.symbol(name), rest, "==", span, "require"))

    def _would_fit(self, size: Dim, name: str) -> str:
        """The sizes of one symbol at which a size has its default value; empty if there is no other."""
        others: dict[Atom, Size] = {s: self.default[s.name] for s in size.symbols if s.name != name}
        rest = substitute(size, others) - self.value(size)
        if isinstance(rest, int):
            return ""
        try:
            holds, _ = split(rest, "==", self.domain[name])
            fits = NOTHING if holds.sizes is None else holds.sizes & self.domain[name]
        except (NotMonotone, TooManyResidues):
            return ""
        if fits.empty:
            return ""
        return "" if fits.single is not None else fits.range_text(name)
