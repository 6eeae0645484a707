"""docs/layers.md: every layer with what its example costs, and every part of stdlib/ with a picture besides.

An op's docstring and a part's `##` comment are their entries, headers are their signatures, and the numbers are
those of the analyses, so the page cannot fall behind the code. Pictures are drawn from the compiled examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from inspect import cleandoc, getdoc
from pathlib import Path

from dslc.api import compile_model
from dslc.diagnostics.model import Sink
from dslc.docs import docstring
from dslc.ops.base import REGISTRY, Attr, Op
from dslc.ops.identity import Identity
from dslc.record import frozen
from dslc.reference.costs import op_costs, part_costs
from dslc.reference.examples import EXAMPLES
from dslc.reports.picture import fitting_depth
from dslc.reports.svg import picture
from dslc.source import Source
from dslc.syntax import tree
from dslc.syntax.format.program import format_source
from dslc.syntax.parser import parse
from dslc.types.tensor import DType

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "layers.md"
PICTURES = ROOT / "docs" / "pictures"
BARE = ("half", "valid", "same_tf", "auto")
MOST_BOXES = 40
"""Boxes of a picture on the page; parts are closed where there would be more."""

HEAD = """\
# Layers

The layers that are built in, by family, then the parts made of them in `stdlib/`. [The language](language.md) says how
layers are put together.

A signature shows what is given in brackets, with defaults; arguments after `*` go by name only, `*sizes` takes any
number of them, and `**sizes` any number with names of your own. Tensors come from the chain, or stand first in the
brackets.

Under each example is what it costs, one sample at the example's sizes ([what the numbers mean](numbers.md)). For a
layer these are its own numbers; *field* is what one place of its result sees of the input; *memory* says where the
result lies: in a new buffer, in place (over an input that nothing reads later), in the input's own; *kept* is what
PyTorch keeps for the backward pass. For a part they are those of the whole example: *memory* is that of all buffers of
one run, *kept* all that training keeps. `dslc stats` and `dslc picture` say the same of your own networks.

This page and its pictures are written by `python -m dslc.reference`.
"""


@frozen
class Entry:
    """A heading of the page, its text, and the picture that it shows, if any."""

    title: str
    text: str
    picture: str | None = None

    @property
    def anchor(self) -> str:
        """What GitHub makes of a heading: lower case, spaces as hyphens, no other signs."""
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")


# ---- ops


def load_ops() -> dict[str, list[type[Op]]]:
    """All ops by the module that defines them, in the order of its text."""
    families: dict[str, list[type[Op]]] = {}
    for cls in REGISTRY.values():
        if cls.__module__.startswith("dslc.ops."):
            families.setdefault(cls.__module__, []).append(cls)
    return dict(sorted(families.items()))


def signature(cls: type[Op]) -> str:
    """`conv(out: int, k: size, s: size = 1, *, bias = auto)`."""
    texts: list[str] = []
    for attr in cls.attributes.values():
        if attr.keyword and "*" not in texts:
            texts.append("*")
        if attr.name in (cls.gather, cls.extra):
            texts.append(f"*{attr.name}" if attr.name == cls.gather else f"**{attr.name}")
        else:
            texts.append(attribute_text(attr))
    return f"{cls.name}({', '.join(texts)})" if texts else cls.name


def attribute_text(attr: Attr) -> str:
    """`k: size`, `s: size = 1`, `p: padding = half`."""
    text = f"{attr.name}: {attr.kind.short}"
    return text if attr.required else f"{text} = {spell(attr.default)}"


def spell(value: object) -> str:
    """A default as the language writes it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, DType):
        return value.value
    if isinstance(value, str):
        return value if value in BARE else f'"{value}"'
    return str(round(value, 12)) if isinstance(value, float) else str(value)


def op_entry(cls: type[Op]) -> Entry:
    """The entry of an op: signature, docstring with its example, and the costs of its first use there."""
    doc = cleandoc(docstring(cls))
    costs = op_costs(compile_model(op_example(cls)), cls)
    if not cls.is_layer and not issubclass(cls, Identity):
        return Entry(f"{cls.name} (operator)", f"{doc}\n\n{costs}")
    return Entry(cls.name, f"`{signature(cls)}`\n\n{doc}\n\n{costs}")


def op_example(cls: type[Op]) -> str:
    """The program in an op's docstring. Raises ValueError where there is none."""
    found = re.search(r"^```dl\n(.*?)^```$", cleandoc(docstring(cls)), re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"the docstring of `{cls.name}` has no example")
    return found[1]


# ---- parts


def load_parts() -> dict[str, tuple[str, list[tree.Block | tree.Fn]]]:
    """The parts of each file of stdlib/ under the file's name, with what its first comment says of it."""
    found = {}
    for path in sorted((ROOT / "stdlib").glob("*.dl")):
        file = parse(Source(path.name, path.read_text(encoding="utf-8")), Sink())
        parts = [item for item in file.items if isinstance(item, tree.Block | tree.Fn)]
        if parts:
            about = " ".join(comment.text.lstrip("# ") for comment in leading(file))
            found[path.stem] = (about, parts)
    return found


def leading(file: tree.File) -> Iterator[tree.Comment]:
    """The comments before anything else."""
    start = min(item.span.start for item in file.items)
    return (comment for comment in file.comments if comment.span.start < start and not comment.text.startswith("##"))


def header(part: tree.Block | tree.Fn) -> str:
    """A part's header as its file has it, on one line."""
    after: tuple[tree.Suite | tree.Expr | tree.Let, ...]
    after = (part.suite,) if isinstance(part, tree.Block) else (*part.lets, part.value)
    end = min(item.span.start for item in after)
    text = " ".join(part.span.source.text[part.span.start : end].split())
    return re.sub(r"\( ", "(", re.sub(r" \)", ")", text)).rstrip(" :=")


def part_example(file: str, name: str, others: Sequence[str] = ()) -> str:
    """The program that stands for a part; `others` are parts of its file. Raises ValueError where there is none."""
    if name not in EXAMPLES:
        raise ValueError(f"`{name}` of stdlib/{file}.dl has no example in dslc/reference/examples.py")
    words = re.findall(r"\w+", EXAMPLES[name])
    uses = ", ".join([name, *(other for other in others if other != name and other in words)])
    text = f"use std.{file}: {uses}\n\nnet f on {EXAMPLES[name]}\n"
    return format_source(Source(f"{name}.dl", text), Sink()) or text


def part_entry(file: str, part: tree.Block | tree.Fn, parts: Sequence[tree.Block | tree.Fn]) -> Entry:
    """The entry of a part of stdlib/: header, comment, example, costs, and a picture of a block."""
    program = part_example(file, part.name, [other.name for other in parts])
    model = compile_model(program)
    text = f"`{header(part)}`\n\n{part.doc.strip()}\n\n```dl\n{program}```\n"
    if isinstance(part, tree.Fn):
        return Entry(part.name, text.rstrip())
    drawn = picture(model, fitting_depth(model, MOST_BOXES))
    shown = f"![what {part.name} is made of](pictures/{part.name}.svg)"
    return Entry(part.name, f"{text}\n{part_costs(model)}\n\n{shown}", drawn)


# ---- the page


def families() -> Iterator[tuple[str, str, list[Entry]]]:
    """The sections of the page, with the texts below their headings: ops by module, then parts by file."""
    for module, ops in load_ops().items():
        title = (getdoc(import_module(module)) or "").splitlines()[0].rstrip(".")
        yield title, "", [op_entry(cls) for cls in ops]
    for file, (about, parts) in load_parts().items():
        yield f"std.{file}", about, [part_entry(file, part, parts) for part in parts]


def files() -> dict[Path, str]:
    """The text of the page and of every picture, by path."""
    sections = list(families())
    contents = [
        f"- {title.partition(':')[0]}: {', '.join(f'[{entry.title}](#{entry.anchor})' for entry in entries)}"
        for title, _, entries in sections
    ]
    parts = [HEAD, "\n".join(contents) + "\n"]
    found = {}
    for title, about, entries in sections:
        parts.append(f"## {title}\n\n{about}\n" if about else f"## {title}\n")
        for entry in entries:
            parts.append(f"### {entry.title}\n\n{entry.text}\n")
            if entry.picture is not None:
                found[PICTURES / f"{entry.title}.svg"] = entry.picture
    return {PAGE: "\n".join(parts), **found}


def write() -> None:
    """Write them all, and remove pictures of what is there no more."""
    texts = files()
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.svg"):
        if old not in texts:
            old.unlink()
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
