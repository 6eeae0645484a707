"""A deep transformer with its norms on the stream, and a learning rate that does not warm up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.kinds import QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.arithmetic import Add
from dslc.ops.norm import LayerNorm, RmsNorm

DEEP = 12
"""Norms on the stream, one behind the other, from which on it is said: six layers of two."""


class ColdPostNorm(Lint, code="W1008", name="cold-post-norm"):
    """Norms stand behind the residual sums of a deep network, which is trained without warm-up.

    Where each sum is normed (`norm(x + f(x))`, Vaswani et al. 2017), the way around the branches leads through all
    norms, and at the start the gradients of the last layers are large: with a learning rate of 1e-3 from the first
    step training fails at six layers already, unless the rate rises over some thousand steps (Xiong et al. 2020,
    section 3). Norms at the beginning of each branch (`x + f(norm(x))`) need none; scaled sums are another way (Wang et
    al. 2022, DeepNorm).

    Whether the rate warms up is stated by `--fact warmup=false`, or in `[tool.dslc.lint]`.

    ```dl fails
    net f on x[N, T=16, 64]:
        for i in range(12):
            residual: linear(256) -> gelu -> linear(64)
            ln
        mean(1) -> linear(10)
    ```

    ```dl
    net f on x[N, T=16, 64]:
        for i in range(12):
            residual: ln -> linear(256) -> gelu -> linear(64)
        ln -> mean(1) -> linear(10)
    ```

    Related: W1002.
    """

    wants: ClassVar[tuple[str, ...]] = ("warmup",)
    example: ClassVar[Mapping[str, object]] = {"warmup": False}

    norm: str
    count: int

    @property
    def message(self) -> str:
        return f"{self.count} `{self.norm}` stand on the stream one behind the other, and the learning rate is cold"

    @property
    def label(self) -> str:
        return "behind a residual sum"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        if net.facts.warmup is not False:
            return
        depths: dict[Step | None, tuple[int, Step]] = {}
        for step in net.of(LayerNorm, RmsNorm):
            total = net.source(step.inputs[0], *QUIET)
            if total is None or not isinstance(op_of(total), Add):
                continue
            makers = (net.source(value, *QUIET) for value in total.inputs)
            before = [depths[maker] for maker in makers if maker in depths]
            count, first = max(before, key=lambda d: d[0], default=(0, step))
            depths[step] = (count + 1, first)
        deepest = max(depths.values(), key=lambda d: d[0], default=None)
        op = None if deepest is None else op_of(deepest[1])
        if deepest is not None and op is not None and deepest[0] >= DEEP:
            yield net.at(cls(op.name, deepest[0]), deepest[1])
