"""Values given on the command line: `--set depth=3`, `--size H=384,W=384`, `--dynamic N,H,W`."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from dslc.bounds import beyond, held, shown, unheld
from dslc.syntax.text import LONGEST_NUMBER, number

if TYPE_CHECKING:
    from dslc.lints.facts import Facts

WORDS: dict[str, object] = {"true": True, "false": False, "none": None}
QUANTITY = r"\d[\d_]*(\.\d+)?([KMGT](i?B)?|kB|B)"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MOST_DIGITS = 40
"""Of a size: products of several sizes are still numbers that Python prints and divides."""


def assignments(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, object]:
    """`name=value` pairs as arguments of the net; a later one wins."""
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not NAME.fullmatch(name.strip()):
            raise click.BadParameter(f"`{text}` is not `name=value`")
        found[name.strip()] = value_of(value.strip())
    return found


def sizes(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, int]:
    """`H=384,W=384` as whole numbers above zero by name."""
    found = {}
    for part in (part for text in texts for part in text.split(",")):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if len(value) > MOST_DIGITS:
            raise click.BadParameter(f"a size of {len(value):,} digits; {MOST_DIGITS} are the most")
        if not NAME.fullmatch(name) or not value.isdecimal() or int(value) < 1:
            raise click.BadParameter(f"`{part}` is not a size such as `H=384`")
        if not held(int(value)):
            raise click.BadParameter(f"the size {shown(int(value))} is {beyond(int(value))}")
        found[name] = int(value)
    return found


def names(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Names with commas between them, each once."""
    parts = [part.strip() for text in texts for part in text.split(",")]
    for part in parts:
        if not NAME.fullmatch(part):
            raise click.BadParameter(f"`{part}` is not a name")
    return tuple(dict.fromkeys(parts))


def switches(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Names or codes of warnings with commas between them, and `warnings` or `notes` for all of them."""
    if not texts:
        return ()
    from dslc.diagnostics.codes import GROUPS, UnknownSwitch, switch_of

    found = [part.strip() for text in texts for part in text.split(",")]
    try:
        return tuple(dict.fromkeys(part if part in GROUPS else switch_of(part) for part in found))
    except UnknownSwitch as error:
        raise click.BadParameter(str(error)) from None


def facts(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> Facts:
    """`name=value` pairs as facts beside the program; a later one wins."""
    from dslc.lints.facts import facts_of

    given: dict[str, object] = {}
    for text in texts:
        name, sign, value = (piece.strip() for piece in text.partition("="))
        if not sign:
            raise click.BadParameter(f"`{text}` is not `name=value`")
        given[name] = value
    try:
        return facts_of(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def packages(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Names of packages or modules with commas between them, each once."""
    parts = [part.strip() for text in texts for part in text.split(",")]
    for part in parts:
        if not all(NAME.fullmatch(name) for name in part.split(".")):
            raise click.BadParameter(f"`{part}` is not the name of a package")
    return tuple(dict.fromkeys(parts))


def paths_of_names(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Names of modules or tensors, such as `layer1.0.conv1`, with commas between them, each once."""
    parts = [part.strip() for text in texts for part in text.split(",")]
    if "" in parts:
        raise click.BadParameter("a name is empty")
    return tuple(dict.fromkeys(part.rstrip(".") for part in parts))


class Choices(click.ParamType[tuple[str, ...]]):
    """Words of a set with commas between them: `torch,onnx`. A function gives those that are known only later."""

    name = "choices"

    def __init__(self, *allowed: str, later: Callable[[], Iterable[str]] = tuple) -> None:
        self.fixed, self.later = allowed, later

    @property
    def allowed(self) -> tuple[str, ...]:
        """The words."""
        return (*self.fixed, *self.later())

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{','.join(self.allowed)}]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",") if part.strip()]
        for part in parts:
            if part not in self.allowed:
                self.fail(f"`{part}` is none of {', '.join(self.allowed)}", param, ctx)
        return tuple(dict.fromkeys(parts))


def value_of(text: str) -> object:
    """A number (with K, M, G, T; MB, MiB), true, false, none, a size such as `3x3`, a quoted text, a list or a tuple.

    A bare word is itself, for parameters that take one of several words.
    """
    if text in WORDS:
        return WORDS[text]
    if re.search(rf"\d{{{LONGEST_NUMBER + 1}}}", text):
        raise click.BadParameter(f"a number of more than {LONGEST_NUMBER} digits")
    found = read(text)
    if (wrong := unheld(found)) is not None:
        raise click.BadParameter(f"`{text}`: {shown(wrong)} is {beyond(wrong)}")
    return found


def read(text: str) -> object:
    """The value of a text, of any size."""
    if re.fullmatch(QUANTITY, text):
        return number(text)
    if re.fullmatch(r"\d+(x\d+)+", text):
        return tuple(int(side) for side in text.split("x"))
    if NAME.fullmatch(text):
        return text
    try:
        return plain(literal_eval(text))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        worked_out = computed(text)
        if worked_out is not None:
            why = f"`{text}` is to be computed, and a value is wanted: write {worked_out}"
            raise click.BadParameter(why) from None
        raise click.BadParameter(f"cannot read the value `{text}`") from None


def computed(text: str) -> int | float | None:
    """What an expression of numbers gives; none for another one."""
    import ast
    import operator

    operators = {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
    }

    def value(node: ast.expr) -> int | float:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return number
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -value(inner)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in operators:
                result: int | float = operators[type(op)](value(left), value(right))
                return result
        raise ValueError(text)

    try:
        return value(ast.parse(text, mode="eval").body)
    except (ValueError, SyntaxError, ArithmeticError, MemoryError, RecursionError):
        return None


def plain(value: object) -> object:
    """Numbers, texts, booleans, lists and tuples of them; anything else Python could write is refused."""
    if isinstance(value, list | tuple):
        return type(value)(plain(item) for item in value)
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    raise ValueError(value)
