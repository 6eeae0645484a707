"""Every command line that a page, a message or the README names is one that exists, with options that exist."""

from __future__ import annotations

import re
import shlex
from inspect import cleandoc
from pathlib import Path

import click
import pytest

from dslc.cli.main import main
from dslc.diagnostics.codes import REGISTRY
from dslc.reports.catalogue import load_codes

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"^\s*(?:\$ )?(dslc [^\n]*)$", re.MULTILINE)
INLINE = re.compile(r"`(dslc [a-z][^`\n]*)`")
ENDS = ("|", "&&", "||", ";", ">", "<", "2>", "#")
"""Where a command ends in a line of shell."""


def commands(text: str) -> list[str]:
    """The command lines of a text: those of its own lines within fences, and those in back-ticks."""
    fences = re.findall(r"^[ \t]*```(?:sh|console|text)?\n(.*?)^[ \t]*```", text, re.MULTILINE | re.DOTALL)
    return [line for fence in fences for line in LINE.findall(fence)] + INLINE.findall(text)


def check(line: str) -> None:
    """Raises `UsageError` where a command or an option is not there."""
    words = shlex.split(line, comments=True)[1:]
    words = words[: next((k for k, word in enumerate(words) if word in ENDS), len(words))]
    command: click.Command = main
    context = click.Context(main, info_name="dslc")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None:
            raise click.UsageError(f"no command {words[0]}")
        command, words = found, words[1:]
        context = click.Context(command, context, info_name=words[0] if words else "")
    given = [word for word in words if word not in ("..", "...")]
    try:
        command.make_parser(context).parse_args(given)
    except click.BadOptionUsage:
        command.make_parser(context).parse_args([*given, "x"])  # an option that is named without its value


def sources() -> dict[str, list[str]]:
    """Command lines by where they stand: pages, the README, explain pages, and the code, whose messages name some."""
    load_codes()
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "editors/README.md")]
    pages += sorted((ROOT / "docs").rglob("*.md"))
    found = {str(page.relative_to(ROOT)): commands(page.read_text(encoding="utf-8")) for page in pages}
    found |= {code: commands(cleandoc(mistake.__doc__ or "")) for code, mistake in sorted(REGISTRY.items())}
    for file in sorted((ROOT / "dslc").rglob("*.py")):
        # a message may name a file or an option in braces: any word will do
        text = re.sub(r"\{[^{}]*\}", "x", file.read_text(encoding="utf-8"))
        found[str(file.relative_to(ROOT))] = INLINE.findall(text)
    return {place: lines for place, lines in found.items() if lines}


SOURCES = sources()


@pytest.mark.parametrize("place", SOURCES)
def test_commands_exist(place: str) -> None:
    for line in SOURCES[place]:
        try:
            check(line)
        except click.UsageError as error:
            pytest.fail(f"{place} names `{line}`: {error.format_message()}")


def test_enough_is_found_and_what_is_wrong_is_seen() -> None:
    assert {"README.md", "docs/weights.md", "docs/security.md", "E0611", "E0644"} <= SOURCES.keys()
    assert sum(map(len, SOURCES.values())) > 150
    assert commands("```sh\ndslc stats a.dl\n```\nand `dslc check b.dl`") == ["dslc stats a.dl", "dslc check b.dl"]
    check("dslc weights inspect net.pth --part model | head")
    for line in ("dslc stats net.dl --weights a", "dslc stat net.dl", "dslc weights look a", "dslc diff a b --nets x"):
        with pytest.raises(click.UsageError):
            check(line)
