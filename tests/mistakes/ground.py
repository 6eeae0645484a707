"""A right program, its tree and its tensors: where a rule can be broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dslc.api import compile_program, load_program, nets_of
from dslc.diagnostics.model import CompileError, Sink
from dslc.ir.model import Call, Either, For, If, Item, Node
from dslc.source import Source, Span
from dslc.syntax import tree
from dslc.types.tensor import TensorType


@dataclass(frozen=True)
class Broken:
    """A program in which one rule is broken, and what should be said: one of `codes`, on one of `lines`."""

    rule: str
    text: str
    codes: tuple[str, ...]
    lines: tuple[int, ...]


@dataclass
class Line:
    """A statement on a line of its own whose value is a chain of layers, and what flows on from it in every use."""

    stmt: tree.Step
    owner: tree.Block
    top: bool  # a line of the owner's own suite: there names can be given
    types: list[TensorType] = field(default_factory=list)

    @property
    def type(self) -> TensorType | None:
        """What flows on, where all uses agree."""
        texts = {str(t) for t in self.types}
        return self.types[0] if len(texts) == 1 else None


class Ground:
    """A program that checks, of which one net is looked at."""

    def __init__(self, path: Path, text: str, net: str | None = None) -> None:
        self.path = path
        program = load_program(path, Sink())
        assert program.main is not None
        self.net = net or nets_of(program, complete=True)[0]
        self.model = compile_program(program, self.net, budgets=None)
        self.file: tree.File = program.main.tree
        self.source: Source = self.file.source
        assert self.source.text == text
        self.text = text

    @cached_property
    def nodes(self) -> list[object]:
        """All of the tree, in the order of the text."""
        return list(walk(self.file))

    @cached_property
    def made(self) -> dict[tuple[int, int], list[TensorType]]:
        """What the steps of the text give: by the place of each, a type for each time it was expanded."""
        found: dict[tuple[int, int], list[TensorType]] = {}
        for item in every(self.model.root.body):
            if item.span.source is self.source and item.outs:
                found.setdefault((item.span.start, item.span.end), []).append(item.outs[0].type)
        return found

    @cached_property
    def lines(self) -> list[Line]:
        """Chains of layers on lines of their own, in bodies that were expanded."""
        found: list[Line] = []
        for item in self.file.items:
            if isinstance(item, tree.Block) and not item.sequence:
                for stmt, top in statements(item.suite):
                    if isinstance(stmt, tree.Step) and self.alone(stmt.span) and layers_alone(stmt.value):
                        last = last_step(stmt.value)
                        types = next((t for (a, b), t in self.made.items() if a == last.start and b <= last.end), [])
                        if types:
                            found.append(Line(stmt, item, top, types))
        return found

    def alone(self, span: Span) -> bool:
        """Whether nothing else stands on the first and the last line of a statement."""
        before = self.text[: span.start].rpartition("\n")[2]
        after = self.text[span.end :].partition("\n")[0]
        return not before.strip() and not after.strip()

    def at(self, offset: int) -> int:
        return self.source.position(offset)[0]

    def indent(self, span: Span) -> str:
        """The spaces before a statement."""
        return " " * (self.source.position(span.start)[1] - 1)

    def changed(self, rule: str, span: Span, new: str, *codes: str, more: tuple[int, ...] = ()) -> Broken:
        """The text of a span replaced; the mistake lies on the line where that begins, or one of `more`."""
        text = self.text[: span.start] + new + self.text[span.end :]
        return Broken(rule, text, codes, (self.at(span.start), *more))

    def appended(self, rule: str, line: Line, step: str, *codes: str) -> Broken:
        """One more step in a chain."""
        end = line.stmt.span.end
        text = f"{self.text[:end]} -> {step}{self.text[end:]}"
        return Broken(rule, text, codes, (self.at(end),))

    def inserted(self, rule: str, line: Line, below: str, *codes: str, at: int = 0) -> Broken:
        """Lines below a statement, the mistake on the one counted by `at`."""
        end, indent = line.stmt.span.end, self.indent(line.stmt.span)
        lines = "".join(f"\n{indent}{one}" for one in below.split("\n"))
        return Broken(rule, self.text[:end] + lines + self.text[end:], codes, (self.at(end) + 1 + at,))


def walk(node: object) -> Iterator[object]:
    """A tree's records, each before what it holds."""
    if isinstance(node, tuple):
        for item in node:
            yield from walk(item)
    elif type(node).__module__ == tree.__name__:
        yield node
        for name in type(node).__match_args__:  # type: ignore[attr-defined]
            yield from walk(getattr(node, name))


def every(items: list[Item]) -> Iterator[Node | Call]:
    """All that was expanded."""
    for item in items:
        if isinstance(item, Node):
            yield item
        elif isinstance(item, Call):
            yield item
            yield from every(item.instance.body)
        elif isinstance(item, If):
            yield from every(item.items)
        elif isinstance(item, For):
            for turn in item.turns:
                yield from every(turn)
        elif isinstance(item, Either):
            yield from every(item.training)
            yield from every(item.evaluation)


def statements(suite: tree.Suite, top: bool = True) -> Iterator[tuple[tree.Stmt, bool]]:
    """Statements of a suite and of those in it, with whether they are its own."""
    for stmt in suite.body:
        yield stmt, top
        for inner in walk(tuple(getattr(stmt, name) for name in type(stmt).__match_args__)):
            if isinstance(inner, tree.Suite):
                yield from ((s, False) for s in inner.body)


def layers_alone(value: tree.Expr) -> bool:
    """Whether a line is a chain of plain layers without suites, to which a step can be added."""
    if isinstance(value, tree.Chain):
        return all(layers_alone(step) for step in value.steps)
    if isinstance(value, tree.As):
        return layers_alone(value.value)
    return isinstance(value, tree.Name) or (isinstance(value, tree.Call) and value.suite is None)


def last_step(value: tree.Expr) -> Span:
    """The text of the last layer of a chain."""
    if isinstance(value, tree.Chain):
        return last_step(value.steps[-1])
    return value.span


def readable(path: Path, text: str) -> Ground | None:
    """A program as ground, if it checks by itself."""
    try:
        return Ground(path, text)
    except (CompileError, IndexError):
        return None
