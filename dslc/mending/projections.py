"""Fixes for a sum, or a product, of two ways whose shapes came apart: a projection, or other channels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from dslc.diagnostics.model import Edit
from dslc.elaborate.mistakes.flow import WrongPort
from dslc.ir.made import maker, way
from dslc.ir.model import Value
from dslc.mending.ground import Candidate, Ground, short, walk
from dslc.mending.rules import mends
from dslc.ops.errors_tensor import ShapeMismatch
from dslc.syntax import tree
from dslc.syntax.scan import mentioned
from dslc.types.errors import Coincidence, JoinedSizes
from dslc.types.tensor import TensorType

STRIDED = ("conv", "dw", "pw", "cba", "sepconv")
SETS = 7
"""Sets of transposed convolutions that are tried with one place more."""
NORMS = ("bn", "gn", "inorm", "ln", "rmsnorm")


def suite_call(g: Ground) -> tree.Call | None:
    """The combinator at the caret, whose suite makes one of the two ways: `residual:`, `scale:`."""
    call = g.call
    return call if call is not None and call.suite is not None and len(g.inputs) == 2 else None


def channels(type: TensorType) -> int | None:
    """The axis of channels, if it is known."""
    return None if type.channel is None else type.channel % type.rank


@mends(ShapeMismatch, JoinedSizes, Coincidence)
def project_the_skip(g: Ground) -> Iterator[Candidate]:
    """`residual:` of a body that changes channels or takes a stride: the input is projected as well."""
    call = suite_call(g)
    if call is None or g.named(call, "skip") or not _called(call, "residual"):
        return
    body, skip = g.inputs
    if channels(body.type) == body.type.rank - 1:
        return  # of tokens it is the body's last layer that is likely meant
    yield from _projected(g, call, body, skip)


def _projected(g: Ground, call: tree.Call, body: Value, skip: Value) -> Iterator[Candidate]:
    for text in _projections(g, call.suite, body, skip):
        shown = short(g.with_argument(call, f"skip = {text}"))
        where = "where the body changes its shape" if text.endswith("else id") else "too, at every use"
        edit = g.argument(call, f"skip = {text}")
        yield Candidate(f"project the input {where}: `{shown}`", (edit,), group="project")


def _projections(g: Ground, within: object, new: Value, old: Value) -> Iterator[str]:
    """Layers that make a tensor of one shape from another: with a condition where the block's parameters decide."""
    axis = channels(new.type)
    if axis is None or new.type.rank != old.type.rank:
        return
    out, before = g.word(new, axis), g.word(old, axis)
    if out is None:
        return
    if axis == 1 and new.type.rank > 2:
        spatial = new.type.dims[2:] != old.type.dims[2:]
        named = [s for s in strides(g, within) if mentioned(s)]
        given = [s.span.text for s in (named or strides(g, within))]
        stride = given[0] if len(given) == 1 and (spatial or named) else _ratio(new, old) if spatial else ""
        norm = next((f" -> {c}" for c in NORMS if any(n.name == c for n in _names(within))), "")
        layer = f"conv({out}, 1{f', s={stride}' if stride else ''}){norm}"
        if len(named) == 1 and isinstance(named[0], tree.Conditional) and named[0].other.span.text == "1":
            turn, first = named[0].condition.span.text, named[0].then.span.text
            once = f"conv({out}, 1, s={first}){norm}"
            differs = f" or {before} != {out}" if before is not None and before != out else ""
            yield f"({once}) if {turn} and ({first} != 1{differs}) else id"
        if (words := out if not out.isdigit() else "") or (stride and not stride.isdigit()):
            differs = f"{before} != {out}" if before is not None and before != out and words else ""
            asks = " or ".join(filter(None, (f"{stride} != 1" if stride and not stride.isdigit() else "", differs)))
            if asks:
                yield f"({layer}) if {asks} else id"
        yield layer
    else:
        yield f"linear({out})"


def strides(g: Ground, within: object) -> list[tree.Expr]:
    """The strides that calls in a piece of syntax are given, but 1."""
    found = [a.value for c in g.calls(within) for a in c.arguments if a.name == "s"]
    return [s for s in found if not (isinstance(s, tree.Number) and s.value == 1)]


def _names(within: object) -> list[tree.Name]:
    return [node for node in walk(within) if isinstance(node, tree.Name)]


def _ratio(new: Value, old: Value) -> str:
    """By what the places of one map are fewer than those of another, at the first sizes that are numbers."""
    for a, b in zip(new.type.dims[2:], old.type.dims[2:], strict=False):
        if isinstance(a, int) and isinstance(b, int) and a and -(-b // a) > 1:
            return str(-(-b // a))
        for stride in (2, 3, 4, 8):
            if not isinstance(b, int) and str(a) in (str(b // stride), str((b + stride - 1) // stride)):
                return str(stride)
    return ""


def _called(call: tree.Call, *names: str) -> bool:
    return isinstance(call.target, tree.Name) and call.target.name in names


@mends(ShapeMismatch, JoinedSizes, Coincidence)
def stride_of_the_other_side(g: Ground) -> Iterator[Candidate]:
    """`residual(skip = conv(out, 1)):` of a body with a stride: the skip takes it too; or the body that of the skip."""
    call = suite_call(g)
    skip = g.named(call, "skip") if call is not None and _called(call, "residual") else None
    if call is None or skip is None:
        return
    for which, without, given in (("skip", skip.value, call.suite), ("body", call.suite, skip.value)):
        found = strides(g, given)
        layers = [c for c in g.calls(without) if c.target.span.text in STRIDED and not g.named(c, "s")]
        if len(found) != 1 or strides(g, without) or not layers:
            continue
        text, other = found[0].span.text, "body" if which == "skip" else "skip"
        for layer in layers[:2]:
            shown = short(g.with_argument(layer, f"s={text}"))
            said = f"the stride of the {other}, in the {which} too: `{shown}`"
            yield Candidate(said, (g.argument(layer, f"s={text}"),), group="stride")


@mends(ShapeMismatch, JoinedSizes, Coincidence)
def project_an_operand(g: Ground) -> Iterator[Candidate]:
    """`it + x` written by hand: the operand that was there before is projected to the shape of the other."""
    node = g.node
    if not isinstance(node, tree.Binary) or node.op not in ("+", "-") or len(g.inputs) != 2:
        return
    for side, new, old in ((node.right, *g.inputs), (node.left, *g.inputs[::-1])):
        other = node.left if side is node.right else node.right
        named = isinstance(side, tree.Name | tree.TickName)
        if not named and not (isinstance(side, tree.It) and not isinstance(other, tree.Name | tree.TickName)):
            continue
        for layer in _projections(g, g.block, new, old):
            if " if " in layer:
                continue
            shown = f"({side.span.text} -> {layer})"
            said = f"project `{side.span.text}` to the shape of the other: `{short(shown)}`"
            yield Candidate(said, (g.put(side.span, shown),))


# ---- other channels


@mends(ShapeMismatch)
def same_channels(g: Ground) -> Iterator[Candidate]:
    """The layer that made one side's channels makes those of the other."""
    if len(g.inputs) != 2:
        return
    left, right = g.inputs
    axis = channels(left.type) if channels(left.type) is not None else channels(right.type)
    if axis is None or left.type.rank != right.type.rank or left.type.dims[axis] == right.type.dims[axis]:
        return
    call = suite_call(g)
    sides = [(left, right)] if call is not None and _called(call, "residual") else [(right, left), (left, right)]
    for changed, kept in sides:
        made, word = maker(changed, axis), g.word(kept, axis)
        place = made.place if made is not None else None
        if place is not None and word is not None and g.own(place):
            said = f"make {kept.type.dims[axis]} channels, as the other side has: `{g.shown(place, word)}`"
            yield Candidate(said, (g.put(place, word),))


@mends(ShapeMismatch)
def project_the_tokens(g: Ground) -> Iterator[Candidate]:
    """As `project_the_skip`, of tokens."""
    call = suite_call(g)
    if call is not None and not g.named(call, "skip") and _called(call, "residual"):
        yield from _projected(g, call, *g.inputs)


@mends(WrongPort)
def declared_channels(g: Ground) -> Iterator[Candidate]:
    """A result, or a port, whose size the header says otherwise: the last layer makes what is asked for."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, WrongPort) or len(g.inputs) != 1 or mistake.axis is None:
        return
    made = maker(g.inputs[0], mistake.axis)
    place = made.place if made is not None else None
    if place is None or not g.own(place) or not mistake.asked:
        return
    result = mistake.end.port is None
    size, shown = g.inputs[0].type.dims[mistake.axis], g.shown(place, mistake.asked)
    said = f"make `{mistake.asked}` of them in the layer that makes {size}: `{shown}`"
    yield Candidate(said, (g.put(place, mistake.asked),))
    if result and mistake.spec is not None and g.own(mistake.spec):
        actual = g.word(g.inputs[0], mistake.axis) or ""
        yield Candidate(f"let the header say `{actual}`", (g.put(mistake.spec, actual),))


@mends(WrongPort)
def declared_map(g: Ground) -> Iterator[Candidate]:
    """A result whose map is smaller than the header says: without a stride, or brought back to that size."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, WrongPort) or len(g.inputs) != 1 or mistake.end.port is not None:
        return
    value, block = g.inputs[0], g.block
    if mistake.axis is None or mistake.axis < 2 or value.type.channel != 1 or block is None:
        return
    yield from _doubled_exactly(g, value, mistake.axis)
    yield from _places_more(g, value, mistake.axis)
    for step in way(value, mistake.axis):
        call = g.use(step.node.span) if step.node is not None else None
        given = g.named(call, "s") if isinstance(call, tree.Call) else None
        if isinstance(call, tree.Call) and given is not None:
            said = f"without its stride: `{short(call.span.text)}` without `{given.span.text}`"
            yield Candidate(said, (g.without_argument(call, given),), loses=True)
    last = block.suite.body[-1] if block.suite.body else None
    if g.call is not None and g.call.target.span.text == "upsample":
        return  # its own factor is what is wrong
    for like in [port.name for port in block.ports or ()]:
        if isinstance(last, tree.Step) and value.span is not None and last.span.end == value.span.end:
            shown = f"upsample(like={like})"
            said = f"at the end, to the size of `{like}`: `-> {shown}`"
            yield Candidate(said, (g.after(last.span, f" -> {shown}"),))


def _places_more(g: Ground, value: Value, axis: int) -> Iterator[Candidate]:
    """`deconv(8, 3, s=2, p=1)` makes one place less than twice as many; `op=1` adds it. One such, some, or all."""
    found: dict[int, tuple[tree.Call, int]] = {}
    for step in way(value, axis):
        call = g.use(step.node.span) if step.node is not None else None
        stride = g.named(call, "s") if isinstance(call, tree.Call) else None
        if not isinstance(call, tree.Call) or call.target.span.text != "deconv" or g.named(call, "op"):
            continue
        if stride is not None and isinstance(stride.value, tree.Number) and isinstance(stride.value.value, int):
            found[call.span.start] = call, stride.value.value
    several = [some for count in range(1, len(found) + 1) for some in combinations(found.values(), count)]
    for some in sorted(several[:SETS], key=lambda some: some[-1] is not list(found.values())[-1]):
        for more in range(1, max((stride for _, stride in some), default=1)):
            shown = "`, `".join(dict.fromkeys(short(g.with_argument(call, f"op={more}")) for call, _ in some))
            said = f"{more} more at the end of each axis, which rounding took: `{shown}`"
            yield Candidate(said, tuple(g.argument(call, f"op={more}") for call, _ in some), group="op")


def _doubled_exactly(g: Ground, value: Value, axis: int) -> Iterator[Candidate]:
    """`deconv(8, 4, s=2)` makes two places more than twice as many; `p=1` takes them off. All such, or one."""
    edits: dict[int, tuple[Edit, str]] = {}
    for step in way(value, axis):
        call = g.use(step.node.span) if step.node is not None else None
        if not isinstance(call, tree.Call) or call.target.span.text != "deconv" or g.named(call, "p"):
            continue
        kernel = g.named(call, "k") or next(iter(g.positional(call)[1:2]), None)
        numbers = [
            a.value.value if a is not None and isinstance(a.value, tree.Number) else None
            for a in (kernel, g.named(call, "s"))
        ]
        k, s = numbers
        if isinstance(k, int) and isinstance(s, int) and s > 1 and k > s and (k - s) % 2 == 0:
            text = f"p={(k - s) // 2}"
            edits[call.span.start] = g.argument(call, text), short(g.with_argument(call, text))
    for some in ([*edits], *([start] for start in edits if len(edits) > 1)):
        shown = "`, `".join(dict.fromkeys(edits[start][1] for start in some))
        said = f"without `p` it makes more than stride times as many places; exactly as many: `{shown}`"
        if some:
            yield Candidate(said, tuple(edits[start][0] for start in some), group="exact")
