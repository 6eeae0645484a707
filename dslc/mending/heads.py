"""Fixes for attention whose queries, keys and values have other widths per head, or other heads."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Edit
from dslc.ir.made import Made, maker
from dslc.ir.model import Node, Value
from dslc.mending.ground import Candidate, Ground, inside, short
from dslc.mending.rules import mends
from dslc.ops.errors_tensor import ShapeMismatch
from dslc.syntax import tree


def attention_call(g: Ground) -> tree.Call | None:
    """The use of `sdpa` that was refused; the caret may be at one of its arguments."""
    call = g.use(g.diagnostic.site)
    return call if isinstance(call, tree.Call) and call.target.span.text == "sdpa" else None


@mends(ShapeMismatch)
def width_of_a_head(g: Ground) -> Iterator[Candidate]:
    """`linear(D // groups)` for `groups` heads of keys, which are as wide as the queries': `D // heads * groups`."""
    mistake, call = g.diagnostic.mistake, attention_call(g)
    if not isinstance(mistake, ShapeMismatch) or call is None or len(g.inputs) < 3:
        return
    query, key, value = g.inputs[:3]
    if mistake.axis != key.type.rank - 1 or key.type.rank != 4:
        return
    made = [_projection(x) for x in (query, key, value)]
    if made[0] is None or made[1] is None or made[0].place is None or made[1].place is None:
        return
    heads, groups, width = g.word(query, 1), g.word(key, 1), g.types[0].dims[-1]
    wanted = _features(g, made[0], heads, groups)
    edits: list[Edit] = []
    for one in made[1:]:
        alike = one is not None and one.place is not None and one.place.text == made[1].place.text
        if one is not None and one.place is not None and alike and wanted is not None and g.own(one.place):
            edits.append(g.put(one.place, wanted))
    if wanted is not None and edits:
        lines = " and ".join(dict.fromkeys(str(edit.span.line) for edit in edits))
        count, each = key.type.dims[1], key.type.dims[-1]
        layer = short(f"{made[1].node.op.name}({made[1].place.text})")
        said = f"`{layer}` in {count} heads is {each} features each, and the queries have {width}"
        shown = g.shown(edits[0].span, wanted)
        yield Candidate(f"{said}: `{shown}` in line{'s' * (' and ' in lines)} {lines}", tuple(edits), sole=True)


def _projection(value: Value) -> Made | None:
    """The layer of features that a tensor `[N, heads, T, d]` was made of by steps that only move or turn them."""
    made = inside(value)
    while made is not None and "out" not in made.consts and made.inputs:
        value = made.inputs[0]
        made = inside(value)
    return None if made is None or "out" not in made.consts else maker(made.outs[0], -1)


def _features(g: Ground, query: Made, heads: str | None, groups: str | None) -> str | None:
    """The features of `groups` heads as wide as those of the queries, in the words of the text."""
    place = query.place
    if place is None or heads is None or groups is None or query.argument is None:
        return None
    text, whole = place.text, query.argument.value
    if text.isdigit() and heads.isdigit() and groups.isdigit() and isinstance(whole, int):
        return str(whole // int(heads) * int(groups))
    node = g.outline.find(place)
    product = isinstance(node, tree.Binary) and node.op == "*"
    if isinstance(node, tree.Binary) and product and heads in (node.left.span.text, node.right.span.text):
        sides = [groups if side.span.text == heads else side.span.text for side in (node.left, node.right)]
        return " * ".join(sides)
    text = text if isinstance(node, tree.Name | tree.Number) else f"({text})"
    return text if heads == groups else f"{text} // {heads} * {groups}"


@mends(ShapeMismatch)
def project_the_keys(g: Ground) -> Iterator[Candidate]:
    """`sdpa(q, k, v)` of queries and keys of different widths: the keys are projected."""
    call = attention_call(g)
    if call is None or len(call.arguments) < 3 or len(g.inputs) < 2 or _after_positions(g):
        return
    for at, other in ((1, 0), (0, 1)):
        side, width = call.arguments[at].value, g.word(g.inputs[other], -1)
        if width is not None:
            shown = f"{side.span.text} -> linear({width})"
            which = "keys" if at else "queries"
            yield Candidate(f"project the {which} to that width: `{short(shown)}`", (g.put(side.span, shown),))


def _after_positions(g: Ground) -> bool:
    """Whether positions were turned into queries or keys, which a projection behind them would mix."""
    made: list[Node | None] = [inside(value) for value in g.inputs[:2]]
    return any(node is not None and node.op.name == "rotary" for node in made)
