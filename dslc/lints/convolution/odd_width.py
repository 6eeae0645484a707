"""Widths that leave parts of tensor cores and vectors idle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from types import MappingProxyType

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.kinds import ACTIVATIONS, NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.lints.windows import POOLS, sides, written
from dslc.ops.base import Op
from dslc.ops.convolution import Conv
from dslc.ops.linear import Linear
from dslc.ops.pool_adaptive import GlobalPool
from dslc.ops.shape import Flatten
from dslc.source import Span

BLOCKS: Mapping[str, int] = MappingProxyType({"cpu-core-avx512": 16, "phone-npu": 16})
"""Channels that a device computes at once, where it is not 8."""


class OddWidth(Lint, code="N1323", name="odd-width"):
    """The width of a layer is no multiple of what the hardware computes at once, and the rest is computed for nothing.

    Tensor cores take channels by 8 in 16 bits (by 16 in 8 bits), and reach their rate where both widths of a layer are
    multiples of it: with others the tensors are padded or other kernels run (NVIDIA 2023, Deep Learning Performance
    Guide, Matrix Multiplication, section 4). Vectors of CPUs hold 8 floats, with AVX-512 16, and convolutions are laid
    out in such blocks. What is computed is the width rounded up: of 50 channels 56, on both sides 25 % more
    multiply-adds. Rounded up by yourself they are parameters that learn.

    It is said of a line whose waste is a twentieth or more of the network's multiply-adds, or that has a twentieth of
    them and an odd width, which no tensor core takes without a copy. The input's channels and the network's results are
    what they are, and widths below a block are not counted. With `--fact device=NAME` blocks are that device's.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(50, 3) -> bn -> relu -> conv(50, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(56, 3) -> bn -> relu -> conv(56, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: N1322.
    """

    ins: int
    outs: int
    block: int
    waste: float

    @property
    def message(self) -> str:
        odd = self.outs if self.outs % self.block else self.ins
        return f"a width of {odd:,} is no multiple of {self.block}: {self.waste:.0%} more is computed than counts"

    @property
    def label(self) -> str:
        a, b = (rounded(n, self.block) for n in (self.ins, self.outs))
        return f"{self.ins:,} to {self.outs:,} channels take the time of {a:,} to {b:,}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        block = BLOCKS.get(net.facts.device or "", 8)
        lines: dict[Span, list[tuple[float, int, int, Step]]] = {}
        for step in net.of(Conv, Linear):
            ins, outs = net.shape(step.inputs[0])[axis(step)], net.shape(step.outs[0])[axis(step)]
            if getattr(op_of(step), "g", 1) == 1 and step.outs[0] not in net.results:
                work = prod(s.kernel for s in sides(net, step)) * ins * prod(net.shape(step.outs[0]))
                lost = work * wasted(net, step, ins, outs, block)
                lines.setdefault(net.place(step), []).append((lost, ins, outs, step))
        total = net.numbers.cost.macs
        for uses in lines.values():
            _, ins, outs, step = max(uses, key=lambda use: use[0])
            waste, lost = wasted(net, step, ins, outs, block), sum(use[0] for use in uses)
            if 20 * lost >= total or (outs % 2 and 20 * lost >= total * waste > 0):
                mistake = cls(ins, outs, block, waste)
                yield net.at(mistake, step, written(step, "out"))


def axis(step: Step) -> int:
    """The axis of a linear map's channels."""
    return 1 if isinstance(op_of(step), Conv) else -1


def op_of_source(net: Network, step: Step) -> Op | None:
    """The layer that chose how many channels a step reads, past those that keep their number."""
    maker = net.source(step.inputs[0], *ACTIVATIONS, *NORMS, *QUIET, *POOLS, GlobalPool, Flatten)
    return None if maker is None else op_of(maker)


def rounded(width: int, block: int) -> int:
    """A width rounded up to whole blocks."""
    return -(-width // block) * block


def wasted(net: Network, step: Step, ins: int, outs: int, block: int) -> float:
    """What a layer computes for nothing, as a part of what it should. The width of an input is not to be
    chosen, and what is narrower than a block is a score or a code.
    """
    if not isinstance(op_of_source(net, step), Conv | Linear):
        ins = block
    ins, outs = max(ins, block), max(outs, block)
    return rounded(ins, block) * rounded(outs, block) / (ins * outs) - 1
