"""What an `init` statement sets."""

from __future__ import annotations

from typing import Literal

from dslc.bind.mistakes_body import InitTarget
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
        known = ("bias", *sorted(op for op, cls in REGISTRY.items() if "init" in cls.attributes))
        kind: Literal["defined", "layer", "unknown"] = "defined" if defined else "layer" if cls else "unknown"
        return InitTarget(name, known, kind), setting.target.span
    if part in ("", "weight"):
        return name
    if part == "bias" and "bias_init" in cls.attributes:
        return f"{name}.bias"
    parts = ("weight", "bias") if "bias_init" in cls.attributes else ("weight",)
    return InitTarget(name, parts, "layer", part), setting.part_span or setting.target.span
