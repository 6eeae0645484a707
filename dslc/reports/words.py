"""What stands in the boxes of pictures: names of layers with the arguments that a program gives them."""

from __future__ import annotations

from dslc.analysis.layer_tree import attribute_text
from dslc.ir.model import Instance, Node
from dslc.ops.base import Init

SIGNS = {
    "add": "+",
    "sub": "−",  # noqa: RUF001 - a minus sign is what is drawn
    "mul": "×",  # noqa: RUF001
    "div": "÷",
    "pow": "^",
    "lt": "<",
    "le": "≤",
    "gt": ">",
    "ge": "≥",
    "eq": "=",
    "ne": "≠",
}
"""What stands in the boxes of operators, beside a number on one of their sides."""

TITLE, LONGEST = 26, 48
"""Letters of a title with its arguments beside it, and of any line; the rest is left out."""


def op_words(node: Node) -> tuple[str, list[str]]:
    """An op's name and the attributes that the program gives it, beside its tensors; an index is its text."""
    if node.op.name == "index":
        text = " ".join(node.span.text.split())
        return text[text.find("[") :] if text.endswith("]") else "[..]", []
    words = []
    for name, rules in node.op.attributes.items():
        value, const = getattr(node.op, name), node.consts.get(name)
        if name == node.op.extra:
            words += [f"{key}={attribute_text(const)}" for key, const in value]
        elif name == node.op.gather:
            words += [attribute_text(one) for one in value]
        elif isinstance(value, Init):
            continue  # it says how training starts, not what is computed
        elif name not in node.tied and const is not None and const.origin and const.value != rules.default:
            text = f"{value:.6g}" if isinstance(value, float) else attribute_text(value)
            words.append(text if rules.required else f"{name}={text}")
    return node.op.name, words


def part_words(part: Instance) -> tuple[str, list[str]]:
    """A part's definition, and the numbers and words that it is given."""
    if part.definition is None:
        return part.name, []
    default = {p.name: p.default for p in part.definition.parameters}
    words = []
    for name, const in part.args.items():
        value = const.value
        if isinstance(value, int | float | str | tuple) and const.origin is not default.get(name):
            text = f"({', '.join(map(attribute_text, value))})" if isinstance(value, tuple) else attribute_text(value)
            words.append(text if default.get(name) is None else f"{name}={text}")
    return part.definition.name, words


def shortened(text: str, most: int = LONGEST) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
