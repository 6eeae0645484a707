"""Depth that gradients do not come through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.gradients.causes import GRADIENT, saturated, verdict, written
from dslc.lints.kinds import LINEAR
from dslc.lints.network import Network


class DeepPlain(Lint, code="W1002", name="deep-plain"):
    """Layers stand one behind the other, and gradients of the first are far from those of the last.

    Each layer multiplies the gradient by its own gain. PyTorch's initial weights have a variance of 1/(3 fan_in), with
    which a layer and a ReLU keep 1/6 of the mean square: twenty of them 1e-16 (He et al. 2015, section 2.2). A batch
    norm behind each layer keeps values at 1 but lets gradients grow by about 1.2 a layer, 1e5 over sixty (Yang et al.
    2019). One learning rate then suits few of the layers. A residual sum around every few layers gives the gradient a
    way around them (He et al. 2016); below fifty layers or so, initialisers that fit the activation are enough.

    The number is log10 of the relative gradient of the last tenth of the weight matrices over that of the first tenth;
    the rule speaks above 3 and below -4, and means "hard to train, above all with SGD".

    ```dl fails
    net f on x[N, 256] -> [N, 10]:
        for i in range(20): linear(256) -> relu
        linear(10)
    ```

    ```dl
    net f on x[N, 256] -> [N, 10]:
        for i in range(20): linear(256, init=kaiming_normal(nonlinearity="relu")) -> relu
        linear(10)
    ```

    Related: W1001, W1003.
    """

    reads_signal: ClassVar[bool] = True
    layers: int
    ratio: float

    @property
    def message(self) -> str:
        if self.ratio > 0:
            return f"of {self.layers} layers the first learn 10^{self.ratio:.1f} times as slowly as the last"
        return f"gradients grow by 10^{-self.ratio:.1f} from the last of {self.layers} layers to the first"

    @property
    def label(self) -> str:
        return "vanishing from here back" if self.ratio > 0 else "1000 times the last from here back"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        said = verdict(net, *GRADIENT)
        step = None if said is None else net.found(said.path)
        if said is not None and step is not None and not saturated(net) and not written(net):
            yield net.at(cls(len(net.of(*LINEAR)), said.value), step)
