"""Which warnings are told, and which are errors: what a project and a command line say of them by name.

Errors are always told. A name on the command line goes before one in pyproject.toml, and a name before `warnings` or
`notes`, which stand for all of a kind: `--deny warnings --allow unused-use` denies all but that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from dslc.diagnostics.codes import GROUPS, switch_of
from dslc.diagnostics.model import Diagnostic, Severity
from dslc.record import frozen, replace


class Level(Enum):
    """What is done with a warning or a note: nothing is said, it is said, it is an error."""

    ALLOW = "allow"
    WARN = "warn"
    DENY = "deny"


SAID = {Level.WARN: Severity.WARNING, Level.DENY: Severity.ERROR}


@frozen
class Levels:
    """Levels by name (a group's among them); `below` are those of the project, which the command line's go before."""

    given: Mapping[str, Level]
    below: Levels | None = None

    @classmethod
    def of(cls, lists: Mapping[Level, Iterable[str]], below: Levels | None = None) -> Levels:
        """The levels of lists of names and codes. Raises `UnknownSwitch`, and `ValueError` for one in two lists."""
        given: dict[str, Level] = {}
        for level, names in lists.items():
            for name in names:
                switch = name if name in GROUPS else switch_of(name)
                if given.setdefault(switch, level) is not level:
                    raise ValueError(f"`{switch}` is in two lists, `{given[switch].value}` and `{level.value}`")
        return cls(given, below)

    def level(self, name: str, group: str) -> Level | None:
        """What is said of a name; none where nothing is."""
        layers = [self, *([self.below] if self.below is not None else [])]
        for asked in (name, group):
            for layer in layers:
                if asked in layer.given:
                    return layer.given[asked]
        return None

    def applied(self, diagnostic: Diagnostic) -> Diagnostic | None:
        """A diagnostic as severe as the levels say; none for one that is allowed."""
        if diagnostic.severity is Severity.ERROR or not diagnostic.switch:
            return diagnostic
        level = self.level(diagnostic.switch, f"{diagnostic.severity.value}s")
        if level is None:
            return diagnostic
        return None if level is Level.ALLOW else replace(diagnostic, severity=SAID[level])


DEFAULT = Levels({})
"""All as severe as their codes say."""
