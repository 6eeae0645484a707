"""What an op's `torch` rule answers in: constructor calls and expressions whose varying parts are slots.

A slot is a compile-time value with its origin. The backend aligns the slots of all instances of a block and chooses
what each prints (a parameter, an expression in the block's words, a literal); a rule never formats a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from dslc.record import frozen
from dslc.types.const import Const
from dslc.types.tensor import TensorType


@frozen
class Arg:
    """An argument of a call in generated code.

    `value`: a Const is a slot; a str is Python text; a `PyExpr` an expression. With `default`, the argument is
    left out where its value equals it in every instance. `name` none: positional.
    """

    value: Const | str | PyExpr
    name: str | None = None
    default: object = ...


@frozen
class In:
    """The op's input number `index` as `forward` names it."""

    index: int


@frozen
class Own:
    """A tensor given to the op as an argument (`weight=wte.weight`), or a parameter the module owns, by name."""

    name: str


@frozen
class Device:
    """Where the tensors of the running `forward` are: `x.device` of its first input."""


@frozen
class ElementType:
    """The float type that the running `forward` works in: `x.dtype` of its first input of floats, else the default."""


@frozen
class Attribute:
    """An attribute of a tensor: `x.dtype`."""

    of: PyExpr
    name: str


@frozen
class PyCall:
    """`function(args)`, or `receiver.function(args)`."""

    function: str
    args: tuple[Arg, ...]
    receiver: PyExpr | None = None


@frozen
class PyInfix:
    """`left op right`, with brackets where Python needs them."""

    op: str
    left: PyExpr | Const
    right: PyExpr | Const


@frozen
class PyPrefix:
    """`-value`, `~value`."""

    op: str
    value: PyExpr


@frozen
class PyIndex:
    """`value[items]`: each item Python text, a slot, a tensor, or a (start, stop, step) tuple of those or none."""

    value: PyExpr
    items: tuple[Const | str | PyExpr | tuple[Const | str | None, ...], ...]


@frozen
class PySequence:
    """A list or tuple of expressions: `open` is `[` or `(`."""

    items: tuple[Arg, ...]
    open: str = "["


PyExpr: TypeAlias = In | Own | Device | ElementType | Attribute | PyCall | PyInfix | PyPrefix | PyIndex | PySequence


@frozen
class Form:
    """How an op stands in generated code.

    `module`: constructor of an nn.Module (`nn.Conv2d`), applied as `self.name(inputs)`. `function`: an
    expression over `In(i)` for `forward`. An op that owns weights or state has a module; one without has at least
    a function, and a module too where torch or `helper` has one (it then can stand in an nn.Sequential).
    `helper`: source of classes or functions put at the head of the file, by name; imports are worked out from the
    text (`nn`, `F`, `torch`, `math`). `stateful`: behaves differently in training (dropout): always a module.
    `arguments`: what the module is called with where that is not the inputs themselves (`self.conv(F.pad(x, ..))`);
    such a use cannot stand in an nn.Sequential.
    `unpack`: where the call does not return the outputs in order, the target of its assignment with `{0}`, `{1}`
    for them: `{0}, _` (`x, _ = self.lstm(x)`). Such a use cannot stand in an nn.Sequential either.
    `exact`: an expression over `In(i)` and `Own(name)` for a layer with weights whose data are float32 in every build,
    `F.layer_norm(x, ..)`: the weights, which are the network's own float, are read there as `.float()`. Without it
    such a layer is applied by the helper IN_FLOAT32.
    """

    module: PyCall | None = None
    function: PyExpr | None = None
    helpers: tuple[str, ...] = ()
    stateful: bool = False
    arguments: tuple[PyExpr, ...] | None = None
    unpack: str | None = None
    exact: PyExpr | None = None


IN_FLOAT32 = '''def computed_in_float32(layer: nn.Module, *inputs: Tensor) -> Any:
    """A layer applied to tensors in float32, whatever the type of its weights."""
    tensors = (*layer.named_parameters(), *layer.named_buffers())
    wide = dict((name, t.float()) for name, t in tensors if t.is_floating_point())
    return torch.func.functional_call(layer, wide, inputs)
'''


class TorchContext(Protocol):
    """What a `torch` rule may ask about the use it describes."""

    ins: tuple[TensorType, ...]
    outs: tuple[TensorType, ...]

    def attr(self, name: str) -> Const:
        """An attribute as a slot: its value with its origin."""
        ...

    def size(self, index: int, axis: int) -> Const:
        """A size of an input as a slot."""
        ...

    def const(self, value: object) -> Const:
        """A value computed by the rule, with no words of its own."""
        ...

    def helper(self, name: str, source: str) -> str:
        """Register a helper's source under its name; returns the name."""
        ...


def call(function: str, *args: Const | str | PyExpr | Arg, receiver: PyExpr | None = None) -> PyCall:
    """A call; bare values are positional arguments."""
    return PyCall(function, tuple(a if isinstance(a, Arg) else Arg(a) for a in args), receiver)


def keyword(name: str, value: Const | str | PyExpr, default: object = ...) -> Arg:
    """A keyword argument, left out where it equals `default` in every instance."""
    return Arg(value, name, default)


def sequence(items: Sequence[Const | str | PyExpr], open: str = "[") -> PySequence:
    """A list or tuple of expressions."""
    return PySequence(tuple(Arg(i) for i in items), open)
