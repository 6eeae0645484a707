"""Which tensors of a file may stand for which of a network, by structure: shapes, kinds, repeated blocks, order, names.

Tensors of one layer (a weight and its bias, a norm with its statistics) are a unit. Units of repeated blocks are paired
block by block, where the blocks of both sides have the same units in the same order; then what is left. Within a block
a unit that has its shapes alone is paired; of several with one set of shapes the numbers in names, the order of the
file, the parents' pairs and names decide, or nothing does, and all candidates are given.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dslc.record import frozen, replace
from dslc.weights.maps.alike import alike

Shape = tuple[int, ...]
Signature = frozenset[tuple[str, Shape]]

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
TRIPLES = (
    ("q", "k", "v"),
    ("query", "key", "value"),
    ("q_proj", "k_proj", "v_proj"),
    ("q_lin", "k_lin", "v_lin"),
    ("to_q", "to_k", "to_v"),
    ("wq", "wk", "wv"),
)
"""What projections of queries, keys and values are called where each has its own."""

CLEAR = 0.15
"""By how much names must be more alike than the next, to decide."""


MOST = 10_000
"""Names that are compared with each other: more units of one shape, without numbers, are left."""

CANDIDATES = 4
"""Of a tensor of the network that are given where nothing decides: the likeliest by their names."""


@frozen
class Pair:
    """A tensor of the network with those of the file that it may be made of."""

    target: str
    sources: tuple[str, ...]
    form: str = ""  # `transpose`, `reshape`
    sure: bool = True


@dataclass(eq=False)
class Unit:
    """The tensors of a layer by their roles: name and shape. `parts` are the layers whose tensors are joined in it."""

    name: str
    tensors: dict[str, tuple[str, Shape]]
    parts: tuple[Unit, ...] = ()

    def signature(self, loose: bool) -> Signature:
        """Roles and shapes; axes of one do not count, and in a loose one the order of a matrix's axes does not."""
        found = set()
        for role, (_, shape) in self.tensors.items():
            if role != "num_batches_tracked":
                plain = tuple(side for side in shape if side != 1)
                found.add((role, tuple(sorted(plain)) if loose and len(plain) == 2 and role == "weight" else plain))
        return frozenset(found)


@dataclass
class Matching:
    """What was found: pairs in the order of the network, and what is left on both sides."""

    pairs: list[Pair] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)


def match(found: Mapping[str, Shape], wanted: Mapping[str, Shape]) -> Matching:
    """Pair the tensors of a file with those of a network; each in the order of its side.

    Names that both have are taken where structure leaves something open: one block may have another name, or none.
    """
    best = _structural(found, wanted)
    if len([p for p in best.pairs if p.sure]) == len(wanted) or any(pair.form for pair in best.pairs):
        return best
    same = kept(found, wanted)
    rest = _structural(
        {n: s for n, s in found.items() if n not in same}, {n: s for n, s in wanted.items() if n not in same}
    )
    if not same or sum(pair.sure for pair in best.pairs) >= len(same) + sum(pair.sure for pair in rest.pairs):
        return best
    order = {name: place for place, name in enumerate(wanted)}
    rest.pairs = sorted([*(Pair(n, (n,)) for n in same), *rest.pairs], key=lambda pair: order[pair.target])
    return rest


def kept(found: Mapping[str, Shape], wanted: Mapping[str, Shape]) -> set[str]:
    """Names that both sides have with one shape, but for rows of blocks that each side counts from elsewhere."""
    same = {name for name, shape in wanted.items() if found.get(name) == shape}
    rows = [{re.sub(r"\d+", "#", name) for name in side if name not in same} for side in (found, wanted)]
    return {name for name in same if re.sub(r"\d+", "#", name) not in rows[0] & rows[1]}


def _structural(found: Mapping[str, Shape], wanted: Mapping[str, Shape]) -> Matching:
    tries = [_Matcher(found, wanted, loose).result() for loose in (False, True)]
    best = min(tries, key=lambda tried: len(tried.sources) + len(tried.targets))
    if 2 * sum(pair.sure for pair in best.pairs) < len(wanted):
        best.pairs = [replace(pair, sure=False) for pair in best.pairs]  # another network's, which shares some shapes
    return best


class _Matcher:
    def __init__(self, found: Mapping[str, Shape], wanted: Mapping[str, Shape], loose: bool) -> None:
        self.found, self.wanted, self.loose = found, wanted, loose
        self.ordered = list(found) != sorted(found)  # a file in order of names says nothing of its layers'
        self.theirs, self.own = units(found), units(wanted)
        self._join()
        self.pairs: list[tuple[Unit, Unit, bool]] = []
        self.done: set[Unit] = set()
        self.parents: dict[str, set[str]] = {}  # modules of the file, and those of the network that stand for them
        self.mates: dict[str, set[str]] = {}  # the same from the network

    def result(self) -> Matching:
        while self._blocks():
            pass
        self._within(self.open(self.theirs), self.open(self.own), "", "")
        self._without_roles()
        rows = [row for pair in self.pairs for row in self._tensors(*pair)]
        done = {row.target for row in rows}
        used = {source for row in rows for source in row.sources}
        order = {name: place for place, name in enumerate(self.wanted)}
        rows.sort(key=lambda row: order[row.target])
        return Matching(rows, [n for n in self.found if n not in used], [n for n in self.wanted if n not in done])

    def open(self, units: Sequence[Unit]) -> list[Unit]:
        """Those that are not paired."""
        return [unit for unit in units if unit not in self.done]

    def _join(self) -> None:
        """Put queries, keys and values together where the other side has them so."""
        for side, other in (("theirs", self.own), ("own", self.theirs)):
            mine: list[Unit] = getattr(self, side)
            kinds = Counter(unit.signature(self.loose) for unit in other)
            counts = Counter(unit.signature(self.loose) for unit in mine)
            joined = [
                unit
                for unit in triples(mine)
                if kinds[unit.signature(self.loose)] > counts[unit.signature(self.loose)]
                and kinds[unit.parts[0].signature(self.loose)] < counts[unit.parts[0].signature(self.loose)]
            ]
            gone = {part for unit in joined for part in unit.parts}
            setattr(self, side, [unit for unit in mine if unit not in gone] + joined)

    # ---- blocks

    def _blocks(self) -> bool:
        """Pair the units of the repeated blocks that explain most tensors; whether there were any."""
        best: tuple[int, int, list[tuple[Block, Block]], bool] | None = None
        rows_of_theirs = self._templates(self.open(self.theirs))
        for ours in self._templates(self.open(self.own)):
            for theirs in rows_of_theirs:
                rows, sure = aligned(theirs, ours)
                score = sum(len(unit.tensors) for block, _ in rows for unit in block.units)
                if len(rows) > 1 and score and (best is None or (score, len(rows)) > best[:2]):
                    best = (score, len(rows), rows, sure)
        if best is None:
            return False
        for theirs_block, own_block in best[2]:
            self._within(theirs_block.units, own_block.units, theirs_block.name, own_block.name, best[3])
        return True

    def _templates(self, all_units: Sequence[Unit]) -> list[list[Block]]:
        """Blocks by the text around their numbers, each list in the order of the numbers."""
        found: dict[str, dict[str, list[Unit]]] = {}
        for unit in all_units:
            parts = unit.name.split(".")
            for end in range(1, len(parts)):
                if any(letter.isdigit() for letter in parts[end - 1]):
                    name = ".".join(parts[:end])
                    found.setdefault(re.sub(r"\d+", "#", name), {}).setdefault(name, []).append(unit)
        rows = []
        for blocks in found.values():
            row = [
                Block(name, inside, Counter(unit.signature(self.loose) for unit in inside))
                for name, inside in sorted(blocks.items(), key=lambda item: numbers(item[0]))
            ]
            if len(row) > 1:
                rows.append(row)
        return rows

    # ---- units

    def _within(
        self, theirs: Sequence[Unit], own: Sequence[Unit], before: str, own_before: str, sure: bool = True
    ) -> None:
        """Pair the units of two blocks whose shapes are the same."""
        groups: dict[Signature, tuple[list[Unit], list[Unit]]] = {}
        for side, units_of in enumerate((theirs, own)):
            for unit in units_of:
                groups.setdefault(unit.signature(self.loose), ([], []))[side].append(unit)
        several = []
        for left, right in groups.values():
            if len(left) == len(right) == 1:
                self._pair(left[0], right[0], sure)
            elif left and right:
                several.append((left, right))
        for left, right in several:
            for one, other, known in self._decided(left, right, before, own_before):
                self._pair(one, other, sure and known)

    def _decided(
        self, left: list[Unit], right: list[Unit], before: str, own_before: str
    ) -> list[tuple[Unit, Unit, bool]]:
        """Pairs of units with the same shapes, and whether each is sure."""
        found: list[tuple[Unit, Unit, bool]] = []
        ours, theirs = grouped(right), grouped(left)
        for one in left:  # those whose parents are each other's
            near = [o for name in self.parents.get(parent(one.name), ()) for o in ours.get(name, ())]
            back = (
                [u for name in self.mates.get(parent(near[0].name), ()) for u in theirs.get(name, ())] if near else []
            )
            if len(near) == 1 and len(back) == 1:
                found.append((one, near[0], True))
        known = {unit for one, other, _ in found for unit in (one, other)}
        left, right = ([unit for unit in side if unit not in known] for side in (left, right))
        if not left or not right:
            return found
        if len(left) == len(right) == 1:
            return [*found, (left[0], right[0], True)]
        if len(left) == len(right) and len({re.sub(r"\d+", "#", unit.name) for unit in left}) == 1:
            left = sorted(left, key=lambda unit: numbers(unit.name))
            return [*found, *((one, other, True) for one, other in zip(left, right, strict=True))]
        if len(left) * len(right) > MOST:
            return found
        table = {
            (one, other): alike(one.name[len(before) :], other.name[len(own_before) :])
            for one in left
            for other in right
        }
        by_name = assigned(left, right, table)
        if self.ordered and len(left) == len(right):
            by_order = list(zip(left, right, strict=True))
            agrees = all(table[pair] >= max(table[pair[0], o] for o in right) - CLEAR for pair in by_order)
            if agrees:
                return [*found, *((one, other, True) for one, other in by_order)]
        whole = len(left) == len(right)
        told = [(one, other) for one, other in by_name if whole and clear(one, other, left, right, table)]
        known = {unit for pair in told for unit in pair}
        found += [(*pair, True) for pair in told]
        for other in (unit for unit in right if unit not in known):
            likely = sorted((one for one in left if one not in known), key=lambda one: -table[one, other])
            found += [(one, other, False) for one in likely[:CANDIDATES]]
        return found

    def _pair(self, one: Unit, other: Unit, sure: bool) -> None:
        self.pairs.append((one, other, sure))
        self.done |= {one, other}
        a, b = parent(one.name), parent(other.name)
        while a and b and sure:
            self.parents.setdefault(a, set()).add(b)
            self.mates.setdefault(b, set()).add(a)
            a, b = parent(a), parent(b)

    def _without_roles(self) -> None:
        """Pair single tensors that have their shape alone, whatever their roles: a table may be a layer's weight."""
        sides = []
        for rest in (self.open(self.theirs), self.open(self.own)):
            shapes: dict[Shape, list[Unit]] = {}
            for unit in rest:
                if len(unit.tensors) == 1 and not unit.parts:
                    ((_, shape),) = unit.tensors.values()
                    shapes.setdefault(tuple(side for side in shape if side != 1), []).append(unit)
            sides.append(shapes)
        for shape, left in sides[0].items():
            right = sides[1].get(shape, [])
            if len(left) == len(right) == 1:
                (one,), (other,) = left, right
                role = next(iter(other.tensors))
                self._pair(Unit(one.name, {role: next(iter(one.tensors.values()))}), other, True)
                self.done.add(one)

    # ---- tensors

    def _tensors(self, one: Unit, other: Unit, sure: bool) -> Iterable[Pair]:
        for role, (target, wanted) in other.tensors.items():
            if role not in one.tensors:
                continue
            if other.parts:
                continue  # see below: several of the network's from one
            source, shape = one.tensors[role]
            sources = tuple(part.tensors[role][0] for part in one.parts) or (source,)
            yield from self._formed(target, sources, shape, wanted, sure, role)
        if other.parts:
            for role in other.parts[0].tensors:
                if role in one.tensors:
                    names = ", ".join(part.tensors[role][0] for part in other.parts)
                    for part in other.parts:
                        yield Pair(part.tensors[role][0], one.tensors[role][:1], f"cut {names}", sure)

    def _formed(
        self, target: str, sources: tuple[str, ...], shape: Shape, wanted: Shape, sure: bool, role: str
    ) -> Iterable[Pair]:
        if shape == wanted:
            square = len(shape) == 2 and shape[0] == shape[1] and role == "weight" and self.loose
            yield Pair(target, sources, "", sure and not square)
            if square:
                yield Pair(target, sources, "transpose", False)
        elif shape == wanted[::-1] and len(shape) == 2:
            yield Pair(target, sources, "transpose", sure)
        else:
            yield Pair(target, sources, "reshape", sure)


@dataclass(eq=False)
class Block:
    """The units whose names begin alike."""

    name: str
    units: list[Unit]
    signature: Counter[Signature]

    def __hash__(self) -> int:
        return id(self)


def aligned(theirs: Sequence[Block], own: Sequence[Block]) -> tuple[list[tuple[Block, Block]], bool]:
    """Blocks of the same units, in the same order; and whether there is one way to do so."""
    keys = [[frozenset(block.signature.items()) for block in side] for side in (theirs, own)]
    counts = [Counter(side) for side in keys]
    both = counts[0].keys() & counts[1].keys()
    left = [block for block, key in zip(theirs, keys[0], strict=True) if key in both]
    right = [block for block, key in zip(own, keys[1], strict=True) if key in both]
    lists = [[key for key in side if key in both] for side in keys]
    if lists[0] == lists[1]:
        return list(zip(left, right, strict=True)), True
    rows = []
    at = 0
    for block, key in zip(left, lists[0], strict=True):
        place = next((n for n in range(at, len(right)) if lists[1][n] == key), None)
        if place is not None:
            rows.append((block, right[place]))
            at = place + 1
    return rows, False


def units(shapes: Mapping[str, Shape]) -> list[Unit]:
    """The layers of a set of tensors, in its order."""
    found: dict[tuple[str, str], Unit] = {}
    for name, shape in shapes.items():
        module, _, last = name.rpartition(".")
        role = next((s for s in STATISTICS if last == s), None)
        role = role or ("weight" if last.endswith("weight") else "bias" if last.endswith("bias") else "")
        stem = last.removesuffix(role) if role and role not in STATISTICS else "" if role else last
        whole = f"{module}.{stem}".strip("._") if stem else module
        found.setdefault((module, stem), Unit(whole, {})).tensors[role or "other"] = (name, shape)
    return list(found.values())


def triples(all_units: Sequence[Unit]) -> list[Unit]:
    """Projections of queries, keys and values of one module, as one unit each."""
    by_name = {unit.name: unit for unit in all_units}
    found = []
    for names in TRIPLES:
        for unit in all_units:
            module, _, last = unit.name.rpartition(".")
            if last != names[0]:
                continue
            parts = [by_name.get(f"{module}.{name}") for name in names]
            whole = [part for part in parts if part is not None and part.tensors.keys() == unit.tensors.keys()]
            if len(whole) == len(names) and len({part.signature(False) for part in whole}) == 1:
                tensors = {}
                for role, (name, shape) in unit.tensors.items():
                    tensors[role] = (name, (3 * shape[0], *shape[1:]))
                found.append(Unit(f"{module}.qkv", tensors, tuple(whole)))
    return found


def assigned(
    left: Sequence[Unit], right: Sequence[Unit], table: Mapping[tuple[Unit, Unit], float]
) -> list[tuple[Unit, Unit]]:
    """The most alike first, each unit once."""
    rows = sorted(table, key=lambda pair: -table[pair])
    used: set[Unit] = set()
    found = []
    for one, other in rows:
        if one not in used and other not in used:
            used |= {one, other}
            found.append((one, other))
    return found


def clear(
    one: Unit, other: Unit, left: Sequence[Unit], right: Sequence[Unit], table: Mapping[tuple[Unit, Unit], float]
) -> bool:
    """Whether two names are more alike than either is to any other."""
    rest = [table[one, o] for o in right if o is not other] + [table[u, other] for u in left if u is not one]
    return table[one, other] >= max(rest, default=0.0) + CLEAR


def grouped(some: Iterable[Unit]) -> dict[str, list[Unit]]:
    """Units by the module that they are in."""
    found: dict[str, list[Unit]] = {}
    for unit in some:
        found.setdefault(parent(unit.name), []).append(unit)
    return found


def parent(name: str) -> str:
    return name.rpartition(".")[0]


def numbers(name: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d{1,9}", name)]
