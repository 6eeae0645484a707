"""A mistake that somebody made: the program, what is said of it, and the program as it was meant.

`<kind>/<name>.dl` says on the line of a caret what is expected there: `# error[E0304]: words of the message`, several
in a row, or `warning[..]`. A mistake of a command line has the command on its first line, `{file}` for the program's
path, and what is expected of the whole below that: `# command: check {file} --net smal  # exit 2`. Beside it lie
`<name>.stderr`, what is printed, and `<name>.fixed.dl`, the mended program (of a command: with the mended command).
Further files of a program lie in `<kind>/parts/`. What is checked is the program without those comments (`lay_out`).
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from click.testing import CliRunner

from dslc.check import check_file
from dslc.cli.main import main
from dslc.diagnostics.model import Diagnostic, Edit, Severity
from dslc.vocabulary.std import std_folder
from tests.errors.test_errors import Expected, expected_of, line_in

HERE = Path(__file__).resolve().parent
COMMAND = re.compile(r"# command: (?P<words>.*?)(?:\s+# exit (?P<exit>\d+))?\s*\n(?:# (?:error|warning)\[.*\n)*")
COMMENT = re.compile(r"[ \t]*# (?:error|warning)\[[EW]\d{4}\]: .*$", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """A program, or a command about one, by its path from the folder of the cases, which is laid out where we are."""

    path: Path

    @cached_property
    def text(self) -> str:
        """The file, with what it says is expected."""
        return (HERE / self.path).read_bytes().decode("utf-8")

    @property
    def program(self) -> str:
        return bare(self.text)

    @property
    def fixed(self) -> Case:
        return Case(self.path.with_suffix(".fixed.dl"))

    @property
    def golden(self) -> Path:
        return HERE / self.path.with_suffix(".stderr")

    @cached_property
    def expected(self) -> list[Expected]:
        """(line, severity, code, words) of each message."""
        return expected_of(self.text)

    @property
    def is_command(self) -> bool:
        return COMMAND.match(self.text) is not None

    @property
    def command(self) -> list[str]:
        """The words of the command line after `dslc`."""
        given = COMMAND.match(self.text)
        words = shlex.split(given["words"]) if given else ["check", "{file}"]
        return [word.replace("{file}", str(self.path)) for word in words]

    @property
    def status(self) -> int:
        """The exit status that is expected."""
        given = COMMAND.match(self.text)
        if given and given["exit"]:
            return int(given["exit"])
        return int(any(severity == "error" for _, severity, *_ in self.expected))

    @cached_property
    def printed(self) -> tuple[int, str]:
        """Exit status and stderr of the command; paths of std's files as if they lay in `stdlib/` here."""
        result = CliRunner().invoke(main, self.command)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        folders = (str(std_folder()), os.path.relpath(std_folder()))
        return result.exit_code, re.sub("|".join(map(re.escape, folders)), "stdlib", result.stderr)

    @cached_property
    def found(self) -> list[Diagnostic]:
        """What a check says of the program, sorted by place."""
        said = check_file(self.path).without_notes
        return sorted(said, key=lambda d: (line_in(str(self.path), d), d.code, d.message))

    @property
    def proposals(self) -> list[tuple[Edit, ...]]:
        """Of each message the first proposal that has edits; none of one without such."""
        return [first_edits(d) for d in self.found]

    @property
    def applied(self) -> str:
        """The program with all that is proposed, each message's first proposal."""
        return apply(self.program, (edit for edits in self.proposals for edit in edits))


@lru_cache(None)
def case(path: Path) -> Case:
    """The case of a path, once: what it prints is worked out once."""
    return Case(path)


def first_edits(diagnostic: Diagnostic) -> tuple[Edit, ...]:
    """The edits of the first proposal that has some."""
    for help in diagnostic.help:
        own = () if help.replace is None else (Edit(diagnostic.span, help.replace),)
        if own or help.edits:
            return (*own, *help.edits)
    return ()


def apply(text: str, edits: Iterable[Edit]) -> str:
    """A text with edits made, each once; edits that overlap cannot both be."""
    last = len(text) + 1
    for start, end, new in sorted({(e.span.start, e.span.end, e.text) for e in edits}, reverse=True):
        if end > last:
            raise ValueError(f"the edits overlap at {start}")
        text = text[:start] + new + text[end:]
        last = start
    return text


def bare(text: str) -> str:
    """A case's program, without what is expected of it."""
    return COMMENT.sub("", COMMAND.sub("", text, count=1))


def lay_out(folder: Path) -> None:
    """All programs as they are checked, in a folder of their own."""
    for path in (*HERE.glob("*/*.dl"), *HERE.glob("*/parts/*.dl")):
        to = folder / path.relative_to(HERE)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(bare(path.read_bytes().decode("utf-8")).encode())
    (folder / "dslc.toml").touch()  # the folder is a project: what its programs import must lie inside it


def mended_lines(before: str, after: str) -> set[int]:
    """The lines of a program, from 1, that its mended form changes; where lines are put between two, both of those."""
    found: set[int] = set()
    matcher = difflib.SequenceMatcher(None, before.split("\n"), after.split("\n"), autojunk=False)
    for tag, start, end, *_ in matcher.get_opcodes():
        if tag == "insert":
            found |= {start, start + 1}
        elif tag != "equal":
            found |= set(range(start + 1, end + 1))
    return found


@dataclass(frozen=True)
class Score:
    """The marks of a case that no judgement needs.

    `place`: some message stands on a line that the mended program changes, or just above one that it indents; `fix`:
    every error has edits, and they make the mended program, which checks clean; `quiet`: every message stands so.
    """

    place: bool
    fix: bool
    quiet: bool


def score(case: Case) -> Score:
    """The marks of a program's case; of a command's, whose mend is no edit, by the status alone."""
    if case.is_command:
        good = case.printed[0] == case.status
        return Score(good, good, good)
    changed = mended_lines(case.program, case.fixed.program)
    mended = changed | {line - 1 for line in changed}
    lines = [line_in(str(case.path), d) for d in case.found]
    errors = [edits for d, edits in zip(case.found, case.proposals, strict=True) if d.severity is Severity.ERROR]
    works = bool(errors) and all(errors) and case.applied == case.fixed.program
    return Score(
        place=bool(mended.intersection(lines)),
        fix=works and not check_file(case.fixed.path).without_notes,
        quiet=bool(lines) and mended.issuperset(lines),
    )


def all_cases() -> list[Path]:
    """Paths of all cases, from the folder of the cases."""
    found = sorted(p.relative_to(HERE) for p in HERE.glob("*/*.dl"))
    return [p for p in found if p.suffixes != [".fixed", ".dl"]]


def table(paths: Sequence[Path]) -> str:
    """The marks of cases, a line each, and how many have which."""
    lines, scores = [], [(path, score(case(path))) for path in paths]
    for path, given in scores:
        marks = " ".join(word if on else "-" * len(word) for word, on in vars(given).items())
        codes = " ".join(code for *_, code, _ in case(path).expected)
        lines.append(f"{marks}  {path}  {codes}")
    counts = ", ".join(f"{word} {sum(vars(s)[word] for _, s in scores)}" for word in ("place", "fix", "quiet"))
    full = sum(all(vars(s).values()) for _, s in scores)
    return "\n".join([*lines, f"{len(scores)} cases: {counts}, all three {full}"])
