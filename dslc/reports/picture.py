"""A network's structure as boxes, one for each layer or closed part, and lines, one for each tensor that is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from itertools import chain

from dslc.analysis.layer_tree import attribute_text
from dslc.ir.model import Call, Either, For, If, Instance, Item, Model, Node, Param, Value
from dslc.ir.walk import Needed, Step, flatten
from dslc.ops.arithmetic import Binary
from dslc.ops.identity import Identity
from dslc.record import entity
from dslc.reports.columns import shape_text
from dslc.reports.layered import Line, Spot
from dslc.types.tensor import TensorType

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

MOST_BOXES = 2_000
"""Boxes that a picture can still be read with, part by part; placing more would take minutes."""

TITLE, LONGEST = 26, 48
"""Letters of a title with its arguments beside it, and of any line; the rest is left out."""


@entity
class Box(Spot):
    """A drawn box: its lines of text, the colours' name, the types of its results. `faded`: only training has it.

    `path` and `words` (name and arguments) are whole; `uses` are the ops in it. `tint`: a colour
    instead of that of its family.
    """

    title: str = ""
    notes: tuple[str, ...] = ()
    family: str = ""
    outs: tuple[TensorType, ...] = ()
    label: str = ""
    label_left: bool = False
    layers: int = 0
    path: str = ""
    words: str = ""
    uses: list[Node | Call] = field(default_factory=list)
    tint: str = ""


class Graph:
    """The boxes of a network in program order, and the lines between them. Linear in its layers.

    `depth`: parts this deep are one box each (1: the first level alone).
    """

    def __init__(self, model: Model, depth: int | None = None) -> None:
        self.model = model
        self.flat = flatten(model)
        self.boxes: list[Box] = []
        self.lines: dict[tuple[Box, int, Box], Line] = {}
        self.made: dict[Value, tuple[Box, int]] = {}
        self.prefix = common_prefix([s.path for s in self.flat.steps if isinstance(s.node, Call) or s.node.params])
        for value in model.root.inputs:
            shape = shape_text(value.type, model.sizes)
            box = Box(title=value.name or "it", notes=(shape,), family="input", outs=(value.type,), fed=True)
            self.add(box, (value,))
        self.walk(depth)
        flags = model.root.train_only or (False,) * len(model.root.outputs)
        for name, value, training in zip(model.root.output_names, model.root.outputs, flags, strict=True):
            box = Box(title=name or "result", family="input", faded=training)
            self.read(self.flat.resolve(value), box)
            self.boxes.append(box)

    def add(self, box: Box, values: Sequence[Value]) -> None:
        self.boxes.append(box)
        self.made |= {value: (box, i) for i, value in enumerate(values)}

    def read(self, value: Value, box: Box) -> None:
        """A line from where a value comes from; a declared tensor gets its box where it is first read."""
        if value not in self.made and isinstance(value.producer, Param) and box.family != "part":
            param = value.producer
            title = f"{param.spec.kind} {param.name}"
            self.add(Box(title=title, family="tensor", outs=(value.type,)), (value,))
        source = self.made.get(value)
        if source is not None and source[0] is not box:
            self.lines.setdefault((*source, box), Line(*source, box))

    def walk(self, depth: int | None) -> None:
        """Boxes of all that is computed, in the order of `walk.flatten`, whose steps are taken along."""
        steps = iter(self.flat.steps)
        stack: list[tuple[Iterator[Item], Call | None, Box | None, int]] = [(iter(self.model.root.body), None, None, 0)]
        while stack:
            items, call, closed, level = stack[-1]
            item = next(items, None)
            if item is None:
                stack.pop()
                if call is not None and closed is not None and (len(stack) == 0 or stack[-1][2] is None):
                    self.close(closed, call)
            elif isinstance(item, Node) or (isinstance(item, Call) and item.instance.kind == "extern"):
                self.step(next(steps), closed)
            elif isinstance(item, Call):
                box = closed
                if closed is None and level + 1 == depth:
                    path = item.instance.path.removeprefix(self.prefix)
                    box = named(*part_words(item.instance), path, family="part", faded=True)
                    box.path = item.instance.path
                stack.append((iter(item.instance.body), item, box, level + 1))
            elif isinstance(item, If):
                stack.append((iter(item.items), None, closed, level))
            elif isinstance(item, For):
                stack.append((chain.from_iterable(item.turns), None, closed, level))
            else:
                assert isinstance(item, Either)
                stack.append((chain(item.evaluation, item.training), None, closed, level))

    def step(self, step: Step, closed: Box | None) -> None:
        """One use of an op: a box, or a part of a closed one."""
        if step.needed is Needed.NEVER:
            return
        if isinstance(step.node, Node) and isinstance(step.node.op, Identity) and step.inputs[0] in self.made:
            self.made[step.outs[0]] = self.made[step.inputs[0]]
            return
        if closed is not None:
            box = closed
            box.layers += 1
            box.faded = box.faded and step.needed is Needed.TRAINING
        else:
            box = op_box(step, self.prefix)
            box.path = step.path
            box.outs = tuple(value.type for value in step.outs)
        box.uses.append(step.node)
        for value in (*step.inputs, *step.tied.values()):
            self.read(value, box)
        if closed is None:
            self.add(box, step.outs)
        else:
            self.made |= dict.fromkeys(step.outs, (box, 0))

    def close(self, box: Box, call: Call) -> None:
        """A closed part's results, once all in it has been seen."""
        if not box.layers:
            return
        *more, path = box.notes
        box.notes = (*more, f"{path} · {box.layers} layer{'s' * (box.layers > 1)}")
        box.outs = tuple(value.type for value in call.instance.outputs)
        self.boxes.append(box)
        for i, value in enumerate(call.instance.outputs):
            actual = self.flat.resolve(value)
            if actual in self.made and self.made[actual][0] is box:
                self.made[actual] = (box, i)


def fitting_depth(model: Model, most: int) -> int | None:
    """The depth at which a picture shows most and has at most so many boxes; none: all of it, and 1 at the least."""
    if len(Graph(model).boxes) <= most:
        return None
    depth = 1
    while len(Graph(model, depth + 1).boxes) <= most:
        depth += 1
    return depth


# ---- words


def op_box(step: Step, prefix: str) -> Box:
    """The box of an op: its name with the attributes that are given, and its path where it owns tensors."""
    node = step.node
    path = step.path.removeprefix(prefix)
    faded = step.needed is Needed.TRAINING
    if isinstance(node, Call):
        return named(*part_words(node.instance), path, family="part", faded=faded)
    family = type(node.op).__module__.rpartition(".")[2]
    name, words = op_words(node)
    if isinstance(node.op, Binary) and name in SIGNS:
        number = attribute_text(node.op.number) if len(node.inputs) == 1 else ""
        sides = (number, SIGNS[name]) if node.op.swap else (SIGNS[name], number)
        return Box(title=" ".join(sides).strip(), family=family, faded=faded)
    return named(name, words, path if node.params else "", family=family, faded=faded)


def named(name: str, words: Sequence[str], path: str, *, family: str, faded: bool) -> Box:
    """A box titled `conv(64, 3)`; long arguments stand below the name."""
    given = ", ".join(words)
    title = f"{name}({given})" if given else name
    whole = title
    if len(title) <= TITLE:
        notes: tuple[str, ...] = (path,) if path else ()
    else:
        title, notes = name, (given, path) if path else (given,)
    return Box(title=shortened(title), notes=tuple(map(shortened, notes)), family=family, faded=faded, words=whole)


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


def common_prefix(paths: Sequence[str]) -> str:
    """`block.` where the names of all layers begin so; names in a picture leave it out."""
    first = paths[0].partition(".")[0] + "." if paths else ""
    return first if all(path.startswith(first) for path in paths) else ""


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
