"""The registry of mistakes by code, what each code means, and the search for near names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

from dslc.docs import docstring

if TYPE_CHECKING:
    from dslc.diagnostics.model import Mistake

REGISTRY: dict[str, type[Mistake]] = {}

SWITCHES: dict[str, type[Mistake]] = {}
"""Warnings and notes by the name that users switch them with."""

SWITCH = re.compile(r"[a-z]+(-[a-z0-9]+)*")
"""What such a name looks like: `unused-use`."""

PACKAGE = Path(__file__).resolve().parent.parent
DEFINES = r'(?m)^class \w+\([^)]*\bcode="(?P<code>[A-Z]\d{4})"(?:,\s*name="(?P<name>[^"]+)")?'
"""The head of a class that defines a code, with the name of a warning."""

GROUPS = ("warnings", "notes")
"""Names that stand for all warnings, all notes."""


def register(mistake: type[Mistake]) -> None:
    """Called for each subclass of `Mistake` that has a code; a code names one class, and so does a warning's name."""
    code, name = mistake.code, mistake.switch
    for known in (REGISTRY.get(code), SWITCHES.get(name)):
        if known is not None and known.__qualname__ != mistake.__qualname__:
            shared = code if known.code == code else name
            raise TypeError(f"{shared} is both {known.__qualname__} and {mistake.__qualname__}")
    if code.startswith("E") is bool(name):
        raise TypeError(f"{code} of {mistake.__qualname__}: a warning or note has a `name`, and an error has none")
    if name:
        if not SWITCH.fullmatch(name) or name in GROUPS:
            raise TypeError(f"{code} of {mistake.__qualname__}: `{name}` is not a name such as `unused-use`")
        SWITCHES[name] = mistake
    REGISTRY[code] = mistake


class UnknownSwitch(ValueError):
    """A name or code that switches no warning: `error` if it is one of an error, `near` the warning most like it."""

    def __init__(self, name: str, error: bool, near: str | None) -> None:
        hint = f"; did you mean `{near}`?" if near else "; `dslc explain` lists them"
        why = "is an error, which is always told" if error else f"is no warning's name or code{hint}"
        super().__init__(f"`{name}` {why}")
        self.name, self.error, self.near = name, error, near


def switch_of(text: str) -> str:
    """The name of the warning that a name or code means. Raises `UnknownSwitch`."""
    if text in SWITCHES:
        return text
    code = normal_code(text)
    if code in REGISTRY and REGISTRY[code].switch:
        return REGISTRY[code].switch
    known = defined()
    if text in known.values():
        return text
    if known.get(code):
        return known[code]
    raise UnknownSwitch(text, code in known, nearest(text, filter(None, known.values())))


@cache
def defined() -> dict[str, str]:
    """All codes of the compiler with the names of its warnings, from its text: modules register theirs late."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for match in re.finditer(DEFINES, path.read_text(encoding="utf-8")):
            found[match["code"]] = match["name"] or ""
    return found


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is most likely a slip of: none rather than a wrong one.

    A letter too many, too few, another, or two that changed places is one slip. A name of 3 letters may have one,
    one of 10 two and one of 16 three; where there are several, the first letter is right. Of names as near, one whose
    letters were only doubled (`rellu`) or changed places goes first, then one of the same length. Where that leaves
    several for a name of at most 4 letters, none is likelier.
    """
    return _nearest(name, tuple(known))


@lru_cache(256)  # a loop may meet one mistake in each of its turns
def _nearest(name: str, names: tuple[str, ...]) -> str | None:
    lower = name.lower()
    folded = {n.lower(): n for n in reversed(names)}
    if lower in folded:
        return folded[lower]
    most = sum(len(lower) >= letters for letters in (3, 10, 16))
    best: tuple[int, bool, bool, bool, int] | None = None
    found = None
    alone = True
    once, letters = _once(lower), sorted(lower)
    for key, shown in reversed(folded.items()):
        if abs(len(key) - len(lower)) > most or len(key) < 2:
            continue
        slips = distance(lower, key, most)
        other = key[0] != lower[0]
        if slips > most or (other and (slips > 1 or len(lower) < 4)):
            continue
        rank = (slips, other, _once(key) != once, sorted(key) != letters, abs(len(key) - len(lower)))
        if best is None or rank < best:
            best, found, alone = rank, shown, True
        elif rank == best:
            alone = False
    return found if alone or len(lower) > 4 else None


def slip_of(name: str, known: Iterable[str]) -> str | None:
    """The known name that is surely meant by `name`: in other letters, or one slip away and alone there."""
    lower, names = name.lower(), tuple(known)
    same = [other for other in names if other.lower() == lower]
    near = same or [n for n in names if len(lower) > 3 and distance(lower, n.lower(), 1) <= 1]
    return near[0] if len(near) == 1 else None


def _once(text: str) -> str:
    """A text with each letter that stands twice or more in a row written once."""
    return re.sub(r"(.)\1+", r"\1", text)


def distance(a: str, b: str, most: int) -> int:
    """Slips between two texts, counted no further than `most + 1`: Damerau's, by optimal string alignment."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a):
        above, before, row = before, row, [i + 1]
        for j, other in enumerate(b):
            cost = min(before[j] + (letter != other), before[j + 1] + 1, row[j] + 1)
            if i and j and letter == b[j - 1] and a[i - 1] == other:
                cost = min(cost, above[j - 1] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


def normal_code(text: str) -> str:
    """A code as registered: `e304`, `304` and `E0304` are one."""
    digits = text.strip().lstrip("eEwWnN")
    letter = text.strip()[:1].upper() if text.strip()[:1].isalpha() else "E"
    return f"{letter}{digits.zfill(4)}" if digits.isdigit() else text.strip().upper()


def near_codes(code: str) -> list[str]:
    """Registered codes most like an unknown one, at most three."""
    from difflib import get_close_matches  # for an unknown code alone

    return get_close_matches(normal_code(code), sorted(REGISTRY), n=3, cutoff=0.6)


def explain(code: str) -> str:
    """What a code means, as Markdown: its title, why it happens, a failing example and a mended one.

    Reads the registry as it is; whoever wants every code imports the modules that define them before.
    A KeyError for a code that is not registered.
    """
    mistake = REGISTRY[normal_code(code)]
    title, _, rest = cleandoc(docstring(mistake)).partition("\n\n")
    title = " ".join(title.split())
    shown = "This fails:" if mistake.severity.value == "error" else "This is told of:"
    body = rest.strip().replace("```dl fails", f"{shown}\n\n```dl", 1)
    before, fence, after = body.rpartition("\n```dl\n")
    if fence and shown in before:
        body = f"{before}\nThis works:\n{fence}{after}"
    return f"# {mistake.code}: {title.rstrip('.')}\n\n{body}\n"
