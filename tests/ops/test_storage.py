"""Where results lie and what training keeps, against PyTorch: every op's rules on the samples of samples.py."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from dslc.ops.base import REGISTRY
from dslc.ops.counting import Held, Kind
from tests.ops.context import infer
from tests.ops.render import Rendered, render
from tests.ops.sample import Sample
from tests.ops.samples import SAMPLES
from tests.ops.test_every_op import cases, given, randomised, tensors

RULED = [(name, s) for name, samples in SAMPLES.items() for s in samples if hasattr(REGISTRY[name], "storage")]
SAVING = [(name, s) for name, samples in SAMPLES.items() for s in samples if hasattr(REGISTRY[name], "saved")]


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


@cases(RULED)
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
                assert not shared
            case Kind.IN_PLACE:
                # No input as wide in bytes, as with a comparison's or a broadcast's, leaves it a buffer of its own.
                assert any(result.numel() == x.numel() for x in xs)


@cases([(name, s) for name, s in RULED if kind_of(name, s) is Kind.IN_PLACE])
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


def held(rendered: Rendered, sample: Sample) -> tuple[set[int], set[int], list[tuple[int, str]]]:
    """What autograd keeps of a use in training: inputs, results and others (elements, type); no weights."""
    module = randomised(rendered)
    if module is not None:
        module.train()
    ties = {key: tie.requires_grad_() for key, tie in given(sample).items()}
    leaves = [x.requires_grad_() if x.is_floating_point() else x for x in tensors(sample, sample.inputs)]
    xs = [x.clone() if x.is_floating_point() else x for x in leaves]
    kept: list[Tensor] = []
    with saved_tensors_hooks(lambda t: (kept.append(t), t)[1], lambda t: t):
        results = rendered.call(module, xs, ties)
    weights = [*ties.values(), *(() if module is None else (*module.parameters(), *module.buffers()))]
    inputs, outputs, others = set(), set(), {}
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
            memory = tensor.untyped_storage()
            others[memory.data_ptr()] = memory.nbytes() // tensor.element_size(), str(tensor.dtype)[6:]
    return inputs, outputs, sorted(others.values())


@cases(SAVING)
def test_saved(name: str, sample: Sample) -> None:
    """Training keeps what `saved` says, by autograd's own account; extra tensors by their elements and type."""
    op = sample.op(name)
    outs = infer(op, sample.inputs)
    inputs, outputs, others = held(render(op, sample.inputs, outs), sample)
    rule = op.saved(sample.inputs, outs)
    assert set(rule.inputs) == inputs
    assert set(rule.outputs) == outputs
    assert sorted(map(elements, rule.extra)) == others


def elements(extra: Held) -> tuple[int, str]:
    """Elements and type of a tensor that is kept."""
    return extra.count * prod(n for n in extra.sizes if isinstance(n, int)), extra.dtype.value
