"""Depthwise convolutions that wait for memory on the device that is stated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.ops.convolution import Conv


class DepthwiseBound(Lint, code="N1508", name="depthwise-bound"):
    """Depthwise convolutions have few multiply-adds, and take much of the time on this device: they wait for memory.

    Each value that is read is used k^2 times, in place of k^2 times the channels: 9 multiply-adds for 8 bytes in
    float32, where an accelerator does some hundred in the time a byte takes (Williams, Waterman and Patterson 2009, the
    roofline model). Counting multiply-adds then promises what the clock does not keep (Ma et al. 2018, ShuffleNet V2,
    guidelines 1 to 4; Tan and Le 2021, EfficientNetV2, section 3.1, which has full convolutions in early stages). It is
    said where they take a seventh of the roofline's time, and two and a half times as long for each multiply-add as all
    else.

    ```dl fails
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        conv(64, 3, s=2) -> bn -> relu
        for i in range(4): dw(3) -> bn -> relu -> conv(64, 1) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        conv(64, 3, s=2) -> bn -> relu
        for i in range(4): conv(64, 3) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    Related: N1322.
    """

    wants: ClassVar[tuple[str, ...]] = ("device",)
    example: ClassVar[Mapping[str, object]] = {"device": "H200"}

    device: str
    layers: int
    macs: float
    time: float
    per_byte: float
    ridge: float

    @property
    def message(self) -> str:
        return f"{self.layers} depthwise convolutions take {self.time:.0%} of the time on {self.device}"

    @property
    def label(self) -> str:
        rate = f"{self.per_byte:.1f} FLOPs a byte, where the device does {self.ridge:.0f}"
        return f"for {self.macs:.0%} of the multiply-adds: {rate}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        from dslc.analysis.devices import DeviceError, device_of
        from dslc.analysis.roofline import MEMORY, roofline

        try:
            device = device_of(net.facts.device or "")
            dtype = "fp32" if "fp32" in device.peaks else next(iter(device.peaks))
            found = roofline(net.model, net.flat, net.numbers.cost, device, batch=net.batch or 1, dtype=dtype)
        except DeviceError:
            return
        slow = []
        for step in net.of(Conv):
            op, bound = op_of(step), found.bounds.get(step.node)
            if bound is None or bound.limit != MEMORY or not isinstance(op, Conv):
                continue
            if 1 < op.g == net.shape(step.inputs[0])[1]:
                slow.append((bound, step))
        seconds, macs = sum(bound.seconds for bound, _ in slow), sum(bound.macs for bound, _ in slow)
        if (
            slow
            and 7 * seconds >= found.seconds
            and seconds * (found.macs - macs) >= 2.5 * macs * (found.seconds - seconds)
        ):
            bound, step = max(slow, key=lambda each: each[0].seconds)
            shares = macs / found.macs, seconds / found.seconds
            yield net.at(cls(device.name, len(slow), *shares, bound.flops_per_byte, found.ridge), step)
