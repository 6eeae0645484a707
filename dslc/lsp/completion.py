"""What can be written at a place, and what the call around it takes, as the protocol has it."""

from __future__ import annotations

from typing import Final

from lsprotocol import types as lsp

from dslc.analyse.completion import Word, call_around, signature_called, words
from dslc.docs import docstring
from dslc.lsp.places import Lines
from dslc.names.resolve import Program
from dslc.ops.base import REGISTRY

KINDS: Final = {
    "layer": lsp.CompletionItemKind.Class,
    "function": lsp.CompletionItemKind.Function,
    "word": lsp.CompletionItemKind.EnumMember,
    "initialiser": lsp.CompletionItemKind.Value,
    "keyword": lsp.CompletionItemKind.Keyword,
    "argument": lsp.CompletionItemKind.Field,
    "variable": lsp.CompletionItemKind.Variable,
    "constant": lsp.CompletionItemKind.Constant,
    "module": lsp.CompletionItemKind.Module,
    "element type": lsp.CompletionItemKind.EnumMember,
}


def completions(text: str, offset: int, program: Program | None, lines: Lines) -> list[lsp.CompletionItem]:
    """What can be written at an offset, what stands nearest first; a name of std brings its `use`."""
    return [_item(word, lines) for word in words(text, offset, program)]


def _item(word: Word, lines: Lines) -> lsp.CompletionItem:
    item = lsp.CompletionItem(
        label=word.name,
        kind=KINDS[word.kind],
        detail=word.detail or None,
        documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, word.doc) if word.doc else None,
        sort_text=f"{word.rank}{word.name}",
    )
    if word.use is not None:
        at, added = word.use
        item.additional_text_edits = [lsp.TextEdit(lines.range(at, at), added)]
        item.label_details = lsp.CompletionItemLabelDetails(description=word.home)
    return item


def signature_help(text: str, offset: int, program: Program | None) -> lsp.SignatureHelp | None:
    """What the call around an offset takes, and which parameter is being written."""
    call = call_around(text, offset)
    if call is None or (target := signature_called(call[0], program)) is None:
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
