"""Tensors by the place of the text that makes them, with what they cost and see."""

from __future__ import annotations

from functools import cached_property

from dslc.analyse.words import shape_in_words
from dslc.analysis.field import whole
from dslc.analysis.quantities import Numbers
from dslc.elaborate.watch import Seen
from dslc.ir.model import Call, Instance, Node, Value
from dslc.record import entity, replace
from dslc.source import Source, Span
from dslc.syntax import tree
from dslc.types.dim import UNKNOWN
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType


@entity
class Made:
    """A tensor that a place of the text makes, once for each expansion.

    - `span`: the place
    - `words`: its shape in the words of its block, `[N, out, H // s, W // s]`; none where expansions have no one form
    - `default`: at the default sizes, of the first expansion
    - `count`: of how many expansions
    - `known`: whether no size of it is lost by a mistake
    """

    span: Span
    words: str | None
    default: str
    count: int
    known: bool
    values: tuple[Value, ...] = ()


class Shapes:
    """The tensors of one net by place: of each step of a chain, and what each line leaves. Computed when asked for.

    `other`: what stands in where a line has no known shape: of the program with the line that is being written, where
    these are of the program without it. Both have the same places. `kept`: what was known before a mistake, of lines
    that are as they were.
    """

    def __init__(self, seen: Seen, other: Shapes | None = None, without: int = 0) -> None:
        self.seen = seen
        self.other = other
        self.without = without  # the number of the line that is being written, which has no shape
        self.kept: list[tuple[tree.Stmt, list[Made]]] = []
        self.left: dict[tree.Stmt, list[Made]] = {}

    @cached_property
    def steps(self) -> dict[tuple[str, int, int], list[tuple[Instance, Value]]]:
        """Tensors by the text of the step that makes them."""
        found: dict[tuple[str, int, int], list[tuple[Instance, Value]]] = {}
        for value, _, owner in self.seen.made:
            if value.span is not None:
                found.setdefault(_key(value.span), []).append((owner, value))
        return found

    @cached_property
    def numbers(self) -> Numbers | None:
        """The numbers of the net; none of one with mistakes."""
        return None if self.seen.model is None else Numbers(self.seen.model)

    def lines(self, path: str) -> list[tuple[tree.Stmt, list[Made]]]:
        """What the lines of a file leave, in the order of the text."""
        found = [(line, made) for line, made in self.seen.lines.items() if line.span.source.path == path and made]
        known = {(line.span.start, line.span.end): (line, self.line(line)) for line, _ in found}
        others = self.other.lines(path) if self.other is not None else []
        others = [pair for pair in others if pair[0].span.line != self.without]
        for more in (others, [kept for kept in self.kept if kept[0].span.source.path == path]):
            told = {_last(line.span) for line, made in known.values() if all(m.known for m in made)}
            for line, made in more:  # of statements on one line, what is known now goes before what was
                if all(m.known for m in made) and _last(line.span) not in told:
                    known[line.span.start, line.span.end] = line, made
        return [known[key] for key in sorted(known)]

    def keep(self, before: Shapes, old: Source, new: Source) -> None:
        """Remember what was known of another text, of the lines that are the same in this one."""
        head, tail = same_lines(old.text, new.text)
        moved = len(new.text) - len(old.text)
        for line, made in before.lines(old.path):
            by = 0 if line.span.end <= head else moved if line.span.start >= len(old.text) - tail else None
            if by is not None and made and all(m.known for m in made):
                there = new.span(line.span.start + by, line.span.end + by)
                self.kept.append((replace(line, span=there), [replace(m, span=_moved(m.span, new, by)) for m in made]))

    def line(self, line: tree.Stmt) -> list[Made]:
        """The tensors that a line leaves."""
        found = self.left.get(line)
        if found is None:
            found = self.left[line] = self._line(line)
        return found

    def _line(self, line: tree.Stmt) -> list[Made]:
        expansions = self.seen.lines.get(line) or []
        width = min((len(values) for _, values in expansions), default=0)
        spans = [t.span for t in line.targets] if isinstance(line, tree.Assign) else []
        return [
            self._made(
                spans[at] if len(spans) == width else line.span, [(owner, values[at]) for owner, values in expansions]
            )
            for at in range(width)
        ]

    def at(self, path: str, offset: int) -> Made | None:
        """The tensor of the smallest step at an offset."""
        inside = [key for key in self.steps if key[0] == path and key[1] <= offset <= key[2]]
        if not inside:
            return None if self.other is None else self.other.at(path, offset)
        key = min(inside, key=lambda key: (key[2] - key[1], key[1]))
        made = self.steps[key]
        span = made[0][1].span
        assert span is not None
        outs = made[0][1].producer.outs if isinstance(made[0][1].producer, Node | Call) else ()
        more = [pair for pair in made if pair[1].index == 0] if len(outs) > 1 else made
        return self._made(span, more or made)

    def port(self, span: Span) -> Made | None:
        """The input of a block or net whose name stands at a place."""
        found: dict[Instance, Value] = {}
        for _, _, owner in self.seen.made:
            for value in owner.inputs:
                if value.span is not None and _inside(span, value.span):
                    found.setdefault(owner, value)
        return self._made(span, list(found.items())) if found else None

    def cost(self, made: Made) -> tuple[int, int] | None:
        """Parameters and multiply-adds of what makes a tensor, in all expansions; none of a net with mistakes."""
        if self.numbers is None:
            return None
        params = macs = 0
        nodes = self.numbers.cost.nodes
        todo: list[Node | Call] = [v.producer for v in made.values if isinstance(v.producer, Node | Call)]
        parts = {use.instance for use in todo if isinstance(use, Call)}
        for node, cost in nodes.items():
            if node in todo or (parts and _within(node, parts)):
                params += cost.count.params
                macs += cost.macs
        return params, macs

    def field(self, made: Made) -> str:
        """What one unit sees of the input, where that is less than all of it."""
        if self.numbers is None or not made.values:
            return ""
        value = self.numbers.flat.resolve(made.values[0])
        sides = [f"{whole_text(track.field.size)}" for track in self.numbers.fields.get(value, ()) if track.field.local]
        return " x ".join(sides)

    def _made(self, span: Span, made: list[tuple[Instance, Value]]) -> Made:
        whole = [pair for pair in made if UNKNOWN not in pair[1].type.dims]
        made, known = whole or made, bool(whole)  # a mistake in one expansion takes no other's shape away
        first = made[0][1].type
        words = shape_in_words(made)
        return Made(
            span, words, default_text(first, self.seen.sizes), len(made), known, tuple(value for _, value in made)
        )


def same_lines(old: str, new: str) -> tuple[int, int]:
    """How many letters of whole lines two texts begin and end with alike."""
    a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
    head = tail = 0
    while head < min(len(a), len(b)) and a[head] == b[head]:
        head += 1
    while tail < min(len(a), len(b)) - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    return sum(map(len, a[:head])), sum(map(len, a[len(a) - tail :]))


def _last(span: Span) -> int:
    """The line that a span ends on."""
    return span.source.position(span.end)[0]


def _moved(span: Span, new: Source, by: int) -> Span:
    return new.span(span.start + by, span.end + by)


def whole_text(number: object) -> str:
    """A number of places, without a fraction where it has none."""
    from fractions import Fraction

    return str(whole(Fraction(number))) if isinstance(number, int | Fraction) else str(number)


def default_text(type: TensorType, sizes: Sizes) -> str:
    """A shape at the default sizes; `?` for one that is not known, the name of one without a default."""
    parts = []
    for size in type.dims:
        if size is UNKNOWN:
            parts.append("?")
            continue
        try:
            parts.append(str(sizes.value(size)))
        except (KeyError, ValueError):
            parts.append(str(size))
    text = f"[{', '.join(parts)}]"
    return text if type.dtype is DType.FLOAT else f"{type.dtype.value}{text}"


def _within(node: Node | Call, parts: set[Instance]) -> bool:
    """Whether a use stands in one of these parts."""
    owner: Instance | None = node.owner if isinstance(node, Node) else node.instance
    while owner is not None:
        if owner in parts:
            return True
        owner = owner.parent
    return False


def _inside(span: Span, other: Span) -> bool:
    return span.source is other.source and other.start <= span.start and span.end <= other.end


def _key(span: Span) -> tuple[str, int, int]:
    return span.source.path, span.start, span.end
