"""The reference of the built-in layers, docs/layers.md, from their classes: `python -m dslc.reports.layers`.

Each op's docstring is its page and its attributes are its signature, so the page cannot fall behind the code.
"""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import cleandoc, getdoc
from pathlib import Path

from dslc.ops.base import REGISTRY, Attr, Op

PAGE = Path(__file__).resolve().parents[2] / "docs" / "layers.md"
KINDS = {
    "Sides": "size",
    "Padding": "padding",
    "Extents": "size",
    "Factor": "float",
    "Init": "init",
    "Tensor": "tensor",
    "Size": "int",
}
BARE = ("half", "valid", "same_tf", "auto")
HEAD = """\
# Layers

The layers that are built in, by family. A signature shows what is given in brackets, with defaults; arguments
after `*` go by name only, `*sizes` takes any number of them, and `**sizes` any number with names of your own.
Tensors come from the chain, or stand first in the brackets. [The language](language.md) says how layers are put
together; parts made of these (`cba`, `residual`, `se`, ..) are in `stdlib/`.

This page is written by `python -m dslc.reports.layers`.
"""


def load_ops() -> dict[str, list[type[Op]]]:
    """All ops by the module that defines them, in the order of its text."""
    folder = Path(__file__).resolve().parents[1] / "ops"
    for file in sorted(folder.glob("*.py")):
        import_module(f"dslc.ops.{file.stem}")
    families: dict[str, list[type[Op]]] = {}
    for cls in REGISTRY.values():
        if cls.is_layer:
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
    kinds = [kind.strip() for kind in attr.kind.split("|")]
    words = [KINDS.get(kind, kind) for kind in kinds if kind != "None"]
    optional = "?" if "None" in kinds else ""
    text = f"{attr.name}: {' or '.join(words)}{optional}"
    return text if attr.required else f"{text} = {spell(attr.default)}"


def spell(value: object) -> str:
    """A default as the language writes it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if value in BARE else f'"{value}"'
    return str(round(value, 12)) if isinstance(value, float) else str(value)


def page() -> str:
    """The text of docs/layers.md."""
    parts = [HEAD]
    for module, ops in load_ops().items():
        title = (getdoc(import_module(module)) or "").splitlines()[0].rstrip(".")
        parts.append(f"## {title}\n")
        for cls in ops:
            parts.append(f"### `{signature(cls)}`\n\n{cleandoc(cls.__doc__ or '')}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page(), encoding="utf-8")
