"""`parse`: a source to its syntax tree. Mistakes go to the sink; the tree says which lines and items are lost.

Each item (a column-0 line with the lines indented under it) is parsed alone. Where the parser sticks, the
logical line is reported, replaced by a neutral one, and the item is parsed again; so it is where a line was read and
does not hold what was meant.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from dslc.collector import paused
from dslc.diagnostics.model import Sink
from dslc.record import replace
from dslc.source import Source
from dslc.syntax import mistakes, text, tree
from dslc.syntax.build_items import Builder
from dslc.syntax.bullets import MARKS, check_bullets
from dslc.syntax.lalr import END, Automaton, Callback, Stuck
from dslc.syntax.language import language_of
from dslc.syntax.layout import Layout, Line, Scanner, lay_out, tokens_between
from dslc.syntax.lost import claims, item_names, mended
from dslc.syntax.shipped import load_tables
from dslc.syntax.starts import check_hint, check_line, check_return, check_units
from dslc.syntax.text import Found
from dslc.syntax.tokens import Token

if TYPE_CHECKING:
    from dslc.syntax.case import Blame

ATTEMPTS = 20  # how often items of one file are parsed again after an error
REPARSED = 400_000  # tokens that are parsed again at most, so that a long item stays quick


def parse(source: Source, sink: Sink) -> tree.File:
    """The tree of a source. If an error was added to the sink, the tree has `Lost` where something was not read."""
    found = Found(source)
    with paused():
        file = _parse(source, found)
    if found.diagnostics and len(source.text) <= text.LONGEST_FILE:
        language = language_of(source.text)
        if language is not None:
            begin = len(source.text) - len(source.text.lstrip())
            end = source.text.find("\n", begin)
            found.diagnostics.clear()
            found.add(mistakes.OtherLanguage(language), begin, len(source.text.rstrip()) if end < 0 else end)
            file = tree.File(source, (), (), whole=False)
    for diagnostic in sorted(found.diagnostics, key=lambda d: d.span.start):
        sink.add(diagnostic)
    return file


def _parse(source: Source, found: Found) -> tree.File:
    if len(source.text) > text.LONGEST_FILE:
        found.add(mistakes.FileTooLong(len(source.text), text.LONGEST_FILE), 0, 0)
        return tree.File(source, (), (), whole=False)
    automaton, scanner = _machine()
    cleaned = text.clean(found)
    layout = lay_out(scanner, found, cleaned)
    parse = _Parse(automaton, scanner, found, cleaned, layout)
    items = parse.items()
    return tree.File(source, tuple(items), tuple(layout.comments), whole=not parse.given_up)


@cache
def _machine() -> tuple[Automaton, Scanner]:
    tables = load_tables()
    return Automaton(tables), Scanner(tables)


class _Parse:
    """The parse of one file: what its items share is the number of attempts."""

    def __init__(self, automaton: Automaton, scanner: Scanner, found: Found, cleaned: str, layout: Layout) -> None:
        self.automaton = automaton
        self.scanner = scanner
        self.found = found
        self.text = cleaned
        self.layout = layout
        self.attempts = ATTEMPTS
        self.reparsed = REPARSED
        self.builder = Builder(found, cleaned, self._interpolated)
        self.callbacks: list[Callback | None] = [
            getattr(self.builder, rule.callback, None) for rule in automaton.tables.rules
        ]
        self.remarks = {c.span.line: c.text for c in layout.comments if c.own_line}

    def items(self) -> list[tree.Item]:
        items: list[tree.Item] = []
        for lines in self._chunks():
            item = self._item(lines)
            if item is None:
                if items and isinstance(items[-1], tree.Block):
                    items[-1] = _shortened(items[-1])
            else:
                items.append(item)
            if self.given_up:
                break
        return items

    @property
    def given_up(self) -> bool:
        """Whether the rest of the file is not read: too much is wrong before it."""
        return self.attempts < 0 or self.reparsed < 0 or self.found.full

    def _chunks(self) -> Iterator[list[Line]]:
        chunk: list[Line] = []
        for line in self.layout.lines:
            if line.level == 0 and chunk:
                yield chunk
                chunk = []
            chunk.append(line)
        if chunk:
            yield chunk

    def _item(self, lines: list[Line]) -> tree.Item | None:
        """An item, lost where its first line is; none for lines that belong to the item before them."""
        if any(line.tokens[0].kind in MARKS for line in lines):
            check_bullets(self.found, lines)
        for line in lines:
            if line.tokens[0].text == "return":
                check_return(self.found, line, lines[0])
            elif line.tokens[1:2] and line.tokens[1].kind == "COLON":
                check_hint(self.found, line)
            check_line(self.found, line)
            if line.tokens[0].kind == "BUDGET":
                check_units(self.found, line)
        doc = self._doc(lines[0].tokens[0].start)
        self.builder.stray |= lines[0].reported
        while True:
            attempt = Found(self.found.source)
            self.builder.begin(attempt, doc)
            tokens, owners = self._feed(lines)
            try:
                item = self.builder.item(self.automaton.run(self.callbacks, tokens, "item"))
            except Stuck as stuck:
                if not self._give_way(lines, tokens, owners, stuck):
                    return self._lost_item(lines)
                continue
            self.found.extend(attempt)
            if not self.found.diagnostics:
                return item
            return self._with_losses(lines, item)

    def _with_losses(self, lines: list[Line], item: tree.Item | None) -> tree.Item | None:
        """The item without the lines that were read and do not hold what was meant; what is wrong is known."""
        starts = [line.tokens[0].start for line in lines]
        end = lines[-1].tokens[-1].end
        wrong = {
            d.span.start: isinstance(d.mistake, mistakes.UnclosedBracket)
            for d in self.found.diagnostics
            if not mended(d.mistake)
        }
        lost = {bisect_right(starts, at) - 1 for at in self.builder.losses if starts[0] <= at <= end}
        for at, unclosed in wrong.items():
            line = bisect_right(starts, at) - 1
            if starts[0] <= at <= end and not (unclosed and lines[line].closed):
                lost.add(line)
        if 0 in lost or item is None:
            return self._lost_item(lines)
        while any(not lines[i].broken for i in lost):
            for i in lost:
                lines[i].reported = lines[i].broken = True
            self.builder.begin(Found(self.found.source), item.doc)
            tokens, owners = self._feed(lines)
            try:
                item = self.builder.item(self.automaton.run(self.callbacks, tokens, "item"))
            except Stuck as stuck:
                if not self._give_way(lines, tokens, owners, stuck):
                    item = None
            if item is None:
                return self._lost_item(lines)
        return item

    def _lost_item(self, lines: list[Line]) -> tree.LostItem | None:
        """What stands for an item that could not be read; none for a line that begins none."""
        first = lines[0].tokens
        names = item_names(first, len(lines) > 1)
        if names is None:
            return None
        return tree.LostItem(self.found.source.span(first[0].start, first[-1].end), "", names)

    def _blame(self, tokens: Sequence[Token], stuck: Stuck) -> Blame:
        """The mistake at which the parser stuck; what knows them is imported for wrong texts alone."""
        from dslc.syntax.diagnose import blame

        return blame(self.automaton, self.found.source, tokens, stuck)

    def _give_way(self, lines: list[Line], tokens: list[Token], owners: list[int], stuck: Stuck) -> bool:
        """Reports the line at which the parser stuck and makes it a neutral one; false: the item is given
        up.
        """
        found = self._blame(tokens, stuck)
        line = lines[owners[found.index]]
        if not line.reported:
            self.found.add(found.mistake, found.start, found.end, help=found.help)
        line.reported = True
        if isinstance(found.mistake, mistakes.ReservedWord):  # its other uses, which one fix renames
            places = {edit.span.start for help in found.help for edit in help.edits}
            for other in lines:
                other.reported |= any(token.start in places for token in other.tokens)
        if line.dropped:
            return False
        line.dropped = line.broken
        line.broken = True
        self.attempts -= 1
        self.reparsed -= len(tokens)
        return self.attempts >= 0 and self.reparsed >= 0

    def _feed(self, lines: list[Line]) -> tuple[list[Token], list[int]]:
        """The tokens of an item with those of its layout, and to which line each belongs."""
        tokens: list[Token] = []
        owners: list[int] = []
        level = at = 0
        for i, line in enumerate(lines):
            if line.level > level:
                tokens.append(Token("_INDENT", "", at, at))
            else:
                tokens += [Token("_DEDENT", "", at, at) for _ in range(level - line.level)]
            level = line.level
            owners += [i - 1] * (len(tokens) - len(owners))
            deeper = i + 1 < len(lines) and lines[i + 1].level > level
            if line.broken:
                self.builder.claims[line.tokens[0].start] = claims(line.tokens)
            tokens += _neutral(line, deeper) if line.broken else line.tokens
            at = line.tokens[-1].end
            tokens.append(Token("_NEWLINE", "", at, at))
            owners += [i] * (len(tokens) - len(owners))
        tokens += [Token("_DEDENT", "", at, at) for _ in range(level)]
        tokens.append(Token(END, "", at, at))
        owners += [len(lines) - 1] * (len(tokens) - len(owners))
        return tokens, owners

    def _interpolated(self, start: int, end: int) -> tree.Expr | None:
        """The expression in the braces of a string or back-tick name."""
        found = self.builder.found
        line = tokens_between(self.scanner, found, self.text, start, end)
        if line.broken:
            return None
        tokens = [*line.tokens, Token(END, "", end, end)]
        try:
            value: tree.Expr = self.automaton.run(self.callbacks, tokens, "expr")
        except Stuck as stuck:
            if not line.reported:
                what = self._blame(tokens, stuck)
                found.add(what.mistake, what.start, what.end, help=what.help)
            return None
        return value

    def _doc(self, start: int) -> str:
        """The `##` lines of the comments right above an item, without their marks."""
        number = self.found.source.position(start)[0] - 1
        lines: list[str] = []
        while number in self.remarks:
            text = self.remarks[number]
            if text.startswith("##"):
                lines.append(text.lstrip("#").removeprefix(" ").rstrip())
            number -= 1
        return "\n".join(reversed(lines))


def _shortened(block: tree.Block) -> tree.Block:
    """A definition after which lines follow that are its own and stand at the wrong column."""
    end = block.span.source.span(block.span.end, block.span.end)
    rest = tree.Step(end, tree.Lost(end, (), True))
    return replace(block, suite=tree.Suite(block.suite.span, (*block.suite.body, rest)))


def _neutral(line: Line, deeper: bool) -> list[Token]:
    """A line in place of a broken one; one of an `if` stays so, for what follows it."""
    first = line.tokens[0]
    start, end = first.start, line.tokens[-1].end
    nothing = Token("BROKEN", "", start, end)
    if line.dropped or first.kind not in ("IF", "ELIF", "ELSE"):
        return [nothing]
    tail = [Token("COLON", "", end, end)] if deeper else [Token("COLON", "", end, end), nothing]
    if first.kind == "ELSE" and line.tokens[1:2] and line.tokens[1].kind == "IF":
        return [Token("ELIF", "", start, end), nothing, *tail]
    return [first, *tail] if first.kind == "ELSE" else [first, nothing, *tail]
