"""A recurrence whose gradients grow at each step of its sequences."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.drawn import deviation
from dslc.lints.network import Network, op_of
from dslc.ops.recurrent import RNN

LARGE = 3.0
"""By how many powers of ten a gradient may grow over a sequence: as much as a chain of layers may lose."""


class ExplodingRecurrence(Lint, code="W1011", name="exploding-recurrence"):
    """A recurrent layer without gates multiplies its gradients by more than 1 at each step of long sequences.

    Of `hidden` units with recurrent weights of variance v that is g = sqrt(hidden v), about the largest eigenvalue's
    size, times the slope of the activation: the gradient of the first of T steps is the T-th power of it times the last
    one's, and 1.2 makes 1e8 in a hundred steps (Pascanu, Mikolov and Bengio 2013, who clip gradients for it). A ReLU
    passes half of the mean square, so that g / sqrt(2) is left or somewhat more. The slope of tanh is counted at the
    values that units settle at, with inputs of mean square 1: of g = 3 and half as much
    from the inputs 1.25 is left (measured 1.25), of g = 2 and as much from the inputs 0.89 (Sompolinsky, Crisanti and
    Sommers 1988, for none). `init=orthogonal()` has g = 1; `lstm` and `gru` have gates.

    The rule speaks where a gradient grows by more than 1000 over the default length.

    ```dl fails
    net f on x[N, T=100, 32] -> [N, 4]:
        rnn(128, init=orthogonal(gain=3)) -> it[:, -1] -> linear(4)
    ```

    ```dl
    net f on x[N, T=100, 32] -> [N, 4]:
        rnn(128, init=orthogonal()) -> it[:, -1] -> linear(4)
    ```

    Related: W1007.
    """

    act: str
    gain: float
    length: int

    @property
    def message(self) -> str:
        grown = self.length * math.log10(self.gain)
        return f"the gradients of `rnn` grow by 10^{grown:.0f} over {self.length:,} steps"

    @property
    def label(self) -> str:
        return f"{self.gain:.3g} times at each step, the slope of `{self.act}` counted"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(RNN):
            op, params = op_of(step), {param.name: param for param in net.params(step)}
            again, read = params.get("weight_hh_l0"), params.get("weight_ih_l0")
            each = None if again is None else deviation(again.spec)
            if not isinstance(op, RNN) or again is None or read is None or not each:
                continue
            gain = each * math.sqrt(op.hidden)
            into = (deviation(read.spec) or 0.0) * math.sqrt(read.spec.shape[1])
            gain *= math.sqrt(0.5) if op.act == "relu" else slope(gain, into) if gain > 1 else 1.0
            length = net.shape(step.inputs[0])[1]
            if gain > 1 and length * math.log10(gain) > LARGE:
                yield net.at(cls(op.act, gain, length), step, net.argument(step, "init"))


def slope(gain: float, into: float) -> float:
    """The root mean square of tanh's slope where units settle: sums are normal, of variance `(gain rms)^2 + into^2` for
    units of that RMS (Schoenholz et al. 2017, equations 3 and 6).
    """
    points = [(i - 60) / 10 for i in range(121)]
    shares = [math.exp(-z * z / 2) for z in points]
    total, square = sum(shares), 1.0
    for _ in range(60):
        wide = math.sqrt(gain * gain * square + into * into)
        square = sum(share * math.tanh(wide * z) ** 2 for share, z in zip(shares, points, strict=True)) / total
    wide = math.sqrt(gain * gain * square + into * into)
    slopes = (share * (1 - math.tanh(wide * z) ** 2) ** 2 for share, z in zip(shares, points, strict=True))
    return math.sqrt(sum(slopes) / total)
