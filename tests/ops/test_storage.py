"""Where results lie and what training keeps, against PyTorch: every op's rules on the samples of samples.py."""

from __future__ import annotations

from math import prod

import pytest
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from dslc.ops.counting import Kind
from tests.ops.context import infer
from tests.ops.render import Rendered, render
from tests.ops.sample import Sample
from tests.ops.samples import SAMPLES
from tests.ops.test_every_op import cases, given, randomised, tensors

PAIRS = [(name, s) for name, samples in SAMPLES.items() for s in samples]

COPIED_ELSEWHERE = {("einsum", "ntd->dtn"): "a transpose in PyTorch; an Einsum node of ONNX writes its result"}
"""Uses whose result PyTorch makes as a view though the rule says FRESH."""

OTHERWISE_ON_A_CPU = {
    "dropout": "the mask is of bytes on CUDA, of floats on a CPU",
    "rmsnorm": "CUDA has one kernel; on a CPU it is composed of several ops, which keep what they pass on",
    "sdpa": "with values of another width than the keys a CPU multiplies out, CUDA has a fused kernel",
}
"""Ops whose rule follows CUDA where a CPU keeps something else."""


def as_ruled(name: str, sample: Sample) -> bool:
    """Whether a CPU keeps what the rule says."""
    if name == "sdpa":
        _, keys, values = sample.inputs[:3]
        return keys.rank < 4 or keys.dims == values.dims
    return name not in OTHERWISE_ON_A_CPU


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


def held(rendered: Rendered, sample: Sample) -> tuple[set[int], set[int], dict[str, int]]:
    """What autograd keeps of a use in training: inputs, results and elements of others by type; no weights."""
    module = randomised(rendered)
    if module is not None:
        module.train()
    ties = {key: tie.requires_grad_() for key, tie in given(sample).items()}
    leaves = [x.requires_grad_() if x.is_floating_point() else x for x in tensors(sample, sample.inputs)]
    xs = [x.clone() if x.is_floating_point() else x for x in leaves]
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    # oneDNN's LSTM keeps a workspace of its own; the rule is for the cells that PyTorch itself has.
    with torch.backends.mkldnn.flags(enabled=False), saved_tensors_hooks(keep, lambda tensor: tensor):
        results = rendered.call(module, xs, ties)
    weights = [*ties.values(), *(() if module is None else (*module.parameters(), *module.buffers()))]
    inputs, outputs, others = set(), set(), dict[int, Tensor]()
    for tensor in kept:
        if not tensor.numel() or any(one_memory(tensor, weight) for weight in weights):
            continue
        found = [i for i, x in enumerate(xs) if one_memory(tensor, x)]
        made = [i for i, y in enumerate(results) if one_memory(tensor, y)]
        if found:
            inputs.add(found[0])
        elif made:
            outputs.add(made[0])
        else:
            others[tensor.untyped_storage().data_ptr()] = tensor
    elements: dict[str, int] = {}
    for tensor in others.values():
        dtype = str(tensor.dtype)[6:]
        elements[dtype] = elements.get(dtype, 0) + tensor.untyped_storage().nbytes() // tensor.element_size()
    return inputs, outputs, elements


@pytest.mark.filterwarnings("ignore:TF32 acceleration:UserWarning")  # by the switch of oneDNN
@cases([(name, s) for name, s in PAIRS if as_ruled(name, s)])
def test_saved(name: str, sample: Sample) -> None:
    """Training keeps what `saved` says, by autograd's own account; other tensors by their elements and type."""
    op = sample.op(name)
    outs = infer(op, sample.inputs)
    inputs, outputs, others = held(render(op, sample.inputs, outs), sample)
    rule = op.saved(sample.inputs, outs)
    assert set(rule.inputs) == inputs
    assert set(rule.outputs) == outputs
    said: dict[str, int] = {}
    for extra in rule.extra:
        dtype = extra.dtype.value
        said[dtype] = said.get(dtype, 0) + extra.count * prod(n for n in extra.sizes if isinstance(n, int))
    assert said == others
