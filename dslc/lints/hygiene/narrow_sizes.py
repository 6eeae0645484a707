"""Sizes of images that are common, and that a network refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dslc.diagnostics.model import Diagnostic, users_place
from dslc.lints.base import Lint
from dslc.lints.network import Network
from dslc.types.domain import Domain
from dslc.types.guards import Guard

COMMON: Final = (28, 32, 64, 96, 112, 128, 160, 192, 224, 240, 256, 288, 299, 320, 384, 416, 448, 512, 600, 640, 768,
                 800, 1024)  # fmt: skip
"""Sides of images that data sets and published networks have."""


class NarrowSizes(Lint, code="N1704", name="narrow-sizes"):
    """A line makes the network refuse most of the sizes that images commonly have.

    The compiler works out which sizes a network takes: a U-Net without padding that halves four times takes 572 and
    188, and neither 512 nor 256 (Ronneberger, Fischer and Brox 2015, section 2: the input tile has to be chosen such
    that all pools see an even size). Whoever has other images must cut or resize them. Padding that keeps sizes, pools
    with `ceil`, a crop or resize where two maps meet, or `gap` for a fixed pool make it take more. It is said where the
    default is taken, and three quarters or more of the common sizes from half to twice the default are refused.

    ```dl fails
    net f on image[N, 3, H=572, W=572] -> [N, 2, _, _]:
        conv(16, 3, p=0) -> relu -> conv(16, 3, p=0) -> relu
        skip = it
        for i in range(2): maxpool(2) -> conv(16, 3, p=0) -> relu -> conv(16, 3, p=0) -> relu
        maxpool(2) -> conv(32, 3) -> relu -> upsample(8)
        concat(skip[:, :, 12:-12, 12:-12], it) -> conv(2, 1)
    ```

    ```dl
    net f on image[N, 3, H=512, W=512] -> [N, 2, _, _]:
        conv(16, 3) -> relu
        skip = it
        maxpool(2) -> conv(32, 3) -> relu -> maxpool(2) -> conv(32, 3) -> relu -> upsample(4)
        concat(skip, it) -> conv(2, 1)
    ```

    Related: N0710.
    """

    symbol: str
    needs: str
    refused: tuple[int, ...]
    tried: int

    @property
    def message(self) -> str:
        return f"this asks for {self.needs}, and {len(self.refused)} of {self.tried} common sizes are refused"

    @property
    def label(self) -> str:
        some = ", ".join(map(str, self.refused[:6])) + (", .." if len(self.refused) > 6 else "")
        return f"{self.symbol} can't be {some}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        sizes = net.model.sizes
        images = [value for value in net.model.root.inputs if value.type.rank == 4]
        names = {str(side) for value in images for side in value.type.dims[2:]}
        seen: set[tuple[object, ...]] = set()
        for symbol in sorted(names & sizes.default.keys() - sizes.universal):
            default = sizes.default[symbol]
            common = [side for side in COMMON if default // 2 <= side <= 2 * default]
            guards = [guard for guard in sizes.guards if guard.symbol == symbol]
            guard = _worst(guards, common)
            if guard is None or (guard.span, guard.by) in seen:
                continue
            refused = tuple(side for side in common if side not in sizes.domain[symbol])
            if default in sizes.domain[symbol] and 4 * len(refused) >= 3 * len(common) > 0:
                seen.add((guard.span, guard.by))
                place, trail = users_place(guard.span, guard.trail)
                yield cls(symbol, guard.text, refused, len(common)).at(place, trail)


def _worst(guards: list[Guard], common: list[int]) -> Guard | None:
    """The guard that refuses most of some sizes."""

    def refuses(allowed: Domain) -> int:
        return sum(side not in allowed for side in common)

    return max(guards, key=lambda guard: refuses(guard.allowed), default=None)
