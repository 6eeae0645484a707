"""What can be written at a place, and what the call around it takes. Both read the text as it is, broken or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from lsprotocol import types as lsp

from dslc.analyse import Analysis
from dslc.bind import language
from dslc.bind.signatures import signature_of, signature_of_op
from dslc.bind.table import Signature
from dslc.diagnostics.model import Sink
from dslc.docs import docstring
from dslc.lsp.places import Lines
from dslc.names.loader import Loader
from dslc.ops.base import REGISTRY
from dslc.syntax import tree
from dslc.syntax.parser import parse
from dslc.vocabulary.std import core, homes, std_folder

_WORD: Final = re.compile(r"[A-Za-z_]\w*$")
_NAMED: Final = re.compile(r"(?:net|block|inline block|extern block|fn|let)[ \t]+\w*$")  # the name of what is new
_USE: Final = re.compile(r"^use\s+([\w.]*)(?:\s*:(.*))?$")
HEADS: Final = ("net", "block", "inline block", "fn", "let", "use", "extern block", "init")
LINES: Final = (
    "let",
    "for",
    "if",
    "elif",
    "else",
    "module",
    "param",
    "buffer",
    "const",
    "require",
    "budget",
    "init",
    "seq",
)
KINDS: Final = {
    "layer": lsp.CompletionItemKind.Class,
    "function": lsp.CompletionItemKind.Function,
    "word": lsp.CompletionItemKind.EnumMember,
    "initialiser": lsp.CompletionItemKind.Value,
}
Called = tree.Block | tree.Fn | tree.NetAlias | tree.Extern
"""Definitions that are called."""
NAMES: Final = ("parameter", "size", "let", "loop", "tensor", "module")
APPLIED: Final = ("parameter", "let", "loop", "module")
"""Kinds of names of a body, and those that may be layers."""
OWNED: Final = ("weight", "bias")
"""What is asked of a module by name."""
FAR: Final = 20_000
"""Letters before a place in which the call around it is looked for."""


@cache
def std_items() -> dict[str, tuple[str, tree.Block | tree.Fn]]:
    """The blocks and functions of std by name, with the file of each; read once."""
    found: dict[str, tuple[str, tree.Block | tree.Fn]] = {}
    for path in sorted(std_folder().glob("*.dl")):
        for item in parse(Loader().read(path), Sink()).items:
            if isinstance(item, tree.Block | tree.Fn):
                found[item.name] = (f"std.{path.stem}", item)
    return found


@cache
def of_language() -> tuple[lsp.CompletionItem, ...]:
    """Layers, functions, words and initialisers of the language, with their pages."""
    found = []
    for name in dict.fromkeys(language.names()):
        kind = language.kind_of(name) or "word"
        detail = signature_of_op(REGISTRY[name]).text if kind == "layer" else kind
        doc = docstring(REGISTRY[name]).split("\n\n")[0] if kind == "layer" else None
        found.append(_item(name, KINDS[kind], detail, doc, "2"))
    return tuple(found)


def completions(
    text: str, offset: int, analysis: Analysis | None, path: Path, lines: Lines
) -> list[lsp.CompletionItem]:
    """What can be written at an offset, what stands nearest first; a name of std brings its `use`."""
    start = text.rfind("\n", 0, offset) + 1
    before = text[start:offset]
    if ("#" in before and before.count('"') % 2 == 0) or _NAMED.match(before):
        return []
    used = _USE.match(before)
    if used is not None:
        return list(_in_use(used, path))
    found: list[lsp.CompletionItem] = []
    word = _WORD.search(before)
    head = before[: word.start()] if word is not None else before
    if head.endswith("."):
        return [_item(name, lsp.CompletionItemKind.Field, "", None, "0") for name in OWNED]
    call = call_around(text, offset - (len(word.group()) if word is not None else 0))
    if call is not None and (target := signature_called(call[0], analysis)) is not None:
        found += [
            _item(f"{slot.name}=", lsp.CompletionItemKind.Field, slot.text, None, "00")
            for slot in target.slots
            if slot.name not in call[2]
        ]
    if not head.strip():
        words = LINES if head else HEADS
        found += [_item(w, lsp.CompletionItemKind.Keyword, "", None, "3") for w in words]
    if not head and not before.startswith((" ", "\t")):
        return found
    found += _of_program(analysis, offset, head.rstrip().endswith("->"))
    known = {item.label for item in found}
    found += [item for item in of_language() if item.label not in known]
    found += list(_of_std(text, known, lines))
    return found


def _of_program(analysis: Analysis | None, offset: int, applied: bool) -> Iterator[lsp.CompletionItem]:
    """The names of the body at an offset, as it was read last, and the definitions of the file. `applied`: what is
    meant is put to a tensor.
    """
    file = None if analysis is None else analysis.tree
    if analysis is None or file is None or analysis.table is None:
        return
    here = [i for i in file.items if i.span.start <= offset]
    body = next((b for item, b in analysis.table.bodies.items() if here and item is here[-1]), None)
    names: set[str] = set()
    for symbol in body.symbols if body is not None else ():
        if symbol.name not in names and symbol.kind in (APPLIED if applied else NAMES):
            names.add(symbol.name)
            kind = lsp.CompletionItemKind.Variable
            yield _item(symbol.name, kind, symbol.kind, None, "0")
    for item in file.items:
        if isinstance(item, tree.Use):
            for name, symbol in analysis.table.imported.get(item, {}).items():
                found = symbol.item
                detail = signature_of(found).text if isinstance(found, Called) else item.path
                yield _item(name, lsp.CompletionItemKind.Class, detail, symbol.doc or None, "1")
        elif isinstance(item, Called) and item.name not in names:
            kind = lsp.CompletionItemKind.Function if isinstance(item, tree.Fn) else lsp.CompletionItemKind.Class
            yield _item(item.name, kind, signature_of(item).text, item.doc or None, "1")
        elif isinstance(item, tree.LetItem):
            yield _item(item.target.name, lsp.CompletionItemKind.Constant, "let", None, "1")


def _of_std(text: str, known: set[str], lines: Lines) -> Iterator[lsp.CompletionItem]:
    for name, (module, item) in std_items().items():
        if name in known or name.startswith("_"):
            continue
        kind = lsp.CompletionItemKind.Function if isinstance(item, tree.Fn) else lsp.CompletionItemKind.Class
        made = _item(name, kind, signature_of(item).text, item.doc or None, "4")
        if name not in core():
            made.additional_text_edits = [use_edit(text, module, name, lines)]
            made.label_details = lsp.CompletionItemLabelDetails(description=module)
        yield made


def use_edit(text: str, module: str, name: str, lines: Lines) -> lsp.TextEdit:
    """The change that lets a program use a name of std: in the `use` line of its file, or a new one."""
    line = re.search(rf"^use[ \t]+{re.escape(module)}[ \t]*:[^\n#]*?(?=[ \t]*(?:#|$))", text, re.MULTILINE)
    if line is not None:
        return lsp.TextEdit(lines.range(line.end(), line.end()), f", {name}")
    uses = list(re.finditer(r"^use[ \t][^\n]*\n", text, re.MULTILINE))
    if uses:
        return lsp.TextEdit(lines.range(uses[-1].end(), uses[-1].end()), f"use {module}: {name}\n")
    head = re.match(r"(?:#(?!#)[^\n]*\n)*\n*", text)  # below what the file says of itself
    at = head.end() if head is not None else 0
    return lsp.TextEdit(lines.range(at, at), f"use {module}: {name}\n\n")


def _in_use(used: re.Match[str], path: Path) -> Iterator[lsp.CompletionItem]:
    module, names = used.groups()
    if names is None:
        for found in sorted({*homes().values()}):
            yield _item(found, lsp.CompletionItemKind.Module, "", None, "0")
        return
    given = set(re.findall(r"\w+", names[: names.rfind(",") + 1]))
    for name, (home, item) in std_items().items():
        if home == module and name not in given and not name.startswith("_"):
            yield _item(name, lsp.CompletionItemKind.Class, signature_of(item).text, item.doc or None, "0")


def _item(name: str, kind: lsp.CompletionItemKind, detail: str, doc: str | None, rank: str) -> lsp.CompletionItem:
    return lsp.CompletionItem(
        label=name,
        kind=kind,
        detail=detail or None,
        documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, doc) if doc else None,
        sort_text=rank + name,
    )


# ---- the call around a place


def call_around(text: str, offset: int) -> tuple[str, int, set[str], str] | None:
    """The call whose brackets are open at an offset: what is called, the number of commas since, the arguments named
    so far, and the name of the one that is being written.
    """
    depth = commas = 0
    at = offset - 1
    least = max(0, offset - FAR)
    while at >= least:
        letter = text[at]
        if letter in ")]}":
            depth += 1
        elif letter in "([{":
            if depth == 0:
                called = re.search(r"([A-Za-z_]\w*)\s*$", text[max(0, at - 100) : at]) if letter == "(" else None
                if called is None:
                    commas = 0  # inside of a list: an argument of the call around it
                    at -= 1
                    continue
                inside = text[at + 1 : offset]
                current = re.search(r"(?:^|,)\s*([A-Za-z_]\w*)\s*=(?!=)[^,]*$", inside)
                named = set(re.findall(r"(?:^|,)\s*([A-Za-z_]\w*)\s*=(?!=)", inside))
                return called.group(1), commas, named, current.group(1) if current is not None else ""
            depth -= 1
        elif letter == "," and depth == 0:
            commas += 1
        elif letter == "\n" and depth == 0 and re.match(r"(net|block|inline|fn|let|use)\b", text[at + 1 : at + 8]):
            return None
        at -= 1
    return None


def signature_called(name: str, analysis: Analysis | None) -> Signature | None:
    """What a name that is called takes."""
    file = None if analysis is None else analysis.tree
    for item in file.items if file is not None else ():
        if isinstance(item, Called) and item.name == name:
            return signature_of(item)
    table = None if analysis is None else analysis.table
    for names in table.imported.values() if table is not None else ():
        symbol = names.get(name)
        if symbol is not None and isinstance(symbol.item, Called):
            return signature_of(symbol.item)
    if name in REGISTRY and name not in language.UNNAMED:
        return signature_of_op(REGISTRY[name])
    std = std_items().get(name)
    return None if std is None else signature_of(std[1])


def signature_help(text: str, offset: int, analysis: Analysis | None) -> lsp.SignatureHelp | None:
    """What the call around an offset takes, and which parameter is being written."""
    call = call_around(text, offset)
    if call is None or (target := signature_called(call[0], analysis)) is None:
        return None
    name, commas, named, current = call
    shown = [slot for slot in target.slots if slot.text]
    label = target.text
    parameters = [lsp.ParameterInformation(slot.text) for slot in shown]
    names = [slot.name for slot in shown]
    free = [n for n in target.by_position if n not in named]
    wanted = current or (free[commas - len(named)] if 0 <= commas - len(named) < len(free) else "")
    doc = docstring(REGISTRY[name]).split("\n\n")[0] if target.kind == "op" else target.item.doc if target.item else ""
    tensors = target.most is None and target.kind == "block" and not current  # what comes first may be any number
    active = names.index(wanted) if wanted in names and not tensors else None
    return lsp.SignatureHelp(
        [lsp.SignatureInformation(label, lsp.MarkupContent(lsp.MarkupKind.Markdown, doc) if doc else None, parameters)],
        active_signature=0,
        active_parameter=active,
    )
