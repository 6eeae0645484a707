"""Diagnostics as workflow commands, which GitHub shows at the lines of a change: `dslc check --format github`.

GitHub, Workflow commands for GitHub Actions: `::error file=..,line=..::message`, with `%` and line ends escaped in
all that is said, and `:` and `,` in the properties too.
"""

from __future__ import annotations

from collections.abc import Sequence

from dslc.diagnostics.fold import printable
from dslc.diagnostics.model import Diagnostic, Severity

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def to_github(diagnostics: Sequence[Diagnostic]) -> str:
    """A line for each diagnostic."""
    return "\n".join(map(command, diagnostics))


def command(diagnostic: Diagnostic) -> str:
    """One diagnostic as a workflow command."""
    source = diagnostic.span.source
    name = f" ({diagnostic.switch})" if diagnostic.switch else ""
    properties: dict[str, object] = {"title": f"{diagnostic.code}{name}"}
    if source.kind != "option":
        properties["file"] = source.shown
    if source.kind == "text":
        (line, column), (last, end) = source.position(diagnostic.span.start), source.position(diagnostic.span.end)
        properties |= {"line": line, "col": column, "endLine": last}
        if last == line:  # of several lines, GitHub takes columns for those of one
            properties["endColumn"] = end
    at = f" ({source.path}={source.text})" if source.kind == "option" else ""
    head = f"{diagnostic.message}; {diagnostic.label}" if diagnostic.label else diagnostic.message
    text = "\n".join([f"{head}{at}", *(f"help: {h.text}" for h in diagnostic.help)])
    said = ",".join(f"{key}={escaped(printable(str(value)), in_property=True)}" for key, value in properties.items())
    message = "\n".join(map(printable, text.split("\n")))
    return f"::{COMMANDS[diagnostic.severity]} {said}::{escaped(message)}"


def escaped(text: str, in_property: bool = False) -> str:
    """A text as it stands in a workflow command."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if in_property else text
