"""The tensors that a map gives, read when they are asked for.

A tensor under another name, turned or in another shape is a view of what was read; tensors that are joined are each
read into their place.
"""

from __future__ import annotations

import numpy as np

from dslc.weights.errors import WeightsError
from dslc.weights.maps.errors import ApartTie
from dslc.weights.maps.plan import Made, Plan
from dslc.weights.memory import Array
from dslc.weights.tensors import Tensors, TensorSpec


class Mapped(Tensors):
    """The tensors of another set under the network's names."""

    def __init__(self, of: Tensors, plan: Plan, *notes: str) -> None:
        self.of = of
        self.plan = plan
        self.specs = {name: TensorSpec(made.shape, of.specs[made.sources[0]].dtype) for name, made in plan.made.items()}
        self.notes = (*of.notes, *notes)
        self._whole: tuple[str, Array] | None = None  # the tensor that parts are cut from

    def read(self, name: str) -> Array:
        made = self.plan.made[name]
        whole = self._joined(made)
        for copy in self.plan.checks.get(name, ()):
            if not np.array_equal(whole, self.of.read(copy)):
                raise WeightsError(ApartTie(copy, made.sources[0]))
        if made.form.kind == "transpose":
            whole = whole.T
        elif made.form.kind == "permute":
            whole = whole.transpose(made.form.axes)
        if made.cut is not None:
            place = [slice(None)] * whole.ndim
            place[made.form.axis] = slice(*made.cut)
            return whole[tuple(place)]
        return whole.reshape(made.shape) if made.form.kind == "reshape" else whole

    def _joined(self, made: Made) -> Array:
        """The tensors that a tensor is made of, after one another."""
        if len(made.sources) == 1:
            name = made.sources[0]
            if made.cut is None:
                return self.of.read(name)
            if self._whole is None or self._whole[0] != name:
                self._whole = (name, self.of.read(name))
            return self._whole[1]
        axis = made.form.axis
        shapes = [self.of.specs[name].shape for name in made.sources]
        spec = self.of.specs[made.sources[0]]
        whole = np.empty((*spec.shape[:axis], sum(s[axis] for s in shapes), *spec.shape[axis + 1 :]), spec.dtype)
        start = 0
        for name, shape in zip(made.sources, shapes, strict=True):
            self.of.read_into(name, whole[(slice(None),) * axis + (slice(start, start + shape[axis]),)])
            start += shape[axis]
        return whole

    def origin(self, name: str) -> str:
        return " and ".join(self.of.origin(source) for source in self.plan.made[name].sources)
