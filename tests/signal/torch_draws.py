"""Mean squares that torch measures, over draws of the weights, beside those that the rules give."""

from __future__ import annotations

import math
from collections import defaultdict

import torch
from torch import Tensor, nn

import dslc
from dslc.analysis.signal.result import NetworkSignal

BATCH = 16


def inputs(network: dslc.Network) -> list[Tensor]:
    found = []
    for port in network.inputs.values():
        shape = [BATCH if size is None else size for size in port.default]
        found.append(torch.randint(0, 50, shape) if port.dtype.startswith("int") else torch.randn(shape))
    return found


def measured(network: dslc.Network, draws: int) -> dict[str, dict[str, float]]:
    """RMS over draws of outputs of modules, of gradients at them, and of gradients of weights."""
    total: dict[str, dict[str, float]] = {name: defaultdict(float) for name in ("forward", "backward", "weights")}

    def note(table: str, name: str, tensor: Tensor) -> None:
        total[table][name] += float(tensor.double().square().mean()) / draws

    kind = network.load()
    for draw in range(draws):
        torch.manual_seed(draw)
        module: nn.Module = kind().train()

        def keep(name: str, out: object) -> None:
            out = out[0] if isinstance(out, tuple) else out
            assert isinstance(out, Tensor)
            note("forward", name, out.detach())
            if out.requires_grad:
                out.register_hook(lambda g: note("backward", name, g))

        for name, part in module.named_modules():
            if not list(part.children()):
                part.register_forward_hook(lambda _, __, out, name=name: keep(name, out))
        result = module(*inputs(network))
        result.backward(torch.randn_like(result))
        for name, weight in module.named_parameters():
            assert weight.grad is not None
            note("weights", name, weight.grad)
    return {table: {name: math.sqrt(x) for name, x in values.items()} for table, values in total.items()}


def predicted(found: NetworkSignal) -> dict[str, dict[str, float]]:
    return {
        "forward": {layer.path: layer.rms for layer in found.layers},
        "backward": {layer.path: layer.gradient for layer in found.layers if layer.gradient is not None},
        "weights": {weight.path: weight.gradient for weight in found.weights if weight.gradient is not None},
    }


def errors(source: str, draws: int) -> dict[str, dict[str, float]]:
    """|log10(predicted / measured)| of all that both have."""
    network = dslc.compile(source)
    there, here = measured(network, draws), predicted(network.signal(batch=BATCH))
    return {
        table: {name: abs(math.log10(here[table][name] / x)) for name, x in values.items() if name in here[table] and x}
        for table, values in there.items()
    }
