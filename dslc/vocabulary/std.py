"""Where the library written in the language lives, and which of its files has which name."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_HEAD = r"(?m)^(?:(?:inline )?block|fn|let|net) (\w+)"
_USED = r"(?m)^use std\.\w+: (.*)$"


@cache
def std_folder() -> Path:
    """Where std lives: inside the installed package, else at the top of the checkout."""
    packaged = Path(__file__).parent.parent / "_stdlib"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent.parent / "stdlib"


@cache
def homes() -> dict[str, str]:
    """The names of std that need a `use`, and the file of each: `encoder` is in `std.attention`."""
    texts = {path.stem: path.read_text("utf-8") for path in sorted(std_folder().glob("*.dl"))}
    found = {name: f"std.{stem}" for stem, text in texts.items() for name in re.findall(_HEAD, text)}
    return {name: home for name, home in found.items() if name not in core()}


@cache
def core() -> frozenset[str]:
    """The names of std that every program has."""
    path = std_folder() / "core.dl"
    lines = re.findall(_USED, path.read_text("utf-8")) if path.is_file() else []
    return frozenset(name.strip() for line in lines for name in line.split(","))
