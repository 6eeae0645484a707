"""docs/coming-from.md: what PyTorch, Keras and TensorFlow call things, and what each is here, from the vocabulary."""

from __future__ import annotations

from pathlib import Path

from dslc.vocabulary.table import Entry, entries

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "coming-from.md"
TITLES = {
    "nn": "torch.nn",
    "F": "torch.nn.functional",
    "torch": "torch",
    "Tensor": "Methods of a tensor",
    "keras": "keras.layers",
    "tf": "TensorFlow",
    "plain": "Other words",
}
HEAD = """# Coming from PyTorch, Keras or TensorFlow

What layers and functions are called there, and what they are here. A program that uses the names on the left is told
what it is here, and where that can be said exactly, `dslc check --fix` writes it so. This page is written by
`python -m dslc.reference` from grammar/vocabulary.toml, which the compiler reads to explain a mistake.
"""


def coming_text() -> str:
    """The page."""
    parts = [HEAD]
    for source, title in TITLES.items():
        rows = [f"| `{name}` | {_here(entry)} |" for name, entry in sorted(entries()[source].items())]
        parts.append("\n".join([f"## {title}\n", "| there | here |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _here(entry: Entry) -> str:
    if entry.note:
        return entry.note.replace("|", "\\|")
    return f"`{entry.here}`" if entry.here else "the same"


def write() -> None:
    """Write the page."""
    PAGE.write_text(coming_text(), encoding="utf-8")
