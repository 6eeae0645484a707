"""The LALR tables of grammar/dslc.lark as plain data.

Lark reads the grammar and computes the tables; what is kept of them is dictionaries and lists (see shipped.py and
lalr.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dslc.record import frozen

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


@frozen
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
    number = _numbers(table.states, table.start_states)
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in number:
        row = sorted(table.states[state].items(), key=_name)
        moves = {name: number[arg] if what is Shift else ~index[arg] for name, (what, arg) in row}
        actions.append({name: to for name, to in moves.items() if _is_terminal(name)})
        gotos.append({name: to for name, to in moves.items() if not _is_terminal(name)})
    order = sorted(lark.terminals, key=lambda t: -t.priority)
    return Tables(
        words={t.pattern.value: t.name for t in lark.terminals if t.pattern.type == "str"},
        patterns=[[t.name, t.pattern.to_regexp()] for t in order if t.pattern.type == "re"],
        actions=actions,
        gotos=gotos,
        rules=[_row(rule) for rule in lark.rules],
        starts={name: number[state] for name, state in table.start_states.items()},
    )


def _numbers(states: dict[int, dict[str, tuple[object, Any]]], starts: dict[str, int]) -> dict[int, int]:
    """A number for each state, in the order in which they are reached: Lark's own numbers change from run to run."""
    reached = [starts[name] for name in STARTS]
    number = {state: i for i, state in enumerate(reached)}
    for state in reached:
        for _, (_, to) in sorted(states[state].items(), key=_name):
            if isinstance(to, int) and to not in number:
                number[to] = len(number)
                reached.append(to)
    return number


def _name(entry: tuple[str, object]) -> str:
    return entry[0]


def _is_terminal(name: str) -> bool:
    return name.isupper() or name == "$END"


def _row(rule: Rule) -> RuleRow:
    origin = str(rule.origin.name)
    picks = _picks(rule)
    if origin.startswith("_"):
        callback = LIST
    elif rule.alias:
        callback = str(rule.alias)
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
