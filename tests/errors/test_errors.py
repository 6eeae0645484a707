"""Programs with mistakes: code, line and words of each message, and how the command line shows them.

A file says on the line of a caret `# error[E0304]: words of the message` (or `warning[...]`), several in a row. A
message whose caret is in another file belongs to the line that led there, one about the whole file to line 1. Beside
each file lies what `dslc check` prints; `pytest --regen` rewrites it, to be read in the diff.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from dslc.api import nets
from dslc.check import check_file
from dslc.cli.main import main
from dslc.diagnostics.model import CompileError, Diagnostic
from tests.conftest import Golden

HERE = Path(__file__).resolve().parent
CASES = sorted(p.relative_to(HERE) for p in HERE.glob("*/*.dl"))
EXPECTED = re.compile(r"# (error|warning|note)\[([EWN]\d{4})\]: (.*?)(?=\s*# (?:error|warning|note)\[|$)")

Expected = tuple[int, str, str, str]
"""(line, severity, code, words of the message)."""


def expected_of(text: str) -> list[Expected]:
    """What a file says of itself."""
    lines = enumerate(re.split(r"\r\n|\r|\n", text), 1)
    return [(n, m[1], m[2], m[3]) for n, line in lines for m in EXPECTED.finditer(line)]


def line_in(path: str, d: Diagnostic) -> int:
    """The line of a file that a diagnostic is about: its own, or that of the innermost frame in the file."""
    for span in (d.span, *(frame.call for frame in d.trail or ())):
        if span.source.path == path and span.source.text:
            return span.line
    return 1


def test_expectations_are_read_from_comments() -> None:
    text = "net f:\n    a  # error[E0201]: unknown  # error[E0202]: x y\n    b\n    c  # warning[W0007]: odd words\n"
    assert expected_of(text) == [
        (2, "error", "E0201", "unknown"),
        (2, "error", "E0202", "x y"),
        (4, "warning", "W0007", "odd words"),
    ]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in messages are relative to the folder of the cases."""
    monkeypatch.chdir(HERE)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.parametrize("path", CASES, ids=str)
def test_every_mistake_is_reported_where_the_file_says(path: Path) -> None:
    found = check_file(path).without_notes
    seen = sorted((line_in(str(path), d), d.severity.value, d.code, d.message) for d in found)
    wanted = expected_of((HERE / path).read_bytes().decode("utf-8"))
    assert [entry[:3] for entry in seen] == [entry[:3] for entry in wanted]
    for (*_, message), (*_, words) in zip(seen, wanted, strict=True):
        assert words in message


@pytest.mark.parametrize("path", CASES, ids=str)
def test_check_prints_it_without_a_traceback(path: Path, golden: Golden) -> None:
    result = CliRunner().invoke(main, ["check", str(path)])
    assert result.exit_code == 1
    assert not result.stdout
    golden(HERE / path.with_suffix(".stderr"), result.stderr)


@pytest.mark.parametrize("path", CASES, ids=str)
def test_build_touches_no_file(path: Path, tmp_path: Path) -> None:
    """Of some net of the file, if it can be read that far, a build fails, and files of that name stay as they were."""
    try:
        entries = [["--net", name] for name in nets(path)]
    except CompileError:
        entries = [[]]
    failed = 0
    for options in entries:
        kept = tmp_path / f"{options[-1] if options else 'f'}.py"
        kept.write_text("kept", encoding="utf-8")
        result = CliRunner().invoke(main, ["build", str(path), "-o", str(tmp_path), *options])
        if result.exit_code:
            failed += 1
            assert isinstance(result.exception, SystemExit) and "error[" in result.stderr
            assert kept.read_text(encoding="utf-8") == "kept"
            assert not kept.with_suffix(".onnx").exists()
    assert failed
