"""The LALR tables of grammar/dslc.lark as plain data.

Lark reads the grammar and computes the tables; what is kept of them is dictionaries and lists that JSON
holds as they are, so that a later process neither imports Lark nor converts anything (see cache.py and
lalr.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from lark.grammar import Rule

STARTS = ("item", "expr")

PASS = ""  # callback of a rule that hands its one child on
LIST = "[]"  # callback of a helper rule whose children become its parent's

# A kept child is its index; `~index` splices the list of a helper rule; none is a placeholder of `[...]`.
Pick: TypeAlias = int | None


class RuleRow(NamedTuple):
    """A rule as the driver needs it: `picks` none keeps every child as it is."""

    origin: str
    size: int
    callback: str
    picks: list[Pick] | None


@dataclass(frozen=True, slots=True)
class Tables:
    """`actions[state][terminal]` is a state to shift to, or `~rule` to reduce; `gotos[state][origin]` a
    state.
    """

    words: dict[str, str]  # literal text -> terminal, keywords and symbols alike
    patterns: list[list[str]]  # [terminal, regular expression], in order of trial
    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    rules: list[RuleRow]
    starts: dict[str, int]

    @property
    def keywords(self) -> dict[str, str]:
        return {text: kind for text, kind in self.words.items() if text.isalpha()}

    def to_data(self) -> dict[str, Any]:
        return {
            "words": self.words,
            "patterns": self.patterns,
            "actions": self.actions,
            "gotos": self.gotos,
            "rules": self.rules,
            "starts": self.starts,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Tables:
        """Of what `to_data` made; a wrong shape raises an ordinary exception."""
        rules = [RuleRow(*row) for row in data["rules"]]
        return cls(data["words"], data["patterns"], data["actions"], data["gotos"], rules, data["starts"])


def grammar_path() -> Path:
    """The grammar file: inside an installed package, else at the top level of the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_grammar" / "dslc.lark"
    return installed if installed.exists() else package.parent / "grammar" / "dslc.lark"


def build(grammar: str) -> Tables:
    """The tables of a grammar's text, computed by Lark."""
    from lark import Lark
    from lark.parsers.lalr_analysis import Shift

    lark = Lark(grammar, parser="lalr", lexer="basic", start=list(STARTS), maybe_placeholders=True)
    table = lark.parser.parser._parse_table
    empty = [rule for rule in lark.rules if not rule.expansion]
    if empty:
        raise ValueError(f"empty rules have no place in the text: {empty}")
    index = {rule: i for i, rule in enumerate(lark.rules)}
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in range(len(table.states)):
        row = table.states[state]
        declared = {name: v for name, v in row.items() if _is_terminal(name)}
        actions.append({n: arg if what is Shift else ~index[arg] for n, (what, arg) in declared.items()})
        gotos.append({n: arg for n, (_, arg) in row.items() if not _is_terminal(n)})
    order = sorted(lark.terminals, key=lambda t: -t.priority)
    return Tables(
        words={t.pattern.value: t.name for t in lark.terminals if t.pattern.type == "str"},
        patterns=[[t.name, t.pattern.to_regexp()] for t in order if t.pattern.type == "re"],
        actions=actions,
        gotos=gotos,
        rules=[_row(rule) for rule in lark.rules],
        starts=dict(table.start_states),
    )


def _is_terminal(name: str) -> bool:
    return name.isupper() or name == "$END"


def _row(rule: Rule) -> RuleRow:
    origin = rule.origin.name
    picks = _picks(rule)
    if origin.startswith("_"):
        callback = LIST
    elif rule.alias:
        callback = rule.alias
    elif rule.options.expand1 and len(picks) == 1 and picks[0] is not None:
        callback = PASS
    else:
        callback = origin
    plain = picks == list(range(len(rule.expansion)))
    return RuleRow(origin, len(rule.expansion), callback, None if plain else picks)


def _picks(rule: Rule) -> list[Pick]:
    """Which children a rule keeps, with placeholders for what `[...]` left out; as Lark's own tree builder
    does.
    """
    from lark.grammar import Terminal

    empty = list(rule.options.empty_indices) or [False] * len(rule.expansion)
    symbols = iter(enumerate(rule.expansion))
    picks: list[Pick] = []
    for absent in empty:
        if absent:
            picks.append(None)
            continue
        i, symbol = next(symbols)
        if not isinstance(symbol, Terminal):
            picks.append(~i if symbol.name.startswith("_") else i)
        elif rule.options.keep_all_tokens or not symbol.filter_out:
            picks.append(i)
    return picks
