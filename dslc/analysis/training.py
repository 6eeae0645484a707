"""Memory of training: parameters, gradients, the optimiser's state, and what is kept for the backward pass.

Not counted, because no text says it: gradients of activations while the backward pass runs, workspaces of cuDNN and
cuBLAS, what the loss keeps, rounding and fragmentation of the allocator, the CUDA context (some 0.5 GB), and the
next batch while it is loaded. So a batch that fits by these numbers fits with a little less memory than is there.
"""

from __future__ import annotations

from dataclasses import field

from dslc.analysis.measure import batch_names, total
from dslc.analysis.saved import Kept, saved_tensors
from dslc.diagnostics.codes import nearest
from dslc.ir.model import Call, Model, Param
from dslc.ir.walk import Flat, flatten
from dslc.record import frozen, record
from dslc.types.cost import Cost
from dslc.types.sizes import Sizes

OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
"""Tensors of state per parameter: SGD keeps none, with momentum a velocity; Adam (arXiv:1412.6980) and AdamW
(arXiv:1711.05101) two moments."""

PRECISIONS = ("fp32", "mixed")
"""`mixed` is the scheme of Micikevicius et al., Mixed Precision Training, arXiv:1710.03740, section 3.1: weights,
gradients and activations in 16 bits; a master copy of the weights and the optimiser's state in 32. Statistics,
indices, masks and buffers keep their types. (torch.autocast is another one: weights and gradients stay in 32 bits.)"""

HALF = 2
MASTER = 4


@frozen
class TrainingMemory:
    """Bytes that one training step holds when the backward pass begins, at a batch size, by what they are for.

    `buffers` are tensors that are not trained (running statistics, constants). `saved` depends on the batch:
    `per_sample` is what one more sample adds, `fixed` all that does not depend on it. `unknown`: uses of user's
    modules, which may hold more; all numbers are lower bounds then.
    """

    batch: int
    optimizer: str
    precision: str
    weights: int
    gradients: int
    master: int
    state: int
    buffers: int
    saved: int
    per_sample: int
    unknown: tuple[str, ...]

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.master + self.state + self.buffers + self.saved

    @property
    def fixed(self) -> int:
        """What an empty batch would leave."""
        return self.total - self.batch * self.per_sample


@frozen
class Fit:
    """The largest batch that a memory holds, 0 if not even one sample; `left` bytes then stay free.

    At 0, `left` is negative: what one sample lacks. `batch` is none where the number of samples changes nothing:
    the source fixes it, or nothing is kept for a sample; `left` is then negative where the network does not fit.
    """

    batch: int | None
    left: int


@record
class Training:
    """What a network needs in training, before optimiser, precision and batch are chosen.

    `trained` and `buffers` are (elements, bytes of one) of each distinct tensor.
    """

    sizes: Sizes
    batch: tuple[str, ...]
    trained: tuple[tuple[int, int], ...]
    buffers: tuple[tuple[int, int], ...]
    kept: Kept
    _saved: dict[str, Cost] = field(default_factory=dict)

    def saved(self, precision: str = "fp32") -> Cost:
        """Bytes kept for the backward pass, for every size; the batch is a symbol like others."""
        if precision not in self._saved:
            parts = [tensor.half if precision == "mixed" else tensor.full for tensor in self.kept.tensors]
            self._saved[precision] = total(parts).cost
        return self._saved[precision]

    def memory(self, batch: int = 1, optimizer: str = "adam", precision: str = "fp32") -> TrainingMemory:
        """The memory at a batch size, optimiser and precision. A ValueError for an unknown name or a batch below 1."""
        states = OPTIMIZERS.get(optimizer)
        if states is None:
            raise ValueError(_unknown("optimiser", optimizer, tuple(OPTIMIZERS)))
        if precision not in PRECISIONS:
            raise ValueError(_unknown("precision", precision, PRECISIONS))
        if batch < 1:
            raise ValueError(f"a batch has at least one sample, not {batch}")
        mixed = precision == "mixed"
        elements = sum(count for count, _ in self.trained)
        full = sum(count * size for count, size in self.trained)
        weights = elements * HALF if mixed else full
        cost = self.saved(precision)
        return TrainingMemory(
            batch=batch,
            optimizer=optimizer,
            precision=precision,
            weights=weights,
            gradients=weights,
            master=elements * MASTER if mixed else 0,
            state=states * (elements * MASTER if mixed else full),
            buffers=sum(count * size for count, size in self.buffers),
            saved=self._at(cost, batch),
            per_sample=self._at(cost, batch + 1) - self._at(cost, batch),
            unknown=self.kept.unknown,
        )

    def fit(self, memory_bytes: int, optimizer: str = "adam", precision: str = "fp32") -> Fit:
        """The largest batch that `memory_bytes` hold."""
        one = self.memory(1, optimizer, precision)
        cost = self.saved(precision)
        rest = memory_bytes - one.total + one.saved  # for what is kept
        if self._at(cost, 2) == one.saved:
            return Fit(None, memory_bytes - one.total)
        if one.saved > rest:
            return Fit(0, rest - one.saved)
        low, high = 1, 2
        while self._at(cost, high) <= rest:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._at(cost, middle) <= rest else (low, middle)
        return Fit(low, rest - self._at(cost, low))

    def _at(self, cost: Cost, batch: int) -> int:
        return cost.value(self.sizes, dict.fromkeys(self.batch, batch))


def training(model: Model, flat: Flat) -> Training:
    """One pass over a network for all questions about its training. Linear in the number of ops.

    `flat` is the network's `walk.flatten`; one for evaluation is made again for training.
    """
    flat = flat if flat.training else flatten(model, training=True)
    params = list(model.params.values())
    trained = [(param.spec.count, model.bytes(param.spec.dtype)) for param in params if is_trained(param)]
    buffers = [(param.spec.count, model.bytes(param.spec.dtype)) for param in params if not is_trained(param)]
    for step in flat.steps:
        if isinstance(step.node, Call) and step.node.instance.first is None:
            stated = step.node.instance.facts.get("params")
            trained += [(stated, MASTER)] if isinstance(stated, int) else []
    return Training(model.sizes, batch_names(model), tuple(trained), tuple(buffers), saved_tensors(model, flat))


def is_trained(param: Param) -> bool:
    """Whether a parameter has a gradient."""
    return param.spec.kind == "param" and param.spec.dtype.is_float


def training_memory(
    model: Model, flat: Flat, *, batch: int = 1, optimizer: str = "adam", precision: str = "fp32"
) -> TrainingMemory:
    """The memory of training a network. For several optimisers, precisions or batches, ask `training(..)` for each."""
    return training(model, flat).memory(batch, optimizer, precision)


def largest_batch(
    model: Model, flat: Flat, memory_bytes: int, *, optimizer: str = "adam", precision: str = "fp32"
) -> Fit:
    """The largest batch with which a network can be trained in `memory_bytes`."""
    return training(model, flat).fit(memory_bytes, optimizer, precision)


def _unknown(what: str, name: str, known: tuple[str, ...]) -> str:
    near = nearest(name, known)
    return f"unknown {what} `{name}`: " + (f"did you mean `{near}`?" if near else f"known are {', '.join(known)}")
