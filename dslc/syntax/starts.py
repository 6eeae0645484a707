"""What is wrong with a line whatever the parser makes of it: how it begins, and units in a limit of a budget."""

from __future__ import annotations

import re

from dslc.diagnostics.model import Edit, Help
from dslc.source import Source
from dslc.syntax import mistakes
from dslc.syntax.layout import Line
from dslc.syntax.text import Found
from dslc.syntax.tokens import Token

OPERATORS = frozenset(
    [
        "ARROW",
        "PLUS",
        "MINUS",
        "TIMES",
        "DIVIDE",
        "FLOORDIV",
        "MODULO",
        "MATMUL",
        "POWER",
        "EQUAL",
        "UNEQUAL",
        "LESSTHAN",
        "MORETHAN",
        "AT_MOST",
        "AT_LEAST",
        "COMMA",
        "DOT",
        "ASSIGN",
        "GROW",
        "AND",
        "OR",
        "IN",
        "AS",
        "MAYBE",
    ]
)
"""Kinds of tokens that stand between two values or steps."""


def check_line(found: Found, line: Line) -> None:
    """Refuses a line that begins with an operator, before it is parsed."""
    first = line.tokens[0]
    after = line.tokens[1].kind if len(line.tokens) > 1 else ""
    if first.kind not in OPERATORS or line.broken or (first.text.isalpha() and after == "ASSIGN"):
        return
    span = found.source.span
    help: tuple[Help, ...] = ()
    double = first.text == "-" and line.tokens[1:2] and line.tokens[1].text == "-"
    if first.text == "%" or double:
        mark = "--" if double else "%"
        if not line.reported:
            write = (Help("write `#`", replace="#"),)
            found.add(mistakes.CommentForm(mark), first.start, first.start + len(mark), help=write)
        line.reported = line.broken = True
        return
    if first.text == "-" and after == "LSQB":
        if not line.reported:
            item, help = _list_item(found.source.text[first.start : line.tokens[-1].end])
            found.add(mistakes.ListLine(item), first.start, line.tokens[-1].end, help=help)
        line.reported = line.broken = True
        return
    if first.text == ".":
        if not line.reported and not after_dots(found.source.text, first.start):
            found.add(mistakes.OperatorFirst("."), first.start, first.end, help=(undotted(found.source, first.start),))
        line.reported = line.broken = True
        return
    if first.text == "@":
        help = (_undecorated(found, line),)
    if first.kind == "ARROW":
        deeper = Edit(span(first.start, first.start), "    ")
        help = (Help("indent it deeper than the line it goes on with", edits=(deeper,)),)
    if not line.reported:
        found.add(mistakes.OperatorFirst(first.text), first.start, first.end, help=help)
    line.reported = line.broken = True


_DOTTED = re.compile(r"\n[ \t]*\.(?=[A-Za-z_])")


def after_dots(text: str, at: int) -> bool:
    """Whether the line above the one of the offset begins with a dot as well."""
    start = text.rfind("\n", 0, at)
    return start > 0 and text[text.rfind("\n", 0, start) + 1 : start].lstrip().startswith(".")


def undotted(source: Source, at: int, arrow: bool = False) -> Help:
    """What replaces the dots of this line and of those right below that begin with one: an arrow, or nothing."""
    text, new = source.text, "-> " if arrow else ""
    edits = [Edit(source.span(at, at + 1), new)]
    end = text.find("\n", at)
    while end >= 0 and (match := _DOTTED.match(text, end)) is not None:
        edits.append(Edit(source.span(match.end() - 1, match.end()), new))
        end = text.find("\n", match.end())
    first = text[at + 1 : (text + "\n").find("\n", at)].split("#")[0].strip()
    more = f", and so in the next {'line' if len(edits) == 2 else f'{len(edits) - 1} lines'}" * (len(edits) > 1)
    return Help(f"write `{new}{first}`{more}", edits=tuple(edits))


def _undecorated(found: Found, line: Line) -> Help:
    """`@block` above `part(c: int):` is the word before it; another decorator is left out."""
    text, start = found.source.text, line.tokens[0].start
    end = text.find("\n", start) + 1 or len(text)
    word = text[start + 1 : end].strip()
    if word in ("block", "net", "fn") and re.compile(r"[A-Za-z_]\w*\(").match(text, end):
        said = f"the word stands before the name: `{word} {text[end : text.find('(', end)]}`"
        return Help(said, edits=(Edit(found.source.span(start, end), f"{word} "),))
    return Help("there are no decorators: leave the line out", edits=(Edit(found.source.span(start, end), ""),))


_ITEM = r"-\s*\[\s*(-1|[^\[\],]+|\[[^\]]*\])\s*,\s*(\d+)\s*,\s*([\w.]+)\s*,\s*\[(.*)\]\s*\]$"


def _list_item(text: str) -> tuple[bool, tuple[Help, ...]]:
    """Whether a line is `- [from, repeats, module, arguments]`, and the line that it is here."""
    match = re.match(_ITEM, text)
    if match is None:
        return False, (Help("a layer is written with its arguments in brackets: `cba(64, 3, 2)`"),)
    source, times, module, arguments = match.groups()
    call = f"{module}({arguments})" if arguments.strip() else module
    call = call if times == "1" else f"for i in range({times}): {call}"
    if source != "-1":
        return True, (Help(f"write `{call}`, applied to what `{source}` stands for by its name"),)
    return True, (Help(f"write `{call}`", call),)


def _check_returns(found: Found, line: Line, header: Line) -> None:
    """`return a, b`: several results stand in the header, by their names."""
    word, *rest = line.tokens
    if rest[0].kind == "LPAR" and rest[-1].kind == "RPAR":
        rest = rest[1:-1]
    names, commas = rest[::2], rest[1::2]
    source, end = found.source, header.tokens[-1]
    if header.tokens[0].kind not in ("NET", "BLOCK", "INLINE") or not line.level:
        return
    shown = ", ".join(t.text for t in names)
    plain = all(t.kind == "NAME" for t in names) and all(t.kind == "COMMA" for t in commas) and len(names) > len(commas)
    last = not source.text[line.tokens[-1].end :].split("\n\n")[0].strip()
    on = next((i for i, t in enumerate(header.tokens) if t.kind == "ON"), 0)
    stated = any(t.kind == "ARROW" for t in header.tokens[on:])
    help: tuple[Help, ...] = (Help("each result has a name, and the header lists them: `-> first, second:`"),)
    if plain and last and line.level == 1 and end.kind == "COLON" and not stated:
        start = source.text.rfind("\n", 0, word.start)
        edits = (
            Edit(source.span(end.start, end.start), f" -> {shown}"),
            Edit(source.span(start, line.tokens[-1].end), ""),
        )
        help = (Help(f"several results are named in the header, which ends with `-> {shown}:`", edits=edits),)
    found.add(mistakes.PythonHabit("return", True), word.start, word.end, help=help)
    line.reported = line.broken = True


def check_return(found: Found, line: Line, header: Line) -> None:
    """Reads past the word `return` before one value, which is the result without it."""
    word, *rest = line.tokens
    if rest and word.text == "return" and any(t.kind == "COMMA" for t in rest) and not line.reported:
        several = rest[1:-1] if rest[0].kind == "LPAR" and rest[-1].kind == "RPAR" else rest
        depth, commas = 0, 0
        for token in several:
            depth += (token.kind in ("LPAR", "LSQB")) - (token.kind in ("RPAR", "RSQB"))
            commas += token.kind == "COMMA" and depth == 0
        if commas:
            _check_returns(found, line, header)
    if not rest or word.text != "return" or rest[0].kind in ("ASSIGN", "COMMA", "COLON", "DOT", "LPAR", "ARROW", "AS"):
        return
    if line.reported or any(token.kind == "COMMA" for token in rest):
        return
    cut = Edit(found.source.span(word.start, rest[0].start), "")
    help = (Help("leave the word out: the last value of a body is its result", edits=(cut,)),)
    found.add(mistakes.PythonHabit("return", True), word.start, word.end, help=help)
    line.tokens[:] = rest


_NUMBERS = frozenset(("int", "float", "bool", "str"))
_TENSORS = frozenset(("Tensor", "tensor", "Array", "ndarray"))


def check_hint(found: Found, line: Line) -> None:
    """Reads past the type of `y: Tensor = conv(16, 3)` and `c: int = 16`; the latter is a `let`."""
    if len(line.tokens) < 5 or line.reported or line.level == 0:
        return
    name, colon, kind, equals = line.tokens[:4]
    if (name.kind, colon.kind, kind.kind, equals.kind) != ("NAME", "COLON", "NAME", "ASSIGN"):
        return
    if kind.text not in _NUMBERS | _TENSORS:
        return
    span, stated = found.source.span, kind.text in _NUMBERS
    edits = (Edit(span(name.end, kind.end), ""), *([Edit(span(name.start, name.start), "let ")] if stated else []))
    shown = f"{'let ' * stated}{name.text} = {found.source.text[line.tokens[4].start : line.tokens[-1].end]}"
    help = (Help(f"write `{shown}`", edits=edits),)
    found.add(mistakes.Declared(f": {kind.text}"), colon.start, kind.end, help=help)
    line.tokens[1:3] = []
    if stated:
        line.tokens[:0] = [Token("LET", "let", name.start, name.start)]


def check_units(found: Found, line: Line) -> None:
    """Refuses units behind the numbers of a `budget`; without them the line is read on."""
    from dslc.syntax.units import COUNTED, is_unit
    from dslc.syntax.units import number as written

    tokens = line.tokens
    for i in range(len(tokens) - 1, 1, -1):
        number, unit = tokens[i - 1], tokens[i]
        if number.kind == "NUMBER" and unit.kind == "NAME" and is_unit(unit.text):
            text = found.source.text[number.start : unit.end]
            counted = i > 2 and tokens[i - 3].text in COUNTED
            found.add(mistakes.LimitUnit(text, counted), number.start, unit.end)
            tokens[i - 1 : i + 1] = [Token("NUMBER", written(text, counted) or number.text, number.start, number.end)]
