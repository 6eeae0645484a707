"""dslc, PyTorch and onnxruntime agree on every kind of network in examples/: the shape of every value, and the outputs.

Every tensor of the exported graph is made an output and run; its shape must be the one dslc inferred. The
generated PyTorch has the same weights, and every module is hooked. Then all again at another batch size, and
with fresh weights at other sizes than the default, by the checks of `dslc build`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import dslc
from dslc.analysis.cost import costs
from dslc.api import compile_model, nets
from dslc.backends.onnx.check import check
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.placement import leaving
from dslc.build import onnx_graph, torch_text
from dslc.ir.model import Call, Either, For, If, Item, Model, Node, Value
from dslc.ir.walk import Flat, Needed, flatten
from dslc.types.dim import evaluate
from dslc.types.tensor import DType
from dslc.verify import verify
from tests.zoo.kinds import Kind, all_kinds, free, kinds
from tests.zoo.zoo import EXAMPLES, calibrate, programs, tensors

Shape = tuple[int, ...]
GAINS = {"autoencoder": 4.0}
"""Factors of weights, for networks of sigmoids, whose slope is a quarter at most."""
WORDS = {"segments": 2}
"""Sizes of vocabularies by the input's name, other than 1,000."""
OFF_THE_GPU: dict[str, str] = {}
"""Nodes without a CUDA kernel, by network and node, and why no other form is taken."""
PARITY_MACS = 2 * 10**9
"""Multiply-adds above which outputs are not compared once more at other sizes."""
# `expand` to a batch of 1, `pad` by nothing; `arange` and `zeros` are constants of the file.
GONE_IN_EVALUATION = {"dropout", "droppath", "id", "expand", "pad", "arange", "zeros"}


def state_of(model: Model, gain: float = 1.0) -> dict[str, Tensor]:
    """Weights that keep the scale of values, by one seed; norms that are not 0 and 1."""
    random = torch.Generator().manual_seed(1998)
    state: dict[str, Tensor] = {}
    for path, param in model.params.items():
        spec = param.spec
        tensor = torch.empty(spec.shape)
        if path.endswith("num_batches_tracked"):
            tensor = torch.tensor(7)
        elif param.values is not None:
            tensor = torch.tensor(param.values, dtype=tensor.dtype if spec.dtype.is_float else torch.int64)
        elif path.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=random)
        elif len(spec.shape) > 1:
            tensor.normal_(0, gain * (2 * spec.shape[0] / spec.count) ** 0.5, generator=random)
        elif path.endswith("weight"):
            tensor.normal_(1.0, 0.1, generator=random)
        else:
            # Rectifiers that are mostly open amplify rounding errors less: of 50 layers a hundredth.
            normalised = f"{path.removesuffix('bias')}running_mean" in model.params
            tensor.normal_(0.5 if normalised else 0.0, 0.1, generator=random)
        state[path] = tensor
    return state


def shape_of(value: Value, model: Model, batch: int = 1) -> Shape:
    """The shape dslc inferred, at the default sizes."""
    at = {**dict.fromkeys(model.sizes.universal, batch), **model.sizes.default, "N": batch}
    return tuple(evaluate(size, at) for size in value.type.dims)


def inputs_of(model: Model, batch: int) -> list[Tensor]:
    """Samples for the inputs: numbers around 0, or truth values, or words of a small vocabulary."""
    random = torch.Generator().manual_seed(7)
    found = []
    for value in model.root.inputs:
        shape = shape_of(value, model, batch)
        if value.type.dtype.is_float:
            found.append(torch.randn(shape, generator=random))
        elif value.type.dtype is DType.BOOL:
            found.append(torch.rand(shape, generator=random) < 0.5)
        else:
            found.append(torch.randint(WORDS.get(value.name or "", 1000), shape, generator=random))
    return found


def parts(items: list[Item]) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """(module path, results) of every use of an op or a part, in all regions."""
    for item in items:
        match item:
            case Node(path=path, outs=outs):
                yield path, outs
            case Call(instance=instance, outs=outs):
                yield instance.path, outs
                yield from parts(instance.body)
            case If(items=inner):
                yield from parts(inner)
            case For(turns=turns):
                for turn in turns:
                    yield from parts(turn)
            case Either(evaluation=inner):
                yield from parts(inner)


def torch_shapes(network: nn.Module, inputs: list[Tensor]) -> dict[str, set[Shape]]:
    """The shapes of what every module gave, by its path; nothing of one that gives several tensors."""
    seen: dict[str, set[Shape]] = {}

    def note(name: str, result: object) -> None:
        shapes = seen.setdefault(name, set())
        if isinstance(result, Tensor):
            shapes.add(tuple(result.shape))

    for name, module in network.named_modules():
        module.register_forward_hook(lambda _, __, result, name=name: note(name, result))
    with torch.no_grad():
        network(*inputs)
    return seen


def onnx_shapes(proto: onnx.ModelProto, inputs: list[Tensor]) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Of every tensor, the shape the file declares and the one onnxruntime makes without optimising."""
    declared = {
        info.name: tuple(d.dim_value for d in info.type.tensor_type.shape.dim)
        for info in [*proto.graph.value_info, *proto.graph.output]
    }
    known = {info.name for info in proto.graph.output}
    names = [name for node in proto.graph.node for name in node.output if name]
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    found = run_onnx(proto, inputs, names, onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
    return declared, {name: tuple(array.shape) for name, array in found.items()}


def run_onnx(
    proto: onnx.ModelProto, inputs: list[Tensor], names: list[str] | None = None, level: object = None
) -> dict[str, Tensor]:
    """The outputs by name."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if level is not None:
        options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = names or [output.name for output in session.get_outputs()]
    feed = {port.name: tensor.numpy() for port, tensor in zip(session.get_inputs(), inputs, strict=True)}
    results = session.run(names, feed)
    return {name: torch.from_numpy(array) for name, array in zip(names, results, strict=True)}


def difference(a: Tensor, b: Tensor) -> float:
    """Largest difference, relative to the largest value."""
    return float((a - b).detach().abs().max() / b.detach().abs().max())


def check_onnx_shapes(model: Model, flat: Flat, declared: dict[str, Shape], found: dict[str, Shape]) -> None:
    for name, shape in found.items():
        assert declared.get(name, shape) == shape, f"{name}: declared {declared[name]}, onnxruntime {shape}"
    by_use: dict[str, set[Shape]] = {}
    for name, shape in found.items():
        by_use.setdefault(name.partition(":")[0].partition("/")[0], set()).add(shape)
    outputs = {value for _, value in flat.outputs}
    for step in flat.steps:
        if step.needed is not Needed.ALWAYS or step.outs[0] in outputs:
            continue
        if step.path not in by_use:
            assert isinstance(step.node, Node)
            assert step.node.op.name in GONE_IN_EVALUATION, f"{step.path} is not in the graph"
            continue
        for value in step.outs:
            assert shape_of(value, model) in by_use[step.path], step.path


@pytest.mark.parametrize("kind", all_kinds())
def test_agreement(kind: Kind) -> None:
    name = kind.net
    with torch.device("meta"):
        cls: Any = dslc.load(kind.file, net=name, sizes=kind.small())
        network = cls()
    model = cls.__dslc__.model
    flat = flatten(model)
    network.load_state_dict(state_of(model, GAINS.get(name, 1.0)), strict=True, assign=True)
    inputs = inputs_of(model, 3)
    alone = [tensor[:1] for tensor in inputs]
    calibrate(network, *inputs)
    arrays = {key: tensor.numpy() for key, tensor in network.state_dict().items()}

    with torch.no_grad():
        expected = tuple(tensors(network(*inputs)))
    first = expected[0]
    assert first.std(0).max() > 1e-2 * first.abs().max(), "the weights make every image look the same"
    seen = torch_shapes(network, alone)
    modules = dict(network.named_modules())
    trained = tuple(step.path for step in flat.steps if step.needed is Needed.TRAINING)
    inferred = {
        part: {shape_of(value, model) for value in outs}
        for part, outs in parts(model.root.body)
        if part in modules and not any(f"{path}.".startswith(f"{part}.") for path in trained)
    }
    assert seen.keys() - {""} == inferred.keys()
    assert {part: shapes for part, shapes in seen.items() if part and shapes} == {
        part: shapes for part, shapes in inferred.items() if seen[part]
    }

    check_onnx_shapes(model, flat, *onnx_shapes(emit(model, arrays, fold=False).proto(), alone))
    static = emit(model, arrays)
    assert {f"{name}: {left}" for left in leaving(static.graph)} == {
        node for node in OFF_THE_GPU if node.startswith(name)
    }
    proto = static.proto()
    assert [(entry.domain, entry.version) for entry in proto.opset_import] == [("", 21)]
    check(proto)
    del static, proto
    folded = emit(model, arrays, dynamic=("N",)).proto()
    for batch in (1, 3):
        found = run_onnx(folded, [tensor[:batch] for tensor in inputs]).values()
        error = max(difference(a, b[:batch]) for a, b in zip(found, expected, strict=True))
        assert error <= 1e-4
        print(f"{name}, batch {batch}: {error:.1e}")


@pytest.mark.parametrize("kind", all_kinds())
def test_sizes_near_the_default(kind: Kind) -> None:
    """Fresh weights: both files are made, checked, and compared where that is no long work."""
    sizes = kind.near()
    assert sizes or not free(kind.compiled().sizes)
    model = kind.compiled(sizes)
    assert sizes.items() <= (model.sizes.default | {name: pin.value for name, pin in model.sizes.pins.items()}).items()
    checks = {"onnx", "placement"}
    if costs(model, flatten(model)).macs <= PARITY_MACS:
        checks.add("parity")
    taken, graph = onnx_graph(model, 0, None, (), True)
    lines = verify(model, torch_text(model), graph, taken.state, checks, partial(emit, model))
    assert len(lines) == len(checks)
    assert not any("hardly depend" in line for line in lines)


def test_every_net_is_of_one_kind() -> None:
    found = [(kind.file, net) for kind in kinds() for net in kind.nets]
    assert sorted(found) == sorted((path, net) for path in EXAMPLES.rglob("*.dl") for net in nets(path, complete=True))
    of_resnet = [set(kind.nets) for kind in kinds() if kind.file.stem == "resnet"]
    assert {"resnet18", "resnet34"} in of_resnet
    assert any({"resnet50", "resnet152", "resnext50_32x4d", "wide_resnet50_2"} <= group for group in of_resnet)


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        # Figure 2 of the paper, all of c3 connected: 117,600 + 240,000 + 48,000 + 10,080 + 840 products.
        ("lenet", 61_706, 416_520),
        # 60,954,656 weights and 10,568 biases; products of the eight layers at 227x227.
        ("alexnet_2gpu", 60_954_656 + 10_568, 724_406_816),
        # Layers of the authors' CIFAR-10 model (Caffe model zoo).
        ("nin", 966_986, 222_486_528),
        # tensorflow/models, research/slim/nets/mobilenet_v1.md: 4.24 M and 569 M (568.7 by arithmetic).
        ("mobilenet_v1", 4_231_976, 568_740_352),
        # timm's seresnet50; ResNet-50's 4,089,184,256 products and C * C / 8 for the gates of each block.
        ("se_resnet50", 28_088_024, 4_091_699_200),
    ],
)
def test_counts(name: str, params: int, macs: int) -> None:
    model = compile_model(programs()[name], net=name)
    cost = costs(model, flatten(model))
    assert (cost.count.params, cost.macs) == (params, macs)


def test_alexnet_weights() -> None:
    model = compile_model(programs()["alexnet_2gpu"], net="alexnet_2gpu")
    weights = sum(param.spec.count for path, param in model.params.items() if not path.endswith("bias"))
    assert weights == 60_954_656
