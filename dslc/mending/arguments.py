"""Fixes for arguments: one too many, of another kind, out of range, or in PyTorch's order."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.bind.mistakes import (
    GivenTwice,
    MissingArgument,
    NotAChoice,
    OutOfRange,
    SurplusArgument,
    UnknownArgument,
    WrongType,
)
from dslc.bind.mistakes_body import WrongInputs
from dslc.diagnostics.model import Edit
from dslc.elaborate.mistakes.conditions import NotBool
from dslc.elaborate.mistakes.layers import NotASize
from dslc.elaborate.mistakes.values import BadIndex
from dslc.elaborate.mistakes.weights import TiedShape
from dslc.mending.ground import Candidate, Ground, short, walk
from dslc.mending.rules import mends
from dslc.ops.base import REGISTRY
from dslc.ops.errors import NoHalfPadding, TooSmall, WrongSides
from dslc.ops.errors_map import PoolPadding
from dslc.syntax import tree
from dslc.types.dim import Size, UnknownSize
from dslc.types.errors import BelowLeast
from dslc.values.mistakes import NotIterable, NotWhole, Undefined

POSITIONAL = {"linear": 1, "conv": 2, "deconv": 2}
"""How many arguments of a layer PyTorch writes after the channels that come in."""
NORMS = {"bn": 0, "inorm": 0, "ln": 0, "rmsnorm": 0, "gn": 1}
"""Norms, and how many arguments stand before the one where PyTorch has the channels."""


# ---- PyTorch's order


@mends(SurplusArgument, NoHalfPadding, GivenTwice)
def channels_in(g: Ground) -> Iterator[Candidate]:
    """`conv(3, 16, 3)`, `linear(16, 10)`: the channels that come in are written first, as in PyTorch."""
    call = g.call
    name = call.target.name if call is not None and isinstance(call.target, tree.Name) else ""
    if call is None or len(g.positional(call)) <= POSITIONAL.get(name, 1 if _own(g, name) else 9):
        return
    first = g.positional(call)[0]
    known = g.types[0].dims[1] if g.types else None
    stated = _number(first.value)
    if name not in POSITIONAL and stated is None:  # `unit(C, 16)` may be a block that takes them
        return
    if isinstance(known, int) and stated not in (None, known) and stated not in _made_before(g, call):
        return
    edits = [g.without_argument(call, first)]
    given = [a.span.text for a in call.arguments[1:]]
    written = f"`{name}({', '.join(given)})`"
    what = "channels" if name != "linear" else "features"
    said = f"the first argument of `{name}` is the {what} out; those that come in are not written: {written}"
    if name not in POSITIONAL:
        said = f"the channels that come in are not written: {written}"
    yield Candidate(said, tuple(edits), sole=True, certain=isinstance(known, int) and stated == known)


def _own(g: Ground, name: str) -> bool:
    """Whether a name is a block's, of this text or of a library."""
    used = (each.name for item in g.outline.items if isinstance(item, tree.Use) for _, each in item.names)
    return name[:1].islower() and (any(b.name == name and b.kind != "net" for b in g.blocks) or name in used)


@mends(TooSmall, BelowLeast)
def kernel_of_channels(g: Ground) -> Iterator[Candidate]:
    """`conv(3, 64, 7, 2, 3)` on three channels: a kernel of 64 fits no map, and 3 is what comes in."""
    given = g.positional(g.call) if g.call is not None else []
    if given and g.types and g.types[0].rank > 2 and _number(given[0].value) == g.types[0].dims[1]:
        yield from channels_in(g)


def _made_before(g: Ground, call: tree.Call) -> set[int | float | None]:
    """What calls before one have as their second argument: in that order, the channels that they make."""
    before = [c for c in g.calls(g.block) if c.span.end <= call.span.start and len(g.positional(c)) > 1]
    return {_number(g.positional(c)[1].value) for c in before}


def _number(expr: tree.Expr) -> int | float | None:
    return expr.value if isinstance(expr, tree.Number) else None


@mends(UnknownArgument)
def tensor_by_name(g: Ground) -> Iterator[Candidate]:
    """`embedding(ids=..)`: that is the tensor, which the chain gives."""
    call, mistake = g.call, g.diagnostic.mistake
    if not isinstance(mistake, UnknownArgument) or call is None or mistake.name not in _ports(mistake.layer):
        return
    given = g.named(call, mistake.name)
    if given is not None:
        said = f"`{mistake.name}` is the tensor that `{mistake.layer}` is applied to, no argument: leave it out"
        yield Candidate(said, (g.without_argument(call, given),), sole=True, certain=True)


def _ports(layer: str) -> tuple[str, ...]:
    """The names of an op's tensors."""
    op = REGISTRY.get(layer)
    return tuple(port.name for port in op.inputs) if op is not None else ()


@mends(SurplusArgument)
def without_it(g: Ground) -> Iterator[Candidate]:
    """An argument that the layer does not take is left out."""
    call = g.call
    given = next((a for a in call.arguments if a.span == g.span), None) if call is not None else None
    if call is not None and given is not None:
        rest = ", ".join(a.span.text for a in call.arguments if a is not given)
        shown = f"{call.target.span.text}({rest})" if rest else call.target.span.text
        yield Candidate(f"leave it out: `{short(shown)}`", (g.without_argument(call, given),))


# ---- padding


@mends(NoHalfPadding)
def written_padding(g: Ground) -> Iterator[Candidate]:
    """The paddings that a window without a middle may have, with the size that each makes."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, NoHalfPadding) or call is None or g.named(call, "p"):
        return
    reach = mistake.dilation * (mistake.kernel - 1)
    exact = (reach + 1 - mistake.stride) / 2  # every stride's places make one, with none left over
    paddings = {padding for padding in (0, reach // 2, int(exact)) if padding >= 0}
    for padding in sorted(paddings, key=lambda padding: (abs(padding - exact), padding)):
        shown = short(g.with_argument(call, f"p={padding}"))
        made = _made(g, mistake, padding)
        zeros = f"{padding} place{'s' if padding > 1 else ''} of zeros on each side"
        what = zeros if padding else "the first window begins at the edge"
        yield Candidate(f"`{shown}`: {what}{made}", (g.argument(call, f"p={padding}"),), reveals=True)


def _made(g: Ground, mistake: NoHalfPadding, padding: int) -> str:
    """What a padding makes of the first size of the map: `, 32 places become 16`."""
    if not g.types or g.types[0].rank < 3 or isinstance(g.types[0].dims[2], UnknownSize):
        return ""
    size: Size = g.types[0].dims[2]
    if "?" in str(size):
        return ""
    made = (size + 2 * padding - mistake.dilation * (mistake.kernel - 1) - 1) // mistake.stride + 1
    return f", {size} places become {made}"


# ---- kinds of values


@mends(WrongType)
def whole_number(g: Ground) -> Iterator[Candidate]:
    """A float where a whole number is wanted: `//` for `/`, or `int(..)`."""
    mistake = g.diagnostic.mistake
    expr = g.outline.find(g.span)
    if not isinstance(mistake, WrongType) or "whole number" not in mistake.wanted or expr is None:
        return
    if not mistake.found.startswith("the number"):
        return
    value = mistake.found.removeprefix("the number ")
    exact = float(value).is_integer()  # else it may be rounded down, up, or be a slip
    slashes = [n for n in walk(expr) if isinstance(n, tree.Binary) and n.op == "/"]
    if slashes:
        edits = tuple(_operator(g, node, "//") for node in slashes)
        text = expr.span.text
        for edit in sorted(edits, key=lambda e: -e.span.start):
            at = edit.span.start - expr.span.start
            text = f"{text[:at]}//{text[at + 1 :]}"
        yield Candidate(f"`//` divides whole numbers, without a rest: `{short(text)}`", edits, sole=True, certain=exact)
    if not isinstance(expr, tree.Number):
        said = f"`int(..)` makes {int(float(value))} of {value}: `int({short(expr.span.text)})`"
        yield Candidate(said, (g.before(expr.span, "int("), g.after(expr.span, ")")), certain=exact)
    else:
        whole = int(expr.value)
        yield Candidate(f"a whole number: `{whole}`", (g.put(expr.span, str(whole)),), certain=exact)


def _operator(g: Ground, node: tree.Binary, text: str) -> Edit:
    at = g.source.text.index(node.op, node.left.span.end, node.right.span.start)
    return g.edit(at, at + len(node.op), text)


@mends(WrongType)
def truth_value(g: Ground) -> Iterator[Candidate]:
    """`bias=0`: yes or no is `true` or `false`."""
    mistake, expr = g.diagnostic.mistake, g.outline.find(g.span)
    if not isinstance(mistake, WrongType) or not isinstance(expr, tree.Number) or expr.value not in (0, 1):
        return
    if "true or false" in mistake.wanted:
        word = "true" if expr.value else "false"
        yield Candidate(f"write `{g.shown(expr.span, word)}`", (g.put(expr.span, word),), certain=True)


@mends(WrongType)
def of_another_parameter(g: Ground) -> Iterator[Candidate]:
    """`lstm(64, 2, 0.2)`: the place is another parameter's; the one that takes such a value is given by its name."""
    mistake, call = g.diagnostic.mistake, g.call
    given = next((a for a in g.positional(call) if a.value.span == g.span), None) if call is not None else None
    if not isinstance(mistake, WrongType) or call is None or given is None:
        return
    value = _literal(given.value)
    if value is None:
        return
    taken = {a.name for a in call.arguments} | {mistake.name}
    placed = len(g.positional(call))
    open_ = [n for i, n in enumerate(_taking(g, call.target.span.text, value)) if n and i >= placed - 1]
    names = [name for name in open_ if name not in taken]
    kind = "text" if isinstance(value, str) else "true or false" if isinstance(value, bool) else "a fraction"
    for name in names if len(names) == 1 else ():
        shown = short(g.shown(given.span, f"{name}={given.span.text}"))
        said = f"{kind} at this place is meant for `{name}`, which is given by its name: `{shown}`"
        if given is g.positional(call)[-1] or value in (True, False):
            yield Candidate(said, (g.before(given.span, f"{name}="),), sole=True)


def _literal(expr: tree.Expr) -> int | float | str | bool | None:
    """The value that is written right there."""
    if isinstance(expr, tree.Word):
        return {"true": True, "false": False}.get(expr.span.text)
    if isinstance(expr, tree.Text):
        return expr.span.text
    return expr.value if isinstance(expr, tree.Number) else None


def _taking(g: Ground, layer: str, value: object) -> list[str]:
    """The parameters of a layer in their order, each by its name where it takes a value of this type, else empty."""
    wanted = "str" if isinstance(value, str) else "bool" if isinstance(value, bool) else "float"
    if wanted == "float" and not isinstance(value, float):
        return []
    op = REGISTRY.get(layer)
    if op is not None:
        kinds = {"str": "Str", "bool": "Bool", "float": "Float"}
        return [n if type(a.kind).__name__ == kinds[wanted] else "" for n, a in op.attributes.items()]
    block = next((b for b in g.blocks if b.name == layer), None)
    typed = block.parameters or () if block is not None else ()
    return [p.name if p.type is not None and p.type.span.text.rstrip("?") == wanted else "" for p in typed]


@mends(WrongType)
def layers_for_tensors(g: Ground) -> Iterator[Candidate]:
    """`concat(mean(1), amax(1))`: layers, each of which makes a tensor of the current value."""
    mistake, call = g.diagnostic.mistake, g.call
    call = (
        g.outline.around(g.outline.parents.get(call), tree.Call) if call is not None and call.span == g.span else call
    )
    if not isinstance(mistake, WrongType) or call is None or call.target.span.text not in ("concat", "stack", "cat"):
        return
    given = [a for a in call.arguments if a.name is None and isinstance(a.value, tree.Call | tree.Name)]
    for more in ("", ", keep=true"):
        edits, texts = [], []
        for argument in given:
            text = argument.value.span.text
            if more and text.split("(")[0] in ("mean", "amax", "amin", "sum") and text.endswith(")"):
                text = f"{text[:-1]}{more})"
            texts.append(f"it -> {text}")
            edits.append(g.put(argument.value.span, f"it -> {text}"))
        shown = f"{call.target.span.text}({', '.join(texts)})"
        yield Candidate(f"each makes a tensor of the current value: `{short(shown)}`", tuple(edits), group="it")


@mends(Undefined, NotWhole, BadIndex, NotASize)
def whole_division(g: Ground) -> Iterator[Candidate]:
    """`range(depth / 2)`: `/` makes a float, also where there is no rest."""
    node = g.node
    slashes = [n for n in walk(node) if isinstance(n, tree.Binary) and n.op == "/"]
    if node is not None and slashes and len(node.span.text) < 200:
        edits = tuple(_operator(g, slash, "//") for slash in slashes)
        text = node.span.text
        for edit in sorted(edits, key=lambda e: -e.span.start):
            at = edit.span.start - node.span.start
            text = f"{text[:at]}//{text[at + 1 :]}"
        said = f"`//` divides whole numbers, without a rest: `{short(text)}`"
        yield Candidate(said, edits, certain=True)


@mends(WrongType)
def list_of_tensors(g: Ground) -> Iterator[Candidate]:
    """`concat([a, b], 1)`: the tensors are given one by one, the axis by its name."""
    call = g.call
    first = call.arguments[0] if call is not None and call.arguments else None
    if call is None or first is None or not isinstance(first.value, tree.List) or first.value.span != g.span:
        return
    items = [i.span.text for i in first.value.items]
    axis = [a for a in call.arguments[1:] if a.name in (None, "axis")]
    name = call.target.span.text
    closing = call.span.end
    for text in ([f"axis={a.value.span.text}" for a in axis], []) if axis else ([],):
        shown = f"{name}({', '.join([*items, *text])})"
        where = "; channels are its axis unless told otherwise" if not text else ""
        edit = g.edit(call.span.start, closing, shown)
        if not text or _number(axis[0].value) != 1:
            yield Candidate(f"tensors are given one by one: `{short(shown)}`{where}", (edit,), sole=True, certain=True)


@mends(WrongType)
def named_list_of_tensors(g: Ground) -> Iterator[Candidate]:
    """`concat(maps)`: a star gives the tensors of a list one by one."""
    call = g.call
    first = call.arguments[0] if call is not None and call.arguments else None
    if call is not None and first is not None and isinstance(first.value, tree.Name) and first.value.span == g.span:
        shown = g.shown(first.span, f"*{first.span.text}")
        said = f"`*` gives the tensors of a list one by one: `{shown}`"
        yield Candidate(said, (g.before(first.span, "*"),), certain=True)


@mends(WrongType)
def scaled_by_a_number(g: Ground) -> Iterator[Candidate]:
    """`scale(0.5)`: that combinator takes a suite; a tensor times a number is arithmetic."""
    call = g.call
    if call is not None and call.target.span.text == "scale" and len(call.arguments) == 1:
        factor = call.arguments[0].span.text
        shown = f"(it * {factor})" if len(g.chain(g.step)) > 1 else f"it * {factor}"
        said = f"`scale` multiplies by what its suite makes; by a number: `{shown}`"
        yield Candidate(said, (g.put(call.span, shown),), certain=True)


@mends(WrongType, SurplusArgument)
def full_connection(g: Ground) -> Iterator[Candidate]:
    """`dense(10)`: Keras' layer of that name is `linear`; here `dense` joins its input with what its suite makes."""
    call = g.call
    first = g.positional(call)[:1] if call is not None and call.suite is None else []
    if call is not None and call.target.span.text == "dense" and first and g.span.start >= call.target.span.end:
        shown = f"linear{g.source.text[call.target.span.end : call.span.end]}"
        said = f"`dense` joins the input with what its suite makes; a full connection is `{short(shown)}`"
        yield Candidate(said, (g.put(call.target.span, "linear"),), sole=True)


@mends(NotAChoice)
def same_padding(g: Ground) -> Iterator[Candidate]:
    """`p="same"`: `half`, the default, keeps the size at stride 1; TensorFlow's at other strides is `same_tf`."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, NotAChoice) or mistake.name != "p" or call is None:
        return
    given = next((a for a in call.arguments if a.value.span == g.span), None)
    if given is None or not mistake.value.lower().startswith("same"):
        return
    stride = next((a.value for a in call.arguments if a.name in ("s", "stride", "strides")), None)
    pools = call.target.span.text.endswith("pool")  # their stride is their size
    if given.name is not None and not pools and (stride is None or stride.span.text == "1"):
        said = "`half`, the default, keeps the size at stride 1: leave it out"
        yield Candidate(said, (g.without_argument(call, given),), sole=True)
    yield Candidate("TensorFlow's padding is `same_tf`: `p=same_tf`", (g.put(g.span, "same_tf"),), sole=True)


@mends(NotAChoice, WrongType)
def channels_of_a_norm(g: Ground) -> Iterator[Candidate]:
    """`ln(64)`, `bn(16)`: how many channels there are is known, and not written."""
    call = g.call
    name = call.target.span.text if call is not None else ""
    if call is None or name not in NORMS or len(g.positional(call)) <= NORMS[name]:
        return
    given = g.positional(call)[NORMS[name]]
    if given.value.span != g.span or (isinstance(given.value, tree.Number) and isinstance(given.value.value, float)):
        return
    rest = ", ".join(a.span.text for a in call.arguments if a is not given)
    shown = f"{name}({rest})" if rest else name
    said = f"the channels are known, and not written: `{short(shown)}`"
    yield Candidate(said, (g.without_argument(call, given),), sole=True)


@mends(WrongInputs, MissingArgument)
def operator_for_a_call(g: Ground) -> Iterator[Candidate]:
    """`add(a, b)`: two tensors are added by `+`."""
    call = g.call
    name = call.target.span.text if call is not None else ""
    operators = {"add": "+", "scale": "*", "residual": "+"}
    if call is None or name not in operators or len(call.arguments) < 2 or any(a.name for a in call.arguments):
        return
    joined = f" {operators[name]} ".join(_operand(a.value) for a in call.arguments)
    parent = g.outline.parents.get(call)
    shown = joined if isinstance(parent, tree.Step | tree.Assign) else f"({joined})"
    said = f"`{name}` joins what a suite makes; tensors are joined by `{operators[name]}`: `{short(shown)}`"
    yield Candidate(said, (g.put(call.span, shown),), certain=True)


def _operand(expr: tree.Expr) -> str:
    plain = isinstance(expr, tree.Name | tree.It | tree.Call | tree.Index | tree.Number | tree.TickName)
    return expr.span.text if plain else f"({expr.span.text})"


@mends(NotBool)
def compared(g: Ground) -> Iterator[Candidate]:
    """A number or a value that may be missing as a condition: it is compared."""
    mistake, expr = g.diagnostic.mistake, g.outline.find(g.span)
    if not isinstance(mistake, NotBool) or expr is None:
        return
    number = mistake.found.startswith(("the number", "the size"))
    other = "0" if number else "none"
    if isinstance(expr, tree.Name | tree.Attribute | tree.Index | tree.Call):
        shown = f"{expr.span.text} != {other}"
        yield Candidate(f"compare it: `{shown}`", (g.put(expr.span, shown),), certain=True)


@mends(NotIterable)
def ranged(g: Ground) -> Iterator[Candidate]:
    """`for i in 3`: a range of numbers."""
    mistake, expr = g.diagnostic.mistake, g.outline.find(g.span)
    if isinstance(mistake, NotIterable) and expr is not None and mistake.found.startswith("the number"):
        shown = f"range({expr.span.text})"
        yield Candidate(f"so many turns: `{shown}`", (g.put(expr.span, shown),), certain=True)


# ---- numbers


@mends(OutOfRange)
def in_range(g: Ground) -> Iterator[Candidate]:
    """A percentage as a fraction; else the nearest number that is allowed."""
    mistake, expr = g.diagnostic.mistake, g.outline.find(g.span)
    if not isinstance(mistake, OutOfRange) or not isinstance(expr, tree.Number | tree.Unary):
        return
    value, least, most = mistake.value, mistake.least, mistake.most
    if not isinstance(value, int | float) or str(value) != expr.span.text.replace(" ", ""):
        return
    if (least, most) == (0, 1) and 1 < value <= 100:
        yield Candidate(f"a part of 1: `{value / 100:g}` is {value} %", (g.put(expr.span, f"{value / 100:g}"),))
        return
    if least is not None and value < least and -value >= least and value:
        yield Candidate(f"without the sign: `{-value:g}`", (g.put(expr.span, f"{-value:g}"),))
    bound = least if least is not None and value < least else most
    if bound is not None:
        which = "least" if bound == least else "most"
        yield Candidate(f"the {which} that is allowed: `{bound:g}`", (g.put(expr.span, f"{bound:g}"),))


@mends(WrongSides)
def sides(g: Ground) -> Iterator[Candidate]:
    """A size with as many sides as the map has axes."""
    mistake = g.diagnostic.mistake
    if isinstance(mistake, WrongSides) and len(set(mistake.value)) == 1:
        number = str(mistake.value[0])
        yield Candidate(f"`{number}` on every axis", (g.put(g.span, number),), certain=True)
    elif isinstance(mistake, WrongSides) and len(mistake.value) > mistake.axes:
        text = "x".join(map(str, mistake.value[-mistake.axes :]))
        yield Candidate(f"of {mistake.axes} axes: `{text}`", (g.put(g.span, text),))


@mends(PoolPadding)
def pool_padding(g: Ground) -> Iterator[Candidate]:
    """The largest padding that a pool may have."""
    mistake = g.diagnostic.mistake
    if isinstance(mistake, PoolPadding) and isinstance(g.outline.find(g.span), tree.Number):
        yield Candidate(f"half of the kernel: `{mistake.kernel // 2}`", (g.put(g.span, str(mistake.kernel // 2)),))


@mends(TiedShape)
def tied_outputs(g: Ground) -> Iterator[Candidate]:
    """A layer whose weight is another's has as many outputs as that weight has rows."""
    mistake, call = g.diagnostic.mistake, g.call
    first = g.positional(call)[0] if call is not None and g.positional(call) else None
    if isinstance(mistake, TiedShape) and first is not None:
        rows = mistake.found.strip("[]").split(",")[0]
        yield Candidate(f"that weight has {rows} rows: `{rows}`", (g.put(first.value.span, rows),))
