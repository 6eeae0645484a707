"""Fixes for channels that do not divide: groups, shuffles, and groups or heads that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from math import gcd

from dslc.bind.mistakes import MissingArgument
from dslc.elaborate.mistakes.flow import WrongPort
from dslc.ir.made import maker
from dslc.mending.ground import Candidate, Ground, inside, short, walk
from dslc.mending.rules import mends
from dslc.ops.errors import BadGroups
from dslc.ops.errors_tensor import CannotSplit
from dslc.source import Span
from dslc.syntax import tree

USUAL = (32, 16, 8, 4, 2)
"""Numbers of groups of a norm, the most usual first (Wu and He 2018 take 32)."""
HEADS = (8, 4, 16, 12, 6, 2)
"""Numbers of heads, the most usual first."""
NO_WIDTHS = ("s", "k", "p", "d", "g", "groups", "stride", "cardinality")
"""Parameters that are no number of channels."""
SPOTS = 4
"""Places of a number that are tried."""


@mends(BadGroups)
def groups_of_norms(g: Ground) -> Iterator[Candidate]:
    """`gn(32)` of 48 channels: the most usual number below that divides, in every such norm of the file."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, BadGroups) or mistake.op != "gn":
        return
    calls = [node for item in g.outline.items for node in walk(item) if isinstance(node, tree.Call)]
    named = [c for c in calls if isinstance(c.target, tree.Name) and c.target.name == "gn" and c.arguments]
    numbers = [c.arguments[0].value for c in named]
    spots = [n.span for n in numbers if isinstance(n, tree.Number) and n.value == mistake.groups]
    lines = sorted({str(span.line) for span in spots}, key=int)
    where = "" if len(lines) < 2 else f" in lines {', '.join(lines[:-1])} and {lines[-1]}"
    for groups in USUAL if g.span in spots else ():
        if groups < mistake.groups and mistake.channels % groups == 0:
            said = f"{groups} groups divide {mistake.channels} channels: `gn({groups})`{where}"
            yield Candidate(said, tuple(g.put(span, str(groups)) for span in spots), group="norms")


@mends(BadGroups)
def width_of_the_use(g: Ground) -> Iterator[Candidate]:
    """`unit(144)` of a block with 32 groups: the nearest widths that divide, where the width is written."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, BadGroups) or g.diagnostic.trail is None:
        return  # beside a written number of channels it is the groups that are likely meant, which the message says
    for number in islice(_numbers_on_the_way(g, mistake.channels), SPOTS):
        assert isinstance(number.value, int)
        share = Fraction(mistake.channels, number.value)
        step = share.denominator * (mistake.groups // gcd(mistake.groups, share.numerator))
        below = number.value // step * step
        for width in (below, below + step):
            if width > 0:
                made = f"{width * share} divides into {mistake.groups} groups"
                said = f"{made}: `{g.shown(number.span, str(width))}`"
                yield Candidate(said, (g.put(number.span, str(width)),))


def _numbers_on_the_way(g: Ground, channels: int) -> Iterator[tree.Number]:
    """Whole numbers that channels may come from: of the uses that led to the mistake, else that very number."""
    seen: set[Span] = set()
    for frame in g.diagnostic.trail or ():
        call = g.expr(frame.call)
        call = call.value if isinstance(call, tree.As) else call
        for argument in call.arguments if isinstance(call, tree.Call) and call.suite is None else ():
            number = argument.value
            if isinstance(number, tree.Number) and argument.name not in NO_WIDTHS and _part_of(number, channels):
                seen.add(number.span)
                yield number
    for item in g.outline.items:
        for node in walk(item):
            written = isinstance(node, tree.Number) and not isinstance(g.outline.parents.get(node), tree.DimSpec)
            if isinstance(node, tree.Number) and written and node.value == channels and node.span not in seen:
                yield node


def _part_of(number: tree.Number, channels: int) -> bool:
    value = number.value
    return isinstance(value, int) and value > 1 and (channels % value == 0 or value % channels == 0)


@mends(CannotSplit)
def channels_of_a_shuffle(g: Ground) -> Iterator[Candidate]:
    """`conv(3 * up, 3) -> pixel_shuffle(up)`: a patch has `up**2` places, each of which takes a channel."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, CannotSplit) or mistake.op != "pixel_shuffle" or call is None or len(g.inputs) != 1:
        return
    made = maker(g.inputs[0], 1)
    place = made.place if made is not None else None
    if place is None or not g.own(place) or not call.arguments:
        return
    factor, wanted = call.arguments[0].value, _stated_channels(g)
    before = g.source.text[place.start : place.end]
    if wanted is not None:
        text = _square(wanted, factor, mistake.parts)
        said = f"`{wanted.span.text}` channels after it take {mistake.parts} times as many before"
        yield Candidate(f"{said}: `{g.shown(place, text)}`", (g.put(place, text),), sole=True)
    if isinstance(factor, tree.Name) and f"* {factor.name}" in before and f"{factor.name}**" not in before:
        text = before.replace(f"* {factor.name}", f"* {factor.name}**2")
        yield Candidate(f"a patch has `{factor.name}**2` places: `{g.shown(place, text)}`", (g.put(place, text),))
    below = mistake.size // mistake.parts * mistake.parts
    for channels in (below + mistake.parts, below):
        if channels:
            said = f"{channels} channels, a multiple of {mistake.parts}: `{g.shown(place, str(channels))}`"
            yield Candidate(said, (g.put(place, str(channels)),))


@mends(CannotSplit)
def product_of_a_sum(g: Ground) -> Iterator[Candidate]:
    """`anchors * classes + 5` channels in `anchors` parts: `anchors * (classes + 5)`."""
    made = maker(g.inputs[0], 1) if len(g.inputs) == 1 else None
    place = made.place if made is not None else None
    total = g.expr(place)
    if not isinstance(total, tree.Binary) or total.op not in ("+", "-") or not isinstance(total.left, tree.Binary):
        return
    if total.left.op == "*" and place is not None:
        factors = total.left
        text = f"{factors.left.span.text} * ({factors.right.span.text} {total.op} {total.right.span.text})"
        said = (
            f"`{factors.left.span.text}` parts of `{factors.right.span.text} {total.op} {total.right.span.text}` each"
        )
        yield Candidate(f"{said}: `{g.shown(place, text)}`", (g.put(place, text),), sole=True)


@mends(WrongPort)
def channels_after_a_shuffle(g: Ground) -> Iterator[Candidate]:
    """`conv(3 * up, 3) -> pixel_shuffle(up)` whose header promises 3 channels: 3 times `up**2` before it."""
    mistake = g.diagnostic.mistake
    node = inside(g.inputs[0]) if len(g.inputs) == 1 else None
    call = g.use(node.span) if node is not None else None
    if not isinstance(mistake, WrongPort) or mistake.axis != 1 or not isinstance(call, tree.Call) or not call.arguments:
        return
    wanted = g.outline.find(mistake.spec) if mistake.spec is not None and g.own(mistake.spec) else None
    made = maker(node.inputs[0], 1) if node is not None and node.op.name == "pixel_shuffle" else None
    place = made.place if made is not None else None
    factor = call.arguments[0].value
    if place is None or not g.own(place) or wanted is None:
        return
    parts = factor.value**2 if isinstance(factor, tree.Number) and isinstance(factor.value, int) else 0
    text = _square(wanted, factor, parts)
    said = f"`{wanted.span.text}` channels after the shuffle take the square of `{factor.span.text}` times as many"
    yield Candidate(f"{said}: `{g.shown(place, text)}`", (g.put(place, text),), sole=True)


@mends(BadGroups)
def channels_a_group(g: Ground) -> Iterator[Candidate]:
    """`conv(48, 3, g=32)` of 32 channels: as many out, or a multiple of them, for each group."""
    mistake, site = g.diagnostic.mistake, g.use(g.diagnostic.site)
    if not isinstance(mistake, BadGroups) or not isinstance(site, tree.Call) or not g.inputs:
        return
    out = next(iter(g.positional(site)), None)
    if g.types[0].dims[1] != mistake.groups or out is None:
        return
    word, given = g.word(g.inputs[0], 1), g.named(site, "g")
    if word is not None and not word.isdigit() and given is not None and word == given.value.span.text:
        said = f"one group for each channel that comes in, and as many out: `{g.shown(out.value.span, word)}`"
        yield Candidate(said, (g.put(out.value.span, word),), sole=True)
    if not isinstance(out.value, tree.Number):
        return
    below = mistake.channels // mistake.groups * mistake.groups
    for channels in (below + mistake.groups, below):
        if channels:
            each = channels // mistake.groups
            said = f"{each} channel{'s' if each > 1 else ''} for each of the {mistake.groups} that come in"
            yield Candidate(
                f"{said}: `{g.shown(out.value.span, str(channels))}`", (g.put(out.value.span, str(channels)),)
            )


def _stated_channels(g: Ground) -> tree.Expr | None:
    """The channels that the header states, where the step at the caret makes the result."""
    block, step = g.block, g.step
    last = block.suite.body[-1] if block is not None and block.suite.body else None
    if block is None or step is None or not isinstance(last, tree.Step) or last.span.end != step.span.end:
        return None
    dims = next((r.spec.dims for r in block.results or () if r.name is None and r.spec is not None), None)
    return dims[1].value if dims is not None and len(dims) == 4 else None


def _square(wanted: tree.Expr, factor: tree.Expr, parts: int) -> str:
    """As many channels as make `wanted` after a shuffle, in the words of the text."""
    if isinstance(factor, tree.Number):
        whole = isinstance(wanted, tree.Number) and isinstance(wanted.value, int)
        return str(int(wanted.value) * parts) if isinstance(wanted, tree.Number) and whole else _times(wanted, parts)
    text = factor.span.text if isinstance(factor, tree.Name) else f"({factor.span.text})"
    return _times(wanted, f"{text}**2")


def _times(wanted: tree.Expr, count: object) -> str:
    plain = isinstance(wanted, tree.Name | tree.Number)
    return f"{wanted.span.text if plain else f'({wanted.span.text})'} * {count}"


@mends(MissingArgument)
def usual_groups(g: Ground) -> Iterator[Candidate]:
    """`gn` without its groups, or attention without its heads: as many as others in this file have, or as is usual."""
    mistake, node = g.diagnostic.mistake, g.node
    if not isinstance(mistake, MissingArgument) or len(mistake.missing) != 1 or node is None:
        return
    asked = mistake.missing[0]
    usual = {"groups": USUAL, "heads": HEADS}.get(asked)
    if usual is None:
        return
    name = node.target.span.text if isinstance(node, tree.Call) else node.span.text
    for text in dict.fromkeys([*_of_others(g, name, asked), *map(str, usual)]):
        if isinstance(node, tree.Call):
            word = text if not node.arguments else f"{asked}={text}"
            shown, edit = g.with_argument(node, word), g.argument(node, word)
        else:
            shown, edit = f"{name}({text})", g.after(node.span, f"({text})")
        yield Candidate(f"{text} {asked} divide the channels here: `{short(shown)}`", (edit,), group=asked)


def _of_others(g: Ground, name: str, asked: str) -> Iterator[str]:
    """What other calls of a layer in this file are given, in their order."""
    for item in g.outline.items:
        for call in g.calls(item):
            if call.target.span.text == name and call.span != g.span:
                given = g.named(call, asked) or next(iter(g.positional(call)), None)
                if given is not None and isinstance(given.value, tree.Number):
                    yield given.value.span.text
