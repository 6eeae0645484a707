"""Fixes for names: used twice, given to a parameter that a layer of the language has, lists and tensors as numbers."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.bind.mistakes import WrongType
from dslc.elaborate.mistakes.values import OutsideList
from dslc.mending.ground import Candidate, Ground, walk
from dslc.mending.rules import mends
from dslc.names.errors import BoundTwice, DefinedTwice
from dslc.syntax import tree
from dslc.values.mistakes import Undefined


@mends(DefinedTwice)
def used_twice(g: Ground) -> Iterator[Candidate]:
    """`use std.resnet: basic` in two lines: the second is left out, with its line where nothing else is on it."""
    uses = [item for item in g.outline.items if isinstance(item, tree.Use)]
    use = next((u for u in uses if u.span.start <= g.span.start < u.span.end), None)
    if use is None:
        return
    kept = [there.span.to(here.span).text for there, here in use.names if here.span != g.span]
    head = g.source.text[use.span.start : use.names[0][0].span.start]
    end = use.span.end if kept else min(g.line_end(use.span.end) + 1, len(g.source.text))
    said = f"it is used already: `{head}{', '.join(kept)}`" if kept else "it is used already: leave the line out"
    yield Candidate(said, (g.edit(use.span.start, end, f"{head}{', '.join(kept)}" if kept else ""),), certain=True)


@mends(BoundTwice)
def another_parameter(g: Ground) -> Iterator[Candidate]:
    """A parameter `dropout`, `scale`: another name for it, wherever the definition means the value."""
    name, item = g.span.text, next((i for i in g.outline.items if i.span.start <= g.span.start < i.span.end), None)
    header = item.parameters if isinstance(item, tree.Block | tree.Extern | tree.Fn) else ()
    if not any(q.name_span == g.span for q in header):
        return
    calls = {node.target.span for node in walk(item) if isinstance(node, tree.Call)}
    reads = [n.span for n in walk(item) if isinstance(n, tree.Name) and n.name == name and n.span not in calls]
    steps = {s.span for n in walk(item) if isinstance(n, tree.Chain) for s in n.steps[1:] if isinstance(s, tree.Name)}
    given = [
        a.name_span
        for node in walk(list(g.outline.items))
        if isinstance(node, tree.Call) and node.target.span.text == getattr(item, "name", None)
        for a in node.arguments
        if a.name == name and a.name_span is not None
    ]
    for other in (f"{name}_by", f"{name}_rate") if name in ("scale", "shift") else (f"{name}_rate", f"{name}_by"):
        if other not in g.source.text:
            places = [g.span, *(span for span in reads if span not in steps and span != g.span), *given]
            yield Candidate(f"call it `{other}`", tuple(g.put(span, other) for span in places), group="other")


@mends(Undefined)
def length_of_a_list(g: Ground) -> Iterator[Candidate]:
    """`range(widths)`: a turn for each item."""
    mistake, call = g.diagnostic.mistake, g.call
    given = g.positional(call) if call is not None else []
    if not isinstance(mistake, Undefined) or mistake.operation != "range" or len(given) != 1:
        return
    if mistake.values and mistake.values[0].startswith("a list"):
        value = given[0].value.span
        said = f"a turn for each item: `range(len({value.text}))`"
        yield Candidate(said, (g.before(value, "len("), g.after(value, ")")), certain=True)


@mends(Undefined)
def length_of_a_tensor(g: Ground) -> Iterator[Candidate]:
    """`len(x)`: the first size of a tensor."""
    mistake, call = g.diagnostic.mistake, g.call
    given = g.positional(call) if call is not None else []
    if isinstance(mistake, Undefined) and mistake.operation == "len" and call is not None and len(given) == 1:
        shown = f"{given[0].value.span.text}.shape[0]"
        yield Candidate(f"the first size of a tensor: `{shown}`", (g.put(call.span, shown),), certain=True)


@mends(WrongType)
def number_in_quotes(g: Ground) -> Iterator[Candidate]:
    """`dropout("0.5")`: a number is no text."""
    mistake, expr = g.diagnostic.mistake, g.outline.find(g.span)
    text = expr.span.text.strip('"') if isinstance(expr, tree.Text) else ""
    wanted = isinstance(mistake, WrongType) and "number" in mistake.wanted
    if wanted and text.replace(".", "", 1).isdecimal() and not text.isdigit():
        said = f"without its quotes: `{g.shown(g.span, text)}`"
        yield Candidate(said, (g.put(g.span, text),), certain=True)


@mends(WrongType)
def may_be_none(g: Ground) -> Iterator[Candidate]:
    """`drop: float = none`: a type with `?` may be `none`."""
    mistake = g.diagnostic.mistake
    for item in g.blocks:
        for declared in item.parameters:
            default, kind = declared.default, declared.type
            if default is None or kind is None or default.span != g.span or default.span.text != "none":
                continue
            shown = f"{declared.name}: {kind.span.text}? = none"
            if isinstance(mistake, WrongType):
                said = f"a type with `?` may be `none`: `{shown}`"
                yield Candidate(said, (g.after(kind.span, "?"),), certain=True)


@mends(OutsideList)
def turns_of_the_list(g: Ground) -> Iterator[Candidate]:
    """`for i in range(4)` over a list of 3: a turn for each item."""
    mistake, node = g.diagnostic.mistake, g.outline.around(g.node, tree.Index)
    loop = g.outline.around(g.node, tree.For)
    if not isinstance(mistake, OutsideList) or not isinstance(node, tree.Index) or not isinstance(loop, tree.For):
        return
    source, name = loop.source, node.value.span.text
    turning = len(loop.targets) == 1 and loop.targets[0].name == g.span.text
    if turning and isinstance(source, tree.Call) and source.target.span.text == "range" and len(source.arguments) == 1:
        said = f"a turn for each of its {mistake.count} items: `range(len({name}))`"
        yield Candidate(said, (g.put(source.arguments[0].span, f"len({name})"),))
