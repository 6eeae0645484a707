"""Fixes for a result that is another size than its header promises: a doubling that is missing, other letters."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.elaborate.mistakes.flow import WrongPort
from dslc.ir.made import maker, way
from dslc.ir.model import Node, Param, Value
from dslc.mending.ground import Candidate, Ground, inside, short, walk
from dslc.mending.rules import mends
from dslc.ops.errors_pattern import PatternRank
from dslc.ops.errors_product import InnerMismatch
from dslc.ops.errors_tensor import ReshapeCount, ShapeMismatch
from dslc.syntax import tree
from dslc.types.errors import JoinedSizes
from dslc.types.limits import UniversalSize
from dslc.types.text import CODE, dim_text

GROWING = ("deconv", "upsample", "pixel_shuffle")
RECURRENT = ("lstm", "gru", "rnn")
PLACES = {5: "d", 4: "h"}


@mends(WrongPort)
def one_doubling_more(g: Ground) -> Iterator[Candidate]:
    """A decoder that ends at half of the size which its header promises: its last line of doubling but one, again."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, WrongPort) or mistake.end.port is not None or len(g.inputs) != 1:
        return
    value, axis = g.inputs[0], mistake.axis
    wanted = mistake.sizes[axis] if axis is not None and axis < len(mistake.sizes) else None
    size = value.type.dims[axis] if axis is not None and axis < value.type.rank else None
    if axis is None or axis < 2 or not isinstance(wanted, int) or not isinstance(size, int) or size < 1:
        return
    if wanted == 2 * size:
        made = [step.node for step in way(value, axis) if step.node is not None and step.node.op.name in GROWING]
        lines = [n for n in walk(g.block) if isinstance(n, tree.Step) and " as " not in n.span.text]
        for line in reversed(lines):
            inner = [node for node in made if _within(line, node)]
            if len(inner) == 1 and made and inner[0] is not made[-1] and _doubles(g, inner[0]):
                indent = g.source.text[g.line_start(line.span.start) : line.span.start]
                if not indent.strip():
                    text = line.span.text.rstrip()
                    said = f"{size} are half of {wanted}: one doubling more, as in line {line.span.line}"
                    edit = g.before(line.span, f"{text}\n{indent}")
                    yield Candidate(f"{said}: `{short(text)}`", (edit,), group="doubling")
    block = g.block
    specs = [r.spec.dims for r in (block.results or () if block is not None else ()) if r.spec is not None]
    dims = specs[0] if len(specs) == 1 else None
    if dims is None or len(dims) != value.type.rank or len(mistake.sizes) != len(dims):
        return
    edits = []
    for dim, stated, found in zip(dims, mistake.sizes, value.type.dims, strict=True):
        if isinstance(stated, int) and isinstance(found, int) and stated != found:
            edits.append(g.put(dim.span, str(found)))
    if edits:
        texts = [
            str(f) if isinstance(s, int) and isinstance(f, int) else d.span.text
            for d, s, f in zip(dims, mistake.sizes, value.type.dims, strict=True)
        ]
        yield Candidate(f"let the header say `[{', '.join(texts)}]`", tuple(edits), loses=True)


@mends(WrongPort)
def shorter_than_promised(g: Ground) -> Iterator[Candidate]:
    """A header that promises as many frames as come in, where a stride takes some: the number that is left."""
    mistake, axis = g.diagnostic.mistake, getattr(g.diagnostic.mistake, "axis", None)
    if not isinstance(mistake, WrongPort) or mistake.end.port is not None or len(g.inputs) != 1 or axis is None:
        return
    value, spec = g.inputs[0], mistake.spec
    size = value.type.dims[axis]
    if isinstance(size, int) or spec is None or not g.own(spec) or g.block is None or g.block.kind != "net":
        return
    made, text = inside(value), dim_text(size, CODE)
    while made is not None and made.inputs and size in made.inputs[0].type.dims:
        made = inside(made.inputs[0])
    call = g.layer(made)
    after = f" after `{short(call.span.text)}` (line {call.span.line})" if call is not None else ""
    yield Candidate(f"let the header say what is left{after}: `{text}`", (g.put(spec, text),))


def _within(line: tree.Step, node: Node) -> bool:
    return line.span.source.path == node.span.source.path and line.span.start <= node.span.start < line.span.end


def _doubles(g: Ground, node: Node) -> bool:
    before, after = node.inputs[0].type.dims[2], node.outs[0].type.dims[2]
    return isinstance(before, int) and after == 2 * before


@mends(UniversalSize, WrongPort)
def another_axis_of_a_stack(g: Ground) -> Iterator[Candidate]:
    """`stack(a, b, c, axis=0)` puts the new axis before the batch."""
    made = inside(g.inputs[0]) if len(g.inputs) == 1 else None
    call = g.use(made.span) if made is not None and made.op.name == "stack" else None
    given = g.named(call, "axis") if isinstance(call, tree.Call) else None
    if made is None or given is None:
        return
    for axis in range(made.outs[0].type.rank):
        if str(axis) != given.value.span.text:
            shown = g.shown(given.value.span, str(axis))
            said = f"the new axis is the first, before the batch; and axis {axis} behind it: `{shown}`"
            said = said if given.value.span.text == "0" else f"the new axis in another place: `{shown}`"
            yield Candidate(said, (g.put(given.value.span, str(axis)),), group="axis")


@mends(ReshapeCount, InnerMismatch, ShapeMismatch)
def both_directions(g: Ground) -> Iterator[Candidate]:
    """A recurrent layer of two directions makes `2 * hidden` features, side by side."""
    for value in g.inputs:
        made = _recurrent(value)
        call = g.use(made.span) if made is not None else None
        if not isinstance(call, tree.Call) or not call.arguments:
            continue
        both = g.named(call, "bidirectional")
        if both is None or both.value.span.text != "true":
            continue
        hidden = (g.named(call, "hidden") or call.arguments[0]).value.span.text
        spans = [a.value.span for a in (g.call.arguments if g.call is not None else ())]
        for other in g.inputs:
            param = other.producer
            if isinstance(param, Param) and param.definition is not None and g.own(param.definition.span):
                spans += [dim.span for dim in param.definition.spec.dims or ()]
            elif other is not value and (source := maker(other, -1)) is not None and source.place is not None:
                spans.append(source.place)
        doubled = str(2 * int(hidden)) if hidden.isdigit() else f"2 * {hidden}"
        for span in spans:
            if span.text == hidden and g.own(span):
                said = f"both directions side by side are `{doubled}` features"
                yield Candidate(f"{said}: `{g.shown(span, doubled)}`", (g.put(span, doubled),), sole=True)


def _recurrent(value: Value) -> Node | None:
    """The recurrent layer that the features of a tensor come from, by ops of one input."""
    made = inside(value)
    while made is not None and made.op.name not in RECURRENT and len(made.inputs) == 1:
        value = made.inputs[0]
        made = inside(value)
    return made if made is not None and made.op.name in RECURRENT and value.index == 0 else None


@mends(WrongPort)
def another_parameter(g: Ground) -> Iterator[Candidate]:
    """`rearrange("n (a k) h w -> ..", a=classes)`: a pattern's part is given another parameter than is meant."""
    block, made = g.block, inside(g.inputs[0]) if len(g.inputs) == 1 else None
    call = g.use(made.span) if made is not None else None
    if block is None or made is None or made.op.name != "rearrange" or not isinstance(call, tree.Call):
        return
    for argument in call.arguments:
        if argument.name is None or not isinstance(argument.value, tree.Name):
            continue
        for parameter in block.parameters:
            if parameter.name != argument.value.name:
                shown = f"{argument.name}={parameter.name}"
                said = f"`{argument.name}` is then `{parameter.name}`: `{shown}`"
                yield Candidate(said, (g.put(argument.value.span, parameter.name),), group="parameter")


@mends(ShapeMismatch)
def number_of_the_other(g: Ground) -> Iterator[Candidate]:
    """`conv(4 * 21, 3)` where all else says `classes`: a number in the line that made one side is the other's."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, ShapeMismatch) or len(g.inputs) != 2 or g.types[0].rank != g.types[1].rank:
        return
    for wrong, right in (g.inputs[::-1], g.inputs):
        word, size = g.word(right, mistake.axis), wrong.type.dims[mistake.axis]
        lines = [n for n in walk(g.block) if isinstance(n, tree.Step | tree.Assign)]
        line = next((n for n in lines if wrong.span is not None and _holds(n, wrong)), None)
        numbers = [n for n in walk(line) if isinstance(n, tree.Number) and n.value == size]
        if word is not None and len(numbers) == 1 and line is not None:
            shown = g.shown(numbers[0].span, word)
            said = f"{size} is written here, and the other side has `{word}`: `{shown}`"
            yield Candidate(said, (g.put(numbers[0].span, word),), group="number")


def _holds(line: tree.Step | tree.Assign, value: Value) -> bool:
    at = value.span
    return at is not None and line.span.source.path == at.source.path and line.span.start <= at.start < line.span.end


@mends(PatternRank)
def letter_that_is_missing(g: Ground) -> Iterator[Candidate]:
    """`"n c h w -> n (h w) c"` of a video: one letter more for the axis that the pattern does not name."""
    text = g.outline.find(g.span)
    mistake = g.diagnostic.mistake
    if not isinstance(text, tree.Text) or not isinstance(mistake, PatternRank) or len(g.inputs) != 1:
        return
    rank, written = g.types[0].rank, text.span.text
    letter = next((x for x in "tdszu" if x not in written.replace("->", " ").split()), None)
    if letter is None or rank != mistake.axes + 1 or "h w" not in written.split("->")[0]:
        return
    shown = written.replace("h w", f"{letter} h w")
    said = f"a letter for each of the {rank} axes: `rearrange({shown})`"
    yield Candidate(said, (g.put(text.span, shown),))


@mends(JoinedSizes)
def result_as_large_as_the_input(g: Ground) -> Iterator[Candidate]:
    """A result of 36 rows for an image of 33, which was halved with rounding: cut to the input's size at the end."""
    mistake, block = g.diagnostic.mistake, g.block
    if not isinstance(mistake, JoinedSizes) or not mistake.ends or len(g.inputs) != 1 or block is None:
        return
    last = block.suite.body[-1] if block.suite.body else None
    if not isinstance(last, tree.Step) or not last.span.start <= g.span.start < last.span.end:
        return
    larger = mistake.right_value > mistake.left_value
    for port in block.ports or ():
        text = f" -> {'crop' if larger else 'upsample'}(like={port.name})"
        said = f"at the end, to the size of `{port.name}`: `{short(last.span.text + text)}`"
        yield Candidate(said, (g.after(last.span, text),), group="end")
