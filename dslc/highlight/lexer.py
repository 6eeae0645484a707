"""The Pygments lexer of programs, registered as `dl`: Sphinx, Jupyter and whatever else asks Pygments have it.

All rules are data (rules.json), which `python -m dslc.reference` writes from the grammar and the op registry. What a
text of the language cannot hold is `Generic.Error`, not `Error`: a page may show a program that is wrong.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups
from pygments.token import string_to_tokentype

RULES = Path(__file__).with_name("rules.json")


def _kind(tokens: list[str]) -> Any:
    """What Pygments calls a match: one type of token, or one for each group."""
    types = [string_to_tokentype(token) for token in tokens]
    return types[0] if len(types) == 1 else bygroups(*types)


def _states(data: dict[str, Any]) -> dict[str, list[Any]]:
    """The states of the lexer: the outermost context, and one for each region, which its end closes before all else."""
    tokens = {kind: token for kind, (_, token) in data["kinds"].items()}

    def rules(context: str) -> list[Any]:
        made: list[Any] = []
        for rule in data["contexts"][context]:
            if "region" in rule:
                begin = data["regions"][rule["region"]]
                made.append((begin["begin"], _kind([tokens[begin["mark"]]]), rule["region"]))
            else:
                made.append((rule["match"], _kind([tokens[kind] for kind in rule["kinds"]])))
        return made

    states = {"root": [*rules("code"), (r"\n", string_to_tokentype("Text.Whitespace"))]}
    for name, region in data["regions"].items():
        end = (region["end"], _kind([tokens[region["mark"]]]), "#pop")
        states[name] = [end, *rules(region["inside"]), (r"(?s).", _kind([tokens[region["kind"]]]))]
    return states


class DslcLexer(RegexLexer):  # type: ignore[misc]  # Pygments has no types
    """Programs of dslc."""

    name = "dslc"
    aliases: ClassVar[list[str]] = ["dl", "dslc"]
    filenames: ClassVar[list[str]] = ["*.dl"]
    mimetypes: ClassVar[list[str]] = ["text/x-dslc"]
    tokens: ClassVar[dict[str, list[Any]]] = _states(json.loads(RULES.read_text(encoding="utf-8")))
