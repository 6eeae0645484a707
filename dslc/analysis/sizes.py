"""What a network asks of the sizes of its inputs, and which sizes waste work.

A window that slides in steps may leave places at the end that none of its positions reads (a stride-2 pool of an odd
map); a size may also be rounded up, so that more is computed than it has places for (the 3x3 convolution of stride 2
in ResNet gives 113 places for 225 and for 226). How it goes depends on the remainder of the size by the period of all
sizes in the network (types/period.py), so one period is looked at. Other sizes are at their defaults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from math import factorial, lcm
from operator import and_

from dslc.analysis.cost import Terms, costs
from dslc.ir.model import Model, Node
from dslc.ir.walk import Flat, Needed
from dslc.ops.base import Window
from dslc.record import frozen, replace
from dslc.source import Span
from dslc.types.dim import Dim, Size, Sym, sym
from dslc.types.domain import EVERY, Domain, TooManyResidues, domain
from dslc.types.guards import Guard, Pin
from dslc.types.period import MAX_PERIOD, columns, degree_in, period
from dslc.types.sizes import Sizes

MANY_LINES = 64  # beyond it no line is looked for that asks for nothing of its own


@frozen
class Loss:
    """At the default sizes the windows of a use leave `places` of the `size` along one axis unread."""

    path: str
    places: int
    size: int


@frozen
class Demand:
    """A line that narrows a size to `allowed`; `by`: the op or block that stands there, if there is one."""

    by: str
    span: Span
    allowed: Domain


@frozen
class SizeFacts:
    """What is known of one size of an input that has a name and a default.

    `allowed`: the sizes the network is defined for; `demands`: the lines that make it so, without those that ask for
    nothing that the others do not. `pin`: the weights depend on it, so it has its default. `given`: a `require` gives
    it in terms of others, whose facts hold for it.

    `period`: sizes with the same remainder by it are rounded alike. `alike`: the first and the last allowed size in a
    row with the multiply-adds of the default; none where they do not depend on it. `lost`: what windows leave unread
    at the default. `whole`: the allowed sizes at which no window leaves anything. `best`: those of them (of the allowed
    ones, if there are none) with the fewest multiply-adds for each place. Both are none where the period is too long to
    be looked at. `excess`: the share of the default's multiply-adds that a size of `best` would not have, in
    proportion; it is negative where the default loses places that would cost some.
    """

    name: str
    default: int
    allowed: Domain
    demands: tuple[Demand, ...] = ()
    pin: Pin | None = None
    given: Size | None = None
    period: int = 1
    alike: tuple[int, int] | None = None
    lost: tuple[Loss, ...] = ()
    whole: Domain | None = None
    best: Domain | None = None
    excess: Fraction = Fraction(0)


@frozen
class Slide:
    """Windows along one axis: `reach` places each, every `stride` places from `-padding` on; `count` of them."""

    size: Size
    count: Size
    reach: int
    stride: int
    padding: int


def input_sizes(model: Model, flat: Flat, terms: Terms | None = None) -> tuple[SizeFacts, ...]:
    """Facts on each named size with a default, in the order of the inputs; `flat` is the net's `walk.flatten`.

    `terms`: its multiply-adds by size, if they are known already (`cost.costs`); a user's module that does not
    state its own has no part in them. Linear in the number of layers.
    """
    sizes = model.sizes
    macs = reduced(costs(model, flat).terms if terms is None else terms, sizes)
    slides = slides_of(flat, sizes)
    found = [SizeFacts(pin.symbol, pin.value, domain(pin.value, pin.value), pin=pin) for pin in sizes.pins.values()]
    for name in sizes.default:
        if name not in sizes.universal:
            guards = [guard for guard in sizes.guards if guard.symbol == name and guard.relation != "is"]
            found.append(facts_of(name, demanded(guards, sizes.domain[name]), sizes, slides, macs))
    return tuple(found)


def demanded(guards: Sequence[Guard], allowed: Domain) -> tuple[Demand, ...]:
    """What each line asks for, in the order of the lines, as far as it is needed for `allowed`."""
    kept = [Demand(guard.by, guard.span, guard.allowed) for guard in guards]
    if len(kept) > MANY_LINES:
        return tuple(kept)
    try:
        lines: dict[tuple[str, str, int], Demand] = {}
        for one in kept:
            place = one.by, one.span.source.path, one.span.line
            before = lines[place].allowed if place in lines else EVERY
            lines[place] = Demand(one.by, one.span, before & one.allowed)
        kept = list(lines.values())
        for line in reversed(list(kept)):
            others = [other.allowed for other in kept if other is not line]
            if reduce(and_, others, EVERY).within(allowed):
                kept.remove(line)
    except TooManyResidues:
        pass
    return tuple(kept)


def reduced(terms: Terms, sizes: Sizes) -> Terms:
    """The same sum with sizes that are given by others put in."""
    total: Terms = {}
    for product, count in terms.items():
        kept: list[Dim] = []
        for size in map(sizes.reduce, product):
            if isinstance(size, Dim):
                kept.append(size)
            else:
                count *= size
        total[tuple(kept)] = total.get(tuple(kept), 0) + count
    return total


def slides_of(flat: Flat, sizes: Sizes) -> dict[Slide, str]:
    """The different windows over axes whose size depends on the input, each with the first use that has it.

    Sides of 1 in steps of 1 read everything, and TensorFlow's SAME pads so that everything is read.
    """
    found: dict[Slide, str] = {}
    for step in flat.steps:
        node = step.node
        if step.needed is not Needed.ALWAYS or not isinstance(node, Node) or "k" not in node.op.attributes:
            continue
        if getattr(node.op, "p", None) == "same_tf":
            continue
        ins, outs = tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs)
        window = node.op.reach(ins, outs)
        if not isinstance(window, Window):
            continue
        sides = zip(window.kernel, window.stride, window.padding, window.dilation, strict=True)
        for axis, (kernel, stride, padding, dilation) in enumerate(sides, 2):
            size = sizes.reduce(ins[0].dims[axis])
            if isinstance(size, Dim) and stride > 1:
                count = sizes.reduce(outs[0].dims[axis])
                slide = Slide(size, count, dilation * (kernel - 1) + 1, stride, padding)
                found.setdefault(slide, step.path)
    return found


def facts_of(
    name: str, demands: tuple[Demand, ...], sizes: Sizes, slides: Mapping[Slide, str], macs: Terms
) -> SizeFacts:
    """The facts on one size."""
    default, allowed = sizes.default[name], sizes.domain[name]
    if name in sizes.same:
        return SizeFacts(name, default, allowed, demands, given=sizes.same[name])
    symbol = sym(name)
    mine = [slide for slide in slides if depends(slide.size, symbol) or depends(slide.count, symbol)]
    at_work = {size for slide in mine for size in (slide.size, slide.count)} | {s for key in macs for s in key}
    repeats = lcm(*(period(size, symbol) for size in at_work if isinstance(size, Dim) and symbol in size.symbols))
    axis = Axis(symbol, sizes, macs)
    alike = axis.alike(default, allowed, min(repeats, MAX_PERIOD))
    losses = (Loss(slides[s], lost(s, axis, [default])[0], sizes.value(s.size)) for s in mine)
    facts = SizeFacts(name, default, allowed, demands, None, None, repeats, alike, tuple(x for x in losses if x.places))
    return facts if repeats > MAX_PERIOD else best_sizes(facts, axis, mine)


def depends(size: Size, symbol: Sym) -> bool:
    return isinstance(size, Dim) and symbol in size.symbols


@frozen
class Axis:
    """The multiply-adds as a function of one size, the others at their defaults."""

    symbol: Sym
    sizes: Sizes
    macs: Terms

    def values(self, size: Size, at: Sequence[int]) -> list[int]:
        """A size at several values of the symbol."""
        if not isinstance(size, Dim):
            return [size] * len(at)
        known = {s: [self.sizes.default[s.name]] * len(at) for s in size.symbols}
        return columns(size, known | {self.symbol: list(at)}, len(at))

    def costs(self, at: Sequence[int]) -> list[int]:
        """The multiply-adds at several values of the symbol."""
        total = [0] * len(at)
        known: dict[Dim, list[int]] = {}
        for product, count in self.macs.items():
            numbers = [count] * len(at)
            for size in product:
                if size not in known:
                    known[size] = self.values(size, at)
                numbers = [x * y for x, y in zip(numbers, known[size], strict=True)]
            total = [x + y for x, y in zip(total, numbers, strict=True)]
        return total

    @property
    def degree(self) -> int:
        """The degree of the multiply-adds in the symbol, rounding aside."""
        return max((sum(degree_in(size, self.symbol) for size in product) for product in self.macs), default=0)

    def alike(self, default: int, allowed: Domain, within: int) -> tuple[int, int] | None:
        """The first and the last allowed size in a row with the multiply-adds of the default."""
        if not self.degree:
            return None
        near = [size for size in range(max(1, default - within), default + within + 1) if size in allowed]
        same = dict(zip(near, self.costs(near), strict=True))
        first = last = near.index(default)
        while first > 0 and same[near[first - 1]] == same[default]:
            first -= 1
        while last + 1 < len(near) and same[near[last + 1]] == same[default]:
            last += 1
        return near[first], near[last]


def lost(slide: Slide, axis: Axis, at: Sequence[int]) -> list[int]:
    """The places after the last window at several sizes, without those that lie between any two windows."""
    between = max(0, slide.stride - slide.reach)
    found = []
    for size, count in zip(axis.values(slide.size, at), axis.values(slide.count, at), strict=True):
        read = (count - 1) * slide.stride + slide.reach - slide.padding
        found.append(max(0, size - read - between))
    return found


def best_sizes(facts: SizeFacts, axis: Axis, slides: Sequence[Slide]) -> SizeFacts:
    """The facts with what one period of sizes says: which leave nothing unread, which of them cost least for each
    place.
    """
    step, start = facts.period, facts.default - facts.default % facts.period
    at = range(start, start + step)
    unread = [0] * step
    for slide in slides:
        unread = [x + y for x, y in zip(unread, lost(slide, axis, at), strict=True)]
    try:
        whole = facts.allowed & domain(mod=step, residues=(r for r in range(step) if not unread[r]))
        excess, scale = excesses(axis, start, step)
        pool = facts.allowed if whole.empty else whole
        _, common, kept = pool.classes(step)
        open_ = [r for r in range(step) if r % common in kept]
        least = min(excess[r] for r in open_)
        best = pool & domain(mod=step, residues=(r for r in open_ if excess[r] == least))
    except TooManyResidues:
        return facts
    here = axis.costs([facts.default])[0]
    share = Fraction(excess[facts.default - start] - least, scale * here) if here else Fraction(0)
    return replace(facts, whole=whole, best=best, excess=share)


def excesses(axis: Axis, start: int, step: int) -> tuple[list[int], int]:
    """How far the multiply-adds at start .. start + step - 1 lie above the polynomial that they are at multiples of the
    step; and the factor that these numbers are multiplied by, so that they are whole.

    Newton's forward differences: sum over k of d_k * C((H - start) / step, k).
    """
    n = axis.degree
    row = axis.costs([start + k * step for k in range(n + 1)])
    differences = []
    while row:
        differences.append(row[0])
        row = [b - a for a, b in pairwise(row)]
    scale = step**n * factorial(n)
    found = []
    for offset, cost in enumerate(axis.costs(range(start, start + step))):
        line, product = 0, 1
        for k, difference in enumerate(differences):
            line += difference * product * (scale // (step**k * factorial(k)))
            product *= offset - k * step
        found.append(cost * scale - line)
    return found, scale
