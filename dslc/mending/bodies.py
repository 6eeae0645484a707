"""Fixes for the lines of a body: names, recursion, suites."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dslc.bind.mistakes import MissingArgument, OutOfRange, WrongType
from dslc.bind.mistakes_body import ModuleNameTaken, ReservedName
from dslc.elaborate.mistakes.flow import StrayValue
from dslc.elaborate.mistakes.limits import EndlessRecursion
from dslc.mending.ground import Candidate, Ground, short, walk
from dslc.mending.rules import mends
from dslc.syntax import tree
from dslc.syntax.mistakes.lines import MissingSuite

SUITES = ("residual", "scale", "dense", "in_float32")
"""Combinators whose parameter `body` a suite fills."""


@mends(ModuleNameTaken)
def name_with_the_turn(g: Ground) -> Iterator[Candidate]:
    """In a loop: a name in back-ticks with the loop's variable; else another number."""
    name = g.diagnostic.span.text
    loops = []
    node: object = g.outline.around(_named(g), tree.For)
    while isinstance(node, tree.For):
        loops.append(node)
        node = g.outline.around(g.outline.parents.get(node), tree.For)
    if not name.isidentifier():
        return
    for count in range(1, len(loops) + 1):
        turns = [loop.targets[0].name for loop in reversed(loops[:count])]
        shown = f"`{name}{'_'.join(f'{{{turn}}}' for turn in turns)}`"
        yield Candidate(f"a name for each turn: `` {shown} ``", (g.put(g.span, shown),))
    if not loops:
        yield Candidate(f"another name: `{name}_2`", (g.put(g.span, f"{name}_2"),))


def _named(g: Ground) -> object:
    """What the name at the caret belongs to."""
    return next((n for n in walk(g.block) if isinstance(n, tree.As) and n.name.span == g.span), g.node)


@mends(ReservedName)
def another_name(g: Ground) -> Iterator[Candidate]:
    """A name that PyTorch and Python leave free."""
    if g.span.text.isidentifier():
        shown = f"{g.span.text}_layer" if not g.span.text.endswith("_") else f"{g.span.text}layer"
        yield Candidate(f"another name: `{shown}`", (g.put(g.span, shown),))


@mends(EndlessRecursion, OutOfRange)
def guarded(g: Ground) -> Iterator[Candidate]:
    """A block that calls itself with a smaller number: as long as that is above zero."""
    block = g.block
    for call in g.calls(block.suite) if block is not None else ():
        statement = g.outline.around(call, tree.Step)
        if block is None or call.target.span.text != block.name or statement is None:
            continue
        for argument in call.arguments:
            value = argument.value
            if isinstance(value, tree.Binary) and isinstance(value.left, tree.Name) and value.op in ("-", "//"):
                condition = f"{value.left.name} > {'0' if value.op == '-' else '1'}"
                shown = f"if {condition}: {short(statement.span.text)}"
                said = f"`{block.name}` calls itself without end; as long as `{condition}`: `{shown}`"
                yield Candidate(said, (g.before(statement.span, f"if {condition}: "),), sole=True)


@mends(StrayValue)
def let_it_be(g: Ground) -> Iterator[Candidate]:
    """A compile-time value is named by `let`."""
    line = next(
        (n for n in g.outline.parents if isinstance(n, tree.Assign) and n.span.start <= g.span.start < n.span.end), None
    )
    if line is not None and g.own(line.span):
        shown = f"let {short(line.span.text)}"
        yield Candidate(
            f"values of compile time are named by `let`: `{shown}`", (g.before(line.span, "let "),), certain=True
        )


@mends(MissingArgument)
def suite_below(g: Ground) -> Iterator[Candidate]:
    """`residual` without its suite: the lines below are it, one or more of them."""
    mistake, statement = g.diagnostic.mistake, g.statement
    if not isinstance(mistake, MissingArgument) or mistake.missing != ("body",) or mistake.layer not in SUITES:
        return
    suite = g.outline.parents.get(statement)
    if not isinstance(statement, tree.Step) or not isinstance(suite, tree.Suite):
        return
    at = suite.body.index(statement)
    unit = _unit(g)
    edits = [g.after(statement.span, ":")]
    for line in suite.body[at + 1 : at + 3]:
        start = g.line_start(line.span.start)
        edits += [g.edit(o, o, unit) for o in _starts(g, start, line.span.end)]
        said = f"end the line with `:` and indent what it is made of: `{short(line.span.text)}`"
        yield Candidate(said, tuple(edits), sole=True)


def _starts(g: Ground, start: int, end: int) -> Iterator[int]:
    """The starts of the lines of a stretch of text."""
    while start < end:
        yield start
        start = g.line_end(start) + 1


def _unit(g: Ground) -> str:
    """The file's unit of indentation: that of its first indented line."""
    for line in g.source.text.splitlines():
        if line.startswith(" ") and line.strip():
            return line[: len(line) - len(line.lstrip())]
    return "    "


@mends(MissingArgument)
def usual_kernel(g: Ground) -> Iterator[Candidate]:
    """`conv(16)`: the kernel that most convolutions have, and that of a map of channels alone."""
    mistake, call = g.diagnostic.mistake, g.call
    if isinstance(mistake, MissingArgument) and mistake.missing == ("k",) and call is not None:
        for kernel in ("3", "1"):
            shown = short(g.with_argument(call, kernel))
            yield Candidate(f"of kernel {kernel}: `{shown}`", (g.argument(call, kernel),))


@mends(MissingSuite)
def indented_below(g: Ground) -> Iterator[Candidate]:
    """A header with nothing below it: the next line, or all that follow, belong to it."""
    text, header = g.source.text, g.line_start(g.span.start)
    width = len(text[header:]) - len(text[header:].lstrip(" "))
    lines = []
    start = g.line_end(g.span.end) + 1
    while start < len(text):
        line = text[start : g.line_end(start)]
        if line.strip() and len(line) - len(line.lstrip(" ")) < width:
            break
        if width == 0 and re.match(r"(net|block|fn|use|let|inline|extern)\b", line):
            break
        lines.append(start)
        start = g.line_end(start) + 1
    unit = _unit(g)
    first = next((at for at, start in enumerate(lines) if text[start : g.line_end(start)].strip()), None)
    if first is None:
        return
    shown = short(text[lines[first] : g.line_end(lines[first])].strip())
    yield from (
        Candidate(f"{said} under it: `{shown}`", tuple(g.edit(o, o, unit) for o in some), group="below")
        for said, some in (("indent the next line", lines[first : first + 1]), ("indent the lines", lines[first:]))
    )


@mends(MissingArgument)
def classes_of_the_header(g: Ground) -> Iterator[Candidate]:
    """`linear` as the last layer: as many features as the header says that the result has."""
    mistake, node, block = g.diagnostic.mistake, g.node, g.block
    if not isinstance(mistake, MissingArgument) or mistake.missing != ("out",) or block is None or node is None:
        return
    stated = next((r.spec for r in block.results or () if r.name is None and r.spec is not None), None)
    if stated is None or not stated.dims or stated.dims[-1].value is None:
        return
    size = stated.dims[-1].span.text
    name = node.target.span.text if isinstance(node, tree.Call) else node.span.text
    edit = g.argument(node, size) if isinstance(node, tree.Call) else g.after(node.span, f"({size})")
    yield Candidate(f"as many as the header says: `{name}({size})`", (edit,), certain=True)


@mends(OutOfRange, WrongType)
def numbered_first(g: Ground) -> Iterator[Candidate]:
    """`for w, i in enumerate(widths)`: the number comes first."""
    loops = [n for n in walk(g.block) if isinstance(n, tree.For) and n.span.start <= g.span.start < n.span.end]
    for loop in loops:
        source = loop.source
        if isinstance(source, tree.Call) and source.target.span.text == "enumerate" and len(loop.targets) == 2:
            first, second = loop.targets
            said = f"`enumerate` gives the number first: `for {second.name}, {first.name} in {source.span.text}`"
            yield Candidate(said, (g.put(first.span, second.name), g.put(second.span, first.name)), certain=True)
