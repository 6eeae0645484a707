"""Classifiers whose last map sees less than half of the input."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dslc.analysis.field import Number
from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.field.below_input import heads, image, shown, tiny
from dslc.lints.network import Network

HALF = Fraction(1, 2)


class PartOfInput(Lint, code="N1421", name="part-of-input"):
    """What a classifier pools at its end saw less than half of the input's length.

    As of W1401, where it is less than an eighth of an image of some size. Of sounds and series, where local patterns
    often suffice, it is a note at any length: a class that depends on how parts follow each other over a longer time
    cannot be told.
    Accuracy on ImageNet grows with the logarithm of the last layer's field (Araujo, Norris and Sim 2019, Computing
    Receptive Fields of Convolutional Neural Networks, Distill).

    ```dl fails
    net f on image[N, 3, H=128, W=128] -> [N, 10]:
        for i in range(3): conv(16 * 2**i, 3) -> bn -> relu -> conv(16 * 2**i, 3) -> bn -> relu -> maxpool(2)
        gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=128, W=128] -> [N, 10]:
        for i in range(5): conv(16 * 2**i, 3) -> bn -> relu -> conv(16 * 2**i, 3) -> bn -> relu -> maxpool(2)
        gap -> flatten -> linear(10)
    ```

    Related: W1401.
    """

    field: Number
    sizes: tuple[int, ...]

    @property
    def message(self) -> str:
        return f"each place that is pooled sees {shown(self.field)} of {max(self.sizes):,} places of the input"

    @property
    def label(self) -> str:
        return f"{float(self.field) / max(self.sizes):.0%} of its length"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        sizes = image(net)
        if not sizes:
            return
        for step, fields in heads(net):
            below = [field.size < HALF * size for field, size in zip(fields, sizes, strict=True)]
            if all(below) and not tiny(fields, sizes):
                yield net.at(cls(max(field.size for field in fields), sizes), step)
