"""Mistakes of other nets stay where they are while somebody writes in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dslc.analyse import Analysis, analyse
from dslc.lsp.remembered import Remembered

TEXT = """block stage(out: int) on x[N, C, H, W]:
    conv(out, 3) -> relu
    x + it

net a on image[N, 3, H=32, W=32]:
    conv(8, 3)
    stage(8)
    relu -> relu

net b on image[N, 3, H=32, W=32]:
    conv(8, 3)
    stage(16)
    conv(8, 3) -> conv(8, 3)
"""


def of(text: str, net: str | None = None) -> Analysis:
    path = Path("/work/f.dl")
    return analyse(path, net, texts={path: text}, lints=net is None)


def shown(remembered: Remembered, text: str, net: str) -> list[tuple[str, int, str]]:
    """Codes, lines and texts of what is shown of a text with a net in focus."""
    found = of(text, net)
    told = (*found.diagnostics, *remembered.others(found, net, text))
    return sorted((d.code, d.span.line, d.span.text) for d in told)


def know(text: str) -> tuple[Remembered, list[tuple[str, int, str]]]:
    """What a check of all nets leaves."""
    remembered = Remembered()
    whole = of(text)
    told = remembered.renew(whole, text)
    assert list(told) == list(whole.diagnostics)
    return remembered, sorted((d.code, d.span.line, d.span.text) for d in told)


def test_each_net_in_focus_shows_what_a_check_of_all_does() -> None:
    remembered, all_ = know(TEXT)
    assert [code for code, _, _ in all_] == ["E0331"], "a sum that does not fit where `b` leads"
    assert shown(remembered, TEXT, "a") == shown(remembered, TEXT, "b") == all_


@pytest.mark.parametrize(
    "typed", ["    conv(8, 3)\n    re", "    con", "    # more\n\n    conv(8, 3", "    conv(8, 3)"]
)
def test_what_another_net_has_wrong_moves_with_its_lines(typed: str) -> None:
    remembered, ((code, line, text),) = know(TEXT)
    changed = TEXT.replace("    conv(8, 3)\n", typed + "\n", 1)
    assert (code, line, text) in shown(remembered, changed, "a")
    assert (code, line + 1, text) in shown(remembered, "# about\n" + changed, "a")


def test_a_mended_line_says_no_more_what_was_wrong() -> None:
    remembered, ((code, _, _),) = know(TEXT)
    assert code not in [found for found, _, _ in shown(remembered, TEXT.replace("stage(16)", "stage(8)"), "b")]
    assert code not in [found for found, _, _ in shown(remembered, TEXT.replace("x + it", "x + it  "), "a")]


def test_warnings_stay_beside_a_mistake_until_all_is_right_again() -> None:
    right = TEXT.replace("stage(16)", "stage(8)")
    remembered, all_ = know(right)
    assert all_ and all(code.startswith(("W", "N")) for code, _, _ in all_)
    broken = right.replace("    conv(8, 3)\n", "    conv(8, 3\n", 1)
    assert set(all_) <= set(shown(remembered, broken, "a"))
    told = {(d.code, d.span.line, d.span.text) for d in remembered.renew(of(broken), broken)}
    assert set(all_) < told and any(code.startswith("E") for code, _, _ in told)
    told = {(d.code, d.span.line, d.span.text) for d in remembered.renew(of(right), right)}
    assert told == set(all_)


def test_nets_that_cannot_be_checked_keep_their_mistakes() -> None:
    remembered, (own,) = know(TEXT)
    broken = TEXT.replace("    relu -> relu\n", "    relu ->\n")
    told = remembered.renew(of(broken), broken)
    assert own in [(d.code, d.span.line, d.span.text) for d in told]
    assert all(not help.edits and help.replace is None for d in told for help in d.help if d.code == own[0])
    assert own in shown(remembered, TEXT, "a")


def test_of_a_file_that_cannot_be_read_nothing_is_remembered() -> None:
    remembered, _ = know(TEXT)
    remembered.renew(analyse(Path("/work/none.dl")), TEXT)
    assert remembered.others(of(TEXT, "a"), "a", TEXT) == ()
