"""The words of every program here as the Pygments lexer has them, as JSON on stdout: `{path: [[token, text], ..]}`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dslc.highlight.lexer import DslcLexer

ROOT = Path(__file__).resolve().parents[3]


def words() -> dict[str, list[tuple[str, str]]]:
    lexer = DslcLexer(stripnl=False, ensurenl=False)
    found = {}
    for folder in ("examples", "stdlib", "tests"):
        for path in sorted((ROOT / folder).rglob("*.dl")):
            try:
                text = path.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                continue
            if "\r" in text or "\ufeff" in text:  # editors keep what Pygments takes off
                continue
            tokens = lexer.get_tokens(text)
            found[str(path.relative_to(ROOT))] = [(str(token).removeprefix("Token."), word) for token, word in tokens]
    return found


json.dump(words(), sys.stdout)
