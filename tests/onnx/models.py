"""Small networks with lively weights, and what onnxruntime makes of their graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.graph import Array
from dslc.backends.onnx.model import OnnxModel
from dslc.ir.model import Model
from dslc.weights.init import initial

EXAMPLES = Path(__file__).parents[2] / "examples"

NETS = {
    "lenet": "lenet.dl",
    "nin": "nin.dl",
    "googlenet": "googlenet.dl",
    "resnet18": "resnet.dl",
    "densenet121": "densenet.dl",
    "mobilenet_v2": "mobilenet_v2.dl",
    "se_resnet50": "se_resnet.dl",
    "vit_b_16": "vit.dl",
    "unet": "unet.dl",
}


def example(name: str, **sizes: int) -> Model:
    """A network of examples/, at other default sizes where they are given."""
    return compile_model(EXAMPLES / NETS[name], net=name, sizes=sizes or None)


@cache
def example_state(name: str) -> dict[str, Array]:
    """Its `lively` weights; not to be changed."""
    return lively(example(name))


def lively(model: Model, seed: int = 0) -> dict[str, Array]:
    """Weights that keep signals near 1, and statistics that are not 0 and 1: nothing cancels by chance."""
    rng = np.random.default_rng(seed)
    state = initial(model.params)
    for name, array in state.items():
        if name.endswith("running_var"):
            state[name] = rng.uniform(0.5, 1.5, array.shape).astype(np.float32)
        elif array.dtype == np.float32 and array.ndim > 1:
            fan = array.size // array.shape[0]
            state[name] = rng.standard_normal(array.shape, np.float32) * np.float32(fan**-0.5)
        elif array.dtype == np.float32:
            state[name] = (array + rng.normal(0, 0.1, array.shape)).astype(np.float32)
    return state


def inputs_of(model: Model, seed: int = 0, **sizes: int) -> dict[str, Array]:
    """Random inputs; sizes not given are at their default."""
    rng = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for value in model.root.inputs:
        shape = tuple(model.sizes.evaluate(size, sizes) for size in value.type.dims)
        assert value.name is not None
        found[value.name] = (
            rng.normal(size=shape).astype(np.float32)
            if value.type.dtype.is_float
            else rng.integers(0, 2, shape).astype(value.type.dtype.value)
        )
    return found


def exported(
    text: str, state: Mapping[str, Array] | None = None, *, dynamic: Sequence[str] = (), fold: bool = True
) -> OnnxModel:
    """The graph of a program's text."""
    model = compile_model(text)
    return emit(model, lively(model) if state is None else state, dynamic=dynamic, fold=fold)


def run(model: OnnxModel | onnx.ModelProto, inputs: Mapping[str, Array], optimise: bool = False) -> dict[str, Array]:
    """All outputs, computed by onnxruntime as the graph stands, or as it rewrites it."""
    running = session(model, optimise)
    names = [output.name for output in running.get_outputs()]
    results: list[Any] = running.run(names, dict(inputs))
    return dict(zip(names, results, strict=True))


def session(model: OnnxModel | onnx.ModelProto, optimise: bool = False) -> onnxruntime.InferenceSession:
    """A graph in onnxruntime as it stands, or as onnxruntime rewrites it, to be run at several sizes."""
    data = model.data() if isinstance(model, OnnxModel) else model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimise else levels.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def difference(a: Array, b: Array) -> float:
    """The largest difference, relative to the largest value."""
    assert a.shape == b.shape
    return float(np.abs(a - b).max() / np.abs(b).max())
