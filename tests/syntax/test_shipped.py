"""The parser's tables in the package: what Lark makes of the grammar, read without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dslc.record import replace
from dslc.syntax import shipped, tables

ROOT = Path(__file__).resolve().parents[2]
GRAMMAR = tables.grammar_path().read_text(encoding="utf-8")

PARSE = """
import sys
sys.modules["lark"] = None
from dslc.diagnostics.model import Sink
from dslc.source import Source
from dslc.syntax.parser import parse
file = parse(Source("a", "net f on x[N, 4]: linear(2)\\n"), Sink())
print(len(file.items), file.whole, "dslc.syntax.mistakes.text" in sys.modules)
"""


def test_the_file_is_what_lark_makes_of_the_grammar() -> None:
    made = tables.build(GRAMMAR)
    assert shipped.PATH.read_text("utf-8") == shipped.written(made, GRAMMAR), "run `python -m dslc.reference`"
    assert shipped.read(shipped.written(made, GRAMMAR)) == made


def test_lark_is_not_needed_to_parse() -> None:
    done = subprocess.run([sys.executable, "-c", PARSE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "True", "False"]


def test_tables_of_another_grammar_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited = tmp_path / "dslc.lark"
    edited.write_text(GRAMMAR.replace('"budget"', '"ceiling"'), encoding="utf-8")
    monkeypatch.setattr(shipped, "grammar_path", lambda: edited)
    found = shipped.load_tables.__wrapped__()
    assert "ceiling" in found.keywords and "budget" not in found.keywords


@pytest.mark.parametrize("character", ["\t", "\r", shipped.NEWLINE])
def test_what_would_end_a_field_is_refused(character: str) -> None:
    made = tables.build(GRAMMAR)
    wrong = replace(made, patterns=[["NAME", character], *made.patterns])
    with pytest.raises(ValueError, match="of the file's own"):
        shipped.written(wrong, GRAMMAR)
