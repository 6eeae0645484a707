"""A map that waits for a join while memory is at its peak."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.analysis.memory import Holds, InferenceMemory
from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Needed, Step
from dslc.lints.base import Lint
from dslc.lints.network import Network

WAITS = 24
"""Steps between what makes a map and what reads it last, from where on it is no block's own shortcut."""


class HeldSkip(Lint, code="N1504", name="held-skip"):
    """One map waits through many layers for a join, and the peak of memory is a quarter lower without it.

    A buffer is free again after its last reader. What a long skip holds, no layer between can use (Sandler et al. 2018,
    MobileNetV2, section 5.1, on memory as the largest sum of inputs and results at one step; Pleiss et al. 2017 on
    DenseNet). Fewer channels by a 1x1 convolution before the skip, a smaller map, or a join further up lowers the peak
    by what is said. `dslc stats --columns memory` has the bytes of each step.

    ```dl fails
    net f on image[N, 3, H=64, W=64] -> [N, 8, H // 4, W // 4]:
        wide = conv(96, 3) -> bn -> relu
        wide -> conv(32, 3) -> bn -> relu
        for i in range(5): conv(96, 3) -> bn -> relu -> conv(32, 3) -> bn -> relu
        a = it -> avgpool(4)
        b = wide -> avgpool(4)
        concat(a, b) -> conv(8, 1)
    ```

    ```dl
    net f on image[N, 3, H=64, W=64] -> [N, 8, H // 4, W // 4]:
        wide = conv(96, 3) -> bn -> relu
        b = wide -> avgpool(4)
        wide -> conv(32, 3) -> bn -> relu
        for i in range(5): conv(96, 3) -> bn -> relu -> conv(32, 3) -> bn -> relu
        a = it -> avgpool(4)
        concat(a, b) -> conv(8, 1)
    ```

    Related: N1505.
    """

    held: int
    peak: int
    without: int
    step: str
    waits: int

    @property
    def message(self) -> str:
        return f"this map waits through {self.waits} steps, and without it the peak of memory is {self.less:.0%} lower"

    @property
    def less(self) -> float:
        return 1 - self.without / self.peak

    @property
    def label(self) -> str:
        peaks = f"{self.peak / 1e6:,.1f} MB in place of {self.without / 1e6:,.1f} MB"
        return f"{self.held / 1e6:,.1f} MB held when `{self.step}` runs: {peaks}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        memory = net.numbers.memory
        if memory.peak_at is None:
            return
        steps = [step for step in net.steps if step.needed is Needed.ALWAYS]
        places = {step: place for place, step in enumerate(steps)}
        makers = {step.path: step for step in steps}
        for buffer in memory.live(memory.peak_at):
            if 4 * buffer.bytes < memory.peak:
                break
            maker = makers.get(buffer.path)
            if buffer.holds is not Holds.VALUE or maker is None:
                continue
            step, last = _held(net, maker, memory, places)
            first = places[step]
            inside = range(first + 1, last)
            lives = [each.live - (buffer.bytes if place in inside else 0) for place, each in enumerate(memory.steps)]
            if last - first >= WAITS and 4 * max(lives) <= 3 * memory.peak:
                peak = steps[memory.peak_at].path
                yield net.at(cls(buffer.bytes, memory.peak, max(lives), peak, last - first), step)


def _held(net: Network, step: Step, memory: InferenceMemory, places: dict[Step, int]) -> tuple[Step, int]:
    """The step that writes a buffer last before the peak, in place of earlier ones, and the place of its last reader;
    no place beyond its own where that is a result, or not read beyond the peak.
    """
    assert memory.peak_at is not None
    while True:
        readers = [reader for reader in net.readers(step.outs[0]) if reader in places]
        last = max((places[reader] for reader in readers), default=-1)
        if last > memory.peak_at and step.outs[0] not in net.results:
            return step, last
        writers = [r for r in readers if places[r] < memory.peak_at and memory.nodes[r.node].written == 0]
        if not writers:
            return step, -1
        step = writers[-1]
