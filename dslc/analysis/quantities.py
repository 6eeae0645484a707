"""What is known of a network, from which its numbers (`analysis.metrics`) are made."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from dslc.analysis.cost import Cost, costs
from dslc.analysis.emitted.plan import EmittedMemory, emitted_memory
from dslc.analysis.field import Field
from dslc.analysis.memory import InferenceMemory, inference_memory
from dslc.analysis.receptive import Fields, receptive_fields
from dslc.ir.model import Model
from dslc.ir.walk import Flat, flatten

if TYPE_CHECKING:
    from dslc.analysis.roofline import Roofline
    from dslc.analysis.training import Training


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
    def training(self) -> Training:
        """What training needs besides, before optimiser, precision and batch are chosen."""
        from dslc.analysis.training import training

        return training(self.model, self.flat)

    @cached_property
    def roofline(self) -> Roofline | None:
        """The least time of every layer on a device; none without one."""
        return None

    @cached_property
    def fields(self) -> Fields:
        """What each value sees of the inputs."""
        return receptive_fields(self.model, self.flat)

    @cached_property
    def seen(self) -> list[Field]:
        """The receptive fields of all results of evaluation, along each axis of each input."""
        return [track.field for _, value in self.flat.outputs for track in self.fields.get(value, ())]
