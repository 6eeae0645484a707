"""Fixes for one set of weights that is used on tensors of several widths."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Edit
from dslc.elaborate.mistakes.modules import SharedShape
from dslc.mending.ground import Candidate, Ground, short, walk
from dslc.mending.rules import mends
from dslc.syntax import tree

NORMS = ("bn", "gn", "inorm", "ln", "rmsnorm")


@mends(SharedShape)
def in_one_line(g: Ground) -> Iterator[Candidate]:
    """The same layer again further on in one chain, where weights of its own are what is meant."""
    if not isinstance(g.statement, tree.Assign):
        yield from weights_for_each(g)


@mends(SharedShape)
def as_wide_as_the_first(g: Ground) -> Iterator[Candidate]:
    """Other channels at a later use of a module: brought to those of the first by a layer of this use's own."""
    mistake, node = g.diagnostic.mistake, g.node
    if not isinstance(mistake, SharedShape) or not mistake.made or node is None or len(g.inputs) != 1:
        return
    line = _module(g)
    if line is not None and _named(line.value) in NORMS:
        return  # a norm of its own is what is wanted there
    tensor = g.types[0]
    layer = f"pw({mistake.made})" if tensor.channel == 1 and tensor.rank > 2 else f"linear({mistake.made})"
    what = "channels" if layer.startswith("pw") else "features"
    uses = [n for n in g.outline.at.values() if _named(n) == _named(node) and n.span.start >= node.span.start]
    uses = [n for n in uses if not isinstance(g.outline.parents.get(n), tree.Call) or isinstance(n, tree.Call)]
    for some in (uses, uses[:1]):
        edits = [_narrowed(g, use, layer) for use in sorted(some, key=lambda use: use.span.start)]
        known = [edit for edit in edits if edit is not None]
        if known and len(known) == len(edits):
            lines = sorted({use.span.line for use in some} - {node.span.line})
            more = f" (and so for line{'s' * (len(lines) > 1)} {' and '.join(map(str, lines))})" if lines else ""
            said = f"brought to {mistake.made} {what} first: `{short(known[0][1])}`{more}"
            yield Candidate(said, tuple(edit for edit, _ in known), group="first")


def _narrowed(g: Ground, use: tree.Expr, layer: str) -> tuple[Edit, str] | None:
    """A use of a module with a layer before it, as an edit and as it will be."""
    parent = g.outline.parents.get(use)
    if isinstance(use, tree.Call) and len(use.arguments) == 1:
        given = use.arguments[0].value
        text = given.span.text if isinstance(given, tree.Name | tree.TickName) else f"({given.span.text})"
        start = "" if isinstance(given, tree.It) else f"{text} -> "
        shown = f"{start}{layer} -> {use.target.span.text}"
        plain = isinstance(parent, tree.Assign | tree.Step | tree.As | tree.Argument)
        return g.put(use.span, shown if plain else f"({shown})"), shown
    if isinstance(parent, tree.Chain | tree.Assign | tree.Step | tree.As):
        return g.before(use.span, f"{layer} -> "), f"{layer} -> {use.span.text}"
    return None


@mends(SharedShape)
def weights_for_each(g: Ground) -> Iterator[Candidate]:
    """A `module` has one set of weights; what `let` names is a layer, each of whose uses has its own."""
    line = _module(g)
    if line is not None:
        shown = f"let {line.span.text.removeprefix('module').lstrip()}"
        start = line.span.start
        yield Candidate(f"new weights at each use: `{short(shown)}`", (g.edit(start, start + len("module"), "let"),))


def _module(g: Ground) -> tree.ModuleDef | None:
    """The `module` line of the name that the caret is at."""
    name = _named(g.node)
    lines = (n for n in walk(g.block) if isinstance(n, tree.ModuleDef))
    return next((line for line in lines if name and line.target.span.text.strip("`") == name), None)


def _named(node: object) -> str:
    target = node.target if isinstance(node, tree.Call) else node
    return target.name if isinstance(target, tree.Name) else ""
