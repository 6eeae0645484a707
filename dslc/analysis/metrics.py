"""Every number of a network and of its layers: a record each, from which all that shows numbers is made.

The table of `dslc stats`, its JSON with the schema, CSV, Python's records, budgets, sweeps, comparisons, help texts and
the table of docs/numbers.md read METRICS: a number that is added there is in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Literal, TypeAlias

from dslc.analysis.cost import Count, NodeCost, Terms, Use, Values, add_terms, core_flops, value_at
from dslc.analysis.field import Status
from dslc.analysis.quantities import Numbers
from dslc.ir.walk import Needed
from dslc.record import frozen
from dslc.types.tensor import DType

Unit: TypeAlias = str
"""What a number counts: empty for operations and elements, `B` for bytes, `s` for seconds, `places` of an input."""

Number: TypeAlias = int | float


def unit_text(unit: Unit) -> str:
    """The unit behind a number, ` B`; nothing for counts and places."""
    return f" {unit}" if unit and unit != "places" else ""


@frozen
class Elements:
    """A number that adds up over distinct tensors, each at its first user."""

    of: Callable[[Count], int]

    def by_use(self, numbers: Numbers) -> Mapping[Use, Number]:
        """What each use adds."""
        return {use: self.of(cost.count) for use, cost in numbers.cost.nodes.items()}


@frozen
class Work:
    """A number that adds up over uses of layers, as products of sizes: exact for every size of the input."""

    of: Callable[[NodeCost], Terms]

    def by_use(self, numbers: Numbers) -> Mapping[Use, Number]:
        """What each use adds at the default sizes."""
        values = Values(numbers.model.sizes.default)
        return {use: values.of(self.of(cost)) for use, cost in numbers.cost.nodes.items()}

    def total(self, numbers: Numbers) -> Terms:
        """The sum over what evaluation computes."""
        found: Terms = {}
        for cost in numbers.cost.nodes.values():
            if cost.needed is Needed.ALWAYS:
                add_terms(found, self.of(cost))
        return found


@frozen
class PerUse:
    """A number that adds up over uses of layers, at the default sizes alone."""

    of: Callable[[Numbers], Mapping[Use, Number]]

    def by_use(self, numbers: Numbers) -> Mapping[Use, Number]:
        """What each use adds."""
        return self.of(numbers)


Adds: TypeAlias = Elements | Work | PerUse


def nothing(numbers: Numbers) -> str:
    """What is missing from a number that lacks nothing."""
    return ""


@frozen
class Metric:
    """A number, by its name.

    - `title` names it in comparisons, `heading` (if not the same) above a column of sweeps and layers.
    - `doc`: what it is, without an article or a full stop.
    - `better`: which of two a designer would rather have; such numbers can be limited by budgets, and are swept.
    - `of_net`: that of a network, for one sample at the default sizes; none where there is nothing to count. `gap` says
      what is missing from it (empty: nothing), and it is then a lower bound.
    - `adds`: how it adds up over layers; none: it does not.
    - `column`: the column that has it layer by layer; empty: none. `key`: the same in JSON, if that is another name.
    - `column_heading`: above that column, if not `heading`.
    - `training`: what only training computes counts too.
    - `asked`: it stands in records of layers only where it is asked for.
    - `compared`: `dslc diff` counts it layer by layer.
    - `device`: there is none without a device.
    """

    name: str
    title: str
    doc: str
    unit: Unit = ""
    better: Literal["less", "more"] | None = None
    of_net: Callable[[Numbers], int | Fraction | None] | None = None
    gap: Callable[[Numbers], str] = nothing
    adds: Adds | None = None
    column: str = ""
    heading: str = ""
    column_heading: str = ""
    key: str = ""
    training: bool = False
    asked: bool = False
    compared: bool = False
    device: bool = False

    def __post_init__(self) -> None:
        heading = self.heading or self.title
        object.__setattr__(self, "heading", heading)
        object.__setattr__(self, "column_heading", self.column_heading or heading)
        object.__setattr__(self, "key", self.key or self.column)

    def value(self, numbers: Numbers) -> int | Fraction | None:
        """That of a network."""
        return None if self.of_net is None else self.of_net(numbers)


# ---- what is missing


def uncounted(numbers: Numbers) -> str:
    """The user's modules that do not say what they cost; empty: none."""
    paths = ", ".join(f"`{path}`" for path in numbers.cost.unknown)
    return f"{paths} does not say" if paths else ""


def unstored(numbers: Numbers) -> str:
    """The user's modules whose inner buffers are not known; empty: none."""
    paths = ", ".join(f"`{path}`" for path in numbers.memory.unknown)
    return f"{paths} does not say" if paths else ""


def unwritten(numbers: Numbers) -> str:
    """The uses that have no form in ONNX; empty: none."""
    paths = ", ".join(f"`{path}`" for path in numbers.emitted.missing)
    return f"{paths} has no form in ONNX" if paths else ""


def unseen(numbers: Numbers) -> str:
    """Why the receptive field is not known; empty: it is."""
    if not numbers.seen:
        return "no result depends on places of an input"
    cause = next((f.cause for f in numbers.seen if f.status is Status.UNKNOWN), "")
    return f"{cause} does not say" if cause else ""


# ---- formulas


def weights_memory(numbers: Numbers) -> int:
    """Bytes of the trained tensors that evaluation needs, each once; those that a user's module states are float32."""
    cost, known, total = numbers.cost, 0, 0
    for param in numbers.model.params.values():
        if param.spec.kind == "param" and param not in cost.train_only_params:
            known += param.spec.count
            total += param.spec.count * param.spec.dtype.bytes
    return total + (cost.count.params - known) * DType.FLOAT32.bytes


def receptive_field(numbers: Numbers) -> int | Fraction | None:
    """Places that one place of a result sees by its local paths: the least over results, inputs and axes."""
    return min((field.size for field in numbers.seen), default=None)


def written(numbers: Numbers) -> Mapping[Use, Number]:
    """Bytes of the buffers that each use is the first to write."""
    return {use: memory.written for use, memory in numbers.memory.nodes.items()}


def seconds(numbers: Numbers) -> Mapping[Use, Number]:
    """The least seconds of each use on the device."""
    assert numbers.roofline is not None, "no device"
    return {use: bound.seconds for use, bound in numbers.roofline.bounds.items()}


def register(metric: Metric) -> None:
    """Add a number; columns, help and schema read the tables when they are imported."""
    METRICS[metric.name] = metric
    if metric.better is not None:
        QUANTITIES[metric.name] = metric
    if metric.compared:
        COMPARED[metric.name] = metric


METRICS: dict[str, Metric] = {}
"""In the order of a report's columns."""

QUANTITIES: dict[str, Metric] = {}
"""Those of whole networks that budgets limit and sweeps show."""

COMPARED: dict[str, Metric] = {}
"""Those that are compared layer by layer."""

for known in (
    Metric("params", "params", "trained elements that evaluation uses", better="more",
           of_net=lambda n: n.cost.count.params, gap=uncounted,
           adds=Elements(lambda c: c.params), column="params", training=True, compared=True),
    Metric("buffers", "buffer elements", "elements of running statistics and other state", heading="buffers",
           of_net=lambda n: n.cost.count.buffers, gap=uncounted,
           adds=Elements(lambda c: c.buffers), column="buffers", training=True, compared=True),
    Metric("train_only_params", "training only", "trained elements that only training uses",
           heading="train-only", of_net=lambda n: n.cost.count.train_only, gap=uncounted,
           adds=Elements(lambda c: c.train_only), column="train_only", key="train_only_params", training=True),
    Metric("weights", "weights", "bytes of `params` in float32", unit="B",
           adds=Elements(lambda c: c.params * DType.FLOAT32.bytes), column="weights", training=True),
    Metric("macs", "MACs", "multiply-adds", better="less", of_net=lambda n: n.cost.macs, gap=uncounted,
           adds=Work(lambda c: c.terms), column="macs", compared=True),
    Metric("core_flops", "core FLOPs", "two per multiply-add",
           adds=Work(lambda c: core_flops(c.terms)), column="core_flops", asked=True),
    Metric("flops", "FLOPs", "two per multiply-add and all other operations", better="less",
           of_net=lambda n: value_at(n.cost.flops, n.model.sizes.default), gap=uncounted,
           adds=Work(lambda c: c.flops), column="flops", compared=True),
    Metric("acts", "acts", "elements that linear maps write", better="less",
           of_net=lambda n: value_at(n.cost.acts, n.model.sizes.default), gap=uncounted,
           adds=Work(lambda c: c.acts), column="acts", compared=True),
    Metric("weights_memory", "weights memory", "bytes of `params` in their element types", heading="weights",
           unit="B", better="less", of_net=weights_memory, gap=uncounted,
           adds=Elements(lambda c: c.params * DType.FLOAT32.bytes)),
    Metric("activation_memory", "activation memory", "bytes of new buffers, in place where possible",
           heading="buffers", unit="B", better="less", of_net=lambda n: n.memory.total, gap=unstored,
           adds=PerUse(written), column="memory", column_heading="memory"),
    Metric("saved", "saved", "bytes that training keeps for the backward pass", unit="B",
           adds=PerUse(lambda n: n.training.kept.by_use()), column="saved", training=True, asked=True),
    Metric("peak_memory", "peak memory", "most bytes that live at once in an ideal run", heading="peak", unit="B",
           better="less", of_net=lambda n: n.memory.peak, gap=unstored),
    Metric("onnx_peak_memory", "onnx peak memory", "most bytes that live at once in onnxruntime",
           heading="ONNX peak", unit="B", better="less", of_net=lambda n: n.emitted.peak, gap=unwritten),
    Metric("receptive_field", "receptive field", "smallest field of a result in an input, along an axis, by local "
           "paths", heading="field", unit="places", better="more", of_net=receptive_field, gap=unseen),
    Metric("layers", "layers", "uses of layers", of_net=lambda n: len(n.flat.steps)),
    Metric("field_stride", "field stride", "least distance of the fields of two neighbours in a result",
           unit="places", of_net=lambda n: min((f.stride for f in n.seen), default=None), gap=unseen),
    Metric("field_padding", "field padding", "least reach of a first field before the input", unit="places",
           of_net=lambda n: min((f.padding for f in n.seen), default=None), gap=unseen),
    Metric("time", "time", "least time on the device", unit="s",
           adds=PerUse(seconds), column="time", asked=True, device=True),
):  # fmt: skip
    register(known)


def by_layer(*, device: bool, asked: bool = True) -> tuple[Metric, ...]:
    """The numbers that layers have; without `asked` those that every record of a layer has."""
    found = (m for m in METRICS.values() if m.column and (device or not m.device) and (asked or not m.asked))
    return tuple(found)
