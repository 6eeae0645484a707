"""Formatting in tests: texts to texts, and texts spoilt at random in ways that the formatter mends."""

from __future__ import annotations

from functools import cache
from random import Random

from dslc.diagnostics.model import Sink
from dslc.source import Source
from dslc.syntax.format.program import format_source
from dslc.syntax.layout import Layout, Line, Scanner, lay_out
from dslc.syntax.shipped import load_tables
from dslc.syntax.text import Found
from dslc.syntax.tokens import Token

MARK = "#~"
"""Begins a comment that was put in at random."""


def formatted(text: str) -> str:
    """The canonical text of a text without mistakes."""
    sink = Sink()
    found = format_source(Source("test.dl", text), sink)
    assert found is not None, [f"{d.span}: {d.code} {d.message}" for d in sink.diagnostics]
    return found


@cache
def _scanner() -> Scanner:
    return Scanner(load_tables())


def laid_out(text: str) -> Layout:
    """The logical lines and comments of a text."""
    return lay_out(_scanner(), Found(Source("test.dl", text)), text)


def spoilt(text: str, random: Random) -> str:
    """A formatted text with other spaces, more empty lines, another unit of indentation and comments between lines and
    behind them: formatting takes back all but the comments.
    """
    layout = laid_out(text)
    unit = random.randint(1, 8)
    pieces: list[str] = []
    at = 0
    for line in layout.lines:
        start = line.tokens[0].start
        pieces.append(_between(text[at:start], line.level, unit, random, bool(at)))
        pieces.append(_respaced(text, line, unit, random))
        at = line.tokens[-1].end
    pieces.append(_between(text[at:], 0, unit, random, True))
    return "".join(pieces)


def _between(gap: str, level: int, unit: int, random: Random, behind: bool) -> str:
    """What stands between two lines: comments stay on their lines, the last line is the indentation."""
    rows = gap.split("\n")
    found = [rows[0] + " " * random.randrange(3) * behind]
    if behind and not rows[0] and random.random() < 0.2:
        found[0] += f"{MARK} behind"
    for row in rows[1:-1]:
        if not row:
            found += [" " * random.randrange(6)] * random.randint(1, 3)
        else:
            found.append((" " * (level * unit) if level else "") + row.lstrip() + " " * random.randrange(3))
    if level and random.random() < 0.2:
        found.append(" " * (level * unit) + f"{MARK}own line")
    if len(rows) > 1:
        found.append("")
    return "\n".join(found) + " " * (level * unit)


def _respaced(text: str, line: Line, unit: int, random: Random) -> str:
    pieces = [line.tokens[0].text]
    for before, token in zip(line.tokens, line.tokens[1:], strict=False):
        between = text[before.end : token.start]
        if "\n" in between:
            between = between.rstrip(" ") + " " * (unit * line.level + random.randint(1, 9))
        elif between:
            between = " " * random.randint(0 if _separable(before, token) else 1, 3)
        else:
            between = " " * random.choice([0, 0, 0, 1, 2])
        pieces += [between, token.text]
    return "".join(pieces)


def _separable(before: Token, token: Token) -> bool:
    """Whether two tokens are two without a space as well."""
    words = [_word(before.text[-1]), _word(token.text[0])]
    return not all(words) and "." not in before.text + token.text and not ({before.text, token.text} & {"*", "="})


def _word(letter: str) -> bool:
    return letter.isalnum() or letter in '_"`'


def with_comments(text: str, random: Random, share: float) -> str:
    """A text with line breaks and comments between tokens wherever the language allows them."""
    pieces = []
    at = 0
    for line in laid_out(text).lines:
        pieces.append(text[at : line.tokens[0].start])
        depth = 0
        for before, token in zip([None, *line.tokens], line.tokens, strict=False):
            if before is not None:
                pieces.append(text[before.end : token.start])
                allowed = depth > 0 or token.kind == "ARROW"
                if allowed and random.random() < share:
                    pieces.append(
                        random.choice(["\n", "\n\n", f" {MARK} a\n", f"\n{MARK}b\n", f"{MARK}c\n\n\n  {MARK} d\n"])
                    )
                    pieces.append(" " * (8 * line.level + 9))
            depth += (token.kind in ("LPAR", "LSQB")) - (token.kind in ("RPAR", "RSQB"))
            pieces.append(token.text)
        at = line.tokens[-1].end
    return "".join([*pieces, text[at:]])


class Programs:
    """Programs of nested brackets with names of many lengths: most of their lines are too long."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def program(self) -> str:
        """A block of three statements."""
        lines = [f"    {self.random.choice(['', 'y = ', 'let z = '])}{self._chain(3)}\n" for _ in range(3)]
        return f"block a(p: int = {self._value(1)}, q: layer) on x[N, C] -> [N, {self._value(1)}]:\n{''.join(lines)}"

    def _name(self) -> str:
        return self.random.choice("abcdefgh") * self.random.choice([1, 1, 2, 5, 12, 30, 60])

    def _chain(self, depth: int) -> str:
        return " -> ".join(self._step(depth) for _ in range(self.random.randint(1, 4)))

    def _step(self, depth: int) -> str:
        name = f" as {self._name()}" if self.random.random() < 0.3 else ""
        return f"{self._name()}({self._values(depth)}){name}"

    def _values(self, depth: int) -> str:
        return ", ".join(self._value(depth - 1) for _ in range(self.random.randrange(5)))

    def _value(self, depth: int) -> str:
        if depth <= 0:
            return self.random.choice([self._name(), "1e-3", "3x3", '"a (b) # c"', f"-{self._name()}", "it"])
        forms = [
            f"{self._name()}({self._values(depth)})({self._value(0)}).{self._name()}",
            f"[{self._values(depth)}]",
            f"({self._value(depth - 1)},)",
            f"({self._chain(depth - 1)})",
            f"({self._value(depth - 1)} if {self._value(depth - 1)} else {self._value(0)})",
            f"({self._value(depth - 1)} {self.random.choice(['+', '*', 'and', '<', 'not in'])} {self._value(0)})",
            f"{self._name()}[{self._value(depth - 1)}, :, {self._value(0)}:{self._value(depth - 1)}]",
            f"[{self._value(depth - 1)} for {self._name()}, i in {self._value(depth - 1)} if {self._value(0)}]",
            f"{self._name()}(*{self._value(depth - 1)}, k={self._value(0)}, j={self._chain(depth - 1)})",
        ]
        return self.random.choice(forms)
