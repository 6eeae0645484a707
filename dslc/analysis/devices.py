"""Machines that a time is estimated for: rates of arithmetic and memory, each with its source.

Rates are floating-point operations a second (a multiply-add is two) without sparsity, by element type; bandwidth is
bytes a second between the processor and its memory. What no vendor publishes is an assumption, and marked as one.
"""

from __future__ import annotations

from collections.abc import Mapping

from dslc.diagnostics.codes import nearest
from dslc.record import frozen

G, T = 10**9, 10**12

BYTES = {"fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "int8": 1}
"""Bytes of one element as it lies in memory, by element type of the arithmetic."""


class DeviceError(ValueError):
    """A device, rate or element type that is not known; the message names what is, and the nearest."""


@frozen
class Device:
    """A machine. `peaks` has operations a second by element type; `assumed` says what is no published figure.

    `near`: bytes a second of what a cache holds; 0 where it is no other than `bandwidth`. `cpu`: the machine runs
    graphs in onnxruntime's CPU provider, so that what is typical of that can be said.
    """

    name: str
    title: str
    peaks: Mapping[str, int]
    bandwidth: int
    source: str
    assumed: str = ""
    near: int = 0
    cpu: bool = False

    @property
    def nearest(self) -> int:
        """Bytes a second of what a cache holds."""
        return max(self.near, self.bandwidth)

    def peak(self, dtype: str) -> int:
        """Operations a second with an element type. A DeviceError where the rate is not known."""
        if dtype not in BYTES:
            near = nearest(dtype, BYTES)
            raise DeviceError(
                f"there is no element type `{dtype}`: it is one of {', '.join(BYTES)}{did_you_mean(near)}"
            )
        if dtype not in self.peaks:
            raise DeviceError(f"no rate of {self.name} is known for {dtype}: it has {', '.join(self.peaks)}")
        return self.peaks[dtype]


H200 = Device(
    "H200",
    "NVIDIA H200 SXM, 141 GB",
    {"fp32": 67 * T, "tf32": 494_500 * G, "fp16": 989_500 * G, "bf16": 989_500 * G, "int8": 1979 * T},
    4800 * G,
    "NVIDIA H200 Tensor Core GPU datasheet, 2024; tensor-core rates halved, as they are given with sparsity",
)
A100_RATES = {"fp32": 19_500 * G, "tf32": 156 * T, "fp16": 312 * T, "bf16": 312 * T, "int8": 624 * T}
A100 = Device(
    "A100",
    "NVIDIA A100 SXM, 80 GB",
    A100_RATES,
    2039 * G,
    "NVIDIA A100 Tensor Core GPU datasheet, 2021",
)
A100_40 = Device(
    "A100-40GB",
    "NVIDIA A100 SXM, 40 GB",
    A100_RATES,
    1555 * G,
    "NVIDIA A100 Tensor Core GPU datasheet, 2020",
)
T4 = Device(
    "T4",
    "NVIDIA T4, 16 GB",
    {"fp32": 8_100 * G, "fp16": 65 * T, "int8": 130 * T},
    320 * G,
    "NVIDIA T4 Tensor Core GPU datasheet, 2019",
)
CPU = Device(
    "cpu-core",
    "one CPU core with AVX2 at 3.0 GHz",
    {"fp32": 96 * G},
    20 * G,
    "3.0e9 clocks/s x 2 fused multiply-adds of 8 floats per clock x 2 operations (Intel 64 and IA-32 Architectures "
    "Optimization Reference Manual: two 256-bit FMA units from Haswell on)",
    "the clock, the width of its vectors (`cpu-core-avx512` has twice that; `this` measures), and the bytes a second "
    "that one core draws from memory and from its caches",
    near=60 * G,
    cpu=True,
)
WIDE_CPU = Device(
    "cpu-core-avx512",
    "one CPU core with AVX-512 at 3.0 GHz",
    {"fp32": 192 * G},
    20 * G,
    "3.0e9 clocks/s x 2 fused multiply-adds of 16 floats per clock x 2 operations (Intel 64 and IA-32 Architectures "
    "Optimization Reference Manual: two 512-bit FMA units in servers from Skylake on)",
    "the clock, and the bytes that one core draws from memory and from its caches a second",
    near=60 * G,
    cpu=True,
)
PHONE = Device(
    "phone-npu",
    "Apple A15 Neural Engine, 16 cores",
    {"fp16": 15_800 * G, "int8": 15_800 * G},
    34_100 * 10**6,
    "15.8 trillion operations a second: Apple press release on iPhone 13, 14 September 2021",
    "that the rate holds for fp16 as for int8 (Apple names no element type), and the bandwidth: 64 bits of LPDDR4X at "
    "4,266 MT/s",
)

DEVICES: dict[str, Device] = {device.name: device for device in (H200, A100, A100_40, T4, CPU, WIDE_CPU, PHONE)}

SUFFIXES = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
RATES = ("peak", "bandwidth")


def device_of(text: str) -> Device:
    """A device of DEVICES by name (case aside), or one of given rates: `peak=10T,bandwidth=100G`.

    `peak` is FLOP/s for any element type, `bandwidth` bytes/s. A DeviceError for anything else.
    """
    if "=" in text:
        return given(text)
    known = {name.lower(): device for name, device in DEVICES.items()}
    found = known.get(text.strip().lower())
    if found is None:
        near = nearest(text.strip().lower(), known)
        close = known[near].name if near is not None else None
        choices = f"{', '.join(DEVICES)}, `this` (which is measured), or numbers as in `peak=10T,bandwidth=100G`"
        raise DeviceError(f"there is no device `{text}`: it is one of {choices}{did_you_mean(close)}")
    return found


def given(text: str) -> Device:
    """A device of rates in figures. A DeviceError for one that is missing, twice there or no number above zero."""
    rates: dict[str, int] = {}
    for part in text.split(","):
        name, sign, figure = (piece.strip() for piece in part.partition("="))
        if name not in RATES or not sign:
            near = did_you_mean(nearest(name, RATES))
            raise DeviceError(f"`{part.strip()}` is no rate: a device needs `peak=..,bandwidth=..`{near}")
        if name in rates:
            raise DeviceError(f"`{name}` is given twice")
        rates[name] = rate(name, figure)
    for name in RATES:
        if name not in rates:
            raise DeviceError(f"`{name}` is missing: a device needs `peak=..,bandwidth=..`")
    peaks = dict.fromkeys(BYTES, rates["peak"])
    return Device("given", text.strip(), peaks, rates["bandwidth"], "numbers given")


def rate(name: str, text: str) -> int:
    """`10T`, `2.5G` or a plain number, rounded down to one a second. A DeviceError for anything else."""
    number, scale = text, 1
    if text[-1:].lower() in SUFFIXES:
        number, scale = text[:-1], SUFFIXES[text[-1].lower()]
    whole, _, part = number.partition(".")
    if not (whole + part).isascii() or not (whole + part).isdecimal():
        raise DeviceError(f"`{name}={text}` is no rate such as `10T` or `2.5G`")
    value: int = int(whole + part) * scale // 10 ** len(part)
    if value < 1:
        raise DeviceError(f"`{name}={text}`: a rate must be at least 1 a second")
    return value


def did_you_mean(near: str | None) -> str:
    """The end of a message: the nearest valid choice, if one is near."""
    return f"; did you mean `{near}`?" if near is not None else ""
