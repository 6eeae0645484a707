"""What is stated of a network in numbers, against PyTorch and against itself: costs, memory, the formatted program."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from dslc.analysis.cost import Cost, costs, value_at
from dslc.analysis.memory import InferenceMemory, inference_memory
from dslc.api import compile_model
from dslc.diagnostics.model import Sink
from dslc.ir.model import Model, Node
from dslc.ir.walk import Flat, Needed, Step, flatten
from dslc.source import Source
from dslc.syntax.format.program import format_source
from dslc.types.dim import product
from tests.random.case import NET, Case, Fault, blamed, differ

UNCOUNTED = frozenset({"lstm", "gru", "rnn"})
"""Ops whose multiply-adds PyTorch's counter does not know."""


def multiply_adds(model: Model, steps: Flat, net: nn.Module, given: Mapping[str, Tensor]) -> None:
    """Stated multiply-adds at the defaults against PyTorch's counter, where it knows all ops."""
    ops = {s.node.op.name for s in steps.steps if isinstance(s.node, Node) and s.needed is Needed.ALWAYS}
    if ops & UNCOUNTED:
        return
    with blamed("torch run"), torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        net.eval()(*given.values())
    with blamed("costs"):
        found = costs(model, steps)
        stated = found.macs - sum(
            found.nodes[s.node].macs for s in steps.steps if outer(model, s, found.nodes[s.node].macs)
        )
    differ("multiply-adds", stated, counter.get_total_flops() // 2, "stated")


def outer(model: Model, step: Step, macs: int) -> bool:
    """Whether a use is a product by letters that sums over nothing, which PyTorch does not count as one."""
    if not isinstance(step.node, Node) or step.node.op.name != "einsum":
        return False
    size = product(step.outs[0].type.dims)
    return macs == (size if isinstance(size, int) else model.sizes.value(size))


def at_sizes(case: Case, model: Model, steps: Flat, sizes: Mapping[str, int]) -> None:
    """Costs and memory as expressions, evaluated at other sizes, against a compile at those sizes."""
    with blamed("costs"):
        cost, memory = costs(model, steps), inference_memory(model, steps)
        other = compile_model(case.text, NET, sizes=sizes)
        again = flatten(other)
        wanted, peak = costs(other, again), inference_memory(other, again)
        at = {**model.sizes.default, **dict.fromkeys(model.sizes.universal, 1), **sizes}
        for name in ("terms", "flops", "acts"):
            found = value_at(getattr(cost, name), at)
            differ("costs", found, number(other, wanted, name), f"{name} at {dict(sizes)}")
        differ("memory", memory.total_cost.value(model.sizes, sizes), peak.total, f"activations at {dict(sizes)}")
        lives = [cost.value(model.sizes, sizes) for cost in memory.live_costs()]
        if not memory.inplace:
            differ("memory", max(lives, default=0), peak.peak, f"peak at {dict(sizes)}")


def number(model: Model, cost: Cost, name: str) -> int:
    """A sum at the defaults of the model it is of."""
    at = {**model.sizes.default, **dict.fromkeys(model.sizes.universal, 1)}
    return value_at(getattr(cost, name), at)


def bounds(model: Model, steps: Flat) -> None:
    """The peak lies between the largest live set and the sum of all buffers; sharing buffers never raises it."""
    with blamed("memory"):
        shared, apart = inference_memory(model, steps), inference_memory(model, steps, inplace=False)
    for memory in (shared, apart):
        whole = sum(buffer.bytes for buffer in memory.buffers)
        if not largest(memory) <= memory.peak <= memory.arena or memory.peak > whole:
            raise Fault("memory", f"peak {memory.peak}, arena {memory.arena}, largest {largest(memory)}, all {whole}")
    if shared.peak > apart.peak or shared.total > apart.total:
        raise Fault("memory", f"with sharing {shared.peak} and {shared.total}, without {apart.peak} and {apart.total}")


def largest(memory: InferenceMemory) -> int:
    """The bytes of the buffers that live together, the most of any step, found one step at a time."""
    count = range(max(len(memory.steps), 1))
    return max(sum(b.bytes for b in memory.buffers if b.first <= step <= b.last) for step in count)


def formatted(case: Case) -> str:
    """The program as `fmt` writes it, which is written the same again."""
    with blamed("fmt"):
        once = laid_out(case.text)
        differ("fmt", laid_out(once), once, "formatted twice")
    return once


def laid_out(text: str) -> str:
    sink = Sink()
    found = format_source(Source("<text>", text), sink)
    if found is None or sink.diagnostics:
        raise Fault("fmt", f"gives nothing: {[d.message for d in sink.diagnostics]}")
    return found
