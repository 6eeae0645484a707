"""What the analysis tells: a network's values and gradients at initialisation, and what they mean.

All numbers are expectations over the declared initialisers: root mean squares over channels, places, samples and draws
of the weights, in training mode, for inputs of independent standard normal numbers and independent cotangents of mean
square 1 at every element of every result (or the gradient of the loss that was asked for).
"""

from __future__ import annotations

import math

from dslc.record import frozen


@frozen
class WeightSignal:
    """One trained tensor. `rms`: of its initial values. `gradient`: RMS of its gradient; none where it is idle.

    `count`: of its elements. `idle`: why its gradient says nothing, in words: a norm behind it takes its effect away.
    `update`: gradient over rms, the relative change by a step of plain gradient descent at learning rate 1; none where
    either is 0.
    """

    path: str
    rms: float
    gradient: float | None
    count: int
    idle: str = ""

    @property
    def update(self) -> float | None:
        return self.gradient / self.rms if self.gradient and self.rms else None


@frozen
class LayerSignal:
    """One use of an op, in program order.

    `rms`, `mean`: of its (first) result; `gain`: rms over that of its first input. `gradient`: RMS of the gradient at
    its result. `varies`: 1 - c, the part of the result's mean square that depends on the input (c: correlation of two
    inputs' results, dropout off). `saturated`: of an activation, the share of units with less than a tenth of its
    largest slope; `dead`: with no slope at all. None: does not apply.
    """

    path: str
    op: str
    rms: float
    mean: float
    gain: float | None
    varies: float
    gradient: float | None = None
    saturated: float | None = None
    dead: float | None = None
    weights: tuple[WeightSignal, ...] = ()


@frozen
class BlockSignal:
    """One application of a block: RMS of its first result over that of its first input, and the same of gradients
    against the direction of the data: at its input over at its result. None where either is 0 or not known.
    """

    path: str
    name: str
    layers: int
    gain: float | None
    gradient_gain: float | None


@frozen
class MemorySignal:
    """A recurrent layer through time. `steps`: until a state's gradient is 1/1000 of its own; none: beyond `limit`."""

    path: str
    op: str
    length: int
    steps: int | None
    limit: int


@frozen
class Gap:
    """A use without a rule: what depends on it is not known."""

    path: str
    op: str
    reason: str


@frozen
class Verdict:
    """What makes the network hard to train.

    `kind`: `constant output`, `vanishing gradient`, `exploding gradient`, `exploding values`, `vanishing values` or
    `short memory`. `value` is beyond `threshold`; `source` says where the threshold is from; `path`: where it begins.
    """

    kind: str
    value: float
    threshold: float
    source: str
    path: str
    words: str


@frozen
class NetworkSignal:
    """The whole answer.

    `gaps`: uses without a rule. With any, `verdicts` is empty and `judged` false, and layers behind a gap (forward) or
    before it (gradients) are left out or have none. `ratio`: log10 of the median update of the last tenth of the weight
    matrices over that of the first tenth; above 0 gradients vanish towards the input. `sensitivity`: by how much a
    relative change of one value's mean square grows up to the output, at most; above 3 a single draw of weights may be
    far from these numbers. `varies`: 1 - c of the output; `averaged`: by what it is less only since places of noise are
    averaged at the end, which the verdict does not count. `trained`: the weights are those of a file. `idle`: paths of
    the trained tensors that norms make idle. `result`: the largest RMS of a result.
    """

    name: str
    batch: int
    loss: str
    layers: tuple[LayerSignal, ...]
    weights: tuple[WeightSignal, ...]
    blocks: tuple[BlockSignal, ...]
    memory: tuple[MemorySignal, ...]
    gaps: tuple[Gap, ...]
    verdicts: tuple[Verdict, ...]
    sensitivity: float
    ratio: float | None
    varies: float | None
    largest: float
    averaged: float = 1.0
    result: float | None = None
    notes: tuple[str, ...] = ()
    trained: bool = False

    @property
    def judged(self) -> bool:
        """Whether there are verdicts, or their absence means something."""
        return not self.gaps

    @property
    def idle(self) -> tuple[str, ...]:
        return tuple(weight.path for weight in self.weights if weight.idle)

    @property
    def norm(self) -> float:
        """The norm of the gradient by all trained tensors together, as clipping measures it; idle ones are left out."""
        return math.sqrt(math.fsum(w.count * w.gradient**2 for w in self.weights if w.gradient is not None))

    @property
    def fine(self) -> bool:
        """Whether every value and gradient is known and no verdict was found."""
        return self.judged and not self.verdicts
