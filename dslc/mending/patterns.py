"""Fixes for the patterns of `rearrange`, `reduce` and `repeat`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import isqrt
from typing import Final

from dslc.ir.made import way
from dslc.mending.ground import Candidate, Ground, net_dims, short
from dslc.mending.rules import mends
from dslc.ops.base import Types
from dslc.ops.errors_pattern import PatternAxes, PatternMismatch, PatternRank, PatternSize, PatternText
from dslc.syntax import tree

GROUP: Final = re.compile(r"\([^()]*\)|[^\s()]+")
"""One axis of a tensor in a pattern: a name, a bracket, `1`, `...`."""
SPARE: Final = "hwtdsjklmpqruv"
"""Letters for an axis that the pattern has no name for."""


class Written:
    """A pattern as it is written in a call: its two sides, and the text of another in its place."""

    def __init__(self, g: Ground, call: tree.Call, text: tree.Text) -> None:
        self.g, self.call, self.text = g, call, text
        left, arrow, right = text.span.text[1:-1].partition("->")
        self.fits = bool(arrow)
        self.left, self.right = GROUP.findall(left), GROUP.findall(right)

    @property
    def names(self) -> list[str]:
        return _names(" ".join([*self.left, *self.right]))

    def spare(self, letters: str = SPARE) -> str:
        """A letter that the pattern has not."""
        names = self.names
        return next((letter for letter in letters if letter not in names), "axis")

    def other(self, said: str, left: Sequence[str], right: Sequence[str], group: str = "") -> Candidate:
        """The pattern with other sides."""
        shown = f'"{" ".join(left)} -> {" ".join(right)}"'
        whole = self.g.shown(self.text.span, shown)
        return Candidate(f"{said}: `{short(whole)}`", (self.g.put(self.text.span, shown),), group=group)


def _written(g: Ground) -> Written | None:
    """The pattern of the call at the caret, if it is a plain text of the user's."""
    call = g.call
    text = next((a.value for a in call.arguments if a.name in (None, "pattern")), None) if call is not None else None
    plain = isinstance(text, tree.Text) and len(text.pieces) == 1 and text.span.text[:1] == '"'
    if call is None or not isinstance(text, tree.Text) or not plain:
        return None
    found = Written(g, call, text)
    return found if found.fits else None


# ---- sizes


@mends(PatternMismatch)
def reduced_to_one(g: Ground) -> Iterator[Candidate]:
    """`1` for an axis that still has places: the pool before it takes them all, or they go into the features."""
    mistake, written = g.diagnostic.mistake, _written(g)
    if not isinstance(mistake, PatternMismatch) or mistake.axis != "1" or written is None or len(g.inputs) != 1:
        return
    axis, type = mistake.number, g.types[0]
    if mistake.size.isdigit():
        yield from _larger_pools(g, axis, int(mistake.size))
    if len(written.left) != type.rank or written.call.target.span.text != "rearrange":
        return
    letter = written.spare()
    left = [letter if at == axis else name for at, name in enumerate(written.left)]
    channel = type.channel if type.channel is not None else -1
    joined = written.left[channel]
    if channel >= 0 and channel != axis and joined in written.right:
        together = [f"({joined} {letter})" if name == joined else name for name in written.right]
        what = "channels" if type.rank > 3 else "features"
        yield written.other(f"all {mistake.size} places side by side in the {what}", left, together)
    mean = f'reduce("{" ".join(left)} -> {" ".join(written.right)}", "mean")'
    yield Candidate(f"the mean of the {mistake.size} places: `{mean}`", (g.put(written.call.span, mean),))


def _larger_pools(g: Ground, axis: int, times: int) -> Iterator[Candidate]:
    """A pool, or a layer with a stride, on the axis' way: one that leaves a single place, the last first."""
    for step in reversed(way(g.inputs[0], axis)):
        call = g.use(step.node.span) if step.node is not None else None
        if not isinstance(call, tree.Call) or step.node is None or not step.node.op.name.endswith("pool"):
            continue
        kernel = next((a.value for a in call.arguments if a.name in (None, "k")), None)
        sides = _sides(kernel, g.types)
        if kernel is None or not sides or g.named(call, "s") or axis - 2 >= len(sides):
            continue
        sides[axis - 2] *= times
        text = f"({', '.join(map(str, sides))})"
        line = f" in line {call.span.line}" if call.span.line != g.span.line else ""
        said = f"{sides[axis - 2]} on axis {axis} leave one place: `{g.shown(kernel.span, text)}`{line}"
        yield Candidate(said, (g.put(kernel.span, text),), group="pool")


def _sides(kernel: tree.Expr | None, types: Types) -> list[int]:
    """A kernel in numbers, one for each axis of places; none where it is written otherwise."""
    items: list[tree.Expr] = [kernel] * (types[0].rank - 2) if isinstance(kernel, tree.Number) else []
    if isinstance(kernel, tree.Tuple):
        items = list(kernel.items)
    numbers = [item.value for item in items if isinstance(item, tree.Number)]
    return [n for n in numbers if isinstance(n, int)] if len(numbers) == len(items) else []


@mends(PatternMismatch)
def size_left_to_be_found(g: Ground) -> Iterator[Candidate]:
    """`(h d)` with both `h` and `d` given: of a bracket one may be left to be found."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, PatternMismatch) or call is None:
        return
    names = re.findall(r"[A-Za-z_]\w*", mistake.axis)
    given = [a for a in call.arguments if a.name in names]
    for argument in reversed(given):
        rest = [a.span.text for a in call.arguments if a is not argument]
        shown = f"{call.target.span.text}({', '.join(rest)})"
        said = f"`{argument.name}` is what the others leave, so that it need not be given: `{short(shown)}`"
        yield Candidate(said, (g.without_argument(call, argument),), group="left" if len(names) > 1 else "")


@mends(PatternSize)
def size_of_a_letter(g: Ground) -> Iterator[Candidate]:
    """`(h d)` without a size: one of the numbers that divide the axis, as a parameter of the block has it, or rows and
    columns of a square.
    """
    mistake, written, block = g.diagnostic.mistake, _written(g), g.block
    if not isinstance(mistake, PatternSize) or written is None or mistake.surplus or len(g.inputs) != 1:
        return
    held = next((n for n, group in enumerate(written.left) if mistake.axes[0] in _names(group)), None)
    total = g.types[0].dims[held] if held is not None and held < g.types[0].rank else None
    parameters = [p.name for p in block.parameters or ()] if block is not None else []
    likely = ("heads", "head", "groups", "parts", "n_heads", "num_heads", "factor", "r", "p", "patch", "size")
    words = [*(a for a in mistake.axes if a in parameters), *(name for name in likely if name in parameters)]
    for letter, (_, dim) in ((letter, each) for letter in mistake.axes for each in net_dims(g)):
        name = dim.value.span.text if dim.value is not None else ""
        if dim.default is not None and name.lower() == letter.lower():
            yield _given(g, written, letter, name, "as the header calls it")
    for word in words:
        yield _given(g, written, mistake.axes[0], word, "as the block's parameter says")
    if isinstance(total, int) and len(mistake.axes) == 2:
        side = isqrt(total)
        if side * side == total and set(mistake.axes) & {"h", "w"}:
            yield _given(g, written, mistake.axes[0], str(side), f"{total} are {side} rows of {side}")
        for count in (8, 4, 6, 3, 2):
            if total % count == 0:
                said = f"{total} in {count} parts of {total // count}"
                yield _given(g, written, mistake.axes[0], str(count), said, "number")
    if held is None:
        for name in parameters:
            yield _given(g, written, mistake.axes[0], name, "as the block's parameter says", "parameter")
        yield _given(g, written, mistake.axes[0], "2", "as many copies as you like, such as 2", "number")


def _given(g: Ground, written: Written, name: str, size: str, said: str, group: str = "") -> Candidate:
    shown = short(g.with_argument(written.call, f"{name}={size}"))
    return Candidate(f"{said}: `{shown}`", (g.argument(written.call, f"{name}={size}"),), group=group)


def _names(group: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", group)


@mends(PatternSize)
def size_of_no_letter(g: Ground) -> Iterator[Candidate]:
    """A size for a letter that the pattern has not: it is left out, or is that of a letter without one."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, PatternSize) or not mistake.surplus or call is None or mistake.near is not None:
        return
    argument, written = g.named(call, mistake.axes[0]), _written(g)
    if argument is None or written is None:
        return
    alone = [name for group in written.left if group.startswith("(") for name in _names(group)]
    for name in (n for n in alone if g.named(call, n) is None):
        text = f"{name}={argument.value.span.text}"
        said = f"the size of `{name}`: `{g.shown(argument.span, text)}`"
        yield Candidate(said, (g.put(argument.span, text),), group="letter")
    rest = ", ".join(a.span.text for a in call.arguments if a is not argument)
    said = f"no axis is called `{argument.name}`: `{short(f'{call.target.span.text}({rest})')}`"
    yield Candidate(said, (g.without_argument(call, argument),))


# ---- names


@mends(PatternAxes)
def same_names_on_both_sides(g: Ground) -> Iterator[Candidate]:
    """A letter on one side alone: a slip, joined to another axis, or reduced."""
    mistake, written = g.diagnostic.mistake, _written(g)
    if not isinstance(mistake, PatternAxes) or written is None:
        return
    left, right = ({n for group in side for n in _names(group)} for side in (written.left, written.right))
    dropped = [n for group in written.left for n in _names(group) if n not in right]
    new = [n for group in written.right for n in _names(group) if n not in left]
    if len(dropped) == 1 and len(new) == 1:
        other = [re.sub(rf"\b{new[0]}\b", dropped[0], group) for group in written.right]
        yield written.other(f"`{dropped[0]}` on both sides, not `{new[0]}`", written.left, other)
    elif dropped and not new and written.call.target.span.text == "rearrange":
        yield from _kept(g, written, dropped)
    elif new and not dropped and written.call.target.span.text == "rearrange":
        for name in new[:1]:
            without = [re.sub(rf"\s*\b{name}\b", "", group).replace("( ", "(") for group in written.right]
            kept = [group for group in without if group not in ("", "()")]
            yield written.other(f"no axis of the tensor is called `{name}`; without it", written.left, kept)
        alone = [group for group in written.right if group in new]
        if alone and len(alone) == len(new):
            ones = ["1" if group in new else group for group in written.right]
            yield written.other("an axis of one place is `1`", written.left, ones)


def _kept(g: Ground, written: Written, dropped: list[str]) -> Iterator[Candidate]:
    pattern = f"{' '.join(written.left)} -> {' '.join(written.right)}"
    channel = g.types[0].channel if len(g.inputs) == 1 else None
    for at in range(len(written.right) - 1, 0, -1):
        inner = written.right[at].strip("()")
        joined = [*written.right]
        joined[at] = f"({inner} {' '.join(dropped)})"
        features = channel is not None and channel < len(written.left) and written.left[channel] in written.right[at]
        order = [f"({' '.join(dropped)} {inner})" if at == n else group for n, group in enumerate(written.right)]
        said = f"`{' '.join(dropped)}` joined to `{inner}`"
        yield written.other(said, written.left, joined if features else order, group="joined")
    mean = f'reduce("{pattern}", "mean")'
    gone = ", ".join(f"`{name}`" for name in dropped)
    yield Candidate(f"the mean over {gone}: `{mean}`", (g.put(written.call.span, mean),))


@mends(PatternText)
def readable(g: Ground) -> Iterator[Candidate]:
    """Commas between the names, `=>` for `->`, a bracket that is not closed, other brackets."""
    mistake, call = g.diagnostic.mistake, g.call
    text = next((a.value for a in call.arguments if a.name in (None, "pattern")), None) if call is not None else None
    if not isinstance(mistake, PatternText) or not isinstance(text, tree.Text) or len(text.pieces) != 1:
        return
    whole = text.span.text[1:-1]
    old = re.sub(r"\(?(\w+)((?:\s*\*\s*\w+)+)\)?", lambda m: f"({m[1]}{m[2].replace('*', ' ')})", whole)
    plain = re.sub(r"\s*(=>|-->|→)\s*", " -> ", old)
    plain = re.sub(r"[,;*]", " ", plain.translate(str.maketrans("[]{}", "()()")))
    if "->" not in plain and plain.count(":") == 1:
        plain = plain.replace(":", " -> ")
    for new in (plain, *_closed(plain)):
        new = re.sub(r" +", " ", new).strip()
        if new != whole:
            shown = f'"{new}"'
            said = f"names with spaces between, brackets for those that are one axis: `{g.shown(text.span, shown)}`"
            yield Candidate(said, (g.put(text.span, shown),), group="text")


def _closed(pattern: str) -> Iterator[str]:
    """A pattern with one bracket more: behind each name of the side that lacks it, the second first; or without it."""
    left, arrow, right = pattern.partition("->")
    for side in (left, right):
        opening, closing = side.rfind("("), side.rfind(")")
        if side.count("(") > side.count(")"):
            at = opening if opening > closing else side.find("(")
            ends = [m.end() for m in re.finditer(r"\w+", side) if m.start() > at]
            for end in [*ends[1:2], *ends[2:], *ends[:1]]:
                new = f"{side[:end]}){side[end:]}"
                yield f"{new}{arrow}{right}" if side is left else f"{left}{arrow}{new}"
        elif side.count(")") > side.count("("):
            starts = [m.start() for m in re.finditer(r"\w+", side) if m.start() < closing]
            for start in [*starts[-2:-1], *starts[:-2][::-1]]:
                new = f"{side[:start]}({side[start:]}"
                yield f"{new}{arrow}{right}" if side is left else f"{left}{arrow}{new}"


@mends(PatternRank)
def as_many_names_as_axes(g: Ground) -> Iterator[Candidate]:
    """A pattern with a name too few or too many: the batch is missing, or it is the pattern of another tensor."""
    mistake, written = g.diagnostic.mistake, _written(g)
    if not isinstance(mistake, PatternRank) or written is None or len(g.inputs) != 1:
        return
    type, more = g.types[0], g.types[0].rank - len(written.left)
    left, right = written.left, written.right
    batch = next((letter for letter in ("n", "b") if letter not in written.names), None)
    if more == 1 and batch is not None and left[0] not in ("n", "b") and "n" not in written.names:
        yield written.other("the batch is an axis too", [batch, *left], [batch, *right])
    if more == -1:
        for name in sorted((n for n in left[1:] if n.isidentifier()), key=lambda n: n not in "hwtds"):
            other = [re.sub(rf"\s*\b{name}\b\s*", " ", group) for group in right]
            plain = [re.sub(r"^\(\s*(\w+)\s*\)$", r"\1", group.strip()) for group in other]
            kept = [group for group in plain if group and group != "( )"]
            said = f"{type} has no axis `{name}`"
            yield written.other(said, [n for n in left if n != name], kept, group="gone")
    for candidate in g.outline.without([g.step]) if g.step is not None else ():
        said = f"without it: {type} needs no `{short(written.call.span.text)}`"
        yield Candidate(said, (candidate,), loses=True)
