"""How far a command is: on a terminal alone, after a second, in a line that goes away."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.terminals import ROOT, Terminal, plain

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

WORK = """
import sys, time
from dslc.cli.progress import progress
with progress("working", {total}) as step:
    for i in range(3):
        step(f"[red]part {{i}}[/red]\\x1b[2J")
        time.sleep({pause})
print("done", "rich" in sys.modules)
"""


def shown(total: int | None, pause: float, env: dict[str, str] | None = None) -> str:
    return Terminal(program=WORK.format(total=total, pause=pause), width=100, env=env).done()


def test_what_takes_long_says_how_far_it_is_and_takes_that_back() -> None:
    raw = shown(3, 0.7)
    text = plain(raw)
    assert "working" in text and "1/3" in text and "2/3" in text
    assert "[red]part 2[/red]<U+001B>[2J" in text, "a name is neither markup nor a command"
    assert "\x1b[2K" in raw[raw.rindex("2/3") :] and text.rstrip().endswith("done True")


def test_what_is_done_soon_says_nothing() -> None:
    assert shown(3, 0.0).strip() == "done False"
    assert shown(None, 0.0).strip() == "done False"


def test_a_number_of_steps_need_not_be_known() -> None:
    text = plain(shown(None, 0.6))
    assert "working" in text and "/3" not in text


def test_a_dumb_terminal_has_no_line() -> None:
    assert plain(shown(3, 0.5, {"TERM": "dumb"})).strip() == "done False"


def test_a_pipe_has_no_line() -> None:
    command = [sys.executable, "-c", WORK.format(total=3, pause=0.5)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert (done.stdout, done.stderr) == ("done False\n", "")


def test_a_mistake_goes_through() -> None:
    work = WORK.replace("time.sleep({pause})", "raise SystemExit('gone')")
    raw = Terminal(program=work.format(total=3, pause=0)).done()
    assert raw.strip() == "gone"


def test_commands_import_rich_only_then() -> None:
    code = "import sys, dslc.cli.main, dslc.cli.checking, dslc.cli.progress; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "False\n"
