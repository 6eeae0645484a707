"""The numbers that a network has as a whole, by the names that budgets, sweeps and columns use.

A quantity is for one sample at the default sizes, exact; what is not known is never counted as zero: `gap` says
what is missing, and the value is then a lower bound, or none where there is nothing to count.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from typing import Literal, TypeAlias

from dslc.analysis.cost import Cost, costs, value_at
from dslc.analysis.emitted.plan import EmittedMemory, emitted_memory
from dslc.analysis.field import Field, Status
from dslc.analysis.memory import InferenceMemory, inference_memory
from dslc.analysis.receptive import Fields, receptive_fields
from dslc.ir.model import Model
from dslc.ir.walk import Flat, flatten
from dslc.record import frozen
from dslc.types.tensor import DType

Unit: TypeAlias = Literal["", "B", "places"]
"""What a number counts: operations or elements, bytes, or places of an input."""


class Numbers:
    """A network and what is known of it; each part is computed when it is first asked for."""

    def __init__(self, model: Model, flat: Flat | None = None) -> None:
        self.model = model
        self.flat = flatten(model) if flat is None else flat

    @cached_property
    def cost(self) -> Cost:
        """Parameters, multiply-adds, FLOPs and acts, per use and in total."""
        return costs(self.model, self.flat)

    @cached_property
    def memory(self) -> InferenceMemory:
        """Buffers of one run at batch 1, in place where that is possible."""
        return inference_memory(self.model, self.flat)

    @cached_property
    def emitted(self) -> EmittedMemory:
        """Memory of one run of the ONNX graph in onnxruntime, at batch 1."""
        return emitted_memory(self.model, self.flat)

    @cached_property
    def fields(self) -> Fields:
        """What each value sees of the inputs."""
        return receptive_fields(self.model, self.flat)

    @cached_property
    def seen(self) -> list[Field]:
        """The receptive fields of all results of evaluation, along each axis of each input."""
        return [track.field for _, value in self.flat.outputs for track in self.fields.get(value, ())]


@frozen
class Quantity:
    """A number of a network. `title` heads a column; `better`: which of two a designer would rather have."""

    name: str
    title: str
    unit: Unit
    better: Literal["less", "more"]
    value: Callable[[Numbers], int | Fraction | None]
    gap: Callable[[Numbers], str]


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


QUANTITIES: dict[str, Quantity] = {
    quantity.name: quantity
    for quantity in (
        Quantity("params", "params", "", "more", lambda n: n.cost.count.params, uncounted),
        Quantity("macs", "MACs", "", "less", lambda n: n.cost.macs, uncounted),
        Quantity("flops", "FLOPs", "", "less", lambda n: value_at(n.cost.flops, n.model.sizes.default), uncounted),
        Quantity("acts", "acts", "", "less", lambda n: value_at(n.cost.acts, n.model.sizes.default), uncounted),
        Quantity("weights_memory", "weights", "B", "less", weights_memory, uncounted),
        Quantity("activation_memory", "buffers", "B", "less", lambda n: n.memory.total, unstored),
        Quantity("peak_memory", "peak", "B", "less", lambda n: n.memory.peak, unstored),
        Quantity("onnx_peak_memory", "ONNX peak", "B", "less", lambda n: n.emitted.peak, unwritten),
        Quantity("receptive_field", "field", "places", "more", receptive_field, unseen),
    )
}
"""In the order of a report's columns."""
