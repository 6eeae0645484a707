"""What a change does to networks, as the text of a comment: `python comment.py BASE PATH ..` prints Markdown.

Every network of the programs at the paths is compared with itself at the revision BASE, so that one whose own file is
the same, and which imports what changed, is there too. Nothing is printed where no network differs.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from dslc.api import load_program, nets_of
from dslc.cli.main import main
from dslc.cli.programs import paths
from dslc.diagnostics.model import CompileError, Sink

LONGEST = 60_000
"""Characters of a comment: GitHub takes 65,536."""


def programs(given: list[str]) -> Iterator[Path]:
    """The programs at the paths, once each, hidden folders apart."""
    yield from sorted({program for path in given for program in paths(Path(path))})


def nets(path: Path) -> list[str]:
    """The networks of a program that need no argument; none where it is wrong, which `check` says."""
    sink = Sink()
    try:
        return list(nets_of(sink.finish(load_program(path, sink)), complete=True))
    except CompileError:
        return []


def git(*arguments: str) -> bool:
    """Whether a command of git succeeds."""
    return subprocess.run(["git", *arguments], capture_output=True, check=False).returncode == 0


def dslc(*arguments: str) -> tuple[int, str]:
    """Status and output of a command, in this process: a network takes a tenth of a second then."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(io.StringIO()):
        try:
            main.main(arguments)
        except SystemExit as end:
            status = int(end.code or 0)
    return status, printed.getvalue()


def section(base: str, path: Path, net: str) -> str:
    """What changed in a network, or what a new one costs; empty where nothing did."""
    known = git("cat-file", "-e", f"{base}:./{path}")
    if known:
        shown = ("--format", "markdown", "--only", "changed", "--exit-code")
        status, text = dslc("diff", str(path), "--net", net, "--rev", base, *shown)
        if status == 0 or text.strip():
            return text if status else ""
    _, text = dslc("stats", str(path), "--net", net, "--depth", "1", "--format", "markdown")
    word = "In the base this network has mistakes, or another name" if known else "A new network"
    return f"{word}: `{net}`\n\n{text}" if text else ""


def comment(base: str, given: list[str]) -> str:
    """The whole text."""
    parts = [part for path in programs(given) for net in nets(path) if (part := section(base, path, net))]
    kept: list[str] = []
    for part in parts:
        if sum(map(len, kept)) + len(part) > LONGEST:
            break
        kept.append(part)
    left = len(parts) - len(kept)
    more = [f"\n{left} more {'network differs' if left == 1 else 'networks differ'}.\n"] if left else []
    return "\n".join([*kept, *more])


def run() -> int:
    """Print it. Status 2 where the revision is not there."""
    base, *given = sys.argv[1:]
    if not git("rev-parse", "--verify", "--quiet", f"{base}^{{commit}}"):
        print(f"there is no revision `{base}` here: let the checkout fetch it (`fetch-depth: 0`)", file=sys.stderr)
        return 2
    sys.stdout.write(comment(base, given))
    return 0


if __name__ == "__main__":
    sys.exit(run())
