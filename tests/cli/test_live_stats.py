"""`dslc stats --watch` on a terminal: the report of each save, what changed since the last, mistakes below it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import run
from tests.cli.terminals import Terminal, plain

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

NET = 'use "parts.dl": unit\n\nnet small on x[N, 3, H=32, W=32]:\n    unit(8) -> gap -> flatten -> linear(10)\n'
PARTS = "block unit(out: int):\n    conv(out, 3) -> bn -> relu\n"


def save(path: Path, text: str) -> None:
    """Write a file as editors do: another one takes its place."""
    other = path.with_suffix(".new")
    other.write_text(text, "utf-8")
    os.replace(other, path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.dl").write_text(NET, "utf-8")
    (tmp_path / "parts.dl").write_text(PARTS, "utf-8")
    return tmp_path


@pytest.fixture
def watching(folder: Path) -> Iterator[Terminal]:
    found = Terminal("stats", "net.dl", "--watch", folder=folder, height=60)
    yield found
    found.end()


def test_each_save_is_drawn_with_what_changed(folder: Path, watching: Terminal) -> None:
    at = watching.until("watching; Ctrl-C ends it")
    assert "params  322" in plain(watching.raw)
    save(folder / "parts.dl", PARTS.replace("conv(out, 3)", "conv(out, 5)"))
    at = watching.until("since ", at)
    at = watching.until(" in ", at)
    shown = plain(watching.raw)
    assert "params 706 (+384)" in shown[shown.rindex("since ") :]
    assert "\x1b[H\x1b[2J" in watching.raw

    save(folder / "net.dl", NET.replace("linear(10)", "linaer(10)"))
    at = watching.until("error", at)
    at = watching.until("linaer", at)
    shown = plain(watching.raw)
    assert "these are the numbers of " in shown and "before the mistakes below" in shown
    assert shown.rindex("params  706") > shown.rindex("params 706 (+384)"), "the last good report is drawn again"

    save(folder / "net.dl", NET)
    at = watching.until("no total changed since", at)
    (folder / "parts.dl").unlink()
    at = watching.until("error", at)
    save(folder / "parts.dl", PARTS)
    at = watching.until("since ", at)
    watching.until(" in ", at)
    shown = plain(watching.raw)
    assert "params 322 (-384)" in shown[shown.rindex("since ") :]
    assert watching.interrupt() == 130


def test_a_program_that_is_wrong_at_first_may_be_mended(folder: Path) -> None:
    (folder / "net.dl").write_text(NET.replace("linear(10)", "linaer(10)"), "utf-8")
    watching = Terminal("stats", "net.dl", "--watch", folder=folder)
    try:
        at = watching.until("watching; Ctrl-C ends it")
        assert "did you mean `linear`" in plain(watching.raw)
        save(folder / "net.dl", NET)
        watching.until("params", at)
    finally:
        watching.end()


def test_parts_are_closed_until_they_fit(folder: Path) -> None:
    watching = Terminal("stats", "zoo:resnet50", "--watch", width=100, height=45)
    try:
        watching.until("watching; Ctrl-C ends it")
        shown = plain(watching.raw)
        assert "parts are closed 1 deep: `--depth` opens more" in shown and shown.count("\n") < 50
    finally:
        watching.end()


@pytest.mark.parametrize("options", [("--format", "json"), ("--sweep", "H=32,64"), ("--format", "csv")])
def test_what_cannot_be_drawn_anew_is_refused(folder: Path, options: tuple[str, ...]) -> None:
    result = run("stats", folder / "net.dl", "--watch", *options)
    assert result.exit_code == 2 and "--watch" in result.output
