"""What `saved` states against what PyTorch's autograd keeps, on the samples of every op.

Each op's PyTorch text runs in training mode between the hooks of `torch.autograd.graph.saved_tensors_hooks`; inputs
are activations, so none of them is a leaf. Tensors that share a storage count once; parameters and buffers do not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dslc.ops.counting import Held, Saved
from dslc.ops.window import same_tf_total
from dslc.record import replace
from dslc.types.dim import evaluate, product
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType
from tests.ops.context import SPAN, Infer, infer
from tests.ops.render import render
from tests.ops.sample import Sample, bools, maps, over_maps, over_tokens, plain, tokens
from tests.ops.samples import SAMPLES
from tests.ops.test_every_op import cases, given, opened, randomised, tensors

PAIRS = [(name, s) for name, samples in SAMPLES.items() for s in samples]

PATTERNS: list[tuple[str, list[tuple[int, ...]]]] = [
    ("bhwc,hkc->bhwk", [(2, 4, 5, 6), (4, 3, 6)]),
    ("nchw,nc->nhw", [(2, 3, 4, 5), (2, 3)]),
    ("nchw,cd->ndhw", [(2, 3, 4, 5), (3, 6)]),
    ("ij,ij->", [(4, 5), (4, 5)]),
    ("ij,ji->", [(4, 5), (5, 4)]),
    ("nd,nd->nd", [(4, 5), (4, 5)]),
    ("nd,md->nm", [(4, 5), (6, 5)]),
    ("nd,me->nm", [(4, 5), (6, 3)]),
    ("n,m->nm", [(4,), (6,)]),
    ("nhqd,nkhd->nhqk", [(2, 3, 4, 5), (2, 6, 3, 5)]),
    ("nhqk,nkhd->nqhd", [(2, 3, 4, 6), (2, 6, 3, 5)]),
    ("na,ab,bc,cd->nd", [(2, 5), (5, 6), (6, 3), (3, 4)]),
    ("nab,ncb,nc->na", [(2, 3, 4), (2, 5, 4), (2, 5)]),
    ("bn,anm,bm->ba", [(2, 5), (4, 5, 6), (2, 6)]),
]
"""Products whose letters come in other orders than a batch of matrix products wants, and the shapes of the tensors."""

BEYOND: dict[str, list[Sample]] = {
    "matmul": [
        *(
            Sample((plain(*a), plain(*b)))
            for a, b in [
                ((2, 5, 6), (6, 7)),
                ((5, 6), (2, 6, 7)),
                ((5, 6), (2, 3, 6, 7)),
                ((5, 6), (2, 6, 1)),
                ((1, 5, 6), (2, 6, 7)),
                ((2, 3, 5, 6), (1, 1, 6, 7)),
                ((2, 3, 5, 6), (3, 6, 7)),
                ((3, 5, 6), (2, 3, 6, 7)),
                ((1, 3, 5, 6), (1, 1, 6, 7)),
                ((2, 1, 5, 6), (1, 3, 6, 7)),
                ((4, 3, 1, 5, 6), (1, 3, 2, 6, 7)),
            ]
        ),
    ],
    "einsum": [Sample(tuple(plain(*dims) for dims in shapes), {"pattern": pattern}) for pattern, shapes in PATTERNS],
    "sdpa": [
        Sample((plain(2, 4, 5, 6), plain(2, 4, 7, 6), plain(2, 4, 7, 6)), {"scale": 0.5}),
        Sample((plain(2, 4, 5, 6), plain(2, 4, 7, 6), plain(2, 4, 7, 6), bools(2, 1, 5, 7))),
        Sample((plain(2, 4, 5, 6), plain(2, 4, 7, 6), plain(2, 4, 7, 6), bools(5, 7))),
        Sample((plain(2, 4, 5, 6), plain(2, 2, 7, 6), plain(2, 2, 7, 6)), {"gqa": True}),
        Sample((plain(2, 5, 6), plain(2, 7, 6), plain(2, 7, 3), bools(5, 7))),
        Sample((plain(2, 7, 6), plain(2, 7, 6), plain(2, 7, 3)), {"causal": True}),
        Sample((plain(4, 5, 6), plain(2, 7, 6), plain(2, 7, 6)), {"gqa": True}),
        Sample((plain(3, 2, 4, 5, 6), plain(3, 2, 4, 7, 6), plain(3, 2, 4, 7, 6))),
    ],
    "dropout": [over_tokens(2, 8, p=0.0), over_tokens(2, 8, p=1.0)],
    "dropout2d": [over_maps(2, 3, 4, 4, p=0.0), over_maps(2, 3, 4, 4, p=1.0)],
    "alpha_dropout": [over_tokens(2, 8, p=0.0), over_tokens(2, 8, p=1.0)],
    "droppath": [over_tokens(2, 3, 8, p=0.0), over_tokens(2, 3, 8, p=1.0), over_maps(2, 3, 4, p=0.5)],
    **{
        name: [
            over_tokens(1, 5, 6, hidden=4),
            over_tokens(3, 1, 6, hidden=4),
            over_tokens(3, 1, 6, hidden=4, layers=2, bidirectional=True),
            over_tokens(3, 5, 6, hidden=4, layers=3),
            over_tokens(1, 5, 6, hidden=4, layers=3, bidirectional=True),
            over_tokens(3, 5, 6, hidden=4, layers=3, drop=0.5),
            over_tokens(3, 5, 6, hidden=4, layers=2, bidirectional=True, drop=0.5),
            Sample((tokens(2, 1, 6), *(plain(1, 2, 4) for _ in range(states))), {"hidden": 4}),
        ]
        for name, states in (("lstm", 2), ("gru", 1), ("rnn", 1))
    },
}
"""Samples for what the others do not reach: copies that a layout forces, and rates of 0 and 1."""

EVERY = PAIRS + [(name, s) for name, samples in BEYOND.items() for s in samples]


@dataclass(frozen=True)
class Kept:
    """Storages by what they are: inputs and results by index, and the bytes of each other one."""

    inputs: set[int]
    outputs: set[int]
    extra: list[int]


def kept(
    run: Callable[..., Sequence[Tensor]], xs: Sequence[Tensor], weights: Sequence[Tensor], fixed: Sequence[int] = ()
) -> Kept:
    """What autograd keeps of `run(*xs)`; floats among `xs` need gradients, unless `fixed` names them."""
    xs = [x.detach().requires_grad_() * 1 if x.is_floating_point() and i not in fixed else x for i, x in enumerate(xs)]
    found: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        found.setdefault(storage(tensor), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        ys = run(*xs)
    ins, outs = [storage(x) for x in xs], [storage(y) for y in ys]
    known = {*ins, *outs, *map(storage, weights)}
    return Kept(
        {i for i, x in enumerate(ins) if x in found},
        {i for i, y in enumerate(outs) if y in found and y not in ins},
        [tensor.untyped_storage().nbytes() for key, tensor in found.items() if key not in known],
    )


def storage(tensor: Tensor) -> int:
    """The identity of a tensor's memory."""
    return int(tensor.untyped_storage()._cdata)


class Loose(Infer):
    """A use whose inputs may all be parameters, so that their ranks may differ."""

    def loose(self, index: int) -> bool:
        return True


def trained(name: str, sample: Sample, fixed: Sequence[int] = ()) -> tuple[Kept, Saved]:
    """What training one use keeps, and what its rule states."""
    op = sample.op(name)
    result = op.infer(Loose(), *sample.inputs)
    outs = (result,) if isinstance(result, TensorType) else result
    rendered = render(op, sample.inputs, outs)
    module = randomised(rendered)
    ties = {key: torch.nn.Parameter(value) for key, value in given(sample).items()}
    weights: list[Tensor] = [*ties.values()]
    if module is not None:
        module.train()
        weights += [*module.parameters(), *module.buffers()]
    torch.manual_seed(5)
    xs = tensors(sample, sample.inputs)
    found = kept(lambda *inputs: rendered.call(module, inputs, ties), xs, weights, fixed)
    return found, op.saved(sample.inputs, outs)


def elements(held: Held) -> int:
    """How many elements a tensor has that is kept."""
    places = product(held.sizes)
    assert isinstance(places, int)
    return held.count * places


def extra_bytes(saved: Saved) -> int:
    """The bytes of a rule's other tensors."""
    return sum(elements(held) * held.dtype.bytes for held in saved.extra)


# ---- kernels that a CPU has in another form than CUDA


@contextmanager
def native_cells() -> Iterator[None]:
    """PyTorch's own recurrent cells in place of oneDNN's, whose workspace is oneDNN's own matter."""
    before = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)


def as_on_cpu(name: str, sample: Sample, saved: Saved) -> Saved:
    """A rule's tensors in the form that CPU kernels give them.

    Masks of bytes are masks of floats there; rmsnorm with a weight is a composite that keeps the normed input too.
    """
    extra = [replace(held, dtype=DType.FLOAT32) if held.dtype is DType.BOOL else held for held in saved.extra]
    if name == "rmsnorm" and sample.attributes.get("affine", True):
        extra.append(Held(1, sample.inputs[0].dims))
    return replace(saved, extra=tuple(extra))


def for_cpu(name: str, sample: Sample) -> tuple[Sample, tuple[int, ...]]:
    """A sample that a CPU runs by its fused kernel, and the inputs that need no gradient.

    Fused attention on a CPU wants as many features of values as of keys, and gives a mask no gradient.
    """
    if name != "sdpa" or sample.inputs[0].rank != 4:
        return sample, ()
    q, k, v, *mask = sample.inputs
    return dataclasses.replace(sample, inputs=(q, k, v.with_dim(-1, q.dims[-1]), *mask)), (3,)


def around(name: str) -> AbstractContextManager[None]:
    """The surroundings in which an op runs."""
    return native_cells() if name in ("lstm", "gru", "rnn") else nullcontext()


# ---- the comparison


@cases(EVERY)
def test_saved(name: str, sample: Sample) -> None:
    """Inputs, results and the bytes of all else are those that autograd keeps."""
    sample, fixed = for_cpu(name, sample)
    with around(name):
        found, saved = trained(name, sample, fixed)
    assert found.inputs == set(saved.inputs)
    assert found.outputs == set(saved.outputs)
    assert sum(found.extra) == extra_bytes(as_on_cpu(name, sample, saved)), found.extra


@pytest.mark.parametrize("features", [8, 16])
def test_attention_on_cuda(features: int) -> None:
    """Memory-efficient attention, which CUDA takes for float32 and for values of other features, keeps the same.

    Its autograd runs on the meta device; it also keeps two numbers, the state of dropout's random ones.
    """
    shapes = [(2, 4, 32, 8), (2, 4, 64, 8), (2, 4, 64, features)]
    sample = Sample(tuple(plain(*shape) for shape in shapes))
    op = sample.op("sdpa")
    (result,) = infer(op, sample.inputs)
    saved = op.saved(sample.inputs, (result,))
    stated = [sample.inputs[i].dims for i in saved.inputs] + [result.dims for _ in saved.outputs]
    stated += [held.sizes for held in saved.extra]
    xs = [torch.empty(shape, device="meta") for shape in shapes]
    found = kept_meta(lambda q, k, v: torch.ops.aten._scaled_dot_product_efficient_attention(q, k, v, None, True), xs)
    assert sorted([*stated, (), ()]) == sorted(found)


def kept_meta(run: Callable[..., Any], xs: Sequence[Tensor]) -> list[tuple[int, ...]]:
    """Shapes of what autograd keeps; tensors without memory have no storage to tell them apart by."""
    seen: list[Tensor] = []
    xs = [x.requires_grad_() * 1 for x in xs]
    with torch.autograd.graph.saved_tensors_hooks(seen.append, lambda _: xs[0]):
        run(*xs)
    return [tuple(tensor.shape) for tensor in seen]


def test_dropout_on_cuda() -> None:
    """The fused dropout of CUDA keeps a mask of one byte an element."""
    x = torch.empty(2, 8, device="meta").requires_grad_() * 1
    seen: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(seen.append, lambda _: x):
        torch.native_dropout(x, 0.5, True)
    assert [(tuple(t.shape), t.dtype) for t in seen] == [((2, 8), torch.bool)]
    sample = over_tokens(2, 8)
    op = sample.op("dropout")
    assert op.saved(sample.inputs, sample.inputs) == Saved(extra=(Held(1, (2, 8), DType.BOOL),))


@cases([(name, s) for name, s in PAIRS if s.open])
def test_open_sizes(name: str, sample: Sample) -> None:
    """Every rule about numbers, with symbolic sizes, is at the sample's sizes what it is with numbers."""
    op, sizes = sample.op(name), Sizes()
    ins = opened(sample, sizes)
    outs = infer(op, ins, sizes)
    at = {f"A{axis}": int(str(sample.inputs[0].dims[axis])) for axis in sample.open}
    plain_outs = infer(op, sample.inputs)

    def value(held: Any) -> int:
        number = held.count
        for size in held.sizes:
            number *= evaluate(size, at)
        return int(number)

    for rule in ("acts", "flops"):
        symbolic, numbers = (getattr(op, rule)(a, b) for a, b in ((ins, outs), (sample.inputs, plain_outs)))
        assert sum(map(value, symbolic)) == sum(map(value, numbers)), rule
    saved, expected = op.saved(ins, outs), op.saved(sample.inputs, plain_outs)
    assert (saved.inputs, saved.outputs) == (expected.inputs, expected.outputs)
    assert [(value(held), held.dtype) for held in saved.extra] == [(value(held), held.dtype) for held in expected.extra]
    storage, stored = op.storage(ins, outs), op.storage(sample.inputs, plain_outs)
    assert storage.kind is stored.kind
    assert list(map(value, storage.scratch)) == list(map(value, stored.scratch))


# ---- sizes of padded copies


@pytest.mark.parametrize(("k", "s", "d"), [(3, 2, 1), (2, 2, 1), (2, 5, 1), (3, 7, 1), (2, 4, 2), (1, 3, 1), (3, 1, 2)])
def test_same_tf_total(k: int, s: int, d: int) -> None:
    """SAME padding of a symbolic size is TensorFlow's formula at each size."""
    sizes = Sizes()
    symbolic = same_tf_total(sizes.symbol("H", 32, SPAN), k, s, d)
    for n in range(1, 60):
        expected = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        assert same_tf_total(n, k, s, d) == expected == evaluate(symbolic, {"H": n})


def test_a_padded_copy_is_what_f_pad_makes() -> None:
    """The padded map, and not the input, is what a convolution padded the TensorFlow way keeps."""
    sample = Sample((maps(2, 3, 8, 9),), {"out": 4, "k": 3, "s": 2, "p": "same_tf"})
    found, saved = trained("conv", sample)
    padded = F.pad(torch.empty(2, 3, 8, 9), (1, 1, 0, 1))
    assert found == Kept(set(), set(), [padded.numel() * 4])
    assert saved.inputs == ()
