"""Runs the LALR tables over tokens. Nodes are made by callbacks while it runs; nothing here recurses.

The grammar has no empty rules (tables.py checks), so every reduction has a first and a last token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from dslc.syntax.tables import LIST, PASS, Pick, Tables
from dslc.syntax.tokens import Token

# start and end offsets of the text that was reduced, and its children
Callback: TypeAlias = Callable[[int, int, list[Any]], Any]

END = "$END"


class Stuck(Exception):
    """No action for a token: `states` is the stack of states it met."""

    def __init__(self, index: int, token: Token, states: list[int]) -> None:
        super().__init__(token.kind)
        self.index = index
        self.token = token
        self.states = states


class Automaton:
    """The tables with what is learnt of them while parsing."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.keywords = frozenset(tables.keywords.values())
        # (state below, state, next kind) -> the state after all rules that only hand their child on; an
        # operand passes through a dozen of them
        self._skips: dict[tuple[int, int, str], int] = {}

    def run(self, callbacks: Sequence[Callback | None], tokens: Sequence[Token], start: str) -> Any:
        """The value of the start symbol; `tokens` end with one of kind `$END`."""
        actions, gotos, rules = self.tables.actions, self.tables.gotos, self.tables.rules
        skips = self._skips
        states = [self.tables.starts[start]]
        values: list[Any] = []
        begins: list[int] = []
        ends: list[int] = []
        for index, token in enumerate(tokens):
            kind = token.kind
            while True:
                state = states[-1]
                action = actions[state].get(kind)
                if action is None:
                    raise Stuck(index, token, states)
                if action >= 0:
                    states.append(action)
                    values.append(token)
                    begins.append(token.start)
                    ends.append(token.end)
                    break
                origin, size, callback, picks = rules[~action]
                last = kind == END and size == len(values) and origin == start
                if size == 1 and callback == PASS:
                    if last:
                        return values[0]
                    below = states[-2]
                    to = skips.get((below, state, kind))
                    if to is None:
                        to = skips[below, state, kind] = self._skip(below, state, kind, start)
                    states[-1] = to
                    continue
                begin, end = begins[-size], ends[-1]
                children = values[-size:] if picks is None else _pick(picks, values[-size:])
                del states[-size:], values[-size:], begins[-size:], ends[-size:]
                if callback == LIST:
                    value: Any = children
                elif callback == PASS:
                    value = children[0]
                else:
                    made = callbacks[~action]
                    assert made is not None, callback
                    value = made(begin, end, children)
                if last:
                    return value
                states.append(gotos[states[-1]][origin])
                values.append(value)
                begins.append(begin)
                ends.append(end)
        raise ValueError("tokens end without $END")

    def _skip(self, below: int, state: int, kind: str, start: str) -> int:
        actions, gotos, rules = self.tables.actions, self.tables.gotos, self.tables.rules
        while True:
            action = actions[state].get(kind)
            if action is None or action >= 0:
                return state
            rule = rules[~action]
            if rule.callback != PASS or rule.size != 1 or (kind == END and rule.origin == start):
                return state
            state = gotos[below][rule.origin]

    def accepts(self, states: list[int], kind: str) -> bool:
        """Whether a token of this kind could come next, all reductions it causes included."""
        actions, gotos, rules = self.tables.actions, self.tables.gotos, self.tables.rules
        stack = list(states)
        while True:
            action = actions[stack[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                return True
            rule = rules[~action]
            del stack[-rule.size :]
            if kind == END and len(stack) == 1 and rule.origin in self.tables.starts:
                return True
            stack.append(gotos[stack[-1]][rule.origin])

    def expected(self, states: list[int]) -> set[str]:
        """The kinds of token that could come next."""
        return {kind for kind in self.tables.actions[states[-1]] if self.accepts(states, kind)}


def _pick(picks: list[Pick], values: list[Any]) -> list[Any]:
    children: list[Any] = []
    for pick in picks:
        if pick is None:
            children.append(None)
        elif pick >= 0:
            children.append(values[pick])
        elif children:
            children += values[~pick]
        else:
            # a left-recursive helper hands its list on to be grown, so that n children cost n
            children = values[~pick]
    return children
