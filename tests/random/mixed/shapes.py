"""Steps that move, split, join and reduce axes."""

from __future__ import annotations

from dataclasses import replace

from tests.random.mixed.body import MOST, Body, makes
from tests.random.mixed.kinds import Kind, Side
from tests.random.mixed.tokens import size_of

LETTERS = "abcdefgh"


def flat(x: Kind, axes: range, b: Body) -> Side:
    """Axes merged into one size."""
    count = 1
    for axis in axes:
        count *= x.dims[axis].size
    if all(x.dims[a].fixed for a in axes):
        return Side(count)
    open_ones = [x.dims[a] for a in axes if x.dims[a] != Side(1)]
    return open_ones[0] if len(open_ones) == 1 else b.mixed(count)


@makes("flatten")
def flatten(b: Body) -> bool:
    x = b.it
    if x.rank < 3:
        return False
    start = b.number(1, x.rank - 2)
    end = b.number(start + 1, x.rank - 1)
    side = flat(x, range(start, end + 1), b)
    after = x.picked([*range(start), side, *range(end + 1, x.rank)])
    if x.channel is not None and start <= x.channel <= end:
        after = replace(after, channel=start)
    if after.rank == 2:
        after = replace(after, channel=1)
    words = [] if (start, end) == (1, x.rank - 1) else [str(b.pick(start, start - x.rank))]
    if end != x.rank - 1:
        words.append(str(b.pick(end, end - x.rank)) if words else f"end={end}")
    b.step(f"flatten({', '.join(words)})" if words else "flatten", after)
    return True


@makes("transpose", "rearrange", weight=3)
def moved(b: Body) -> bool:
    """Axes in another order."""
    x = b.it
    if x.rank < 2:
        return False
    if b.chance(0.4):
        i, j = sorted(b.choices.sample(range(x.rank), 2))
        order = list(range(x.rank))
        order[i], order[j] = j, i
        if i == 0 and x.dims[0].name == "N" and b.chance(0.8):
            return False
        b.step(f"transpose({b.pick(i, i - x.rank)}, {b.pick(j, j - x.rank)})", x.picked(order))
        return True
    order = [0, *b.choices.shuffled(range(1, x.rank))]
    left = " ".join(LETTERS[: x.rank])
    b.step(f'rearrange("{left} -> {" ".join(LETTERS[a] for a in order)}")', x.picked(order))
    return True


@makes("rearrange", weight=3)
def settled(b: Body) -> bool:
    """The axis of channels brought to where layers want it."""
    x = b.it
    if not x.is_float or x.channel in (None, 1, x.rank - 1) or x.rank < 3:
        return False
    assert x.channel is not None
    others = [a for a in range(x.rank) if a != x.channel]
    order = b.pick([*others, x.channel], [others[0], x.channel, *others[1:]])
    left = " ".join(LETTERS[: x.rank])
    b.step(f'rearrange("{left} -> {" ".join(LETTERS[a] for a in order)}")', x.picked(order))
    return True


@makes("rearrange", weight=3)
def split_or_merged(b: Body) -> bool:
    """An axis split in two, or two merged."""
    x = b.it
    left = [LETTERS[a] for a in range(x.rank)]
    if x.rank >= 3 and b.chance(0.5):
        a = b.number(1, x.rank - 2)
        right = [*left[:a], f"({left[a]} {left[a + 1]})", *left[a + 2 :]]
        side = flat(x, range(a, a + 2), b)
        after = x.picked([*range(a), side, *range(a + 2, x.rank)])
        if x.channel in (a, a + 1) or x.split == (a, a + 1):
            after = replace(after, channel=a)
        elif {a, a + 1} != set(x.split):
            after = replace(after, split=tuple(dict.fromkeys(p - (p > a) for p in x.split)))
        b.step(f'rearrange("{" ".join(left)} -> {" ".join(right)}")', after)
        return True
    found = [(a, n) for a in range(1, x.rank) for n in (2, 3) if x.dims[a].size % n == 0 and not x.dims[a].mixed]
    if not found or x.rank > 4:
        return False
    a, n = b.pick(*found)
    pair = b.pick(["p", left[a]], [left[a], "p"])
    pattern = " ".join([*left[:a], f"({' '.join(pair)})", *left[a + 1 :]])
    sides = {"p": Side(n), left[a]: b.resized(x.dims[a], x.dims[a].size // n)}
    after = replace(x.picked([*range(a), *(sides[p] for p in pair), *range(a + 1, x.rank)]))
    if x.channel == a:
        after = replace(after, split=(a, a + 1))
    elif x.split:
        parts = [q for p in x.split for q in ((a, a + 1) if p == a else (p + (p > a),))]
        after = replace(after, split=tuple(parts))
    b.step(f'rearrange("{pattern} -> {" ".join([*left[:a], *pair, *left[a + 1 :]])}", p={n})', after)
    return True


@makes("reduce", "repeat", weight=2)
def patterns(b: Body) -> bool:
    x = b.it
    left = [LETTERS[a] for a in range(x.rank)]
    a = b.number(1, x.rank - 1) if x.rank > 1 else 0
    if b.chance(0.5) and x.is_float and x.rank > 1:
        how = b.pick("mean", "sum", "max", "min", "prod")
        if how == "prod":
            b.step("sigmoid", x)
        if x.dims[a].size % 2 == 0 and not x.dims[a].mixed and b.chance(0.4):
            pattern = " ".join([*left[:a], f"({left[a]} p)", *left[a + 1 :]])
            after = x.with_side(a, b.resized(x.dims[a], x.dims[a].size // 2))
            b.step(f'reduce("{pattern} -> {" ".join(left)}", "{how}", p=2)', after)
        elif x.rank > 2:
            b.step(f'reduce("{" ".join(left)} -> {" ".join([*left[:a], *left[a + 1:]])}", "{how}")',
                   x.picked([i for i in range(x.rank) if i != a]))  # fmt: skip
        else:
            return how == "prod"
        return True
    if x.elements * 2 > MOST or x.rank > 4:
        return False
    if b.chance(0.5):
        after = x.with_side(a, b.resized(x.dims[a], x.dims[a].size * 2))
        right = [*left[:a], b.pick(f"({left[a]} r)", f"(r {left[a]})"), *left[a + 1 :]]
    else:
        after = x.picked([*range(a), Side(2), *range(a, x.rank)])
        right = [*left[:a], "r", *left[a:]]
    b.step(f'repeat("{" ".join(left)} -> {" ".join(right)}", r=2)', after)
    return True


@makes("mean", "sum", "amax", "amin", weight=3)
def reduced(b: Body) -> bool:
    x = b.it
    if not x.is_float or x.rank < 2:
        return False
    axes = sorted(b.choices.sample(range(1, x.rank), b.number(1, min(2, x.rank - 1))))
    keep = b.chance(0.5)
    if not keep and x.rank - len(axes) < 2:
        return False
    word = str(axes[0]) if len(axes) == 1 else str(tuple(a - b.pick(0, x.rank) for a in axes))
    after = x.picked([Side(1) if a in axes else a for a in range(x.rank) if keep or a not in axes])
    if keep:
        after = replace(after, channel=x.channel if x.channel not in axes else None)
    b.step(f"{b.pick('mean', 'sum', 'amax', 'amin')}(axis={word}{', keep=true' if keep else ''})", after)
    return True


@makes("index", weight=4)
def sliced(b: Body) -> bool:
    """Slices, numbers and new axes."""
    x = b.it
    items: list[str] = [":"]
    source: list[int | Side] = [0]
    for axis in range(1, x.rank):
        size, how = x.dims[axis].size, b.number(0, 7) if not x.dims[axis].mixed else 0
        if how == 1 and x.rank > 2 and len(source) + x.rank - axis > 2:
            items.append(str(b.pick(0, -1, b.number(0, size - 1))))
        elif how == 2 and x.rank < 5 and len(source) + x.rank - axis < 5:
            items += ["none", ":"]
            source += [Side(1), axis]
        elif how in (3, 4):
            start, step = b.number(0, min(2, size - 1)), b.pick(1, 2, 3)
            items.append(f"{start or ''}:{':' + str(step) if step > 1 else ''}")
            source.append(axis if not start and step == 1 else b.resized(x.dims[axis], -(-(size - start) // step)))
        elif how == 5 and size > 1:
            stop = b.pick(-1, b.number(1, size))
            items.append(f":{stop}")
            count = size - 1 if stop == -1 else stop
            # A slice that ends at a number has that size: the open size must reach it.
            source.append(Side(count) if stop > 0 else b.resized(x.dims[axis], count))
        else:
            items.append(":")
            source.append(axis)
    while len(items) > 1 and items[-1] == ":" and b.chance(0.5):
        items.pop()
    if x.rank > 1 and items == [":"]:
        return False
    after = x.picked(source)
    if x.channel is not None and x.channel not in source and any(isinstance(s, Side) for s in source):
        after = replace(after, channel=kept_axis(x.channel, items))
    if x.split:
        left = tuple(place for part in x.split if (place := kept_axis(part, items)) is not None)
        chosen = len(left) == 1 and len(left) < len(x.split)
        after = replace(after, channel=left[0]) if chosen else replace(after, split=left)
    b.line(f"it[{', '.join(items)}]", after)
    return True


def kept_axis(channel: int, items: list[str]) -> int | None:
    """Where an axis of channels is after slices: a slice of them still holds channels."""
    axis, place = 0, 0
    for item in items:
        if item == "none":
            place += 1
            continue
        number = item.lstrip("-").isdigit()
        if axis == channel:
            return None if number else place
        axis, place = axis + 1, place + (0 if number else 1)
    return place + channel - axis


@makes("index", "gather", naming=True, weight=2)
def looked_up(b: Body) -> bool:
    """Rows of a parameter or of a value, by whole numbers."""
    x = b.it
    if not x.small or x.rank > 3 or x.elements * 4 > MOST:
        return False
    t = b.new("t")
    b.write(f"param {t}: [{b.pick(5, 7)}, 4] = normal(0.5)")
    b.line(f"{t}[it]", Kind((*x.dims, Side(4)), "float", None))
    return True


@makes("unbind", "split", "chunk", naming=True, weight=3)
def parts(b: Body) -> bool:
    """A tensor in parts, joined again or kept."""
    x = b.it
    axes = [a for a in range(1, x.rank) if x.dims[a].fixed and 1 < x.dims[a].size <= 8]
    if not axes or x.rank < 2:
        return False
    axis = b.pick(*axes)
    size = x.dims[axis].size
    how = b.number(0, 2)
    if how == 0 and x.rank > 2 and size <= 4:
        names = [b.new("u") for _ in range(size)]
        each = x.without(axis)
        b.write(f"{', '.join(names)} = unbind({b.pick(axis, axis - x.rank)})")
    elif how == 1 and size % 2 == 0:
        names = [b.new("h"), b.new("h")]
        each = x.with_side(axis, Side(size // 2))
        b.write(f"{', '.join(names)} = chunk(2, axis={axis})")
    else:
        first = b.number(1, size - 1)
        names = [b.new("s"), b.new("s")]
        b.write(f"{', '.join(names)} = split(({first}, {size - first}), axis={axis})")
        for name, count in zip(names, (first, size - first), strict=True):
            b.values[name] = x.with_side(axis, Side(count))
            b.unread[name] = None
        b.line(b.read(names[1]), b.values[names[1]])
        return True
    for name in names:
        b.values[name] = each
        b.unread[name] = None
    b.line(b.read(names[0]), each)
    return True


@makes("cat", "stack", naming=True, weight=4)
def joined(b: Body) -> bool:
    x = b.it
    if x.elements * 2 > MOST:
        return False
    if b.chance(0.3) and x.rank < 5:
        other = b.partner(lambda k: replace(k, small=x.small) == x, lambda: "it")
        if other is None:
            return False
        axis = b.number(1, x.rank)
        after = x.picked([*range(axis), Side(2), *range(axis, x.rank)])
        b.line(f"stack({b.pick(f'it, {other}', f'{other}, it')}, axis={b.pick(axis, axis - x.rank - 1)})", after)
        return True
    if x.rank < 2:
        return False
    axis = b.number(1, x.rank - 1)

    def fits(k: Kind) -> bool:
        known = k.channel in (None, x.channel) and k.split in ((), x.split)
        return known and k.dtype == x.dtype and k.rank == x.rank and all(
            p == q or a == axis for a, (p, q) in enumerate(zip(k.dims, x.dims, strict=True))
        )  # fmt: skip

    other = b.partner(fits, lambda: "it" if x.dtype == "bool" else "it * 2")
    if other is None:
        return False
    y = b.values[other]
    total = x.dims[axis].size + y.dims[axis].size
    fixed = x.dims[axis].fixed and y.dims[axis].fixed
    after = x.with_side(axis, Side(total) if fixed else b.mixed(total))
    after = replace(after, small=x.small and y.small)
    word = "" if x.channel == axis and x.rank > 2 and b.chance(0.5) else f", axis={b.pick(axis, axis - x.rank)}"
    b.line(f"concat({b.pick(f'it, {other}', f'{other}, it')}{word})", after)
    return True


@makes("reshape", "expand", weight=3)
def reshaped(b: Body) -> bool:
    x = b.it
    if x.rank < 2 or x.rank > 4:
        return False
    sizes = [size_of("it", axis, side) for axis, side in enumerate(x.dims)]
    ones = [a for a in range(1, x.rank) if x.dims[a] == Side(1)]
    if ones and b.chance(0.6) and x.elements < MOST // 3:
        axis = b.pick(*ones)
        after = x.with_side(axis, Side(3))
        words = [b.pick("-1", s) for s in sizes]
        words[axis] = "3"
        b.step(f"expand({', '.join(words)})", after)
        return True
    if x.dims[-1].fixed and x.dims[-1].size % 2 == 0 and b.chance(0.5):
        half = x.dims[-1].size // 2
        tail = [str(half), "2"]
        words = [*sizes[:-1], *tail]
        if b.chance(0.4):
            words[b.number(1, len(words) - 1)] = "-1"
        after = replace(
            x,
            dims=(*x.dims[:-1], Side(half), Side(2)),
            channel=None if x.channel == x.rank - 1 else x.channel,
            split=(),
        )
        b.step(f"reshape({', '.join(words)})", after)
        return True
    if x.rank > 2:
        side = flat(x, range(1, x.rank), b)
        b.step(f"reshape({sizes[0]}, -1)", replace(x, dims=(x.dims[0], side), channel=None, split=()))
        return True
    return False


@makes("roll", keeps=True, weight=2)
def roll(b: Body) -> bool:
    x = b.it
    if x.rank < 2:
        return False
    axis = b.number(1, x.rank - 1)
    if any(side.name not in (None, "H", "W", "T") for side in x.dims[1:]):
        return False
    if x.rank > 2 and b.chance(0.3):
        b.step(f"roll(({b.pick(1, -2)}, {b.pick(2, -1)}), axis=({axis}, {axis % (x.rank - 1) + 1}))", x)
    else:
        b.step(
            f"roll({b.pick(1, -1, 2, *((5, -9) if x.dims[axis].fixed else ()))}, axis={b.pick(axis, axis - x.rank)})", x
        )
    return True


@makes("matmul", "einsum", "transpose", naming=True, weight=4)
def products(b: Body) -> bool:
    x = b.it
    if not x.is_float or x.rank < 3 or x.elements > MOST:
        return False
    d = x.dims[-1]
    how = b.number(0, 4)
    other = b.partner(
        lambda k: k.is_float and k.rank == x.rank and k.dims[:-2] == x.dims[:-2] and k.dims[-1] == d, lambda: "it * 0.5"
    )
    if other is None:
        return False
    y = b.values[other]
    square, turned = x.picked([*range(x.rank - 1), y.dims[-2]]), y.picked([*range(y.rank - 2), y.rank - 1, y.rank - 2])
    if how == 0:
        b.line(f"(it @ ({other} -> transpose(-1, -2))) * 0.2", multiplied(square, x, turned))
    elif how == 1 and y.dims[-2] == x.dims[-2]:
        scores = multiplied(square, x, turned)
        w = b.name(f"(it @ ({other} -> transpose(-1, -2))) -> softmax(-1)", scores, "w")
        b.line(f"{b.read(w)} @ {other}", multiplied(x, scores, y))
    elif how == 2 and x.rank == 3:
        b.line(f'einsum("nad,nbd->nab", it, {other}) * 0.2', summed(square, "nad", "nbd", "nab", x, y))
    elif how == 3 and x.rank == 4:
        b.line(f'einsum("n h q d, n h k d -> n q h k", it, {other}) * 0.2',
               summed(square.picked([0, 2, 1, 3]), "nhqd", "nhkd", "nqhk", x, y))  # fmt: skip
    elif d.fixed and y.dims[-2] == x.dims[-2]:
        p, after = b.new("p"), x.with_side(-1, Side(5))
        known = x.channel is not None and y.channel is not None
        alike = x.channel if x.channel == y.channel else None
        after = multiplied(after, replace(x, channel=alike), None) if known else replace(after, channel=None, split=())
        b.write(f"param {p}: [{d.size}, 5] = normal(0.3)")
        b.line(f"(it + ({other} -> mean(-1, keep=true))) @ {p}", after)
    else:
        return False
    return True


def multiplied(after: Kind, a: Kind, b: Kind | None) -> Kind:
    """A product with its channels: the columns of b, unless only a has channels that stay; of parts all or none."""
    last = a.rank - 1
    if b is not None and b.channel == last:
        return replace(after, channel=last)
    if b is not None and b.split and last - 1 not in b.split:
        return replace(after, channel=None, split=b.split)
    if a.channel not in (None, last):
        return replace(after, channel=a.channel)
    if a.split and last not in a.split:
        return replace(after, channel=None, split=a.split)
    if b is not None and (a.split or b.split):
        return replace(after, channel=None, split=())
    return replace(after, channel=last)


def summed(after: Kind, first: str, second: str, result: str, x: Kind, y: Kind) -> Kind:
    """A product by letters with its channels: those of the last tensor that has them all in the result, else the last
    axis, but where some are taken apart.
    """
    for letters, k in ((second, y), (first, x)):
        if k.channel is not None and letters[k.channel] in result:
            return replace(after, channel=result.index(letters[k.channel]))
        if k.split and all(letters[a] in result for a in k.split):
            return replace(after, channel=None, split=tuple(result.index(letters[a]) for a in k.split))
    return replace(after, channel=None, split=()) if x.split or y.split else replace(after, channel=len(result) - 1)
