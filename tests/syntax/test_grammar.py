"""The grammar file: no conflicts, the words of the language, and a callback for every rule."""

from __future__ import annotations

import logging

import pytest
from lark import logger

from dslc.source import Source
from dslc.syntax import diagnose, indent, layout, tables
from dslc.syntax.build_items import Builder
from dslc.syntax.tables import LIST, PASS
from dslc.syntax.text import Found

GRAMMAR = tables.grammar_path().read_text(encoding="utf-8")
KEYWORDS = """use as let fn block inline net extern on if elif else for in and or not module param buffer const require
budget when training seq true false none it"""


def test_no_conflicts(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lark resolves a shift/reduce conflict silently, as a shift; it raises for the other kind."""
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(caplog.handler)
    try:
        tables.build(GRAMMAR)
    finally:
        logger.setLevel(level)
        logger.removeHandler(caplog.handler)
    assert not [r.getMessage() for r in caplog.records if "onflict" in r.getMessage()]


def test_keywords() -> None:
    assert set(tables.build(GRAMMAR).keywords) == set(KEYWORDS.split())


def test_every_rule_has_a_callback() -> None:
    builder = Builder(Found(Source("a", "")), "", lambda start, end: None)
    for rule in tables.build(GRAMMAR).rules:
        assert rule.callback in (LIST, PASS) or callable(getattr(builder, rule.callback, None)), rule


def test_kinds_of_tokens_are_those_of_the_grammar() -> None:
    made = tables.build(GRAMMAR)
    known = {kind for row in made.actions for kind in row}
    sets = [value for module in (diagnose, layout, indent) for value in vars(module).values()]
    named = {kind for value in sets if isinstance(value, frozenset) for kind in value}
    named |= {kind for value in (diagnose._SYMBOLS, diagnose._FOUND, diagnose._ENDINGS, layout._OPEN) for kind in value}
    assert named <= known, sorted(named - known)


def test_grammar_is_found() -> None:
    path = tables.grammar_path()
    assert path.name == "dslc.lark" and path.exists()
