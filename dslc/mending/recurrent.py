"""Fixes for recurrent layers: states of as many layers, and Keras' words for what they give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dslc.bind.mistakes import UnknownArgument
from dslc.elaborate.mistakes.flow import WrongPort
from dslc.ir.made import maker
from dslc.ir.model import Node
from dslc.mending.ground import Candidate, Ground, inside, short, walk
from dslc.mending.rules import mends
from dslc.ops.errors import WrongRank
from dslc.ops.errors_product import StateShape
from dslc.ops.errors_tensor import ShapeMismatch
from dslc.syntax import tree

RECURRENT: Final = ("lstm", "gru", "rnn")


@mends(UnknownArgument)
def what_is_given(g: Ground) -> Iterator[Candidate]:
    """`lstm(64, return_sequences=false)`: the last step is an index of all; `return_state` is `state`."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, UnknownArgument) or call is None or mistake.layer not in RECURRENT:
        return
    argument = g.named(call, mistake.name)
    if argument is None:
        return
    rest = ", ".join(a.span.text for a in call.arguments if a is not argument)
    layer = f"{call.target.span.text}({rest})"
    left, value = g.without_argument(call, argument), argument.value.span.text.lower()
    if mistake.name == "return_sequences" and value == "false":
        holder = g.outline.parents.get(call)
        whole = holder if isinstance(holder, tree.As) else call
        said = f"all steps are given, and the last is `{short(layer)} -> it[:, -1]`"
        yield Candidate(said, (left, g.after(whole.span, " -> it[:, -1]")), sole=True)
    elif mistake.name in ("return_sequences", "return_state", "stateful") and value in ("true", "false"):
        if mistake.name == "return_state" and value == "true":
            said = f"the states are further results: `{g.shown(argument.span, 'state=true')}`"
            yield Candidate(said, (g.put(argument.span, "state=true"),), sole=True)
        what = "all steps are given" if mistake.name == "return_sequences" else "each run begins anew"
        said = "only the steps are given" if mistake.name == "return_state" else what
        yield Candidate(f"{said}: `{short(layer)}`", (left,), sole=True)


@mends(ShapeMismatch, WrongPort)
def half_in_each_direction(g: Ground) -> Iterator[Candidate]:
    """`lstm(width, bidirectional=true)` gives both directions side by side: `lstm(width // 2, ..)` is as wide."""
    for value in g.inputs:
        made = maker(value, -1)
        call = g.layer(made.node) if made is not None else None
        both = g.named(call, "bidirectional") if call is not None else None
        hidden = next(iter(g.positional(call)), None) if call is not None else None
        if call is None or hidden is None or both is None or call.target.span.text not in RECURRENT:
            continue
        text = hidden.value.span.text
        halved = str(int(text) // 2) if text.isdigit() else f"{text} // 2" if text.isidentifier() else f"({text}) // 2"
        said = f"the two directions stand side by side, {value.type.dims[-1]} in all; half of it in each"
        yield Candidate(
            f"{said}: `{g.shown(hidden.value.span, halved)}`", (g.put(hidden.value.span, halved),), sole=True
        )


@mends(StateShape)
def as_many_layers(g: Ground) -> Iterator[Candidate]:
    """A state of one layer for two, or of one direction for two: alike in both recurrent layers."""
    mistake, here = g.diagnostic.mistake, g.call
    states = [value for value in g.inputs if value.index > 0 and recurrent_state(value.producer)]
    if not isinstance(mistake, StateShape) or here is None or not states:
        return
    given = inside(states[0])
    there = g.use(given.span) if given is not None else None
    line = f" in line {there.span.line}" if there is not None and there.span.line != here.span.line else ""
    for name, default in (("layers", "1"), ("bidirectional", "false")):
        if isinstance(there, tree.Call):
            yield from _alike(g, there, here, name, default, line)
        yield from _alike(g, here, there, name, default, " here")


@mends(WrongRank)
def features_as_a_state(g: Ground) -> Iterator[Candidate]:
    """`gru(64, h=z)` of features `[N, 64]`: a state has the layers on its first axis."""
    mistake, site = g.diagnostic.mistake, g.use(g.diagnostic.site) or g.call
    if not isinstance(mistake, WrongRank) or mistake.op not in RECURRENT or not isinstance(site, tree.Call):
        return
    for argument in (a for a in site.arguments if a.name in ("h", "c")):
        text = f'({argument.value.span.text} -> rearrange("n d -> 1 n d"))'
        said = f"a state is `[layers, N, hidden]`: `{g.shown(argument.value.span, text)}`"
        yield Candidate(said, (g.put(argument.value.span, text),))


@mends(StateShape)
def both_states(g: Ground) -> Iterator[Candidate]:
    """`lstm(64, h=h)`: its state is two tensors, which the line that made `h` gives too."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, StateShape) or call is None or g.named(call, "c") is not None:
        return
    given = g.named(call, "h")
    lines = [n for n in walk(g.block) if isinstance(n, tree.Assign) and len(n.targets) == 3]
    for line in lines if given is not None else ():
        if given is not None and line.targets[1].span.text == given.value.span.text:
            text = f"c={line.targets[2].span.text}"
            said = f"the cell too, which line {line.span.line} gives: `{short(g.with_argument(call, text))}`"
            yield Candidate(said, (g.argument(call, text),))


def recurrent_state(producer: object) -> bool:
    """Whether an op is a recurrent layer, or a block that may hold one."""
    return not isinstance(producer, Node) or producer.op.name in RECURRENT


def _alike(
    g: Ground, changed: tree.Call, other: tree.Expr | None, name: str, default: str, where: str
) -> Iterator[Candidate]:
    """A recurrent layer with an argument as another one has it."""
    if not isinstance(other, tree.Call):
        return
    own, wanted = _argument(g, changed, name), _argument(g, other, name)
    text = wanted.value.span.text if wanted is not None else default
    if (own.value.span.text if own is not None else default) == text:
        return
    if own is None:
        edit, shown = g.argument(changed, f"{name}={text}"), short(g.with_argument(changed, f"{name}={text}"))
    elif wanted is None and own.name is not None:
        edit, shown = g.without_argument(changed, own), f"no `{own.span.text}`"
        yield Candidate(f"{shown}{where}, as where the state comes from", (edit,), group=f"{name}{where}")
        return
    else:
        edit, shown = g.put(own.value.span, text), g.shown(own.value.span, text)
    yield Candidate(f"as many layers and directions{where}: `{shown}`", (edit,), group=f"{name}{where}")


def _argument(g: Ground, call: tree.Call, name: str) -> tree.Argument | None:
    """An argument of a recurrent layer by its name; the number of layers is the second by its place."""
    placed = g.positional(call)
    return g.named(call, name) or (placed[1] if name == "layers" and len(placed) > 1 else None)
