"""Applies what messages propose, where it is safe: `dslc check --fix`.

A proposal is applied if nothing else can be meant (`Applicability.CERTAIN`), its message has no other with edits, all
its edits are in the program itself, and no other one edits there. What it gives is checked; a program that it makes
worse stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TypeAlias

from dslc.check import Findings
from dslc.diagnostics.export import edits_of
from dslc.diagnostics.model import Applicability, Diagnostic, Edit
from dslc.record import entity, record

ROUNDS = 30
"""Of checks and edits, at most: an edit may uncover the next mistake."""

SYNTAX = "E01"
"""What codes of syntax errors begin with. One may hide what is wrong behind it, so those are counted first."""

Texts: TypeAlias = Mapping[Path, str]
"""What files would hold, by absolute path."""

Check: TypeAlias = Callable[[Texts], Findings]


@record
class Fix:
    """The one proposal of a message."""

    diagnostic: Diagnostic
    edits: tuple[Edit, ...]

    @property
    def key(self) -> tuple[str, str, str, tuple[str, ...]]:
        """What it is known by, wherever it has moved to."""
        d = self.diagnostic
        return d.code, d.message, d.span.source.path, tuple(edit.text for edit in self.edits)


@entity
class Fixing:
    """A program on its way: what it would hold, what is found then, how many proposals were applied."""

    check: Check
    path: Path
    findings: Findings
    before: str = ""
    text: str = ""
    applied: int = 0
    refused: set[object] = field(default_factory=set)

    def run(self) -> None:
        """Apply proposals until there are none that help."""
        for _ in range(ROUNDS):
            fixes = self.chosen()
            if not fixes:
                return
            self.settle(fixes)

    def chosen(self) -> list[Fix]:
        """Proposals that do not overlap; of those that do, the first."""
        found: list[Fix] = []
        taken: list[tuple[int, int]] = []
        for diagnostic in self.findings.diagnostics:
            fix = fix_of(diagnostic)
            if fix is None or fix.key in self.refused:
                continue
            places = [(edit.span.start, edit.span.end) for edit in fix.edits]
            if any(place_of(edit) != self.path for edit in fix.edits) or any(touches(*at, taken) for at in places):
                continue
            taken += places
            found.append(fix)
        return found

    def settle(self, fixes: Sequence[Fix]) -> None:
        """Apply all, if each takes a mistake away; else each half by itself, and not one that makes it worse alone."""
        before = fixes[0].edits[0].span.source.text
        text = edited(before, [edit for fix in fixes for edit in fix.edits])
        findings = self.check({self.path: text})
        before_it, after_it = badness(self.findings), badness(findings)
        gone = sum(before_it[1:]) - sum(after_it[1:])
        if after_it <= before_it and (len(fixes) == 1 or gone >= len(fixes)):
            self.before = before if not self.applied else self.before
            self.text, self.findings = text, findings
            self.applied += len(fixes)
        elif len(fixes) == 1:
            self.refused.add(fixes[0].key)
        else:
            half, already = len(fixes) // 2, self.applied
            self.settle(fixes[:half])
            if self.applied == already:  # else places have moved: the next round finds the others again
                self.settle(fixes[half:])


def fix_of(diagnostic: Diagnostic) -> Fix | None:
    """The one proposal of a message that has edits; none where there are several, none, or one that is a guess."""
    found = [(help, edits) for help in diagnostic.help if (edits := edits_of(help, diagnostic.span))]
    if len(found) != 1:
        return None
    ((help, edits),) = found
    certain = help.applicability is Applicability.CERTAIN
    return Fix(diagnostic, edits) if certain and all(edit.span.source.kind == "text" for edit in edits) else None


def place_of(edit: Edit) -> Path:
    """The file that an edit is in."""
    return Path(edit.span.source.shown).absolute()


def touches(start: int, end: int, others: Sequence[tuple[int, int]]) -> bool:
    """Whether a range shares a letter with one of the others, or a place where both insert."""
    return any((start < b and a < end) or start == a or end == b for a, b in others)


def badness(findings: Findings) -> tuple[int, int, int]:
    """How bad a program is: syntax errors, errors, warnings."""
    errors = findings.errors
    return sum(d.code.startswith(SYNTAX) for d in errors), len(errors), len(findings.warnings)


def edited(text: str, edits: Sequence[Edit]) -> str:
    """A text with edits made; what is inserted ends its lines as the text does."""
    newline = "\r\n" if "\r\n" in text else "\n"
    for edit in sorted(edits, key=lambda e: (e.span.start, e.span.end), reverse=True):
        new = edit.text.replace("\r\n", "\n").replace("\n", newline)
        text = text[: edit.span.start] + new + text[edit.span.end :]
    return text
