"""Layers that disturb training and do nothing at inference."""

from __future__ import annotations

from typing import ClassVar

from dslc.ops.axes import check_map
from dslc.ops.base import Graph, InferContext, Local, Names, NoMacs, NoParams, Op, Port, SameType, Types, attr, op
from dslc.ops.counting import NOTHING, Held, Moves, Same, Saved
from dslc.ops.signals import Constant, Drops, Replaces, Signal
from dslc.ops.torchtext import Arg, Form, TorchContext, call, keyword
from dslc.types.dim import Size
from dslc.types.tensor import DType, TensorType

DROP_PATH = '''\
class DropPath(nn.Module):
    """Zeroes whole samples (or the whole batch) in training, and scales the rest up."""

    def __init__(self, p: float, mode: str = "row") -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        shape = [x.shape[0] if self.mode == "row" else 1] + [1] * (x.dim() - 1)
        kept = x.new_empty(shape).bernoulli_(1 - self.p)
        return x * kept if self.p == 1 else x * kept / (1 - self.p)
'''


class Regulariser(SameType, NoParams, NoMacs, Moves, Same, Local, Op):
    """Rules all of them share: the type stays, and inference passes the tensor through."""

    inputs: ClassVar[tuple[Port, ...]] = (Port("x"),)

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return x[0]


def mask(p: float, ins: Types, sizes: tuple[Size, ...], dtype: DType | None = None) -> Saved:
    """What dropout keeps: a factor for each of `sizes`, of the input's element type unless given.

    Nothing where nothing is dropped, one zero where all is (aten/src/ATen/native/Dropout.cpp).
    """
    if p == 0:
        return NOTHING
    return Saved(extra=(Held(1, () if p == 1 else sizes, ins[0].dtype if dtype is None or p == 1 else dtype),))


@op("dropout")
class Dropout(Regulariser):
    """Dropout: in training, zeroes each element with probability `p` and scales the rest by `1 / (1 - p)`.

    Any shape, unchanged (Srivastava et al. 2014; torch.nn.Dropout). The identity at inference.

    ```dl
    net f on x[N, 256]:
        linear(128) -> relu -> dropout(0.5) -> linear(10)
    ```
    """

    p: float = attr(0.5, min=0, max=1)

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Drops(self.p)

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.Dropout", Arg(t.attr("p"), default=0.5)), stateful=True)

    def saved(self, ins: Types, outs: Types) -> Saved:
        return mask(self.p, ins, ins[0].dims, DType.BOOL)  # on CUDA; floats on a CPU


@op("dropout2d")
class Dropout2d(Regulariser):
    """Dropout of whole channels of a map, in 1, 2 or 3 dimensions by its rank (Tompson et al. 2015).

    `[N, C, *S] -> [N, C, *S]` (torch.nn.Dropout1d, Dropout2d, Dropout3d). The identity at inference.

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(16, 3) -> relu -> dropout2d(0.1) -> conv(16, 3)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(3, 5), channel=1),)
    p: float = attr(0.5, min=0, max=1)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        check_map("dropout2d", x)
        return x

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Drops(self.p, "channel")

    def torch(self, t: TorchContext) -> Form:
        module = call(f"nn.Dropout{t.ins[0].rank - 2}d", Arg(t.attr("p"), default=0.5))
        return Form(module=module, stateful=True)

    def saved(self, ins: Types, outs: Types) -> Saved:
        return mask(self.p, ins, ins[0].dims[:2])


@op("alpha_dropout")
class AlphaDropout(Regulariser):
    """Dropout that keeps mean and variance, for networks with `selu` (Klambauer et al. 2017).

    Any shape, unchanged (torch.nn.AlphaDropout). The identity at inference.

    ```dl
    net f on x[N, 256]:
        linear(128) -> selu -> alpha_dropout(0.1) -> linear(10)
    ```
    """

    p: float = attr(0.5, min=0, max=1)

    def signal(self, ins: Types, outs: Types) -> Signal:
        # Klambauer et al. 2017, section 3: what is dropped has the least value of selu, then mean and variance are
        # brought back to 0 and 1.
        least = -1.7580993408473766
        if self.p >= 1:
            return Constant(0.0, 0.0)
        scale = ((1 - self.p) * (1 + self.p * least * least)) ** -0.5
        return Replaces(self.p, least, scale, -scale * self.p * least)

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.AlphaDropout", Arg(t.attr("p"), default=0.5)), stateful=True)

    def saved(self, ins: Types, outs: Types) -> Saved:
        return mask(self.p, ins, ins[0].dims)


@op("droppath")
class DropPath(Regulariser):
    """Stochastic depth: in training, zeroes whole samples with probability `p` (Huang et al. 2016).

    Any shape, unchanged; stands at the end of a residual branch. `mode="row"` decides for each sample,
    `"batch"` for all at once, as torchvision.ops.StochasticDepth. The identity at inference.

    ```dl
    net f on x[N, C=16, H=8, W=8]:
        y = relu -> conv(C, 3) -> droppath(0.2)
        it + y
    ```
    """

    p: float = attr(min=0, max=1)
    mode: str = attr("row", choices=("row", "batch"))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Drops(self.p, "sample")

    def torch(self, t: TorchContext) -> Form:
        name = t.helper("DropPath", DROP_PATH)
        return Form(
            module=call(name, t.attr("p"), keyword("mode", t.attr("mode"), "row")),
            helpers=(name,),
            stateful=True,
        )

    def saved(self, ins: Types, outs: Types) -> Saved:
        if self.p == 0:
            return NOTHING
        return Saved(extra=(Held(1, ins[0].dims[:1] if self.mode == "row" else (), ins[0].dtype),))
