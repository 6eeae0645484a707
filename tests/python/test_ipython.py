"""`%%dl` in IPython itself, as a notebook's kernel runs a cell."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dslc.python import Network


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    config = importlib.import_module("traitlets.config").Config()
    config.HistoryManager.enabled = False
    kind: Any = importlib.import_module("IPython.core.interactiveshell").InteractiveShell
    found = kind(config=config)
    found.run_line_magic("load_ext", "dslc")
    yield found
    found.run_line_magic("reload_ext", "dslc")


def test_a_cell_is_a_program_whose_net_is_shown(shell: Any) -> None:
    ran = shell.run_cell("%%dl\nnet small on x[N, 8]: linear(4) -> relu\n")
    assert ran.success and isinstance(ran.result, Network)
    assert shell.user_ns["small"] is ran.result
    shown, _ = shell.display_formatter.format(ran.result)
    assert shown["text/html"] == ran.result._repr_html_() and shown["text/plain"].startswith("<Network small")
    shown, _ = shell.display_formatter.format(shell.run_cell("small.stats()").result)
    assert "<table>" in shown["text/html"]
    assert shell.run_cell("%reload_ext dslc\nsmall.stats().totals['params']").result == 36


def test_names_of_cells_and_mistakes(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    text = "net a on x[N, 8]: linear(4)\n\nnet b(width) on x[N, 8]: linear(width)\n"
    ran = shell.run_cell(f"%%dl parts\n{text}")
    assert ran.success and shell.user_ns["parts"] == text and "b" not in shell.user_ns
    assert "`b` needs arguments" in capsys.readouterr().out
    ran = shell.run_cell("%%dl\nnet a on x[N, 8]: linaer(4)\n")
    said = capsys.readouterr()
    assert ran.success and ran.result is None and "did you mean `linear`?" in said.err and "Traceback" not in said.err
    assert shell.run_cell("import dslc; dslc.compile(parts, 'b', width=3).stats().totals['params']").result == 27
