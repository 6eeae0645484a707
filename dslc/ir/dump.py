"""A model as text, one line per item, for golden files and for reading while debugging."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.ir.model import Call, Either, For, If, Instance, Item, Model, Node, Param, Value
from dslc.ops.base import Init


def dump(model: Model, whole: bool = False) -> str:
    """The module tree with its regions, in program order. Values are numbered as they are made.

    Long values are cut short, and initialisers without their arguments, unless the `whole` is asked for.
    """
    return "\n".join(_Dumper(whole).model(model)) + "\n"


class _Dumper:
    def __init__(self, whole: bool) -> None:
        self.numbers: dict[int, int] = {}
        self.whole = whole

    def model(self, model: Model) -> Iterator[str]:
        yield f"net {model.entry}"
        yield from self.instance(model.root, 1)

    def value(self, value: Value) -> str:
        if isinstance(value.producer, Param):
            return value.producer.name
        number = self.numbers.setdefault(id(value), len(self.numbers))
        return f"%{number}" + (f".{value.name}" if value.name else "")

    def typed(self, values: tuple[Value, ...]) -> str:
        return ", ".join(f"{self.value(v)}: {v.type}" for v in values)

    def instance(self, instance: Instance, depth: int) -> Iterator[str]:
        pad = "  " * depth
        arguments = ", ".join(f"{k}={self.short(c.value)}" for k, c in instance.args.items())
        if arguments:
            yield f"{pad}with {arguments}"
        if instance.kind != "seq":
            yield f"{pad}in {self.typed(instance.inputs)}"
        for param in instance.params.values():
            init = (param.spec.init, param.values) if self.whole else param.spec.init.kind
            yield f"{pad}{param.spec.kind} {param.name}{list(param.spec.shape)} = {init}"
        yield from self.items(instance.body, depth)
        yield f"{pad}out {', '.join(self.value(v) for v in instance.outputs)}"

    def items(self, items: list[Item], depth: int) -> Iterator[str]:
        for item in items:
            yield from self.item(item, depth)

    def item(self, item: Item, depth: int) -> Iterator[str]:
        pad = "  " * depth
        match item:
            case Node():
                yield pad + self.node(item)
            case Call():
                inputs = ", ".join(self.value(v) for v in item.inputs)
                kind = item.instance.definition.name if item.instance.definition is not None else "seq"
                again = " again" if item.instance.first is not None else ""
                yield f"{pad}{item.instance.name}: {kind}({inputs}){again}"
                yield from self.instance(item.instance, depth + 1)
                if item.instance.kind != "seq":
                    yield f"{pad}-> {self.typed(item.outs)}"
            case If():
                yield f"{pad}if: side {item.side} of {item.sides}"
                yield from self.items(item.items, depth + 1)
            case For():
                for turn, inner in enumerate(item.turns):
                    yield f"{pad}for: turn {turn} of {len(item.turns)}"
                    yield from self.items(inner, depth + 1)
            case Either():
                yield f"{pad}in training"
                yield from self.items(item.training, depth + 1)
                yield f"{pad}else"
                yield from self.items(item.evaluation, depth + 1)
                yield f"{pad}-> {self.typed((item.out,))} = {' | '.join(self.value(v) for v in item.sides)}"

    def node(self, node: Node) -> str:
        inputs = ", ".join(self.value(v) for v in node.inputs)
        given = [(k, c.value) for k, c in node.consts.items() if c.value != node.op.attributes[k].default]
        attributes = "".join(f", {k}={self.short(v)}" for k, v in given if k not in node.tied)
        tied = "".join(f", {k}={self.value(v)}" for k, v in node.tied.items())
        again = " again" if node.first is not None else ""
        via = f" via {node.via}" if node.via is not None else ""
        return f"{node.name}: {node.op.name}({inputs}{attributes}{tied}){again}{via} -> {self.typed(node.outs)}"

    def short(self, value: object) -> str:
        if isinstance(value, Init) and not self.whole:
            return value.kind
        text = _text(value)
        return text if self.whole or len(text) <= 40 else text[:37] + "..."


def _text(value: object) -> str:
    """A value by what it means: a layer by its label, also within lists, which would show where it lies in memory."""
    if isinstance(value, list | tuple):
        items = ", ".join(map(_text, value))
        return f"[{items}]" if isinstance(value, list) else f"({items}{',' * (len(value) == 1)})"
    return getattr(value, "label", None) or repr(value)
