"""What a layer or a part costs in its example, as a row of a Markdown table."""

from __future__ import annotations

from dslc.analysis.cost import Terms, value_at
from dslc.analysis.measure import Measure
from dslc.analysis.quantities import Numbers
from dslc.analysis.receptive import Tracks
from dslc.analysis.saved import saved_tensors
from dslc.ir.model import Model, Node, Value
from dslc.ir.walk import Step
from dslc.ops.base import Op
from dslc.ops.counting import Kind
from dslc.reports.columns import shape_text
from dslc.reports.numbers import bytes_text, field_text, number_text
from dslc.types.tensor import TensorType

HEADINGS = ("in the example", "params", "MACs", "FLOPs", "acts", "field", "memory", "kept")
KINDS = {Kind.FRESH: "new", Kind.IN_PLACE: "in place", Kind.SAME: "the input's own", Kind.STRIDED: "a view"}


def op_costs(model: Model, op: type[Op]) -> str:
    """The costs of the first use of an op in a network. Raises ValueError where it is not used."""
    numbers = Numbers(model)
    for step in numbers.flat.steps:
        node = step.node
        if isinstance(node, Node) and isinstance(node.op, op):
            cost = numbers.cost.nodes[node]
            return table(
                flow(model, step.inputs, step.outs),
                f"{sum(param.spec.count for param in node.params.values() if param.spec.kind == 'param'):,}",
                f"{cost.macs:,}",
                amount(model, cost.flops),
                amount(model, cost.acts),
                seen(numbers.fields.get(step.outs[0], ())),
                memory(numbers, step, node),
                kept(Measure(model), step, node),
            )
    raise ValueError(f"the example of `{op.name}` does not use it")


def part_costs(model: Model) -> str:
    """The costs of a network as a whole."""
    numbers = Numbers(model)
    cost = numbers.cost
    saved = sum(tensor.full.value for tensor in saved_tensors(model, numbers.flat).tensors)
    results = [value for _, value in numbers.flat.outputs]
    return table(
        flow(model, model.root.inputs, results),
        f"{cost.count.params:,}",
        f"{cost.macs:,}",
        amount(model, cost.flops),
        amount(model, cost.acts),
        seen(numbers.fields.get(results[0], ())),
        bytes_text(numbers.memory.total) or "0",
        bytes_text(saved) or "nothing",
    )


def table(*cells: str) -> str:
    """A table of one row."""
    lines = (HEADINGS, ("---",) * len(HEADINGS), cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def flow(model: Model, inputs: tuple[Value, ...], outs: tuple[Value, ...] | list[Value]) -> str:
    """`[N, 3, 32, 32] -> [N, 16, 16, 16]`."""
    before = ", ".join(shape_text(value.type, model.sizes) for value in inputs)
    after = ", ".join(shape_text(value.type, model.sizes) for value in outs)
    return f"`{before} -> {after}`" if before else f"`{after}`"


def amount(model: Model, terms: Terms) -> str:
    """A sum at the default sizes."""
    return f"{value_at(terms, model.sizes.default):,}"


def seen(tracks: Tracks) -> str:
    """The receptive field and its stride: `3, stride 2`; nothing for what has no places."""
    text = field_text(tracks)
    strides = list(dict.fromkeys(number_text(track.field.stride) for track in tracks))
    return f"{text}, stride {'x'.join(strides)}" if text and strides != ["1"] else text or "none"


def memory(numbers: Numbers, step: Step, node: Node) -> str:
    """Where the result lies, the bytes written if it is a buffer of its own, and what the op holds besides."""
    types = tuple(value.type for value in step.inputs), tuple(value.type for value in step.outs)
    storage = node.op.storage(*types)
    words = [KINDS[storage.kind]]
    written = numbers.memory.nodes.get(node)
    if written is not None and written.written:
        words.append(bytes_text(written.written))
    text = " ".join(words)
    if storage.kind is Kind.STRIDED and len(words) > 1:
        text = f"a view, copied: {words[1]}"
    if storage.scratch:
        measure = Measure(numbers.model)
        held = sum(measure.held(one.count, one.sizes, one.dtype).value for one in storage.scratch)
        text += f", {bytes_text(held)} besides"
    return text


def kept(measure: Measure, step: Step, node: Node) -> str:
    """Which inputs and results PyTorch keeps for the backward pass, and the bytes of what it keeps besides."""
    ins, outs = (tuple(value.type for value in values) for values in (step.inputs, step.outs))
    saved = node.op.saved(ins, outs)
    words = [named("input", ins, saved.inputs, measure), named("result", outs, saved.outputs, measure)]
    extra = sum(measure.held(one.count, one.sizes, one.dtype).value for one in saved.extra)
    words.append(f"{bytes_text(extra)} besides" if extra else "")
    return ", ".join(word for word in words if word) or "nothing"


def named(word: str, types: tuple[TensorType, ...], which: tuple[int, ...], measure: Measure) -> str:
    """`input 12.3 kB`, `inputs 1 and 3 8.2 kB`."""
    if not which:
        return ""
    size = bytes_text(sum(measure.tensor(types[i]).value for i in which))
    if len(types) == 1:
        return f"{word} {size}"
    if len(types) == len(which):
        return f"all {word}s: {size}"
    places = " and ".join(str(i + 1) for i in which)
    return f"{word}{'s' * (len(which) > 1)} {places}: {size}"
