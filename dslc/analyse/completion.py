"""What can be written at a place of a program, and what the call around it takes, for editors and the playground.

Both read the text as it is, broken or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, Literal

from dslc.bind import language
from dslc.bind.signatures import signature_of, signature_of_op
from dslc.bind.table import Signature, Table
from dslc.diagnostics.model import Sink
from dslc.docs import docstring
from dslc.names.loader import Loader
from dslc.names.resolve import Program
from dslc.ops.base import REGISTRY
from dslc.record import frozen
from dslc.syntax import tree
from dslc.syntax.parser import parse
from dslc.vocabulary.std import core, homes, std_folder

Kind = Literal[
    "layer", "function", "word", "initialiser", "keyword", "argument", "variable", "constant", "module", "element type"
]

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
Called = tree.Block | tree.Fn | tree.NetAlias | tree.Extern
"""Definitions that are called."""
NAMES: Final = ("parameter", "size", "let", "loop", "tensor", "module")
APPLIED: Final = ("parameter", "let", "loop", "module")
"""Kinds of names of a body, and those that may be layers."""
OWNED: Final = ("weight", "bias")
"""What is asked of a module by name."""
FAR: Final = 20_000
"""Letters before a place in which the call around it is looked for."""


@frozen
class Word:
    """Something that can be written: `detail` is its signature or kind, `doc` what it is, `rank` how near it stands
    (0: an argument of the call around it). `use` is the change that a name of std needs, from `home`: where, and what.
    """

    name: str
    kind: Kind
    detail: str = ""
    doc: str = ""
    rank: int = 0
    home: str = ""
    use: tuple[int, str] | None = None


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
def of_language() -> tuple[Word, ...]:
    """Layers, functions, words and initialisers of the language, with their pages."""
    found = []
    for name in dict.fromkeys(language.names()):
        kind: Kind = language.kind_of(name) or "word"
        detail = signature_of_op(REGISTRY[name]).text if kind == "layer" else kind
        doc = docstring(REGISTRY[name]).split("\n\n")[0] if kind == "layer" else ""
        found.append(Word(name, kind, detail, doc, 3))
    return tuple(found)


def words(text: str, offset: int, program: Program | None) -> list[Word]:
    """What can be written at an offset; a name of std brings its `use`. `program`: the text, as it was read last."""
    start = text.rfind("\n", 0, offset) + 1
    before = text[start:offset]
    if ("#" in before and before.count('"') % 2 == 0) or _NAMED.match(before):
        return []
    used = _USE.match(before)
    if used is not None:
        return list(_in_use(used))
    found: list[Word] = []
    word = _WORD.search(before)
    head = before[: word.start()] if word is not None else before
    if head.endswith("."):
        return [Word(name, "argument") for name in OWNED]
    call = call_around(text, offset - (len(word.group()) if word is not None else 0))
    if call is not None and (target := signature_called(call[0], program)) is not None:
        found += [Word(f"{slot.name}=", "argument", slot.text) for slot in target.slots if slot.name not in call[2]]
    if not head.strip():
        found += [Word(each, "keyword", rank=4) for each in (LINES if head else HEADS)]
    if not head and not before.startswith((" ", "\t")):
        return found
    found += _of_program(program, offset, head.rstrip().endswith("->"))
    known = {each.name for each in found}
    found += [each for each in of_language() if each.name not in known]
    found += list(_of_std(text, known))
    return found


def _of_program(program: Program | None, offset: int, applied: bool) -> Iterator[Word]:
    """The names of the body at an offset, as it was read last, and the definitions of the file. `applied`: what is
    meant is put to a tensor.
    """
    if program is None or program.main is None or program.table is None:
        return
    file = program.main.tree
    names: set[str] = set()
    for symbol in _symbols(file, program.table, offset):
        if symbol[0] not in names and symbol[1] in (APPLIED if applied else NAMES):
            names.add(symbol[0])
            yield Word(symbol[0], "variable", symbol[1], rank=1)
    for item in file.items:
        if isinstance(item, tree.Use):
            for name, imported in program.table.imported.get(item, {}).items():
                found = imported.item
                detail = signature_of(found).text if isinstance(found, Called) else item.path
                yield Word(name, "layer", detail, imported.doc, 2)
        elif isinstance(item, Called) and item.name not in names:
            kind: Kind = "function" if isinstance(item, tree.Fn) else "layer"
            yield Word(item.name, kind, signature_of(item).text, item.doc, 2)
        elif isinstance(item, tree.LetItem):
            yield Word(item.target.name, "constant", "let", rank=2)


def _symbols(file: tree.File, table: Table | None, offset: int) -> Iterator[tuple[str, str]]:
    """Names and kinds of the body of the definition that stands at an offset, or before it."""
    here = [item for item in file.items if item.span.start <= offset]
    body = next((b for item, b in table.bodies.items() if here and item is here[-1]), None) if table else None
    yield from ((symbol.name, symbol.kind) for symbol in body.symbols) if body is not None else ()


def _of_std(text: str, known: set[str]) -> Iterator[Word]:
    for name, (module, item) in std_items().items():
        if name in known or name.startswith("_"):
            continue
        kind: Kind = "function" if isinstance(item, tree.Fn) else "layer"
        brought = ("", None) if name in core() else (module, use_edit(text, module, name))
        yield Word(name, kind, signature_of(item).text, item.doc, 5, *brought)


def use_edit(text: str, module: str, name: str) -> tuple[int, str]:
    """The change that lets a program use a name of std: in the `use` line of its file, or a new one."""
    line = re.search(rf"^use[ \t]+{re.escape(module)}[ \t]*:[^\n#]*?(?=[ \t]*(?:#|$))", text, re.MULTILINE)
    if line is not None:
        return line.end(), f", {name}"
    uses = list(re.finditer(r"^use[ \t][^\n]*\n", text, re.MULTILINE))
    if uses:
        return uses[-1].end(), f"use {module}: {name}\n"
    head = re.match(r"(?:#(?!#)[^\n]*\n)*\n*", text)  # below what the file says of itself
    return head.end() if head is not None else 0, f"use {module}: {name}\n\n"


def _in_use(used: re.Match[str]) -> Iterator[Word]:
    module, names = used.groups()
    if names is None:
        yield from (Word(found, "module") for found in sorted({*homes().values()}))
        return
    given = set(re.findall(r"\w+", names[: names.rfind(",") + 1]))
    for name, (home, item) in std_items().items():
        if home == module and name not in given and not name.startswith("_"):
            yield Word(name, "layer", signature_of(item).text, item.doc)


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


def signature_called(name: str, program: Program | None) -> Signature | None:
    """What a name that is called takes."""
    for item in program.main.tree.items if program is not None and program.main is not None else ():
        if isinstance(item, Called) and item.name == name:
            return signature_of(item)
    table = None if program is None else program.table
    for names in table.imported.values() if table is not None else ():
        symbol = names.get(name)
        if symbol is not None and isinstance(symbol.item, Called):
            return signature_of(symbol.item)
    if name in REGISTRY and name not in language.UNNAMED:
        return signature_of_op(REGISTRY[name])
    std = std_items().get(name)
    return None if std is None else signature_of(std[1])
