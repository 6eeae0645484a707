"""Transposed convolutions whose kernel does not divide by the stride."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic, Help
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import number, numbers_set, sized, written
from dslc.ops.convolution import Deconv


class Checkerboard(Lint, code="W1305", name="checkerboard"):
    """The kernel of a transposed convolution is no multiple of its stride, and its result has a checkerboard in it.

    Each place of the input adds its kernel to the result, `s` places apart. Where `s` divides the kernel all places of
    the result get equally many products; else some get more than their neighbours: of kernel 3 at stride 2 in two
    dimensions 1, 2 or 4, in a pattern that later layers hardly remove (Odena, Dumoulin and Olah 2016, Deconvolution and
    Checkerboard Artifacts). Of a kernel smaller than the stride some get none: they hold the bias alone.

    Take a kernel that the stride divides, or `upsample` and a convolution.

    ```dl fails
    net f on x[N, 32, 16, 16] -> [N, 3, 32, 32]:
        deconv(16, 3, s=2, p=1, op=1) -> bn -> relu -> conv(3, 3)
    ```

    ```dl
    net f on x[N, 32, 16, 16] -> [N, 3, 32, 32]:
        deconv(16, 4, s=2, p=1) -> bn -> relu -> conv(3, 3)
    ```

    Related: W1301.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    least: int
    most: int

    @property
    def message(self) -> str:
        what = f"kernel {sized(self.kernel)} is no multiple of stride {sized(self.stride)}"
        if self.least == 0:
            return f"{what}: some places of the result get no input at all"
        return f"{what}: places of the result get from {self.least} to {self.most} products in turn"

    @property
    def label(self) -> str:
        return "they hold the bias alone" if self.least == 0 else "a checkerboard"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Deconv):
            op = op_of(step)
            assert isinstance(op, Deconv)
            kernel, stride, _, extra, dilation = op.sides(step.inputs[0].type)
            counts = [overlaps(*axis) for axis in zip(kernel, stride, dilation, strict=True)]
            if all(min(each) == max(each) for each in counts):
                continue
            mistake = cls(kernel, stride, prod(map(min, counts)), prod(map(max, counts)))
            yield net.at(mistake, step, written(step, "k"), help=whole(step, kernel, stride, extra, dilation))


def overlaps(kernel: int, stride: int, dilation: int) -> list[int]:
    """How many weights meet at a place of the result, for each remainder of it by the stride."""
    found = [0] * stride
    for j in range(kernel):
        found[j * dilation % stride] += 1
    return found


def whole(
    step: Step, kernel: tuple[int, ...], stride: tuple[int, ...], extra: tuple[int, ...], d: tuple[int, ...]
) -> tuple[Help, ...]:
    """A kernel longer by the places that `op` adds, where that is a multiple: the result has the same size."""
    k, s, more = kernel[0], stride[0], extra[0]
    if any((a, b, c) != (k, s, more) for a, b, c in zip(kernel, stride, extra, strict=True)) or set(d) != {1}:
        return ()
    if more and (k + more) % s == 0 and number(step, "op") is not None:
        return (numbers_set(step, f"a kernel of {k + more} gives the same size without `op`", k=k + more, op=0),)
    return (Help(f"a kernel of {-(-k // s) * s} is a multiple; or `upsample({s})` and a convolution"),)
