"""Rules of the text itself: characters that are refused, numbers, sizes, and strings with their
interpolations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from dslc.diagnostics.model import Diagnostic, Help, Label, Mistake
from dslc.source import Source
from dslc.syntax import mistakes
from dslc.syntax.tree import Expr

LONGEST_FILE = 4 * 1024 * 1024
LONGEST_NUMBER = 100
MOST_FOUND = 200

# control characters but newline and tab, bidirectional controls, line separators and lone surrogates
_REFUSED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", re.UNICODE
)
_PREFIX = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}
_SUFFIX = re.compile(r"([kKMGT]?)(i?B)?$")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "{": "{", "}": "}"}
_PIECE = re.compile(r"\\(.)|([{}])", re.DOTALL)
_FORM = re.compile(r"[:!][^\[\]()=]*$")  # as Python's `:.2f` and `!r`
_TICK_TEXT = re.compile(r"[A-Za-z0-9_-]*")


class Found:
    """The diagnostics of one source, in the order in which they were found; of very many, the first."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []

    @property
    def full(self) -> bool:
        return len(self.diagnostics) >= MOST_FOUND

    def extend(self, other: Found) -> None:
        self.diagnostics += other.diagnostics[: MOST_FOUND - len(self.diagnostics)]

    def add(
        self, mistake: Mistake, start: int, end: int, related: Iterable[Label] = (), help: Iterable[Help] = ()
    ) -> None:
        if self.full:
            return
        self.diagnostics.append(mistake.at(self.source.span(start, end), related=related, help=help))


def clean(found: Found) -> str:
    """The text with refused characters reported and blanked, offsets unchanged; `\\r\\n` counts as a
    newline.
    """
    text = found.source.text
    if text.isascii() and text.isprintable():
        return text
    if "\r" in text:
        text = text.replace("\r\n", " \n")

    def blank(match: re.Match[str]) -> str:
        found.add(mistakes.RefusedCharacter(ord(match[0])), match.start(), match.end())
        return " "

    return _REFUSED.sub(blank, text)


def number(text: str) -> int | float | None:
    """The value of a number's text; none if it is written as no number is, or is longer than any should be.

    `4K`, `4kB` and `4KB` are 4,000; `4KiB` is 4,096.
    """
    if len(text) > LONGEST_NUMBER or (text[0] == "0" and text[1:2].isdigit()):
        return None
    digits = text.replace("_", "")
    suffix = _SUFFIX.search(digits)
    assert suffix is not None
    if not suffix[0]:
        if digits.isdigit():
            return int(digits)
        return float(digits)
    from decimal import Decimal, InvalidOperation

    try:
        exact = Decimal(digits[: suffix.start()])
    except InvalidOperation:
        return None
    if exact and not -400 < exact.adjusted() < 290:
        return None
    power = _PREFIX[suffix[1]]
    exact = exact * 1024**power if suffix[2] == "iB" else exact.scaleb(3 * power)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def pieces(
    found: Found, start: int, end: int, text: str, ticked: bool, expression: Callable[[int, int], Expr | None]
) -> tuple[str | Expr, ...]:
    """The literal pieces and expressions of a string or back-tick name whose inside is `text[start:end]`."""
    result: list[str | Expr] = []
    literal = ""
    at = start
    while at < end:
        match = _PIECE.search(text, at, end)
        stop = match.start() if match else end
        literal += _literal(found, text, at, stop, ticked)
        if match is None:
            break
        at = match.end()
        if match[1] is not None:
            literal += _escape(found, match, ticked)
        elif match[2] == "}":
            found.add(mistakes.BadInterpolation("}", ticked), match.start(), match.end())
        else:
            close = text.find("}", at, end)
            if close < 0:
                found.add(mistakes.BadInterpolation("{", ticked), match.start(), match.end())
                break
            if literal:
                result.append(literal)
                literal = ""
            value = _interpolated(found, text, at, close, ticked, expression)
            if value is not None:
                result.append(value)
            at = close + 1
    if literal:
        result.append(literal)
    return tuple(result)


def _literal(found: Found, text: str, start: int, end: int, ticked: bool) -> str:
    literal = text[start:end]
    good = _TICK_TEXT.match(literal)
    if ticked and good is not None and good.end() < len(literal):
        at = start + good.end()
        found.add(mistakes.BadTickedName(literal[good.end()]), at, at + 1)
    return literal


def _escape(found: Found, match: re.Match[str], ticked: bool) -> str:
    letter = match[1]
    if ticked:
        found.add(mistakes.BadTickedName("\\"), match.start(), match.end())
    elif letter not in _ESCAPES:
        found.add(mistakes.BadEscape(letter), match.start(), match.end())
    return _ESCAPES.get(letter, letter)


def _interpolated(
    found: Found, text: str, start: int, end: int, ticked: bool, expression: Callable[[int, int], Expr | None]
) -> Expr | None:
    inside = text[start:end]
    if "{" in inside:
        at = start + inside.index("{")
        found.add(mistakes.BadInterpolation("{{", ticked), at, at + 1)
        return None
    if not inside.strip():
        found.add(mistakes.BadInterpolation("{}", ticked), start - 1, end + 1)
        return None
    form = _FORM.search(inside)
    if form is not None:
        found.add(mistakes.BadInterpolation(":", ticked), start + form.start(), end)
        return None
    return expression(start, end)
