"""Recurrent layers over sequences `[N, T, D]`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops import words
from dslc.ops.base import (
    Global,
    Graph,
    InferContext,
    Init,
    Op,
    ParamSpec,
    Port,
    Reach,
    Types,
    Work,
    attr,
    op,
)
from dslc.ops.counting import Held, Kind, Saved, Storage
from dslc.ops.errors_product import StateShape
from dslc.ops.torchtext import Arg, Form, In, PyExpr, TorchContext, call, keyword, sequence
from dslc.types.dim import Size
from dslc.types.tensor import DType, TensorType


class Recurrent(Op):
    """What recurrent layers share: the weights of torch.nn.LSTM and its kin, under their names."""

    kind: ClassVar[str]
    order: ClassVar[tuple[int, ...]]  # the gates of torch in the order of ONNX
    states: ClassVar[int] = 1  # how many tensors a state is
    step_flops: ClassVar[int]  # operations of a step per feature, beside products and biases
    step_saved: ClassVar[int]  # tensors of `hidden` that a step of torch's own cell keeps beside the states before it
    keeps_last: ClassVar[bool] = False  # whether it keeps the state after it too
    hidden: int = attr(min=1)
    layers: int = attr(1, min=1)
    bidirectional: bool = attr(False)
    state: bool = attr(False, keyword=True)
    bias: bool = attr(True, keyword=True)
    drop: float = attr(0.0, min=0, max=1, keyword=True)

    @property
    def ways(self) -> int:
        """Directions: 1 or 2."""
        return 2 if self.bidirectional else 1

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType | Types:
        x = ins[0]
        features = c.pin(x.dims[2])
        if len(ins) not in (1, 1 + self.states):
            raise Reject(StateShape(self.name, str(ins[1]), f"{self.states} tensors"), at="h")
        count, batch = self.layers * self.ways, x.dims[0]
        for port, given in zip(self.inputs[1:], ins[1:], strict=False):
            first, second, last = given.dims
            fits = first == count and last == self.hidden
            if isinstance(second, int) and isinstance(batch, int):
                fits = fits and second == batch
            if not fits:
                needed = f"[{count}, {batch}, {self.hidden}]"
                raise Reject(StateShape(self.name, str(given), needed), at=port.name)
            batch = c.equal(batch, second)
        hidden = c.word("hidden")
        word = words.product([(self.ways, None), (self.hidden, hidden)]) if hidden is not None else None
        result = x.with_dim(2, features).with_dim(2, self.ways * self.hidden, word)
        if not self.state:
            return result
        final = TensorType((count, batch, self.hidden), x.dtype, 2, (None, x.word(0), hidden))
        return (result, *(final,) * self.states)

    def cells(self, x: TensorType) -> list[tuple[str, int]]:
        """Suffix of the weights' names and input features of each layer and direction, in torch's order."""
        features = x.dims[2]
        assert isinstance(features, int)
        suffixes = ("", "_reverse")[: self.ways]
        inner = self.ways * self.hidden
        return [(f"l{n}{suffix}", features if n == 0 else inner) for n in range(self.layers) for suffix in suffixes]

    def params(self, *ins: TensorType) -> tuple[ParamSpec, ...]:
        bound = 1 / math.sqrt(self.hidden)
        init = Init("uniform", (("a", -bound), ("b", bound)), default=True)
        rows = len(self.order) * self.hidden
        specs: list[ParamSpec] = []
        for suffix, features in self.cells(ins[0]):
            specs.append(ParamSpec(f"weight_ih_{suffix}", (rows, features), init))
            specs.append(ParamSpec(f"weight_hh_{suffix}", (rows, self.hidden), init))
            if self.bias:
                specs += [ParamSpec(f"bias_{side}_{suffix}", (rows,), init) for side in ("ih", "hh")]
        return tuple(specs)

    def macs(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        rows = len(self.order) * self.hidden
        each = sum(rows * (features + self.hidden) for _, features in self.cells(ins[0]))
        return (Work(each, (ins[0].dims[0], ins[0].dims[1])),)

    def acts(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        each = 2 * len(self.order) * self.hidden * self.layers * self.ways  # of the input's and of the state's map
        return (Work(each, (ins[0].dims[0], ins[0].dims[1])),)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        each = self.step_flops + (2 * len(self.order) if self.bias else 0)
        return (Work(each * self.hidden * self.layers * self.ways, (ins[0].dims[0], ins[0].dims[1])),)

    def storage(self, ins: Types, outs: Types) -> Storage:
        """The gates of one step; with several layers one sequence between them, in turn with the result's buffer."""
        batch, time, _ = ins[0].dims
        scratch = [Held(len(self.order) * self.hidden, (batch,), ins[0].dtype)]
        if self.layers > 1:
            scratch.append(Held(self.ways * self.hidden, (batch, time), ins[0].dtype))
        return Storage(Kind.FRESH, tuple(scratch))

    def saved(self, ins: Types, outs: Types) -> Saved:
        """What PyTorch's own cells keep (aten/src/ATen/native/RNN.cpp); cuDNN's reserve space is not documented.

        Each direction of the first layer copies the input with time first; a later layer's input is shared. Each
        step keeps its gates and states. Between layers dropout keeps a mask of bytes, as on CUDA.
        """
        batch, time, features = ins[0].dims
        dtype, cells = ins[0].dtype, self.layers * self.ways
        copied = batch != 1 and time != 1
        extra = [Held(self.ways, (batch, time, features), dtype)] if copied else []
        if self.step_saved:
            extra.append(Held(self.step_saved * self.hidden * cells, (batch, time), dtype))
        given = tuple(range(1, len(ins)))
        states = time + int(self.keeps_last) - int(len(ins) > 1)
        if states != 0:
            extra.append(Held(self.states * self.hidden * cells, (batch, states), dtype))
        if self.layers > 1:
            extra.append(Held((self.layers - 1) * self.ways * self.hidden, (batch, time), dtype))
        if self.layers > 1 and 0 < self.drop < 1:
            extra.append(Held((self.layers - 1) * self.ways * self.hidden, (batch, time), DType.BOOL))
        return Saved(given if copied else (0, *given), extra=tuple(extra))

    def reach(self, ins: Types, outs: Types) -> Reach:
        return Global(self.name)

    def options(self, t: TorchContext) -> list[Arg]:
        """Arguments of the module that not all recurrent layers have."""
        return []

    def torch(self, t: TorchContext) -> Form:
        module = call(
            f"nn.{self.kind}",
            t.size(0, 2),
            t.attr("hidden"),
            keyword("num_layers", t.attr("layers"), 1),
            *self.options(t),
            keyword("bias", t.attr("bias"), True),
            keyword("batch_first", "True"),
            keyword("dropout", t.attr("drop"), 0.0),
            keyword("bidirectional", t.attr("bidirectional"), False),
        )
        arguments: tuple[PyExpr, ...] | None = None
        if len(t.ins) > 2:
            arguments = (In(0), sequence([In(1), In(2)], "("))
        final = "({1}, {2})" if self.states == 2 else "{1}"
        return Form(module=module, arguments=arguments, unpack=f"{{0}}, {final if self.state else '_'}")

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str | tuple[str, ...]:
        # onnxruntime has no kernel for layout=1 (batch first), so time goes first.
        value = str(g.op("Transpose", [x[0]], perm=(1, 0, 2)))
        starts = [self.per_layer(g, name) for name in x[1:]]
        finals: list[list[str]] = [[] for _ in range(self.states)]
        time, batch = ins[0].dims[1], ins[0].dims[0]
        for layer in range(self.layers):
            given: list[str | None] = [start[layer] for start in starts]
            weights = self.layer_weights(g, p, layer)
            y, *states = g.op(
                self.kind,
                [value, *weights, None, *given],
                outputs=1 + self.states,
                hidden_size=self.hidden,
                direction="bidirectional" if self.bidirectional else "forward",
                **self.onnx_options(),
            )
            for kept, state in zip(finals, states, strict=True):
                kept.append(state)
            value = self.joined(g, y, time, batch, last=layer == self.layers - 1)
        if not self.state:
            return value
        return (value, *(kept[0] if len(kept) == 1 else str(g.op("Concat", kept, axis=0)) for kept in finals))

    def onnx_options(self) -> dict[str, Any]:
        """Attributes of the node that not all recurrent layers have."""
        return {}

    def per_layer(self, g: Graph, name: str) -> tuple[str, ...]:
        """A state cut into those of the layers."""
        if self.layers == 1:
            return (name,)
        sizes = g.ints([self.ways] * self.layers)
        parts: tuple[str, ...] = g.op("Split", [name, sizes], outputs=self.layers, axis=0)
        return parts

    def joined(self, g: Graph, y: str, time: Size, batch: Size, last: bool) -> str:
        """`[T, ways, N, H]` with directions side by side: `[T, N, ways * H]`, the last layer batch first."""
        if self.ways == 1:
            y = str(g.op("Squeeze", [y, g.ints([1])]))
            return str(g.op("Transpose", [y], perm=(1, 0, 2))) if last else y
        y = str(g.op("Transpose", [y], perm=(2, 0, 1, 3) if last else (0, 2, 1, 3)))
        first, second = (batch, time) if last else (time, batch)
        return g.reshape(y, (first, second, 2, self.hidden), (first, second, 2 * self.hidden))

    def layer_weights(self, g: Graph, p: dict[str, str], layer: int) -> list[str | None]:
        """The weights W, R and B of a layer's node: its directions stacked, gates in the order of ONNX."""
        suffixes = [f"l{layer}{way}" for way in ("", "_reverse")[: self.ways]]
        w, r = (
            g.weight(f"{side}_l{layer}", [p[f"weight_{name}_{s}"] for s in suffixes], self.stacked)
            for side, name in (("W", "ih"), ("R", "hh"))
        )
        if not self.bias:
            return [w, r, None]
        sources = [p[f"bias_{name}_{s}"] for s in suffixes for name in ("ih", "hh")]
        return [w, r, g.weight(f"B_l{layer}", sources, self.stacked_biases)]

    def stacked(self, *weights: Any) -> Any:
        """Arrays `[gates * H, *]` of each direction as `[ways, gates * H, *]`, gates reordered."""
        import numpy as np

        size = self.hidden
        return np.stack([np.concatenate([w[gate * size : (gate + 1) * size] for gate in self.order]) for w in weights])

    def stacked_biases(self, *biases: Any) -> Any:
        """Biases of input and state of each direction as `[ways, 2 * gates * H]`, gates reordered."""
        return self.stacked(*biases).reshape(self.ways, -1)


def ports(states: Sequence[str]) -> tuple[Port, ...]:
    """A sequence, and optionally the tensors of an initial state `[layers * ways, N, hidden]`."""
    return (
        Port("x", rank=(3, 3), channel=-1),
        *(Port(name, rank=(3, 3), channel=-1, optional=True) for name in states),
    )


@op("lstm")
class LSTM(Recurrent):
    """Long short-term memory, `[N, T, D] -> [N, T, hidden]` (twice that if bidirectional), as torch.nn.LSTM.

    Multiply-adds per place: `4 * hidden * (D + hidden)` for each layer and direction (Hochreiter and
    Schmidhuber, 1997). `h` and `c` are initial states `[layers * directions, N, hidden]`, zeros if not given;
    with `state` the results are the sequence and both final states. `drop` is dropout between layers.

    ```dl
    net tagger on x[N, T=20, 32]:
        lstm(64, layers=2, bidirectional=true) -> linear(10)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = ports(("h", "c"))
    kind: ClassVar[str] = "LSTM"
    order: ClassVar[tuple[int, ...]] = (0, 3, 1, 2)  # torch i f g o, ONNX i o f c
    states: ClassVar[int] = 2
    step_flops: ClassVar[int] = 13  # 4 sums of both maps, 5 activations, f*c + i*g, o*tanh(c)
    step_saved: ClassVar[int] = 5  # 4 gates, tanh(c)


@op("gru")
class GRU(Recurrent):
    """Gated recurrent unit, `[N, T, D] -> [N, T, hidden]` (twice that if bidirectional), as torch.nn.GRU.

    Multiply-adds per place: `3 * hidden * (D + hidden)` for each layer and direction (Cho et al.,
    arXiv:1406.1078). `h` is an initial state `[layers * directions, N, hidden]`; with `state` the results are
    the sequence and the final state.

    ```dl
    net f on x[N, T=20, 32]:
        y, last = gru(64, state=true)
        y + (last -> rearrange("1 n d -> n 1 d"))
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = ports(("h",))
    kind: ClassVar[str] = "GRU"
    order: ClassVar[tuple[int, ...]] = (1, 0, 2)  # torch r z n, ONNX z r h
    step_flops: ClassVar[int] = 10  # 3 sums of both maps, 3 activations, r*(..), (h - n)*z + n
    step_saved: ClassVar[int] = 6  # the maps of the state with 2 gates in place, r's factor, n, h - n

    def onnx_options(self) -> dict[str, Any]:
        return {"linear_before_reset": 1}  # torch applies the reset gate to W_hn h + b_hn


@op("rnn")
class RNN(Recurrent):
    """Plain recurrence `h' = act(W x + b + R h + d)`, `[N, T, D] -> [N, T, hidden]`, as torch.nn.RNN.

    Multiply-adds per place: `hidden * (D + hidden)` for each layer and direction (Elman, 1990). `h` is an
    initial state `[layers * directions, N, hidden]`; with `state` the results are the sequence and the final
    state.

    ```dl
    net f on x[N, T=20, 32]:
        rnn(64, act="relu") -> linear(10)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = ports(("h",))
    kind: ClassVar[str] = "RNN"
    order: ClassVar[tuple[int, ...]] = (0,)
    step_flops: ClassVar[int] = 2  # sum of both maps, activation
    step_saved: ClassVar[int] = 0
    keeps_last: ClassVar[bool] = True
    act: str = attr("tanh", choices=("tanh", "relu"), keyword=True)

    def options(self, t: TorchContext) -> list[Arg]:
        return [keyword("nonlinearity", t.attr("act"), "tanh")]

    def onnx_options(self) -> dict[str, Any]:
        return {"activations": [self.act.capitalize()] * self.ways}
