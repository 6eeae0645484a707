"""Checks of a build that run before anything is written: `dslc build --check`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dslc.diagnostics.model import Failure, Sink
from dslc.errors import InvalidGraph, NoCudaKernel, NotInstalled
from dslc.generated import module_from_text, root_class
from dslc.ir.model import Call, Model, Node
from dslc.ir.walk import steps
from dslc.types.tensor import DType

if TYPE_CHECKING:
    from torch import nn

    from dslc.backends.onnx.model import OnnxModel
    from dslc.backends.onnx.placement import Leaves
    from dslc.parity.check import Emit, State


def verify(
    model: Model,
    text: str,
    graph: OnnxModel,
    state: State,
    checks: Collection[str],
    emitted: Emit,
    dtype: DType = DType.FLOAT32,
    dynamic: Sequence[str] = (),
) -> list[str]:
    """A line for each check that holds; raises `Failure` for the first that does not.

    `graph` is that of `state`, in `dtype`, with the sizes named in `dynamic` open; `emitted` makes the graph of other
    weights, or at other sizes.
    """
    found = []
    if "onnx" in checks:
        found.append(check_graph(graph))
    if "placement" in checks:
        found.append(check_placement(model, graph))
    if "parity" in checks:
        for package, extra in (("torch", "torch"), ("onnxruntime", "cpu")):
            if find_spec(package) is None:
                raise Failure(NotInstalled(package, extra, "`--check parity`"))
        from dslc.parity.check import check_parity

        found.append(check_parity(model, maker(text, model.entry), graph, state, emitted, dtype, dynamic))
    return found


def maker(text: str, entry: str) -> Callable[[], nn.Module]:
    """Makes the network's module from its generated text."""

    def make() -> nn.Module:
        module = module_from_text(text, entry)
        net: nn.Module = getattr(module, root_class(module))()
        return net

    return make


def check_graph(graph: OnnxModel) -> str:
    """onnx's checker and strict shape inference."""
    import onnx

    from dslc.backends.onnx.check import check

    try:
        check(graph)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise Failure(InvalidGraph(str(error).strip().splitlines()[0])) from error
    return "onnx: checker and strict shape inference accept the graph"


def check_placement(model: Model, graph: OnnxModel) -> str:
    """Whether onnxruntime's CUDA provider takes every node, found without a GPU.

    Raises `CompileError` with one finding for each line of the program that has nodes it does not take.
    """
    from dslc.backends.onnx.placement import leaving, on_host

    uses = {step.path: step.node for step in steps(model)}
    lines: dict[tuple[str, int], list[tuple[Node | Call, Leaves]]] = {}
    for found in leaving(graph.graph):
        node = uses[found.name.partition("/")[0]]
        lines.setdefault((node.span.source.path, node.span.line), []).append((node, found))
    sink = Sink()
    for left in lines.values():
        node, found = left[0]
        mistake = NoCudaKernel(found.name, found.kind, found.reason, len(left) - 1)
        sink.add(mistake.at(node.span, node.frame))
    sink.finish(None)
    host = len(on_host(graph.graph))
    words = "1 that computes sizes stays" if host == 1 else f"{host} that compute sizes stay"
    sizes = f"; {words} on the CPU on purpose" if host else ""
    return f"placement: every node has a kernel in onnxruntime's CUDA provider{sizes}"
