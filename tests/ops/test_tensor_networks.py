"""Small networks of tensor ops: generated PyTorch and onnxruntime agree at sizes that were never elaborated."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from torch import Tensor, nn

from dslc.cli.main import main

PROGRAM = """
block llama_attention(heads: int, kv: int) on x[N, T, D]:
    q = linear(D, bias=false) as q -> rearrange("n t (h d) -> n h t d", h=heads) -> rotary
    k = linear(D // heads * kv, bias=false) as k -> rearrange("n t (h d) -> n h t d", h=kv) -> rotary
    v = linear(D // heads * kv, bias=false) as v -> rearrange("n t (h d) -> n h t d", h=kv)
    sdpa(q, k, v, causal=true, gqa=true) -> rearrange("n h t d -> n t (h d)") -> linear(D, bias=false) as o

net llama on ids: int64[N, T=16]:
    embedding(100, 64)
    for i in range(2):
        residual: rmsnorm as `n{i}` -> llama_attention(8, 2) as `a{i}`
    linear(100)

block window(win: int) on x[N, C, H, W]:
    pad(((0, -H % win), (0, -W % win))) -> roll((-1, -1), axis=(2, 3))
    rearrange("n c (h p) (w q) -> n (h w) (p q) c", p=win, q=win)
    sdpa(it, it, it)
    y = rearrange("n (h w) (p q) c -> n c (h p) (w q)", h=(H + -H % win) // win, p=win)
    y -> roll((1, 1), axis=(2, 3))
    it[:, :, :H, :W]

net swinish on x[N, 3, H=30, W=23]:
    conv(16, 3) -> window(7) -> gap -> flatten -> linear(5)

net tagger on x[N, T=20, 32]:
    lstm(64, layers=2, bidirectional=true) -> linear(10)

net seq2seq on x[N, T=20, 32], y[N, S=10, 32]:
    _states, h, c = x -> lstm(64, state=true) as encoder
    (y, h, c) -> lstm(64) as decoder
    linear(10)

net scores on x[N, T=16, 64]:
    a = linear(64)
    q, k, v = linear(192) -> chunk(3)
    (q @ transpose(k, 1, 2) / 8) -> softmax
    it @ v
    it + a

net posnet on ids: int64[N, T=16]:
    param pos: [1, 64, 32] = normal(std=0.02)
    embedding(100, 32)
    it + pos[:, :T]

net crops on x[N, 8, H=40, W=40]:
    y = conv(8, 5, p=0) -> conv(8, 4, p=0)
    concat(y, crop(x, like=y), x[:, :, 3:-4, 4:-3])

net minmax on x[N, 8, H=12, W=12]:
    a = amax((2, 3), keep=true)
    b = amin((2, 3), keep=true)
    d = it - b
    d / (a - b + 1e-6)
    v, _i = flatten -> topk(3)
    v

net pooled on x[N, 8, H=12, W=12]:
    reduce("n c (h a) (w b) -> n c h w", "mean", a=2, b=3) -> repeat("n c h w -> n c (h a) (w b)", a=2, b=2)
"""

CASES: dict[str, tuple[str, dict[str, tuple[int, ...]]]] = {
    "llama": ("N,T", {"ids": (3, 9)}),
    "swinish": ("N,H,W", {"x": (3, 3, 29, 40)}),
    "tagger": ("N,T", {"x": (3, 7, 32)}),
    "seq2seq": ("N,T,S", {"x": (3, 7, 32), "y": (3, 4, 32)}),
    "scores": ("N,T", {"x": (3, 5, 64)}),
    "posnet": ("N,T", {"ids": (3, 33)}),
    "crops": ("N,H,W", {"x": (3, 8, 23, 50)}),
    "minmax": ("N,H,W", {"x": (3, 8, 5, 6)}),
    "pooled": ("N,H,W", {"x": (3, 8, 6, 9)}),
}
REFUSED: dict[str, dict[str, tuple[int, ...]]] = {
    "posnet": {"ids": (3, 65)},
    "crops": {"x": (3, 8, 7, 50)},
    "pooled": {"x": (3, 8, 6, 10)},
}


def build(name: str, folder: Path, *options: str) -> nn.Module:
    """The generated module of a net, with the weights that the ONNX file holds."""
    source = folder / "nets.dl"
    source.write_text(PROGRAM, encoding="utf-8")
    done = CliRunner().invoke(main, ["build", str(source), "--net", name, "-o", str(folder), *options])
    assert done.exit_code == 0, done.output
    spec = importlib.util.spec_from_file_location(f"generated_{name}", folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    net = getattr(module, name.capitalize())()
    assert isinstance(net, nn.Module)
    weights = folder / f"{name}.safetensors"
    net.load_state_dict(load_file(weights) if weights.exists() else {}, strict=True)
    return net.eval()


def inputs(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(5)
    return {
        name: torch.randint(90, shape, generator=generator)
        if name == "ids"
        else torch.randn(shape, generator=generator)
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize("name", CASES)
def test_open_sizes(name: str, tmp_path: Path) -> None:
    dynamic, shapes = CASES[name]
    net, xs = build(name, tmp_path, "--dynamic", dynamic), inputs(shapes)
    with torch.no_grad():
        expected = net(**xs).numpy()
    session = onnxruntime.InferenceSession(tmp_path / f"{name}.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {key: x.numpy() for key, x in xs.items()})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", REFUSED)
def test_learned_guards_refuse_other_sizes(name: str, tmp_path: Path) -> None:
    net = build(name, tmp_path)
    with pytest.raises(ValueError, match="the input must have"):
        net(**inputs(REFUSED[name]))
