"""`check=True`: a live module and its graph give the same results for one input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from dslc.analysis.feeds import feeds
from dslc.ir.walk import flatten
from dslc.live.errors import ExportError, ModuleDiffers
from dslc.live.state import OWN
from dslc.parity.cases import ORDINARY, Case
from dslc.parity.inputs import draw
from dslc.parity.judge import LIMITS, agree
from dslc.parity.sides import GRAPH, GraphSide, tried
from dslc.types.tensor import DType
from dslc.weights.memory import Array

if TYPE_CHECKING:
    from dslc.backends.onnx.model import OnnxModel
    from dslc.ir.model import Model

LIVE = "the module"


def check_outputs(net: nn.Module, model: Model, graph: OnnxModel, own: torch.dtype, dtype: DType) -> None:
    """Run both once, at the default sizes. `own` is the module's element type, `dtype` the graph's.

    The module runs in evaluation mode, on its own device, and is left in the mode it was in. Raises `ExportError` where
    a result differs by more than the coarser type explains, and `Failure` where one of both does not run.
    """
    case = Case(ORDINARY, {})
    side = GraphSide(graph, dtype, case.text)
    inputs = draw(model, feeds(flatten(model), model.root.inputs), list(side.inputs.values()), case, 0)
    expected = tried(LIVE, case.text, partial(results, net, inputs, own))
    found = tried(GRAPH, case.text, partial(side.run, inputs))
    limit = max(LIMITS[OWN.get(own, DType.FLOAT32)], LIMITS[dtype])
    exact: list[list[Array] | None] = []

    def better(index: int) -> Array | None:
        if not exact:
            exact.append(in_float64(net, inputs))
        return None if exact[0] is None else exact[0][index]

    for index, (name, ours, theirs) in enumerate(zip(side.names, found, expected, strict=True)):
        same, difference = agree(ours, theirs, partial(better, index), limit)
        if not same:
            raise ExportError(ModuleDiffers(name, difference, limit))


def results(net: nn.Module, inputs: list[Array], own: torch.dtype) -> list[Array]:
    """What a module gives in evaluation for arrays; floats go in in its own type."""
    device = next((tensor.device for tensor in (*net.parameters(), *net.buffers())), torch.device("cpu"))
    given = [torch.from_numpy(np.asarray(array)).to(device) for array in inputs]
    given = [x.to(own) if x.is_floating_point() else x for x in given]
    with torch.no_grad(), torch.autocast(device.type, enabled=False), evaluation(net):
        found: Any = net(*given)
    tensors: list[Tensor] = [found] if isinstance(found, Tensor) else list(found)
    return [(x.float() if x.dtype is torch.bfloat16 else x).cpu().numpy() for x in tensors]


def in_float64(net: nn.Module, inputs: list[Array]) -> list[Array] | None:
    """The same in float64, to tell a difference from rounding; none where it does not run."""
    try:
        return results(deepcopy(net).double(), inputs, torch.float64)
    except Exception:  # a module of the user's, or a sharded one, may raise anything
        return None


@contextmanager
def evaluation(net: nn.Module) -> Iterator[None]:
    """A module in evaluation mode, each of its parts put back into its own mode after."""
    before = {part: part.training for part in net.modules()}
    try:
        for part in before:
            part.training = False
        yield
    finally:
        for part, mode in before.items():
            part.training = mode
