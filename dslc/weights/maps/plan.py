"""What a map makes of the tensors of a file: each tensor of the network with where it comes from, or what is wrong.

Names and shapes are enough for that; no number is read.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dslc.record import frozen
from dslc.weights.folding import folded
from dslc.weights.maps.errors import LosingMap
from dslc.weights.maps.model import Condition, Drop, Form, NameMap, Rule, Section
from dslc.weights.maps.parse import DROP_BELOW
from dslc.weights.maps.pattern import Bound, Counted, Length, Template
from dslc.weights.tensors import TensorSpec

Shape = tuple[int, ...]


@frozen
class Made:
    """A tensor of the network: which tensors of the file it is made of, and how.

    These are laid after one another along `form.axis`; `cut` is the part of that axis that is taken (none: all).
    """

    sources: tuple[str, ...]
    form: Form
    shape: Shape
    cut: tuple[int, int] | None = None


@dataclass
class Plan:
    """All tensors that a map gives, and what is wrong with it. `checks`: the copies that a tensor must be equal to."""

    made: dict[str, Made] = field(default_factory=dict)
    checks: dict[str, list[str]] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    wrong: LosingMap | None = None


def plan(names: NameMap, specs: Mapping[str, TensorSpec], wanted: Mapping[str, Shape]) -> Plan:
    """Apply a map to the tensors of a file; `wanted` are the network's shapes, which `reshape` and cuts need."""
    return _Planner(names, specs, wanted).result()


class _Planner:
    """One application of a map."""

    def __init__(self, names: NameMap, specs: Mapping[str, TensorSpec], wanted: Mapping[str, Shape]) -> None:
        self.names, self.specs, self.wanted = names, specs, wanted
        self.short: dict[str, str] = {}  # each name without its prefix, and as it stands in the file
        self.unfit: list[str] = []
        self.twice: list[str] = []
        for name in specs:
            short = self.shortened(name)
            if short in self.short:
                self.twice.append(f"{short}: {self.short[short]}, {name}")
            self.short.setdefault(short, name)
        self.levels = {
            name[: dot.start()] for name in self.short for dot in re.finditer(r"\.|$", name)
        }  # names and the modules around them
        self.ranks: dict[tuple[str, tuple[str, ...]], dict[tuple[int, ...], int]] = {}
        self.used: set[str] = set()
        self.plan = Plan()

    def shortened(self, name: str) -> str:
        return next((name.removeprefix(p) for p in self.names.prefixes if name.startswith(p)), name)

    def result(self) -> Plan:
        idle = [said(rule) for rule in self.names.rules if not self.apply(rule)]
        self.tie()
        for name in self.short:
            if name not in self.used and any(self.matched(drop.pattern, name, drop) for drop in self.names.drops):
                self.used.add(name)
                self.plan.dropped.append(self.short[name])
        lost = {full: self.specs[full].shape for name, full in self.short.items() if name not in self.used}
        if lost or self.twice or idle or self.unfit:
            rows = [f"{text} {list(shape)}{times(members)}" for text, members, shape in folded(lost)]
            wrong = (tuple(self.twice), tuple(idle), tuple(self.unfit))
            self.plan.wrong = LosingMap(self.names.name, tuple(rows), len(lost), *wrong)
        return self.plan

    # ---- names

    def apply(self, rule: Rule) -> bool:
        """All that a rule gives; whether it may stay: it matched something, or need not."""
        first = rule.sources[0]
        numbers = {name for target in rule.targets for name in target.reckoned}
        regex, found = first.regex(numbers), False
        for name in [*self.short] if first.names else [first.text] if first.text in self.short else []:
            match = regex.fullmatch(name)
            if match is not None and self.holds(rule.section, match.groupdict()):
                found = True
                self.one(rule, name, match.groupdict())
        return found or not rule.must or bool(rule.section.conditions)

    def holds(self, section: Section, bound: Bound) -> bool:
        return all((self.filled(c, bound) in self.levels) is c.wanted for c in section.conditions)

    def filled(self, condition: Condition, bound: Bound) -> str:
        return condition.name.filled(bound, self.no_count)

    @staticmethod
    def no_count(counted: Counted | Length) -> int:
        raise ValueError("a pattern has no sums")

    def matched(self, template: Template, name: str, drop: Drop) -> bool:
        below = template.text.endswith(DROP_BELOW)
        regex = template.regex(set())
        match = re.compile(regex.pattern + r"\..+").fullmatch(name) if below else regex.fullmatch(name)
        return match is not None and self.holds(drop.section, match.groupdict())

    def one(self, rule: Rule, name: str, bound: Bound) -> None:
        """One match of a rule."""
        sources = [name, *(other.filled(bound, self.no_count) for other in rule.sources[1:])]
        gone = [source for source in sources if source not in self.short]
        if gone:
            self.unfit.append(f"{said(rule)}: there is no {gone[0]}")
            return
        self.used.update(sources)

        def count(counted: Counted | Length) -> int:
            if isinstance(counted, Length):
                return self.children(counted.module)
            return self.rank(rule, counted)[tuple(int(bound[n]) for n in counted.names)]

        targets = [target.filled(bound, count) for target in rule.targets]
        full = [self.short[source] for source in sources]
        for target, made in zip(targets, self.made(full, targets, rule.form), strict=True):
            if target in self.plan.made:
                before = self.plan.made[target]
                self.twice.append(f"{target}: {', '.join(dict.fromkeys((*before.sources, *full)))}")
            elif made is not None:
                self.plan.made[target] = made

    def rank(self, rule: Rule, counted: Counted) -> dict[tuple[int, ...], int]:
        """The place of each tuple of numbers among those of the file, in the pattern up to the last of them."""
        first = rule.sources[0]
        key = (first.text, counted.names)
        if key not in self.ranks:
            last = max(n for n, p in enumerate(first.pieces) if getattr(p, "name", None) in counted.names)
            start = Template("", first.pieces[: last + 1]).regex(set(counted.names)).pattern
            found = (re.match(rf"{start}(?!\d)", name) for name in self.short)
            tuples = {tuple(int(match[n]) for n in counted.names) for match in found if match is not None}
            self.ranks[key] = {numbers: place for place, numbers in enumerate(sorted(tuples))}
        return self.ranks[key]

    def children(self, module: str) -> int:
        """How many parts a module of the file has."""
        start = f"{module}."
        return len({name[len(start) :].partition(".")[0] for name in self.levels if name.startswith(start)})

    def tie(self) -> None:
        for tie in self.names.ties:
            copy, of = tie.copy.text, tie.of.text
            if copy in self.short and of in self.short:
                self.used.add(copy)
                for name in [n for n, made in self.plan.made.items() if self.short[of] in made.sources]:
                    self.plan.checks.setdefault(name, []).append(self.short[copy])

    # ---- shapes

    def made(self, sources: list[str], targets: list[str], form: Form) -> list[Made | None]:
        """The tensors that a rule gives; none for those that cannot be, which are noted."""
        specs = [self.specs[source] for source in sources]
        kinds = Counter(spec.dtype.name for spec in specs)
        if len(kinds) > 1:
            return self.cannot(f"{', '.join(sources)}: tensors of {' and '.join(kinds)} are not joined", targets)
        shape = joined([spec.shape for spec in specs], form.axis)
        if shape is None:
            shapes = ", ".join(f"{s} {list(spec.shape)}" for s, spec in zip(sources, specs, strict=True))
            return self.cannot(f"{shapes}: shapes that do not join along axis {form.axis}", targets)
        whole = f"{', '.join(sources)} {list(shape)}"
        turned = moved(shape, form)
        if turned is None:
            words = "a matrix" if form.kind == "transpose" else f"a tensor of {len(form.axes)} axes"
            return self.cannot(f"{whole}: `{form.kind}` is of {words}", targets)
        if len(targets) > 1:
            return self.cuts(whole, sources, targets, form, turned)
        target = targets[0]
        if form.kind == "reshape" and target in self.wanted:
            reshaped = like(shape, self.wanted[target])
            if reshaped is None:
                words = f"{target} {list(self.wanted[target])} has another number of elements"
                return self.cannot(f"{whole}: {words}", targets)
            turned = reshaped
        return [Made(tuple(sources), form, turned)]

    def cuts(self, whole: str, sources: list[str], targets: list[str], form: Form, shape: Shape) -> list[Made | None]:
        """The parts of one tensor, as long as the network's own are."""
        unknown = [target for target in targets if len(self.wanted.get(target, ())) <= form.axis]
        if unknown:
            return self.cannot(f"{whole}: the network has no {unknown[0]} that says how long its part is", targets)
        lengths = [self.wanted[target][form.axis] for target in targets]
        if len(shape) <= form.axis or sum(lengths) != shape[form.axis]:
            parts = " + ".join(map(str, lengths))
            return self.cannot(f"{whole}: its parts have {parts} = {sum(lengths)} on axis {form.axis}", targets)
        found: list[Made | None] = []
        for place, length in enumerate(lengths):
            start = sum(lengths[:place])
            own = (*shape[: form.axis], length, *shape[form.axis + 1 :])
            found.append(Made(tuple(sources), form, own, (start, start + length)))
        return found

    def cannot(self, why: str, targets: list[str]) -> list[Made | None]:
        self.unfit.append(why)
        return [None for _ in targets]


def times(members: Sequence[str]) -> str:
    """How many names a text stands for."""
    return f"  x{len(members)}" if len(members) > 1 else ""


def said(rule: Rule) -> str:
    """A rule as a message names it."""
    return f"line {rule.span.line}: {' '.join(rule.span.text.split())}"


def joined(shapes: list[Shape], axis: int) -> Shape | None:
    """The shape of tensors laid after one another along an axis; none where the others differ."""
    first = shapes[0]
    if len(shapes) == 1:
        return first
    if len(first) <= axis or any(s[:axis] + s[axis + 1 :] != first[:axis] + first[axis + 1 :] for s in shapes):
        return None
    return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])


def like(shape: Shape, wanted: Shape) -> Shape | None:
    """A shape as the network has it, of as many elements.

    Where the network's has more or fewer, at least its axes of one, for the network to say what differs; else none.
    """
    if math.prod(shape) == math.prod(wanted):
        return wanted
    plain = [side for side in shape if side != 1]
    if len(plain) != sum(side != 1 for side in wanted):
        return None
    sides = iter(plain)
    return tuple(1 if side == 1 else next(sides) for side in wanted)


def moved(shape: Shape, form: Form) -> Shape | None:
    """The shape once axes are moved."""
    if form.kind == "transpose":
        return shape[::-1] if len(shape) == 2 else None
    if form.kind == "permute":
        return tuple(shape[axis] for axis in form.axes) if len(form.axes) == len(shape) else None
    return shape
