"""Other tools' numbers against the tools themselves, run live on generated modules and on torchvision's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from torch import nn

from dslc.analysis.conventions import TOOLS, Bridge, bridge
from dslc.analysis.cost import Use, costs
from dslc.analysis.devices import DEVICES
from dslc.analysis.roofline import roofline
from dslc.api import compile_model
from dslc.ir.model import Model, Node
from dslc.ir.walk import Needed, flatten
from dslc.loading import load
from dslc.ops.base import REGISTRY
from dslc.reports.conventions import bridge_lines, bridge_record
from dslc.types.dim import evaluate
from tests.analysis.nets import compiled
from tests.analysis.tools import RUN, Shapes

models = pytest.importorskip("torchvision.models")

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"

NETS = (
    ("resnet", "resnet18"),
    ("resnet", "resnet50"),
    ("mobilenet_v2", "mobilenet_v2"),
    ("densenet", "densenet121"),
    ("googlenet", "googlenet"),
    ("vgg", "vgg11"),
    ("vgg", "vgg16_bn"),
    ("alexnet", "alexnet"),
    ("vit", "vit_b_16"),
    ("unet", "unet"),
    ("se_resnet", "se_resnet50"),
)


def bridge_of(model: Model, tool: str, functions: frozenset[Use] = frozenset()) -> Bridge:
    flat = flatten(model)
    found = bridge(model, flat, costs(model, flat), tool, functions)
    assert found.macs + sum(item.amount for item in found.items) == found.total
    assert sum(found.nodes.values()) == found.total
    return found


def shapes_of(model: Model) -> Shapes:
    """The shapes of a network's inputs, one sample at the default sizes."""
    at = model.sizes.default
    return tuple(tuple(evaluate(size, at) for size in value.type.dims) for value in model.root.inputs)


def generated(source: str | Path, net: str | None, **sizes: int) -> nn.Module:
    with torch.device("meta"):
        return load(source, net, sizes=sizes or None)().eval()


def functions_in(model: Model, module: nn.Module) -> frozenset[Use]:
    """The uses that have no module of their own in generated code."""
    names = {name for name, _ in module.named_modules()}
    steps = flatten(model).steps
    return frozenset(s.node for s in steps if isinstance(s.node, Node) and re.sub(r"@\d+$", "", s.path) not in names)


@pytest.mark.parametrize(("file", "net"), NETS)
@pytest.mark.parametrize("tool", TOOLS)
def test_generated_modules(file: str, net: str, tool: str) -> None:
    """Smaller images where the network allows them: fvcore and ptflops run the network."""
    path = EXAMPLES / f"{file}.dl"
    small = {} if file in ("vit", "unet") else {"H": 96, "W": 64}
    model, module = compile_model(path, net, sizes=small), generated(path, net, **small)
    found = bridge_of(model, tool, functions_in(model, module))
    assert found.is_exact
    assert found.total == RUN[tool](module, shapes_of(model))


SAME = ("resnet18", "resnet50", "vgg11", "vgg16_bn", "alexnet")
"""torchvision writes all that counts in these as modules."""


@pytest.mark.parametrize(("file", "net"), NETS[:8])
@pytest.mark.parametrize("tool", TOOLS)
def test_torchvisions_modules(file: str, net: str, tool: str) -> None:
    """Where torchvision's forward calls functions, their places in the example are named."""
    model = compile_model(EXAMPLES / f"{file}.dl", net, sizes={"H": 64, "W": 96})
    options = {"aux_logits": False, "init_weights": False} if net == "googlenet" else {}
    with torch.device("meta"):
        module = getattr(models, net)(weights=None, **options).eval()
    calls = {"mobilenet_v2": ("gap",), "densenet121": ("gap", "last relu"), "googlenet": ("relu",)}.get(net, ())
    nodes = [s.node for s in flatten(model).steps if isinstance(s.node, Node)]
    functions = {n for n in nodes if n.op.name in calls}
    if "last relu" in calls:
        functions.add([n for n in nodes if n.op.name == "relu"][-1])
    found = bridge_of(model, tool, frozenset(functions))
    assert found.total == RUN[tool](module, shapes_of(model))
    if net in SAME:
        assert not functions


def test_resnet50s_published_numbers() -> None:
    """fvcore's and thop's numbers that papers quote, and torchvision's `_ops`."""
    model = compile_model(EXAMPLES / "resnet.dl", "resnet50")
    fvcore, thop = bridge_of(model, "fvcore"), bridge_of(model, "thop")
    assert (fvcore.total, thop.total) == (4_111_512_576, 4_133_742_592)
    assert [(i.label, i.amount) for i in fvcore.items] == [("batch norm", 22_227_968), ("average pool", 100_352)]
    assert [(i.label, i.amount) for i in thop.items] == [("batch norm", 44_455_936), ("average pool", 102_400)]
    assert thop.in_functions == thop.total - 102_400
    assert [(u.op, u.uses) for u in thop.uncounted] == [("relu", 49), ("add", 16), ("maxpool", 1)]


@pytest.mark.parametrize(("file", "net"), [*NETS[:9], ("resnet", "resnext50_32x4d"), ("vit", "vit_b_32")])
def test_what_torchvision_publishes(file: str, net: str) -> None:
    """Every printed digit of `_ops`."""
    weights = models.get_model_weights(net).DEFAULT
    size = weights.transforms().crop_size[0]
    assert size == 224
    found = bridge_of(compile_model(EXAMPLES / f"{file}.dl", net), "torchvision")
    assert round(found.total / 1e9, 3) == weights.meta["_ops"]


# ---- every rule, against the tools

SMALL = {
    "convolutions": """
        net f on x[N, 6, 13, 10]:
            conv(8, 3, bias=true) -> conv(8, 3x5, s=2, g=4) -> deconv(6, 4, s=2, g=2) -> deconv(5, 3, bias=false)
    """,
    "one axis and three": """
        net f on x[N, 4, 24]:
            y = conv(8, 3) -> bn -> relu -> avgpool(2) -> maxpool(2)
            z = y -> reshape(N, 8, 3, 2, 1) -> conv(4, 1, bias=true) -> bn
            z -> adaptive_avgpool(2x1x1) -> flatten -> linear(3)
    """,
    "norms": """
        net f on x[N, 8, 6, 5]:
            bn -> bn(affine=false) -> inorm -> inorm(affine=true) -> gn(4) -> gn(2, affine=false) -> lrn(5) -> lrn(4)
                -> ln(axis=1) -> l2norm(axis=1) -> flatten -> ln -> ln(affine=false) -> ln(bias=false) -> rmsnorm
    """,
    "norms in line": """
        block b on x[N, C, H, W] = inorm -> lrn(3) -> ln(axis=1) -> bn -> lppool(2, 2)

        net f on x[N, 8, 6, 6]:
            b -> gap -> flatten
    """,
    "activations": """
        net f on x[N, 16]:
            linear(16) -> relu -> relu6 -> leaky_relu -> rrelu -> elu -> selu -> celu -> gelu -> silu -> swish(1.5)
                -> mish -> hswish -> hsigmoid -> sigmoid -> tanh -> softplus -> softsign -> hardtanh
                -> threshold(0.1, 0.2) -> prelu -> softmax -> logsoftmax -> glu -> maxout(2) -> dropout(0.5)
    """,
    "activations in line": """
        block b on x[N, C] = relu -> relu6 -> leaky_relu -> elu -> selu -> gelu -> silu -> prelu -> softmax -> glu

        net f on x[N, 16]:
            linear(16, bias=false) -> b
    """,
    "pools": """
        net f on x[N, 4, 21, 17]:
            maxpool(3, s=1, p=1) -> avgpool(2, s=1) -> lppool(2, 2, s=1) -> adaptive_maxpool(12x9)
                -> adaptive_avgpool(5x7) -> maxpool(3, s=2, p="same_tf") -> avgpool(2, s=1, p="same_tf") -> gmp
    """,
    "pools in line": """
        block b on x[N, C, H, W] = maxpool(3, s=1, p=1) -> avgpool(2, s=1) -> lppool(2, 2, s=1) -> adaptive_avgpool(5x7)

        net f on x[N, 4, 21, 17]:
            b -> avgpool(3, s=2, p="same_tf", count_include_pad=false) -> mean((2, 3))
    """,
    "upsampling": """
        net f on x[N, 4, 6, 5]:
            upsample(2) -> upsample(1.5, mode="bilinear") -> upsample(size=(30, 20), mode="bicubic")
                -> upsample((2, 1.5), mode="nearest-exact")
    """,
    "upsampling in line": """
        block b on x[N, C, H, W] = upsample(2) -> upsample(2, mode="bilinear") -> upsample((1.5, 2), mode="bicubic")

        net f on x[N, 4, 6, 5]:
            b -> pixel_shuffle(2)
    """,
    "upsampling of one axis": """
        block b on x[N, C, T] = upsample(2) -> upsample(2, mode="linear")

        net f on x[N, 4, 6]:
            conv(4, 3) -> b
    """,
    "products": """
        net f on x[N, 6, 8]:
            param p: [8, 5] = xavier_uniform
            param q: [3, 6] = xavier_uniform
            turned = transpose(1, 2)
            scores = (x @ turned) -> softmax
            y = q @ (scores @ x @ p)
            einsum("nta,nsb->ntsab", y, y) -> reshape(N, 3, 75) -> rearrange("n t d -> n d t")
    """,
    "einsum": """
        net f on x[N, 6, 80], y[N, 7, 80]:
            a = einsum("ntd,nsd->nts", x, y)
            b = einsum("nts,nsd->ntd", a, y)
            c = einsum("ntd,nse->nte", b, y)
            einsum("ntd,ntd->ntd", b, c) -> linear(4)
    """,
    "weights given": """
        net f on x[N, 6, 8]:
            module a = linear(8)
            a -> linear(8, weight=a.weight) -> linear(8, weight=a.weight, bias=false) -> linear(8, bias=a.bias) -> a
    """,
    "recurrent": """
        net f on x[N, 7, 6]:
            lstm(5) -> lstm(4, layers=2, bidirectional=true) -> gru(5, bias=false) -> gru(3, layers=2) -> rnn(4)
                -> rnn(5, bidirectional=true, bias=false)
    """,
    "attention": """
        use std.attention: attention

        net f on x[N, 9, 16]:
            attention(4) -> mean(1)
    """,
}


@pytest.mark.parametrize(
    ("name", "tool"), [(name, tool) for name in SMALL for tool in TOOLS if (name, tool) != ("einsum", "ptflops")]
)
def test_rules(name: str, tool: str) -> None:
    """ptflops takes networks of one input."""
    model = compiled(SMALL[name])
    shapes = shapes_of(model)
    module = generated(dedent(SMALL[name]), None)
    found = bridge_of(model, tool, functions_in(model, module))
    assert found.is_exact
    assert found.total == RUN[tool](module, shapes)


# ---- what cannot be stated


def test_einsum_of_three_is_a_lower_bound() -> None:
    model = compiled("""
        net f on x[N, 4, 5], y[N, 5, 6], z[N, 6, 7]:
            einsum("nab,nbc,ncd->nad", x, y, z)
    """)
    for tool in ("torchvision", "fvcore"):
        found = bridge_of(model, tool)
        assert not found.is_exact and found.total == 0 and "more than two" in found.unknown[0]
        assert bridge_lines(found)[0].startswith(f"as {tool} counts: at least 0 ")


def test_a_users_module_is_unknown() -> None:
    model = compiled("""
        extern block swirl(out: int) on x[N, C, H, W] -> [N, out, H, W] = "my.parts:Swirl"
            macs = N * out * C * H * W
            params = out * C

        net f on x[N, 3, 8, 8]:
            conv(4, 3, bias=false) -> swirl(16) -> gap -> flatten
    """)
    found = bridge_of(model, "thop")
    assert found.unknown == ["`swirl` is a module of its own: thop would look into it"]
    assert found.total == 64 * 4 * 27 + 65 * 16
    assert found.macs == 64 * 4 * 27 + 64 * 64


def test_an_op_the_tool_does_not_see_is_named() -> None:
    model = compiled("net f on q[N, 4, 8, 16], k[N, 4, 8, 16], v[N, 4, 8, 16]:\n    sdpa(q, k, v)\n")
    found = bridge_of(model, "fvcore")
    assert found.total == 0 and found.macs == 2 * 4 * 8 * 8 * 16
    (item,) = found.items
    assert (item.label, item.amount, item.reason) == (
        "products of sdpa",
        -found.macs,
        "no handle for aten::scaled_dot_product_attention",
    )
    assert [(line.op, line.uses) for line in found.uncounted] == [("sdpa", 1)]


def test_lines_and_record_add_up() -> None:
    found = bridge_of(compile_model(EXAMPLES / "resnet.dl", "resnet50"), "fvcore")
    lines = bridge_lines(found)
    assert lines[:4] == [
        "as fvcore counts: 4,111,512,576 flops (4.112 G)",
        "    multiply-adds 4,089,184,256",
        "  + batch norm       22,227,968  53 uses: 2 per element, 1 without weight and bias",
        "  + average pool        100,352  1 use: 1 per element read, of adaptive pools over two axes",
    ]
    assert lines[4] == "  not counted by fvcore: relu x49, add x16, maxpool x1"
    record = json.loads(json.dumps(bridge_record(found)))
    assert record["macs"] + sum(item["amount"] for item in record["items"]) == record["total"] == 4_111_512_576


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_op_is_bridged(name: str) -> None:
    """The example of each op's page: every tool answers, and what it leaves out is named or has no FLOPs."""
    for text in re.findall(r"```dl\n(.*?)```", REGISTRY[name].__doc__ or "", re.DOTALL):
        model = compiled(text)
        flat = flatten(model)
        cost = costs(model, flat)
        for tool in TOOLS:
            found = bridge_of(model, tool)
            silent = {line.op for line in found.uncounted}
            for step in flat.steps:
                here, node = cost.nodes[step.node], step.node
                if step.needed is Needed.ALWAYS and isinstance(node, Node) and not found.nodes[node] and here.macs:
                    assert node.op.name in silent
        assert roofline(model, flat, cost, DEVICES["H200"]).seconds >= 0
