"""Layer values, and the words for values in messages."""

from __future__ import annotations

from dataclasses import field
from typing import TypeAlias, TypeGuard

from dslc.ir.model import Instance, Node, Value
from dslc.ops.base import Init, Op
from dslc.record import entity, record
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Const, Scope
from dslc.types.dim import Dim
from dslc.types.tensor import DType


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


def is_tensor(value: object) -> TypeGuard[Value | tuple[Value, ...]]:
    """Whether a value is a tensor or several."""
    return isinstance(value, Value) or (
        isinstance(value, tuple) and bool(value) and all(isinstance(v, Value) for v in value)
    )
