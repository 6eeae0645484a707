"""How a piece of the user's text is shown in a message."""

from __future__ import annotations

_LONGEST = 40


def quoted(text: str) -> str:
    """In code marks, on one line, and not too long."""
    line = " ".join(text.split()) if "\n" in text else text
    return f"`{line}`" if len(line) <= _LONGEST else f"`{line[: _LONGEST - 3]}...`"
