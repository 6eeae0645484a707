"""A proposed map as text for review: rules where they are sure, and lines that begin with `?` where they are not.

Pairs of names that differ in numbers alone become one rule; each rule is tried, and where it would take more than its
pairs, the pairs are written one by one. So a proposal gives just what was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from dslc.weights.maps.match import Matching, Pair, match, numbers
from dslc.weights.maps.pattern import pattern

Shape = tuple[int, ...]
NAMES = "ijklmn"
MOST_FACTOR = 4
"""Of a number on the left in one on the right: stages of two parts, and a few more."""


def proposal(found: Mapping[str, Shape], wanted: Mapping[str, Shape], title: str) -> tuple[str, Matching]:
    """The text of a map from the tensors of a file to those of a network, and what it was made of."""
    matching = match(found, wanted)
    sure = [pair for pair in matching.pairs if pair.sure]
    unsure = [pair for pair in matching.pairs if not pair.sure]
    rest = [*matching.sources, *rivals(unsure)]
    lines = [f"# {title}", f"# {len(sure)} of the network's {len(wanted)} tensors are paired."]
    if unsure or rest:
        lines.append("# Lines that begin with `?` are to be decided: take the `?` off, or delete the line.")
    lines += ["", *rules(sure, found)]
    if unsure:
        lines += ["", "# Not told apart by shapes, order or names:", *(f"? {line}" for line in rules(unsure, found))]
    if rest:
        lines += ["", "# In the file, and perhaps not in the network:"]
        lines += [f"? drop {name}" for name in dropped(rest, found)]
    if matching.targets:
        lines += ["", "# In the network alone:"]
        lines += [f"#   {name} {list(wanted[name])}" for name in matching.targets]
    return "\n".join(lines) + "\n", matching


def rivals(unsure: Sequence[Pair]) -> list[str]:
    """Tensors of the file of which the network has fewer: not all can be decided for."""
    sources: dict[str, set[str]] = {}
    for pair in unsure:
        for source in pair.sources:
            sources.setdefault(source, set()).add(pair.target)
    targets: dict[str, int] = {}
    for wishes in sources.values():
        for target in wishes:
            targets[target] = targets.get(target, 0) + 1
    return [s for s, wishes in sources.items() if all(targets[t] > len(wishes) for t in wishes)]


def rules(pairs: Sequence[Pair], found: Mapping[str, Shape]) -> list[str]:
    """Lines for pairs, in their order; what belongs together stands at the place of its first."""
    groups: dict[tuple[str, tuple[str, ...], str], list[Pair]] = {}
    for pair in pairs:
        key = (shape_of(pair.target), tuple(map(shape_of, pair.sources)), pair.form)
        groups.setdefault(key, []).append(pair)
    lines: dict[str, None] = {}
    for group in groups.values():
        lines |= dict.fromkeys(parted(group, found))
    return [*merged([*lines])]


def parted(group: Sequence[Pair], found: Mapping[str, Shape]) -> list[str]:
    """Rules for pairs whose names differ in numbers alone: one, or more for the values of one of the numbers."""
    rule = general(group, found)
    if rule is not None:
        return [rule]
    rows = [numbers(f"{pair.sources[0]} {pair.target}") for pair in group]
    counts = {place: len(set(values)) for place, values in enumerate(zip(*rows, strict=True))}
    several = {place: count for place, count in counts.items() if 1 < count < len(group)}
    if not several:
        return [plain(pair) for pair in group]
    least = min(several.values())
    tries = []
    for place in (place for place, count in several.items() if count == least):
        parts: dict[int, list[Pair]] = {}
        for row, pair in zip(rows, group, strict=True):
            parts.setdefault(row[place], []).append(pair)
        tries.append([line for part in parts.values() for line in parted(part, found)])
    return min(tries, key=len)


def shape_of(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def plain(pair: Pair) -> str:
    return line(", ".join(pair.sources), pair.target, pair.form)


def line(sources: str, target: str, form: str) -> str:
    if form.startswith("cut "):
        return f"{sources} -> {form.removeprefix('cut ')}"
    return f"{sources} -> {target}" + (f" : {form}" if form else "")


def general(group: Sequence[Pair], found: Mapping[str, Shape]) -> str | None:
    """One rule for pairs whose names differ in numbers alone; none where it would take other tensors too."""
    if len(group) == 1:
        return plain(group[0])
    first = group[0]
    theirs, own = [numbers(pair.sources[0]) for pair in group], [numbers(pair.target) for pair in group]
    changing = [place for place in range(len(theirs[0])) if len({row[place] for row in theirs}) > 1]
    if len(changing) > len(NAMES) or first.form.startswith("cut "):
        return None
    names = {place: NAMES[n] for n, place in enumerate(changing)}
    sums = []
    for place in range(len(own[0])):
        text = reckoned([row[place] for row in own], {names[p]: [row[p] for row in theirs] for p in changing})
        if text is None:
            return None
        sums.append(text)
    sources = [
        filled(name, [f"{{{names[p]}}}" if p in names else None for p in range(len(theirs[0]))])
        for name in first.sources
    ]
    regex = pattern(sources[0], sums=False).regex(set(names.values()))
    if {name for name in found if regex.fullmatch(name)} != {pair.sources[0] for pair in group}:
        values = sorted({row[changing[0]] for row in theirs})
        words = f"{{{names[changing[0]]}:{'|'.join(map(str, values))}}}"
        own_first = sources[0].replace(f"{{{names[changing[0]]}}}", words, 1)
        regex = pattern(own_first, sums=False).regex(set(names.values()))
        if {name for name in found if regex.fullmatch(name)} != {pair.sources[0] for pair in group}:
            return None
        sources[0] = own_first
    return line(", ".join(sources), filled(first.target, sums), first.form)


def reckoned(numbers: Sequence[int], known: Mapping[str, Sequence[int]]) -> str | None:
    """The text for a number of the target: itself where it stays, else `{i}` or `{2 * i + 1}`; none: neither fits."""
    if len(set(numbers)) == 1:
        return str(numbers[0])
    for factor in range(1, MOST_FACTOR + 1):
        for name, values in known.items():
            offsets = {number - factor * value for number, value in zip(numbers, values, strict=True)}
            if len(offsets) == 1:
                (offset,) = offsets
                if factor > 1 and offset < 0:
                    continue  # true of the numbers, and of nothing else
                times = name if factor == 1 else f"{factor} * {name}"
                more = f" + {offset}" if offset > 0 else f" - {-offset}" if offset else ""
                return f"{{{times}{more}}}"
    return None


def filled(name: str, texts: Sequence[str | None]) -> str:
    """A name with other texts for its numbers."""
    places = iter(texts)
    return re.sub(r"\d+", lambda number: next(places) or number[0], name)


ENDS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def merged(lines: Iterable[str]) -> Iterable[str]:
    """Rules of the tensors of one layer as one with `{p}`, where they end alike and nothing else is done."""
    found: dict[str, list[str]] = {}
    for text in lines:
        end = next((e for e in ENDS if " : " not in text and all(side.endswith(e) for side in sides(text))), None)
        key = text if end is None else ", ".join(text.replace(end, "\0").split(", "))
        found.setdefault(key, []).append(text)
    for key, same in found.items():
        yield same[0] if len(same) == 1 else key.replace("\0", "{p}")


def sides(text: str) -> list[str]:
    return [name for side in text.split(" -> ") for name in side.split(", ")]


def dropped(names: Sequence[str], found: Mapping[str, Shape]) -> list[str]:
    """Patterns for tensors that stay, folded where only numbers differ and nothing else is taken."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(shape_of(name), []).append(name)
    lines: list[str] = []
    for group in groups.values():
        text = group[0] if len(group) == 1 else None
        if text is None:
            counts = range(len(re.findall(r"\d+", group[0])))
            general_text = (
                filled(group[0], [f"{{{NAMES[n]}}}" for n in counts if n < len(NAMES)])
                if len(counts) <= len(NAMES)
                else None
            )
            if general_text is not None:
                regex = pattern(general_text, sums=False).regex(set(NAMES))
                text = general_text if {n for n in found if regex.fullmatch(n)} == set(group) else None
        lines += [text] if text is not None else group
    return lines
