"""What a fix is computed from: the text around a mistake, and the tensors that met there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from dslc.diagnostics.model import Diagnostic, Edit, Sink, users_place
from dslc.ir.model import Call, Instance, Node, Value
from dslc.record import frozen
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.parser import parse
from dslc.syntax.rewrite import Outline, kids
from dslc.types.dim import UnknownSize
from dslc.types.tensor import TensorType
from dslc.types.text import CODE, dim_text

LONG = 120
"""Letters of code that a proposal shows at most."""


@frozen
class Candidate:
    """A change of the text that may mend a mistake.

    `sole`: where it fits nothing else is offered. `group`: of those that mean the same, the first that fits will do.
    `loses`: it throws away what the user wrote, such as a stride, and is offered only where nothing else fits.
    `reveals`: what comes after it was not looked at before, so that other mistakes may show.
    `certain`: nothing else can be meant, so that it may be made unseen; most fixes of shapes are a choice of several.
    """

    text: str
    edits: tuple[Edit, ...]
    sole: bool = False
    group: str = ""
    certain: bool = False
    loses: bool = False
    reveals: bool = False


class Ground:
    """A mistake with the tree of the text it is in."""

    def __init__(self, diagnostic: Diagnostic, outline: Outline) -> None:
        self.diagnostic = diagnostic
        self.outline = outline
        self.span = diagnostic.span
        self.source = diagnostic.span.source
        self.inputs: tuple[Value, ...] = tuple(v for v in diagnostic.inputs if isinstance(v, Value))

    @property
    def types(self) -> tuple[TensorType, ...]:
        return tuple(value.type for value in self.inputs)

    # ---- the text

    @cached_property
    def node(self) -> tree.Expr | None:
        """The expression of the caret; the call, where the caret is at its name, or at it with `as` behind it."""
        found = self.outline.find(self.span) or self.within(self.span)
        if isinstance(found, tree.As):
            return found.value
        parent = self.outline.parents.get(found)
        return parent if isinstance(parent, tree.Call) and parent.target is found else found

    @cached_property
    def call(self) -> tree.Call | None:
        """The nearest call around the caret, or at it."""
        return self.outline.around(self.node, tree.Call)

    @property
    def step(self) -> tree.Expr | None:
        """The step of a chain, or the whole line, that the caret is in."""
        node: object = self.node
        while node is not None:
            parent = self.outline.parents.get(node)
            if isinstance(parent, tree.Chain | tree.Stmt):
                return node if isinstance(node, tree.Expr) else None
            node = parent
        return None

    @property
    def statement(self) -> tree.Stmt | None:
        return self.outline.around(self.node, tree.Stmt)

    @property
    def block(self) -> tree.Block | None:
        """The definition around the caret."""
        return next((i for i in self.blocks if i.span.start <= self.span.start < i.span.end), None)

    @property
    def blocks(self) -> list[tree.Block]:
        return [item for item in self.outline.items if isinstance(item, tree.Block)]

    def within(self, span: Span) -> tree.Expr | None:
        """The smallest expression that holds a stretch of text."""
        found: tree.Expr | None = None
        for (start, end), node in self.outline.at.items():
            holds = start <= span.start and span.end <= end and span.source.path == self.source.path
            if holds and (found is None or end - start <= found.span.end - found.span.start):
                found = node
        return found

    def own(self, span: Span | None) -> bool:
        """Whether a place is in this text, which is the user's."""
        return span is not None and span.source.path == self.source.path and span.source.text == self.source.text

    def expr(self, span: Span | None) -> tree.Expr | None:
        """The expression at a place of this text."""
        return self.outline.find(span) if span is not None and self.own(span) else None

    def use(self, span: Span | None) -> tree.Expr | None:
        """The use of a layer at a place of this text, without the name that `as` gives it."""
        found = self.expr(span)
        return found.value if isinstance(found, tree.As) else found

    def layer(self, node: Node | None) -> tree.Call | None:
        """The call in this text that an op comes of, its own or that of a block of the library."""
        found = self.use(users_place(node.span, node.frame)[0]) if node is not None else None
        return found if isinstance(found, tree.Call) else None

    def chain(self, node: object) -> tuple[tree.Expr, ...]:
        """The steps of the line that a step is one of."""
        parent = self.outline.parents.get(node)
        return parent.steps if isinstance(parent, tree.Chain) else (node,) if isinstance(node, tree.Expr) else ()

    def calls(self, within: object) -> Iterator[tree.Call]:
        """All calls in a piece of syntax, in their order."""
        for node in walk(within):
            if isinstance(node, tree.Call):
                yield node

    # ---- edits

    def edit(self, start: int, end: int, text: str) -> Edit:
        return Edit(Span(self.source, start, end), text)

    def put(self, span: Span, text: str) -> Edit:
        """Other text in the place of some."""
        return Edit(span, text)

    def before(self, span: Span, text: str) -> Edit:
        return self.edit(span.start, span.start, text)

    def after(self, span: Span, text: str) -> Edit:
        return self.edit(span.end, span.end, text)

    def argument(self, call: tree.Call, text: str) -> Edit:
        """One more argument at the end of a call, which may have none and no brackets."""
        if call.bare or not call.span.text[len(call.target.span.text) :].lstrip().startswith("("):
            return self.after(call.target.span, f"({text})")
        if call.arguments:
            return self.after(call.arguments[-1].span, f", {text}")
        opening = self.source.text.index("(", call.target.span.end)
        return self.edit(opening + 1, opening + 1, text)

    def with_argument(self, call: tree.Call, text: str) -> str:
        """The call's text with one more argument."""
        given = ", ".join([*(a.span.text for a in call.arguments), text])
        return f"{call.target.span.text}({given})"

    def named(self, call: tree.Call, name: str) -> tree.Argument | None:
        return next((a for a in call.arguments if a.name == name), None)

    def positional(self, call: tree.Call) -> list[tree.Argument]:
        return [a for a in call.arguments if a.name is None and not a.star]

    def shown(self, place: Span, text: str) -> str:
        """The call that some text stands in, as it would be with other text there."""
        node = self.outline.find(place) or self.within(place)
        call = self.outline.around(node, tree.Call) if node is not None else None
        declared = self.outline.parents.get(node)
        if isinstance(declared, tree.Parameter):
            return f"{self.source.text[declared.span.start : place.start]}{text}"
        if call is None or not self.own(place):
            return text
        start = call.span.start
        whole = f"{call.span.text[: place.start - start]}{text}{call.span.text[place.end - start :]}"
        return short(whole) if call.suite is None else text

    def without_argument(self, call: tree.Call, argument: tree.Argument) -> Edit:
        """A call without one of its arguments, and without brackets that would be empty."""
        at = call.arguments.index(argument)
        if len(call.arguments) == 1:
            closing = self.source.text.index(")", argument.span.end)
            return self.edit(call.target.span.end, closing + 1, "")
        if at == 0:
            return self.edit(argument.span.start, call.arguments[1].span.start, "")
        return self.edit(call.arguments[at - 1].span.end, argument.span.end, "")

    def line_start(self, offset: int) -> int:
        return self.source.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        end = self.source.text.find("\n", offset)
        return len(self.source.text) if end < 0 else end

    def first_line(self, block: tree.Block, text: str) -> Edit | None:
        """One more line at the beginning of a block's body; none where the body stands on the header's line."""
        first = block.suite.body[0].span.start if block.suite.body else -1
        start = self.line_start(first)
        indent = self.source.text[start:first]
        return None if first < 0 or indent.strip() or not indent else self.edit(start, start, f"{indent}{text}\n")

    # ---- sizes in words

    def word(self, value: Value, axis: int) -> str | None:
        """The size of an axis as the block's text says it, else its number; none where neither can be written."""
        const = value.type.word(axis)
        if const is not None and const.origin is not None and const.scope is not None:
            text = const.origin.span.text
            if text and "\n" not in text:
                return f"({text})" if isinstance(const.origin, tree.Conditional) else text
        size = value.type.dims[axis % value.type.rank]
        if isinstance(size, int | UnknownSize):
            return None if isinstance(size, UnknownSize) else str(size)
        return dim_text(size, CODE) if self.block is not None and self.block.kind == "net" else None


def ground(diagnostic: Diagnostic) -> Ground:
    """The ground of a mistake in a program's text."""
    return Ground(diagnostic, Outline(parse(diagnostic.span.source, Sink())))


def net_dims(g: Ground) -> Iterator[tuple[int, tree.DimSpec]]:
    """The sizes of the inputs of this text's nets, with their axes."""
    for block in g.blocks:
        if block.kind == "net":
            for port in block.ports or ():
                yield from enumerate(port.spec.dims or ())


def walk(part: object) -> Iterator[object]:
    """A piece of syntax with all that is in it, in the text's order."""
    todo = list(reversed(part)) if isinstance(part, tuple | list) else [part]
    while todo:
        node = todo.pop()
        yield node
        todo += reversed(list(kids(node)))


def inside(value: Value) -> Node | None:
    """The op that made a tensor, in whatever block."""
    seen: Instance | None = None
    while isinstance(value.producer, Call) and value.producer.instance is not seen:
        seen = value.producer.instance
        if value.index >= len(seen.outputs) or seen.outputs[value.index] is value:
            break
        value = seen.outputs[value.index]
    return value.producer if isinstance(value.producer, Node) else None


def short(text: str) -> str:
    """Code for a proposal: on one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= LONG else f"{line[: LONG - 4]} ..."
