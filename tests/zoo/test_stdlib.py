"""The parts of stdlib/: each file's parts in a network, and parts that PyTorch has too against PyTorch's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import dslc
from dslc.ir.model import Model
from dslc.source import Source
from dslc.diagnostics.model import Sink
from dslc.syntax import tree
from dslc.syntax.parser import parse

ROOT = Path(__file__).resolve().parents[2]

# Every definition of stdlib/ stands in one of these, with the parameters that hand layers down given too.
PROGRAMS = {
    "conv": """
        net conv on image[N, 3, H=64, W=64]:
            cba(16) -> cba(16, act=gelu, norm=ln(axis=1)) as c2 -> dw(3) as d -> pw(32) as p -> dw(5, s=2)
            sepconv(32, act=silu, norm=gn(4)) -> mlpconv([32, 16, 16], 5, act=tanh) -> se(4, act=silu, gate=hsigmoid)
            gap -> flatten
        """,
    "one axis": """
        net axis on x[N, 3, 32]:
            cba(8) -> sepconv(8) -> se(2) -> add:
                | conv(8, 1)
                | conv(8, 3)
                | id
            residual: dw(3) -> pw(8)
            residual(skip = pw(8)): dw(3)
            dense: conv(4, 3)
            scale: gap -> sigmoid
            y = concat(it, it)
            concat(y, y, axis=0)
            concat:
                | maxpool(3, s=1, p=1)
                | id
            gap -> flatten
        """,
    "resnet": """
        use std.resnet: basic, bottleneck, preact, shortcut
        net resnet on image[N, 3, H=64, W=64]:
            basic(32, s=2) -> basic(32, act=gelu, norm=gn(4), attend=se(4)) as b2
            bottleneck(16, g=4, w=32) -> bottleneck(16, s=2, attend=se) as b4
            preact(64) -> preact(32, s=2, act=silu, norm=gn(4), attend=se(4)) as p2 -> shortcut(32) -> shortcut(8)
            gap -> flatten
        """,
    "mobilenet": """
        use std.mobilenet: inverted_residual, divisible
        net mobilenet on image[N, 3, H=64, W=64]:
            inverted_residual(divisible(30.0), s=2, t=1)
            inverted_residual(divisible(30.0), k=5, act=hswish, norm=gn(4), attend=se(4)) as i2
            gap -> flatten
        """,
    "densenet": """
        use std.densenet: dense_layer, dense_block, transition
        net densenet on image[N, 3, H=64, W=64]:
            dense_layer(6) -> dense_block(3, 6) -> transition
            dense_block(2, 7, b=2, act=silu, norm=gn(1)) as d2 -> transition(32, norm=gn(1)) as t2 -> gap -> flatten
        """,
    "inception": """
        use std.inception: conv_bn, inception, inception_aux
        net inception on image[N, 3, H=64, W=64]:
            conv_bn(32, 3, s=2) -> inception(16, (16, 32), (8, 16), 16)
            inception(16, (16, 32), (8, 16), 16, k=3, unit=conv_bn) as i2 -> inception_aux(10)
        """,
    "attention": """
        use std.attention: attention, cross_attention, mlp, encoder, encoder_postnorm
        use std.attention: patch_embedding, class_token, positions
        net attention on image[N, 3, H=64, W=64], memory[N, S, 48]:
            patch_embedding(64, norm=ln) -> class_token -> positions -> encoder(4) -> encoder_postnorm(4, act=gelu)
            residual: attention(8, causal=true)
            (it, memory) -> cross_attention(8) as cross
            it[:, 0] -> mlp(128, 10)
        """,
}


def definitions() -> dict[str, str]:
    """Name of every definition of stdlib/ and its file."""
    found = {}
    for path in sorted((ROOT / "stdlib").glob("*.dl")):
        for item in parse(Source(path.name, path.read_text(encoding="utf-8")), Sink()).items:
            if isinstance(item, tree.Block | tree.Fn):
                found[item.name] = path.name
                assert item.doc, f"{path.name}: `{item.name}` says nothing of itself"
    return found


def test_programs_use_every_part() -> None:
    lacking = [name for name in definitions() if not any(f"{name}" in text for text in PROGRAMS.values())]
    assert not lacking


def compiled(text: str, folder: Path) -> Model:
    path = folder / "program.dl"
    path.write_text(text, encoding="utf-8")
    return dslc.compile(path)


@pytest.mark.parametrize("name", PROGRAMS)
def test_parts_compile_and_run(name: str, tmp_path: Path) -> None:
    path = tmp_path / "program.dl"
    text = "\n".join(line.removeprefix("        ") for line in PROGRAMS[name].splitlines())
    path.write_text(text, encoding="utf-8")
    model = dslc.compile(path)
    network = dslc.load(path)().eval()
    assert set(network.state_dict()) == {k for k, p in model.params.items() if p.spec.kind != "const"}
    ports = {"image": (2, 3, 64, 64), "x": (2, 3, 32), "memory": (2, 5, 48)}
    inputs = [torch.randn(ports[value.name or ""]) for value in model.root.inputs]
    with torch.no_grad():
        assert network(*inputs).isfinite().all()
