"""How programs are coloured: one table of rules, as data for the Pygments lexer and as a TextMate grammar for editors.

Patterns of numbers and names are the grammar's own, layers are those of the op registry, and each keyword of the
grammar has to be in one group here, so that a new one cannot be left without a colour.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from dslc.bind import language
from dslc.names.headers import PARAMETER_TYPES
from dslc.ops.initialisers import INITIALISERS
from dslc.syntax.shipped import load_tables
from dslc.types.tensor import DType
from dslc.values.arithmetic import ARITY

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "dslc" / "highlight" / "rules.json"
GRAMMAR = ROOT / "editors" / "vscode" / "syntaxes" / "dl.tmLanguage.json"

KEYWORDS: Final = {
    "definition": "block inline net extern fn",
    "import": "use as",
    "control": "if elif else for in on when",
    "statement": "let module param buffer const require budget",
    "operator word": "and or not",
    "constant": "true false none training",
    "it": "it seq",
}
"""The keywords of the grammar by what they are."""

KINDS: Final = {
    "definition": ("keyword.declaration.dl", "Keyword.Declaration"),
    "import": ("keyword.control.import.dl", "Keyword.Namespace"),
    "control": ("keyword.control.dl", "Keyword"),
    "statement": ("keyword.other.dl", "Keyword"),
    "operator word": ("keyword.operator.wordlike.dl", "Operator.Word"),
    "constant": ("constant.language.dl", "Keyword.Constant"),
    "it": ("variable.language.dl", "Name.Builtin.Pseudo"),
    "defined": ("entity.name.function.dl", "Name.Class"),
    "module": ("entity.name.namespace.dl", "Name.Namespace"),
    "label": ("entity.name.label.dl", "Name.Label"),
    "layer": ("support.function.layer.dl", "Name.Builtin"),
    "function": ("support.function.dl", "Name.Function"),
    "called": ("entity.name.function.call.dl", "Name.Function"),
    "initialiser": ("support.function.initialiser.dl", "Name.Builtin"),
    "type": ("support.type.dl", "Keyword.Type"),
    "word": ("support.constant.dl", "Name.Constant"),
    "size": ("variable.other.size.dl", "Name.Constant"),
    "argument": ("variable.parameter.dl", "Name.Attribute"),
    "member": ("variable.other.member.dl", "Name.Property"),
    "name": ("variable.other.dl", "Name"),
    "number": ("constant.numeric.dl", "Number"),
    "sides": ("constant.numeric.size.dl", "Number"),
    "text": ("string.quoted.double.dl", "String.Double"),
    "escape": ("constant.character.escape.dl", "String.Escape"),
    "ticked": ("string.other.name.dl", "Name.Label"),
    "filled in": ("meta.embedded.line.dl", "Name"),
    "brace": ("punctuation.section.embedded.dl", "String.Interpol"),
    "documentation": ("comment.line.documentation.dl", "String.Doc"),
    "code": ("markup.inline.raw.dl", "String.Backtick"),
    "comment": ("comment.line.number-sign.dl", "Comment.Single"),
    "directive": ("keyword.control.directive.dl", "Name.Decorator"),
    "switch": ("support.constant.directive.dl", "Name.Constant"),
    "arrow": ("keyword.operator.arrow.dl", "Operator"),
    "branch": ("keyword.operator.branch.dl", "Operator"),
    "operator": ("keyword.operator.dl", "Operator"),
    "punctuation": ("punctuation.dl", "Punctuation"),
    "space": ("text.whitespace.dl", "Text.Whitespace"),
    "wrong": ("invalid.illegal.dl", "Generic.Error"),
}
"""Each kind of word: its scope in an editor, and what Pygments calls it."""

PUNCTUATION: Final = "( ) [ ] , : ."


def _words(words: Any, unless: str = "") -> str:
    """Whole words, the longest first."""
    return rf"\b(?:{'|'.join(sorted(words, key=lambda word: (-len(word), word)))})\b{unless}"


def _match(pattern: str, *kinds: str) -> dict[str, Any]:
    return {"match": pattern, "kinds": list(kinds)}


def _keywords(words: dict[str, str]) -> list[dict[str, Any]]:
    """A rule for each group. A ValueError names keywords of the grammar in no group, or groups' words that are none."""
    grouped = [word for group in KEYWORDS.values() for word in group.split()]
    if sorted(grouped) != sorted(words):
        raise ValueError(f"keywords in no group, in two, or none: {sorted(set(grouped) ^ set(words)) or grouped}")
    return [_match(_words(group.split()), kind) for kind, group in KEYWORDS.items()]


def rules() -> dict[str, Any]:
    """The table: `kinds`, `regions` (from a mark to a mark) and `contexts` (rules in order of trial)."""
    tables = load_tables()
    patterns = dict(tables.patterns)
    name, gap = patterns["NAME"], "[ ]+"
    symbols = [text for text in tables.words if text not in tables.keywords and text not in ("->", "|")]
    marks = [text for text in symbols if text not in PUNCTUATION.split()]
    operators = "|".join(re.escape(text) for text in sorted(marks, key=lambda text: (-len(text), text)))
    layers = {word for word in language.names() if language.kind_of(word) == "layer"}
    types = {*PARAMETER_TYPES, *(dtype.value for dtype in DType)}
    typed = rf"[ ]*[\[(]*(?:{'|'.join(sorted(types))})\b"
    code = [
        {"region": "documentation"},
        _match(
            r"(#+)([ ]*)(dslc:)([ ]*)(allow-file|allow)([ ]*)(\()([^()\n]*)(\))",
            *("comment", "comment", "directive", "comment", "directive", "comment", "comment", "switch", "comment"),
        ),
        _match(r"#[^\n]*", "comment"),
        {"region": "text"},
        {"region": "ticked"},
        _match(patterns["SIZE"], "sides"),
        _match(patterns["NUMBER"], "number"),
        _match(rf"\b(inline|extern)({gap})(block)({gap})({name})", *("definition", "space") * 2, "defined"),
        _match(rf"\b(block|net|fn)({gap})({name})", "definition", "space", "defined"),
        _match(rf"\b(use)({gap})({name}(?:\.{name})*)", "import", "space", "module"),
        _match(rf"\b(as)({gap})(?!seq\b)({name})", "import", "space", "label"),
        _match(rf"^([ ]*)(init)(?={gap}{name})", "space", "statement"),
        _match(rf"^([ ]+)(?!(?:{'|'.join(sorted(tables.keywords))})\b)({name})(?=:(?!{typed}))", "space", "called"),
        *_keywords(tables.keywords),
        _match(r"\b[A-Z][A-Z0-9_]*\b(?![ ]*\()", "size"),
        _match(rf"{name}(?==(?!=)|[?]?:{typed})", "argument"),
        _match(_words(ARITY, r"(?=[ ]*\()"), "function"),
        _match(_words(types), "type"),
        _match(_words(layers), "layer"),
        _match(_words(INITIALISERS), "initialiser"),
        _match(_words(language.WORDS), "word"),
        _match(rf"{name}(?=\()", "called"),
        _match(name, "name"),
        _match(r"->", "arrow"),
        _match(r"\|", "branch"),
        _match(rf"(\.)({name})", "punctuation", "member"),
        _match(operators, "operator"),
        _match("|".join(re.escape(text) for text in PUNCTUATION.split()), "punctuation"),
        _match(r"[ \r]+", "space"),
        _match(r"[^\n]", "wrong"),
    ]
    regions = {
        "documentation": _region("##", "$", "documentation", "documentation"),
        "text": _region('"', '"|$', "text", "text"),
        "ticked": _region("`", "`|$", "ticked", "ticked"),
        "filled in": _region(r"\{", r'\}|(?=["`]|$)', "filled in", "code", mark="brace"),
    }
    contexts = {
        "code": code,
        "documentation": [_match(r"`[^`\n]*`", "code"), _match(r"[^`\n]+", "documentation")],
        "text": [_match(r"\\[^\n]", "escape"), {"region": "filled in"}, _match(r'[^"\\{\n]+', "text")],
        "ticked": [{"region": "filled in"}, _match(r"[^`{\n]+", "ticked")],
    }
    return {"kinds": {kind: list(names) for kind, names in KINDS.items()}, "regions": regions, "contexts": contexts}


def _region(begin: str, end: str, kind: str, inside: str, mark: str = "") -> dict[str, str]:
    """What stands between two marks, itself and the marks of one kind unless `mark` is another."""
    return {"begin": begin, "end": end, "kind": kind, "mark": mark or kind, "inside": inside}


def rules_text() -> str:
    """The file of the table."""
    return json.dumps(rules(), indent=1, ensure_ascii=False) + "\n"


def grammar_text() -> str:
    """The table as a TextMate grammar, for VS Code, Sublime Text, JetBrains and others."""
    data = rules()
    scope = {kind: names[0] for kind, names in KINDS.items() if kind != "space"}

    def named(kinds: list[str]) -> dict[str, Any]:
        if len(kinds) == 1:
            return {"name": scope[kinds[0]]} if kinds[0] in scope else {}
        return {"captures": {str(i): {"name": scope[kind]} for i, kind in enumerate(kinds, 1) if kind in scope}}

    def pattern(rule: dict[str, Any]) -> dict[str, Any]:
        if "region" in rule:
            return {"include": f"#{_slug(rule['region'])}-region"}
        return {"match": rule["match"], **named(rule["kinds"])}

    repository: dict[str, Any] = {}
    for context, own in data["contexts"].items():
        kept = [rule for rule in own if rule.get("kinds") != ["space"]]
        repository[_slug(context)] = {"patterns": [pattern(rule) for rule in kept]}
    for name, region in data["regions"].items():
        marks = {"0": {"name": scope[region["mark"]]}} if region["mark"] != region["kind"] else {}
        repository[f"{_slug(name)}-region"] = {
            "name": scope[region["kind"]],
            "begin": region["begin"],
            "end": region["end"],
            **({"captures": marks} if marks else {}),
            "patterns": [{"include": f"#{_slug(region['inside'])}"}],
        }
    grammar = {
        "name": "dslc",
        "scopeName": "source.dl",
        "fileTypes": ["dl"],
        "patterns": [{"include": "#code"}],
        "repository": repository,
    }
    return json.dumps(grammar, indent=2, ensure_ascii=False) + "\n"


def _slug(name: str) -> str:
    return name.replace(" ", "-")


def write() -> None:
    """Write both."""
    RULES.write_text(rules_text(), encoding="utf-8")
    GRAMMAR.write_text(grammar_text(), encoding="utf-8")
