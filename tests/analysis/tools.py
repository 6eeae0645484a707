"""Other tools run live, on modules without storage: their numbers for one sample."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator

import torch
from torch import nn

Shapes = tuple[tuple[int, ...], ...]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what the tools print, log and warn of."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def inputs(shapes: Shapes) -> tuple[torch.Tensor, ...]:
    return tuple(torch.empty(shape, device="meta") for shape in shapes)


def torchvision_ops(module: nn.Module, shapes: Shapes) -> int:
    """PyTorch's own counter, halved: it has the formulas of torchvision's script, times two."""
    from torch.utils.flop_counter import FlopCounterMode

    with quiet(), FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*inputs(shapes))
    return int(counter.get_total_flops()) // 2


def fvcore_flops(module: nn.Module, shapes: Shapes) -> int:
    """On the CPU, with weights of no meaning: a trace on tensors without storage fails at a convolution's shape."""
    from fvcore.nn import FlopCountAnalysis

    with quiet():
        real = module.to_empty(device="cpu")
        return int(FlopCountAnalysis(real, tuple(torch.zeros(shape) for shape in shapes)).total())


def thop_macs(module: nn.Module, shapes: Shapes) -> int:
    with quiet():
        from thop import profile

        return int(profile(module, inputs(shapes), verbose=False)[0])


def ptflops_macs(module: nn.Module, shapes: Shapes) -> int:
    """Of a network of one input, whose batch the tool adds itself.

    On the CPU: without storage, F.linear runs as a torch.addmm in Python, which the tool has replaced.
    """
    with quiet():
        from ptflops import get_model_complexity_info

        real = module.to_empty(device="cpu")
        options = {"as_strings": False, "print_per_layer_stat": False}
        macs, _ = get_model_complexity_info(real, shapes[0][1:], **options)
    assert macs is not None, "ptflops gave up"
    return int(macs)


RUN: dict[str, Callable[[nn.Module, Shapes], int]] = {
    "torchvision": torchvision_ops,
    "fvcore": fvcore_flops,
    "thop": thop_macs,
    "ptflops": ptflops_macs,
}
