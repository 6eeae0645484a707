"""Changes to the text of a program that keep its comments and layout: edits at spans, and steps taken out of chains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from dslc.diagnostics.model import Edit
from dslc.source import Source, Span
from dslc.syntax import tree

Place = tuple[int, int]
"""Start and end offsets of a piece of text."""

T = TypeVar("T")


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made. They may touch, not overlap: ValueError; the same edit twice is one."""
    pieces: list[str] = []
    at = 0
    for edit in sorted(set(edits), key=lambda e: (e.span.start, e.span.end)):
        if edit.span.start < at:
            raise ValueError(f"edits overlap at {edit.span}")
        pieces += (text[at : edit.span.start], edit.text)
        at = edit.span.end
    return "".join((*pieces, text[at:]))


class Outline:
    """The tree of a file by place: what stands at a span, and inside what."""

    def __init__(self, file: tree.File) -> None:
        self.source: Source = file.source
        self.items = file.items
        self.parents: dict[object, object] = {}
        self.at: dict[Place, tree.Expr] = {}
        self.loops: dict[Place, tree.For] = {}
        self.names = {name for item in file.items if (name := _name(item)) is not None}
        for item in file.items:
            self._visit(item)

    def _visit(self, root: object) -> None:
        stack = [root]
        while stack:
            node = stack.pop()
            if isinstance(node, tree.Expr):
                self.at.setdefault((node.span.start, node.span.end), node)  # the outermost is met first
            elif isinstance(node, tree.For):
                self.loops[node.span.start, node.span.end] = node
            for kid in kids(node):
                self.parents[kid] = node
                stack.append(kid)

    def find(self, span: Span) -> tree.Expr | None:
        """The outermost expression at a span; none in another file."""
        return self.at.get((span.start, span.end)) if span.source.path == self.source.path else None

    def around(self, node: object, kind: type[T]) -> T | None:
        """The nearest thing of a kind that a node stands in."""
        while node is not None and not isinstance(node, kind):
            node = self.parents.get(node)
        return node

    # ---- taking steps out

    def without(self, steps: Iterable[tree.Expr]) -> list[Edit]:
        """Edits that take layers out of the program, each the step of a chain or a line of its own.

        Where the layout leaves no other way (a comment stands beside it, or nothing else in its suite) the step
        becomes `id`, the layer that does nothing.
        """
        gone = self._spread(set(steps))
        edits = []
        for step in gone:
            parent = self.parents[step]
            if parent in gone:
                continue
            if isinstance(parent, tree.Chain):
                edits.append(self._from_chain(step, parent, gone))
            elif isinstance(parent, tree.Step):
                edits.append(self._line(step, parent, gone))
            else:
                edits.append(Edit(step.span, "it" if isinstance(parent, tree.Assign) else "id"))
        return edits

    def _spread(self, gone: set[tree.Expr]) -> set[tree.Expr]:
        """With them, the chains and names that hold nothing else."""
        waiting = list(gone)
        while waiting:
            parent = self.parents[waiting.pop()]
            empty = isinstance(parent, tree.As) or (isinstance(parent, tree.Chain) and gone.issuperset(parent.steps))
            if empty and isinstance(parent, tree.As | tree.Chain) and parent not in gone:
                gone.add(parent)
                waiting.append(parent)
        return gone

    def _from_chain(self, step: tree.Expr, chain: tree.Chain, gone: set[tree.Expr]) -> Edit:
        index = chain.steps.index(step)
        start, end = self._bracketed(step)
        text = self.source.text
        kept = sum(other not in gone for other in chain.steps)
        if kept < 2 and isinstance(self.parents[chain], tree.As):  # `(a -> b) as c` makes a level, `(a) as c` none
            return Edit(step.span, "id")
        if any(other not in gone for other in chain.steps[:index]):
            before = self._bracketed(chain.steps[index - 1])[1]
            arrow = _arrow(text, before, start)
            if "#" in text[arrow:start]:
                return Edit(step.span, "id")
            return Edit(Span(self.source, before + len(text[before:arrow].rstrip()), end), "")
        after = self._bracketed(chain.steps[index + 1])[0]
        return Edit(step.span, "id") if "#" in text[end:after] else Edit(Span(self.source, start, after), "")

    def _bracketed(self, step: tree.Expr) -> Place:
        """The place of a step with brackets of its own."""
        start, end = step.span.start, step.span.end
        text = self.source.text
        while True:
            before, after = text[:start].rstrip(), text[end:].lstrip()
            chain = self.parents.get(step)
            if not (before.endswith("(") and after.startswith(")")):
                return start, end
            if isinstance(chain, tree.Chain) and len(before) - 1 < chain.span.start:
                return start, end
            start, end = len(before) - 1, len(text) - len(after) + 1

    def _line(self, step: tree.Expr, line: tree.Step, gone: set[tree.Expr]) -> Edit:
        text = self.source.text
        start = text.rfind("\n", 0, line.span.start) + 1
        end = text.find("\n", line.span.end)
        end = len(text) if end < 0 else end + 1
        alone = not text[start : line.span.start].strip() and not text[line.span.end : end].strip()
        suite = self.parents.get(line)
        rest = [s for s in suite.body if s is not line] if isinstance(suite, tree.Suite) else []
        if not alone or all(isinstance(s, tree.Step) and s.value in gone for s in rest):
            return Edit(step.span, "id")
        return Edit(Span(self.source, start, end), "")


def _name(item: tree.Item) -> str | None:
    """The name that an item of a file defines."""
    return item.target.name if isinstance(item, tree.LetItem) else getattr(item, "name", None)


def _arrow(text: str, start: int, end: int) -> int:
    """Where the arrow between two steps stands; a comment between them may hold others."""
    at = start
    while True:
        arrow = text.find("->", at, end)
        comment = text.find("#", at, end)
        if comment < 0 or arrow < comment:
            return arrow
        at = text.find("\n", comment, end)


def kids(node: object) -> Iterator[object]:
    """The records of the tree right below one."""
    for name in getattr(node, "__match_args__", ()):
        if name in ("span", "name_span", "path_span"):
            continue
        waiting = [getattr(node, name)]
        while waiting:
            value = waiting.pop()
            if isinstance(value, tuple | list):
                waiting += reversed(value)
            elif hasattr(value, "__match_args__") and not isinstance(value, Source | Span):
                yield value
