"""How programs are coloured: the lexer and the editors' grammar are those of the code, and fit every program here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from pygments.token import Error, Generic

from dslc.diagnostics.model import Sink
from dslc.highlight.lexer import RULES, DslcLexer
from dslc.reference import colours
from dslc.source import Source
from dslc.syntax.parser import parse
from dslc.syntax.shipped import load_tables

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("examples", "stdlib", "tests")


def kinds(text: str) -> list[tuple[str, str]]:
    """The words of a text, each with what Pygments calls it."""
    tokens = DslcLexer(stripnl=False, ensurenl=False).get_tokens(text)
    return [(word, str(token).removeprefix("Token.")) for token, word in tokens if word.strip()]


def test_files_are_what_the_code_says() -> None:
    said = "run `python -m dslc.reference`"
    assert RULES.read_text(encoding="utf-8") == colours.rules_text(), said
    assert colours.GRAMMAR.read_text(encoding="utf-8") == colours.grammar_text(), said


def test_a_keyword_without_a_group_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(colours.KEYWORDS, "control", colours.KEYWORDS["control"].replace(" for", ""))
    with pytest.raises(ValueError, match="for"):
        colours.rules()


def test_the_lexer_is_registered() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["entry-points"]["pygments.lexers"]["dl"].partition(":")
    assert getattr(import_module(module), name) is DslcLexer
    assert "dl" in DslcLexer.aliases and DslcLexer.filenames == ["*.dl"]


def test_the_lexer_imports_nothing_of_the_compiler() -> None:
    code = (
        "import sys, dslc.highlight.lexer\n"
        "print(*sorted(m for m in sys.modules if m.partition('.')[0] in ('dslc', 'torch', 'onnx', 'numpy', 'lark')))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["dslc", "dslc.highlight", "dslc.highlight.lexer"]


def test_every_program_here() -> None:
    """Nothing is lost, nothing is unknown to the lexer, and what parses has no word that is marked as wrong."""
    tried = 0
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.dl")):
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            tokens = list(DslcLexer(stripnl=False, ensurenl=False).get_tokens(text))
            assert "".join(word for _, word in tokens) == text.removeprefix("\ufeff"), path
            assert not [word for token, word in tokens if token in Error], path
            wrong = [word for token, word in tokens if token in Generic.Error]
            if wrong:
                sink = Sink()
                parse(Source(str(path), text), sink)
                assert sink.diagnostics, f"{path}: {wrong}"
            tried += 1
    assert tried > 2000


def test_words_of_each_kind() -> None:
    text = """# dslc: allow(unused-let)
## one of `N` places
use std.resnet: basic as unit
init conv = normal(std=.02)
inline block f(heads: int = 4, skip?: layer(out), of: [float]) on x[N, C, H=3], mask?: bool[N, _] -> [N, *S]:
    conv(2K, 3x3, init=zeros) as `up{i + 1}-b` -> cba(4.2G) -> trunk.weight
    require C % 8MiB == 0, "of {C} by\\n {len(x)}"
    (it if training else none) -> seq as tail: relu | f
    residual:
        relu
"""
    found = kinds(text)
    for word, kind in {
        "allow": "Name.Decorator",
        "unused-let": "Name.Constant",
        "`N`": "Literal.String.Backtick",
        "std.resnet": "Name.Namespace",
        "unit": "Name.Label",
        "init": "Keyword",
        "normal": "Name.Builtin",
        ".02": "Literal.Number",
        "inline": "Keyword.Declaration",
        "f": "Name.Class",
        "heads": "Name.Attribute",
        "skip": "Name.Attribute",
        "of": "Name.Attribute",
        "layer": "Keyword.Type",
        "mask": "Name.Attribute",
        "bool": "Keyword.Type",
        "S": "Name.Constant",
        "conv": "Name.Builtin",
        "2K": "Literal.Number",
        "3x3": "Literal.Number",
        "zeros": "Name.Builtin",
        "up": "Name.Label",
        "i": "Name",
        "{": "Literal.String.Interpol",
        "-b": "Name.Label",
        "cba": "Name.Function",
        "weight": "Name.Property",
        "8MiB": "Literal.Number",
        "of ": "Literal.String.Double",
        "\\n": "Literal.String.Escape",
        "len": "Name.Function",
        "training": "Keyword.Constant",
        "it": "Name.Builtin.Pseudo",
        "tail": "Name.Label",
        "residual": "Name.Function",
    }.items():
        assert (word, kind) in found, (word, [k for w, k in found if w == word])


def test_a_line_that_begins_with_a_name_and_a_colon() -> None:
    """A use with a suite, or a parameter of a header over several lines; never a keyword."""
    text = (
        "net f(\n    heads: int,\n    of: [float]\n) on x:\n    concat: relu\n    else: relu\n    seq:\n        relu\n"
    )
    found = kinds(text)
    assert ("heads", "Name.Attribute") in found and ("of", "Name.Attribute") in found
    assert ("concat", "Name.Function") in found
    assert ("else", "Keyword") in found and ("seq", "Name.Builtin.Pseudo") in found


def test_what_is_open_ends_with_its_line() -> None:
    """A text, a name or a filled-in expression that is not closed colours nothing of the next line."""
    for line in ('require a, "of {b', "relu as `up{i", 'require a, "of', "relu as `up"):
        assert ("conv", "Name.Builtin") in kinds(f"{line}\nconv(3)\n")


def test_wrong_words_are_marked_and_not_errors() -> None:
    assert ("$", "Generic.Error") in kinds("conv(3) $")
    assert (Generic.Error, "\t") in DslcLexer().get_tokens("net f:\n\tconv(3)")


def test_patterns_of_the_grammar_stand_in_the_rules() -> None:
    """Numbers as the language reads them, not as somebody thought."""
    patterns = {rule.get("match") for rule in json.loads(RULES.read_text(encoding="utf-8"))["contexts"]["code"]}
    for terminal, pattern in load_tables().patterns:
        assert terminal in ("STRING", "TICKED") or pattern in patterns
