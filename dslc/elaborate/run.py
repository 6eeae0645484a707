"""The state of one run, and the place that a line is executed at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import field
from typing import Final, TypeAlias, TypeVar

from dslc.diagnostics.model import Frame, Help, Label, Mistake, Sink, users_place
from dslc.elaborate.combined import as_written
from dslc.elaborate.mistakes.limits import EndlessWork
from dslc.elaborate.recipe import Shared, is_tensor
from dslc.elaborate.watch import Watch
from dslc.ir.made import maker
from dslc.ir.model import Budget, Call, Instance, Item, Node, Value
from dslc.record import entity
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import mentioned
from dslc.types.const import Binding, Const, Scope
from dslc.types.dim import Dim
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType
from dslc.values.hole import Hole, hole
from dslc.values.limits import short, weight

MAX_DEPTH: Final = 200
MAX_CALLS: Final = 400
"""Calls of functions within each other: each takes some ten of Python's frames, of which there are enough for these
beside `MAX_DEPTH` blocks.
"""
MOST: Final = 200_000
"""Turns of loops without an op, and what weighs as much, that a program may take at compile time: some seconds."""
CALL: Final = 40
"""What the call of a function weighs against a turn of a loop."""
EXPANSION: Final = 20
"""What one use of a block weighs against a turn of a loop."""
USE: Final = 3
"""What one use of a layer weighs against a turn of a loop."""
MISTAKE: Final = 40
"""What a mistake weighs against a turn of a loop: each turn may meet one."""
EARNED: Final = 40
"""Steps that each op of the network allows, so that only what makes no ops is stopped short of `max_ops`."""
ITEMS: Final = 64
"""Items of a list, or letters of a text, that weigh as much as a turn of a loop."""
WALKED: Final = 8
"""Items that weigh as much as a turn of a loop where a function such as `sum` looks at each."""
TURN: Final = 60
"""Letters that name a turn of a loop."""
T = TypeVar("T")


class Runaway(Exception):
    """The program does more than allowed: elaboration stops at once."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake
        self.span: Span | None = None  # the line of the net that is at fault, once it is known


Flowing: TypeAlias = Value | tuple[Value, ...] | Hole | None
"""The current value of a chain."""


@entity
class Stated:
    """What the `init` statements of one body say, or those of its file: by target, as `conv` and `conv.bias`."""

    outer: Stated | None  # what is stated around it
    owner: Instance
    scope: Scope
    ops: int  # made before the body
    given: dict[str, Const] = field(default_factory=dict)


@entity
class Place:
    """Where a line is executed: who owns what it applies, what names mean, and the current value."""

    owner: Instance
    scope: Scope
    items: list[Item]
    frame: Frame | None
    it: Flowing
    depth: int = 0  # blocks within each other
    initial: Stated | None = None  # what is stated where it stands
    calls: int = 0  # functions within each other

    def inside(self, scope: Scope | None = None, items: list[Item] | None = None, it: Flowing = None) -> Place:
        """The same place with another scope, list of items or current value."""
        return Place(  # every turn and every suite has one: `replace` takes six times as long
            self.owner,
            scope or self.scope,
            self.items if items is None else items,
            self.frame,
            self.it if it is None else it,
            self.depth,
            self.initial,
            self.calls,
        )


def block_of(owner: Instance) -> Instance:
    """The net or block that an owner is, or stands in as a `seq`."""
    while owner.kind == "seq" and owner.parent is not None:
        owner = owner.parent
    return owner


def turned(p: Place) -> Frame | None:
    """The trail that leads to a place: what was expanded, and the turns of the loops around it in that body."""
    turns = []
    scope: Scope | None = p.scope
    while scope is not None and scope.kind in ("turn", "suite"):
        if scope.kind == "turn" and scope.names:
            turns.append(scope)
        scope = scope.parent
    frame = p.frame
    for turn in reversed(turns):
        named = list(turn.names.items())
        frame = Frame(", ".join(_turn(name, found) for name, found in named)[:TURN], named[0][1].span, frame, turn=True)
    return frame


def _turn(name: str, found: Binding) -> str:
    """A loop's name with its value in this turn, where that is short to say."""
    value = found.value.value if isinstance(found.value, Const) else None
    plain = isinstance(value, int | float | str) or (isinstance(value, tuple) and all(type(v) is int for v in value))
    return f"{name}={value}" if plain else name


def flowing(value: object) -> Flowing:
    """What a step of a chain has made, as the current value."""
    if is_tensor(value) or isinstance(value, Hole):
        return value
    return None if value is None else ()


class Run:
    """The state of one elaboration.

    Its two doors cut the circle of expressions, which apply layers, which run statements, which are made of
    expressions: what stands below those files calls them through here.
    """

    evaluate: Callable[[tree.Expr, Place], Const]  # the compile-time value, layer or tensor of an expression
    execute: Callable[[tree.Suite, Place], None]  # runs the statements of a suite; `p.it` moves

    def __init__(self, sink: Sink, sizes: Sizes, max_ops: int, told: Set[tree.Expr] = frozenset()) -> None:
        self.sink = sink
        self.told = told  # expressions whose mistake binding has told: they have no value
        self.sizes = sizes
        self.float = DType.FLOAT32  # what `float` is unless a build asks for another type
        self.max_ops = max_ops
        self.ops = 0
        self.work = 0  # turns of loops, calls, uses of layers, parts of lists so far
        self.mistakes = 0  # of the sink, that count as work
        self.lets: dict[tree.LetItem | tree.NetAlias, Const] = {}  # those of files that have been read
        self.of_files: dict[Scope, dict[str, Const]] = {}  # what the `init` statements of a file say
        self.stated: set[Const] = set()  # the values of `init` statements
        self.unfit: set[Const] = set()  # initialisers that were reported for a tensor that they cannot fill
        self.nodes: list[Node] = []
        self.owners: list[Node | Instance] = []  # in order of first application, for the order of parameters
        self.auto_bias: list[Node] = []
        self.made: list[tuple[Value, tuple[str, str], Instance]] = []  # made, as `Dropped` calls them, and the block
        self.budgets: list[Budget] = []
        self.reuse: Node | Instance | None = None  # the first use of the `module` being applied again
        self.shared: list[Shared] = []
        self.replaced: dict[Value, Span] = {}  # the line that replaced a value as `it`
        self.names: dict[tree.Expr | tree.Suite, set[str]] = {}  # what parts of the text mention, once it was asked
        self.endless = False  # a block was expanded in itself too often: none is any more
        self.endless_functions: set[tree.Fn] = set()  # those that were called in themselves too often
        self.stopped = False  # by a program that would not end: what comes after is not known
        self.broken: set[Instance] = set()  # those in which something failed
        self.net = ""
        self.watch: Watch | None = None  # who is told of each line

    def report(
        self,
        mistake: Mistake,
        span: Span,
        p: Place | None = None,
        related: Iterable[Label] = (),
        help: Iterable[Help] = (),
        inputs: tuple[Value, ...] = (),
        site: Span | None = None,
    ) -> Const:
        """Add a diagnostic; the hole that stands for what failed. `inputs` are the tensors that it was given."""
        trail = turned(p) if p is not None else None
        inside = span
        span, trail = users_place(span, trail)
        if span is not inside:
            related = [label for label in related if not label.span.source.is_library and label.span != span]
            mistake = as_written(mistake, span, inside)
        self.sink.add(mistake.at(span, trail, related, help, inputs, site))
        if p is not None:
            self.broken.add(block_of(p.owner))
        return hole(span)

    def mentioned(self, part: tree.Expr | tree.Suite) -> set[str]:
        """The plain names in a part of the text, which each expansion of its block asks for."""
        names = self.names.get(part)
        if names is None:
            names = self.names[part] = mentioned(part)
        return names

    def lost(self, span: Span, p: Place) -> Const:
        """The hole that stands for what depends on something that failed: there is nothing more to say of it."""
        self.broken.add(block_of(p.owner))
        return hole(span)

    def spend(self, work: int) -> None:
        """Count steps of compile-time work, and stop a program that would never end."""
        self.work += work
        most = MOST + EARNED * self.ops
        if self.work > most:
            raise Runaway(EndlessWork(most))

    def sized(self, value: T) -> T:
        """A list or text that was made or is walked: its items count as work. A Reject if it is too long."""
        count = weight(value)
        self.spend(count // ITEMS)
        short(count)
        return value

    def made_here(self, value: Value, axis: int | None = None) -> Label | None:
        """What a tensor is, by the name it was given, at the text that made it; none where that is not known.

        `axis`: the text is that of the layer which gave this axis its size, if steps after it only passed it on.
        """
        if value.span is None:
            return None
        what = f"`{value.name}`" if value.name else "this"
        if value.span.source.is_library and isinstance(value.producer, Node | Call):
            place, _ = users_place(value.span, value.producer.frame)
            return Label(place, f"{what} is {self.shape(value.type)}")
        made = maker(value, axis) if axis is not None and -value.type.rank <= axis < value.type.rank else None
        if made is None or made.node.span == value.span or made.node.span.source is not value.span.source:
            return Label(value.span, f"{what} is {self.shape(value.type)}")
        assert axis is not None
        whose = "" if what == "this" else f" of {what}"
        return Label(
            made.node.span, f"axis {axis}{whose} becomes {value.type.dims[axis]} here: {self.shape(value.type)}"
        )

    def shape(self, type: TensorType) -> str:
        """A tensor's type for a label; a size with arithmetic is shown with its value at the default sizes too."""
        computed = any(isinstance(d, Dim) and not str(d).isidentifier() for d in type.dims)
        if not computed:
            return str(type)
        values = ", ".join(str(self.sizes.value(d)) for d in type.dims)
        return f"{type}, by default [{values}]"
