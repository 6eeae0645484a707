"""Every fenced block of docs/ and of the explain pages does what it says (test_readme.py: the README).

| fence | what is tested |
|---|---|
| `dl` | it compiles, every net of it; `dl net.dl` is also kept in the page's folder under that name |
| `dl fails E0304` | it fails with that code and no other |
| `console` | each `$ dslc ..` prints exactly the lines below it; a line `...` stands for any lines |
| `python` | it runs, in the page's folder and with the names of the page's earlier ones |
| `sh` | each line that begins with `dslc` ends with status 0, in the page's folder |

`pytest tests/docs --regen` writes what `console` fences without a line `...` print into the pages; read the diff.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path

import pytest
from click.testing import CliRunner

from dslc.api import compile_model
from dslc.check import check_file
from dslc.cli.main import main
from dslc.diagnostics.codes import REGISTRY
from dslc.diagnostics.model import CompileError, Severity
from dslc.lints.base import Lint
from dslc.lints.catalogue import WARNINGS, rules
from dslc.lints.facts import facts_of
from dslc.lints.run import lint
from dslc.reports.catalogue import load_codes

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(page for page in (ROOT / "docs").rglob("*.md") if page.name != "errors.md")
"""But for the page of the explain pages, whose programs are tried below."""
FENCE = re.compile(r"^(?P<marks>`{3,})(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=marks)[ ]*$", re.M | re.S)
RUN = ("console", "python", "sh")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block: where it stands, what it is marked with, and its text."""

    place: str
    words: tuple[str, ...]
    text: str
    start: int = 0
    end: int = 0

    @property
    def kind(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def file(self) -> str | None:
        """The name that a program is kept under."""
        return next((w for w in self.words[1:] if w.endswith(".dl")), None)

    @property
    def code(self) -> str | None:
        """The code that a program fails with; empty where the fence names none."""
        if "fails" not in self.words:
            return None
        return next((w for w in self.words if re.fullmatch(r"[EWN]\d{4}", w)), "")


def fences(name: str, text: str) -> Iterator[Fence]:
    """The fenced blocks of a page in order."""
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Fence(
            f"{name}:{line}",
            tuple(found["info"].split()),
            found["text"],
            found.start("text"),
            found.end("text"),
        )


def page_fences(page: Path) -> list[Fence]:
    return list(fences(str(page.relative_to(ROOT)), page.read_text(encoding="utf-8")))


def check_program(fence: Fence, folder: Path, code: str | None) -> None:
    """The program compiles, and nothing is warned of; with `code`, it fails with that code alone."""
    path = folder / (fence.file or "program.dl")
    path.write_text(fence.text, encoding="utf-8")
    try:
        result = check_file(path)
        found = result.diagnostics
        if code is not None and not result.nets:
            compile_model(path)  # a file without a net is right by itself, and cannot be built
    except CompileError as error:
        found = list(error.diagnostics)
    shown = [f"{d.span}: {d.code} {d.message}" for d in found]
    told = {d.code for d in found if d.severity is not Severity.NOTE}
    if code is None:
        assert not told, f"{fence.place}: {shown}"
    else:
        assert told == {code}, f"{fence.place} should fail with {code}: {shown}"


PROGRAMS = [fence for page in PAGES for fence in page_fences(page) if fence.kind == "dl"]


@pytest.mark.parametrize("fence", PROGRAMS, ids=[f.place for f in PROGRAMS])
def test_programs(fence: Fence, tmp_path: Path) -> None:
    page = ROOT / fence.place.rpartition(":")[0]
    for other in page_fences(page):
        if other.kind == "dl" and other.file is not None:
            (tmp_path / other.file).write_text(other.text, encoding="utf-8")
    assert fence.code != "", f"{fence.place} must name the code it fails with"
    check_program(fence, tmp_path, fence.code)


def check_rule(fence: Fence, folder: Path, rule: type[Lint]) -> None:
    """A rule that `check` does not run speaks of the bad program of its page, and is silent of the good one."""
    path = folder / "program.dl"
    path.write_text(fence.text, encoding="utf-8")
    net = re.findall(r"^net (\w+)", fence.text, re.MULTILINE)[-1]
    spoken = lint(compile_model(path, net), facts_of(rule.example), [rule])
    assert bool(spoken.diagnostics) is (fence.code is not None), fence.place


def explained() -> list[Fence]:
    """The programs of the explain pages; one that fails bears the page's code."""
    load_codes()
    found = []
    for code, mistake in sorted(REGISTRY.items()):
        for fence in fences(code, cleandoc(mistake.__doc__ or "")):
            if fence.kind == "dl":
                words = (*fence.words, code) if fence.code == "" else fence.words
                found.append(Fence(fence.place, words, fence.text))
    return found


EXPLAINED = explained()


@pytest.mark.parametrize("fence", EXPLAINED, ids=[f.place for f in EXPLAINED])
def test_explain_pages(fence: Fence, tmp_path: Path) -> None:
    mistake = REGISTRY[fence.place.partition(":")[0]]
    if issubclass(mistake, Lint) and (mistake.wants or mistake not in set(rules(WARNINGS))):
        check_rule(fence, tmp_path, mistake)
        return
    check_program(fence, tmp_path, fence.code)


def test_every_code_is_explained() -> None:
    load_codes()
    lacking = [code for code, mistake in REGISTRY.items() if len(cleandoc(mistake.__doc__ or "")) < 40]
    assert not lacking, f"without an explanation: {lacking}"


# ---- pages that run


def run_command(command: str) -> tuple[int, str]:
    """Status and output (both streams) of a `dslc` command."""
    words = shlex.split(command)
    assert words[0] == "dslc", f"only dslc can be run here: {command}"
    result = CliRunner().invoke(main, words[1:])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"`{command}` raised {result.exception!r}") from None
    return result.exit_code, "\n".join(line.rstrip() for line in result.output.splitlines())


def session(text: str) -> list[tuple[str, list[str]]]:
    """The commands of a console fence, each with the lines it should print."""
    parts: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            parts.append((line[2:], []))
        elif parts:
            parts[-1][1].append(line.rstrip())
    return parts


def matches(expected: list[str], printed: str) -> bool:
    """Whether the lines are those printed; `...` stands for any number of them."""
    pattern = "".join(r"(?:[^\n]*\n)*" if line.strip() == "..." else re.escape(line) + r"\n" for line in expected)
    text = printed.strip("\n")
    return re.fullmatch(pattern, text + "\n" if text else "") is not None


def refreshed(expected: list[str], printed: str) -> list[str]:
    """What a page shows of the lines that are printed now: all, or as many in each part between `...` as before.

    A part begins at the next line with the first word that it had; the last one ends with what is printed.
    """
    lines = printed.strip("\n").splitlines()
    parts: list[list[str]] = [[]]
    for line in expected:
        if line.strip() == "...":
            parts.append([])
        else:
            parts[-1].append(line)
    if len(parts) == 1:
        return lines
    found = lines[: len(parts[0])]
    at = len(found)
    for part in parts[1:]:
        found.append("...")
        if part and part is parts[-1]:
            at = max(at, len(lines) - len(part))
        elif part:
            at = next((k for k in range(at, len(lines)) if lines[k].split()[:1] == part[0].split()[:1]), len(lines))
        found += lines[at : at + len(part)]
        at += len(part)
    return found


def test_pages_are_refreshed_between_dots() -> None:
    printed = "head 2\n\na 3\nb 4\nc 5\nd 6\n\nend 7\n"
    assert refreshed(["head 1"], printed) == printed.strip("\n").splitlines()
    assert refreshed(["head 1", "...", "b 1", "c 1", "...", "end 1"], printed) == [
        "head 2", "...", "b 4", "c 5", "...", "end 7",
    ]  # fmt: skip
    assert refreshed(["...", "c 1", "..."], printed) == ["...", "c 5", "..."]


def forget(folder: Path, modules: set[str]) -> None:
    """Drop the modules that a page imported from its folder: another page's have the same names."""
    for name in modules:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


RUNNING = [page for page in PAGES if any(f.kind in RUN for f in page_fences(page))]


@pytest.mark.parametrize("page", RUNNING, ids=lambda p: p.name)
def test_pages_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    regenerate = bool(request.config.getoption("--regen"))
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # as Python does for what runs in a folder
    monkeypatch.setenv("COLUMNS", "120")
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "__page__"}
    loaded = set(sys.modules)
    request.addfinalizer(lambda: forget(tmp_path, set(sys.modules) - loaded))
    rewritten: list[tuple[Fence, str]] = []
    for fence in page_fences(page):
        if fence.kind == "dl" and fence.file is not None:
            (tmp_path / fence.file).write_text(fence.text, encoding="utf-8")
        elif fence.kind == "python":
            with contextlib.redirect_stdout(None):
                exec(compile(fence.text, fence.place, "exec"), names)
        elif fence.kind == "sh":
            for line in fence.text.splitlines():
                if line.startswith("dslc "):
                    status, output = run_command(line)
                    assert status == 0, f"{fence.place}: `{line}` ended with {status}: {output}"
        elif fence.kind == "console":
            written = []
            for command, expected in session(fence.text):
                _, printed = run_command(command)
                if regenerate:
                    expected = refreshed(expected, printed)
                assert matches(expected, printed), f"{fence.place}: `{command}` prints\n{printed}"
                written += [f"$ {command}", *expected]
            rewritten.append((fence, "\n".join(written) + "\n"))
    if regenerate:
        for fence, new in reversed(rewritten):
            text = text[: fence.start] + new + text[fence.end :]
        page.write_text(text, encoding="utf-8")
