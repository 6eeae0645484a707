"""What a line that could not be read may have meant: the names that it gives, and whether it moves the chain.

What reads such a name is no mistake. Names are taken only from where a line gives them, so that a layer or a value that
the line reads keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dslc.diagnostics.model import Mistake
from dslc.syntax import mistakes
from dslc.syntax.layout import IDLE, ITEM_WORDS
from dslc.syntax.tokens import Token

_STATED: Final = frozenset(("LET", "MODULE", "PARAM", "BUFFER", "CONST"))
_STILL: Final = _STATED | {"REQUIRE", "BUDGET", "_INIT"}
_DEFINED: Final = ITEM_WORDS - {"USE", "LET"}
_IMPORTS: Final = frozenset(("from", "import"))
_EQUALS: Final = frozenset(("ASSIGN", "GROW", "EQUAL"))
_TARGETS: Final = frozenset(("NAME", "COMMA", "TICKED", "COLON", "WRONG", "IT", "SEQ"))


def mended(mistake: Mistake | None) -> bool:
    """Whether the tree holds what was meant all the same, or the builder says itself whether it does."""
    if isinstance(mistake, mistakes.WrongCharacter):
        return mistake.character in IDLE
    if isinstance(mistake, mistakes.Declared):
        return mistake.word.startswith(": ")  # which is read past, or stands in a line that is lost anyway
    if isinstance(mistake, mistakes.PythonHabit):
        return mistake.word == "return"  # which is read past, where what follows is one value
    text = mistakes.TabCharacter, mistakes.RefusedCharacter, mistakes.ForeignName, mistakes.LongName
    lines = mistakes.UnevenIndent, mistakes.UnexpectedIndent, mistakes.MissingColon, mistakes.StrayLine
    lists = mistakes.ListMark, mistakes.NestedNames
    others = mistakes.CommentForm, mistakes.TextAsComment, mistakes.StringPrefix, mistakes.QuotedName
    signs = mistakes.LogicalSymbol, mistakes.BraceSuite, mistakes.TrailingComma, mistakes.RepeatedName
    return isinstance(mistake, (*text, *lines, *lists, *others, *signs, mistakes.SingleQuotes, mistakes.LimitUnit))


ANY: Final = "*"
"""In place of a name: any, as of a `use` that does not say what it names."""


def claims(tokens: Sequence[Token]) -> tuple[tuple[str, ...], bool]:
    """The names that a line of a body may give, and whether it may move the chain."""
    first = tokens[0].kind
    if first == "USE" or tokens[0].text in _IMPORTS:
        return _imported(tokens), True
    if first in _DEFINED:  # a definition inside of another: its name, and those of its header for its lines
        return _names(tokens), False
    if first == "FOR":
        return _names(_until(tokens[1:], frozenset(("IN", "COLON")))), True
    if first in _STILL:
        return _names(_until(tokens[1:], _EQUALS | {"COLON"})) if first in _STATED else (), False
    targets = _until(tokens, _EQUALS)
    if len(targets) < len(tokens) and all(token.kind in _TARGETS for token in targets):
        return _names(targets), False
    return (), True


def item_names(tokens: Sequence[Token], body: bool) -> tuple[str, ...] | None:
    """The names that a line at column 0 may define; none if it defines nothing. `body`: lines are indented under it."""
    first = tokens[0].kind
    if first == "USE" or tokens[0].text in _IMPORTS:
        return _imported(tokens)
    if first in ITEM_WORDS:
        return _names(tokens)[:1]
    header = any(token.kind == "ON" for token in tokens) or (body and tokens[-1].kind == "COLON")
    return _names(tokens)[:2] if header else None


def _imported(tokens: Sequence[Token]) -> tuple[str, ...]:
    """The names that follow the colon of a `use`, or Python's `import`."""
    begin = next((i for i, t in enumerate(tokens) if t.kind == "COLON" or t.text == "import"), len(tokens))
    return _names(tokens[begin + 1 :]) or (ANY,)


def _until(tokens: Sequence[Token], kinds: frozenset[str]) -> Sequence[Token]:
    stop = next((i for i, token in enumerate(tokens) if token.kind in kinds), len(tokens))
    return tokens[:stop]


def _names(tokens: Sequence[Token]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(token.text for token in tokens if token.kind == "NAME"))
