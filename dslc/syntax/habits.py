"""Where a parse sticks because a line is written as in another language: what is meant, with an edit of all of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from dslc.diagnostics.model import Help
from dslc.syntax import mistakes
from dslc.syntax.case import Blame, Case
from dslc.syntax.functions import def_, lambda_
from dslc.syntax.layout import ITEM_WORDS
from dslc.syntax.tokens import Token
from dslc.vocabulary.table import type_of

_OPEN, _CLOSE = frozenset(("LPAR", "LSQB")), frozenset(("RPAR", "RSQB"))
_VALUES = frozenset(("NAME", "NUMBER", "SIZE", "STRING", "TICKED", "IT", "NONE", "TRUE", "FALSE", "RPAR", "RSQB"))
_STARTS = frozenset(("NAME", "NUMBER", "SIZE", "STRING", "TICKED", "IT", "NONE", "TRUE", "FALSE"))
_LISTS, _TUPLES = frozenset(("List", "list", "Sequence", "Iterable")), frozenset(("Tuple", "tuple"))
_SIGN_STARTS = frozenset(("MORETHAN", "MINUS", "VBAR", "ASSIGN"))
_DECLARING = frozenset(("var", "val", "const", "int", "float", "bool", "auto", "double", "str"))
_TENSORS = frozenset(("tensor", "Tensor", "float", "FloatTensor", "ndarray"))
_HEADS = {"model": "net", "network": "net", "layer": "block", "module": "block", "function": "fn", "func": "fn"}
_REPEATING = frozenset(("repeat", "loop", "times", "repeated"))


def _closing(tokens: Sequence[Token], start: int) -> int | None:
    """The index of the bracket that closes the one at `start`."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += (tokens[index].kind in _OPEN) - (tokens[index].kind in _CLOSE)
        if depth == 0:
            return index
    return None


def _text(case: Case, tokens: Sequence[Token]) -> str:
    return case.source.text[tokens[0].start : tokens[-1].end] if tokens else ""


def _upto(tokens: Sequence[Token], kinds: frozenset[str]) -> Sequence[Token]:
    """The tokens up to one of these kinds, or a bracket that closes what is around them."""
    depth = 0
    for index, token in enumerate(tokens):
        if depth == 0 and (token.kind in kinds or token.kind in _CLOSE):
            return tokens[:index]
        depth += (token.kind in _OPEN) - (token.kind in _CLOSE)
    return tokens


def _ternary(case: Case) -> Blame | None:
    """`c ? a : b`."""
    if case.token.kind != "MAYBE":
        return None
    condition = list(reversed(case.back()))
    after = case.rest()[1:]
    then = _upto(after, frozenset(("COLON",)))
    other = _upto(after[len(then) + 1 :], frozenset(("COMMA", "ARROW", "AS")))
    if not condition or not then or not other or (case.is_header and condition[0].kind in ("IF", "ELIF")):
        return case.here(mistakes.ConditionalForm(""))
    here = f"{_text(case, then)} if {_text(case, condition)} else {_text(case, other)}"
    edit = case.edit(condition[0].start, other[-1].end, here)
    return Blame(
        mistakes.ConditionalForm(here),
        case.token.start,
        case.token.end,
        case.index,
        (Help(f"write `{here}`", edits=(edit,)),),
    )


def _if_then(case: Case) -> Blame | None:
    """`if c then a else b`, where a value is wanted."""
    if case.token.kind != "IF" or case.begins_line:
        return None
    rest = case.rest()
    at = next((i for i, token in enumerate(rest) if token.text == "then"), None)
    stop = next((i for i, token in enumerate(rest) if token.kind == "ELSE"), None)
    if at is None or stop is None or not 1 < at < stop - 1:
        return None
    other = _upto(rest[stop + 1 :], frozenset(("COMMA", "ARROW", "AS")))
    if not other:
        return None
    here = f"{_text(case, rest[at + 1 : stop])} if {_text(case, rest[1:at])} else {_text(case, other)}"
    edit = case.edit(rest[0].start, other[-1].end, here)
    mistake = mistakes.ConditionalForm(here)
    return Blame(mistake, rest[0].start, rest[0].end, case.index, (Help(f"write `{here}`", edits=(edit,)),))


def _round_shape(case: Case) -> Blame | None:
    """`net f on x(N, 3, 32, 32):`: a shape stands in square brackets."""
    if case.token.kind != "LPAR" or case.before.kind != "NAME" or case.index < 2 or not case.is_header:
        return None
    on = case.tokens[case.index - 2].kind in ("ON", "COMMA") and any(t.kind == "ON" for t in case.line())
    close = _closing(case.tokens, case.index)
    if not on or close is None or close == case.index + 1:
        return None
    last = case.tokens[close]
    inside = case.source.text[case.token.end : last.start].rstrip(" ,")
    shown = f"{case.before.text}[{inside}]"
    edits = (case.edit(case.token.start, last.end, f"[{inside}]"),)
    mistake = mistakes.Unexpected(("`[`",), "`(`")
    help = Help(f"a shape stands in square brackets: `{shown}`", edits=edits)
    return Blame(mistake, case.token.start, case.token.end, case.index, (help,))


_SIGNS = re.compile(r"[|=>-] ?>|\|(?!\|)")


def _arrow(case: Case) -> Blame | None:
    """`|`, `>>`, `=>`, `|>`, `- >` in the place of `->`, wherever they stand in the line."""
    token, before = case.token, case.before
    start = token.start
    if token.kind == "VBAR" and case.after.kind != "VBAR" and before.kind in _VALUES and not case.begins_line:
        end = case.after.end if case.after.kind == "MORETHAN" and case.after.start == token.end else token.end
    elif token.kind == "MORETHAN" and before.kind in _SIGN_STARTS and before.end + 1 >= token.start:
        start, end = before.start, token.end
        if before.kind == "VBAR" and case.index > 1 and case.tokens[case.index - 2].kind in ("_NEWLINE", "_INDENT"):
            return None
    else:
        return None
    text = case.source.text
    found = text[start:end]
    stop = case.rest()[-1].end
    more = [m.span() for m in _SIGNS.finditer(text, end, stop) if m[0] == found]
    help = Help("write `->`", replace="->", edits=tuple(case.edit(a, b, "->") for a, b in more))
    return Blame(mistakes.ArrowForm(found), start, end, case.index, (help,))


def _walrus(case: Case) -> Blame | None:
    """`y := x`."""
    if case.token.kind != "ASSIGN" or case.before.kind != "COLON" or case.before.end != case.token.start:
        return None
    help = Help("write `=`", replace="=")
    mistake = mistakes.Unexpected(("`=`",), "`:=`")
    return Blame(mistake, case.before.start, case.token.end, case.index, (help,))


def _named_by_colon(case: Case) -> Blame | None:
    """`conv(16, k: 3)`."""
    if case.token.kind != "COLON" or case.before.kind != "NAME" or case.is_header or case.index < 2:
        return None
    if case.tokens[case.index - 2].kind not in ("COMMA", "LPAR") or case.after.kind not in _STARTS:
        return None
    edit = case.edit(case.before.end, case.after.start, "=")
    help = Help(f"write `{case.before.text}={case.after.text}`", edits=(edit,))
    mistake = mistakes.Unexpected(("`=`",), "`:`")
    return Blame(mistake, case.token.start, case.token.end, case.index, (help,))


def _twice(case: Case) -> Blame | None:
    """A comma or an arrow stands twice, or an arrow ends a line that does not go on."""
    token, before = case.token, case.before
    if token.kind == before.kind and token.kind in ("COMMA", "ARROW"):
        mistake = mistakes.Unexpected(("an expression",), f"`{token.text}`")
        help = Help("leave it out", edits=(case.edit(before.end, token.end, ""),))
        return Blame(mistake, token.start, token.end, case.index, (help,))
    return None


def _declared(case: Case) -> Blame | None:
    """`let k: int = 3`, `var k = 3`, `int k = 3`."""
    line = case.line()
    first = line[0] if line else case.token
    if case.token.kind == "COLON" and case.before.kind == "NAME" and first.kind == "LET":
        kind = _upto(case.rest()[1:], frozenset(("ASSIGN",)))
        if not kind:
            return None
        help = Help("leave it out", replace="")
        mistake = mistakes.Declared(f": {_text(case, kind)}")
        return Blame(mistake, case.token.start, kind[-1].end, case.index, (help,))
    word = first.text in _DECLARING
    named = len(line) > 2 and line[1].kind == "NAME" and line[2].kind == "ASSIGN"
    if word and named and case.token in line[1:3]:
        return Blame(
            mistakes.Declared(first.text), first.start, first.end, case.index, (Help("write `let`", replace="let"),)
        )
    return None


def _dotted_type(case: Case) -> Blame | None:
    """`nn.Module` and `int | None` in a header."""
    line = case.line()
    if not line or line[0].kind not in ITEM_WORDS or case.index < 2 or case.before.kind != "NAME":
        return None
    if case.tokens[case.index - 2].kind not in ("COLON", "_TYPED") or case.token.kind not in ("DOT", "VBAR"):
        return None
    kind = _upto(case.rest(), frozenset(("ASSIGN", "COMMA")))
    last = kind[-1]
    if case.token.kind == "VBAR":
        known = [t for t in (case.before, *kind) if t.kind == "NAME" and t.text != "None"]
        here = f"{type_of(known[0].text) or known[0].text}?" if len(known) == 1 and len(kind) == 2 else ""
    else:
        here = type_of(last.text) or ""
    written = case.source.text[case.before.start : last.end]
    help = (Help(f"write `{here}`", replace=here),) if here else ()
    return Blame(mistakes.TypeForm(written, here), case.before.start, last.end, case.index, help)


def _type(case: Case) -> Blame | None:
    """`List[int]` and `Tuple[int, int]` in a header."""
    line = case.line()
    if case.token.kind != "LSQB" or case.before.kind != "NAME" or not line or line[0].kind not in ITEM_WORDS:
        return None
    start = case.index - 1
    if case.tokens[start - 1].kind not in ("COLON", "_TYPED", "LSQB"):
        return None
    close = _closing(case.tokens, case.index)
    name = case.before.text
    if close is None or name not in _LISTS | _TUPLES | {"Optional", "Dict", "dict", "Union"}:
        return None
    here = _type_text(case.tokens[start : close + 1])
    written = case.source.text[case.before.start : case.tokens[close].end]
    help = (Help(f"write `{here}`", replace=here),) if here else ()
    return Blame(mistakes.TypeForm(written, here), case.before.start, case.tokens[close].end, case.index, help)


def _type_text(tokens: Sequence[Token]) -> str:
    """A type of Python as one of a header; empty where there is none."""
    if len(tokens) == 1:
        return type_of(tokens[0].text) or tokens[0].text
    name, inside = tokens[0].text, tokens[2:-1]
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in inside:
        depth += (token.kind in _OPEN) - (token.kind in _CLOSE)
        if token.kind == "COMMA" and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    texts = [_type_text(part) for part in parts if part and part[0].kind == "NAME"]
    if len(texts) != len(parts) or not all(texts):
        return f"[{texts[0]}]" if name in _TUPLES and len(texts) == 1 and parts[-1][0].kind == "ELLIPSIS" else ""
    if name in _LISTS:
        return f"[{texts[0]}]" if len(texts) == 1 else ""
    if name in _TUPLES:
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"
    return f"{texts[0]}?" if name == "Optional" and len(texts) == 1 else ""


def _inputs(case: Case) -> Blame | None:
    """`net f(image: Tensor[3, 32, 32])` and `net f image[N, 3, H, W]`."""
    line = case.line()
    if not line or line[0].kind not in ("NET", "BLOCK", "INLINE", "EXTERN") or any(t.kind == "ON" for t in line):
        return None
    opened = next((i for i, t in enumerate(line) if t.kind == "LPAR"), None)
    if case.token.kind == "NAME" and case.after.kind == "LSQB" and case.before.kind in ("NAME", "RPAR"):
        shown = _shape(case, [case.token, *_bracket(case, case.index + 1)])
        help = Help("write `on`", edits=(case.edit(case.token.start, case.token.start, "on "),))
        return Blame(mistakes.InputsForm(shown), case.token.start, case.token.end, case.index, (help,))
    close = _closing(line, opened) if opened is not None else None
    if opened is None or close is None or case.token not in line[opened:close]:
        return None
    kept: list[Sequence[Token]] = []
    inputs: list[Sequence[Token]] = []
    for part in _split(line[opened + 1 : close]):
        shaped = len(part) > 2 and part[-1].kind == "RSQB"
        at = next((i for i, t in enumerate(part[:4]) if t.kind == "LSQB"), 0)
        sized = shaped and at == 2 and len(_split(part[3:-1])) > 1  # `image: [N, 3, 32, 32]`, no `widths: [int]`
        tensor = shaped and (at in (1, 3) or sized) and not any(t.kind == "ASSIGN" for t in part[:at])
        (inputs if tensor and part[0].kind == "NAME" else kept).append(part)
    if not inputs or any(t.text in _LISTS | _TUPLES for part in inputs for t in part[:3]):
        return None
    shown = ", ".join(_shape(case, part) for part in inputs)
    left = ", ".join(_text(case, part) for part in kept)
    new = f"({left}) on {shown}" if left else f" on {shown}"
    help = Help("write them so", edits=(case.edit(line[opened].start, line[close].end, new),))
    first = inputs[0]
    return Blame(mistakes.InputsForm(f"on {shown}"), first[0].start, first[-1].end, case.index, (help,))


def _split(tokens: Sequence[Token]) -> list[Sequence[Token]]:
    parts: list[Sequence[Token]] = []
    while tokens:
        part = _upto(tokens, frozenset(("COMMA",)))
        parts.append(part)
        tokens = tokens[len(part) + 1 :]
    return [part for part in parts if part]


def _bracket(case: Case, start: int) -> Sequence[Token]:
    close = _closing(case.tokens, start)
    return case.tokens[start : (close or start) + 1]


def _shape(case: Case, part: Sequence[Token]) -> str:
    """An input with its shape: a batch is named, and a type of floats left out."""
    name = part[0].text
    at = next(i for i, token in enumerate(part) if token.kind == "LSQB")
    kind = part[2].text if at == 3 and part[2].text not in _TENSORS else ""
    dims = [_text(case, dim) for dim in _split(part[at + 1 : -1])]
    if dims and all(dim.isdigit() for dim in dims) and len(dims) in (1, 3):
        dims.insert(0, "N")
    return f"{name}: {kind}[{', '.join(dims)}]" if kind else f"{name}[{', '.join(dims)}]"


def _size(case: Case) -> Blame | None:
    """`3 x 3`."""
    token = case.token
    if (token.text, case.before.kind, case.after.kind) != ("x", "NUMBER", "NUMBER"):
        return None
    here = f"{case.before.text}x{case.after.text}"
    help = Help(f"write `{here}`", replace=here)
    return Blame(mistakes.SizeForm(here), case.before.start, case.after.end, case.index, (help,))


def _words(case: Case) -> Blame | None:
    """A word of Python that begins its line, with what is to be done with it where that is sure."""
    line = case.line()
    if not line or line[0].kind != "NAME" or case.token not in line[:3]:
        return None
    if len(line) < 2 or (case.token is line[0] and line[0].text not in ("import", "from")):
        return None
    first, source = line[0], case.source
    end_of_line = source.text.find("\n", first.start)
    end = len(source.text) if end_of_line < 0 else end_of_line + 1
    begin = source.text.rfind("\n", 0, first.start) + 1
    mistake = mistakes.PythonHabit(first.text, True)
    help: tuple[Help, ...] = ()
    if first.text in ("import", "from"):
        use = _use(line)
        if use:
            edit = case.edit(first.start, line[-1].end, use)
            return Blame(mistake, first.start, first.end, case.index, (Help(f"write `{use}`", edits=(edit,)),))
        if not source.text[begin : first.start].strip():
            while begin == 0 and source.text.startswith("\n", end):
                end += 1
            help = (Help("layers need no import: leave it out", edits=(case.edit(begin, end, ""),)),)
            return Blame(mistake, first.start, first.end, case.index, help)
    if first.text in _HEADS and line[1].kind == "NAME" and any(t.kind in ("ON", "LPAR") for t in line):
        word = _HEADS[first.text]
        return Blame(mistake, first.start, first.end, case.index, (Help(f"write `{word}`", replace=word),))
    return None


def _use(line: Sequence[Token]) -> str:
    """`from std.resnet import basic` as a `use`; empty for a module of Python's."""
    words = [token.text for token in line]
    if "import" not in words or words[0] != "from" or words[1] != "std":
        return ""
    at = words.index("import")
    names = " ".join(words[at + 1 :]).replace(" ,", ",")
    return f"use {''.join(words[1:at])}: {names}"


def _training(case: Case) -> Blame | None:
    """`training=self.training` among the arguments of a call."""
    if (case.before.kind, case.token.kind) != ("TRAINING", "ASSIGN") or case.index < 2:
        return None
    opened = case.tokens[case.index - 2]
    value = _upto(case.rest()[1:], frozenset(("COMMA",)))
    if opened.kind not in ("COMMA", "LPAR") or not value:
        return None
    start = opened.start if opened.kind == "COMMA" else case.before.start
    why = "dropout and batch norm know by themselves whether the network is trained: leave it out"
    help = Help(why, edits=(case.edit(start, value[-1].end, ""),))
    return Blame(
        mistakes.ReservedWord("training", False, True), case.before.start, case.before.end, case.index, (help,)
    )


def _loop(case: Case) -> Blame | None:
    """`for i = 1 to 3`, `for (x in xs)`, `if c then:`."""
    line = case.line()
    if not line:
        return None
    if case.token.text == "then" and line[0].kind in ("IF", "ELIF"):
        end = case.after.start if case.after.kind == "COLON" else case.token.end
        new = "" if case.after.kind == "COLON" else ":"
        start = case.before.end
        help = Help("a condition ends with `:`", edits=(case.edit(start, end, new),))
        return Blame(mistakes.PythonHabit("then", True), case.token.start, case.token.end, case.index, (help,))
    if (
        line[0].kind == "FOR"
        and case.token.kind == "ASSIGN"
        and [t.text for t in line[4:5]] == ["to"]
        and len(line) > 5
    ):
        first, last = line[3].text, line[5].text
        stop = str(int(last) + 1) if last.isdigit() else f"{last} + 1"
        here = f"in range({stop})" if first == "0" else f"in range({first}, {stop})"
        edit = case.edit(case.token.start, line[5].end, here)
        return Blame(
            mistakes.PythonHabit("to", True),
            case.token.start,
            line[5].end,
            case.index,
            (Help(f"write `{here}`", edits=(edit,)),),
        )
    return None


def _repeated(case: Case) -> Blame | None:
    """`repeat 3:`, `loop n times:`."""
    line = case.line()
    if len(line) < 3 or line[0].text not in _REPEATING or line[-1].kind != "COLON" or case.token not in line[1:4]:
        return None
    count = line[1:-1] if line[-2].text not in ("times", "x") else line[1:-2]
    if not count or count[0].kind in ("LPAR", "STRING", "COLON"):
        return None
    here = f"for i in range({_text(case, count)}):"
    help = Help(f"write `{here}`", edits=(case.edit(line[0].start, line[-1].end, here),))
    mistake = mistakes.Unexpected(("`for`",), f"`{line[0].text}`")
    return Blame(mistake, line[0].start, line[0].end, case.index, (help,))


def _whole_file(case: Case) -> Blame | None:
    """`use std.conv`, `use std.conv as c`: a `use` takes names, no file."""
    line = case.line()
    if not line or line[0].kind != "USE" or case.token.kind not in ("AS", "_NEWLINE") or "COLON" not in case.expected:
        return None
    path = _text(case, line[1 : case.index - case.tokens.index(line[0])])
    help = Help(f"names are taken one by one: `use {path}: name, name as other`")
    return Blame(
        mistakes.Unexpected(("`:`",), f"`{case.token.text}`" if case.token.kind == "AS" else "the end of the line"),
        case.token.start,
        case.token.end,
        case.index,
        (help,),
    )


def _colon(case: Case) -> Blame | None:
    """`if c relu` and `for x in xs relu` lack a colon."""
    line = case.line()
    if not line or line[0].kind not in ("IF", "ELIF", "FOR") or "COLON" not in case.expected:
        return None
    if case.before.kind not in _VALUES or case.token.kind not in _STARTS or case.token.kind == "STRING":
        return None
    help = Help("write `:`", edits=(case.edit(case.before.end, case.before.end, ":"),))
    mistake = mistakes.Unexpected(("`:`",), f"`{case.token.text}`")
    return Blame(mistake, case.token.start, case.token.end, case.index, (help,))


def _apart(case: Case) -> Blame | None:
    """Two values side by side: in brackets a comma lacks, outside an arrow, and `conv 16 3` lacks its brackets."""
    token, before = case.token, case.before
    if before.kind not in _VALUES or token.kind not in _STARTS or "ARROW" not in case.expected or case.is_header:
        return None
    line = case.line_before(case.index)
    depth = sum((t.kind in _OPEN) - (t.kind in _CLOSE) for t in line)
    mistake = mistakes.Unexpected(("`,`",) if depth else ("`->`",), f"`{token.text}`")
    if depth:
        edit = case.edit(before.end, before.end, ",")
        return Blame(
            mistake, token.start, token.end, case.index, (Help("`,` stands between two arguments", edits=(edit,)),)
        )
    if before.kind == "NAME" and token.kind in ("NUMBER", "SIZE", "STRING"):
        given = []
        for each in case.rest():
            if each.kind not in ("NUMBER", "SIZE", "STRING"):
                break
            given.append(each)
        inside = ", ".join(each.text for each in given)
        edit = case.edit(before.end, given[-1].end, f"({inside})")
        help = Help(f"arguments stand in brackets: `{before.text}({inside})`", edits=(edit,))
        return Blame(mistakes.Unexpected(("`(`",), f"`{token.text}`"), token.start, token.end, case.index, (help,))
    if token.kind == "NAME" and before.kind in ("NAME", "RPAR") and case.after.kind in ("LPAR", "ARROW", "_NEWLINE"):
        known = line[0].kind in ("NAME", "IT", "LPAR", "VBAR") and line[0].text not in mistakes_words()
        if known:
            edit = case.edit(before.end, before.end, " ->")
            return Blame(mistake, token.start, token.end, case.index, (Help("`->` joins two layers", edits=(edit,)),))
    return None


def mistakes_words() -> frozenset[str]:
    """Words of other languages that a line may begin with."""
    from dslc.vocabulary.table import words

    return frozenset(words())


RULES: tuple[Callable[[Case], Blame | None], ...] = (
    _ternary,
    _if_then,
    _round_shape,
    _type,
    _dotted_type,
    _inputs,
    _declared,
    lambda_,
    def_,
    _training,
    _loop,
    _repeated,
    _whole_file,
    _words,
    _arrow,
    _walrus,
    _named_by_colon,
    _twice,
    _size,
)
"""Rules that know a mistake for sure, asked first."""

LAST: tuple[Callable[[Case], Blame | None], ...] = (_colon, _apart)
"""Rules of what is likely, asked last."""
