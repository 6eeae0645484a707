"""The LALR tables as a file of the package, `grammar.tables`, so that Lark is needed to make them and not to run.

`python -m dslc.reference` writes it, and a test holds that it is what Lark makes of the grammar. A grammar that was
edited since has another checksum: then Lark makes the tables, each time anew. It is text, for a change of the grammar
to be read as a change of its tables.
"""

from __future__ import annotations

from binascii import crc32
from functools import cache
from pathlib import Path
from sys import intern

from dslc.syntax.tables import Pick, RuleRow, Tables, build, grammar_path

PATH = Path(__file__).with_name("grammar.tables")
FORMAT = 1  # of the lines; changes with `written`
ALL, NONE = "*", "_"
NEWLINE = "\N{SYMBOL FOR NEWLINE}"  # in place of one, in patterns


@cache
def load_tables() -> Tables:
    """The tables of the grammar."""
    grammar = grammar_path().read_text("utf-8")
    text = PATH.read_text("utf-8")
    return read(text) if text.startswith(_head(grammar)) else build(grammar)


def write() -> None:
    """Writes the file of the package, by Lark."""
    grammar = grammar_path().read_text("utf-8")
    PATH.write_text(written(build(grammar), grammar), encoding="utf-8", newline="\n")


def _head(grammar: str) -> str:
    return f"tables {FORMAT} of a grammar with checksum {crc32(grammar.encode()):08x}\n"


def written(tables: Tables, grammar: str) -> str:
    """The text of the file: a line for each word, pattern, start, rule and state, its fields between tabs."""
    rows = [
        *(("word", kind, text) for text, kind in tables.words.items()),
        *(("pattern", kind, pattern) for kind, pattern in tables.patterns),
        *(("start", name, str(state)) for name, state in tables.starts.items()),
        *(("rule", rule.origin, str(rule.size), rule.callback, _picks(rule.picks)) for rule in tables.rules),
        *(("state", _moves(a), _moves(g)) for a, g in zip(tables.actions, tables.gotos, strict=True)),
    ]
    for row in rows:
        if any(set(field) & {"\t", "\r", NEWLINE} for field in row):
            raise ValueError(f"a character of the file's own in {row}")
    return _head(grammar) + "".join("\t".join(row).replace("\n", NEWLINE) + "\n" for row in rows)


def _picks(picks: list[Pick] | None) -> str:
    return ALL if picks is None else " ".join(NONE if pick is None else str(pick) for pick in picks)


def _moves(moves: dict[str, int]) -> str:
    return " ".join(f"{name} {to}" for name, to in moves.items())


def read(text: str) -> Tables:
    """The tables of what `written` wrote."""
    tables = Tables({}, [], [], [], [], {})
    for line in text.split("\n")[1:-1]:
        what, *fields = line.split("\t")
        if what == "state":
            tables.actions.append(_read_moves(fields[0]))
            tables.gotos.append(_read_moves(fields[1]))
        elif what == "rule":
            origin, size, callback, picks = fields
            tables.rules.append(RuleRow(intern(origin), int(size), callback, _read_picks(picks)))
        elif what == "word":
            tables.words[fields[1]] = intern(fields[0])
        elif what == "pattern":
            tables.patterns.append([intern(fields[0]), fields[1].replace(NEWLINE, "\n")])
        else:
            tables.starts[fields[0]] = int(fields[1])
    return tables


def _read_moves(text: str) -> dict[str, int]:
    fields = text.split()
    return dict(zip(map(intern, fields[::2]), map(int, fields[1::2]), strict=True))


def _read_picks(text: str) -> list[Pick] | None:
    return None if text == ALL else [None if pick == NONE else int(pick) for pick in text.split()]
