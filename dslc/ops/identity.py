"""Layers that do nothing when a network runs: the identity, and a word on where the channels are."""

from __future__ import annotations

from typing import ClassVar

from dslc.ops.base import Graph, InferContext, Local, NoMacs, NoParams, Op, Port, SameType, attr, op
from dslc.ops.counting import Moves, Same, SavesNothing
from dslc.ops.layout import axis_of
from dslc.ops.recovery import Known, known, resized
from dslc.ops.torchtext import Form, In, TorchContext, call
from dslc.record import replace
from dslc.types.tensor import TensorType


@op("id")
class Identity(SameType, NoParams, NoMacs, Moves, Same, SavesNothing, Local, Op):
    """The identity: any tensor, unchanged. The neutral value of a parameter that is a layer.

    ```dl
    block unit(act: layer = id) on x[N, C, H, W]:
        conv(C, 3) -> bn -> act

    net f on image[N, 3, H=32, W=32]:
        unit -> unit(act=relu)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(0, None), dtype="any"),)

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.Identity"), function=In(0))

    def onnx(
        self,
        g: Graph,
        x: tuple[str, ...],
        p: dict[str, str],
        ins: tuple[TensorType, ...],
        outs: tuple[TensorType, ...],
    ) -> str:
        return x[0]


@op("channel_axis")
class ChannelAxis(Identity):
    """Says which axis holds the channels, whatever was known before. It moves nothing, and no output has a trace of it.

    `channel_axis(-1)`: tokens or features; `channel_axis(1)`: a map. What follows then works on the channels or on the
    places without an `axis=` of its own.

    ```dl
    net f on x[N, T=16, 8]:
        channel_axis(-1) -> pad(((1, 0),)) -> softmax
    ```
    """

    is_layer: ClassVar[bool] = False
    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(1, None), dtype="any"),)
    axis: int = attr()

    def recover(self, ins: Known) -> tuple[TensorType, ...]:
        x = ins[0] if ins else None
        if x is None:
            return ()
        said = known(self.axis) and -x.rank <= self.axis < x.rank
        return (resized(x).with_channel(self.axis) if said else replace(resized(x), channel=None, split=()),)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        return x.with_channel(axis_of("channel_axis", self.axis, x))
