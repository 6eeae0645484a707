"""Runs commands in this process, as the tests of all of them do."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from dslc.cli.main import main


def run(*args: str | Path, stdin: str | bytes | None = None) -> Result:
    """What a command does; an exception that it does not show as a message is raised."""
    result = CliRunner().invoke(main, [str(a) for a in args], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def printed(*args: str | Path) -> str:
    """The output of a command that ends well."""
    result = run(*args)
    assert result.exit_code == 0, result.output
    return result.stdout
