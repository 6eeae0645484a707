"""Canonical text of syntax: `unparse` writes an expression on one line, as the formatter would."""

from __future__ import annotations

from collections.abc import Iterable

from dslc.syntax import tree

# how tightly a form binds, loosest first; a part is put in brackets where it binds looser than its place
# asks for
_CHAIN, _CONDITIONAL, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER, _AS, _POSTFIX, _ATOM = range(13)

_BINARY = {"or": _OR, "and": _AND, "+": _SUM, "-": _SUM, "**": _POWER}
_BINARY |= dict.fromkeys(("*", "/", "//", "%", "@"), _PRODUCT)


def unparse(expr: tree.Expr) -> str:
    """One line that parses to the same expression. A trailing suite is shown as `: ...`."""
    return _write(expr)[0]


def _write(expr: tree.Expr) -> tuple[str, int]:
    """The text of an expression and how tightly it binds."""
    match expr:
        case tree.Number():
            return _number(expr.value), _ATOM
        case tree.SizeLiteral():
            return "x".join(map(str, expr.sides)), _ATOM
        case tree.Text():
            return f'"{_text(expr, escape=True)}"', _ATOM
        case tree.Word():
            return expr.word, _ATOM
        case tree.Name():
            return expr.name, _ATOM
        case tree.TickName():
            return f"`{_text(expr.text, escape=False)}`", _ATOM
        case tree.It():
            return "it", _ATOM
        case tree.Tuple():
            items = _list(expr.items)
            return f"({items},)" if len(expr.items) == 1 else f"({items})", _ATOM
        case tree.List():
            return f"[{_list(expr.items)}]", _ATOM
        case tree.Comprehension():
            clauses = " ".join(map(_clause, expr.clauses))
            return f"[{unparse(expr.item)} {clauses}]", _ATOM
        case tree.Unary():
            level = _NOT if expr.op == "not" else _SIGN
            space = " " if expr.op == "not" else ""
            return f"{expr.op}{space}{_at(expr.value, level)}", level
        case tree.Binary():
            return _binary(expr)
        case tree.Compare():
            values = [_at(value, _SUM) for value in expr.values]
            rest = (f" {op} {value}" for op, value in zip(expr.ops, values[1:], strict=True))
            return values[0] + "".join(rest), _COMPARE
        case tree.Conditional():
            then, condition = _at(expr.then, _OR), _at(expr.condition, _OR)
            return f"{then} if {condition} else {_at(expr.other, _CONDITIONAL)}", _CONDITIONAL
        case tree.Call():
            return _call(expr), _POSTFIX if expr.suite is None else _CHAIN
        case tree.Attribute():
            space = " " if isinstance(expr.value, tree.Number | tree.SizeLiteral) else ""  # `1.x` would be a number
            return f"{_at(expr.value, _POSTFIX)}{space}.{expr.name}", _POSTFIX
        case tree.Slice():
            return _slice(expr), _CHAIN
        case tree.Index():
            return f"{_at(expr.value, _POSTFIX)}[{_list(expr.items)}]", _POSTFIX
        case tree.As():
            return _as(expr), _AS
        case tree.Chain():
            return " -> ".join(_step(step) for step in expr.steps), _CHAIN
        case tree.Seq():
            return "seq: ...", _CHAIN
    raise TypeError(f"no text of {type(expr).__name__}")


def _at(expr: tree.Expr, level: int) -> str:
    """The text of a part whose place asks for at least `level`."""
    text, binds = _write(expr)
    return text if binds >= level else f"({text})"


def _list(items: Iterable[tree.Expr]) -> str:
    return ", ".join(map(unparse, items))


def _number(value: int | float) -> str:
    if isinstance(value, float):
        return repr(value).replace("e+", "e")
    return str(value)


def _text(text: tree.Text, escape: bool) -> str:
    pieces = []
    for piece in text.pieces:
        if not isinstance(piece, str):
            pieces.append(f"{{{unparse(piece)}}}")
        elif escape:
            pieces.append("".join(_ESCAPES.get(letter, letter) for letter in piece))
        else:
            pieces.append(piece)
    return "".join(pieces)


_ESCAPES = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\", "{": "\\{", "}": "\\}"}


def _binary(expr: tree.Binary) -> tuple[str, int]:
    level = _BINARY[expr.op]
    if expr.op == "**":
        return f"{_at(expr.left, _AS)}**{_at(expr.right, _SIGN)}", level
    return f"{_at(expr.left, level)} {expr.op} {_at(expr.right, level + 1)}", level


def _call(expr: tree.Call) -> str:
    target = _at(expr.target, _POSTFIX)
    brackets = "" if expr.bare else f"({', '.join(map(_argument, expr.arguments))})"
    return f"{target}{brackets}{'' if expr.suite is None else ': ...'}"


def _argument(argument: tree.Argument) -> str:
    """What binds looser than arithmetic stands apart from its name."""
    text, binds = _write(argument.value)
    if argument.name is None:
        return f"*{text}" if argument.star else text
    return f"{argument.name}={text}" if binds >= _SUM else f"{argument.name} = {text}"


def _clause(clause: tree.Clause) -> str:
    value = _at(clause.value, _OR)
    if not clause.targets:
        return f"if {value}"
    return f"for {', '.join(target.name for target in clause.targets)} in {value}"


def _slice(expr: tree.Slice) -> str:
    start, stop, step = ("" if part is None else unparse(part) for part in (expr.start, expr.stop, expr.step))
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


def _as(expr: tree.As) -> str:
    """The suite of what is named stands after the name."""
    value = expr.value
    name = unparse(expr.name)
    if isinstance(value, tree.Seq):
        return f"seq as {name}: ..."
    if isinstance(value, tree.Call) and value.suite is not None:
        return f"{_call(value).removesuffix(': ...')} as {name}: ..."
    return f"{_at(value, _POSTFIX)} as {name}"


def _step(step: tree.Expr) -> str:
    """A step of a chain; a suite may stand only at the end of a line, so its brackets would say nothing."""
    text, binds = _write(step)
    suited = isinstance(step, tree.Seq) or (isinstance(step, tree.Call) and step.suite is not None)
    return text if suited or binds >= _AS else f"({text})"
