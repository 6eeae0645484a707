"""Which layers of two networks are the same ones: siblings are aligned in order, then what moved is found.

Siblings: equal ends are cut off; layers that the user named alike stand for each other; between those, the longest
common subsequence by content (Myers, An O(ND) Difference Algorithm and Its Variations, Algorithmica 1, 1986), which
shows an inserted layer as inserted though automatic names below it shift; then by op; what is left in one place on both
sides was replaced. Where going by op alone leaves less that differs, that is taken: a narrower network happens to
have a few layers of the wider one elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from itertools import count
from typing import TypeAlias

from dslc.analysis.layer_tree import Layer

Pair: TypeAlias = tuple[Layer | None, Layer | None]

MAX_DIFFERENCES = 1000
"""Insertions and deletions that the exact search goes through; its time grows with their square."""

MAX_LIKENESS = 400
"""Pairs of parts in one place whose likeness is measured."""

ALIKE = 0.5
"""Share of equal layers from which two parts of different names are the same one, renamed."""


def siblings(a: Sequence[Layer], b: Sequence[Layer], shared: Collection[str] = ()) -> list[Pair]:
    """The layers of two parts side by side, in order; none where one has no counterpart.

    A layer with a name of the user's that is in `shared`, the names that both networks have, stands for no layer of
    another name.
    """
    start, end = ends([layer.same for layer in a], [layer.same for layer in b])
    inner_a, inner_b = a[start : len(a) - end], b[start : len(b) - end]
    found: list[Pair] = list(zip(a[:start], b[:start], strict=True))
    at_a = at_b = 0
    for i, j in [*anchors(inner_a, inner_b), (len(inner_a), len(inner_b))]:
        found += between(inner_a[at_a:i], inner_b[at_b:j], shared)
        if i < len(inner_a):
            found.append((inner_a[i], inner_b[j]))
        at_a, at_b = i + 1, j + 1
    found += zip(a[len(a) - end :], b[len(b) - end :], strict=True)
    return found


def ends(a: Sequence[Hashable], b: Sequence[Hashable]) -> tuple[int, int]:
    """How many keys at the start, and of the rest at the end, are equal."""
    most = min(len(a), len(b))
    start = next((k for k in range(most) if a[k] != b[k]), most)
    end = next((k for k in range(most - start) if a[-1 - k] != b[-1 - k]), most - start)
    return start, end


def anchors(a: Sequence[Layer], b: Sequence[Layer]) -> list[tuple[int, int]]:
    """Places of layers with one name of the user's on both sides, as many as keep their order."""
    there = unique_names(b)
    pairs = [(i, there[name]) for name, i in unique_names(a).items() if name in there]
    return [pairs[k] for k in longest_increasing([j for _, j in pairs])]


def unique_names(layers: Sequence[Layer]) -> dict[str, int]:
    """The places of layers whose names mean something: given by the user, neither a number nor used twice."""
    times = Counter(layer.name for layer in layers)
    return {
        layer.name: k
        for k, layer in enumerate(layers)
        if times[layer.name] == 1 and layer.explicit and not layer.name.isdecimal()
    }


def longest_increasing(values: Sequence[int]) -> list[int]:
    """Indices of a longest increasing subsequence, by patience sorting."""
    tails: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for k, value in enumerate(values):
        at = bisect_left(tops, value)
        before.append(tails[at - 1] if at else -1)
        tails[at : at + 1] = [k]
        tops[at : at + 1] = [value]
    found: list[int] = []
    k = tails[-1] if tails else -1
    while k >= 0:
        found.append(k)
        k = before[k]
    return found[::-1]


def between(a: Sequence[Layer], b: Sequence[Layer], shared: Collection[str]) -> list[Pair]:
    """Layers between two anchors: by content, then by op, then what was replaced; or by op alone."""
    if not a or not b:
        return [*((layer, None) for layer in a), *((None, layer) for layer in b)]

    def content_key(layer: Layer) -> Hashable:
        return layer.content, layer.name if layer.explicit and layer.name in shared else ""

    first = split(a, b, content_key, lambda x, y: split(x, y, op_key, replaced))
    second = split(a, b, op_key, replaced)
    return min(first, second, key=differing)


def differing(pairs: list[Pair]) -> tuple[int, int]:
    """How many layers do not stay as they are, and how many have another name."""
    both = [(a, b) for a, b in pairs if a is not None and b is not None]
    changed = len(pairs) - sum(a.content == b.content for a, b in both)
    return changed, sum(a.name != b.name for a, b in both)


def op_key(layer: Layer) -> Hashable:
    """Equal for layers of one op or definition; a name of the user's must be the same too."""
    return layer.kind, layer.op, layer.name if layer.explicit else ""


Rest: TypeAlias = Callable[[Sequence[Layer], Sequence[Layer]], list[Pair]]


def split(a: Sequence[Layer], b: Sequence[Layer], key: Callable[[Layer], Hashable], rest: Rest) -> list[Pair]:
    """Pair what has equal keys in a longest common subsequence; `rest` pairs what lies between."""
    found: list[Pair] = []
    at_a = at_b = 0
    for i, j in [*common([key(layer) for layer in a], [key(layer) for layer in b]), (len(a), len(b))]:
        if i > at_a or j > at_b:
            found += rest(a[at_a:i], b[at_b:j])
        if i < len(a):
            found.append((a[i], b[j]))
        at_a, at_b = i + 1, j + 1
    return found


def replaced(a: Sequence[Layer], b: Sequence[Layer]) -> list[Pair]:
    """What is left in one place: a name kept; parts that are alike; as many ops on both sides, one for one."""
    taken: dict[Layer, Layer] = {}
    names = {(layer.name, layer.kind): layer for layer in reversed(b)}
    for layer in a:
        other = names.get((layer.name, layer.kind))
        if other is not None and (layer.kind != "op" or layer.owns == other.owns):
            taken[layer] = other
            del names[layer.name, layer.kind]
    pair_alike(a, b, taken)
    used = set(taken.values())
    left_a = [layer for layer in a if layer not in taken and layer.kind == "op"]
    left_b = [layer for layer in b if layer not in used and layer.kind == "op"]
    if [layer.owns for layer in left_a] == [layer.owns for layer in left_b]:
        pairs = zip(left_a, left_b, strict=True)
        taken.update((x, y) for x, y in pairs if not x.explicit and not y.explicit)
    return in_order(a, b, taken)


def pair_alike(a: Sequence[Layer], b: Sequence[Layer], taken: dict[Layer, Layer]) -> None:
    """Pair parts of different names that hold mostly the same, most alike first."""
    used = set(taken.values())
    left_a = [layer for layer in a if layer not in taken and layer.kind == "part"]
    left_b = [layer for layer in b if layer not in used and layer.kind == "part"]
    if not left_a or not left_b or len(left_a) * len(left_b) > MAX_LIKENESS:
        return
    inside = {layer: Counter(x.content for x in layer if not x.children) for layer in (*left_a, *left_b)}
    order = count()
    scores = sorted((-likeness(inside[x], inside[y]), next(order), x, y) for x in left_a for y in left_b)
    for score, _, x, y in scores:
        if -score >= ALIKE and x not in taken and y not in used:
            taken[x] = y
            used.add(y)


def likeness(a: Counter[int], b: Counter[int]) -> float:
    """The share of equal layers: twice those in both over all (Dice)."""
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 0.0


def in_order(a: Sequence[Layer], b: Sequence[Layer], taken: dict[Layer, Layer]) -> list[Pair]:
    """Both sides in one list; pairs that would cross others are given up."""
    place = {layer: j for j, layer in enumerate(b)}
    pairs = [(i, place[taken[layer]]) for i, layer in enumerate(a) if layer in taken]
    found: list[Pair] = []
    at_a = at_b = 0
    for i, j in [*(pairs[k] for k in longest_increasing([j for _, j in pairs])), (len(a), len(b))]:
        found += ((layer, None) for layer in a[at_a:i])
        found += ((None, layer) for layer in b[at_b:j])
        if i < len(a):
            found.append((a[i], b[j]))
        at_a, at_b = i + 1, j + 1
    return found


# ---- longest common subsequences


def common(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of places with equal keys, increasing on both sides.

    A longest such list, by Myers' search over what occurs on both sides at all; beyond MAX_DIFFERENCES a long one.
    """
    start, end = ends(a, b)
    in_a, in_b = set(a), set(b)
    rest_a = [i for i in range(start, len(a) - end) if a[i] in in_b]
    rest_b = [j for j in range(start, len(b) - end) if b[j] in in_a]
    inner = myers([a[i] for i in rest_a], [b[j] for j in rest_b])
    found = [(k, k) for k in range(start)]
    found += [(rest_a[i], rest_b[j]) for i, j in inner]
    found += [(len(a) - k, len(b) - k) for k in range(end, 0, -1)]
    return slid(found, a, b)


def slid(pairs: list[tuple[int, int]], a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The same with what is only on one side as late as it can be: of equal layers the last one was added.

    Automatic names count from the front, so that fewer layers have another name.
    """
    found: list[tuple[int, int]] = []
    last_i = last_j = -1
    for i, j in pairs:
        if b[last_j + 1] == a[i]:
            j = last_j + 1
        if a[last_i + 1] == b[j]:
            i = last_i + 1
        found.append((i, j))
        last_i, last_j = i, j
    return found


def myers(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Myers' greedy search forwards: `reach[k]` is the farthest place in `a` on the diagonal `i - j = k`."""
    if not a or not b:
        return []
    reach = {1: 0}
    trace: list[dict[int, int]] = []
    for d in range(min(len(a) + len(b), MAX_DIFFERENCES) + 1):
        trace.append({k: reach[k] for k in range(-d + 1, d, 2)} if d else dict(reach))
        for k in range(-d, d + 1, 2):
            i = reach[k + 1] if k == -d or (k != d and reach[k - 1] < reach[k + 1]) else reach[k - 1] + 1
            j = i - k
            while i < len(a) and j < len(b) and a[i] == b[j]:
                i, j = i + 1, j + 1
            reach[k] = i
            if i == len(a) and j == len(b):
                return walked_back(trace, len(a), len(b))
    return by_occurrence(a, b)


def walked_back(trace: list[dict[int, int]], i: int, j: int) -> list[tuple[int, int]]:
    """The equal places on the way that the search took."""
    found: list[tuple[int, int]] = []
    for d in range(len(trace) - 1, -1, -1):
        reach, k = trace[d], i - j
        down = k == -d or (k != d and reach[k - 1] < reach[k + 1])
        before = k + 1 if down else k - 1
        i_before = reach[before] if d else 0
        j_before = i_before - before if d else 0
        while i > i_before and j > j_before:
            i, j = i - 1, j - 1
            found.append((i, j))
        i, j = i_before, j_before
    return found[::-1]


def by_occurrence(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The n-th occurrence of a key on one side is the n-th on the other, as far as they keep their order."""
    seen: Counter[Hashable] = Counter()
    there: dict[tuple[Hashable, int], int] = {}
    for j, key in enumerate(b):
        there[key, seen[key]] = j
        seen[key] += 1
    seen.clear()
    pairs = []
    for i, key in enumerate(a):
        j_found = there.get((key, seen[key]))
        seen[key] += 1
        if j_found is not None:
            pairs.append((i, j_found))
    return [pairs[k] for k in longest_increasing([j for _, j in pairs])]
