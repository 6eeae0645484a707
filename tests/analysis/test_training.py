"""Memory of training: what is kept for the backward pass against torch's own hooks, and what follows from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import dslc
from dslc.analysis.training import OPTIMIZERS, Fit, Training, largest_batch, training, training_memory
from dslc.api import compile_model
from dslc.ir.model import Model, Node
from dslc.ir.walk import Needed, flatten
from dslc.record import replace
from tests.analysis.nets import compiled

torch = pytest.importorskip("torch")
EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


def training_of(text: str) -> Training:
    model = compiled(text)
    return training(model, flatten(model))


def kept_by_torch(module: Any, *inputs: Any) -> int:
    """Bytes of the distinct storages that autograd keeps in one forward pass, without parameters and buffers."""
    own = {t.untyped_storage().data_ptr() for t in (*module.parameters(), *module.buffers())}
    held: dict[int, Any] = {}  # the storages themselves: an address must not be given out twice

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        results = module.train()(*inputs)
    assert results is not None
    return sum(storage.nbytes() for storage in held.values())


def masks(model: Model, found: Training, batch: int) -> int:
    """What a CPU keeps more than a GPU: masks of dropout as floats, 4 bytes for 1."""
    paths = {s.path for s in flatten(model).steps if isinstance(s.node, Node) and s.node.op.name == "dropout"}
    sizes = [t.full.cost for t in found.kept.tensors if t.extra and t.path in paths]
    return 3 * sum(size.value(found.sizes, dict.fromkeys(found.batch, batch)) for size in sizes)


NETWORKS = {
    "alexnet": ("alexnet", 224),
    "vgg11": ("vgg", 64),
    "resnet18": ("resnet", 64),
    "resnet50": ("resnet", 64),
    "googlenet": ("googlenet", 224),  # with both auxiliary heads
    "densenet121": ("densenet", 64),
    "mobilenet_v2": ("mobilenet_v2", 64),
    "vit_b_16": ("vit", 64),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_kept_is_what_torch_keeps(name: str) -> None:
    """To the byte, of the generated module and of torchvision's (at batch 2 and the size given)."""
    models = pytest.importorskip("torchvision.models")
    file, size = NETWORKS[name]
    given: dict[str, Any] = {"image_size": size} if file == "vit" else {}
    given |= {"aux_logits": True, "init_weights": False} if file == "googlenet" else {}
    path, sizes = EXAMPLES / f"{file}.dl", {"H": size, "W": size}
    net = name if file != "mobilenet_v2" else None
    model = compile_model(path, net, sizes=sizes)
    found = training(model, flatten(model))
    expected = found.memory(2).saved + masks(model, found, 2)
    image = torch.randn(2, 3, size, size)
    assert kept_by_torch(dslc.load(path, net, sizes=sizes)(), image) == expected
    assert kept_by_torch(getattr(models, name)(**given), image) == expected
    assert masks(model, found, 2) <= 0.02 * expected


SMALL = {
    "input is kept by a conv": "on x[N, 3, H=8, W=8]:\n    conv(4, 3) -> relu -> gap -> flatten -> linear(2)",
    "nothing without parameters": "on x[N, 8]:\n    relu -> softmax(-1)",
    "nothing before the first parameter": "on x[N, 3, H=8, W=8]:\n    relu -> maxpool(2) -> conv(4, 3)",
    "sum": "on x[N, 8]:\n    a = x -> linear(8)\n    b = x -> linear(8)\n    a + b",
    "product": "on x[N, 8]:\n    a = x -> linear(8)\n    b = x -> linear(8)\n    a * b",
    "product with an input": "on x[N, 8], y[N, 8]:\n    a = x -> linear(8)\n    a * y",
    "product of inputs": "on x[N, 8], y[N, 8]:\n    (x * y) -> linear(4)",
    "product with a parameter": "on x[N, 8]:\n    param scale: [1, 8] = ones\n    (it * scale) -> relu",
    "product with a buffer": "on x[N, 8]:\n    buffer scale: [1, 8] = ones\n    linear(8) -> (it * scale)",
    "square": "on x[N, 8]:\n    linear(8) -> (it * it)",
    "quotient": "on x[N, 8]:\n    a = x -> linear(8)\n    b = x -> linear(8) -> exp\n    a / b",
    "quotient by an input": "on x[N, 8], y[N, 8]:\n    a = x -> linear(8)\n    a / y",
    "matmul": "on x[N, 4, 8], y[N, 8, 4]:\n    (x -> linear(8)) @ y",
    "matmul of inputs": "on x[N, 4, 8], y[N, 8, 4]:\n    (x @ y) -> linear(4)",
    "concat": "on x[N, 8]:\n    concat(x -> linear(8) -> relu, x -> linear(4) -> sigmoid) -> linear(2)",
    "views share": "on x[N, 4, 8]:\n    linear(8) -> reshape(N, 8, 4) -> linear(4) -> flatten -> linear(2)",
    "a slice keeps the whole": "on x[N, 4, 8]:\n    linear(8) -> relu -> it[:, 0] -> linear(2)",
    "transpose": "on x[N, 4, 8]:\n    linear(6) -> transpose(1, 2) -> conv(3, 1)",
    "joined after transpose": "on x[N, 4, 8]:\n    linear(6) -> transpose(1, 2) -> flatten -> linear(3)",
    "split after transpose": "on x[N, 4, 8]:\n    linear(6) -> transpose(1, 2) -> reshape(N, 3, 2, 4) -> linear(3)",
    "id": "on x[N, 8]:\n    linear(8) -> id -> tanh -> id -> linear(2)",
    "dropout of nothing": "on x[N, 8]:\n    linear(8) -> relu -> dropout(0.0) -> linear(2)",
    "norms": "on x[N, 4, H=6, W=6]:\n    conv(8, 3) -> bn -> relu -> conv(8, 3) -> gn(2) -> gelu -> inorm -> silu",
    "layer norm": "on x[N, 4, 8]:\n    ln -> linear(8) -> ln -> linear(2)",
    "pools": "on x[N, 4, H=8, W=8]:\n    conv(4, 3) -> maxpool(2) -> conv(4, 3) -> avgpool(2) -> conv(4, 3) -> gap",
    "words": "on ids: int64[N, T=6]:\n    embedding(10, 8) -> linear(4) -> tanh -> it[:, -1] -> linear(2)",
    "softmax": "on x[N, 8]:\n    linear(8) -> softmax(-1) -> linear(8) -> logsoftmax(-1)",
    "squeeze and excite": (
        "on x[N, 4, H=8, W=8]:\n    conv(8, 3) -> bn -> relu\n"
        "    it * (it -> gap -> conv(4, 1) -> relu -> conv(8, 1) -> sigmoid)"
    ),
    "attention": (
        "on x[N, 6, 16]:\n    linear(48) -> rearrange('n t (three h d) -> three n h t d', three=3, h=4)\n"
        "    q, k, v = unbind(0)\n    sdpa(q, k, v) -> rearrange('n h t d -> n t (h d)') -> linear(16)"
    ).replace("'", '"'),
    "only in training": "on x[N, 8]:\n    relu\n    (it -> linear(16) -> relu -> linear(8)) if training else it",
    "only in evaluation": "on x[N, 8]:\n    linear(8)\n    it if training else (it -> linear(16) -> relu -> linear(8))",
    "used twice": "on x[N, 8], y[N, 8]:\n    module g = linear(8)\n    (x -> g -> relu) + (y -> g -> relu)",
    "computed weight": "on x[N, 8]:\n    param w: [1, 8] = ones\n    (it * (w * w)) -> linear(2)",
}


@pytest.mark.parametrize("name", SMALL)
def test_small_networks_keep_what_torch_keeps(name: str) -> None:
    """To the byte, at batch 3, which is no other size of theirs."""
    text = f"net f {SMALL[name]}\n"
    model = compile_model(text)
    inputs = []
    for value in model.root.inputs:
        shape = [
            3 if size == model.root.inputs[0].type.dims[0] else model.sizes.value(size) for size in value.type.dims
        ]
        ids = not value.type.dtype.is_float
        inputs.append(torch.randint(0, 10, shape) if ids else torch.randn(shape))
    assert training_memory(model, flatten(model), batch=3).saved == kept_by_torch(dslc.load(text)(), *inputs)


# ---- the training run


def test_training_takes_the_other_side() -> None:
    model = compiled("net f on x[N, 8]:\n    (it -> sigmoid -> linear(4)) if training else (it -> relu -> linear(4))\n")
    for run, op in ((False, "relu"), (True, "sigmoid")):
        flat = flatten(model, training=run)
        needed = {s.node.op.name for s in flat.steps if s.needed is Needed.ALWAYS and isinstance(s.node, Node)}
        assert needed == {"linear", op}
    assert not any(step.needed is Needed.TRAINING for step in flatten(model, training=True).steps)


def test_results_of_training_are_outputs_of_training() -> None:
    model = compile_model(EXAMPLES / "googlenet.dl", "googlenet")
    assert len(flatten(model).outputs) == 1
    assert len(flatten(model, training=True).outputs) == 3
    assert training_memory(model, flatten(model)) == training_memory(model, flatten(model, training=True))


def test_each_use_keeps_what_no_earlier_one_does() -> None:
    model = compiled("net f on x[N, 8]:\n    linear(4) -> relu -> linear(2) -> softmax(-1)\n")
    flat = flatten(model)
    kept = training(model, flat).kept.by_use()
    assert {step.path: kept.get(step.node) for step in flat.steps} == {
        "linear": 32,
        "relu": 16,  # its result, which the next layer reads
        "linear_2": None,
        "softmax": 8,
    }
    assert sum(kept.values()) == training_memory(model, flat).saved


# ---- parameters, gradients, states


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_states_are_torchs(optimizer: str) -> None:
    """One step of the real optimiser, then the bytes of its state; step counters left out."""
    text = "net f on x[N, 3, H=8, W=8]:\n    conv(4, 3) -> bn -> relu -> gap -> flatten -> linear(2)\n"
    module = dslc.load(text)()
    made = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        "adam": lambda p: torch.optim.Adam(p),
        "adamw": lambda p: torch.optim.AdamW(p),
    }[optimizer](module.parameters())
    module(torch.randn(2, 3, 8, 8)).sum().backward()
    made.step()
    tensors = [t for state in made.state.values() for t in state.values() if torch.is_tensor(t) and t.dim()]
    found = training_of(text).memory(optimizer=optimizer)
    assert found.state == sum(t.nbytes for t in tensors)
    assert found.weights == sum(p.nbytes for p in module.parameters())
    assert found.gradients == sum(p.grad.nbytes for p in module.parameters() if p.grad is not None)
    assert found.buffers == sum(b.nbytes for b in module.buffers())
    assert found.total == found.weights + found.gradients + found.state + found.buffers + found.saved


def test_mixed_precision_halves_all_but_what_stays_in_32_bits() -> None:
    found = training_of(
        "net f on x[N, 8], ids: int64[N, 8]:\n    a = ids -> embedding(5, 1) -> flatten\n    (x + a) -> ln"
    )
    full, mixed = (found.memory(4, "adam", precision) for precision in ("fp32", "mixed"))
    trained = 5 + 16
    assert (full.weights, full.gradients, full.master, full.state) == (4 * trained, 4 * trained, 0, 8 * trained)
    assert (mixed.weights, mixed.gradients, mixed.master, mixed.state) == (
        2 * trained,
        2 * trained,
        4 * trained,
        8 * trained,
    )
    statistics, indices = 4 * 2 * 4, 4 * 8 * 8
    assert full.saved == 4 * 8 * 4 + statistics + indices
    assert mixed.saved == 4 * 8 * 2 + statistics + indices


def test_what_a_module_of_the_users_keeps_is_not_known() -> None:
    found = training_of("""
        extern block mine(width: int) on x[N, D] -> [N, width] = "tests.user:Mine"
            params = 12
        net f on x[N, 8]:
            linear(8) -> mine(4) -> relu
    """)
    assert found.memory().unknown == ("mine",)
    assert found.memory().weights == 4 * (72 + 12)


# ---- what fits


@pytest.mark.parametrize("precision", ["fp32", "mixed"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_largest_batch_is_the_largest(optimizer: str, precision: str) -> None:
    model = compile_model(EXAMPLES / "resnet.dl", "resnet18")
    flat = flatten(model)
    memory = 8 * 10**9
    fit = largest_batch(model, flat, memory, optimizer=optimizer, precision=precision)
    assert fit.batch is not None and fit.batch > 1
    here, more = (
        training_memory(model, flat, batch=batch, optimizer=optimizer, precision=precision).total
        for batch in (fit.batch, fit.batch + 1)
    )
    assert here + fit.left == memory
    assert more > memory
    one = training_memory(model, flat, batch=1, optimizer=optimizer, precision=precision)
    assert largest_batch(model, flat, one.total, optimizer=optimizer, precision=precision) == Fit(1, 0)
    assert largest_batch(model, flat, one.total - 1, optimizer=optimizer, precision=precision) == Fit(0, -1)
    assert one.fixed + fit.batch * one.per_sample == here


def test_a_batch_that_the_source_fixes() -> None:
    found = training_of("net f on x[16, 8]:\n    linear(4)\n")
    assert found.memory(1) == replace(found.memory(32), batch=1)
    assert found.fit(10**6) == Fit(None, 10**6 - found.memory().total)


def test_wrong_names() -> None:
    found = training_of("net f on x[N, 8]:\n    linear(4)\n")
    for wrong, words in (({"optimizer": "adan"}, "`adam`"), ({"precision": "fp23"}, "`fp32`"), ({"batch": 0}, "one")):
        with pytest.raises(ValueError, match=words):
            found.memory(**{"batch": 1, **wrong})  # type: ignore[arg-type]
