"""Fixes for suites of layers, which are one chain: values that are named in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dslc.bind.mistakes_body import NamedInSuite
from dslc.diagnostics.model import Edit
from dslc.mending.ground import Candidate, Ground, short, walk
from dslc.mending.rules import mends
from dslc.syntax import tree

JOINS: Final = {"residual": "+", "scale": "*"}
"""Combinators that join their input with what the suite makes, by an operator."""


@mends(NamedInSuite)
def one_chain(g: Ground) -> Iterator[Candidate]:
    """`y = conv(8, 3)`, and the next line goes on from `y`: without the name the chain does."""
    suite, line = _around(g)
    if suite is None or line is None or not isinstance(line.targets[0], tree.Name):
        return
    name, at = line.targets[0].name, suite.body.index(line)
    after = suite.body[at + 1] if at + 1 < len(suite.body) else None
    reads = [n for n in walk(suite) if isinstance(n, tree.Name) and n.name == name and n.span.start > line.span.end]
    first = after.value if isinstance(after, tree.Step) else None
    steps = first.steps if isinstance(first, tree.Chain) else ()
    if len(reads) == 1 and steps and steps[0] is reads[0]:
        edits = (
            g.edit(line.span.start, line.value.span.start, ""),
            g.edit(reads[0].span.start, steps[1].span.start, ""),
        )
        yield Candidate(f"the chain goes on by itself: `{short(line.value.span.text)}`", edits, sole=True)


@mends(NamedInSuite)
def lines_of_the_body(g: Ground) -> Iterator[Candidate]:
    """The suite's lines in the body around it, where they may name values; the input is joined at their end."""
    suite, _ = _around(g)
    call = g.outline.parents.get(suite)
    while call is not None and not isinstance(call, tree.Call | tree.Stmt):
        call = g.outline.parents.get(call)
    if suite is None or not isinstance(call, tree.Call) or call.arguments or not isinstance(call.target, tree.Name):
        return
    statement, operator = g.outline.around(call, tree.Stmt), JOINS.get(call.target.name)
    if not isinstance(statement, tree.Step) or operator is None or statement.span.end != suite.span.end:
        return
    names = {n.name for n in walk(g.block) if isinstance(n, tree.Name)}
    kept = next(name for name in ("kept", "before", *(f"kept_{n}" for n in range(2, 99))) if name not in names)
    text, start = g.source.text, g.line_start(statement.span.start)
    indent, inner = (text[g.line_start(at) : at] for at in (statement.span.start, suite.body[0].span.start))
    if indent.strip() or inner.strip() or not inner.startswith(indent):
        return
    before = text[start : call.span.start].rstrip()
    before = f"{before.removesuffix('->').rstrip()}\n{indent}" if before else indent
    last = suite.body[-1].span
    end = last.end - (len(last.text) - len(last.text.rstrip()))
    edits = [
        g.edit(start, g.line_end(start), f"{before}{kept} = it"),
        *_dedented(g, suite.body[0].span.start, end, len(inner) - len(indent)),
        g.edit(end, end, f"\n{indent}it {operator} {kept}"),
    ]
    said = f"its lines in the body, with `{kept} = it` for `{short(call.target.name)}:` and `it {operator} {kept}`"
    yield Candidate(f"{said} at the end", tuple(edits))


def _dedented(g: Ground, start: int, end: int, by: int) -> Iterator[Edit]:
    """The lines of a stretch of text further left."""
    at = g.line_start(start)
    while at < end:
        if g.source.text[at : at + by].isspace() and "\n" not in g.source.text[at : at + by]:
            yield g.edit(at, at + by, "")
        at = g.line_end(at) + 1


@mends(NamedInSuite)
def read_where_it_is_made(g: Ground) -> Iterator[Candidate]:
    """Values that are read once each: written where they are read."""
    suite, line = _around(g)
    if suite is None or line is None:
        return
    named = [n for n in suite.body if isinstance(n, tree.Assign) and len(n.targets) == 1]
    at = suite.body.index(named[0]) if named else 0
    if list(suite.body[at : at + len(named)]) != named or at + len(named) != len(suite.body) - 1:
        return
    edits, last = [], suite.body[-1]
    for one in named:
        target = one.targets[0]
        reads = [n for n in walk(last) if isinstance(n, tree.Name) and n.name == target.span.text]
        others = [n for n in walk(tuple(named)) if isinstance(n, tree.Name) and n.name == target.span.text]
        if len(reads) != 1 or len(others) > 1:
            return
        edits.append(g.edit(g.line_start(one.span.start), g.line_end(one.span.end) + 1, ""))
        edits.append(g.put(reads[0].span, f"(it -> {one.value.span.text})"))
    if named:
        names = " and ".join(f"`{one.targets[0].span.text}`" for one in named)
        yield Candidate(f"{names} where {'it is' if len(named) == 1 else 'they are'} read", tuple(edits))


def _around(g: Ground) -> tuple[tree.Suite | None, tree.Assign | None]:
    """The suite that names a value, and the line that does."""
    for suite in walk(g.block):
        for line in suite.body if isinstance(suite, tree.Suite) else ():
            if isinstance(line, tree.Assign) and any(target.span == g.span for target in line.targets):
                assert isinstance(suite, tree.Suite)
                return suite, line
    return None, None
