"""A stuck parse, as the rules that look for the mistake see it, and what they say."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.diagnostics.model import Edit, Help, Mistake
from dslc.record import frozen
from dslc.source import Source
from dslc.syntax.lalr import END, Automaton, Stuck
from dslc.syntax.layout import ITEM_WORDS
from dslc.syntax.tokens import Token

LAYOUT = frozenset(("_NEWLINE", "_INDENT", "_DEDENT"))


@frozen
class Blame:
    """A mistake at a place; `index` is that of a token of the line to blame."""

    mistake: Mistake
    start: int
    end: int
    index: int
    help: tuple[Help, ...] = ()


class Case:
    """A stuck parse, as the rules below look at it."""

    def __init__(self, automaton: Automaton, source: Source, tokens: Sequence[Token], stuck: Stuck) -> None:
        self.automaton = automaton
        self.source = source
        self.states = stuck.states
        self.tokens = tokens
        self.index = stuck.index
        self.token = tokens[stuck.index]
        nothing = Token("", "", 0, 0)
        self.before = tokens[stuck.index - 1] if stuck.index else nothing
        self.after = tokens[stuck.index + 1] if stuck.index + 1 < len(tokens) else nothing
        self.expected = automaton.expected(stuck.states)

    @property
    def begins_line(self) -> bool:
        return self.before.kind in LAYOUT or not self.before.kind

    def back(self) -> list[Token]:
        """The tokens before this one in its line and in its brackets, last first."""
        depth = 0
        found = []
        for token in reversed(self.tokens[: self.index]):
            if token.kind in LAYOUT:
                break
            depth += token.kind in ("RPAR", "RSQB")
            if depth == 0:
                if token.kind in ("LPAR", "LSQB", "COMMA", "ASSIGN"):
                    break
                found.append(token)
            depth -= token.kind in ("LPAR", "LSQB")
        return found

    def line_before(self, index: int) -> Sequence[Token]:
        """The tokens of a line up to `index`."""
        start = index
        while start and self.tokens[start - 1].kind not in LAYOUT:
            start -= 1
        return self.tokens[start:index]

    @property
    def is_header(self) -> bool:
        """Whether the line is one that ends with a colon."""
        line = self.line_before(self.index)
        first = line[0].kind if line else ""
        return first in ITEM_WORDS or first in ("IF", "ELIF", "ELSE", "FOR")

    def rest(self) -> Sequence[Token]:
        """The tokens from this one to the end of its line."""
        stop = self.index
        while stop < len(self.tokens) and self.tokens[stop].kind not in LAYOUT and self.tokens[stop].kind != END:
            stop += 1
        return self.tokens[self.index : stop]

    def line(self) -> Sequence[Token]:
        """All tokens of the line."""
        return (*self.line_before(self.index), *self.rest())

    def edit(self, start: int, end: int, text: str) -> Edit:
        """A change of the text."""
        return Edit(self.source.span(start, end), text)

    def here(self, mistake: Mistake, token: Token | None = None) -> Blame:
        at = token or self.token
        return Blame(mistake, at.start, at.end, self.index)
