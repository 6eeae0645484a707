"""How many ops a loop will make at least, counted before it is expanded, so that a runaway nest stops at once."""

from __future__ import annotations

from dslc.names.resolve import lookup
from dslc.syntax import tree
from dslc.types.const import Const, Scope


def least_ops(line: tree.Stmt, scope: Scope, limit: int) -> int:
    """A lower bound of the ops a statement makes; counting stops above `limit`.

    Loops count by the length of a range or list known here; what depends on an inner variable counts once, an `if`
    by its smallest side, a block by its body once. Bodies are counted once each (memoised by definition).
    """
    return _Counter(limit).statement(line, scope)


class _Counter:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.known: dict[tree.Block, int] = {}

    def suite(self, suite: tree.Suite, scope: Scope) -> int:
        return sum(self.statement(line, scope) for line in suite.body)

    def statement(self, line: tree.Stmt, scope: Scope) -> int:
        match line:
            case tree.Step(value=value) | tree.Assign(value=value):
                return self.expression(value, scope)
            case tree.For(source=source, suite=suite):
                return self.turns(source, scope) * self.suite(suite, scope)
            case tree.If(branches=branches):
                least = min(self.suite(s, scope) for _, s in branches)
                return least if branches[-1][0] is None else 0
        return 0

    def expression(self, expr: tree.Expr, scope: Scope) -> int:
        match expr:
            case tree.Chain(steps=steps):
                return sum(self.expression(s, scope) for s in steps)
            case tree.As(value=value):
                return self.expression(value, scope)
            case tree.Seq(suite=suite):
                return self.suite(suite, scope)
            case tree.Call(target=target, suite=None):
                return self.expression(target, scope)
            case tree.Call(target=target, suite=suite) if suite is not None:
                return self.expression(target, scope)
            case tree.Name(name=name):
                return self.name(name, scope)
        return 0

    def name(self, name: str, scope: Scope) -> int:
        """A layer counts one, a block its body; a name that may be no layer counts nothing."""
        found = scope.find(name)
        if found is None:
            return 1
        if found.kind != "definition":
            return 0
        target = lookup(found)
        if target is None or not isinstance(target[0], tree.Block):
            return 0
        block, home = target[0], target[1]
        if block not in self.known:
            self.known[block] = 0
            self.known[block] = min(self.suite(block.suite, home), self.limit + 1)
        return self.known[block]

    def turns(self, source: tree.Expr, scope: Scope) -> int:
        """How often a `for` runs; 1 where that depends on what is not known here."""
        match source:
            case tree.Call(target=tree.Name(name="range"), arguments=arguments):
                ends = [self.number(a.value, scope) for a in arguments]
                numbers = [e for e in ends if e is not None]
                if len(numbers) == len(ends) and 1 <= len(ends) <= 3 and (len(ends) < 3 or numbers[2] != 0):
                    return len(range(*numbers))
                return 0
            case tree.List(items=items):
                return len(items)
        return 0

    def number(self, expr: tree.Expr, scope: Scope) -> int | None:
        match expr:
            case tree.Number(value=int(value)):
                return value
            case tree.Name(name=name):
                found = scope.find(name)
                if found is not None and isinstance(found.value, Const) and isinstance(found.value.value, int):
                    return found.value.value
            case tree.Binary(op="+" | "-" | "*" as op, left=left, right=right):
                a, b = self.number(left, scope), self.number(right, scope)
                if a is not None and b is not None:
                    return {"+": a + b, "-": a - b, "*": a * b}[op]
        return None
