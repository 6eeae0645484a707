"""What tensors, layers, initialisers and functions are to this layer, which stands below the ones that make them.

Their classes say so by inheriting a face, and kinds test for it. The faces are plain classes: the tests stand where
every argument passes, and an abstract class would make each ten times as slow.
"""

from __future__ import annotations

from dslc.types.dim import Dim
from dslc.types.tensor import DType


class Face:
    """A value of a program that only layers above this one can make."""

    __slots__ = ()

    @property
    def described(self) -> str:
        """What it is, in words, for messages: `a layer (`conv`)`."""
        raise NotImplementedError


class TensorFace(Face):
    """A tensor of the network."""

    __slots__ = ()


class InitialFace(Face):
    """An initialiser of tensors."""

    __slots__ = ()


class LayerFace(Face):
    """A layer that waits for tensors."""

    __slots__ = ()

    @property
    def initialiser(self) -> InitialFace | None:
        """What it is where an initialiser is asked for: `zeros` and `ones` name one, too."""
        return None

    @property
    def room(self) -> int | None:
        """How many more arguments it takes; none where that is not known."""
        return None

    def same_as(self, other: LayerFace) -> bool:
        """Whether both are one layer with the same arguments."""
        raise NotImplementedError


class FunctionFace(Face):
    """A function of compile-time values."""

    __slots__ = ()

    @property
    def element_type(self) -> DType | None:
        """What it is where an element type is asked for: `float` names one, too."""
        return None


def describe(value: object) -> str:
    """What a value is, in words, for messages."""
    match value:
        case Face():
            return value.described
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
            if value and all(isinstance(v, TensorFace) for v in value):
                return f"{len(value)} tensors"
            if value and all(isinstance(v, int) for v in value):
                return f"the size {'x'.join(map(str, value))}"
            return "a tuple"
        case DType():
            return f"the element type `{value.value}`"
        case range():
            return "a range"
        case _:
            return f"a {type(value).__name__.lower()}"


def value_text(value: object) -> str:
    """A value as it is written on the command line: `0.5`, `3x3`, `[3,4,6,3]`, `none`."""
    if isinstance(value, tuple) and all(isinstance(side, int) for side in value):
        return "x".join(map(str, value))
    if isinstance(value, list | tuple):
        return f"[{','.join(map(value_text, value))}]"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)
