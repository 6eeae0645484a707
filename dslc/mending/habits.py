"""Fixes for what people write by habit: quotes, lists for sizes, names given again, growing lists, imports."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dslc.bind.mistakes import GivenTwice, WrongType
from dslc.bind.mistakes_body import NoSuite, TrainingCondition, WrongCount
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Edit
from dslc.elaborate.mistakes.flow import NotALayer
from dslc.elaborate.mistakes.layers import ExternTarget, NamesNoLayer
from dslc.elaborate.mistakes.tensors import NoTensorValue
from dslc.elaborate.mistakes.values import BadGrow, NoAttribute, NoItems, TensorLet
from dslc.mending.ground import Candidate, Ground, short, walk
from dslc.mending.rules import mends
from dslc.names.errors import BoundTwice, ImportMissing, ImportUnknown
from dslc.ops.base import REGISTRY
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.mistakes.expressions import ForTarget, Target
from dslc.syntax.mistakes.text import OpenString
from dslc.values.mistakes import NotIterable, Undefined

# ---- text

STRING_ENDS = re.compile(r"\s*(?:[),\]}]|->|#|$)")


@mends(OpenString)
def closed_string(g: Ground) -> Iterator[Candidate]:
    """A string without its second quote ends before a bracket, a comma or an arrow, or with its line."""
    text, source = g.span.text, g.span.source
    for at in range(1, len(text) + 1):
        if not text[at - 1].isspace() and STRING_ENDS.match(text, at):
            place = Span(source, g.span.start + at, g.span.start + at)
            closed = short(text[:at] + text[0])
            shown = f"`` {closed} ``" if text[0] == "`" else f"`{closed}`"
            yield Candidate(f"close it: {shown}", (g.put(place, text[0]),), group="close")


# ---- values


@mends(WrongType)
def without_quotes(g: Ground) -> Iterator[Candidate]:
    """`act="gelu"`, `conv("16", 3)`: a layer, an initialiser or a number is no text."""
    expr = g.outline.find(g.span)
    if isinstance(expr, tree.Text) and len(expr.pieces) == 1 and isinstance(expr.pieces[0], str):
        inside = expr.pieces[0]
        if inside.isidentifier() or inside.isdigit():
            yield Candidate(
                f"without its quotes: `{g.shown(expr.span, inside)}`", (g.put(expr.span, inside),), certain=True
            )


@mends(WrongType)
def sides(g: Ground) -> Iterator[Candidate]:
    """`conv(16, [3, 3])`: a size has its sides with `x` between."""
    mistake, expr = g.diagnostic.mistake, g.outline.find(g.span)
    if isinstance(mistake, WrongType) and "size" in mistake.wanted and isinstance(expr, tree.List | tree.Tuple):
        size = "x".join(item.span.text for item in expr.items)
        if all(isinstance(item, tree.Number) for item in expr.items) and len(expr.items) > 1:
            yield Candidate(
                f"a size is written `{size}`: `{g.shown(expr.span, size)}`", (g.put(expr.span, size),), certain=True
            )


@mends(WrongType)
def activation_of_a_width(g: Ground) -> Iterator[Candidate]:
    """`gelu(16)`: an activation has no width; the number is left out, or a layer was meant before it."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, WrongType) or call is None or "number" in mistake.wanted or len(call.arguments) != 1:
        return
    value, name = call.arguments[0].value, call.target.span.text
    if call.arguments[0].name is None and isinstance(value, tree.Number) and mistake.layer == name:
        yield Candidate(f"leave it out: `{name}`", (g.put(call.span, name),))
        shown = f"linear({value.span.text}) -> {name}"
        yield Candidate(f"if so many features are wanted: `{shown}`", (g.put(call.span, shown),))


@mends(NoItems)
def round_brackets(g: Ground) -> Iterator[Candidate]:
    """`conv[16, 3]`: arguments stand in round brackets."""
    index = g.outline.find(g.span)
    if isinstance(index, tree.Index) and isinstance(index.value, tree.Name):
        given = ", ".join(item.span.text for item in index.items)
        shown = f"{index.value.span.text}({given})"
        yield Candidate(f"arguments stand in round brackets: `{shown}`", (g.put(index.span, shown),), certain=True)


@mends(GivenTwice)
def given_once(g: Ground) -> Iterator[Candidate]:
    """An argument by its place and by its name: one of them."""
    mistake, call = g.diagnostic.mistake, g.call
    named = g.named(call, mistake.name) if isinstance(mistake, GivenTwice) and call is not None else None
    if call is None or named is None or not isinstance(mistake, GivenTwice):
        return
    op, placed = REGISTRY.get(mistake.layer), g.positional(call)
    at = list(op.attributes).index(mistake.name) if op is not None and mistake.name in op.attributes else len(placed)
    left = g.without_argument(call, named)
    if at < len(placed):
        value = named.value.span.text
        given = [value if a is placed[at] else a.span.text for a in call.arguments if a is not named]
        yield Candidate(_called(call, given), (g.put(placed[at].span, value), left))
    yield Candidate(_called(call, [a.span.text for a in call.arguments if a is not named]), (left,))


def _called(call: tree.Call, given: list[str]) -> str:
    shown = f"{call.target.span.text}({', '.join(given)})" if given else call.target.span.text
    shown += ":" * (call.suite is not None)
    return f"once: `{short(shown)}`"


@mends(NotIterable)
def not_spread(g: Ground) -> Iterator[Candidate]:
    """`concat(*a, b)`: one tensor is no list."""
    call = g.call
    given = next((a for a in call.arguments if a.star and a.span.start == g.span.start), None) if call else None
    if call is not None and given is not None:
        shown = given.value.span.text
        yield Candidate(
            f"`*` spreads a list, and this is one value: `{shown}`", (g.put(given.span, shown),), certain=True
        )


# ---- lists


@mends(BadGrow, NoAttribute)
def grown(g: Ground) -> Iterator[Candidate]:
    """`maps += it`, `maps.append(it)`: a list grows by a list."""
    for line in walk(g.block):
        if not isinstance(line, tree.Grow | tree.Step) or not line.span.start <= g.span.start < line.span.end:
            continue
        value = line.value
        if isinstance(line, tree.Grow):
            shown = f"{line.target.name} += [{value.span.text}]"
            yield Candidate(
                f"a list grows by a list: `{shown}`", (g.put(value.span, f"[{value.span.text}]"),), certain=True
            )
        elif (
            isinstance(value, tree.Call) and isinstance(value.target, tree.Attribute) and value.target.name == "append"
        ):
            items = ", ".join(a.span.text for a in value.arguments)
            shown = f"{value.target.value.span.text} += [{items}]"
            yield Candidate(f"a list grows by a list: `{shown}`", (g.put(value.span, shown),), certain=True)


@mends(BadGrow)
def list_to_grow(g: Ground) -> Iterator[Candidate]:
    """`maps += [it]` without `let maps = []`: the list that is meant, or a new one before the outermost `for`."""
    mistake, block = g.diagnostic.mistake, g.block
    line = next((n for n in walk(block) if isinstance(n, tree.Grow) and n.span == g.span), None)
    if not isinstance(mistake, BadGrow) or not mistake.unknown or line is None or block is None:
        return
    name = line.target.name
    above = [n for n in walk(block) if isinstance(n, tree.Let) and n.span.end <= line.span.start]
    lists = [n.target.name for n in above if isinstance(n.value, tree.List)]
    meant = nearest(name, lists) or (lists[0] if len(lists) == 1 and name not in _read(block, line) else None)
    if meant is not None:
        shown = f"{meant} += {line.value.span.text}"
        yield Candidate(f"the list `{meant}` grows: `{shown}`", (g.put(line.target.span, meant),), sole=True)
    first = next((s for s in block.suite.body if s.span.start <= line.span.start < s.span.end), None)
    if first is not None:
        start = g.line_start(first.span.start)
        indent = g.source.text[start : first.span.start]
        if not indent.strip():
            edit = g.edit(start, start, f"{indent}let {name} = []\n")
            yield Candidate(
                f"begin with an empty list: `let {name} = []` above line {first.span.line}", (edit,), reveals=True
            )


def _read(block: tree.Block, line: tree.Grow) -> set[str]:
    """The names that a block reads below a line."""
    return {n.name for n in walk(block) if isinstance(n, tree.Name) and n.span.start > line.span.end}


@mends(WrongCount)
def parts_of_a_turn(g: Ground) -> Iterator[Candidate]:
    """`for i, c, k in enumerate(table)`: the parts are those of the item, by their index; a name too many goes."""
    mistake = g.diagnostic.mistake
    loop = next((n for n in walk(g.block) if isinstance(n, tree.For) and n.targets[0].span.start == g.span.start), None)
    if not isinstance(mistake, WrongCount) or not mistake.loop or loop is None:
        return
    names = [target.name for target in loop.targets]
    ends = loop.targets[-1].span.end
    read = [n for n in walk(loop.suite) if isinstance(n, tree.Name) and n.name in names[1:]]
    source = loop.source
    called = source.target.span.text if isinstance(source, tree.Call) else ""
    if called == "enumerate" and mistake.values == 2 and len(names) > 2:
        item = next(n for n in ("item", "pair", "each", "item_2") if not re.search(rf"\b{n}\b", g.source.text))
        edits = [g.put(n.span, f"{item}[{names.index(n.name) - 1}]") for n in read]
        parts = " and ".join(f"`{item}[{at}]` for `{name}`" for at, name in enumerate(names[1:]))
        said = f"`enumerate` gives a number and the item: `for {names[0]}, {item} in ..`, with {parts}"
        yield Candidate(said, (g.edit(loop.targets[1].span.start, ends, item), *edits), sole=True)
    elif mistake.values < len(names):
        unread = [n for n in names if n not in {each.name for each in read} | {names[0]}]
        for name in unread if len(names) - mistake.values == 1 else ():
            kept = ", ".join(n for n in names if n != name)
            said = f"nothing reads `{name}`: `for {kept} in ..`"
            yield Candidate(said, (g.edit(g.span.start, ends, kept),))
    else:
        more = "".join(f", part_{at + 1}" for at in range(len(names), mistake.values))
        said = f"a name for each part: `for {', '.join(names)}{more} in ..`"
        yield Candidate(said, (g.edit(ends, ends, more),))


@mends(ForTarget)
def part_of_an_item(g: Ground) -> Iterator[Candidate]:
    """`for i, (c, k) in ..`: the inner pair has a name, and its parts are taken by their index."""
    text, start = g.source.text, g.line_start(g.span.start)
    line = text[start : g.line_end(start)]
    if not _NAMES.fullmatch(g.span.text) or not line.lstrip().startswith("for "):
        return
    names, depth = re.findall(r"\w+", g.span.text), len(line) - len(line.lstrip())
    end = g.line_end(start)
    while end < len(text):  # the lines of its suite are deeper
        following = text[end + 1 : g.line_end(end + 1)]
        if following.strip() and len(following) - len(following.lstrip()) <= depth:
            break
        end = g.line_end(end + 1)
    item = next(
        name
        for name in ("item", "pair", "each", *(f"item_{n}" for n in range(2, 99)))
        if not re.search(rf"\b{name}\b", text)
    )
    reads = re.compile(rf"(?<![.\w])({'|'.join(names)})\b(?!\s*=(?!=))")
    parts = [g.edit(m.start(), m.end(), f"{item}[{names.index(m[1])}]") for m in reads.finditer(text, g.span.end, end)]
    shown = " and ".join(f"`{item}[{at}]`" for at in range(len(names)))
    yield Candidate(f"name the whole, `{item}`, and its parts {shown}", (g.put(g.span, item), *parts))


@mends(Target)
def one_name_a_line(g: Ground) -> Iterator[Candidate]:
    """`let c, k = item`: a `let` gives one name, and each part has a line of its own."""
    text = g.source.text
    line = _LET.match(text, g.line_start(g.span.start))
    if line is None or line.start("names") != g.span.start:
        return
    names = [name.strip() for name in line["names"].split(",")]
    given = [part.strip() for part in line["value"].strip("()").split(",")]
    if len(given) == 1:
        given = [f"{given[0]}[{at}]" for at in range(len(names))]
    if len(given) == len(names):
        lets = [f"let {name} = {value}" for name, value in zip(names, given, strict=True)]
        edit = g.edit(line.start("let"), line.end("value"), f"\n{line['indent']}".join(lets))
        yield Candidate(f"one name a line: {', '.join(f'`{each}`' for each in lets)}", (edit,))


_LET = re.compile(
    r"(?P<indent> *)(?P<let>let) +(?P<names>[A-Za-z_]\w*(?: *, *[A-Za-z_]\w*)+) *= *"
    r"(?P<value>[\w.]+(?: *, *[\w.]+)*|\([\w.]+(?: *, *[\w.]+)*\)) *(?=#|\n|$)"
)
_NAMES = re.compile(r"[(\[]\s*[A-Za-z_]\w*(\s*,\s*[A-Za-z_]\w*)*\s*,?\s*[)\]]")

# ---- lines


@mends(BoundTwice)
def moves_the_chain(g: Ground) -> Iterator[Candidate]:
    """`x = x + y`: a line without `=` moves the chain."""
    if _is_chain(g):
        return
    for line in walk(g.block):
        if isinstance(line, tree.Assign) and len(line.targets) == 1 and line.targets[0].span == g.span:
            shown = short(line.value.span.text)
            said = f"a line without `=` moves the chain: `{shown}`"
            yield Candidate(said, (g.edit(line.span.start, line.value.span.start, ""),))


@mends(TensorLet)
def without_let(g: Ground) -> Iterator[Candidate]:
    """`let y = relu(it)`: a tensor is named by its line alone."""
    for line in walk(g.block):
        if isinstance(line, tree.Let) and line.span == g.span:
            shown = line.span.text.removeprefix("let").lstrip()
            said = f"a tensor is named without `let`: `{short(shown)}`"
            yield Candidate(said, (g.edit(line.span.start, line.target.span.start, ""),))


@mends(Undefined)
def function_or_layer(g: Ground) -> Iterator[Candidate]:
    """`-> sum(1)`: of a number that is the function; the layer is given its axis by name, or the tensor."""
    call = g.outline.find(g.span)
    if isinstance(call, tree.Call) and call.target.span.text == "sum" and len(call.arguments) == 1:
        axis = call.arguments[0].span.text
        shown = f"sum(axis={axis})"
        yield Candidate(f"the axis of the layer is given by name: `{shown}`", (g.put(call.span, shown),), group="sum")
        shown = f"sum(it, {axis})"
        yield Candidate(f"the layer is given its tensor: `{shown}`", (g.put(call.span, shown),), group="sum")


@mends(NamesNoLayer)
def tensors_first(g: Ground) -> Iterator[Candidate]:
    """`merge(a, b, k=3) as name`: a layer that is named takes its tensors by an arrow."""
    found = g.outline.find(g.span)
    call = found.value if isinstance(found, tree.As) else found
    if not isinstance(call, tree.Call) or call.suite is not None:
        return
    placed = g.positional(call)
    for count in range(len(placed), 0, -1):
        tensors = [a.span.text for a in placed[:count]]
        rest = ", ".join(a.span.text for a in call.arguments if a not in placed[:count])
        flow = tensors[0] if count == 1 else f"({', '.join(tensors)})"
        shown = f"{flow} -> {call.target.span.text}{f'({rest})' if rest else ''}"
        yield Candidate(f"the tensors come by an arrow: `{short(shown)} as ..`", (g.put(call.span, shown),), sole=True)


def _is_chain(g: Ground) -> bool:
    """Whether all lines that give a name again are mended as one chain."""
    return isinstance(g.diagnostic.mistake, BoundTwice) and g.diagnostic.mistake.lines > 0


@mends(BoundTwice)
def another_name(g: Ground) -> Iterator[Candidate]:
    """`y = y -> relu`: a name of its own, which later lines read."""
    name, names = g.span.text, list(walk(g.block))
    line = next((n for n in names if isinstance(n, tree.Assign) and any(t.span == g.span for t in n.targets)), None)
    if line is None or not name.isidentifier() or _is_chain(g):
        return
    above = [n for n in names if isinstance(n, tree.Assign) and n.span.start < line.span.start]
    again = sum(t.span.text == name for n in above for t in n.targets)
    given = {n.name for n in names if isinstance(n, tree.Name)}
    new = next(new for i in range(max(again, 1) + 1, 999) if (new := f"{name}_{i}") not in given)
    later = [n for n in names if isinstance(n, tree.Name) and n.name == name and n.span.start > line.span.end]
    edits = [g.put(g.span, new), *(g.put(n.span, new) for n in later)]
    yield Candidate(f"a name of its own from here on: `{new}`", tuple(edits))


@mends(NotALayer)
def no_module(g: Ground) -> Iterator[Candidate]:
    """`module y = it`: a `module` is a layer, and a tensor is named by `=`."""
    for line in walk(g.block):
        if not isinstance(line, tree.ModuleDef):
            continue
        if line.span.start <= g.span.start < line.span.end:
            shown = line.span.text.removeprefix("module").lstrip()
            said = f"a tensor is named without `module`: `{short(shown)}`"
            yield Candidate(said, (g.edit(line.span.start, line.target.span.start, ""),))


@mends(NoSuite)
def bars(g: Ground) -> Iterator[Candidate]:
    """`concat:` with lines that do not begin with `|`."""
    mistake, call = g.diagnostic.mistake, g.call
    suite = call.suite if call is not None else None
    if isinstance(mistake, NoSuite) and mistake.parameter == "body" and suite is not None and len(suite.body) > 1:
        edits = [g.before(line.span, "| ") for line in suite.body]
        said = f"each branch begins with a bar: `| {short(suite.body[0].span.text)}`"
        yield Candidate(said, tuple(edits), certain=True)


@mends(NoTensorValue)
def first_values(g: Ground) -> Iterator[Candidate]:
    """A `param` without a value: what the usual ones begin with."""
    for line in walk(g.block):
        if isinstance(line, tree.TensorDef) and line.span.start <= g.span.start < line.span.end:
            for value in ("zeros", "ones", "normal(std=0.02)"):
                yield Candidate(f"to begin with: `= {value}`", (g.after(line.span, f" = {value}"),))


@mends(TrainingCondition)
def in_training(g: Ground) -> Iterator[Candidate]:
    """`if training: dropout`: the choice between two layers, of which one does nothing."""
    for line in walk(g.block):
        if isinstance(line, tree.If) and len(line.branches) == 1 and line.span.start <= g.span.start < line.span.end:
            body = line.branches[0][1].body
            if len(body) == 1 and isinstance(body[0], tree.Step):
                shown = f"({body[0].value.span.text} if training else id)"
                yield Candidate(f"in training alone: `{shown}`", (g.put(line.span, shown),), certain=True)


# ---- files


@mends(ExternTarget)
def class_of_a_module(g: Ground) -> Iterator[Candidate]:
    """`"package.module.Class"`: a colon stands before the class."""
    module, dot, name = g.span.text.rpartition(".")
    if dot:
        yield Candidate(
            f"a colon stands before the class: `{module}:{name}`", (g.put(g.span, f"{module}:{name}"),), certain=True
        )


@mends(ImportMissing)
def file_nearby(g: Ground) -> Iterator[Candidate]:
    """A file of nearly that name."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, ImportMissing) or mistake.near is None:
        return
    shown = mistake.near
    if g.span.text.startswith('"'):
        shown = f'"{g.span.text.strip(chr(34)).rpartition("/")[0]}/{mistake.near}"'
    yield Candidate(f"did you mean `{mistake.near}`?", (g.put(g.span, shown),), certain=True)


@mends(ImportUnknown)
def name_everywhere(g: Ground) -> Iterator[Candidate]:
    """A name that the file defines, in the `use` and wherever it is used."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, ImportUnknown) or mistake.near is None:
        return
    edits: list[Edit] = [g.put(g.span, mistake.near)]
    for node in walk(g.outline.items):
        if (
            isinstance(node, tree.Name)
            and node.name == mistake.name
            and not isinstance(g.outline.parents.get(node), tree.Use)
        ):
            edits.append(g.put(node.span, mistake.near))
    yield Candidate(f"did you mean `{mistake.near}`?", tuple(edits), sole=True, certain=True)
