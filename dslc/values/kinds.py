"""Kinds: what a value must be for an op's attribute or a header's parameter, and the words for it.

A kind is an object that knows its words and its test. `of_annotation` reads the annotation of an op's attribute when
the op is defined, so one that names no kind fails at import; `of_type` reads the type in a header.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Final

from dslc.syntax import tree
from dslc.types.dim import Dim
from dslc.types.tensor import DType
from dslc.values.faces import FunctionFace, InitialFace, LayerFace, TensorFace


def is_number(value: object) -> bool:
    """Whether a value takes part in arithmetic: an int, a float or a symbolic size, not a bool."""
    return isinstance(value, int | float | Dim) and not isinstance(value, bool)


def whole(value: object) -> bool:
    """Whether a value is an int or a symbolic size."""
    return isinstance(value, int | Dim) and not isinstance(value, bool)


class Kind:
    """What a value must be. `words` name it in messages, `short` in a signature."""

    __slots__ = ()
    words: str = ""
    short: str = ""

    def holds(self, value: object) -> bool:
        """Whether a value is of this kind."""
        raise NotImplementedError

    def meant(self, value: object) -> object:
        """What a value stands for where this kind is asked for, of the names that name two things."""
        return value

    def fitted(self, value: object) -> object:
        """A value that `holds`, in the form of this kind, at any depth: a whole number as a float, a range as a list.

        What a block computes with a parameter then does not depend on how its caller made the value.
        """
        return self.meant(value)


class Int(Kind):
    words, short = "a whole number", "int"

    def holds(self, value: object) -> bool:
        return whole(value)


class Size(Int):
    """A number of places, which may depend on the input's."""

    words = "a size"


class Float(Kind):
    words, short = "a number", "float"

    def holds(self, value: object) -> bool:
        return is_number(value)

    def fitted(self, value: object) -> object:
        return float(value) if isinstance(value, int) else value


class Bool(Kind):
    words, short = "true or false", "bool"

    def holds(self, value: object) -> bool:
        return isinstance(value, bool)


class Word(Kind):
    """A word of the language, such as `half`; which ones is the attribute's own matter."""

    words, short = "a word", "str"

    def holds(self, value: object) -> bool:
        return isinstance(value, str)


class Text(Word):
    words = "text"


class Nothing(Kind):
    words, short = "none", "none"

    def holds(self, value: object) -> bool:
        return value is None


class Sides(Kind):
    """A window's or an image's size: one number for all axes, or one each."""

    words, short = "a whole number or a size such as 3x3", "size"

    def holds(self, value: object) -> bool:
        return whole(value) or (isinstance(value, tuple) and all(map(whole, value)))


class HeaderSize(Sides):
    words = "a size such as 3x3, or a whole number"


class Padding(Kind):
    words, short = "a padding (a number, a size, pairs, or half, valid, same_tf)", "padding"

    def holds(self, value: object) -> bool:
        return whole(value) or (
            isinstance(value, tuple | list)
            and all(
                whole(v) or (isinstance(v, tuple | list) and len(v) == 2 and all(whole(e) for e in v)) for v in value
            )
        )


class Initialiser(Kind):
    words, short = "an initialiser", "init"

    def meant(self, value: object) -> object:
        return (value.initialiser or value) if isinstance(value, LayerFace) else value

    def holds(self, value: object) -> bool:
        return isinstance(self.meant(value), InitialFace)


class ElementType(Kind):
    words, short = "an element type", "type"

    def meant(self, value: object) -> object:
        return (value.element_type or value) if isinstance(value, FunctionFace) else value

    def holds(self, value: object) -> bool:
        return isinstance(self.meant(value), DType)


class Layer(Kind):
    """A layer; `takes` are the arguments that it will be called with, where a header says so: `layer(out, s)`."""

    words, short = "a layer", "layer"

    def __init__(self, takes: tuple[str, ...] | None = None) -> None:
        self.takes = takes
        if takes is not None:
            self.words = f"a layer that takes ({', '.join(takes)})"

    def holds(self, value: object) -> bool:
        if not isinstance(value, LayerFace):
            return False
        return self.takes is None or (room := value.room) is None or room >= len(self.takes)


class Tensor(Kind):
    words, short = "a tensor", "tensor"

    def holds(self, value: object) -> bool:
        return isinstance(value, TensorFace)


class Anything(Kind):
    words, short = "a value", "object"

    def holds(self, value: object) -> bool:
        return True


class Many(Kind):
    """Several values of one kind, in a tuple or list, as an attribute takes them."""

    def __init__(self, item: Kind, words: str, short: str) -> None:
        self.item, self.words, self.short = item, words, short

    def holds(self, value: object) -> bool:
        return isinstance(value, tuple | list) and all(map(self.item.holds, value))


class ListOf(Kind):
    """A list of a header: `list[int]`."""

    short = "list"

    def __init__(self, item: Kind) -> None:
        self.item = item
        self.words = f"a list, each item {item.words}"

    def holds(self, value: object) -> bool:
        return isinstance(value, list | tuple | range) and all(map(self.item.holds, value))

    def fitted(self, value: object) -> object:
        if not isinstance(value, list | tuple | range):
            return value
        made = [self.item.fitted(item) for item in value]
        return value if type(value) is list and all(map(operator.is_, made, value)) else made


class TupleOf(Kind):
    """A tuple of a header: `(int, float)`."""

    short = "tuple"

    def __init__(self, items: Sequence[Kind]) -> None:
        self.items = items
        self.words = f"({', '.join(item.words for item in items)})"

    def holds(self, value: object) -> bool:
        return (
            isinstance(value, tuple | list)
            and len(value) == len(self.items)
            and all(kind.holds(item) for kind, item in zip(self.items, value, strict=True))
        )

    def fitted(self, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        made = tuple(kind.fitted(item) for kind, item in zip(self.items, value, strict=True))
        return value if type(value) is tuple and all(map(operator.is_, made, value)) else made


class OneOf(Kind):
    """A value of one of several kinds."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.kinds = kinds
        self.words = " or ".join(kind.words for kind in kinds)
        words = [kind.short for kind in kinds if kind is not NOTHING]
        self.short = " or ".join(words) + ("?" if NOTHING in kinds else "")

    def holds(self, value: object) -> bool:
        return any(kind.holds(value) for kind in self.kinds)

    def meant(self, value: object) -> object:
        for kind in self.kinds:
            value = kind.meant(value)
        return value

    def fitted(self, value: object) -> object:
        return next((kind.fitted(value) for kind in self.kinds if kind.holds(value)), value)


NOTHING: Final = Nothing()
INT: Final = Int()
FLOAT: Final = Float()
BOOL: Final = Bool()
WORD: Final = Word()
SIZE: Final = Size()
ANYTHING: Final = Anything()


def maybe(kind: Kind) -> Kind:
    """A value of a kind, or none."""
    return OneOf((kind, NOTHING))


INITIALISER: Final = Initialiser()
_ANNOTATIONS: Final[dict[str, Kind]] = {
    "None": NOTHING,
    "int": INT,
    "float": FLOAT,
    "bool": BOOL,
    "str": WORD,
    "Size": SIZE,
    "Sides": Sides(),
    "Padding": Padding(),
    "Init": INITIALISER,
    "DType": ElementType(),
    "Op": Layer(),
    "Tensor": Tensor(),
    "object": ANYTHING,
    "tuple[int, ...]": Many(INT, "whole numbers", "tuple[int, ...]"),
    "tuple[float, ...]": Many(FLOAT, "numbers", "tuple[float, ...]"),
    "tuple[Size, ...]": Many(SIZE, "sizes", "tuple[Size, ...]"),
    "tuple[tuple[str, Const], ...]": ANYTHING,  # arguments by name, as they were given
}
"""The kinds of attributes, by the annotation that names them."""


def of_annotation(text: str, where: str) -> Kind:
    """The kind that the annotation of an attribute names. A TypeError, which says `where`, if it names none."""
    parts = text.split(" | ")
    unknown = [part for part in parts if part not in _ANNOTATIONS]
    if unknown:
        raise TypeError(f"{where}: `{unknown[0]}` is no kind of attribute; there are {', '.join(_ANNOTATIONS)}")
    kinds = [_ANNOTATIONS[part] for part in parts]
    return kinds[0] if len(kinds) == 1 else OneOf(kinds)


_TYPES: Final[dict[str, Kind]] = {
    "int": INT,
    "float": FLOAT,
    "bool": BOOL,
    "str": Text(),
    "size": HeaderSize(),
    "layer": _ANNOTATIONS["Op"],
    "init": INITIALISER,
    "dtype": _ANNOTATIONS["DType"],
}
"""The plain types of headers, by name."""
_UNTOLD: Final = Anything()


def of_type(declared: tree.TypeExpr) -> Kind:
    """The kind that a header's type names; a name of none, which is told where headers are read, takes anything."""
    if declared.kind == "list" and declared.items:
        kind: Kind = ListOf(of_type(declared.items[0]))
    elif declared.kind == "tuple" and declared.items:
        kind = TupleOf([of_type(item) for item in declared.items])
    else:
        kind = _TYPES.get(declared.kind, _UNTOLD) if declared.calls is None else Layer(declared.calls)
    return maybe(kind) if declared.optional else kind


def of_default(default: tree.Expr | None) -> Kind | None:
    """The kind of a plain literal, and so of a parameter without a type that has it as its default; else none."""
    match default:
        case tree.Number(value=value):
            return INT if isinstance(value, int) else FLOAT
        case tree.Word(word="true" | "false"):
            return BOOL
        case tree.Text():
            return _TYPES["str"]
        case tree.SizeLiteral():
            return _TYPES["size"]
    return None


_PLAIN: Final = frozenset({int, float})


def numbers_in(value: object) -> list[float]:
    """The numbers of a value, nested or not; tables of many thousands are not rare."""
    if isinstance(value, tuple | list):
        if _PLAIN.issuperset(map(type, value)):
            return list(value)
        numbers: list[float] = []
        for v in value:
            if type(v) is int or type(v) is float:
                numbers.append(v)
            else:
                numbers += numbers_in(v)
        return numbers
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value]
    return []
