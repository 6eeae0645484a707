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
    chosen,
    op,
)
from dslc.ops.counting import Held, Kind, Saved, Storage
from dslc.ops.errors_product import LargeProjection, StateShape
from dslc.ops.layout import never_empty
from dslc.ops.recovery import Known
from dslc.ops.signals import NoSignal, Recurs, Signal
from dslc.ops.torchtext import Arg, Form, In, PyExpr, TorchContext, call, keyword, sequence
from dslc.types.const import Const
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
    init: Init | None = attr(None, keyword=True)
    bias_init: Init | None = attr(None, keyword=True)

    @property
    def cell(self) -> str:
        """What a step is: `lstm`, `gru`, or the function of a plain one."""
        return self.kind.lower()

    @property
    def ways(self) -> int:
        """Directions: 1 or 2."""
        return 2 if self.bidirectional else 1

    @property
    def widths(self) -> tuple[int, ...]:
        """The features of each tensor of a state; the first is what a step gives on."""
        return (self.hidden,) * self.states

    @property
    def width(self) -> int:
        """The features of a direction's result."""
        return self.widths[0]

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType | Types:
        x = ins[0]
        features = c.pin(x.dims[2])
        c.count(self.layers)
        if len(ins) not in (1, 1 + self.states):
            raise Reject(StateShape(self.name, str(ins[1]), f"{self.states} tensors"), at="h")
        count, batch = self.layers * self.ways, x.dims[0]
        for port, given, width in zip(self.inputs[1:], ins[1:], self.widths, strict=False):
            first, second, last = given.dims
            fits = first == count and last == width
            if isinstance(second, int) and isinstance(batch, int):
                fits = fits and second == batch
            if not fits:
                needed = f"[{count}, {batch}, {width}]"
                raise Reject(StateShape(self.name, str(given), needed, self.layers, self.ways), at=port.name)
            batch = c.equal(batch, second)
        said = [self.word(c, width) for width in self.widths]
        word = words.product([(self.ways, None), (self.width, said[0])]) if said[0] is not None else None
        result = x.with_dim(2, features).with_dim(2, self.ways * self.width, word).with_channel(2)
        if not self.state:
            return result
        finals = zip(self.widths, said, strict=True)
        return (result, *(TensorType((count, batch, n), x.dtype, 2, (None, x.word(0), w)) for n, w in finals))

    def recover(self, ins: Known) -> Types:
        return super().recover(ins) if self.state is False else ()

    def word(self, c: InferContext, width: int) -> Const | None:
        """The words for a number of features."""
        return c.word("hidden")

    def cells(self, x: TensorType) -> list[tuple[str, int]]:
        """Suffix of the weights' names and input features of each layer and direction, in torch's order."""
        features = x.dims[2]
        assert isinstance(features, int)
        suffixes = ("", "_reverse")[: self.ways]
        inner = self.ways * self.width
        return [(f"l{n}{suffix}", features if n == 0 else inner) for n in range(self.layers) for suffix in suffixes]

    def params(self, *ins: TensorType) -> tuple[ParamSpec, ...]:
        bound = 1 / math.sqrt(self.hidden)
        default = Init("uniform", (("a", -bound), ("b", bound)), default=True)
        init, bias_init = chosen(self.init, default), chosen(self.bias_init, default)
        rows = len(self.order) * self.hidden
        specs: list[ParamSpec] = []
        for suffix, features in self.cells(ins[0]):
            specs.append(ParamSpec(f"weight_ih_{suffix}", (rows, features), init))
            specs.append(ParamSpec(f"weight_hh_{suffix}", (rows, self.width), init))
            if self.bias:
                specs += [ParamSpec(f"bias_{side}_{suffix}", (rows,), bias_init) for side in ("ih", "hh")]
            if self.width != self.hidden:
                specs.append(ParamSpec(f"weight_hr_{suffix}", (self.width, self.hidden), init))
        return tuple(specs)

    def macs(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        each = sum(spec.count for spec in self.params(*ins) if spec.name.startswith("weight"))
        return (Work(each, (ins[0].dims[0], ins[0].dims[1])),)

    def acts(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        each = sum(spec.shape[0] for spec in self.params(*ins) if spec.name.startswith("weight"))
        return (Work(each, (ins[0].dims[0], ins[0].dims[1])),)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        each = self.step_flops + (2 * len(self.order) if self.bias else 0)
        return (Work(each * self.hidden * self.layers * self.ways, (ins[0].dims[0], ins[0].dims[1])),)

    def storage(self, ins: Types, outs: Types) -> Storage:
        """The gates of one step; with several layers one sequence between them, in turn with the result's buffer."""
        batch, time, _ = ins[0].dims
        scratch = [Held(len(self.order) * self.hidden, (batch,), ins[0].dtype)]
        if self.layers > 1:
            scratch.append(Held(self.ways * self.width, (batch, time), ins[0].dtype))
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
        step = self.step_saved + int(self.width != self.hidden)  # and what is projected
        if step:
            extra.append(Held(step * self.hidden * cells, (batch, time), dtype))
        given = tuple(range(1, len(ins)))
        states = time + int(self.keeps_last) - int(len(ins) > 1)
        if states != 0:
            extra.append(Held(sum(self.widths) * cells, (batch, states), dtype))
        if self.layers > 1:
            extra.append(Held((self.layers - 1) * self.ways * self.width, (batch, time), dtype))
        if self.layers > 1 and 0 < self.drop < 1:
            extra.append(Held((self.layers - 1) * self.ways * self.width, (batch, time), DType.BOOL))
        return Saved(given if copied else (0, *given), extra=tuple(extra))

    def reach(self, ins: Types, outs: Types) -> Reach:
        return Global(self.name)

    def options(self, t: TorchContext) -> list[Arg]:
        """Arguments of the module that not all recurrent layers have."""
        return []

    def last_options(self, t: TorchContext) -> list[Arg]:
        """Such arguments that come last in torch."""
        return []

    def signal(self, ins: Types, outs: Types) -> Signal:
        if len(ins) > 1 or any(width != self.hidden for width in self.widths):
            return NoSignal("a state that is given, or projected, has no rule")
        return Recurs(
            self.cell,
            self.hidden,
            self.layers,
            self.ways,
            self.bias,
            self.drop,
        )

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
            *self.last_options(t),
        )
        arguments: tuple[PyExpr, ...] | None = None
        if len(t.ins) > 2:
            arguments = (In(0), sequence([In(1), In(2)], "("))
        final = "({1}, {2})" if self.states == 2 else "{1}"
        return Form(module=module, arguments=arguments, unpack=f"{{0}}, {final if self.state else '_'}")

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str | tuple[str, ...]:
        # onnxruntime has no kernel for layout=1 (batch first), so time goes first.
        value = str(g.op("Transpose", [never_empty(g, x[0], ins[0].dims)], perm=(1, 0, 2)))
        starts = [self.per_layer(g, name) for name in x[1:]]
        finals: list[list[str]] = [[] for _ in range(self.states)]
        time, batch = ins[0].dims[1], ins[0].dims[0]
        for layer in range(self.layers):
            given: list[str | None] = [start[layer] for start in starts]
            weights = self.layer_weights(g, p, layer, bool(given))
            value, given = self.started(g, value, given, time)
            y, *states = g.op(
                self.kind,
                [value, *weights, None, *given],
                outputs=1 + self.states,
                hidden_size=self.hidden,
                direction="bidirectional" if self.bidirectional else "forward",
                **self.onnx_options(),
            )
            y, states[0] = (self.projected(g, p, layer, h) for h in (y, states[0]))
            for kept, state in zip(finals, states, strict=True):
                kept.append(state)
            value = self.joined(g, y, time, batch, last=layer == self.layers - 1)
        if not self.state:
            return value
        return (value, *(kept[0] if len(kept) == 1 else str(g.op("Concat", kept, axis=0)) for kept in finals))

    def onnx_options(self) -> dict[str, Any]:
        """Attributes of the node that not all recurrent layers have."""
        return {}

    def started(self, g: Graph, value: str, given: list[str | None], time: Size) -> tuple[str, list[str | None]]:
        """A layer's input `[T, N, D]` and initial state as its node takes them."""
        return value, given

    def projected(self, g: Graph, p: dict[str, str], layer: int, h: str) -> str:
        """`[.., ways, N, hidden]` of a layer's node as torch gives it, with the features of `width`."""
        return h

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
        return g.reshape(y, (first, second, 2, self.width), (first, second, 2 * self.width))

    def suffixes(self, layer: int) -> list[str]:
        """The ends of the names of a layer's weights, one for each direction."""
        return [f"l{layer}{way}" for way in ("", "_reverse")[: self.ways]]

    def layer_weights(self, g: Graph, p: dict[str, str], layer: int, started: bool) -> list[str | None]:
        """The weights W, R and B of a layer's node: its directions stacked, gates in the order of ONNX.

        `started`: an initial state is given.
        """
        suffixes = self.suffixes(layer)
        w, r = (
            g.weight(f"{side}_l{layer}", [p[f"weight_{name}_{s}"] for s in suffixes], self.stacked, self.stack)
            for side, name in (("W", "ih"), ("R", "hh"))
        )
        if not self.bias:
            return [w, r, None]
        sources = [p[f"bias_{name}_{s}"] for s in suffixes for name in ("ih", "hh")]
        return [w, r, g.weight(f"B_l{layer}", sources, self.stacked_biases, self.row)]

    def stack(self, first: Sequence[int], *others: Sequence[int]) -> Sequence[int]:
        """The shape of `stacked`."""
        return (self.ways, *first)

    def row(self, first: Sequence[int], *others: Sequence[int]) -> Sequence[int]:
        """The shape of `stacked_biases`."""
        return (self.ways, 2 * first[0])

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

    With `proj` each step gives on only `proj` features, `W_hr h`, to the next step and the next layer: the result and
    `h` have that many, `c` still `hidden`; `4 * hidden * (D + proj) + proj * hidden` multiply-adds (Sak, Senior and
    Beaufays, arXiv:1402.1128, section 3).

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
    proj: int | None = attr(None, min=1, keyword=True)

    @property
    def widths(self) -> tuple[int, ...]:
        return (self.hidden if self.proj is None else self.proj, self.hidden)

    def check(self) -> None:
        if self.proj is not None and self.proj >= self.hidden:
            raise Reject(LargeProjection(self.proj, self.hidden), at="proj")

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType | Types:
        self.check()
        return super().infer(c, *ins)

    def word(self, c: InferContext, width: int) -> Const | None:
        return c.word("hidden" if width == self.hidden else "proj")

    def last_options(self, t: TorchContext) -> list[Arg]:
        return [Arg(t.attr("proj"), "proj_size", None)]

    # ONNX's LSTM has no projection. Its state here is what torch projects: R is W_hh W_hr, and the projection follows.
    # An initial state is of `proj` features, so it enters by the input: features that are 0 but in the first step.

    def layer_weights(self, g: Graph, p: dict[str, str], layer: int, started: bool) -> list[str | None]:
        w, r, b = super().layer_weights(g, p, layer, started)
        if self.proj is None:
            return [w, r, b]
        suffixes = self.suffixes(layer)
        sources = [p[f"weight_{name}_{s}"] for s in suffixes for name in ("hh", "hr")]
        r = g.weight(
            f"R_l{layer}",
            sources,
            lambda *arrays: self.stacked(*map(_product, arrays[::2], arrays[1::2])),
            lambda hh, hr, *others: (self.ways, hh[0], hr[1]),
        )
        if started:
            sources = [p[f"weight_{name}_{s}"] for s in suffixes for name in ("ih", "hh")]
            w = g.weight(
                f"W_l{layer}",
                sources,
                self.with_state,
                lambda ih, hh, *others: (self.ways, ih[0], ih[1] + self.ways * hh[1]),
            )
        return [w, r, b]

    def with_state(self, *weights: Any) -> Any:
        """W of each direction over the input's features and, in blocks, those of each direction's initial state."""
        import numpy as np

        rows = []
        for way in range(self.ways):
            blocks = [np.zeros_like(weights[1])] * self.ways
            blocks[way] = weights[2 * way + 1]
            rows.append(np.concatenate([weights[2 * way], *blocks], axis=1))
        return self.stacked(*rows)

    def started(self, g: Graph, value: str, given: list[str | None], time: Size) -> tuple[str, list[str | None]]:
        if self.proj is None or not given:
            return value, given
        h = given[0]
        ways = [h] if self.ways == 1 else g.op("Split", [h], outputs=2, axis=0, num_outputs=2)
        blocks = [
            g.op("Pad", [way, g.extents([0, 0, 0, time - 1, 0, 0] if first else [time - 1, 0, 0, 0, 0, 0])])
            for way, first in zip(ways, (True, False), strict=False)
        ]
        return str(g.op("Concat", [value, *blocks], axis=2)), [None, given[1]]

    def projected(self, g: Graph, p: dict[str, str], layer: int, h: str) -> str:
        if self.proj is None:
            return h
        sources = [p[f"weight_hr_{s}"] for s in self.suffixes(layer)]
        weight = g.weight(f"P_l{layer}", sources, _transposed, (self.ways, self.hidden, self.proj))
        return str(g.op("MatMul", [h, weight]))


def _product(a: Any, b: Any) -> Any:
    """`a @ b`, summed in double precision."""
    return (a.astype("float64") @ b.astype("float64")).astype(a.dtype)


def _transposed(*weights: Any) -> Any:
    """Weights `[proj, hidden]` of each direction as `[ways, hidden, proj]`."""
    import numpy as np

    return np.stack([w.T for w in weights])


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
    net f on x[N, T=12, 32]:
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

    @property
    def cell(self) -> str:
        return self.act

    def options(self, t: TorchContext) -> list[Arg]:
        return [keyword("nonlinearity", t.attr("act"), "tanh")]

    def onnx_options(self) -> dict[str, Any]:
        return {"activations": [self.act.capitalize()] * self.ways}
