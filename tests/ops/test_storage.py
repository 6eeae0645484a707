"""Where results lie, against PyTorch: the rule of every op on the samples of samples.py."""

from __future__ import annotations

import torch
from torch import Tensor

from dslc.ops.counting import Kind
from dslc.types.sizes import Sizes
from tests.ops.context import infer
from tests.ops.render import render
from tests.ops.sample import Sample
from tests.ops.samples import SAMPLES
from tests.ops.test_every_op import cases, given, opened, randomised, tensors

PAIRS = [(name, s) for name, samples in SAMPLES.items() for s in samples]

COPIED_ELSEWHERE = {("einsum", "ntd->dtn"): "a transpose in PyTorch; an Einsum node of ONNX writes its result"}
"""Uses whose result PyTorch makes as a view though the rule says FRESH."""


def kind_of(name: str, sample: Sample) -> Kind:
    """What the rule says of a sample's results."""
    op = sample.op(name)
    return op.storage(sample.inputs, infer(op, sample.inputs)).kind


def one_memory(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors look into the same bytes."""
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def same_order(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors have the same elements in the same order, under whatever shapes."""
    return torch.equal(a.flatten(), b.flatten())


@cases(PAIRS)
def test_storage(name: str, sample: Sample) -> None:
    """Views share memory with an input and others do not; SAME keeps the order; IN_PLACE finds room if it says so."""
    op = sample.op(name)
    rendered = render(op, sample.inputs, infer(op, sample.inputs))
    module = randomised(rendered)
    xs = tensors(sample, sample.inputs)
    with torch.no_grad():
        results = rendered.call(module, xs, given(sample))
    for result in results:
        shared = [x for x in xs if one_memory(x, result)]
        match kind_of(name, sample):
            case Kind.SAME:
                assert shared
                assert same_order(result, shared[0])
            case Kind.STRIDED:
                assert shared
                assert not same_order(result, shared[0])
            case Kind.FRESH:
                assert not shared or (name, sample.attributes.get("pattern")) in COPIED_ELSEWHERE
            case Kind.IN_PLACE:
                # No input as wide in bytes, as with a comparison's or a broadcast's, leaves it a buffer of its own.
                assert any(result.numel() == x.numel() for x in xs)


@cases([(name, s) for name, s in PAIRS if kind_of(name, s) is Kind.IN_PLACE])
def test_in_place(name: str, sample: Sample) -> None:
    """Of inputs as large as the result, an element is read for the same element of the result only."""
    op = sample.op(name)
    rendered = render(op, sample.inputs, infer(op, sample.inputs))
    module = randomised(rendered)
    xs, ties = tensors(sample, sample.inputs), given(sample)
    with torch.no_grad():
        (before,) = rendered.call(module, xs, ties)
        for i, x in enumerate(xs):
            if x.shape != before.shape:
                continue
            other = x.clone()
            other.view(-1)[3] = ~other.view(-1)[3] if x.dtype is torch.bool else other.view(-1)[3] + 1
            (after,) = rendered.call(module, [*xs[:i], other, *xs[i + 1 :]], ties)
            changed = (before != after).flatten()
            changed[3] = False
            assert not changed.any()


@cases([(name, s) for name, s in PAIRS if s.open])
def test_symbolic_sizes_lie_alike(name: str, sample: Sample) -> None:
    """The answer does not depend on whether a size is a number."""
    op, sizes = sample.op(name), Sizes()
    ins = opened(sample, sizes)
    assert op.storage(ins, infer(op, ins, sizes)).kind is kind_of(name, sample)
