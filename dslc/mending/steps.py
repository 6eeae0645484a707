"""Fixes for layers that are written as in other libraries where a step stands: in quotes, in a list, after commas."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dslc.bind.mistakes import MissingArgument, SurplusArgument, UnknownArgument, UnknownName, WrongType
from dslc.elaborate.mistakes.flow import NotALayer, NotATensor, StrayValue
from dslc.elaborate.mistakes.lines import SeveralValues
from dslc.elaborate.mistakes.values import NoAttribute
from dslc.mending.ground import Candidate, Ground, short
from dslc.mending.rules import mends
from dslc.ops.errors import NoHalfPadding, TooSmall
from dslc.syntax import tree
from dslc.syntax.mistakes.items import StrayLine
from dslc.syntax.mistakes.text import BadNumber
from dslc.types.errors import BelowLeast
from dslc.values.mistakes import Undefined
from dslc.vocabulary import table


@mends(NotALayer, StrayValue)
def named_by_a_text(g: Ground) -> Iterator[Candidate]:
    """`conv(16, 3) -> "relu"`: a layer is its name, without quotes."""
    expr = g.outline.find(g.span)
    if not isinstance(expr, tree.Text) or len(expr.pieces) != 1 or not isinstance(expr.pieces[0], str):
        return
    word = expr.pieces[0].strip()
    known = word if table.layer(word) is not None else table.activation(word.lower())
    if known:
        yield Candidate(f"a layer is named without quotes: `{known}`", (g.put(expr.span, known),), certain=True)


@mends(StrayValue, SeveralValues, NotALayer)
def one_after_another(g: Ground) -> Iterator[Candidate]:
    """`[conv(16, 3), bn, relu]` and `conv(16, 3), bn, relu`: the steps of a chain stand between arrows."""
    expr = g.outline.find(g.span)
    if not isinstance(expr, tree.List | tree.Tuple) or len(expr.items) < 2:
        return
    items = [item.span.text for item in expr.items]
    if all(isinstance(item, tree.Call | tree.Name | tree.As | tree.Chain) for item in expr.items):
        chain = " -> ".join(items)
        said = f"the next layer follows an arrow: `{short(chain)}`"
        yield Candidate(said, (g.put(expr.span, chain),), certain=True)


@mends(Undefined, NotATensor)
def layer_applied(g: Ground) -> Iterator[Candidate]:
    """`let y = conv(16, 3)` and `y + x`: a layer is no tensor; that of the current value is meant."""
    found = g.outline.find(g.span)
    sides = (found.left, found.right) if isinstance(found, tree.Binary) else (found,)
    for side in sides:
        if isinstance(side, tree.Name):
            shown = f"{side.name}(it)"
            place = found.span if found is not None else side.span
            whole = g.source.text[place.start : side.span.start] + shown + g.source.text[side.span.end : place.end]
            said = f"a layer is applied before its value is used: `{short(whole)}`"
            yield Candidate(said, (g.put(side.span, shown),), group="applied")


@mends(BadNumber)
def number_alone(g: Ground) -> Iterator[Candidate]:
    """`64ch`, `3px` and `1k`: a number has no unit but `K`, `M`, `G` and `T`."""
    parts = re.fullmatch(r"(\d[\d_]*(?:\.\d+)?)([A-Za-z]+)", g.span.text)
    if parts is None:
        return
    if parts[2] in ("k", "m", "g", "t"):
        big = parts[1] + parts[2].upper()
        yield Candidate(f"a thousand and its powers are capital letters: `{big}`", (g.put(g.span, big),), certain=True)
    elif parts[2] not in ("x", "e", "E"):
        said = f"a number stands alone: `{parts[1]}`"
        yield Candidate(said, (g.put(g.span, parts[1]),), certain=True)


_NAMED = re.compile(r"(?P<name>[A-Za-z_]\w*) *= *(?P<value>[^=].*)")
_ENDS = frozenset(("end", "endif", "endfor", "endnet", "endblock", "pass"))


@mends(StrayLine, UnknownName)
def word_of_an_end(g: Ground) -> Iterator[Candidate]:
    """`end` below a suite: it ends where its indentation does."""
    start = g.line_start(g.span.start)
    stop = g.line_end(start)
    if g.source.text[start:stop].split("#")[0].strip() in _ENDS:
        said = "a suite ends where its indentation does: leave the line out"
        yield Candidate(said, (g.edit(start, min(stop + 1, len(g.source.text)), ""),), certain=True)


@mends(StrayLine)
def value_of_the_file(g: Ground) -> Iterator[Candidate]:
    """`width = 16` at the first column: a value is named by `let`."""
    line = _NAMED.fullmatch(g.span.text)
    if line is not None:
        value = {"None": "none", "True": "true", "False": "false"}.get(line["value"], line["value"])
        shown = f"let {line['name']} = {value}"
        yield Candidate(f"a value is named by `let`: `{short(shown)}`", (g.put(g.span, shown),), certain=True)


@mends(UnknownName)
def named_in_front(g: Ground) -> Iterator[Candidate]:
    """`stem: conv(16, 3) -> relu`: the module of a layer is named behind it, by `as`."""
    text, start = g.source.text, g.line_start(g.span.start)
    line = re.match(r"\s*(\w+): +(\S[^#\n]*?) *(?:#.*)?$", text[start : g.line_end(start)])
    if line is None or start + line.start(1) != g.span.start or line[2].endswith(":") or " as " in line[2]:
        return
    place = g.edit(start + line.start(1), start + line.end(2), "")
    single = "->" not in line[2]
    shown = f"{line[2]} as {line[1]}" if single else f"seq as {line[1]}: {line[2]}"
    said = f"the name of a module stands behind `as`: `{short(shown)}`"
    yield Candidate(said, (g.put(place.span, shown),), certain=True)


@mends(SurplusArgument)
def fewer(g: Ground) -> Iterator[Candidate]:
    """`part(16, 3)` of a block that takes one: what is too many is left out."""
    call = g.call
    placed = g.positional(call) if call is not None else []
    at = next((i for i, a in enumerate(placed) if a.span.start <= g.span.start < a.span.end), None)
    if call is None or not at:
        return
    edit = g.edit(placed[at - 1].span.end, placed[-1].span.end, "")
    if all(a.span.end <= placed[-1].span.end for a in call.arguments):
        kept = g.source.text[call.span.start : edit.span.start] + g.source.text[edit.span.end : call.span.end]
        yield Candidate(f"leave it out: `{short(kept)}`", (edit,), loses=True)


@mends(MissingArgument)
def without_self(g: Ground) -> Iterator[Candidate]:
    """`block part(self, c: int):`: a block is no method."""
    call = g.call
    block = next((b for b in g.blocks if call is not None and b.name == call.target.span.text), None)
    if block is None or not block.parameters or block.parameters[0].name != "self":
        return
    first = block.parameters[0]
    end = block.parameters[1].span.start if len(block.parameters) > 1 else first.span.end
    said = f"there is no `self`: leave it out of `{block.name}`"
    yield Candidate(said, (g.edit(first.span.start, end, ""),), sole=True, certain=True)


@mends(WrongType)
def items_alone(g: Ground) -> Iterator[Candidate]:
    """`for w in enumerate(widths)` with one name: the items are meant, not their numbers."""
    call = g.outline.find(g.span)
    if isinstance(call, tree.Call) and call.target.span.text == "enumerate" and len(call.arguments) == 1:
        shown = call.arguments[0].span.text
        said = f"`enumerate` gives the number and the item: the items alone are `{short(shown)}`"
        yield Candidate(said, (g.put(call.span, shown),), certain=True)


@mends(NoAttribute)
def item_by_number(g: Ground) -> Iterator[Candidate]:
    """`row.width` of `(16, 1)`: the items of a tuple have numbers."""
    text, mistake = g.source.text, g.diagnostic.mistake
    before = re.search(r"([A-Za-z_]\w*)\.$", text[g.line_start(g.span.start) : g.span.start])
    if before is None or not isinstance(mistake, NoAttribute):
        return
    for at, word in enumerate(("first", "second")):
        shown = f"{before[1]}[{at}]"
        yield Candidate(f"its {word} item is `{shown}`", (g.edit(g.span.start - 1, g.span.end, f"[{at}]"),))


_LARGEST = 11
"""The largest kernel that is usual: AlexNet's."""


@mends(NoHalfPadding, TooSmall, BelowLeast)
def kernel_first(g: Ground) -> Iterator[Candidate]:
    """`conv(3, 64)`: the kernel stands where the channels do."""
    call = g.call
    placed = [a.value for a in g.positional(call)] if call is not None else []
    if call is None or call.target.span.text != "conv" or len(placed) != 2:
        return
    first, second = placed
    if not isinstance(first, tree.Number) or not isinstance(second, tree.Number):
        return
    if first.value <= _LARGEST < second.value:
        edits = (g.put(first.span, second.span.text), g.put(second.span, first.span.text))
        said = f"the channels that come out stand first, then the kernel: `conv({second.span.text}, {first.span.text})`"
        yield Candidate(said, edits, sole=True)


_FOLLOWING = ("norm_layer", "norm", "normalization", "act_layer", "act", "activation")


@mends(UnknownArgument)
def layer_that_follows(g: Ground) -> Iterator[Candidate]:
    """`conv(16, 3, norm_layer=bn)`: what comes after a layer is a step of its own."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, UnknownArgument) or call is None or mistake.name not in _FOLLOWING:
        return
    if table.layer(mistake.layer) is None:
        return  # a block of the program may well be meant to take it
    given = g.named(call, mistake.name)
    if given is None or not isinstance(given.value, tree.Name) or table.layer(given.value.name) is None:
        return
    rest = ", ".join(a.span.text for a in call.arguments if a is not given)
    shown = f"{call.target.span.text}({rest}) -> {given.value.name}"
    edits = (g.without_argument(call, given), g.after(call.span, f" -> {given.value.name}"))
    yield Candidate(f"it is a step of its own: `{short(shown)}`", edits, sole=True, certain=True)


@mends(UnknownName)
def chosen_by_a_text(g: Ground) -> Iterator[Candidate]:
    """`act("relu6")`: an activation is a layer of its own name."""
    call = g.call
    if call is None or call.target.span != g.span or len(call.arguments) != 1:
        return
    value = call.arguments[0].value
    if not isinstance(value, tree.Text) or len(value.pieces) != 1 or not isinstance(value.pieces[0], str):
        return
    word = value.pieces[0].lower()
    known = word if table.layer(word) is not None else table.activation(word)
    if known:
        yield Candidate(f"a layer stands by its own name: `{known}`", (g.put(call.span, known),), certain=True)
