"""Callbacks of the expression rules: each makes one node of the tree, or refuses what the grammar let
through.

The span of an expression with a trailing suite is that of its header (the suite has its own), so that
carets stay on one line; a statement's span takes in its suites.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dslc.bounds import beyond, held
from dslc.diagnostics.model import Applicability, Edit, Help, Mistake
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import mistakes, tree
from dslc.syntax.text import Found, number, pieces
from dslc.syntax.tokens import Token


def is_number(text: str) -> bool:
    """Whether a number's text ends as one does; layout.py has told of another."""
    return text[-1].isdigit() or text[-1] in "KMGTB."


def unmistaken(value: tree.Expr) -> bool:
    """Whether a value is not a number that was told to be none, and that stands in the tree as 0."""
    return not isinstance(value, tree.Number) or is_number(value.span.text)


_PLACES = (("out", "hidden"), ("k", "layers"), ("s",), ("p",))
"""Names that layers, and blocks by their habit, have for their first arguments, in their order."""


class ExpressionBuilder:
    """`interpolate` parses a range of the text as one expression."""

    def __init__(self, found: Found, text: str, interpolate: Callable[[int, int], tree.Expr | None]) -> None:
        self.found = found
        self.source = found.source
        self.text = text
        self.interpolate = interpolate
        self.losses: list[int] = []  # where the tree does not hold what was meant
        self.claims: dict[
            int, tuple[tuple[str, ...], bool]
        ] = {}  # per start of a lost line: its names, and whether it moves
        self.grouped: set[tree.Expr] = set()  # written in brackets of their own
        self.open_seqs: dict[tree.Expr, None] = {}  # `seq` that has no suite yet
        # of suites that have a `|`: the first, and the first line that is none
        self.branching: dict[tree.Suite, tuple[tree.Branch, tree.Stmt | None]] = {}

    def refuse(self, mistake: Mistake, start: int, end: int, mended: bool = False, help: tuple[Help, ...] = ()) -> None:
        """Report a mistake; `mended`: the tree is made as if it were not there."""
        self.found.add(mistake, start, end, help=help)
        if not mended:
            self.losses.append(start)

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    # ---- atoms

    def name(self, start: int, end: int, kids: list[Any]) -> tree.Name:
        return tree.Name(self.span(start, end), kids[0].text)

    def ticked(self, start: int, end: int, kids: list[Any]) -> tree.TickName:
        span = self.span(start, end)
        if end - start == 2:
            self.refuse(mistakes.BadTickedName(""), start, end)
        return tree.TickName(span, tree.Text(span, self._pieces(start, end, True)))

    def string(self, start: int, end: int, kids: list[Any]) -> tree.Text:
        if self.text[start] not in "\"'" or end - start < 2 or self.text[end - 1] != self.text[start]:
            return tree.Text(self.span(start, end), ())  # layout.py has reported it
        return tree.Text(self.span(start, end), self._pieces(start, end, False))

    def _pieces(self, start: int, end: int, ticked: bool) -> tuple[str | tree.Expr, ...]:
        before = len(self.found.diagnostics)
        made = pieces(self.found, start + 1, end - 1, self.text, ticked, self.interpolate)
        if len(self.found.diagnostics) > before:
            self.losses.append(start)
        return made

    def number(self, start: int, end: int, kids: list[Any]) -> tree.Number:
        text = kids[0].text
        value = number(text) if is_number(text) else 0
        if value is None:
            self.refuse(mistakes.BadNumber(text), start, end)
        elif not held(value):
            self.refuse(mistakes.NumberRange(text, beyond(value)), start, end)
            value = 0
        return tree.Number(self.span(start, end), value or 0)

    def size(self, start: int, end: int, kids: list[Any]) -> tree.Expr:
        text = kids[0].text
        sides = tuple(int(side) for side in text.split("x") if len(side) < 10)
        if len(sides) <= text.count("x"):
            self.refuse(mistakes.BadNumber(text), start, end)
        elif 0 in sides:
            self.refuse(mistakes.ZeroSide(text), start, end)
        return tree.SizeLiteral(self.span(start, end), sides)

    def word(self, start: int, end: int, kids: list[Any]) -> tree.Word:
        return tree.Word(self.span(start, end), kids[0].text)

    def it(self, start: int, end: int, kids: list[Any]) -> tree.It:
        return tree.It(self.span(start, end))

    def seq(self, start: int, end: int, kids: list[Any]) -> tree.Seq:
        span = self.span(start, end)
        node = tree.Seq(span, tree.Suite(span, ()))
        self.open_seqs[node] = None
        return node

    def broken(self, start: int, end: int, kids: list[Any]) -> tree.Lost:
        names, moves = self.claims.get(start, ((), True))
        return tree.Lost(self.span(start, end), names, moves)

    def group(self, start: int, end: int, kids: list[Any]) -> Any:
        self.grouped.add(kids[0])
        return kids[0]

    def tuple_literal(self, start: int, end: int, kids: list[Any]) -> tree.Tuple:
        return tree.Tuple(self.span(start, end), tuple(kids))

    def bare_tuple(self, start: int, end: int, kids: list[Any]) -> tree.Tuple:
        for kid in kids if len(kids) > 1 else ():
            if isinstance(kid, tree.Chain) and kid not in self.grouped:
                self.refuse(mistakes.BareListInChain(), start, end)
                break
        return tree.Tuple(self.span(start, end), tuple(kids))

    def list_literal(self, start: int, end: int, kids: list[Any]) -> tree.List:
        return tree.List(self.span(start, end), tuple(kid for kid in kids if kid is not None))

    def comprehension(self, start: int, end: int, kids: list[Any]) -> tree.Comprehension:
        return tree.Comprehension(self.span(start, end), kids[0], tuple(kids[1:]))

    def for_clause(self, start: int, end: int, kids: list[Any]) -> tree.Clause:
        return tree.Clause(self.span(start, end), kids[0], kids[1])

    def if_clause(self, start: int, end: int, kids: list[Any]) -> tree.Clause:
        return tree.Clause(self.span(start, end), (), kids[0])

    def targets(self, start: int, end: int, kids: list[Any]) -> tuple[tree.Name, ...]:
        for kid in kids:
            if not isinstance(kid, tree.Name):
                self.refuse(mistakes.ForTarget(), kid.span.start, kid.span.end)
        return tuple(kid for kid in kids if isinstance(kid, tree.Name))

    # ---- postfix

    def attribute(self, start: int, end: int, kids: list[Any]) -> tree.Attribute:
        name: Token = kids[1]
        return tree.Attribute(self.span(start, end), kids[0], name.text, self.span(name.start, name.end))

    def call(self, start: int, end: int, kids: list[Any]) -> tree.Call:
        target, *arguments = kids
        if arguments[0] is None:
            return tree.Call(self.span(start, end), target, ())
        named: dict[str, tree.Argument] = {}
        kept: list[tree.Argument] = []
        told = False
        for argument in arguments:
            span = argument.span
            if argument.name is None:
                if named and not argument.star and not told:
                    told = True  # one edit puts all of them in their order
                    mistake = mistakes.PositionalAfterKeyword(next(reversed(named)))
                    self.refuse(mistake, span.start, span.end, help=self._by_place_first(target, arguments))
            elif argument.name in named:
                again = span.text == named[argument.name].span.text  # with one value, it is known
                repeated = mistakes.RepeatedName(argument.name, "argument")
                help = self._one_of(named[argument.name], argument, arguments)
                self.refuse(repeated, span.start, span.end, mended=again, help=help[: 1 if again else 2])
                if again:
                    continue
            else:
                named[argument.name] = argument
            kept.append(argument)
        if target in self.open_seqs:
            del self.open_seqs[target]
            self.refuse(mistakes.SeqWithoutSuite(called=True), start, end, help=self._as_row(start, end, arguments))
        return tree.Call(self.span(start, end), target, tuple(kept))

    def _one_of(self, first: tree.Argument, second: tree.Argument, arguments: list[tree.Argument]) -> tuple[Help, ...]:
        """Either of two arguments of one name left out, with its comma."""
        before = arguments[arguments.index(second) - 1].span.end
        after = arguments[arguments.index(first) + 1].span.start
        sure = Applicability.CERTAIN if first.span.text == second.span.text else Applicability.MAYBE
        return tuple(
            Help(f"leave out `{left.span.text}`", edits=(Edit(self.span(start, end), ""),), applicability=sure)
            for left, start, end in ((second, before, second.span.end), (first, first.span.start, after))
        )

    def _as_row(self, start: int, end: int, arguments: list[tree.Argument]) -> tuple[Help, ...]:
        """`seq(a, b)` as a line: `seq: a -> b`; elsewhere a chain in brackets."""
        given = [a.value for a in arguments if a.name is None and not a.star]
        if len(given) == 1 and isinstance(given[0], tree.List):
            given = list(given[0].items)
        if not given or any(a.name is not None or a.star for a in arguments):
            return ()
        chain = " -> ".join(value.span.text for value in given)
        line = self.text[self.text.rfind("\n", 0, start) + 1 : start]
        stop = self.text.find("\n", end)
        after = self.text[end : len(self.text) if stop < 0 else stop].split("#")[0].rstrip()
        whole = re.fullmatch(r"\s*(?:\w+ = |module \w+ = )?", line) is not None
        named = re.fullmatch(r" as (\w+)", after)
        if whole and (not after or named):
            name = f" as {named[1]}" if named else ""
            edit = Edit(self.span(start, end + len(after)), f"seq{name}: {chain}")
            return (Help(f"write `seq{name}: {chain}`", edits=(edit,)),)
        return (Help(f"write `({chain})`", edits=(Edit(self.span(start, end), f"({chain})"),)),)

    def _by_place_first(self, target: tree.Expr, arguments: list[tree.Argument]) -> tuple[Help, ...]:
        """`conv(k=3, 16)`: those without a name before those with one."""
        inside = self.span(arguments[0].span.start, arguments[-1].span.end)
        if "#" in inside.text or "\n" in inside.text:
            return ()
        last = max(i for i, argument in enumerate(arguments) if argument.name is None)
        early = [(i, a.name) for i, a in enumerate(arguments[:last]) if a.name is not None]
        placed = all(i < len(_PLACES) and name in _PLACES[i] for i, name in early)  # `conv(out=16, 3)`
        if placed:
            texts = [a.value.span.text if i < last and a.name else a.span.text for i, a in enumerate(arguments)]
        else:
            texts = [a.span.text for a in sorted(arguments, key=lambda argument: argument.name is not None)]
        given = ", ".join(texts)
        said = "it stands at its place, and needs no name" if placed else "those without a name stand first"
        return (Help(f"{said}: `{target.span.text}({given})`", edits=(Edit(inside, given),)),)

    def positional(self, start: int, end: int, kids: list[Any]) -> tree.Argument:
        return tree.Argument(self.span(start, end), None, None, kids[0])

    def keyword(self, start: int, end: int, kids: list[Any]) -> tree.Argument:
        name: Token = kids[0]
        return tree.Argument(self.span(start, end), name.text, self.span(name.start, name.end), kids[1])

    def starred(self, start: int, end: int, kids: list[Any]) -> tree.Argument:
        return tree.Argument(self.span(start, end), None, None, kids[0], star=True)

    def index(self, start: int, end: int, kids: list[Any]) -> tree.Index:
        return tree.Index(self.span(start, end), kids[0], tuple(kids[1:]))

    def slice(self, start: int, end: int, kids: list[Any]) -> tree.Slice:
        return tree.Slice(self.span(start, end), *kids)

    def labelled(self, start: int, end: int, kids: list[Any]) -> tree.As:
        return tree.As(self.span(start, end), kids[0], kids[1])

    # ---- operators

    def unary(self, start: int, end: int, kids: list[Any]) -> tree.Expr:
        op: Token = kids[0]
        value: tree.Expr = kids[1]
        if op.kind == "PLUS":
            self.refuse(mistakes.UnaryPlus(), op.start, op.end, mended=True)
            return value
        return tree.Unary(self.span(start, end), op.text, value)

    def binary(self, start: int, end: int, kids: list[Any]) -> tree.Binary:
        return tree.Binary(self.span(start, end), kids[1].text, kids[0], kids[2])

    def compared(self, start: int, end: int, kids: list[Any]) -> str:
        return " ".join(token.text for token in kids)

    def compare(self, start: int, end: int, kids: list[Any]) -> tree.Compare:
        return tree.Compare(self.span(start, end), tuple(kids[::2]), tuple(kids[1::2]))

    def conditional(self, start: int, end: int, kids: list[Any]) -> tree.Conditional:
        return tree.Conditional(self.span(start, end), kids[1], kids[0], kids[2])

    def chain(self, start: int, end: int, kids: list[Any]) -> tree.Chain:
        for kid in kids:
            loose = isinstance(kid, tree.Unary | tree.Binary | tree.Compare | tree.Conditional)
            if loose and kid not in self.grouped:
                self.refuse(mistakes.NeedsBrackets(kid.span.text), kid.span.start, kid.span.end)
        return tree.Chain(self.span(start, end), tuple(kids))

    # ---- trailing suites

    def with_suite(self, value: tree.Expr, suite: tree.Suite) -> tree.Expr:
        """`value` with a trailing suite, which belongs to the last step and, inside an `as`, to what is
        named.
        """
        if isinstance(value, tree.Chain) and value not in self.grouped:
            last = self.with_suite(value.steps[-1], suite)
            return tree.Chain(value.span, (*value.steps[:-1], last))
        if isinstance(value, tree.As) and value not in self.grouped:
            return tree.As(value.span, self.with_suite(value.value, suite), value.name)
        if value in self.open_seqs:
            del self.open_seqs[value]
            self.no_branches(suite)
            return tree.Seq(value.span, suite)
        if isinstance(value, tree.Call) and value.suite is None and value not in self.grouped:
            self.only_branches(suite)
            return tree.Call(value.span, value.target, value.arguments, suite)
        if isinstance(value, tree.Name | tree.TickName | tree.Attribute) and value not in self.grouped:
            self.only_branches(suite)
            return tree.Call(value.span, value, (), suite, bare=True)
        if isinstance(value, tree.Lost):
            return replace(value, suite=suite) if value.moves else value
        self.refuse(mistakes.SuiteOwner(value.span.text), value.span.start, value.span.end)
        return value

    def no_branches(self, suite: tree.Suite) -> None:
        """Refuses `|` in a suite that is not that of a layer."""
        if suite in self.branching:
            span = self.branching[suite][0].span
            self.refuse(mistakes.StrayBranch(), span.start, span.start + 1)

    def only_branches(self, suite: tree.Suite) -> None:
        """Refuses other lines in a layer's suite that has branches."""
        plain = self.branching[suite][1] if suite in self.branching else None
        if plain is not None:
            self.refuse(mistakes.MixedBranches(plain.span.text), plain.span.start, plain.span.end)
