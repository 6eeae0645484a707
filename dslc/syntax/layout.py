"""Text to tokens, and tokens to logical lines with their indentation.

A logical line is a line of text, gone on with inside brackets and on deeper lines that begin with `->`.
Comments are kept aside. Whatever is wrong with characters, brackets and indentation is reported here, and
reading goes on.
"""

from __future__ import annotations

import re
from dataclasses import field

from dslc.bounds import LONGEST_NAME
from dslc.diagnostics.model import Help, Label, Mistake
from dslc.record import entity
from dslc.syntax import mistakes, otherwise
from dslc.syntax.indent import Indentation
from dslc.syntax.tables import Tables
from dslc.syntax.text import Found
from dslc.syntax.tokens import Token
from dslc.syntax.tree import Comment

DEEPEST = 64  # brackets and suites together
HEAVIEST = 100  # operators, calls and brackets around one value

ITEM_WORDS = frozenset(["USE", "LET", "FN", "BLOCK", "INLINE", "NET", "EXTERN"])
# words that begin a line and stand nowhere in an expression: met inside brackets they show that one was not
# closed
_LINE_WORDS = ITEM_WORDS | frozenset(["MODULE", "PARAM", "BUFFER", "CONST", "REQUIRE", "BUDGET"])
_HEADERS = frozenset(["BLOCK", "INLINE", "NET", "EXTERN"])
_SUITED = _HEADERS | frozenset(["IF", "ELIF", "ELSE", "FOR"])
_OPEN = {"LPAR": "RPAR", "LSQB": "RSQB"}
_CLOSE = frozenset(_OPEN.values())
_UNSURE = frozenset(["ARROW", "AS", "COLON", "IF", "FOR", "IN"])
"""What may stand after a bracket that is not closed, rather than in it."""
_SEPARATORS = frozenset(["COMMA", "ARROW", "COLON", "ASSIGN", "GROW", "VBAR", "FOR"])
_LIGHT = frozenset(
    [
        "NAME",
        "NUMBER",
        "SIZE",
        "STRING",
        "TICKED",
        "IT",
        "NONE",
        "TRUE",
        "FALSE",
        "TRAINING",
        "AS",
        "IN",
        "ELSE",
        "_INIT",
    ]
)

IDLE = ";$"
"""Characters without a meaning that others end lines with: what they stand in is read without them."""

_LEXICAL = {
    "newline": r"\n",
    "comment": r"#[^\n]*",
    "bad number": r"[0-9][A-Za-z0-9_.]*",
    "open string": r'"[^\n]*',
    "open tick": r"`[^\n]*",
    "quoted": r"'(?:[^'\\\n]|\\.)*'?",
    "wrong": r"&&|[^ ]",
}
_NAMED = re.compile(r" *[:=,)]")  # after a keyword that is meant as a name: no line begins so
_MEANT = {"NUMBER": "0", "AND": "and", "NOT": "not", "POWER": "**"}  # the text of a token that stands for another
_ELSEWHERE = "/\"'{};"  # first characters of what other languages write
_DTYPE = re.compile(r"bool|(?:u?int|b?float)[0-9]+")
_FOREIGN = r"[A-Za-z0-9_]*[^\x00-\x7f\W]\w*"


@entity
class Line:
    """A logical line. `reported`: a mistake in it is known; `broken`: a neutral line stands for it in the
    parse; `dropped`: and one that keeps nothing of it, not even its `if`; `closed`: brackets at its end are ours.
    """

    tokens: list[Token]
    level: int
    reported: bool = False
    closed: bool = False
    broken: bool = False
    dropped: bool = False


@entity
class Layout:
    lines: list[Line] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)


class Scanner:
    """The regular expression of all tokens, made once from the grammar's terminals."""

    def __init__(self, tables: Tables) -> None:
        self.keywords = tables.keywords
        symbols = {text: kind for text, kind in tables.words.items() if text not in self.keywords}
        self.symbols = symbols
        longest_first = sorted(symbols, key=len, reverse=True)
        self._parts = [
            *((kind, pattern) for kind, pattern in tables.patterns),
            ("symbol", "|".join(re.escape(text) for text in longest_first)),
            *_LEXICAL.items(),
        ]
        self._compiled: dict[bool, tuple[re.Pattern[str], list[str]]] = {}

    def pattern(self, ascii_only: bool) -> tuple[re.Pattern[str], list[str]]:
        """The expression, and the kind of each of its groups."""
        if ascii_only not in self._compiled:
            parts = self._parts if ascii_only else [("foreign", _FOREIGN), *self._parts]
            whole = " *(?:" + "|".join(f"({pattern})" for _, pattern in parts) + ")"
            self._compiled[ascii_only] = re.compile(whole), ["", *(kind for kind, _ in parts)]
        return self._compiled[ascii_only]


def lay_out(scanner: Scanner, found: Found, text: str) -> Layout:
    """The logical lines of a text."""
    reader = _Reader(scanner, found, text)
    reader.read(1 if text.startswith("\ufeff") else 0, len(text), fresh=True)
    for i, line in enumerate(reader.out.lines):
        if line.tokens[0].kind in _HEADERS:
            deeper = reader.out.lines[i + 1 : i + 2]
            _mark_types(line, bool(deeper) and deeper[0].level > line.level)
    for line in reader.out.lines if "init " in text else ():
        _mark_init(line.tokens)
    return reader.out


def tokens_between(scanner: Scanner, found: Found, text: str, start: int, end: int) -> Line:
    """The tokens of a range inside a line."""
    reader = _Reader(scanner, found, text)
    reader.within = True
    line = reader.line = Line([], 0)
    reader.read(start, end, fresh=False)
    return line


def _mark_types(header: Line, deeper: bool) -> None:
    """Tells the colons of dtypes from the one that begins the suite; `deeper`: lines are indented under the header."""
    tokens = header.tokens
    outside = _outside_brackets(tokens)
    colons = [i for i in outside if tokens[i].kind == "COLON"]
    for i in colons:
        word, after = ([*tokens[i + 1 : i + 3], None, None])[:2]
        typed = word is not None and word.kind == "NAME"
        if typed and word is not None and _DTYPE.fullmatch(word.text) is None:
            shaped = after is not None and after.kind == "LSQB"
            closed = next((k for k in outside if k > i + 2), len(tokens))
            assigned = closed < len(tokens) and tokens[closed].kind == "ASSIGN"
            typed = shaped and (deeper or assigned or i != colons[-1])
        if not typed:
            return
        tokens[i].kind = "_TYPED"


def _mark_init(tokens: list[Token]) -> None:
    """Tells the word `init` that begins a statement from the name, which no other name follows."""
    first = 0
    if tokens[0].kind in _SUITED:  # `if deep: init conv = zeros`
        first = next((i + 1 for i in reversed(_outside_brackets(tokens)) if tokens[i].kind == "COLON"), 0)
    line = tokens[first : first + 2]
    if len(line) == 2 and line[0].text == "init" and {token.kind for token in line} == {"NAME"}:
        line[0].kind = "_INIT"


def _outside_brackets(tokens: list[Token]) -> list[int]:
    depth = 0
    found = []
    for i, token in enumerate(tokens):
        if token.kind in _OPEN:
            depth += 1
        elif token.kind in _CLOSE:
            depth -= 1
        elif depth == 0:
            found.append(i)
    return found


def _may_open(line: Line) -> bool:
    """Whether lines may be indented under this one: it ends with a colon, or is one that needs none."""
    return line.tokens[-1].kind == "COLON" or line.tokens[0].kind in ("VBAR", "NET", "EXTERN")


class _Reader:
    def __init__(self, scanner: Scanner, found: Found, text: str) -> None:
        self.scanner = scanner
        self.found = found
        self.text = text
        self.out = Layout()
        self.line: Line | None = None
        self.column = 0  # at which the line begins
        self.brackets: list[Token] = []
        self.indentation = Indentation(found, text)
        self.inside: list[tuple[int, int, int]] = []  # tokens, offset and number of mistakes where a line of text began
        self.within = False  # what is read stands in a string or name
        self.braces = 0  # suites that stand in braces
        self._kind = ""
        self.again: int | None = None  # where to go on: what was read after it belongs to other lines

    def read(self, start: int, end: int, fresh: bool) -> None:
        """Reads a range; `fresh`: it begins a line of text, no token of which was seen yet."""
        self._read(start, end, fresh)
        while self.again is not None:
            start, self.again = self.again, None
            self._read(start, end, True)

    def _read(self, start: int, end: int, fresh: bool) -> None:
        pattern, kinds = self.scanner.pattern(self.text.isascii())
        keywords, symbols = self.scanner.keywords, self.scanner.symbols
        line_start = start
        resume = start  # what is read past is reported
        for match in pattern.finditer(self.text, start, end):
            group = match.lastindex or 0
            kind = kinds[group]
            at, stop = match.span(group)
            if kind == "newline":
                fresh, line_start = True, stop
                continue
            if at < resume:
                continue
            if kind == "comment":
                text = match[group].rstrip()
                span = self.found.source.span(at, at + len(text))
                self.out.comments.append(Comment(span, text, fresh))
                continue
            text = match[group]
            wrong = False
            if kind == "NAME":
                kind = keywords.get(text, kind)
                if len(text) > LONGEST_NAME:
                    self.found.add(mistakes.LongName(len(text), LONGEST_NAME), at, stop)
            elif kind == "symbol":
                kind = symbols[text]
            elif not kind.isupper() and text == "\t":
                self.indentation.tab_indents |= fresh
                self.indentation.tabs.append(at)
                continue
            if text[0] in _ELSEWHERE and not self.within:
                passed = self._otherwise(kind, text, at, fresh and not self.brackets)
                if passed is not None:
                    self.found.add(passed.mistake, passed.start, passed.end, help=passed.help)
                    resume = passed.resume
                    if isinstance(passed.mistake, mistakes.DictLiteral | mistakes.BraceForm) and self.line is not None:
                        self.line.tokens.append(Token("NUMBER", "0", at, resume))
                        self.line.reported = self.line.broken = True
                    elif isinstance(passed.mistake, mistakes.BraceSuite) and self.line is not None:
                        self.braces += 1
                        if self.line.tokens[-1].kind != "COLON":
                            self.line.tokens.append(Token("COLON", ":", at, stop))
                    continue
                if text == "}" and fresh and self.braces:
                    self.braces -= 1
                    continue
            if not kind.isupper():
                wrong = not self._mended(kind, text, at, stop)
                kind = self._kind if not wrong else self._wrong(kind, text, at, stop, column=self.column)
                text = _MEANT.get(kind, text)
            elif kind == "STRING" and self.line is not None and self._prefixed(text, at, stop):
                kind = self._kind
            token = Token(kind, text, at, stop)
            if kind == "WRONG" and text in IDLE and not fresh and self.line is not None:
                self.line.reported = True
                continue
            if fresh:
                fresh = False
                token = self._undotted(token, at - line_start)
                self._first(token, line_start)
                if self.again is not None:
                    return
            line = self.line
            assert line is not None
            line.tokens.append(token)
            if wrong:
                line.reported = True
                if text[0] in "\"'`" and (len(text) == 1 or text[-1] != text[0]):
                    # the brackets that close those of this line of text are in the open string
                    self.brackets = [bracket for bracket in self.brackets if bracket.start < line_start]
            if kind in _OPEN:
                self._open(token, line)
            elif kind in _CLOSE:
                self._close(token, line)
        self._unclosed()
        if self.again is not None:
            return
        self._finish()
        self.indentation.finish()

    # ---- lines

    def _first(self, token: Token, line_start: int) -> None:
        """A line of text begins with `token`: it goes on with the logical line or begins the next."""
        if self.brackets:
            if token.kind not in _LINE_WORDS or _NAMED.match(self.text, token.end):
                self._within(token, line_start)
                return
            self._unclosed()
            if self.again is not None:
                return
        column = token.start - line_start
        line = self.line
        if line is not None and token.kind == "ARROW" and column > self.column and line.tokens[-1].kind != "COLON":
            return
        self._finish()
        self.inside.clear()
        level, fits = self.indentation.level(line_start, token.start, line is None or _may_open(line))
        self.line = Line([], level, reported=not fits)
        self.column = column
        if not fits:
            self.found.add(mistakes.UnexpectedIndent(first=True), token.start, token.end)

    def _undotted(self, token: Token, column: int) -> Token:
        """The arrow that a dot stands for, at the begin of a line that goes on with the one above."""
        line = self.line
        if token.kind != "DOT" or self.brackets or line is None or column <= self.column or _may_open(line):
            return token
        from dslc.syntax.starts import after_dots, undotted

        if not after_dots(self.text, token.start):
            help = (undotted(self.found.source, token.start, arrow=True),)
            self.found.add(mistakes.OperatorFirst("."), token.start, token.end, help=help)
        return Token("ARROW", "->", token.start, token.end)

    def _finish(self) -> None:
        line, self.line = self.line, None
        if line is None:
            return
        if line.level > DEEPEST:
            if self.out.lines and not self.out.lines[-1].reported:
                first = line.tokens[0]
                self.found.add(mistakes.TooDeep(DEEPEST), first.start, first.end)
            self.out.lines[-1].reported = True
            return
        if len(line.tokens) > HEAVIEST:
            self._weigh(line)
        self.out.lines.append(line)

    # ---- brackets

    def _open(self, token: Token, line: Line) -> None:
        self.brackets.append(token)
        if len(self.brackets) + line.level > DEEPEST and not line.broken:
            self.found.add(mistakes.TooDeep(DEEPEST), token.start, token.end)
            line.reported = line.broken = True

    def _close(self, token: Token, line: Line) -> None:
        opened = self.brackets.pop() if self.brackets else None
        if opened is not None and _OPEN[opened.kind] == token.kind:
            return
        if not line.broken:
            related: tuple[Label, ...] = ()
            if opened is not None:
                span = self.found.source.span(opened.start, opened.end)
                related = (Label(span, "opened here"),)
            mistake = mistakes.WrongBracket(token.text, opened.text if opened else None)
            self.found.add(mistake, token.start, token.end, related)
        line.reported = line.broken = True

    def _within(self, token: Token, line_start: int) -> None:
        """A line of text inside brackets; at the column of its logical line it may be one of its own after all."""
        line = self.line
        if line is not None and line_start < token.start <= line_start + self.column and token.kind not in _CLOSE:
            self.inside.append((len(line.tokens), line_start, len(self.found.diagnostics)))

    def _unclosed(self) -> None:
        """Reports a bracket that nothing closes; what follows at its line's column is read again as other lines."""
        if not self.brackets:
            return
        if self.inside and self.line is not None:
            count, self.again, known = self.inside[0]
            del self.line.tokens[count:], self.found.diagnostics[known:]
            self.out.comments = [c for c in self.out.comments if c.span.start < self.again]
            self.indentation.tabs = [at for at in self.indentation.tabs if at < self.again]
            start = self.line.tokens[-1].end
            self.brackets = [bracket for bracket in self.brackets if bracket.start < start] or self.brackets[:1]
            self.inside.clear()
        open_, opened = [*self.brackets], self.brackets[-1]
        self.brackets.clear()
        line = self.line
        assert line is not None
        if not line.broken:
            help = otherwise.unclosed(self.text, self.found.source, open_, line.tokens)
            self.found.add(mistakes.UnclosedBracket(opened.text), opened.start, opened.end, help=help)
        line.reported = True
        tokens = [token for token in line.tokens if token.start > open_[-1].start]
        if line.broken or not tokens or any(token.kind in _UNSURE for token in tokens):
            line.broken = True
            return
        end = line.tokens[-1].end
        line.tokens += [Token(_OPEN[b.kind], "", end, end) for b in reversed(open_)]
        line.closed = True

    # ---- wrong text

    def _otherwise(self, kind: str, text: str, at: int, fresh: bool) -> otherwise.Passed | None:
        """Text of another language that is read past, as it is reported."""
        source, whole = self.found.source, self.text
        tokens = [] if fresh or self.line is None else self.line.tokens
        if kind == "FLOORDIV":
            return otherwise.comment(source, whole, tokens, len(self.brackets), "//", at, fresh)
        if kind == "DIVIDE" and whole.startswith("/*", at):
            return otherwise.comment(source, whole, tokens, len(self.brackets), "/*", at, fresh)
        if kind in ("STRING", "quoted", "open string"):
            return otherwise.documentation(source, whole, at, fresh)
        if text == ";":
            return otherwise.semicolon(source, whole, tokens, len(self.brackets), at)
        return otherwise.brace(source, whole, tokens, at) if text == "{" else None

    def _mended(self, what: str, text: str, at: int, stop: int) -> bool:
        """Reports text that is no token but stands for one, `self._kind`."""
        if what == "quoted" and text[-1] == "'" and len(text) > 1 and self.line is not None:
            return self._prefixed(text, at, stop)
        if text in ("!", "&", "^"):
            word, self._kind = {"!": ("not", "NOT"), "&": ("and", "AND"), "^": ("**", "POWER")}[text]
            self.found.add(mistakes.LogicalSymbol(text, word), at, stop)
            return True
        return False

    def _prefixed(self, text: str, at: int, stop: int) -> bool:
        """A string with a letter before its quotes, or for a module's name; `self._kind` is what it stands for."""
        assert self.line is not None
        tokens = self.line.tokens
        prefix = ""
        if tokens and tokens[-1].text in otherwise.PREFIXES and tokens[-1].end == at:
            prefix = tokens.pop().text
        named = bool(tokens) and tokens[-1].kind == "AS"
        if not prefix and not named:
            return False
        inside = text[1:-1]
        self._kind = "TICKED" if named else "STRING"
        start = at - len(prefix)
        if named and not prefix:
            plain = inside.isidentifier()
            help = Help(f"write `{inside}`" if plain else "in back-ticks", replace=inside if plain else f"`{inside}`")
            self.found.add(mistakes.QuotedName(inside), start, stop, help=(help,))
        else:
            shown = f"`{inside}`" if named else f'"{inside}"'
            help = Help(f"write {shown}, back-ticks and all" if named else f"write `{shown}`", replace=shown)
            self.found.add(mistakes.StringPrefix(prefix, named), start, stop, help=(help,))
        return True

    def _wrong(self, what: str, text: str, at: int, stop: int, column: int = 0) -> str:
        """Reports text that is no token; the kind of token to go on with."""
        mistake: Mistake
        kind = "STRING"
        if what == "foreign":
            mistake, kind = mistakes.ForeignName(text), "NAME"
        elif what == "bad number":
            mistake, kind = self._bad_number(text), "NUMBER"
        elif what in ("open string", "open tick"):
            mistake = mistakes.OpenString(text[0])
        elif what == "quoted":
            mistake = mistakes.SingleQuotes(text)
        elif text == "&&":
            mistake, kind = mistakes.LogicalSymbol(text, "and"), "AND"
        else:
            mistake, kind = mistakes.WrongCharacter(text), "WRONG"
        apart = text == ";" and not self.brackets
        self.found.add(
            mistake, at, stop, help=(otherwise.apart(self.found.source, self.text, at, column),) if apart else ()
        )
        return kind

    def _bad_number(self, text: str) -> Mistake:
        """What is wrong with a word that begins with a digit: a unit, where a limit of a budget stands."""
        if self.line is not None and self.line.tokens and self.line.tokens[0].kind == "BUDGET":
            from dslc.syntax.units import plain

            if plain(text) is not None:
                return mistakes.LimitUnit(text)
        return mistakes.BadNumber(text)

    def _weigh(self, line: Line) -> None:
        """Refuses what would be nested too deep without any bracket: long sums, chains of calls."""
        weights = [0]
        base = [0]
        for token in line.tokens:
            kind = token.kind
            if kind in _OPEN:
                base.append(base[-1] + weights[-1] + 1)
                weights.append(0)
            elif kind in _CLOSE:
                if len(base) > 1:
                    base.pop()
                    weights.pop()
                    weights[-1] += 1
            elif kind in _SEPARATORS:
                weights[-1] = 0
            elif kind not in _LIGHT:
                weights[-1] += 1
            if base[-1] + weights[-1] > HEAVIEST:
                if not line.broken:
                    self.found.add(mistakes.TooHeavy(HEAVIEST), token.start, token.end)
                line.reported = line.broken = True
                return
