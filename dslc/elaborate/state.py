"""What elaboration works with: layer values, the place a line is executed at, and the state of one run.

`State` declares the methods that the layers of the elaborator call across files; `expand.Elaborator` has them all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Final, TypeAlias, TypeVar

from dslc.diagnostics.model import Frame, Help, Label, Mistake, Sink
from dslc.elaborate.errors_body import EndlessWork
from dslc.elaborate.limits import short, weight
from dslc.ir.model import Budget, Instance, Item, Node, Value
from dslc.ops.base import Init, Op
from dslc.record import entity, record, replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Const, Scope
from dslc.types.dim import Dim
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType

MAX_DEPTH: Final = 200
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
T = TypeVar("T")


class Poison:
    """The value of what failed: everything on it stays silent."""

    def __repr__(self) -> str:
        return "poison"


POISON: Final = Poison()


class Runaway(Exception):
    """The program does more than allowed: elaboration stops at once."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake
        self.span: Span | None = None  # the line of the net that is at fault, once it is known


@record
class Definition:
    """A `block`, `net` or `extern` of a file."""

    tree: tree.Block | tree.Extern
    scope: Scope


@record
class Function:
    """A `fn` of a file, or a net's alias with parameters, whose value is a layer."""

    tree: tree.Fn
    scope: Scope
    alias: bool = False


@record
class Builtin:
    """A compile-time function of the language."""

    name: str


@record
class ChainLayer:
    """`a -> b -> c` as a layer: the first step is evaluated, the rest when it is applied."""

    first: Const
    rest: tuple[tree.Expr, ...]


@record
class SuiteLayer:
    """A trailing suite as a layer; `seq` makes it an nn.Sequential."""

    suite: tree.Suite
    seq: bool


@entity
class Shared:
    """`module name = layer`: one set of weights, sized by the first use."""

    name: str
    span: Span
    layer: Recipe
    instance: Instance  # the block that made it
    first: Node | Instance | None = None
    read: bool = False  # in the side of an `if` that was not taken


@record
class ChoiceLayer:
    """`a if c else b` with layers: the side taken, and which it was."""

    condition: Const
    side: int
    taken: Const
    site: Span


@record
class TrainingLayer:
    """`(a if training else b)` with layers."""

    training: Const
    evaluation: Const
    site: Span


Target: TypeAlias = type[Op] | Definition | ChainLayer | SuiteLayer | Shared | ChoiceLayer | TrainingLayer


@record
class Recipe:
    """A layer value: what to apply, the arguments given so far, and where it was written."""

    target: Target
    span: Span
    scope: Scope
    bound: dict[str, Const] = field(default_factory=dict)
    extra: dict[str, Const] = field(default_factory=dict)  # keyword arguments of a pattern: `h=heads`
    name: str | None = None  # by `as`
    name_span: Span | None = None
    via: str | None = None
    named: dict[str, Value] = field(default_factory=dict)  # tensors given by port name before the layer is applied
    home: Instance | None = None  # the block whose tensors those are
    places: dict[int, Span] = field(default_factory=dict)  # where tensors given in brackets stand, by their ids

    @property
    def label(self) -> str:
        """What the layer is called in messages."""
        match self.target:
            case Definition(tree=block):
                return block.name
            case Shared(name=name):
                return name
            case type():
                return self.target.name
            case _:
                return "this layer"

    @property
    def composite(self) -> bool:
        """Whether it is made of steps and takes no arguments."""
        return not isinstance(self.target, Definition | Shared | type)


Tensors: TypeAlias = Value | tuple[Value, ...] | None


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
    it: Tensors | Poison
    depth: int = 0
    initial: Stated | None = None  # what is stated where it stands

    def inside(self, scope: Scope | None = None, items: list[Item] | None = None, it: Tensors | Poison = None) -> Place:
        """The same place with another scope, list of items or current value."""
        return replace(
            self,
            scope=scope or self.scope,
            items=self.items if items is None else items,
            it=self.it if it is None else it,
        )


def block_of(owner: Instance) -> Instance:
    """The net or block that an owner is, or stands in as a `seq`."""
    while owner.kind == "seq" and owner.parent is not None:
        owner = owner.parent
    return owner


def describe(value: object) -> str:
    """What a value is, in words, for messages."""
    match value:
        case Value():
            return f"a tensor {value.type}"
        case Recipe():
            return f"a layer (`{value.label}`)" if not value.composite else "a layer"
        case bool():
            return f"the bool `{'true' if value else 'false'}`"
        case int() | float():
            return f"the number {value}"
        case Dim():
            return f"the size {value}"
        case str():
            return f'the text "{value}"'
        case None:
            return "`none`"
        case list():
            return "a list"
        case tuple():
            if value and all(isinstance(v, Value) for v in value):
                return f"{len(value)} tensors"
            if value and all(isinstance(v, int) for v in value):
                return f"the size {'x'.join(map(str, value))}"
            return "a tuple"
        case Init():
            return f"an initialiser (`{value.kind}`)"
        case Function():
            return f"the function `{value.tree.name}`"
        case Builtin():
            return f"the function `{value.name}`"
        case DType():
            return f"the element type `{value.value}`"
        case range():
            return "a range"
        case _:
            return f"a {type(value).__name__.lower()}"


def is_tensor(value: object) -> bool:
    """Whether a value is a tensor or several."""
    return isinstance(value, Value) or (
        isinstance(value, tuple) and bool(value) and all(isinstance(v, Value) for v in value)
    )


class State(ABC):
    """The state of one elaboration."""

    def __init__(self, sink: Sink, sizes: Sizes, max_ops: int) -> None:
        self.sink = sink
        self.sizes = sizes
        self.float = DType.FLOAT32  # what `float` is unless a build asks for another type
        self.max_ops = max_ops
        self.ops = 0
        self.work = 0  # turns of loops, calls, uses of layers, parts of lists so far
        self.mistakes = 0  # of the sink, that count as work
        self.lets: dict[int, Const] = {}  # id of a `let` or alias of a file -> its value
        self.of_files: dict[int, dict[str, Const]] = {}  # id of a file's scope -> what its `init` statements say
        self.stated: dict[int, Const] = {}  # the values of `init` statements, by their ids
        self.unfit: set[int] = set()  # ids of initialisers that were reported for a tensor that they cannot fill
        self.nodes: list[Node] = []
        self.owners: list[Node | Instance] = []  # in order of first application, for the order of parameters
        self.auto_bias: list[Node] = []
        self.made: list[tuple[Value, str, Instance]] = []  # values made, what messages call them, and the block
        self.budgets: list[Budget] = []
        self.shared: list[Shared] = []
        self.replaced: dict[int, Span] = {}  # id of a value -> the line that replaced it as `it`
        self.stopped = False  # by a program that would not end: what comes after is not known
        self.broken: set[int] = set()  # ids of instances in which something failed

    def report(
        self,
        mistake: Mistake,
        span: Span,
        p: Place | None = None,
        related: Iterable[Label] = (),
        help: Iterable[Help] = (),
    ) -> Const:
        """Add a diagnostic; the poisoned constant that stands for what failed."""
        trail = p.frame if p is not None else None
        inside = span
        while span.source.is_library and trail is not None:
            span, trail = trail.call, trail.parent
        if span is not inside:
            related = [Label(inside, "inside here"), *related]
        self.sink.add(mistake.at(span, trail, related, help))
        if p is not None:
            self.broken.add(id(block_of(p.owner)))
        return Const(POISON, None, None, span)

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

    def shape(self, type: TensorType) -> str:
        """A tensor's type for a label; a size with arithmetic is shown with its value at the default sizes too."""
        computed = any(isinstance(d, Dim) and not str(d).isidentifier() for d in type.dims)
        if not computed:
            return str(type)
        values = ", ".join(str(self.sizes.value(d)) for d in type.dims)
        return f"{type}, by default [{values}]"

    @abstractmethod
    def evaluate(self, expr: tree.Expr, p: Place) -> Const:
        """The compile-time value, layer or tensor of an expression."""

    @abstractmethod
    def bind(
        self,
        recipe: Recipe,
        arguments: list[tuple[str | None, Const, Span | None]],
        call: tree.Call,
        p: Place,
    ) -> Const:
        """A layer with more arguments; applied at once if tensors are among them."""

    @abstractmethod
    def apply(self, layer: Const, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        """The tensors that a layer makes of tensors."""

    @abstractmethod
    def apply_op(
        self, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span, texts: Sequence[Span] = ()
    ) -> Const:
        """The tensors that an op makes."""

    @abstractmethod
    def flow(self, expr: tree.Expr, p: Place) -> Const:
        """The tensors that a line makes: a layer is applied to `it`, a tensor expression stands for itself."""

    @abstractmethod
    def settle(self, value: Const, p: Place, span: Span) -> Const:
        """A layer applied to the current value; tensors stand for themselves."""

    @abstractmethod
    def execute(self, suite: tree.Suite, p: Place) -> None:
        """Run the statements of a suite; `p.it` moves."""
