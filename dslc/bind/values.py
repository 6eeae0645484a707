"""Values of arguments against what a parameter takes: the rules, and what of them a text alone shows."""

from __future__ import annotations

from typing import Final

from dslc.bind import language
from dslc.bind.mistakes import MissingArgument, NotAChoice, OutOfRange, WrongType
from dslc.bind.scopes import plain
from dslc.bind.table import Signature, Slot
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Label, Mistake
from dslc.names.headers import PARAMETER_TYPES
from dslc.ops.base import Attr
from dslc.ops.initialisers import INITIALISERS
from dslc.source import Span
from dslc.syntax import tree
from dslc.values.arithmetic import ARITY
from dslc.values.faces import LayerFace, describe
from dslc.values.kinds import WORD, Kind, OneOf, numbers_in, of_default, of_type


def wrong_kind(op: str, rules: Attr, value: object) -> Mistake | None:
    """Why a value is none for an op's attribute: a word that is no choice, or another kind of value."""
    words = tuple(c for c in rules.choices if isinstance(c, str))
    if isinstance(value, str) and rules.choices:
        return None if value in words else NotAChoice(op, rules.name, value, words, nearest(value, words))
    if rules.choices and not words and value not in rules.choices:
        return NotAChoice(op, rules.name, str(value), tuple(str(c) for c in rules.choices), None)
    if rules.kind.holds(value):
        return None
    kinds = rules.kind.kinds if isinstance(rules.kind, OneOf) else (rules.kind,)
    wanted = [kind.words for kind in kinds if kind is not WORD or not words]
    if rules.choices:
        wanted.append(", ".join(f"`{c}`" for c in rules.choices))
    return WrongType(op, rules.name, " or ".join(wanted), describe(value))


def out_of_range(op: str, rules: Attr, value: object) -> Mistake | None:
    """Why numbers are none for an op's attribute: the first that is too small or too large."""
    if rules.least is None and rules.most is None:
        return None
    for number in numbers_in(value):
        low = rules.least is not None and number < rules.least
        if low or (rules.most is not None and number > rules.most):
            return OutOfRange(op, rules.name, number, rules.least, rules.most)
    return None


def kind_of_parameter(declared: tree.Parameter) -> Kind | None:
    """What a header's parameter must be; none where it says nothing: without a type it is as its default, a literal."""
    if declared.type is None:
        return of_default(declared.default)
    return of_type(declared.type) if _is_known(declared.type) else None


def _is_known(declared: tree.TypeExpr) -> bool:
    """Whether there is such a type; `names.headers` says where there is none."""
    named = declared.kind in PARAMETER_TYPES or bool(declared.items)
    return named and all(map(_is_known, declared.items))


def wrong_parameter(block: str, declared: tree.Parameter, value: object) -> Mistake | None:
    """Why a value is none for a header's parameter."""
    kind = kind_of_parameter(declared)
    if kind is None or kind.holds(value):
        return None
    return WrongType(block, declared.name, kind.words, describe(value))


def missing_arguments(signature: Signature, names: tuple[str, ...], span: Span) -> tuple[MissingArgument, list[Label]]:
    """The mistake of a layer that is applied before it is complete, and where a header of the user's asks for more."""
    slots = [slot for name in names for slot in signature.slots if slot.name == name]
    written = "" if {"body", "branches"} & set(names) else _completed(span.text, names)
    labels = [
        Label(slot.declared.name_span, f"`{slot.name}` has no default")
        for slot in slots
        if slot.declared is not None and not slot.declared.span.source.is_library
    ]
    kinds = tuple(_kind_words(slot) for slot in slots)
    return MissingArgument(signature.name, names, signature.text, kinds, written), labels


def _kind_words(slot: Slot) -> str:
    """What a parameter must be, in words; empty where nothing says it."""
    if slot.rules is not None:
        return slot.rules.kind.words
    kind = kind_of_parameter(slot.declared) if slot.declared is not None else None
    return "" if kind is None else kind.words


def _completed(text: str, names: tuple[str, ...]) -> str:
    """A use of a layer with places for more arguments: `stage(128, n=..)`; nothing for one of several lines."""
    text = text.split(" as ")[0].rstrip()
    given = ", ".join(f"{name}=.." for name in names)
    if "\n" in text or not (text.endswith(")") or text.isidentifier()):
        return ""
    if not text.endswith(")"):
        return f"{text}({given})"
    inside = text[:-1].rstrip().removesuffix(",")
    return f"{inside}{given})" if inside.endswith("(") else f"{inside}, {given})"


# ---- what a text alone shows


class Unsaid:
    """The value of an expression that is no literal."""


UNSAID: Final = Unsaid()


class NamedLayer(LayerFace):
    """A layer that is named where a value is wanted."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def described(self) -> str:
        return f"a layer (`{self.name}`)"


def literal(expr: tree.Expr | None) -> object:
    """The value of a literal, `UNSAID` of anything else."""
    match expr:
        case tree.Number(value=value):
            return value
        case tree.Unary(op="-", value=tree.Number(value=value)):
            return -value
        case tree.Text() if (text := plain(expr)) is not None:
            return text
        case tree.Word(word="true" | "false" as word):
            return word == "true"
        case tree.Word(word="none"):
            return None
        case tree.SizeLiteral(sides=sides):
            return sides
        case tree.List(items=items) | tree.Tuple(items=items):
            values = [literal(item) for item in items]
            if any(value is UNSAID for value in values):
                return UNSAID
            return values if isinstance(expr, tree.List) else tuple(values)
    return UNSAID


def wrong_value(of: str, slot: Slot, value: object) -> Mistake | None:
    """Why a value is none for a parameter of a layer or function."""
    if slot.declared is not None:
        return wrong_parameter(of, slot.declared, value)
    if slot.rules is None:
        return None
    return wrong_kind(of, slot.rules, value) or out_of_range(of, slot.rules, value)


def layer_value(name: str) -> object:
    """The layer of the language that a name means where a value is wanted; `UNSAID` where it may mean another thing."""
    if language.kind_of(name) != "layer" or name in INITIALISERS or name in ARITY:
        return UNSAID
    return NamedLayer(name)
