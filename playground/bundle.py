"""The compiler as one archive for the page: `python bundle.py FILE`. What a page cannot use is left out."""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"dslc": ("*.py", "*.json", "*.tables"), "grammar": ("*",), "stdlib": ("*.dl",), "examples": ("*.dl",)}
LEFT_OUT = ("cli", "lsp", "reference", "playground/site")
"""Folders of dslc for the command line, editors and documents."""


def main(target: str) -> None:
    """Writes the archive; the same files give the same bytes."""
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for folder, patterns in FOLDERS.items():
            for path in sorted({path for pattern in patterns for path in (ROOT / folder).rglob(pattern)}):
                if path.is_file() and not any(path.is_relative_to(ROOT / "dslc" / name) for name in LEFT_OUT):
                    info = ZipInfo(path.relative_to(ROOT).as_posix(), (2020, 1, 1, 0, 0, 0))
                    info.compress_type = ZIP_DEFLATED
                    archive.writestr(info, path.read_bytes())


main(sys.argv[1])
