"""The README does what it says: its programs, the output it shows, its commands."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from dslc.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```([a-z ]+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [text for name, text in BLOCKS if name == kind]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the README's programs, `small.dl`, `wrong.dl` and `grid.dl`."""
    (program, grid), (wrong,) = blocks("dl"), blocks("dl fails")
    (tmp_path / "small.dl").write_text(program, encoding="utf-8")
    (tmp_path / "grid.dl").write_text(grid, encoding="utf-8")
    (tmp_path / "wrong.dl").write_text(wrong, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def pattern(shown: str) -> str:
    """A shown output as a pattern: a line `...` stands for any lines, `...` in a line for any text."""
    lines = [
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
        for line in shown.splitlines()
    ]
    return "".join(lines)


@pytest.mark.parametrize("shown", blocks("console"), ids=lambda text: text.splitlines()[0])
def test_output_is_what_is_shown(shown: str, folder: Path) -> None:
    command, _, expected = shown.partition("\n")
    result = CliRunner().invoke(main, shlex.split(command.removeprefix("$ dslc ")), prog_name="dslc")
    assert re.fullmatch(pattern(expected), result.stderr + result.stdout), result.output


def test_patterns_are_no_free_pass() -> None:
    assert re.fullmatch(pattern("a\n...\nb 1... c\n"), "a\nx\ny\nb 12 c\n")
    assert not re.fullmatch(pattern("a\n...\nb\n"), "a\nx\nc\n")
    assert not re.fullmatch(pattern("a\n"), "a\nb\n")


def test_the_shown_class_is_in_the_generated_file(folder: Path) -> None:
    CliRunner().invoke(main, ["build", "small.dl", "--target", "torch"])
    shown = next(text for text in blocks("python") if text.startswith("class "))
    assert shown in (folder / "build" / "small.py").read_text(encoding="utf-8")


def test_the_python_example_runs(folder: Path) -> None:
    example = next(text for text in blocks("python") if text.startswith("import dslc"))
    (folder / "examples").symlink_to(ROOT / "examples")
    exec(compile(example, "README.md", "exec"), {})
    assert (folder / "resnet50.onnx").stat().st_size > 90_000_000


def test_the_two_commands_are_one_line_each_and_name_what_is_there() -> None:
    first, second = blocks("sh")
    for command in (first, second):
        assert command.count("\n") == 1 and command.startswith("python3.11 -m venv ")
        assert "-c constraints.txt" in command
    assert first.rstrip().endswith("dslc build examples/resnet.dl --net resnet50")
    with open(ROOT / "pyproject.toml", "rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    assert set(re.findall(r"\[(\w+)\]", first + second)) <= set(extras)


def test_every_command_is_listed() -> None:
    assert all(f"`dslc {name}" in TEXT for name in COMMANDS if name != "version")


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / target).exists(), target
