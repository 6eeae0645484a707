"""Layer values: what a layer applies and was given, and the words for values in messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from dslc.bind.signatures import STEPS
from dslc.bind.table import Signature
from dslc.ir.model import Instance, Node, Value
from dslc.ops.base import Init, Op
from dslc.ops.initialisers import INITIALISERS, initialiser
from dslc.record import entity, record
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Const, Scope
from dslc.types.tensor import DType
from dslc.values.faces import FunctionFace, LayerFace

if TYPE_CHECKING:
    from dslc.elaborate.run import Place, Run


Known: TypeAlias = tuple[Value | None, ...]
"""Inputs in the order of ports, none for one that failed: how many those are is not known."""


class Layer(ABC):
    """What a layer value applies; its kinds are in `layers`."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """What the layer is called in messages."""
        return "this layer"

    @property
    def composite(self) -> bool:
        """Whether it is made of steps and takes no arguments."""
        return True

    @property
    def op(self) -> type[Op] | None:
        """The op that it is, if it is one."""
        return None

    @property
    def shared(self) -> Shared | None:
        """The `module` that it is, if it is one."""
        return None

    @property
    def signature(self) -> Signature:
        """What it takes."""
        return STEPS

    def room(self, bound: Mapping[str, Const]) -> int | None:
        """How many more arguments it takes; none where that is not known."""
        return None

    @abstractmethod
    def apply(self, run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
        """The tensors that it makes of `inputs`, which are in the order of its ports."""

    @abstractmethod
    def recover(self, run: Run, recipe: Recipe, inputs: Known, p: Place, span: Span) -> Const:
        """What is known of the tensors that it makes of inputs some of which failed; its own mistakes are told."""


@record
class Recipe(LayerFace):
    """A layer value: what to apply, the arguments given so far, and where it was written."""

    layer: Layer
    span: Span
    scope: Scope
    bound: dict[str, Const] = field(default_factory=dict)
    extra: dict[str, Const] = field(default_factory=dict)  # keyword arguments of a pattern: `h=heads`
    name: str | None = None  # by `as`
    name_span: Span | None = None
    via: str | None = None
    named: dict[str, Value] = field(default_factory=dict)  # tensors given by port name before the layer is applied
    home: Instance | None = None  # the block whose tensors those are
    places: dict[Value, Span] = field(default_factory=dict)  # where tensors given in brackets stand
    lost: bool = False  # an argument fits no parameter, so that one that seems to be missing may be there

    def filled(self, span: Span, bound: dict[str, Const], extra: dict[str, Const], lost: bool) -> Recipe:
        """The layer with these arguments; every use has one, so this is no `replace`, which takes six times as long."""
        return Recipe(
            self.layer,
            span,
            self.scope,
            bound,
            extra,
            self.name,
            self.name_span,
            self.via,
            self.named,
            self.home,
            self.places,
            lost,
        )

    @property
    def label(self) -> str:
        """What the layer is called in messages."""
        return self.layer.name

    @property
    def described(self) -> str:
        return "a layer" if self.layer.composite else f"a layer (`{self.label}`)"

    @property
    def initialiser(self) -> Init | None:
        op = self.layer.op
        named = op is not None and not self.bound and op.name in INITIALISERS
        return initialiser(op.name, [], {}) if op is not None and named else None

    @property
    def room(self) -> int | None:
        return self.layer.room(self.bound)

    def same_as(self, other: LayerFace) -> bool:
        return (
            isinstance(other, Recipe)
            and self.layer == other.layer
            and {k: c.value for k, c in self.bound.items()} == {k: c.value for k, c in other.bound.items()}
        )

    def in_port_order(self, inputs: tuple[Value, ...]) -> tuple[Value, ...]:
        """The tensors of a use: those given by port name stand at their ports, the rest fills the others in order."""
        waiting = list(inputs)
        ordered = []
        for name in self.layer.signature.ports:
            if name in self.named:
                ordered.append(self.named[name])
            elif waiting:
                ordered.append(waiting.pop(0))
        return (*ordered, *waiting)


@entity
class Shared:
    """`module name = layer`: one set of weights, sized by the first use."""

    name: str
    span: Span
    recipe: Recipe
    instance: Instance  # the block that made it
    first: Node | Instance | None = None
    read: bool = False  # in the side of an `if` that was not taken
    failed: bool = False  # where it was applied first


@record
class Function(FunctionFace):
    """A `fn` of a file, or a net's alias with parameters, whose value is a layer."""

    tree: tree.Fn
    scope: Scope
    alias: bool = False

    @property
    def described(self) -> str:
        return f"the function `{self.tree.name}`"


@record
class Builtin(FunctionFace):
    """A compile-time function of the language."""

    name: str

    @property
    def described(self) -> str:
        return f"the function `{self.name}`"

    @property
    def element_type(self) -> DType | None:
        return DType.FLOAT if self.name == DType.FLOAT.value else None


def is_tensor(value: object) -> TypeGuard[Value | tuple[Value, ...]]:
    """Whether a value is a tensor or several."""
    return isinstance(value, Value) or (
        isinstance(value, tuple) and bool(value) and all(isinstance(v, Value) for v in value)
    )
