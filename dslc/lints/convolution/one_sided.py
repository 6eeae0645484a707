"""Even kernels that are padded more on one side."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dslc.diagnostics.model import Applicability, Diagnostic, Edit, Help
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.kinds import ACTIVATIONS, NORMS, QUIET
from dslc.lints.network import Network
from dslc.lints.windows import Side, looks_back, number, padded_sides, sized, written
from dslc.ops.convolution import Conv


class OneSidedPadding(Lint, code="W1303", name="one-sided-padding"):
    """An even kernel is padded by one place more on one side, and moves the map by half a place.

    An even kernel has no middle: to keep the size of the map at stride 1, k - 1 places are added, an odd number, and
    each layer looks half a place to one side. The shifts of several layers add up, corners fare unlike, and accuracy
    falls with depth (Wu, Wang, Tang, Chen and Shi 2019, Convolution with even-sized kernels and symmetric padding). An
    odd kernel keeps the size with equal sides.

    Not spoken of: padding that is all before (causal convolutions) in networks whose results have places, and a layer
    that is followed by its mirror image.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 4, p=same_tf) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 5) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1405.
    """

    kernel: tuple[int, ...]
    before: int
    after: int
    uses: int

    @property
    def message(self) -> str:
        added = f"{self.before} added before and {self.after} after"
        return f"a kernel of {sized(self.kernel)} with {added} moves the map"

    @property
    def label(self) -> str:
        each = Fraction(abs(self.before - self.after), 2)
        return f"by {places(each)}" + (f" at each of {self.uses} uses" if self.uses > 1 else "")

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        moved = {step: shift for step in net.of(Conv) if (shift := shifted(net, step))}
        undone = set()
        for step, shift in moved.items():
            following = net.after(step, *ACTIVATIONS, *NORMS, *QUIET)
            if following in moved and moved[following] == tuple(-s for s in shift):
                undone |= {step, following}
        uses: dict[object, int] = {}
        for step in moved:
            uses[net.place(step)] = uses.get(net.place(step), 0) + 1
        for step in moved:
            if step not in undone:
                windows, pad = padded_sides(net, step)
                side = max(windows, key=lambda s: abs(s.before - s.after))
                mistake = cls(tuple(s.kernel for s in windows), side.before, side.after, uses[net.place(step)])
                yield net.at(mistake, step, written(step, "k"), help=odd(step, max(s.kernel for s in windows), pad))


def shifted(net: Network, step: Step) -> tuple[int, ...]:
    """By how many half places an even kernel at stride 1 moves a map, per axis; nothing where it does not."""
    windows, _ = padded_sides(net, step)
    found = tuple(s.after - s.before if uneven(net, s) else 0 for s in windows)
    return found if any(found) else ()


def uneven(net: Network, side: Side) -> bool:
    """Whether a window at stride 1 has no middle place, and is padded more at one side, but for causal padding."""
    return side.stride == 1 and side.reach % 2 == 1 and side.before != side.after and not looks_back(net, side)


def odd(step: Step, kernel: int, pad: Step | None) -> tuple[Help, ...]:
    """The kernels beside it, whose sides are equal; an edit where the layer itself says how it is padded."""
    words = f"a kernel of {kernel - 1} or {kernel + 1} has equal sides: `p=half`"
    spans = number(step, "k"), written(step, "p")
    if pad is not None or spans[0] is None or spans[1] is None:
        return (Help(words),)
    edits = (Edit(spans[0], str(kernel + 1)), Edit(spans[1], "half"))
    return (Help(words, edits=edits, applicability=Applicability.MAYBE),)


def places(number: Fraction) -> str:
    """`1/2 place`, `2 places`."""
    return f"{number} place{'s' * (number > 1)}"
