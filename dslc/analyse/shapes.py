"""Tensors by the place of the text that makes them, with what they cost and see."""

from __future__ import annotations

from functools import cached_property

from dslc.analyse.words import shape_in_words
from dslc.analysis.field import whole
from dslc.analysis.quantities import Numbers
from dslc.elaborate.watch import Seen
from dslc.ir.model import Call, Instance, Node, Value
from dslc.record import entity
from dslc.source import Span
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
    """The tensors of one net by place: of each step of a chain, and what each line leaves. Computed when asked for."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
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
        found.sort(key=lambda pair: (pair[0].span.start, pair[0].span.end))
        return [(line, self.line(line)) for line, _ in found]

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
            return None
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
        first = made[0][1].type
        known = all(UNKNOWN not in value.type.dims for _, value in made)
        words = shape_in_words(made)
        return Made(
            span, words, default_text(first, self.seen.sizes), len(made), known, tuple(value for _, value in made)
        )


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
