"""`lambda` and `def` of Python: a layer that exists, a block of its own, or a function of compile-time values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dslc.diagnostics.model import Edit, Help
from dslc.syntax import mistakes
from dslc.syntax.case import Blame, Case
from dslc.syntax.tokens import Token

_LIBRARY = re.compile(r"(?:torch\.nn\.functional|nn\.functional|F|torch|tf\.nn|tf|jax\.nn|jnp|nn)\.(?=\w+\()")
_NUMBER = r"\d+(?:\.\d*)?(?:e-?\d+)?"
_TENSORS = frozenset("x t h z y v input inputs image img tensor feat features tokens hidden self".split())


def lambda_(case: Case) -> Blame | None:
    """`lambda t: t * sigmoid(t)` in the place of a layer."""
    if case.before.text != "lambda" or case.token.kind != "NAME":
        return None
    rest = case.rest()
    body = _body(rest[2:]) if case.after.kind in ("COLON", "_TYPED") else []
    start = case.before.start
    if not body:
        return Blame(mistakes.PythonHabit("lambda"), start, case.before.end, case.index)
    name, text = rest[0].text, _LIBRARY.sub("", case.source.text[body[0].start : body[-1].end])
    end = body[-1].end
    known = _known(name, text)
    if known is not None:
        edits = (case.edit(start, end, known),)
        help = Help(f"`{known}` is that layer" if "(" in known else f"`{known}` is a layer already", edits=edits)
    else:
        help = _defined(case, name, text, end)
    return Blame(mistakes.PythonHabit("lambda", True), start, case.before.end, case.index, (help,))


def _body(tokens: Sequence[Token]) -> list[Token]:
    """The tokens of the value: up to a comma or a bracket that closes one around it."""
    found: list[Token] = []
    depth = 0
    for token in tokens:
        if depth == 0 and token.kind in ("COMMA", "RPAR", "RSQB"):
            break
        depth += (token.kind in ("LPAR", "LSQB")) - (token.kind in ("RPAR", "RSQB"))
        found.append(token)
    return found


def _known(name: str, text: str) -> str | None:
    """The layer of the language that a function of one tensor is, where its text shows it."""
    tight = text.replace(" ", "")
    if tight == name:
        return "id"
    if tight in (f"{name}*sigmoid({name})", f"sigmoid({name})*{name}"):
        return "silu"
    if tight in (f"{name}*tanh(softplus({name}))", f"tanh(softplus({name}))*{name}"):
        return "mish"
    swish = re.fullmatch(rf"{name}\*sigmoid\(({_NUMBER})\*{name}\)|sigmoid\(({_NUMBER})\*{name}\)\*{name}", tight)
    if swish is not None:
        return f"swish({swish[1] or swish[2]})"
    once = len(re.findall(rf"\b{name}\b", text)) == 1
    call = re.fullmatch(rf"(\w+)\(\s*{name}\s*(?:,\s*(.*))?\)", text) if once else None
    call = call or (re.fullmatch(rf"{name}\.(\w+)\((.*)\)", text) if once else None)
    if call is None or _closes_early(text):
        return None
    return f"{call[1]}({call[2]})" if call[2] else call[1]


def _closes_early(text: str) -> bool:
    """Whether the first bracket of a text closes before its end."""
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and depth == 0:
            return at != len(text) - 1
    return False


def _defined(case: Case, name: str, text: str, end: int) -> Help:
    """A block of its own above the definition that the `lambda` stands in; a `fn`, where numbers are given to it."""
    source, start = case.source.text, case.before.start
    line = case.line()
    stated = len(line) > 2 and line[0].kind == "LET" and line[2].kind == "ASSIGN" and line[3] is case.before
    given = case.tokens[case.index - 3] if case.index > 2 and case.tokens[case.index - 2].kind == "ASSIGN" else None
    title = line[1].text if stated else _fresh(source, given.text if given is not None else "act")
    called = stated and re.search(rf"[(,]\s*{title}\(", source) is not None
    new = f"fn {title}({name}) = {text}" if called else f"inline block {title} on {name}: {text}"
    if stated and source.rfind("\n", 0, line[0].start) + 1 == line[0].start:
        edits: tuple[Edit, ...] = (case.edit(line[0].start, end, new),)
    else:
        at = _item_start(source, start)
        above = case.edit(at, at, f"{new}\n\n")
        begin = source.rfind("\n", 0, start) + 1
        stop = source.find("\n", end)
        whole = stated and stop >= 0 and not source[end:stop].strip()
        edits = (above, case.edit(begin, stop + 1, "") if whole else case.edit(start, end, title))
    kind = "a function of numbers is a `fn`" if called else "a layer made of expressions is a block"
    return Help(f"{kind}: `{new}`" + ("" if stated else f", and `{title}` here"), edits=edits)


def _fresh(source: str, word: str) -> str:
    """A name that the file does not use."""
    names = (f"own_{word}", *(f"own_{word}_{n}" for n in range(2, 99)))
    return next(name for name in names if not re.search(rf"\b{name}\b", source))


def _item_start(source: str, at: int) -> int:
    """Where the definition around a place begins, with the comments that belong to it."""
    begin = source.rfind("\n", 0, at) + 1
    while begin and (source[begin : begin + 1] in " \n#)"):
        begin = source.rfind("\n", 0, begin - 1) + 1
    while begin:
        before = source.rfind("\n", 0, begin - 1) + 1
        if not source.startswith("##", before):
            break
        begin = before
    return begin


def def_(case: Case) -> Blame | None:
    """`def unit(x, out):` is a `block unit(out) on x:`, and `def width(i):` a `fn`."""
    line = case.line()
    if len(line) < 4 or line[0].text != "def" or line[1].kind != "NAME" or line[2].kind != "LPAR":
        return None
    if case.token not in line[:3]:
        return None
    first, title = line[0], line[1].text
    source = case.source.text
    close = next((i for i, t in enumerate(line) if t.kind == "RPAR"), None)
    plain = close is not None and all(t.kind in ("NAME", "COMMA") for t in line[3:close])
    mistake = mistakes.PythonHabit("def", plain)
    if close is None or not plain or line[-1].kind != "COLON" or any(t.kind == "ON" for t in line):
        return Blame(mistakes.PythonHabit("def"), first.start, first.end, case.index)
    names = [t.text for t in line[3:close] if t.kind == "NAME" and t.text != "self"]
    if re.search(rf"[(,]\s*{title}\(", source[line[-1].end :]) and (not names or names[0] not in _TENSORS):
        help = Help("a function of numbers is a `fn`: write `fn`", edits=(case.edit(first.start, first.end, "fn"),))
        return Blame(mistake, first.start, first.end, case.index, (help,))
    tensors = names[:1]
    given = f"({', '.join(names[1:])})" if names[1:] else ""
    new = f"block {title}{given}" + (f" on {tensors[0]}" if tensors else "")
    help = Help(f"a layer is a block: `{new}:`", edits=(case.edit(first.start, line[-1].start, new),))
    return Blame(mistake, first.start, first.end, case.index, (help,))
