"""Text of other languages that is read past: their comments, texts as documentation, dictionaries, suites in braces.

Each is reported with an edit of the whole of it, and reading goes on behind it as if it were written as it is here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dslc.diagnostics.model import Edit, Help, Mistake
from dslc.record import frozen
from dslc.source import Source, Span
from dslc.syntax import mistakes
from dslc.syntax.tokens import Token

_COMPUTED = frozenset(["LET", "FN", "REQUIRE", "BUDGET", "PARAM", "BUFFER", "CONST", "IF", "ELIF"])
_SUITED = frozenset(["BLOCK", "INLINE", "NET", "EXTERN", "FN", "IF", "ELIF", "ELSE", "FOR"])
_TWO_WORDS = (
    r"[ \t]*(?!(?:if|else|for|in|and|or|not|as)\b)[A-Za-z][\w']*[ \t]+(?!(?:if|else|for|in|and|or|not|as)\b)[A-Za-z(]"
)
_BLANK = r"[ \t]*(?:#[^\n]*)?(?:\n|$)"
_ITEM = r"""\s*(?:"(\w+)"|'(\w+)'|(\w+))\s*:\s*([^,{}\[\]()]+|\[[^\[\]{}]*\]|\([^(){}]*\))\s*(?:,|$)"""
_LET = r"[ \t]*let[ \t]+(\w+)[ \t]*=[ \t]*$"

PREFIXES = frozenset(["f", "F", "r", "R", "b", "B", "fr", "rf", "u"])
"""What Python writes before the quotes of a string."""


@frozen
class Passed:
    """What is reported of a piece of text, and where reading goes on."""

    mistake: Mistake
    start: int
    end: int
    resume: int
    help: tuple[Help, ...]


def comment(
    source: Source, text: str, line: Sequence[Token], depth: int, mark: str, at: int, fresh: bool
) -> Passed | None:
    """A comment that begins with `//` or `/*`; none where `//` may divide."""
    stop = at + len(mark)
    line_end = text.find("\n", at)
    line_end = len(text) if line_end < 0 else line_end
    if mark == "//" and not (fresh or _is_comment(text, line, depth, at, stop)):
        return None
    edits: tuple[Edit, ...] = ()
    resume = line_end
    if mark == "/*":
        close = text.find("*/", stop)
        if close < 0:
            return None
        resume = close + 2
        after = text[resume:line_end].strip() if close < line_end else ""
        if after or (close >= line_end and not fresh):
            return None
        edits = (Edit(source.span(close, close + 2), ""), *_marks(source, text, at, close))
        edits = tuple(e for e in edits if e.span.start != at)
    help = Help("write `#`", replace="#", edits=edits)
    return Passed(mistakes.CommentForm(mark), at, stop, resume, (help,))


def _marks(source: Source, text: str, start: int, end: int) -> list[Edit]:
    """A `#` before each further line of a range of text."""
    edits = []
    at = text.find("\n", start, end)
    while at >= 0:
        first = at + 1 + len(text[at + 1 : end]) - len(text[at + 1 : end].lstrip(" *"))
        edits.append(Edit(source.span(at + 1, first), "# "))
        at = text.find("\n", at + 1, end)
    return edits


def _is_comment(text: str, line: Sequence[Token], depth: int, at: int, stop: int) -> bool:
    """Whether `//` must begin a comment: two words in a row are no value, and nothing is divided after `->`."""
    if at and text[at - 1] not in " \t":
        return False
    if re.compile(_TWO_WORDS).match(text, stop):
        return True
    if depth:
        return False
    inside = 0
    for token in line:
        inside += (token.kind in ("LPAR", "LSQB")) - (token.kind in ("RPAR", "RSQB"))
        if token.kind == "ARROW" and not inside:
            return True
    kinds = [token.kind for token in line]
    if kinds[-1] in ("COLON", "COMMA"):
        return True
    if kinds[:2] == ["NAME", "ASSIGN"] and kinds[-1] == "RPAR":  # a layer, and a word that the program does not know
        alone = re.compile(r"[ \t]*([A-Za-z_]\w*)[ \t]*(?:#[^\n]*)?(?:\n|$)").match(text, stop)
        if alone is not None and len(re.findall(rf"\b{alone[1]}\b", text)) == 1:
            return True
    return kinds[0] not in _COMPUTED and "ASSIGN" not in kinds and not _of_function(text, at)


def _of_function(text: str, at: int) -> bool:
    """Whether a line stands under a `fn`, whose last one is a value, and may divide."""
    start = text.rfind("\n", 0, at) + 1
    indent = len(text[start:at]) - len(text[start:at].lstrip(" "))
    while start > 0:
        end, start = start - 1, text.rfind("\n", 0, start - 1) + 1
        line = text[start:end]
        if line.strip() and len(line) - len(line.lstrip(" ")) < indent:
            return line.startswith("fn ")
    return False


def documentation(source: Source, text: str, at: int, fresh: bool) -> Passed | None:
    """A text in three quotes that is a line of its own: Python's documentation."""
    mark = text[at : at + 3]
    close = text.find(mark, at + 3)
    if mark not in ('"""', "'''") or close < 0 or not fresh:
        return None
    end = close + 3
    if not re.compile(_BLANK).match(text, end):
        return None
    inside = text[at + 3 : close]
    column = at - (text.rfind("\n", 0, at) + 1)
    lines = [row.strip() for row in inside.strip().split("\n")]
    new = ("\n" + " " * column).join(f"# {row}".rstrip() for row in lines)
    help = Help("comments begin with `#`, the documentation of a definition stands above it, after `##`", replace=new)
    return Passed(mistakes.TextAsComment(), at, end, end, (help,))


def semicolon(source: Source, text: str, line: Sequence[Token], depth: int, at: int) -> Passed | None:
    """A semicolon: at the end of a line it is left out, before another statement it is a line's end."""
    if depth or not line:
        return None
    if re.compile(_BLANK).match(text, at + 1):
        return Passed(mistakes.WrongCharacter(";"), at, at + 1, at + 1, (Help("leave it out", replace=""),))
    return None


def apart(source: Source, text: str, at: int, column: int) -> Help:
    """The proposal for a semicolon between two statements of a line."""
    end = at + 1 + len(text[at + 1 :]) - len(text[at + 1 :].lstrip(" "))
    edit = Edit(source.span(at, end), "\n" + " " * column)
    return Help("each statement has a line of its own", edits=(edit,))


def brace(source: Source, text: str, line: Sequence[Token], at: int) -> Passed | None:
    """`{` at the end of a header, as C writes a suite, or a dictionary up to its `}`."""
    if line and line[0].kind in _SUITED and re.compile(_BLANK).match(text, at + 1):
        return _suite(source, text, line, at)
    close = _closing(text, at)
    if close is None:
        return None
    if line and line[-1].end == at and line[-1].kind == "NAME":
        named = len(line) > 1 and line[-2].kind == "AS"
        inside = text[at + 1 : close]
        word = line[-1].text
        if named:
            new = f"`{word}{{{inside}}}`"
            edits = (Edit(source.span(line[-1].start, close + 1), new),)
            help = Help(f"write `` {new} ``", edits=edits)
        else:
            help = Help(f"write `{word}({' '.join(inside.split())})`", replace=f"({inside})")
        return Passed(mistakes.BraceForm(named), at, close + 1, close + 1, (help,))
    return Passed(mistakes.DictLiteral(), at, close + 1, close + 1, _as_lets(source, text, at, close))


def _suite(source: Source, text: str, line: Sequence[Token], at: int) -> Passed:
    close = _closing(text, at, lines=True)
    start = line[-1].end
    colon = "" if line[-1].kind == "COLON" else ":"
    edits = [Edit(source.span(start, at + 1), colon)]
    if close is not None:
        begin = text.rfind("\n", 0, close) + 1
        end = close + 1
        if not text[begin:close].strip() and re.compile(_BLANK).match(text, end):
            stop = text.find("\n", end)
            edits.append(Edit(source.span(begin, len(text) if stop < 0 else stop + 1), ""))
    help = Help("a suite is indented under a line that ends with `:`", edits=tuple(edits))
    return Passed(mistakes.BraceSuite(), at, at + 1, at + 1, (help,))


def _closing(text: str, at: int, lines: bool = False) -> int | None:
    """Where the `}` of a `{` stands; none if nothing closes it."""
    depth = 0
    quote = ""
    for index in range(at, min(len(text), at + 20_000)):
        letter = text[index]
        if quote:
            quote = "" if letter == quote or letter == "\n" else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "{":
            depth += 1
        elif letter == "}":
            depth -= 1
            if depth == 0:
                return index
    return None


def _as_lets(source: Source, text: str, at: int, close: int) -> tuple[Help, ...]:
    """`let cfg = {"width": 16}` as `let width = 16`, and every `cfg["width"]` as `width`."""
    plain = Help("arguments of a call have names; a value is named by `let width = 16`")
    begin = text.rfind("\n", 0, at) + 1
    inside = " ".join(text[at + 1 : close].split())
    items = list(re.finditer(_ITEM, inside))
    if not items or items[-1].end() != len(inside):
        return (plain,)
    if [item[3] for item in items] == [str(i) for i in range(len(items))]:
        listed = f"[{', '.join(item[4].strip() for item in items)}]"
        return (Help(f"a list has its items by number: `{listed}`", replace=listed),)
    head = re.compile(_LET).match(text, begin, at)
    if head is None or head.end() != at or not re.compile(_BLANK).match(text, close + 1):
        return (plain,)
    indent = text[begin : begin + len(text[begin:]) - len(text[begin:].lstrip(" "))]
    own = head[1]
    names: dict[str, str] = {}
    lets = []
    rest = text[:begin] + text[close + 1 :]
    for item in items:
        key = item[1] or item[2] or item[3]
        used = re.search(rf"(?<![\w\"'.]){re.escape(key)}\b(?![\"'])", rest) is not None
        names[key] = f"{own}_{key}" if used or not key.isidentifier() else key
        lets.append(f"let {names[key]} = {item[4].strip()}")
    edits = []
    for use in re.compile(rf"\b{re.escape(own)}(?:\[[\"'](\w+)[\"']\]|\.(\w+))").finditer(text, close):
        key = use[1] or use[2]
        if key not in names:
            return (plain,)
        edits.append(Edit(source.span(use.start(), use.end()), names[key]))
    new = f"\n{indent}".join(lets)
    edits.append(Edit(source.span(begin + len(indent), close + 1), new))
    return (Help(f"each value has a name of its own: `{lets[0]}`", edits=tuple(edits)),)


def unclosed(text: str, source: Source, open_ones: Sequence[Token], tokens: Sequence[Token]) -> tuple[Help, ...]:
    """Where the brackets that lack belong: before the first arrow after the last one, else at the end of the line."""
    opened = open_ones[-1]
    right = "".join({"(": ")", "[": "]"}[bracket.text] for bracket in reversed(open_ones))
    line_end = text.find("\n", opened.end)
    line_end = len(text) if line_end < 0 else line_end
    last = opened
    depth = 0
    for token in tokens:
        if token.start <= opened.start:
            continue
        if token.start >= line_end or (depth == 0 and token.kind in ("ARROW", "AS", "ON")):
            break
        depth += (token.kind in ("LPAR", "LSQB")) - (token.kind in ("RPAR", "RSQB"))
        last = token
    if last.kind == "COLON" and tokens and tokens[0].kind in _SUITED:
        previous = [token for token in tokens if token.end <= last.start]
        last = previous[-1] if previous else last
    place: Span = source.span(last.end, last.end)
    return (Help(f"close it: `{right}` after `{last.text}`", edits=(Edit(place, right),)),)
