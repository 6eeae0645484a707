"""`dslc fmt`: what it writes and prints, its exit status, wrong use, and what it must not touch."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli import running
from tests.test_project import modules_after

UNTIDY = "net  f on x[N,8] : linear( 3 )  # head\n"
TIDY = "net f on x[N, 8]: linear(3)  # head\n"
WRONG = "net f on x[N, 8]:\n    linear( 3\n"


def run(*args: str | Path, stdin: str | bytes | None = None) -> Result:
    return running.run("fmt", *args, stdin=stdin)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with an untidy file, a tidy one below, a hidden one and one that is no program."""
    (tmp_path / "parts").mkdir()
    (tmp_path / ".cache").mkdir()
    (tmp_path / "a.dl").write_text(UNTIDY, encoding="utf-8")
    (tmp_path / "parts" / "b.dl").write_text(TIDY, encoding="utf-8")
    (tmp_path / ".cache" / "c.dl").write_text(UNTIDY, encoding="utf-8")
    (tmp_path / "d.txt").write_text(UNTIDY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file()}


def test_files_and_folders_are_rewritten(folder: Path) -> None:
    os.chmod("a.dl", 0o640)
    result = run(".", "a.dl", "parts/b.dl")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "a.dl: formatted\n", "1 of 2 files changed\n")
    assert texts(folder) == {"a.dl": TIDY, "b.dl": TIDY, "c.dl": UNTIDY, "d.txt": UNTIDY}
    assert stat.S_IMODE(os.stat("a.dl").st_mode) == 0o640
    before = os.stat("a.dl").st_ino
    again = run(".")
    assert (again.exit_code, again.stdout, again.stderr) == (0, "", "2 files, none to change\n")
    assert os.stat("a.dl").st_ino == before  # not written


def test_a_file_of_any_name_is_a_program(folder: Path) -> None:
    assert run("d.txt").exit_code == 0 and texts(folder)["d.txt"] == TIDY


def test_a_link_stays_a_link(folder: Path) -> None:
    os.symlink("d.txt", "link.dl")
    assert run("link.dl").exit_code == 0
    assert os.path.islink("link.dl") and texts(folder)["d.txt"] == TIDY


def test_check_writes_nothing(folder: Path) -> None:
    before = texts(folder)
    result = run("--check", ".")
    assert (result.exit_code, result.stdout, result.stderr) == (
        1,
        "a.dl: would change\n",
        "1 of 2 files would change\n",
    )
    assert texts(folder) == before
    assert run("--check", "parts").exit_code == 0


def test_diff_writes_nothing(folder: Path) -> None:
    before = texts(folder)
    result = run("--diff", ".")
    expected = f"--- a.dl\n+++ a.dl (formatted)\n@@ -1 +1 @@\n-{UNTIDY}+{TIDY}"
    assert (result.exit_code, result.stdout) == (0, expected)
    assert run("--diff", "--check", ".").exit_code == 1 and texts(folder) == before
    assert run("--diff", "--check", "parts").exit_code == 0


def test_diff_of_a_file_without_a_newline_at_its_end(folder: Path) -> None:
    Path("a.dl").write_text(TIDY[:-1], encoding="utf-8")
    assert f"-{TIDY}\\ No newline at end of file\n+{TIDY}" in run("--diff", "a.dl").stdout


def test_stdin(folder: Path) -> None:
    assert (run("-", stdin=UNTIDY).stdout, run("-", stdin=TIDY).stdout) == (TIDY, TIDY)
    assert run("-", stdin=UNTIDY).stderr == ""
    checked = run("--check", "-", stdin=UNTIDY)
    assert (checked.exit_code, checked.stdout) == (1, "<stdin>: would change\n")
    assert run("--check", "-", stdin=TIDY).exit_code == 0
    assert run("--diff", "-", stdin=UNTIDY).stdout.startswith("--- <stdin>\n")
    wrong = run("-", stdin=WRONG)
    assert (wrong.exit_code, wrong.stdout) == (1, "") and "error[E0127]" in wrong.stderr
    binary = run("-", stdin=b"\xff")
    assert binary.exit_code == 1 and "cannot read `<stdin>`: it is not UTF-8" in binary.stderr
    long = run("-", stdin="#" * 4_000_001)
    assert long.exit_code == 1 and "it has more than 4,000,000 bytes" in long.stderr


def test_other_letters_reach_stdout_whatever_the_locale() -> None:
    text = "# größe → 漢\n"
    command = [sys.executable, "-m", "dslc", "fmt", "-"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True, env=environment)
    assert done.stdout.decode() == text


def test_a_file_with_errors_is_left_as_it_is_and_the_others_are_not(folder: Path) -> None:
    Path("wrong.dl").write_text(WRONG, encoding="utf-8")
    for options in ([], ["--check"], ["--diff"]):
        result = run(*options, "wrong.dl")
        assert result.exit_code == 1 and texts(folder)["wrong.dl"] == WRONG
        assert "error[E0127]: this `(` is never closed" in result.stderr and "wrong.dl:2:11" in result.stderr
    result = run(".")
    assert result.exit_code == 1 and texts(folder)["wrong.dl"] == WRONG and texts(folder)["a.dl"] == TIDY


def test_a_file_that_cannot_be_read(folder: Path) -> None:
    Path("binary.dl").write_bytes(b"\xff")
    for path, why in (("none.dl", "no such file"), ("binary.dl", "it is not UTF-8 text")):
        result = run(path, "a.dl")
        assert result.exit_code == 1 and f"error[E0216]: cannot read `{path}`: {why}" in result.stderr
        assert texts(folder)["a.dl"] == TIDY


def test_a_file_that_would_become_too_long(folder: Path) -> None:
    text = "let a = " + "[f(" * 30 + ",".join(["a" * 200] * 15_000) + ")]" * 30 + "\n"
    Path("a.dl").write_text(text, encoding="utf-8")
    result = run("a.dl")
    assert result.exit_code == 1 and "formatted, it would have more than 4,000,000 bytes" in result.stderr
    assert texts(folder)["a.dl"] == text


def test_a_file_that_cannot_be_written_changes_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("parts/b.dl").write_text(UNTIDY, encoding="utf-8")

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    result = run(".")
    assert result.exit_code == 1 and "error[E0601]" in result.stderr and "formatted\n" not in result.stdout
    assert texts(folder) == {"a.dl": UNTIDY, "b.dl": UNTIDY, "c.dl": UNTIDY, "d.txt": UNTIDY}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "Missing argument 'FILE...'"),
        (["-", "a.dl"], "`-` (stdin) stands alone"),
        (["empty"], "there is no .dl file in the folder `empty`"),
        (["--chekc", "a.dl"], "No such option"),
    ],
)
def test_wrong_use(folder: Path, args: list[str], words: str) -> None:
    Path("empty").mkdir()
    before = texts(folder)
    result = run(*args)
    assert result.exit_code == 2 and words in result.stderr and texts(folder) == before


def test_nothing_heavy_is_imported(folder: Path) -> None:
    found = modules_after("fmt", "parts", cwd=folder)
    assert not found & {"torch", "onnx", "numpy", "rich", "safetensors", "onnxruntime", "pandas", "matplotlib", "lark"}
