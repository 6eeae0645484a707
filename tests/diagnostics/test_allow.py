"""Comments that say which warnings are meant, levels by name, and what a project has already."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from dslc.bind.mistakes_hygiene import UnusedUse
from dslc.diagnostics.allow import Meant, comments_of
from dslc.diagnostics.baseline import NoBaseline, new, read, text_of
from dslc.diagnostics.codes import UnknownSwitch, defined, switch_of
from dslc.diagnostics.export import edits_of
from dslc.diagnostics.levels import Level, Levels
from dslc.diagnostics.model import Diagnostic, Frame, Severity
from dslc.fix import edited
from dslc.reports.catalogue import load_codes
from dslc.source import Source
from tests.diagnostics.sample import Uneven, span_of

WARNING = UnusedUse(("fc",))


def warned(source: Source, text: str = "fc", trail: Frame | None = None) -> Diagnostic:
    """`unused-use` at a text."""
    return WARNING.at(span_of(text, source), trail)


def silenced(text: str, at: str = "fc") -> bool:
    return Meant().silences(warned(Source("net.dl", text), at))


@pytest.mark.parametrize(
    "text",
    [
        "use fc  # dslc: allow(unused-use)\n",
        "use fc  #dslc:allow( unused-use )",
        "use fc  # dslc: allow(unused-let, W0101)\n",
        "use fc  # dslc: allow(w101)\n",
        "use fc  # dslc: allow(warnings)\n",
        "# dslc: allow(unused-use)\nuse fc\n",
        "# dslc: allow(unused-use)\r\nuse fc\r\n",
        "\ufeff# dslc: allow-file(unused-use)\nuse fc\n",
        "# of a project\n\n# dslc: allow-file(unused-let, unused-use)\nnet\nuse fc\n",
        "# dslc: allow(unused-use)\n# dslc: allow(unused-let)\n## what it is\nuse fc\n",
        'let s = "# x"; use fc  # dslc: allow(unused-use)\n',
    ],
)
def test_what_a_comment_silences(text: str) -> None:
    assert silenced(text)


@pytest.mark.parametrize(
    "text",
    [
        "use fc\n",
        "use fc  # dslc: allow(unused-let)\n",
        "use fc\n# dslc: allow(unused-use)\n",
        "let a  # dslc: allow(unused-use)\nuse fc\n",  # behind code, it is about its line
        "# dslc: allow(unused-use)\n\nuse fc\n",
        "let a\n# dslc: allow-file(unused-use)\nuse fc\n",
        'use fc "# dslc: allow(unused-use)"\n',
        "use fc  # allow(unused-use)\n",
    ],
)
def test_what_it_does_not(text: str) -> None:
    assert not silenced(text)


def test_an_error_is_silenced_by_nothing() -> None:
    source = Source("net.dl", "conv 8  # dslc: allow(warnings)\n")
    assert not Meant().silences(Uneven().at(span_of("8", source)))


def test_a_comment_where_the_block_is_used_counts_too() -> None:
    inner, outer = Source("std/a.dl", "fc\n"), Source("net.dl", "cba  # dslc: allow(unused-use)\n")
    assert Meant().silences(warned(inner, trail=Frame("cba", span_of("cba", outer))))


def wrong(text: str) -> list[tuple[str, str]]:
    """Code and place of what is wrong in the comments of a text."""
    return [(d.code, d.span.text) for d in comments_of(Source("net.dl", text)).wrong]


def test_what_is_wrong_in_comments() -> None:
    assert wrong("fc  # dslc: allow(unused-uses)\n") == [("W0901", "unused-uses")]
    assert wrong("fc  # dslc: allow(unused-use, E0201)\n") == [("W0901", "E0201")]
    assert wrong("fc  # dslc: ignore(unused-use)\n") == [("W0903", "# dslc: ignore(unused-use)")]
    assert wrong("fc  # dslc: allow()\n") == [("W0903", "# dslc: allow()")]
    assert wrong("fc\n# dslc: allow-file(unused-use)\n") == [("W0903", "# dslc: allow-file(unused-use)")]
    assert wrong("fc  # a dslc program: fine\n") == []
    (unknown,) = comments_of(Source("net.dl", "fc  # dslc: allow(unused-uses)\n")).wrong
    assert unknown.help[0].replace == "unused-use"


def test_a_comment_that_silences_nothing_is_found() -> None:
    source = Source("net.dl", "use fc  # dslc: allow(unused-use, unused-let)\n# dslc: allow(unused-use)\n")
    meant = Meant()
    assert meant.silences(warned(source))
    found = [d for d in meant.unused(source, lambda _: True) if not meant.silences(d)]
    assert [(d.code, d.span.text, d.span.line) for d in found] == [
        ("W0902", "unused-let", 1),
        ("W0902", "unused-use", 2),
    ]


def test_that_can_be_allowed_as_well() -> None:
    source = Source("net.dl", "use fc  # dslc: allow(unused-let, unused-allow)\n")
    meant = Meant()
    assert [d for d in meant.unused(source, lambda _: True) if not meant.silences(d)] == []
    alone = Source("net.dl", "use fc  # dslc: allow(unused-allow)\n")
    assert [d.span.text for d in meant.unused(alone, lambda _: True)] == ["unused-allow"]


# ---- levels


def level(levels: Levels) -> Severity | None:
    """How severe `unused-use` is."""
    found = levels.applied(warned(Source("net.dl", "fc")))
    return None if found is None else found.severity


def test_names_go_before_groups_and_the_command_line_before_the_project() -> None:
    project = Levels.of({Level.ALLOW: ["unused-use"]})
    assert level(Levels({})) is Severity.WARNING
    assert level(Levels.of({Level.DENY: ["W0101"]})) is Severity.ERROR
    assert level(Levels.of({Level.DENY: ["warnings"], Level.ALLOW: ["unused-use"]})) is None
    assert level(Levels.of({Level.DENY: ["warnings"]}, project)) is None
    assert level(Levels.of({Level.DENY: ["unused-use"]}, project)) is Severity.ERROR
    assert level(Levels.of({Level.WARN: ["warnings"]}, Levels.of({Level.DENY: ["warnings"]}))) is Severity.WARNING
    assert level(Levels.of({Level.DENY: ["notes"]})) is Severity.WARNING


def test_errors_have_no_level() -> None:
    error = Uneven().at(span_of("fc", Source("net.dl", "fc")))
    assert Levels.of({Level.ALLOW: ["warnings"]}).applied(error) is error
    with pytest.raises(UnknownSwitch, match="`E0201` is an error, which is always told"):
        Levels.of({Level.ALLOW: ["E0201"]})
    with pytest.raises(UnknownSwitch, match="did you mean `unused-use`"):
        Levels.of({Level.DENY: ["unused-usee"]})
    with pytest.raises(ValueError, match="is in two lists"):
        Levels.of({Level.DENY: ["unused-use"], Level.ALLOW: ["W0101"]})


def test_names_are_known_before_their_modules_are_imported() -> None:
    registry = load_codes()
    assert defined() == {code: mistake.switch for code, mistake in registry.items()}
    assert {switch_of(code) for code, name in defined().items() if name} == set(filter(None, defined().values()))


# ---- baselines


def test_a_baseline_knows_a_warning_wherever_its_line_moves(tmp_path: Path) -> None:
    before = Source(str(tmp_path / "net.dl"), "use a: fc\n")
    text = text_of([warned(before), Uneven().at(span_of("a", before))], tmp_path)
    assert json.loads(text)["warnings"] == [
        {"file": "net.dl", "code": "W0101", "name": "unused-use", "line": "usea:fc", "count": 1}
    ]
    old = read(text)
    moved = Source(str(tmp_path / "net.dl"), "\n\nuse  a:  fc  # why\n")
    assert new([warned(moved)], old, tmp_path) == ([], 0)
    twice = [warned(moved), warned(moved)]
    assert len(new(twice, old, tmp_path)[0]) == 1, "as often as it was there"
    changed = Source(str(tmp_path / "net.dl"), "use b: fc\n")
    assert new([warned(changed)], old, tmp_path)[1] == 1 and new([warned(changed)], old, tmp_path)[0]
    error = Uneven().at(span_of("a", before))
    assert new([error], Counter(), tmp_path)[0] == [error]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 2}', '{"version": 1}', '{"version": 1, "warnings": [{"file": "a"}]}', "[" * 100_000]
)
def test_what_is_no_baseline(text: str) -> None:
    with pytest.raises(NoBaseline):
        read(text)


def mended(text: str) -> str:
    """A text without what its comments get wrong, or say in vain."""
    source = Source("net.dl", text)
    meant = Meant()
    found = [*meant.comments(source).wrong, *meant.unused(source, lambda _: True)]
    edits = [edit for d in found for help in d.help for edit in edits_of(help, d.span)]
    return edited(text, edits[:1])


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("conv 8  # dslc: allow(unused-use)\nrelu\n", "conv 8\nrelu\n"),
        ("conv 8  # dslc: allow(E0201)\nrelu\n", "conv 8\nrelu\n"),
        ("a\n    # dslc: allow(unused-use)\nrelu\n", "a\nrelu\n"),
        ("a\r\n    # dslc: allow(unused-use)\r\nrelu\r\n", "a\r\nrelu\r\n"),
        ("a  # dslc: allow(E0201, unused-use)\n", "a  # dslc: allow(unused-use)\n"),
        ("a  # dslc: allow(unused-use, E0201)\n", "a  # dslc: allow(unused-use)\n"),
        ("a  # dslc: ignore(unused-use)\n", "a  # dslc: allow(unused-use)\n"),
        ("a  # dslc: disable=W0101,unused-let\n", "a  # dslc: allow(unused-use, unused-let)\n"),
        ("a  # dslc: noqa: W0101\n", "a  # dslc: allow(unused-use)\n"),
        ("a  # dslc: noqa\n", "a  # dslc: noqa\n"),
        ("a\n# dslc: allow(unused-use)", "a\n"),
    ],
)
def test_what_is_proposed_for_comments(text: str, without: str) -> None:
    assert mended(text) == without
