"""Fixes for a layer that wants channels, places or elements otherwise: the step that is missing before it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from dslc.diagnostics.model import Edit
from dslc.mending.ground import Candidate, Ground, inside, net_dims, short, walk
from dslc.mending.rules import mends
from dslc.ops.errors import WrongChannelAxis, WrongDtype, WrongRank
from dslc.ops.errors_axis import TURNED, NoChannelAxis
from dslc.ops.guesses import ChannelsLast, NoBatch, unbatched
from dslc.syntax import tree
from dslc.types.tensor import TensorType

PLACES = {1: "t", 2: "h w", 3: "d h w"}
"""Letters for the places of a map, by how many axes they have."""

NORMS = ("bn", "inorm")
"""Norms that are called without arguments and want channels on axis 1."""
REDUCTIONS = ("mean", "amax", "amin", "sum", "max", "min")


def places(type: TensorType) -> str | None:
    return PLACES.get(type.rank - 2)


def first(g: Ground, text: str, said: str, group: str = "") -> Iterator[Candidate]:
    """One more step before the one at the caret: in its chain, or in a call that is given its tensor."""
    call, step = g.call, g.step
    if call is not None and call.arguments and len(g.inputs) == 1 and g.inputs[0].name is not None:
        given = next((a for a in call.arguments if a.value.span.text == g.inputs[0].name), None)
        if given is not None:
            shown = f"{given.value.span.text} -> {text}"
            yield Candidate(f"{said}: `{short(shown)}`", (g.put(given.value.span, shown),), group=group)
            return
    if step is None:
        return
    yield from _before_the_fork(g, step, text, said)
    if isinstance(step, tree.Binary | tree.Conditional):
        step = g.node
    if step is not None:
        shown = f"{said}: `{text} -> {short(step.span.text)}`"
        yield Candidate(shown, (g.before(step.span, f"{text} -> "),), group=group)


def _before_the_fork(g: Ground, step: tree.Expr, text: str, said: str) -> Iterator[Candidate]:
    """The step once, before the branches that read one value, where several of them begin with the same layer; or
    where the value that several lines read is named.
    """
    chain = g.chain(step)
    at = next((i for i, one in enumerate(chain) if one is step), -1)
    suite = g.outline.around(g.outline.parents.get(step), tree.Call)
    calls = list(g.calls(suite.suite)) if suite is not None and suite.suite is not None else []
    name = _layer(step)
    alike = [c for c in calls if _layer(c) == name and c.span.start != step.span.start]
    if at == 0 and suite is not None and alike and suite.span.start < step.span.start:
        lines = sorted({c.span.line for c in alike} - {step.span.line})
        more = f" (and so for line{'s' * (len(lines) > 1)} {' and '.join(map(str, lines))})" if lines else ""
        shown = f"{text} -> {suite.target.span.text}:"
        yield Candidate(
            f"{said}, once for all branches: `{shown}`{more}", (g.before(suite.span, f"{text} -> "),), sole=True
        )
    value = g.inputs[0] if len(g.inputs) == 1 else None
    source = chain[at - 1] if at == 1 else None
    if value is None or not isinstance(source, tree.Name) or source.name != value.name or not g.own(value.span):
        return
    reads = [n for n in walk(g.block) if isinstance(n, tree.Name) and n.name == value.name and n is not source]
    line = next((n for n in walk(g.block) if isinstance(n, tree.Assign) and _names_one(n, value.name)), None)
    if line is not None and any(n.span.start > line.span.end for n in reads):
        shown = f"{value.name} = {line.value.span.text} -> {text}"
        yield Candidate(
            f"{said}, once for all that read it: `{short(shown)}`",
            (g.after(line.value.span, f" -> {text}"),),
            sole=True,
        )


def _layer(step: object) -> str:
    """The name of the layer that a step uses."""
    layer = step.value if isinstance(step, tree.As) else step
    target = layer.target if isinstance(layer, tree.Call) else layer
    return target.name if isinstance(target, tree.Name) else ""


def _names_one(line: tree.Assign, name: str) -> bool:
    return len(line.targets) == 1 and isinstance(line.targets[0], tree.Name) and line.targets[0].name == name


@mends(WrongChannelAxis)
def channels_where_they_are_wanted(g: Ground) -> Iterator[Candidate]:
    """Features or tokens of a map, or a map of tokens."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, WrongChannelAxis) or mistake.type.channel is None:
        return
    type, letters = mistake.type, places(mistake.type)
    yield from _misread_pattern(g)
    if type.channel == 1 and mistake.needed == -1:
        if mistake.op == "linear":
            mean, places_ = ("gap -> flatten", "the mean of each channel"), ("flatten", "all places side by side")
            single = all(size == 1 for size in type.spatial)
            fixed = all(isinstance(size, int) for size in type.spatial)  # else `flatten` fixes the size of the input
            for text, said in (places_,) if single else (places_, mean) if fixed else (mean, places_):
                yield from first(g, text, said)
        if letters is not None:
            pattern = f'rearrange("n c {letters} -> n ({letters}) c")'
            yield from first(g, pattern, "places as tokens")
            if mistake.op in ("ln", "rmsnorm"):
                yield from _normed_channels(g)
        yield from _convolution_for_features(g)
    elif type.channel == type.rank - 1 and mistake.needed == 1 and letters is not None:
        if mistake.op in ("gap", "gmp"):
            axes = range(1, type.rank - 1)
            yield from with_axis(g, "1" if len(axes) == 1 else str(tuple(axes)), "over the places of tokens")
        yield from _back_to_the_map(g)
        yield from _there_and_back(g, letters)
        yield from _until_the_join(g, letters)
        yield from first(g, f'rearrange("n {letters} c -> n c {letters}")', "channels before the places", "back")


def _back_to_the_map(g: Ground) -> Iterator[Candidate]:
    """Tokens that a `rearrange` made of a map, for a layer of maps."""
    made = inside(g.inputs[0]) if g.inputs else None
    while made is not None and made.op.name != "rearrange" and made.inputs:
        made = inside(made.inputs[0])
    if made is None or made.op.name != "rearrange" or made.inputs[0].type.rank != 4 or g.inputs[0].type.rank != 3:
        return
    rows = g.word(made.inputs[0], 2)
    if rows is not None:
        yield from first(g, f'rearrange("n (h w) c -> n c h w", h={rows})', "tokens as the map that they were")


def _there_and_back(g: Ground, letters: str) -> Iterator[Candidate]:
    """`linear(64) -> bn` of tokens: the channels before the places for that one step, and behind them again; if the
    body has more such steps, for all of them. Of a norm also `ln`, which works on tokens.
    """
    step, node = g.step, g.node
    name = node.target.span.text if isinstance(node, tree.Call) else node.span.text if node is not None else ""
    if step is None or not name.isidentifier() or name in ("gap", "gmp", "maxpool", "avgpool"):
        return
    before, after = f'rearrange("n {letters} c -> n c {letters}")', f'rearrange("n c {letters} -> n {letters} c")'
    same = [step, *(other for other in _steps_of(g, name) if other.span.start > step.span.start)]
    norm = name in NORMS and isinstance(node, tree.Name)
    for some in (same[:1], same) if len(same) > 1 else (same,):
        more = ", and so in line " + ", ".join(str(s.span.line) for s in some[1:]) if some[1:] else ""
        edits = [edit for s in some for edit in (g.before(s.span, f"{before} -> "), g.after(s.span, f" -> {after}"))]
        shown = f"`{short(f'{before} -> {step.span.text} -> {after}')}`"
        if norm or _reads_places(g):
            yield Candidate(f"channels before the places, and back: {shown}{more}", tuple(edits), group="back")
        names = [n for s in some for n in walk(s) if isinstance(n, tree.Name) and n.name == name]
        if norm and len(names) == len(some):
            said = f"a norm of tokens, over the features of each: `ln` for `{name}`{more}"
            yield Candidate(said, tuple(g.put(n.span, "ln") for n in names), group="ln")


def _until_the_join(g: Ground, letters: str) -> Iterator[Candidate]:
    """A convolution and what follows it in the body of a residual, on tokens: as maps from there to the sum."""
    suite, line = g.outline.around(g.node, tree.Suite), g.statement
    lines = suite.body[suite.body.index(line) :] if suite is not None and line in suite.body else ()
    steps = [one for one in takewhile(_goes_on, lines) if isinstance(one, tree.Step)]
    call, step = g.outline.around(suite, tree.Call), g.step
    joined = len(steps) < len(lines) or (call is not None and call.suite is suite)
    if not steps or step is None or not joined or steps[-1].span.end <= step.span.end:
        return
    before, after = f'rearrange("n {letters} c -> n c {letters}")', f'rearrange("n c {letters} -> n {letters} c")'
    edits = (g.before(step.span, f"{before} -> "), g.after(steps[-1].span, f" -> {after}"))
    shown = f"`{before} -> {short(step.span.text)}`"
    said = f"channels before the places: {shown}, and back behind them in line {steps[-1].span.line}: `-> {after}`"
    yield Candidate(said, edits, sole=True)


def _goes_on(line: tree.Stmt) -> bool:
    """Whether a line goes on with what the one before it made, and joins it with nothing."""
    return isinstance(line, tree.Step) and not isinstance(line.value, tree.Binary)


def _reads_places(g: Ground) -> bool:
    """Whether a later line of the body reduces or reads the axis of the places, as `amax(1)` and `it[:, 0]` do."""
    later = [n for n in walk(g.block) if isinstance(n, tree.Call | tree.Index) and n.span.start > g.span.end]
    calls = [n for n in later if isinstance(n, tree.Call) and n.target.span.text in REDUCTIONS and n.arguments]
    reduced = any(call.arguments[0].value.span.text == "1" for call in calls)
    return reduced or any(isinstance(n, tree.Index) and isinstance(n.value, tree.It) for n in later)


def _steps_of(g: Ground, name: str) -> Iterator[tree.Expr]:
    """The steps of the body's lines that are a layer of some name."""
    for node in walk(g.block):
        steps = node.steps if isinstance(node, tree.Chain) else (node.value,) if isinstance(node, tree.Step) else ()
        for step in steps:
            layer = step.value if isinstance(step, tree.As) else step
            target = layer.target if isinstance(layer, tree.Call) else layer
            if isinstance(target, tree.Name) and target.name == name:
                yield step


def _convolution_for_features(g: Ground) -> Iterator[Candidate]:
    """`linear(classes)` of a map, where each place has a result: a convolution of kernel 1."""
    call = g.call
    if call is not None and call.target.span.text == "linear" and len(g.positional(call)) == 1:
        out = g.positional(call)[0].span
        shown = f"conv{call.span.text[len('linear') :]}".replace(out.text, f"{out.text}, 1", 1)
        said = f"the same at each place: `{short(shown)}`"
        yield Candidate(said, (g.put(call.target.span, "conv"), g.after(out, ", 1")))


def _normed_channels(g: Ground) -> Iterator[Candidate]:
    """`ln(axis=1)` norms the channels of a map."""
    node = g.node
    if isinstance(node, tree.Name):
        yield Candidate(f"of a map: `{node.name}(axis=1)`", (g.after(node.span, "(axis=1)"),))
    elif isinstance(node, tree.Call) and not g.named(node, "axis"):
        yield Candidate(f"of a map: `{short(g.with_argument(node, 'axis=1'))}`", (g.argument(node, "axis=1"),))


def _misread_pattern(g: Ground) -> Iterator[Candidate]:
    """`rearrange("n h w c -> n (h w) c")` of a map, which has its channels on axis 1."""
    made = inside(g.inputs[0]) if g.inputs else None
    call = g.use(made.span) if made is not None else None
    if made is None or made.op.name != "rearrange" or not isinstance(call, tree.Call) or not call.arguments:
        return
    text = call.arguments[0].value
    if not isinstance(text, tree.Text) or "->" not in text.span.text or made.inputs[0].type.channel != 1:
        return
    left, right = text.span.text.strip('"').split("->")
    letters = left.split()
    if len(letters) < 3 or "(" in left:
        return
    turned = " ".join([letters[0], letters[-1], *letters[1:-1]])
    shown = f'"{turned} ->{right}"'
    said = f"the letters stand for {made.inputs[0].type}, whose channels are on axis 1: `rearrange({shown})`"
    yield Candidate(said, (g.put(text.span, shown),), sole=True)


@mends(WrongRank)
def flattened_too_early(g: Ground) -> Iterator[Candidate]:
    """`flatten -> conv(..)`: without `flatten`, or with it before the first layer of features."""
    if len(g.inputs) != 1:
        return
    made = inside(g.inputs[0])
    step = g.expr(made.span) if made is not None else None
    if made is None or made.op.name not in ("flatten", "reshape") or step is None:
        return
    text = short(step.span.text)
    gone = g.outline.without([step])
    yield Candidate(f"without `{text}`, which drops the places that this needs", tuple(gone))
    linear = next((c for c in g.calls(g.block) if c.target.span.text == "linear" and c.span.start > g.span.end), None)
    if linear is not None:
        shown = f"{text} -> {short(linear.span.text)}"
        said = f"`{text}` drops the places that this needs; where features are wanted: `{shown}`"
        yield Candidate(said, (*gone, g.before(linear.span, f"{text} -> ")))


@mends(WrongRank)
def without_a_batch(g: Ground) -> Iterator[Candidate]:
    """`image[3, 32, 32]`: a net's input begins with the batch."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, WrongRank) or mistake.type.rank != mistake.least - 1:
        return
    for block in g.blocks:
        for port in (block.ports or ()) if block.kind == "net" else ():
            dims = port.spec.dims or ()
            if len(dims) == mistake.type.rank and dims[0].span.text != "N":
                shown = f"{port.name}[N, {', '.join(d.span.text for d in dims)}]"
                yield Candidate(f"with the batch as its first axis: `{shown}`", (g.before(dims[0].span, "N, "),))


@mends(WrongDtype)
def other_elements(g: Ground) -> Iterator[Candidate]:
    """Floats where indices are wanted: the header says which an input holds. Integers and truth values as floats."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, WrongDtype):
        return
    name = g.inputs[0].name if g.inputs else None
    if mistake.needed in ("int", "bool") and mistake.type.dtype.is_float:
        kind = "int64" if mistake.needed == "int" else "bool"
        block = g.block
        for port in (block.ports or ()) if block is not None else ():
            if port.name == name and port.spec.dtype is None:
                shown = f"{port.name}: {kind}{port.spec.span.text}"
                edit = g.edit(port.span.start + len(port.name), port.spec.span.start, f": {kind}")
                yield Candidate(f"say in the header what it holds: `{shown}`", (edit,))
    if mistake.needed in ("float", "number") and not mistake.type.dtype.is_float:
        yield from first(g, "cast(float)", "as numbers with a fraction")


@mends(ChannelsLast)
def an_image_at_a_time(g: Ground) -> Iterator[Candidate]:
    """`clip[N, T, 3, H, W]` for layers of images: the frames belong to the batch."""
    mistake, read = g.diagnostic.mistake, g.diagnostic.related
    if not isinstance(mistake, ChannelsLast) or (mistake.axis, len(mistake.letters)) != (2, 3) or not read:
        return
    step = 'rearrange("n t c h w -> (n t) c h w")'
    if g.own(read[0].span):
        said = f"an image at a time, its frames in the batch: `{step} -> {short(read[0].span.text)}`"
        edit = g.before(read[0].span, f"{step} -> ")
        yield Candidate(said, (edit,), group="frames")
        named = [other for call in g.calls(g.block) for other in size_names(g, call)]
        if named:
            shown = ", ".join(f"`{other.text}` for `{other.span.text}`" for other in named)
            yield Candidate(f"{said}, and {shown}", (edit, *named), group="frames")


def size_names(g: Ground, call: tree.Call) -> Iterator[Edit]:
    """Numbers for letters of a pattern that are the default of a size in the net's header: its name."""
    if call.target.span.text not in ("rearrange", "reduce", "repeat"):
        return
    for argument in call.arguments:
        for _, dim in net_dims(g):
            default = dim.default.span.text if dim.default is not None else None
            if argument.name is not None and argument.value.span.text == default and dim.value is not None:
                yield g.put(argument.value.span, dim.value.span.text)
                break


@mends(NoChannelAxis)
def axis_asked_for(g: Ground) -> Iterator[Candidate]:
    """The axis written, one way for each reading; else where the channels are, before it."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, NoChannelAxis):
        return
    for guess, about in unbatched(mistake.type):
        if isinstance(guess, NoBatch) and g.own(about):
            yield Candidate(f"an image has a batch too: `{guess.meant}`", (g.put(about, guess.meant),), sole=True)
    if mistake.on == "map":
        for axis, said in mistake.readings:
            if axis == 1:
                yield from first(g, "channel_axis(1)", said)
            else:
                yield from first(g, TURNED, said, "tokens")
                yield from around(g, TURNED, 'rearrange("n c t -> n t c")', said, "tokens")
        return
    for axis, said in mistake.readings:
        yield from with_axis(g, "-1" if axis == mistake.type.rank - 1 and mistake.on == "channels" else str(axis), said)
    if len(g.inputs) == 1:
        axis = 1 if mistake.like_a_map else -1
        yield from first(g, f"channel_axis({axis})", "or say it once, for what follows too")


def with_axis(g: Ground, axis: str, said: str) -> Iterator[Candidate]:
    """The argument `axis` of the call at the caret."""
    node = g.node
    if isinstance(node, tree.Call) and not g.named(node, "axis"):
        shown = short(g.with_argument(node, f"axis={axis}"))
        yield Candidate(f"{said}: `{shown}`", (g.argument(node, f"axis={axis}"),))
    elif isinstance(node, tree.Name):
        yield Candidate(f"{said}: `{node.name}(axis={axis})`", (g.after(node.span, f"(axis={axis})"),))


def around(g: Ground, before: str, after: str, said: str, group: str) -> Iterator[Candidate]:
    """A step before the one at the caret and one behind it, in its chain."""
    step = g.step
    if step is not None and g.call is not None:
        shown = short(f"{before} -> {step.span.text} -> {after}")
        edits = (g.before(step.span, f"{before} -> "), g.after(step.span, f" -> {after}"))
        yield Candidate(f"{said}: `{shown}`", edits, group=group)
