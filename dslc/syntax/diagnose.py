"""From the token at which the parser stuck to the mistake that was made there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from dslc.diagnostics.model import Help
from dslc.source import Source
from dslc.syntax import mistakes
from dslc.syntax.case import LAYOUT, Blame, Case
from dslc.syntax.habits import LAST, RULES
from dslc.syntax.lalr import END, Automaton, Stuck
from dslc.syntax.layout import ITEM_WORDS
from dslc.syntax.mistakes.words import quoted
from dslc.syntax.starts import OPERATORS
from dslc.syntax.tokens import Token
from dslc.vocabulary import table

_ARITHMETIC = frozenset(["MINUS", "TIMES", "DIVIDE", "FLOORDIV", "MODULO", "MATMUL", "POWER", "VBAR"])
_CONDITIONS = frozenset(["IF", "ELIF", "REQUIRE", "BUDGET", "AND", "OR", "NOT"])
_ENDS_OF_VALUES = frozenset(
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
        "RPAR",
        "RSQB",
        "SEQ",
        "ELLIPSIS",
    ]
)
_STARTS_OF_VALUES = _ENDS_OF_VALUES - {"RPAR", "RSQB"} | {"LPAR", "LSQB"}
_NAMING = frozenset(["AS", "DOT", "LET", "MODULE", "PARAM", "BUFFER", "CONST", "FOR", "BLOCK", "NET", "FN", "ON"])
_AFTER_NAMES = frozenset(["ASSIGN", "COMMA", "RPAR", "RSQB", "ARROW", "DOT", "COLON", "AS", "GROW", "_NEWLINE"]) | {END}

_VALUE = frozenset(("NAME", "NUMBER", "LPAR", "STRING"))
_CONSTANTS = {"None": "none", "True": "true", "False": "false", "none": "none", "true": "true", "false": "false"}
_SYMBOLS = {"RPAR": "`)`", "RSQB": "`]`", "LPAR": "`(`", "LSQB": "`[`", "COLON": "`:`", "ASSIGN": "`=`"}
_SYMBOLS |= {"COMMA": "`,`", "ARROW": "`->`", "DOT": "`.`", "_INDENT": "indented lines"}
_ENDINGS = {"_NEWLINE": "the end of the line", END: "`}`"}
_FOUND = {
    "STRING": "a string",
    "_NEWLINE": "the end of the line",
    "_DEDENT": "the end of the suite",
    "_INDENT": "indented lines",
    END: "`}`",  # of an interpolation: an item ends with its last line
}


def blame(automaton: Automaton, source: Source, tokens: Sequence[Token], stuck: Stuck) -> Blame:
    """The first of the rules that knows the mistake; else what was expected and what was found."""
    case = Case(automaton, source, tokens, stuck)
    for rule in (*RULES, *_RULES, *LAST):
        found = rule(case)
        if found is not None:
            return found
    return _unexpected(case)


def _missing_suite(case: Case) -> Blame | None:
    if case.before.kind != "_NEWLINE" or case.expected != {"_INDENT"}:
        return None
    last = case.tokens[case.index - 2]
    if last.kind != "COLON":
        line = case.line_before(case.index - 1)
        lacking = {"EXTERN": ("`=`",), "BLOCK": ("`:`", "`=`"), "NET": ("`:`", "`=`"), "FN": ("`:`", "`=`")}
        mistake = mistakes.Unexpected(lacking.get(line[0].kind, ("`:`",)), "the end of the line")
        return Blame(mistake, case.before.start, case.before.end, case.index - 1)
    return Blame(mistakes.MissingSuite(), last.start, last.end, case.index - 1)


def _indented(case: Case) -> Blame | None:
    return case.here(mistakes.UnexpectedIndent(), case.after) if case.token.kind == "_INDENT" else None


def _else_if(case: Case) -> Blame | None:
    if (case.before.kind, case.token.kind) != ("ELSE", "IF"):
        return None
    return Blame(mistakes.ElseIf(), case.before.start, case.token.end, case.index)


def _not_simple(case: Case) -> Blame | None:
    if case.before.kind == "COLON" and case.token.kind in ("IF", "FOR") and "BUDGET" in case.expected:
        return case.here(mistakes.SuiteNotSimple())
    return None


def _nested(case: Case) -> Blame | None:
    word = case.token
    item = word.kind in ITEM_WORDS or word.kind == "ON"
    if item and case.begins_line and case.after.kind not in _AFTER_NAMES:
        return case.here(mistakes.NestedItem(word.text))
    return None


def _reserved(case: Case) -> Blame | None:
    """A keyword where a name is expected, or one that was taken for itself and is followed by `=`."""
    word, before = case.token, case.before
    if _is_keyword(word) and ("NAME" in case.expected or case.begins_line):
        naming = before.kind in _NAMING or case.expected <= {"NAME", "TICKED", "STRING", "RPAR"}
        if naming or (case.after.kind in _AFTER_NAMES and not (case.begins_line and word.kind == "ELSE")):
            line = case.line()
            if line[0].kind in ITEM_WORDS and before.kind in ("LPAR", "COMMA") and case.after.kind == "COLON":
                return _reserved_parameter(case)
            return case.here(mistakes.ReservedWord(word.text, _ticked(before, case.after)))
    if word.kind in ("ASSIGN", "GROW") and _is_keyword(before) and before.kind != "ELSE":
        return case.here(mistakes.ReservedWord(before.text, ticked=False), before)
    return None


def _reserved_parameter(case: Case) -> Blame:
    """`net f(block: layer)`: another name, there and wherever the parameter is read."""
    word = case.token.text
    taken = {token.text for token in case.tokens}
    new = next(name for i in range(len(taken) + 2) if (name := f"{word}_{i or ''}") not in taken)
    uses = [case.token]
    for before, token, after in zip(
        case.tokens[case.index :], case.tokens[case.index + 1 :], case.tokens[case.index + 2 :], strict=False
    ):
        value = before.kind not in _ENDS_OF_VALUES and (after.kind == "LPAR" or after.kind not in _STARTS_OF_VALUES)
        if token.kind == case.token.kind and value and before.kind != "DOT" and after.kind not in ("ASSIGN", "COLON"):
            uses.append(token)
    edits = tuple(case.edit(token.start, token.end, new) for token in uses)
    where = f", in its {len(uses)} places" if len(uses) > 1 else ""
    help = Help(f"choose another name, such as `{new}`{where}", edits=edits)
    mistake = mistakes.ReservedWord(word, ticked=False, told=True)
    return Blame(mistake, case.token.start, case.token.end, case.index, (help,))


def _is_keyword(token: Token) -> bool:
    return token.kind == token.text.upper() and token.text.isalpha()


def _ticked(before: Token, after: Token) -> bool:
    """Whether a back-tick name may stand in place of a keyword."""
    if before.kind in ("AS", "MODULE"):
        return True
    return (before.kind in LAYOUT or not before.kind) and after.kind == "ASSIGN"


def _single_equals(case: Case) -> Blame | None:
    if case.token.kind != "ASSIGN":
        return None
    words = {token.kind for token in case.back()}
    if words & _CONDITIONS:
        return case.here(mistakes.SingleEquals("BUDGET" in words))
    return None


def _in_place(case: Case) -> Blame | None:
    """`it *= 2` is the line `it * 2`; so is `out -= x`, and another name where something reads `out` later."""
    token, operator = case.token, case.before
    if token.kind != "ASSIGN" or operator.end != token.start or operator.kind not in _ARITHMETIC:
        return None
    line = case.line_before(case.index - 1)
    if len(line) != 1 or line[0].kind not in ("IT", "NAME"):
        return None
    name, value = line[0].text, case.rest()[1:]
    if not value:
        return None
    text = case.source.text[value[0].start : value[-1].end]
    simple = len(value) == 1 or (value[1].kind == "LPAR" and value[-1].kind == "RPAR" and _one_call(value))
    new = f"{name} {operator.text} {text if simple else f'({text})'}"
    start, end = line[0].start, value[-1].end
    later = case.tokens[case.index + len(value) + 1 :]
    reads = [t for t in later if t.kind == "NAME" and t.text == name]
    above = case.tokens[: case.index]
    stated = any(a.kind == "LET" and b.text == name for a, b in pairwise(above))
    if stated:
        help = Help(
            f"what changes with a `for` is computed from its variable; else it has another name: `let {name}_2 = {new}`"
        )
    elif not reads:
        help = Help(f"write `{new}`", new)
    else:
        again = any(
            a.text == name and "ASSIGN" in (b.kind, c.kind)
            for a, b, c in zip(later, later[1:], later[2:], strict=False)
        )
        edits = tuple(case.edit(t.start, t.end, f"{name}_2") for t in reads)
        said = f"a name keeps its value, so this is another one: `{name}_2 = {new}`"
        help = Help(said) if again else Help(said, f"{name}_2 = {new}", edits)
    return Blame(mistakes.InPlace(f"{operator.text}=", stated), start, end, case.index, (help,))


def _one_call(tokens: Sequence[Token]) -> bool:
    """Whether the bracket that opens after the first token closes with the last."""
    depth = 0
    for token in tokens[1:-1]:
        depth += (token.kind == "LPAR") - (token.kind == "RPAR")
        if not depth:
            return False
    return True


def _habit(case: Case) -> Blame | None:
    word = case.before
    if word.kind == "NAME" and case.token.kind in _STARTS_OF_VALUES and table.word(word.text) is not None:
        return case.here(mistakes.PythonHabit(word.text), word)
    return None


def _two_bars(case: Case) -> Blame | None:
    if case.token.kind == "VBAR" and case.after.kind == "VBAR" and case.after.start == case.token.end:
        return Blame(mistakes.LogicalSymbol("||", "or"), case.token.start, case.after.end, case.index)
    return None


def _is(case: Case) -> Blame | None:
    if case.token.kind == "NAME" and case.token.text == "is" and "MODULO" in case.expected:
        negated = case.after.kind == "NOT"
        value = case.rest()[1 + negated :]
        sign = "!=" if negated else "=="
        if not value or value[0].kind not in _STARTS_OF_VALUES:
            return case.here(mistakes.LogicalSymbol("is", sign))
        word = _CONSTANTS.get(value[0].text)
        end = value[0] if word else case.after if negated else case.token
        new = f"{sign} {word}" if word else sign
        written = " ".join(case.source.text[case.token.start : end.end].split())
        return Blame(mistakes.LogicalSymbol(written, new), case.token.start, end.end, case.index)
    return None


def _generator(case: Case) -> Blame | None:
    if case.token.kind == "FOR" and "RPAR" in case.expected:
        return case.here(mistakes.GeneratorForm())
    return None


def _no_else(case: Case) -> Blame | None:
    if "ELSE" not in case.expected or case.begins_line or case.token.kind in _STARTS_OF_VALUES:
        return None
    word = next((token for token in case.back() if token.kind == "IF"), None)
    return case.here(mistakes.MissingElse(), word) if word is not None else None


_RULES: tuple[Callable[[Case], Blame | None], ...] = (
    _missing_suite,
    _indented,
    _else_if,
    _not_simple,
    _nested,
    _reserved,
    _in_place,
    _single_equals,
    _habit,
    _two_bars,
    _is,
    _generator,
    _no_else,
)


def _unexpected(case: Case) -> Blame:
    token, before = case.token, case.before
    found = _FOUND.get(token.kind) or quoted(token.text)
    help: tuple[Help, ...] = ()
    start, end = token.start, token.end
    if token.kind == "ASSIGN" and before.end == token.start and before.kind in OPERATORS:
        found, start = f"`{before.text}=`", before.start
        help = (Help("a name keeps its value; the one thing that grows is a `let` list, by `+=`"),)
    elif token.kind in ("ELSE", "ELIF") and case.begins_line:
        help = (Help(f"an `{token.text}` stands right under the suite of its `if`, at the same indentation"),)
    elif before.kind == "ARROW" and token.kind == "_NEWLINE":
        help = (_begun_by_arrow(case),)
    elif token.kind == "DOT" and case.index > 1 and case.tokens[case.index - 2].kind == "AS":
        help = (Help("a module's name has no point: each level of a key is a module of its own"),)
    elif before.kind in _ENDS_OF_VALUES and token.kind in _STARTS_OF_VALUES and "ARROW" in case.expected:
        help = () if case.is_header else (Help("`->` joins two layers, `,` two arguments"),)
    mistake = mistakes.Unexpected(_listed(case), found)
    return Blame(mistake, start, end, case.index, help)


def _begun_by_arrow(case: Case) -> Help:
    """`conv(16, 3) ->` at the end of a line: the next one goes on from there by itself, or deeper with the arrow."""
    before, text = case.before, case.source.text
    start = len(text[: before.start].rstrip(" "))
    behind = text.find("\n", before.end) + 1
    following = text[behind : (text + "\n").find("\n", behind)] if behind else ""
    indent = text[text.rfind("\n", 0, before.start) + 1 :]
    depth, deeper = (len(line) - len(line.lstrip(" ")) for line in (indent, following))
    if not following.strip() or following.lstrip().startswith(("#", "->")) or deeper < depth:
        return Help("the arrow begins the line that goes on, which is deeper")
    edits = [case.edit(start, before.end, "")]
    if deeper == depth:
        return Help("leave it out: each line goes on where the one before it stopped", edits=tuple(edits))
    edits.append(case.edit(behind + deeper, behind + deeper, "-> "))
    return Help(f"the arrow begins the line that goes on: `-> {following.strip()}`", edits=tuple(edits))


def _listed(case: Case) -> tuple[str, ...]:
    """What could stand here, in the words of the language."""
    kinds = case.expected
    if "BUDGET" in kinds:
        return ("a line of the body",) if case.index else ("a definition",)
    operators = "MODULO" in kinds  # no operator that may stand before its value, as `-` and `*` do
    words: list[str] = []
    if kinds >= _VALUE:
        words.append("an expression")
        kinds = kinds & frozenset(("RPAR", "RSQB"))
    elif "NAME" in kinds:
        words.append("a name")
    elif "STRING" in kinds:
        words.append("a string")
    closing = kinds & frozenset(("RPAR", "RSQB", "ELSE", "_NEWLINE", END))
    hidden = frozenset(("LPAR", "LSQB", "DOT", "ARROW", "ASSIGN")) if operators else frozenset()
    if case.is_header:
        hidden |= {"_NEWLINE"}
    elif operators and closing & {"_NEWLINE", END}:
        hidden |= {"COLON", "COMMA"}
    words += [text for kind, text in _SYMBOLS.items() if kind in kinds - hidden]
    if operators:
        words.append("an operator")
    else:
        plain = sorted(k for k in kinds if k.isalpha() and k not in _SYMBOLS and k in case.automaton.keywords)
        words += [f"`{kind.lower()}`" for kind in plain]
    if operators and "ELSE" in kinds:
        words.append("`else`")
    words += [text for kind, text in _ENDINGS.items() if kind in kinds - hidden]
    return tuple(words)
