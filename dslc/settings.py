"""Settings of a project: `[tool.dslc]` in the nearest pyproject.toml at or above a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.levels import DEFAULT, Level, Levels
from dslc.diagnostics.model import Failure
from dslc.lints.facts import NOTHING, Facts, facts_of
from dslc.reading import content

FILE = "pyproject.toml"
LONGEST = 1_000_000
MENTIONED = re.compile(r"""^\s*\[?\s*["']?tool["']?\s*(?:\.\s*["']?dslc|\]|=)""", re.MULTILINE)
"""Where TOML may hold `tool.dslc`, in a file that may say much else of other tools."""

KEYS = ("extern", "lint", *(level.value for level in Level))


def settings(folder: Path) -> tuple[str, Mapping[str, object]]:
    """The file's path, as messages show it, and its settings; none where there are no such. Raises `Failure`."""
    path = next((file for at in (folder, *folder.parents) if (file := at / FILE).is_file()), None)
    if path is None:
        return FILE, {}
    shown = os.path.relpath(path)
    try:
        text = content(path, LONGEST).decode()
        found: object = {}
        if MENTIONED.search(text):  # what reads TOML is imported only for settings
            import tomllib

            found = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise wrong(shown, f"it cannot be read ({str(error).partition(chr(10))[0]})") from error
    for key in ("tool", "dslc"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return shown, {}
    for name in found:
        if name not in KEYS:
            near = nearest(name, KEYS)
            hint = f"did you mean `{near}`?" if near else f"there are {', '.join(KEYS)}"
            raise wrong(shown, f"`[tool.dslc]` has no setting `{name}`; {hint}")
    return shown, found


def project_levels(folder: Path) -> Levels:
    """Which warnings a project allows, warns of and denies. Raises `Failure` where its lists are wrong."""
    shown, found = settings(folder)
    lists: dict[Level, list[str]] = {}
    for level in Level:
        names = found.get(level.value, [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            why = f"`{level.value}` of `[tool.dslc]` is a list of warnings such as `unused-use`"
            raise wrong(shown, why)
        lists[level] = names
    if not any(lists.values()):
        return DEFAULT
    try:
        return Levels.of(lists)
    except ValueError as error:
        raise wrong(shown, f"`[tool.dslc]`: {error}") from error


def project_facts(folder: Path) -> Facts:
    """What a project says that its programs do not hold: `[tool.dslc.lint]`. Raises `Failure` where it is wrong."""
    shown, found = settings(folder)
    given = found.get("lint", {})
    if not isinstance(given, dict):
        raise wrong(shown, "`lint` of `[tool.dslc]` is a table of facts such as `batch = 32`")
    try:
        return facts_of(given) if given else NOTHING
    except ValueError as error:
        raise wrong(shown, f"`[tool.dslc.lint]`: {error}") from error


def wrong(shown: str, why: str) -> Failure:
    """What is wrong with the settings of a file."""
    from dslc.errors import WrongSetting

    return Failure(WrongSetting(shown, why))
