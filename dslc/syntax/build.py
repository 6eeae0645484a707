"""Callbacks of the statement rules; with those of expressions and headers they make the `Builder` of a
source.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias, TypeGuard

from dslc.diagnostics.model import Edit, Help
from dslc.record import replace
from dslc.syntax import mistakes, tree
from dslc.syntax.build_expr import ExpressionBuilder, unmistaken

Simple: TypeAlias = tree.Step | tree.Assign | tree.Let | tree.ModuleDef | tree.Branch

_COMPARISONS = frozenset(("<=", "<", ">=", ">", "=="))
_LONE_HABITS = frozenset(("pass", "return", "break", "continue"))


class StatementBuilder(ExpressionBuilder):
    """A line that is refused makes no statement: its callback returns none, and the item is read again without it.

    Lines that are indented for no reason are several statements: their callback returns them all.
    """

    # ---- lines

    def line(self, start: int, end: int, kids: list[Any]) -> tree.Stmt | None:
        statement: tree.Stmt | None = kids[0]
        return statement

    def line_with_suite(self, start: int, end: int, kids: list[Any]) -> tree.Stmt | None:
        statement, suite = kids
        return self._own(statement, suite, end)

    def header_then_block(self, start: int, end: int, kids: list[Any]) -> tree.Stmt | tuple[tree.Stmt | None, ...]:
        """`header: line` with more lines indented under it: legal only for a branch."""
        statement, inner, lines = kids
        body = () if inner is None else (inner,)
        suite = tree.Suite(inner.span if inner is not None else lines.span, body)
        self._survey(suite)
        statement = self._own(statement, suite, suite.span.end)
        if isinstance(statement, tree.Branch):
            self.no_branches(lines)
            return tree.Branch(self.span(start, end), statement.value, lines)
        first = lines.body[0].span if lines.body else lines.span
        self.refuse(mistakes.UnexpectedIndent(), first.start, first.end, mended=True)
        return statement, *lines.body

    def line_with_block(self, start: int, end: int, kids: list[Any]) -> tree.Stmt | tuple[tree.Stmt | None, ...] | None:
        """Indented lines without a colon: legal only under a branch."""
        statement, suite = kids
        if isinstance(statement, tree.Branch):
            self.no_branches(suite)
            return tree.Branch(self.span(start, end), statement.value, suite)
        if statement is None:
            return None
        if not isinstance(statement, tree.Step | tree.Assign | tree.Let | tree.ModuleDef):
            self.refuse(mistakes.UnexpectedIndent(), suite.span.start, suite.span.start, mended=True)
            return statement, *suite.body
        if isinstance(statement.value, tree.Lost):
            return self._own(statement, suite, end)
        colon = statement.value.span.end
        if self.can_own(statement.value):
            self.refuse(mistakes.MissingColon(), colon, colon)
            return self._own(statement, suite, end)
        first = suite.body[0].span if suite.body else suite.span
        self.refuse(mistakes.UnexpectedIndent(), first.start, first.end, mended=True)
        return statement, *suite.body

    def _own(self, statement: tree.Stmt | None, suite: tree.Suite, end: int) -> tree.Stmt | None:
        if statement is None:
            return None
        if not isinstance(statement, Simple):
            span = statement.span
            self.refuse(mistakes.SuiteOwner(span.text), span.start, span.end)
            return statement
        value = self.with_suite(statement.value, suite)
        return replace(statement, span=self.span(statement.span.start, end), value=value)

    def can_own(self, value: tree.Expr) -> bool:
        """Whether a trailing suite can belong to `value`."""
        while isinstance(value, tree.Chain | tree.As) and value not in self.grouped:
            value = value.steps[-1] if isinstance(value, tree.Chain) else value.value
        owners = tree.Call | tree.Name | tree.TickName | tree.Attribute
        return value in self.open_seqs or (isinstance(value, owners) and value not in self.grouped)

    # ---- suites

    def block(self, start: int, end: int, kids: list[Any]) -> tree.Suite:
        body = tuple(line for kid in kids for line in (kid if isinstance(kid, tuple) else (kid,)) if line is not None)
        first = body[0].span.start if body else end
        suite = tree.Suite(self.span(first, end), body)
        self._survey(suite)
        return suite

    def suite_of_one(self, start: int, end: int, kids: list[Any]) -> tree.Suite:
        return self.block(start, end, kids)

    def suite_of_header(self, start: int, end: int, kids: list[Any]) -> tree.Suite:
        statement, inner = kids
        if statement is not None:
            span = statement.span
            self.refuse(mistakes.SuiteNotSimple(), span.start, span.end)
            if isinstance(statement, Simple) and self.can_own(statement.value):
                statement = self._own(statement, inner, end)
        return self.block(start, end, [statement])

    def body_without_colon(self, start: int, end: int, kids: list[Any]) -> tree.Suite:
        self.refuse(mistakes.MissingColon(), start, start, mended=True)
        suite: tree.Suite = kids[0]
        return suite

    def _survey(self, suite: tree.Suite) -> None:
        """Notes the first `|` among a suite's lines, and the first line that is none."""
        branch: tree.Branch | None = None
        plain: tree.Stmt | None = None
        for statement in suite.body:
            inner = self._branches_of(statement)
            branch = branch or (inner[0] if inner is not None else None)
            plain = plain or (inner[1] if inner is not None else statement)
        if branch is not None:
            self.branching[suite] = branch, plain

    def _branches_of(self, statement: tree.Stmt) -> tuple[tree.Branch, tree.Stmt | None] | None:
        if isinstance(statement, tree.Branch):
            return statement, None
        if isinstance(statement, tree.For):
            return self.branching.get(statement.suite)
        if not isinstance(statement, tree.If):
            return None
        found = [pair for _, suite in statement.branches if (pair := self.branching.get(suite)) is not None]
        if not found:
            return None
        without = (suite.body for _, suite in statement.branches if suite not in self.branching and suite.body)
        plain = next((body[0] for body in without), None)
        return found[0][0], next((other for _, other in found if other is not None), plain)

    # ---- simple lines

    def step(self, start: int, end: int, kids: list[Any]) -> tree.Step | None:
        value: tree.Expr = kids[0]
        if isinstance(value, tree.Name) and value.name in _LONE_HABITS:
            nothing = value.name == "pass"
            help = (Help("`id` is the layer that does nothing", replace="id"),) if nothing else ()
            self.refuse(mistakes.PythonHabit(value.name, nothing), start, end, help=help)
            return None
        if isinstance(value, tree.Tuple) and len(value.items) == 1 and value.span.text.endswith(","):
            self.refuse(mistakes.TrailingComma(), value.span.end - 1, value.span.end, mended=True)
            value = value.items[0]
        return tree.Step(self.span(start, end), value)

    def assign(self, start: int, end: int, kids: list[Any]) -> tree.Assign:
        value: tree.Expr = kids[0]
        if isinstance(value, tree.Attribute) and isinstance(value.value, tree.Name) and value.value.name == "self":
            help = self._of_self(value, kids[1])
            self.refuse(mistakes.SelfTarget(value.name), value.span.start, value.span.end, help=help)
            return tree.Assign(self.span(start, end), (), kids[1])
        targets = value.items if isinstance(value, tree.Tuple) else (value,)
        named = tuple(t for target in targets for t in self._names(target) if self._is_target(t))
        return tree.Assign(self.span(start, end), named, kids[1])

    def grow(self, start: int, end: int, kids: list[Any]) -> tree.Stmt | None:
        """`xs += [it]`; `it += x` is told, and read as the line `it + x`."""
        if isinstance(kids[0], tree.It):
            span = self.span(start, end)
            value = kids[1].span.text
            text = (
                f"it + ({value})"
                if isinstance(kids[1], tree.Chain | tree.Conditional | tree.Compare)
                else f"it + {value}"
            )
            self.refuse(mistakes.InPlace("+="), start, end, help=(Help(f"write `{text}`", text),), mended=True)
            return tree.Step(span, tree.Binary(span, "+", kids[0], kids[1]))
        if not self._target(kids[0], "name += [...]", False):
            return None
        return tree.Grow(self.span(start, end), kids[0], kids[1])

    def let(self, start: int, end: int, kids: list[Any]) -> tree.Let | None:
        if not self._target(kids[0], "let name = ...", False):
            return None
        return tree.Let(self.span(start, end), kids[0], kids[1])

    def module(self, start: int, end: int, kids: list[Any]) -> tree.ModuleDef | None:
        if not self._target(kids[0], "module name = ...", True):
            return None
        return tree.ModuleDef(self.span(start, end), kids[0], kids[1])

    def _is_target(self, target: tree.Expr) -> TypeGuard[tree.Name | tree.TickName]:
        """Whether a line may name a value so; refused if not."""
        return self._target(target, "name = ...", True)

    def _names(self, target: tree.Expr) -> tuple[tree.Expr, ...]:
        """The names of brackets within a list of names, which are told; else the target itself."""
        if not isinstance(target, tree.Tuple) or not all(isinstance(t, tree.Name) for t in target.items):
            return (target,)
        mistake = mistakes.NestedNames(", ".join(t.span.text for t in target.items))
        self.refuse(mistake, target.span.start, target.span.end, mended=True)
        return target.items

    def _target(self, target: tree.Expr, form: str, ticked: bool) -> bool:
        if isinstance(target, tree.Name) or (ticked and isinstance(target, tree.TickName)):
            return True
        span = target.span
        if isinstance(target, tree.Word | tree.It | tree.Seq) and span.text != "...":
            self.open_seqs.pop(target, None)
            self.refuse(mistakes.ReservedWord(span.text, ticked), span.start, span.end)
        else:
            self.refuse(mistakes.Target(form, span.text), span.start, span.end)
        return False

    def _of_self(self, target: tree.Attribute, value: tree.Expr) -> tuple[Help, ...]:
        """`self.a = conv(16, 3)` as `conv(16, 3) as a`; one that is used as `module a = ..`, with its uses."""
        from dslc.vocabulary import table

        name = target.name
        own = f"{name}_" if table.layer(name) is not None or name in ("residual", "scale", "concat", "add") else name
        edits = [Edit(target.span, f"module {own}")]
        for use in re.finditer(rf"\bself\.{re.escape(name)}\b", self.text):
            if use.start() != target.span.start:
                edits.append(Edit(self.span(use.start(), use.end()), own))
        if len(edits) > 1:
            return (Help(f"one that is used elsewhere is made by `module {own} = ..`", edits=tuple(edits)),)
        if not isinstance(value, tree.Call | tree.Name) or value.span.start < target.span.end:
            return ()
        begin, end = self.span(target.span.start, value.span.start), self.span(value.span.end, value.span.end)
        named = (Edit(begin, ""), Edit(end, f" as {name}"))
        return (Help(f"write `{value.span.text} as {name}`", edits=named),)

    def tensor_kind(self, start: int, end: int, kids: list[Any]) -> str:
        return str(kids[0].text)

    def tensor(self, start: int, end: int, kids: list[Any]) -> tree.TensorDef:
        kind, token, spec, value = kids
        target = tree.Name(self.span(token.start, token.end), token.text)
        return tree.TensorDef(self.span(start, end), kind, target, spec, value)

    def require(self, start: int, end: int, kids: list[Any]) -> tree.Require:
        condition, message = kids
        if message is not None and not isinstance(message, tree.Text):
            self.refuse(mistakes.RequireMessage(), message.span.start, message.span.end, mended=True)
            message = None
        return tree.Require(self.span(start, end), condition, message)

    def budget(self, start: int, end: int, kids: list[Any]) -> tree.Budget:
        limits = []
        for limit in kids:
            simple = isinstance(limit, tree.Compare) and len(limit.ops) == 1 and limit.ops[0] in _COMPARISONS
            if simple and isinstance(limit.values[0], tree.Name):
                if unmistaken(limit.values[1]):
                    limits.append(limit)
            else:
                self.refuse(mistakes.BudgetForm(limit.span.text), limit.span.start, limit.span.end, mended=True)
        return tree.Budget(self.span(start, end), tuple(limits))

    def initial(self, start: int, end: int, kids: list[Any]) -> tree.Initial:
        return tree.Initial(self.span(start, end), tuple(kid for kid in kids if kid is not None))

    def setting(self, start: int, end: int, kids: list[Any]) -> tree.Setting | None:
        target, value = kids
        span = self.span(start, end)
        if isinstance(target, tree.Name):
            return tree.Setting(span, target, "", None, value)
        if isinstance(target, tree.Attribute) and isinstance(target.value, tree.Name):
            return tree.Setting(span, target.value, target.name, target.name_span, value)
        self.refuse(mistakes.InitForm(target.span.text), target.span.start, target.span.end, mended=True)
        return None

    def branch(self, start: int, end: int, kids: list[Any]) -> tree.Branch:
        return tree.Branch(self.span(start, end), kids[0], None)

    # ---- compound lines

    def if_statement(self, start: int, end: int, kids: list[Any]) -> tree.If:
        *pairs, other = kids
        branches: list[tuple[tree.Expr | None, tree.Suite]] = []
        for condition, suite in zip(pairs[::2], pairs[1::2], strict=True):
            branches.append((condition, suite))
        if other is not None:
            branches.append((None, other))
        return tree.If(self.span(start, end), tuple(branches))

    def for_statement(self, start: int, end: int, kids: list[Any]) -> tree.For:
        return tree.For(self.span(start, end), *kids)
