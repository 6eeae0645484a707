"""What an `init` statement sets."""

from __future__ import annotations

from dslc.bind.mistakes_body import InitTarget
from dslc.diagnostics.codes import nearest
from dslc.ops.base import REGISTRY
from dslc.source import Span
from dslc.syntax import tree


def initial_target(setting: tree.Setting, defined: bool) -> str | tuple[InitTarget, Span]:
    """`conv` of `conv` and `conv.weight`, `conv.bias`, or `bias`; else the mistake and its place.

    `defined`: the program or std gives the name a meaning of its own.
    """
    name, part = setting.target.name, setting.part
    if name == "bias" and not part:
        return name
    cls = REGISTRY.get(name)
    if cls is None or "init" not in cls.attributes:
        known = ["bias", *sorted(op for op, cls in REGISTRY.items() if "init" in cls.attributes)]
        if defined:
            text = f"`{name}` is no layer of the language: state what it is made of, such as `conv`"
        elif cls is not None:
            text = f"`{name}` has no weights that an `init` statement sets"
        else:
            text = f"there is no layer `{name}`"
        near = nearest(name, known) or next((op for op in known if name.startswith(op)), None)
        return InitTarget(text, f"one of {', '.join(known)}", near), setting.target.span
    if part in ("", "weight"):
        return name
    if part == "bias" and "bias_init" in cls.attributes:
        return f"{name}.bias"
    parts = ("weight", "bias") if "bias_init" in cls.attributes else ("weight",)
    text = f"`{name}` has no `{part}`" if part == "bias" else f"`{part}` is no part of a layer"
    span = setting.part_span or setting.target.span
    return InitTarget(text, f"it has a {' and a '.join(parts)}", nearest(part, parts)), span
