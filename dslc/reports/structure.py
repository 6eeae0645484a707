"""How a network is put together, for the JSON of `dslc stats`: what each layer is, where it stands, what it reads."""

from __future__ import annotations

from dslc.analysis.layer_tree import attribute_text
from dslc.diagnostics.export import span_record
from dslc.ir.model import Call, Instance, Node, Param, Value
from dslc.reports.origins import spans
from dslc.reports.stats import Row, Stats
from dslc.reports.torch_lines import TorchLines
from dslc.types.const import Const

Json = dict[str, object]


class Structure:
    """What the rows of a report are. `torch`: the generated module, whose lines are named."""

    def __init__(self, stats: Stats, torch: str) -> None:
        self.steps = {step.node: step for step in stats.flat.steps}
        self.inputs = {value: name for (name, _), value in zip(stats.inputs, stats.model.root.inputs, strict=True)}
        self.made = {out: (step.path, i) for step in stats.flat.steps for i, out in enumerate(step.outs)}
        self.params = stats.model.params
        self.lines = TorchLines(torch)

    def of(self, row: Row) -> Json:
        """Name and place of a row, its attributes or what it was called with, what it reads, its lines of PyTorch."""
        own, *trail = self.places(row)
        return {
            "name": row.name,
            "span": own,
            "trail": trail,
            **self.given(row),
            "reads": self.reads(row),
            "torch": list(self.lines.of(row.path.partition("@")[0])),
        }

    def places(self, row: Row) -> list[Json | None]:
        """The text that says a layer, then the calls that led to it, innermost first."""
        found = spans(row, self.params)
        return [span_record(span) for span in dict.fromkeys(found)] or [None]

    def given(self, row: Row) -> Json:
        """All attributes of an op; of a part, its definition and the values of its parameters."""
        use = row.use
        part = row.part if row.part is not None else use.instance if isinstance(use, Call) else None
        if isinstance(use, Node):
            values = {name: getattr(use.op, name) for name in use.op.attributes if name not in use.tied}
            return {"attributes": {name: value_record(value) for name, value in values.items()}}
        if part is None:
            return {"attributes": {}}
        return {"definition": definition(part), "arguments": {n: value_record(v) for n, v in part.args.items()}}

    def reads(self, row: Row) -> list[Json]:
        """The edges into a use of an op: from results of others, inputs and tensors; a part has none of its own."""
        step = self.steps.get(row.use) if row.use is not None else None
        if step is None:
            return []
        sources = [self.source(value) for value in step.inputs]
        return [*sources, *({**self.source(value), "as": name} for name, value in step.tied.items())]

    def source(self, value: Value) -> Json:
        """What makes a value."""
        if value in self.inputs:
            return {"input": self.inputs[value]}
        if isinstance(value.producer, Param):
            return {"tensor": value.producer.path}
        path, index = self.made[value]
        return {"layer": path, "output": index}


def definition(part: Instance) -> Json | None:
    """The block that a part is one of; a `seq` has none."""
    if part.definition is None:
        return None
    return {"name": part.definition.name, "span": span_record(part.site)}


def value_record(value: object) -> object:
    """A value of the language as JSON has it; sizes and what else JSON lacks are texts of the language."""
    if isinstance(value, Const):
        value = value.value
    if isinstance(value, float) and value - value != 0:
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [value_record(item) for item in value]
    return attribute_text(value)
