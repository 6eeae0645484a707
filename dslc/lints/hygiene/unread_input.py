"""Channels of an input that nothing reads."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network
from dslc.lints.reads import ranges, unread


class UnreadInput(Lint, code="W1701", name="unread-input-channels"):
    """Some channels of an input are never read, so that what is in them changes nothing.

    The header asks for three channels, and a slice takes the first: two thirds of what is loaded, decoded and copied
    are of no effect, and a picture without its colours is likely not what is meant. Either the input has fewer
    channels, or a slice is wrong (a `:1` for a `1:`); colours become grey by a weighted sum of all three (ITU-R BT.601,
    2011). An input that is not read at all is an error.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        it[:, :1] -> conv(16, 3) -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 1, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> relu -> gap -> flatten -> linear(10)
    ```

    Related: E0365, W1702.
    """

    name: str
    places: str
    count: int
    channels: int

    @property
    def message(self) -> str:
        return f"nothing reads {self.count} of the {self.channels} channels of `{self.name}`"

    @property
    def label(self) -> str:
        return f"{'channels' if self.count > 1 else 'channel'} {self.places}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        if not net.model.params:  # a function of tensors, which may take what it likes
            return
        for value in net.model.root.inputs:
            rank = value.type.rank
            axis = value.type.channel if value.type.channel is not None else 1
            if not value.type.dtype.is_float or rank < 2 or axis >= rank or not isinstance(value.type.dims[axis], int):
                continue
            if missing := unread(net, value, axis):
                channels = net.shape(value)[axis]
                mistake = cls(value.name or "it", ranges(missing), len(missing), channels)
                yield net.at(mistake, net.readers(value)[0])
