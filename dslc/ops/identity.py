"""The layer that does nothing."""

from __future__ import annotations

from typing import ClassVar

from dslc.ops.base import Graph, Local, NoMacs, NoParams, Op, Port, SameType, op
from dslc.ops.counting import Moves, Same, SavesNothing
from dslc.ops.torchtext import Form, In, TorchContext, call
from dslc.types.tensor import TensorType


@op("id")
class Identity(SameType, NoParams, NoMacs, Moves, Same, SavesNothing, Local, Op):
    """The identity: any tensor, unchanged. The neutral value of a parameter that is a layer.

    ```dl
    block unit(act: layer = id) on x[N, C, H, W]:
        conv(C, 3) -> act

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
