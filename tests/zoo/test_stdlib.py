"""The parts of stdlib/: each file's parts in a network, and parts that PyTorch has too against PyTorch's."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from torch import Tensor, nn

import dslc
from dslc.api import compile_model
from dslc.diagnostics.model import Sink
from dslc.source import Source
from dslc.syntax import tree
from dslc.syntax.parser import parse

ROOT = Path(__file__).resolve().parents[2]

# Every definition of stdlib/ stands in one of these, with the parameters that hand layers down given too.
PROGRAMS = {
    "conv": """
        net whole on image[N, 3, H=64, W=64]:
            cba(16) -> cba(16, act=gelu, norm=ln(axis=1)) as c2 -> dw(3) as d -> pw(32) as p -> dw(5, s=2)
            sepconv(32, act=silu, norm=gn(4)) -> mlpconv([32, 16, 16], 5, act=tanh) -> se(4, act=silu, gate=hsigmoid)
            se(mid=6) as s2 -> gap -> flatten
        """,
    "full connections": """
        use std.conv: fc
        net whole on image[N, 3, H=32, W=32]:
            conv(8, 4, s=4, p=0) -> relu -> fc(16, 7) -> relu -> fc(12, 2, bias=false) as f7 -> fc(10)
        """,
    "an island in float32": """
        use std.combine: in_float32
        net whole on x[N, 3, 32]:
            linear(16)
            in_float32: softmax(-1)
            linear(4)
        """,
    "one axis": """
        net whole on x[N, 3, 32]:
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
        net whole on image[N, 3, H=64, W=64]:
            basic(32, s=2) -> basic(32, act=gelu, norm=gn(4), attend=se(4)) as b2
            bottleneck(16, g=4, w=32) -> bottleneck(16, s=2, attend=se) as b4 -> bottleneck(16, d=2) as b5
            preact(64) -> preact(32, s=2, act=silu, norm=gn(4), attend=se(4)) as p2 -> shortcut(32) -> shortcut(8)
            gap -> flatten
        """,
    "shortcuts": """
        use std.resnet: basic, bottleneck, pooled_shortcut, deep_stem
        net whole on image[N, 3, H=64, W=64]:
            deep_stem(32) -> bn -> relu -> basic(48, s=2, skip=pooled_shortcut)
            bottleneck(16, skip=pooled_shortcut(norm=gn(4))) -> gap -> flatten
        """,
    "gates": """
        use std.gates: eca, cbam, channel_gate, spatial_gate, coordinate_attention, split_attention
        use std.resnet: basic
        net whole on image[N, 3, H=64, W=64]:
            conv(32, 3) -> bn -> eca -> eca(5) as e2 -> cbam -> cbam(4, 3) as c2 -> channel_gate(mid=2) -> spatial_gate
            basic(32, attend=coordinate_attention) -> coordinate_attention(4, act=relu) as c3
            split_attention(32) -> split_attention(64, s=2, g=4, radix=1) as s2 -> gap -> flatten
        """,
    "repvgg and ghostnet": """
        use std.repvgg: repvgg, branch
        use std.ghostnet: ghost
        net whole on image[N, 3, H=64, W=64]:
            repvgg(32, s=2) -> repvgg(32, g=4, act=silu) as r2 -> branch(16, 3) -> ghost(24)
            ghost(25, 3, r=3, d=5, act=id) as g2 -> gap -> flatten
        """,
    "mobilenet": """
        use std.mobilenet: inverted_residual, mbconv, fused_mbconv, divisible
        net whole on image[N, 3, H=64, W=64]:
            inverted_residual(divisible(30.0), s=2, t=1)
            inverted_residual(divisible(30.0), k=5, act=hswish, norm=gn(4), attend=se(4)) as i2
            mbconv(24, s=2) -> mbconv(24, t=1, drop=0.1) as m2
            mbconv(16, mid=40, k=5, act=relu, norm=gn(4), attend=se(mid=12, gate=hsigmoid)) as m3
            fused_mbconv(16, drop=0.1) -> fused_mbconv(24, s=2, t=1, k=5, act=hswish, norm=gn(4)) as f2
            gap -> flatten
        """,
    "pyramid": """
        use std.pyramid: aspp, spp
        net whole on image[N, 3, H=64, W=64]:
            cba(16, s=2) -> aspp(24) -> aspp(16, [2, 4], drop=0.1, act=silu, norm=gn(4)) as a2 -> spp([1, 2, 3])
        """,
    "pools": """
        use std.pool: blur_pool, mixed_pool
        use std.convnext: grn, convnext_v2
        use std.conv: bsconv
        net whole on image[N, 3, H=64, W=64]:
            bsconv(16) -> bsconv(16, 5, norm=bn) as b2 -> blur_pool -> blur_pool(4, s=1) -> mixed_pool(start=0.3)
            convnext_v2 -> convnext_v2(5, drop=0.1) as c2 -> rearrange("n c h w -> n h w c") -> grn -> mean((1, 2))
        """,
    "feature pyramid": """
        use std.pyramid: fpn
        net whole on image[N, 3, H=64, W=64] -> [N, 32]:
            c2 = cba(8)
            c3 = c2 -> cba(12, s=2) as stage3
            c4 = c3 -> cba(16, s=2) as stage4
            c5 = c4 -> cba(20, s=2) as stage5
            p2, p3, p4, p5 = (c2, c3, c4, c5) -> fpn(8)
            concat(*[gap(p) for p in [p2, p3, p4, p5]]) -> flatten
        """,
    "transformer": """
        use std.transformer: decoder, decoder_postnorm, grouped_query, talking_heads, sinusoidal
        use std.transformer: positions_2d, registers
        use std.attention: patch_embedding
        net whole on image[N, 3, H=64, W=64], memory[N, S, 48]:
            conv(64, 8, s=8, p=0) -> rearrange("n d h w -> n h w d") -> positions_2d
            rearrange("n h w d -> n (h w) d") -> sinusoidal -> registers(3)
            grouped_query(8, 2, place=rotary) -> talking_heads(4)
            (it, memory) -> decoder(4, act=silu, norm=rmsnorm) as d1
            (it, memory) -> decoder_postnorm(4, act=gelu) as d2
            it[:, 0] -> linear(10)
        """,
    "densenet": """
        use std.densenet: dense_layer, dense_block, transition
        net whole on image[N, 3, H=64, W=64]:
            dense_layer(6) -> dense_block(3, 6) -> transition
            dense_block(2, 7, b=2, act=silu, norm=gn(1)) as d2 -> transition(32, norm=gn(1)) as t2 -> gap -> flatten
        """,
    "inception": """
        use std.inception: conv_bn, inception, inception_aux
        net whole on image[N, 3, H=64, W=64]:
            conv_bn(32, 3, s=2) -> inception(16, (16, 32), (8, 16), 16)
            inception(16, (16, 32), (8, 16), 16, k=3, unit=conv_bn) as i2 -> inception_aux(10)
        """,
    "attention": """
        use std.attention: attention, cross_attention, mlp, encoder, encoder_postnorm
        use std.attention: patch_embedding, class_token, positions
        net whole on image[N, 3, H=64, W=64], memory[N, S, 48]:
            patch_embedding(64, norm=ln) -> class_token -> positions -> encoder(4) -> encoder_postnorm(4, act=gelu)
            residual: attention(8, causal=true)
            (it, memory) -> cross_attention(8) as cross
            it[:, 0] -> mlp(128, 10)
        """,
    "window": """
        use std.window: windows, window_attention, window_attention_v2
        # inside these: window_bias, log_offset, shift_mask, window_heads, in_windows, qkv_without_key_bias,
        # cosine_attention
        net whole on image[N, 3, H=64, W=64]:
            require H >= 64
            require W >= 64
            conv(32, 8, s=8, p=0) -> rearrange("n d h w -> n h w d")
            windows(w=4):
                residual: ln -> linear(32)
            window_attention(4) -> window_attention(4, w=5, shift=2) as a2
            window_attention_v2(4, w=5) as b1 -> window_attention_v2(4, w=4, shift=2) as b2 -> mean((1, 2))
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
    used = {word for text in PROGRAMS.values() for word in re.findall(r"\w+", text)}
    assert not definitions().keys() - used


def written(text: str, folder: Path) -> Path:
    """A file with the program, its common indentation removed."""
    path = folder / "program.dl"
    path.write_text(dedent(text), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", PROGRAMS)
def test_parts_compile_and_run(name: str, tmp_path: Path) -> None:
    path = written(PROGRAMS[name], tmp_path)
    model = compile_model(path)
    network = dslc.load(path)().eval()
    assert set(network.state_dict()) == {k for k, p in model.params.items() if p.spec.kind != "const"}
    ports = {"image": (2, 3, 64, 64), "x": (2, 3, 32), "memory": (2, 5, 48)}
    inputs = [torch.randn(ports[value.name or ""]) for value in model.root.inputs]
    with torch.no_grad():
        assert network(*inputs).isfinite().all()


def keys(path: Path) -> dict[str, tuple[int, ...]]:
    return {key: param.spec.shape for key, param in compile_model(path).params.items()}


def test_resnet_and_se_are_those_of_the_examples(tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples" / "resnet.dl", tmp_path)
    for unit, example in {
        "bottleneck": "resnet50",
        "basic": "resnet34",
        "bottleneck(w=128)": "wide_resnet50_2",
    }.items():
        text = f"""
            use "./resnet.dl": resnet
            use std.resnet: basic as _basic, bottleneck as _bottleneck
            net whole = resnet(_{unit}, [3, 4, 6, 3])
            """
        expected = compile_model(ROOT / "examples" / "resnet.dl", net=example).params
        assert keys(written(text, tmp_path)) == {key: param.spec.shape for key, param in expected.items()}


def renamed(state: dict[str, Tensor], names: dict[str, str]) -> dict[str, Tensor]:
    """A state dict under other names: each key's beginning is replaced."""
    found = {}
    for key, tensor in state.items():
        old = next(old for old in names if key.startswith(old))
        found[names[old] + key.removeprefix(old)] = tensor
    return found


ENCODER = {
    "self_attn.in_proj_": "encoder.attn.qkv.",
    "self_attn.out_proj": "encoder.attn.proj",
    "linear1": "encoder.mlp.fc1",
    "linear2": "encoder.mlp.fc2",
    "norm1": "encoder.norm1",
    "norm2": "encoder.norm2",
}


@pytest.mark.parametrize("norm_first", [True, False])
def test_encoders_are_pytorchs(norm_first: bool, tmp_path: Path) -> None:
    part = "encoder(4, act=relu, norm=ln" if norm_first else "encoder_postnorm(4"
    text = f"""
        use std.attention: encoder, encoder_postnorm
        net whole on x[N, T, 64]: {part}, drop=0.1) as encoder
        """
    torch.manual_seed(2)
    other = nn.TransformerEncoderLayer(64, 4, 256, norm_first=norm_first, batch_first=True).eval()
    mine = dslc.load(written(text, tmp_path))().eval()
    mine.load_state_dict(renamed(other.state_dict(), ENCODER))
    x = torch.randn(2, 7, 64)
    with torch.no_grad():
        assert torch.allclose(mine(x), other(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize(("height", "width"), [(15, 15), (13, 21), (5, 12), (4, 5)])
@pytest.mark.parametrize("version", [1, 2])
def test_window_attention_is_torchvisions(version: int, height: int, width: int, shift: int, tmp_path: Path) -> None:
    """Maps that fill no whole windows, and axes no longer than a window, which are not moved."""
    swin = pytest.importorskip("torchvision.models.swin_transformer")
    part, other = (
        ("window_attention", swin.ShiftedWindowAttention(32, [5, 5], [shift, shift], 4))
        if version == 1
        else ("window_attention_v2", swin.ShiftedWindowAttentionV2(32, [5, 5], [shift, shift], 4))
    )
    text = f"""
        use std.window: {part}
        net whole on x[N, 32, {height}, {width}]:
            rearrange("n d h w -> n h w d") -> {part}(4, w=5, shift={shift}) as attn
        """
    torch.manual_seed(4)
    for tensor in other.parameters():
        torch.nn.init.normal_(tensor, std=0.3)
    mine = dslc.load(written(text, tmp_path))().eval()
    expected = {f"attn.{key}": tensor for key, tensor in other.state_dict().items()}
    for key, tensor in mine.named_buffers():
        assert torch.allclose(tensor, expected[key], rtol=1e-6, atol=0), key
    mine.load_state_dict(expected)
    x = torch.randn(2, 32, height, width)
    with torch.no_grad():
        assert torch.allclose(mine(x), other.eval()(x.permute(0, 2, 3, 1)), rtol=1e-5, atol=1e-5)


def test_cross_attention_is_pytorchs(tmp_path: Path) -> None:
    text = """
        use std.attention: cross_attention
        net whole on x[N, T, 64], memory[N, S, 48]: (x, memory) -> cross_attention(4) as cross
        """
    torch.manual_seed(3)
    other = nn.MultiheadAttention(64, 4, kdim=48, vdim=48, batch_first=True).eval()
    mine = dslc.load(written(text, tmp_path))().eval()
    state = other.state_dict()
    q_bias, k_bias, v_bias = (torch.randn(64) for _ in range(3))
    state["in_proj_bias"].copy_(torch.cat([q_bias, k_bias, v_bias]))
    mine.load_state_dict(
        {
            **{f"cross.{name}.weight": state[f"{name}_proj_weight"] for name in "qkv"},
            **{f"cross.{name}.bias": bias for name, bias in zip("qkv", (q_bias, k_bias, v_bias), strict=True)},
            **renamed({k: v for k, v in state.items() if k.startswith("out_proj")}, {"out_proj": "cross.proj"}),
        }
    )
    x, memory = torch.randn(2, 7, 64), torch.randn(2, 5, 48)
    with torch.no_grad():
        assert torch.allclose(mine(x, memory), other(x, memory, memory)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("value", "width"), [(8, 8), (3.5, 8), (11.9, 16), (12.0, 16), (19.9, 24), (67.2, 64), (44.8, 48), (1792, 1792)]
)
def test_divisible_is_torchvisions(value: float, width: int, tmp_path: Path) -> None:
    text = f"""
        use std.mobilenet: divisible
        net whole on x[N, 3, 8, 8]: conv(divisible({float(value)}), 1) as c -> gap -> flatten
        """
    assert keys(written(text, tmp_path))["c.weight"] == (width, 3, 1, 1)
