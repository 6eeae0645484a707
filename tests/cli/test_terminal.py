"""`dslc stats` on a terminal: widths and colours, and that a pipe knows neither."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminals import ROOT, STYLE, plain, shown

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

NET = """
net small on image[N, 3, H=32, W=32]:
    budget params <= 20K, macs <= 1M
    conv(16, 3) -> bn -> relu
    conv(32, 3) -> gap -> flatten -> linear(10)
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.dl"
    path.write_text(NET)
    return path


@pytest.mark.parametrize("width", [80, 160])
def test_a_terminal_is_filled_and_not_more(width: int) -> None:
    text = shown("stats", "zoo:resnet50", width=width)
    assert STYLE.search(text)
    lines = plain(text).splitlines()
    assert width - 20 < max(map(len, lines)) <= width
    head = next(line for line in lines if line.startswith("layer ")).split()
    assert ("field" in head and "share" not in head) if width == 80 else ("memory" in head and "stride" in head)
    notes = "\n".join(lines[-4:])
    assert ("80 columns have no room for share: `--columns share` shows it instead" in notes) == (width == 80)


def test_columns_says_the_width_and_no_color_is_heeded() -> None:
    text = shown("stats", "zoo:resnet18", "--depth", "1", width=80, env={"COLUMNS": "60", "NO_COLOR": "1"})
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 60


@pytest.mark.parametrize(
    ("args", "env", "coloured"), [(["--color", "never"], {}, False), ([], {"TERM": "dumb"}, False), ([], {}, True)]
)
def test_colours_are_as_those_of_messages(small: Path, args: list[str], env: dict[str, str], coloured: bool) -> None:
    text = shown("stats", small, *args, env=env)
    assert ("\x1b[31mbroken\x1b[0m" in text, "\x1b[32mkept\x1b[0m" in text) == (coloured, coloured)
    assert ("\x1b[31merror" in text) == coloured
    words = plain(text)
    assert "budgets params <= 20,000: kept, 5,434 (27.2%)" in words, "a colour says nothing that words do not"
    assert "        macs <= 1,000,000: broken, 5,161,280 (516.1%)" in words


def test_a_pipe_knows_no_width(small: Path) -> None:
    def piped(**env: str) -> str:
        command = [sys.executable, "-m", "dslc", "stats", "zoo:swin_t"]
        done = subprocess.run(command, env={"PYTHONPATH": str(ROOT), **env}, stdout=subprocess.PIPE, check=True)
        return done.stdout.decode()

    text = piped(COLUMNS="60")
    assert max(map(len, text.splitlines())) > 200 and "\x1b" not in text
    coloured = piped(FORCE_COLOR="1")
    assert coloured != text and plain(coloured) == text


def test_a_sweep_fits(small: Path) -> None:
    text = plain(shown("stats", "zoo:resnet18", "--sweep", "H=W=160,192", width=60))
    assert max(map(len, text.splitlines())) <= 60
    assert text.count("\n160 ") == 2, "the axis stands in each part of the table"
