"""docs/errors.md is what `dslc explain` says of every code."""

from __future__ import annotations

import re

import pytest

from dslc.reference import lints
from dslc.reference.errors import PAGE, errors_text, write
from dslc.reports.catalogue import load_codes


def test_the_page_is_fresh(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--regen"):
        write()
    assert PAGE.read_text(encoding="utf-8") == errors_text(), "run `python -m dslc.reference`"


def test_every_code_has_an_anchor_and_every_link_leads_to_one() -> None:
    text = errors_text()
    anchors = re.findall(r"^### ([EWN]\d{4})$", text, re.MULTILINE)
    assert anchors == list(load_codes())
    linked = set(re.findall(r"\(#([ewn]\d{4})\)", text))
    assert linked == {code.lower() for code in anchors}


def test_the_page_of_rules_is_fresh(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--regen"):
        lints.write()
    assert lints.PAGE.read_text(encoding="utf-8") == lints.lints_text(), "run `python -m dslc.reference`"
