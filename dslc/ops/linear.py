"""Linear maps of the last axis, and tables of vectors."""

from __future__ import annotations

from typing import ClassVar

from dslc.ops.base import (
    Graph,
    InferContext,
    Init,
    Local,
    Names,
    NoMacs,
    Op,
    OutputActs,
    ParamSpec,
    Port,
    Tensor,
    Types,
    Work,
    attr,
    chosen,
    op,
)
from dslc.ops.convolution import TORCH_WEIGHT, biases, uniform_bias
from dslc.ops.counting import Fresh, NoFlops, SavesInput
from dslc.ops.recovery import Known, RecoversFeatures, rows
from dslc.ops.signals import Looks, Signal, Weighs
from dslc.ops.torchtext import Form, In, Own, TorchContext, call, keyword
from dslc.types.dim import Size
from dslc.types.tensor import DType, TensorType

WEIGHT_GIVEN = '''\
class WeightGivenLinear(nn.Module):
    """A linear map with a bias of its own, and a weight that is given at each call."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features = in_features
        self.bias = nn.Parameter(torch.empty(out_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        bound = 1 / math.sqrt(self.in_features)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.linear(x, weight, self.bias)
'''

BIAS_GIVEN = '''\
class BiasGivenLinear(nn.Module):
    """A linear map with a weight of its own, and a bias that is given at each call."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        return F.linear(x, self.weight, bias)
'''


@op("linear")
class Linear(RecoversFeatures, OutputActs, Fresh, SavesInput, Local, Op):
    """A linear map of the last axis: `y = x W^T + b`.

    `[..., D] -> [..., out]`, weight `[out, D]`, multiply-adds `rows * D * out` (torch.nn.Linear). `weight=`
    and `bias=` take a tensor that is owned elsewhere: a tied output layer is `linear(vocab,
    weight=wte.weight)`.

    ```dl
    net head on x[N, 512]:
        linear(10)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", channel=-1),)
    out: int = attr(min=1)
    bias: bool | Tensor = attr(True, keyword=True)
    weight: Tensor | None = attr(None, keyword=True)
    init: Init | None = attr(None, keyword=True)
    bias_init: Init | None = attr(None, keyword=True)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        c.pin(x.dims[-1])
        return x.with_dim(-1, self.out, c.word("out")).with_channel(-1)

    def params(self, x: TensorType) -> tuple[ParamSpec, ...]:
        width = x.dims[-1]
        assert isinstance(width, int)
        weight = ParamSpec("weight", (self.out, width), chosen(self.init, TORCH_WEIGHT))
        if self.bias is False:
            return (weight,)
        return weight, ParamSpec("bias", (self.out,), chosen(self.bias_init, uniform_bias(width)))

    def macs(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(self.params(ins[0])[0].count, ins[0].dims[:-1]),)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return biases(self.bias is not False, outs)

    def signal(self, ins: Types, outs: Types) -> Signal:
        weight = self.params(ins[0])[0]
        return Weighs(weight.shape[1], self.out)

    def torch(self, t: TorchContext) -> Form:
        width, out = t.size(0, t.ins[0].rank - 1), t.attr("out")
        biased, given = self.bias is not False, not isinstance(self.bias, bool)
        if self.weight is None and not given:
            exact = call("F.linear", In(0), Own("weight"), *([Own("bias")] if biased else []))
            return Form(module=call("nn.Linear", width, out, keyword("bias", t.attr("bias"), True)), exact=exact)
        if self.weight is not None and (given or not biased):
            bias = (Own("bias"),) if given else ()
            return Form(function=call("F.linear", In(0), Own("weight"), *bias))
        if self.weight is not None:
            name = t.helper("WeightGivenLinear", WEIGHT_GIVEN)
            return Form(module=call(name, width, out), helpers=(name,), arguments=(In(0), Own("weight")))
        name = t.helper("BiasGivenLinear", BIAS_GIVEN)
        return Form(module=call(name, width, out), helpers=(name,), arguments=(In(0), Own("bias")))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        bias = [p["bias"]] if "bias" in p else []
        if ins[0].rank == 2:
            return str(g.op("Gemm", [x[0], p["weight"], *bias], transB=1))
        y = g.op("MatMul", [x[0], g.weight_transposed(p["weight"])])
        return str(g.op("Add", [y, *bias]) if bias else y)


@op("embedding")
class Embedding(NoMacs, NoFlops, Fresh, SavesInput, Local, Op):
    """A table of `count` vectors, read by index (Bengio et al. 2003; torch.nn.Embedding).

    `int64[...] -> [..., dim]`, weight `[count, dim]`; each index must be in `0 .. count - 1`. `weight=` takes
    a table that is owned elsewhere.

    ```dl
    net words on ids: int64[N, T=128]:
        embedding(1000, 64) -> linear(2)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("ids", rank=(0, None), dtype="int"),)
    count: int = attr(min=1)
    dim: int = attr(min=1)
    weight: Tensor | None = attr(None, keyword=True)
    init: Init | None = attr(None, keyword=True)

    def infer(self, c: InferContext, ids: TensorType) -> TensorType:
        words = (*(ids.words or (None,) * ids.rank), c.word("dim"))
        return TensorType((*ids.dims, self.dim), DType.FLOAT, ids.rank, words)

    def recover(self, ins: Known) -> Types:
        return rows(ins, self.dim, DType.FLOAT)

    def places(self, ins: Types) -> dict[int, Size]:
        return {0: self.count}

    def params(self, ids: TensorType) -> tuple[ParamSpec, ...]:
        init = Init("normal", (("mean", 0.0), ("std", 1.0)), default=True)
        return (ParamSpec("weight", (self.count, self.dim), chosen(self.init, init)),)

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Looks()

    def torch(self, t: TorchContext) -> Form:
        if self.weight is not None:
            return Form(function=call("F.embedding", In(0), Own("weight")))
        return Form(module=call("nn.Embedding", t.attr("count"), t.attr("dim")))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Gather", [p["weight"], x[0]]))
