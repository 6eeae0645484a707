"""A name that has no meaning where it is read, and is given elsewhere in the same definition: where, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

from dslc.bind.mistakes_scope import GivenElsewhere, Where
from dslc.bind.scopes import plain
from dslc.diagnostics.model import Edit, Help, Label
from dslc.record import record
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.rewrite import kids

Around: TypeAlias = tuple[tree.For | tree.If | tree.Call, ...]
ANamed: TypeAlias = tree.Name | tree.TickName
"""A name; one in back-ticks without an expression is the same as without them."""


def letters(name: ANamed) -> str:
    """The letters of a name; none of one that is put together."""
    return name.name if isinstance(name, tree.Name) else plain(name.text) or ""


@record
class Given:
    """One place that gives a name: its statement, and the loops, conditions and layers whose suites it stands in."""

    span: Span
    line: tree.Stmt
    around: Around


def told(name: ANamed, definition: tree.Definition) -> tuple[GivenElsewhere, Label, tuple[Help, ...]] | None:
    """The mistake of reading a name out of its place; none if the definition gives it nowhere."""
    places, around = _places(definition)
    found = [given for given in places.get(letters(name), ()) if given.span != name.span]
    if not found:
        return None
    inside = around.get(name, ())
    above = [given for given in found if given.span.start < name.span.start]
    given = above[-1] if above else found[0]
    outside = [a for a in given.around if a not in inside]
    where: Where = "below"
    if outside:
        where = "turn" if isinstance(outside[0], tree.For) else "suite" if isinstance(outside[0], tree.Call) else "side"
        if isinstance(outside[0], tree.For) and given.line is outside[0]:
            where = "loop"
    elif above:
        where = "side"
    elif any(isinstance(a, tree.For) for a in given.around):
        where = "last turn"
    shown = outside[0] if outside else given.line
    if where == "last turn":
        shown = next(a for a in reversed(given.around) if isinstance(a, tree.For))
    mistake = GivenElsewhere(letters(name), where, given.span.line, shown.span.line)
    return mistake, Label(given.span, "it is named here"), _help(name, definition, where, given, shown)


@lru_cache(maxsize=4)  # each of many such names in a text asks for its definition
def _places(definition: tree.Definition) -> tuple[dict[str, list[Given]], dict[ANamed, Around]]:
    """The places that give each name, in the order of the text, and what stands around every name."""
    given: dict[str, list[Given]] = {}
    inside: dict[ANamed, Around] = {}
    waiting: list[tuple[object, Around]] = [(definition, ())]
    while waiting:
        node, around = waiting.pop()
        if isinstance(node, ANamed):
            inside[node] = around
        for target in _targets(node):
            if isinstance(node, tree.Stmt):
                of = (*around, node) if isinstance(node, tree.For) else around
                given.setdefault(letters(target), []).append(Given(target.span, node, of))
        if isinstance(node, tree.For):
            waiting += ((node.source, around), (node.suite, (*around, node)))
            continue
        within = (
            (*around, node) if isinstance(node, tree.If) or (isinstance(node, tree.Call) and node.suite) else around
        )
        waiting += ((kid, within) for kid in kids(node))
    for places in given.values():
        places.sort(key=lambda p: p.span.start)
    return given, inside


def _targets(node: object) -> tuple[ANamed, ...]:
    match node:
        case tree.Assign(targets=targets) | tree.For(targets=targets):
            return targets
        case tree.Let(target=target) | tree.TensorDef(target=target) | tree.ModuleDef(target=target):
            return (target,)
    return ()


def _help(
    name: ANamed, definition: tree.Definition, where: Where, given: Given, shown: tree.Stmt | tree.Call
) -> tuple[Help, ...]:
    if where == "below":
        return (_moved(name, given),)
    if where == "last turn":
        return (Help("of the turn before only `it` is known: what else a turn needs is computed in it"),)
    if where == "loop":
        assert isinstance(shown, tree.For)
        last = _last(shown) if len(shown.targets) == 1 else None
        if last is None:
            return (Help("what depends on the turn stands in the `for`"),)
        return (Help(f"in the last turn it is `{last}`", last),)
    if where == "side":
        return (Help(f"name `{letters(name)}` before the `if`, so that all sides have it"),)
    if where == "suite":
        return (Help("the value of the whole line is named by `name = ..` before the layer"),)
    return (_collected(name, definition, given, shown),)


def _moved(name: ANamed, given: Given) -> Help:
    """A `let` of one line stands above the line that reads it, if that is of the same body."""
    said = f"move line {given.span.line} above this one"
    source, line = name.span.source, given.line.span
    start = source.text.rfind("\n", 0, line.start) + 1
    at = source.text.rfind("\n", 0, name.span.start) + 1
    text = source.text[start : _line_end(line) + 1]
    reading = source.line_text(name.span.line)
    level = len(reading) - len(reading.lstrip())
    alone = level == line.start - start and not source.text[start : line.start].strip()
    if not alone or not isinstance(given.line, tree.Let) or source.position(line.end)[0] != line.line:
        return Help(said)
    out = Edit(Span(source, start, min(start + len(text), len(source.text))), "")
    return Help(said, None, (out, Edit(Span(source, at, at), text if text.endswith("\n") else text + "\n")))


def _last(loop: tree.For) -> str | None:
    """What the variable of a loop is in the last turn, where the text says it."""
    match loop.source:
        case tree.Name(name=name):
            return f"{name}[-1]"
        case tree.List(items=(*_, item)):
            return item.span.text
    return None


def _collected(name: ANamed, definition: tree.Definition, given: Given, loop: tree.Stmt | tree.Call) -> Help:
    """Keep the tensor of each turn in a list, whose last item is that of the last turn."""
    source = name.span.source
    one = letters(name)
    many = f"{one}s"
    while many in {letters(n) for n in _all_names(definition)}:
        many += "_"
    if not isinstance(given.line, tree.Assign) or given.line.span.line == loop.span.line:
        return Help(_listed(many, one))
    named = [n for n in _all_names(definition) if letters(n) == one]
    reads = [n for n in named if n.span.start >= loop.span.end]
    alone = len(reads) + 1 == len(named)
    simple = alone and len(given.line.targets) == 1 and given.line.value.span.text == "it"
    if simple:
        grow = Edit(given.line.span, f"{many} += [it]")
    else:
        end = _line_end(given.line.span)
        grow = Edit(Span(source, end, end), f"\n{_indent(given.line.span)}{many} += [{one}]")
    start = source.text.rfind("\n", 0, loop.span.start) + 1
    let = Edit(Span(source, start, start), f"{_indent(loop.span)}let {many} = []\n")
    others = tuple(Edit(n.span, f"{many}[-1]") for n in reads if n.span != name.span)
    return Help(_listed(many, "it" if simple else one), f"{many}[-1]", (let, grow, *others))


def _listed(many: str, item: str) -> str:
    kept = f"`let {many} = []` above the `for`, `{many} += [{item}]` in it"
    return f"a list keeps those of all turns: {kept}; `{many}[-1]` is that of the last"


def _all_names(definition: tree.Definition) -> Iterator[ANamed]:
    waiting: list[object] = [definition]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ANamed):
            yield node
        waiting += kids(node)


def _indent(span: Span) -> str:
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    return text[start : span.start] if not text[start : span.start].strip() else ""


def _line_end(span: Span) -> int:
    end = span.source.text.find("\n", span.end)
    return len(span.source.text) if end < 0 else end
