"""The registry of codes: explanations, near codes, and that each page has examples that do what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dslc.api import compile_model
from dslc.check import check_file
from dslc.diagnostics import codes
from dslc.diagnostics.model import CompileError, Mistake, Severity
from dslc.lints.catalogue import WARNINGS, rules
from dslc.reports.catalogue import code_table, load_codes
from tests.diagnostics import sample

ALL = load_codes()
PLACELESS = {c for c, m in ALL.items() if re.search("```(sh|python)", m.__doc__ or "")}
"""Files, weights, devices and live modules: no program alone can show them, so their pages show a command or Python."""

UNSHOWABLE = {"E0101", "E0120"}
"""A text of four million characters, and a tab, which a page would turn into spaces: tests/errors has them."""

CHECKED = {"E0391"}
"""Told by a check alone, which tries other readings of a program."""

ADVICE = {rule.code for rule in rules() if rule.wants or rule not in set(rules(WARNINGS))}
"""Rules that `check` does not run, or that need a fact: tests/docs tries their pages."""
FENCE = re.compile(r"^( *)```(\w+)( fails)?[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def examples(mistake: type[Mistake], kind: str) -> list[str]:
    """The fenced examples of a page: `fails` or `works`."""
    doc = re.sub(r"^    ", "", mistake.__doc__ or "", flags=re.MULTILINE)
    return [text for _, _, fails, text in FENCE.findall(doc) if bool(fails) is (kind == "fails")]


def test_most_codes_are_about_programs() -> None:
    assert len(ALL) > 100
    assert len(PLACELESS) < len(ALL) / 3 and PLACELESS.isdisjoint(UNSHOWABLE)


@pytest.mark.parametrize("code", sorted(ALL))
def test_a_page_says_what_is_wrong_and_shows_both_examples(code: str) -> None:
    doc = ALL[code].__doc__ or ""
    title = doc.strip().partition("\n\n")[0]
    assert title.endswith(".") and len(title.split()) > 3, "a sentence says what is wrong"
    if code not in PLACELESS | UNSHOWABLE:
        assert len(examples(ALL[code], "fails")) == 1
        assert len(examples(ALL[code], "works")) == 1


SENTENCE = re.compile(r"[.!?](?=\s|$)|:$")
RELATED = re.compile(r"^    Related: ((?:[EWN]\d{4}(?:, )?)+)\.$", re.MULTILINE)


@pytest.mark.parametrize("code", sorted(ALL))
def test_a_page_says_why_and_names_its_relatives(code: str) -> None:
    """A title alone explains nothing: two sentences of prose beside the examples."""
    doc = ALL[code].__doc__ or ""
    related = RELATED.search(doc)
    assert related is not None, "a page ends with `Related: E0304, E0331.`"
    assert set(related[1].split(", ")) <= set(ALL) - {code}
    prose = RELATED.sub("", FENCE.sub("", doc)).strip().partition("\n\n")[2]
    assert len(SENTENCE.findall(prose)) >= 2, "why the rule is there, and how to see what breaks it"


@pytest.mark.parametrize("code", sorted(set(ALL) - PLACELESS - UNSHOWABLE - ADVICE))
def test_the_failing_example_fails_with_the_code_and_the_mended_one_compiles(code: str, tmp_path: Path) -> None:
    (bad,), (good,) = examples(ALL[code], "fails"), examples(ALL[code], "works")
    for name, text in (("bad.dl", bad), ("good.dl", good)):
        (tmp_path / name).write_text(text, "utf-8")
    if ALL[code].severity is Severity.ERROR and code not in CHECKED:
        with pytest.raises(CompileError) as error:
            compile_model(bad)
        assert {d.code for d in error.value.diagnostics} == {code}
    else:
        assert code in {d.code for d in check_file(tmp_path / "bad.dl").diagnostics}
    compile_model(good)
    assert code not in {d.code for d in check_file(tmp_path / "good.dl").diagnostics}


@pytest.fixture
def uneven(monkeypatch: pytest.MonkeyPatch) -> None:
    """E9001 in the registry."""
    monkeypatch.setitem(codes.REGISTRY, "E9001", sample.Uneven)


@pytest.mark.usefixtures("uneven")
def test_explain_gives_title_reason_and_both_examples() -> None:
    page = codes.explain("E9001")
    assert page == (
        "# E9001: Counts that do not divide\n\nWhy it happens.\n\nThis fails:\n\n```dl\nbad\n```\n\n"
        "This works:\n\n```dl\ngood\n```\n"
    )


@pytest.mark.parametrize("text", ["E9001", "e9001", "9001", " E9001 "])
def test_codes_are_found_as_people_write_them(text: str) -> None:
    assert codes.normal_code(text) == "E9001"


def test_short_codes_are_filled_up() -> None:
    assert codes.normal_code("304") == "E0304"
    assert codes.normal_code("w7") == "W0007"


def test_near_codes() -> None:
    assert "E0340" in codes.near_codes("E0340x")
    assert codes.near_codes("banana") == []
    with pytest.raises(KeyError):
        codes.explain("E0000")


@pytest.mark.usefixtures("uneven")
def test_one_code_is_one_class() -> None:
    with pytest.raises(TypeError, match="E9001 is both"):
        type("Other", (Mistake,), {"__qualname__": "Other"}, code="E9001")


def test_the_letter_of_a_code_says_how_bad_it_is() -> None:
    assert (sample.Uneven.severity, sample.Uneven.switch) == (Severity.ERROR, "")
    assert (sample.Doubtful.severity, sample.Doubtful.switch) == (Severity.WARNING, "rarely-meant")
    assert {Severity.ERROR, Severity.WARNING} <= {m.severity for m in ALL.values()}


def test_a_name_is_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(codes.SWITCHES, "rarely-meant", sample.Doubtful)
    with pytest.raises(TypeError, match="rarely-meant is both Doubtful and Other"):
        type("Other", (Mistake,), {}, code="W9003", name="rarely-meant")


@pytest.mark.parametrize(
    ("code", "name", "why"),
    [
        ("W9003", "", "has a `name`"),
        ("N9003", "", "has a `name`"),
        ("E9003", "other", "an error has none"),
        ("W9003", "OtherName", "not a name such as"),
        ("W9003", "other_name", "not a name such as"),
        ("W9003", "warnings", "not a name such as"),
    ],
)
def test_a_name_that_cannot_be_switched_fails_at_import(code: str, name: str, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        type("Other", (Mistake,), {}, code=code, name=name)
    assert code not in codes.REGISTRY


def test_the_table_lists_every_code_with_its_title() -> None:
    lines = code_table().splitlines()
    assert len(lines) >= len(ALL)
    assert any(line.startswith("E0304  ") for line in lines)


@pytest.mark.parametrize(
    ("name", "expected"), [("conf", "conv"), ("CONV", "conv"), ("zzz", None), ("maxpol", "maxpool")]
)
def test_nearest_name(name: str, expected: str | None) -> None:
    assert codes.nearest(name, ["conv", "maxpool", "relu"]) == expected
