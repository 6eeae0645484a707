"""Parts of stdlib/ against modules that nobody here wrote: PyTorch's, torchvision's, timm's, with the same weights."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import dslc


def network(text: str, folder: Path) -> nn.Module:
    """The generated module of a program, in evaluation mode, its parameters random."""
    path = folder / "program.dl"
    path.write_text(dedent(text), encoding="utf-8")
    made: nn.Module = dslc.load(path)()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return made.eval()


def agree(mine: nn.Module, theirs: nn.Module, names: dict[str, str], *inputs: Tensor) -> None:
    """The other module with these weights, each under its name there, gives the same results."""
    wanted = theirs.state_dict()
    state = mine.state_dict()
    theirs.load_state_dict({key: state[names.get(key, key)].reshape(wanted[key].shape) for key in wanted})
    with torch.no_grad():
        found, expected = mine(*inputs), theirs.eval()(*inputs)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


FILTERS = {2: [1.0, 1.0], 3: [1.0, 2.0, 1.0], 4: [1.0, 3.0, 3.0, 1.0], 5: [1.0, 4.0, 6.0, 4.0, 1.0]}
"""github.com/adobe/antialiased-cnns, antialiased_cnns/blurpool.py, get_filt."""


@pytest.mark.parametrize("k", FILTERS)
@pytest.mark.parametrize("s", [1, 2])
def test_blur_pool_is_a_convolution_by_a_fixed_filter(k: int, s: int, tmp_path: Path) -> None:
    """As BlurPool of the authors: reflected borders, of an even filter the larger one after."""
    text = f"""
        use std.pool: blur_pool
        net f on x[N, 3, H=16, W=17]: blur_pool({k}, s={s})
        """
    x, taps = torch.randn(2, 3, 16, 17), torch.tensor(FILTERS[k])
    weight = (taps[:, None] * taps / taps.sum() ** 2).expand(3, 1, k, k)
    before, after = (k - 1) // 2, -(-(k - 1) // 2)
    expected = F.conv2d(F.pad(x, (before, after, before, after), "reflect"), weight, stride=s, groups=3)
    torch.testing.assert_close(network(text, tmp_path)(x), expected)


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("s", [1, 2])
def test_blur_pool_is_timms(k: int, s: int, tmp_path: Path) -> None:
    layers = pytest.importorskip("timm.layers")
    text = f"""
        use std.pool: blur_pool
        net f on x[N, 3, H=16, W=17]: blur_pool({k}, s={s})
        """
    x = torch.randn(2, 3, 16, 17)
    torch.testing.assert_close(network(text, tmp_path)(x), layers.BlurPool2d(3, k, s, pad_mode="reflect")(x))


def test_mixed_pool_mixes(tmp_path: Path) -> None:
    text = """
        use std.pool: mixed_pool
        net f on x[N, 3, 8, 8]: mixed_pool(3, s=2, p=1)
        """
    mine, x = network(text, tmp_path), torch.randn(2, 3, 8, 8)
    share = mine.state_dict()["mixed_pool.share"]
    expected = share * F.max_pool2d(x, 3, 2, 1) + (1 - share) * F.avg_pool2d(x, 3, 2, 1)
    torch.testing.assert_close(mine(x), expected)


def test_global_response_norm_is_timms(tmp_path: Path) -> None:
    layers = pytest.importorskip("timm.layers.grn")
    text = """
        use std.convnext: grn
        net f on x[N, 5, 6, 8]: grn as norm
        """
    names = {"weight": "norm.weight", "bias": "norm.bias"}
    agree(network(text, tmp_path), layers.GlobalResponseNorm(8), names, torch.randn(2, 5, 6, 8))


def test_convnext_v2_is_timms(tmp_path: Path) -> None:
    block = pytest.importorskip("timm.models.convnext").ConvNeXtBlock(8, use_grn=True, ls_init_value=None)
    text = """
        use std.convnext: convnext_v2
        net f on x[N, 8, 10, 9]: convnext_v2 as unit
        """
    names = {key: "unit." + key.removeprefix("mlp.") for key in block.state_dict()}
    agree(network(text, tmp_path), block, names, torch.randn(2, 8, 10, 9))


def test_talking_heads_are_timms(tmp_path: Path) -> None:
    theirs = pytest.importorskip("timm.models.cait").TalkingHeadAttn(24, num_heads=4, qkv_bias=True)
    text = """
        use std.transformer: talking_heads
        net f on x[N, T=7, 24]: talking_heads(4) as attn
        """
    names = {key: f"attn.{key}" for key in theirs.state_dict()}
    agree(network(text, tmp_path), theirs, names, torch.randn(2, 7, 24))


@pytest.mark.parametrize("first", [True, False])
def test_decoders_are_pytorchs(first: bool, tmp_path: Path) -> None:
    """nn.TransformerDecoderLayer with a causal mask, which holds the projections of queries, keys and values as one."""
    name = "decoder" if first else "decoder_postnorm"
    text = f"""
        use std.transformer: {name}
        net f on x[N, T=7, 24], memory[N, S=5, 24]: (x, memory) -> {name}(4, act=gelu) as unit
        """
    mine = network(text, tmp_path)
    theirs = nn.TransformerDecoderLayer(24, 4, 96, 0.0, "gelu", batch_first=True, norm_first=first).eval()
    state = {key.removeprefix("unit."): value for key, value in mine.state_dict().items()}
    parts = {"self_attn.out_proj": "attn.proj", "multihead_attn.out_proj": "cross.proj"}
    parts |= {"linear1": "mlp.fc1", "linear2": "mlp.fc2", "norm1": "norm1", "norm2": "norm2", "norm3": "norm3"}
    given = {f"{a}.{end}": state[f"{b}.{end}"] for a, b in parts.items() for end in ("weight", "bias")}
    for end in ("weight", "bias"):
        given[f"self_attn.in_proj_{end}"] = state[f"attn.qkv.{end}"]
        given[f"multihead_attn.in_proj_{end}"] = torch.cat([state[f"cross.{p}.{end}"] for p in "qkv"])
    theirs.load_state_dict(given)
    x, memory = torch.randn(2, 7, 24), torch.randn(2, 5, 24)
    mask = nn.Transformer.generate_square_subsequent_mask(7)
    with torch.no_grad():
        expected = theirs(x, memory, tgt_mask=mask, tgt_is_causal=True)
        torch.testing.assert_close(mine(x, memory), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_grouped_queries_share_keys_and_values(groups: int, tmp_path: Path) -> None:
    """As attention of as many heads whose keys and values are repeated."""
    text = f"""
        use std.transformer: grouped_query
        net f on x[N, T=7, 24]: grouped_query(4, {groups}, bias=true) as attn
        """
    mine = network(text, tmp_path)
    state = {key.removeprefix("attn."): value for key, value in mine.state_dict().items()}
    theirs = nn.MultiheadAttention(24, 4, batch_first=True)

    def repeated(tensor: Tensor) -> Tensor:
        shared: Tensor = tensor.unflatten(0, (groups, 6))
        return shared.repeat_interleave(4 // groups, 0).flatten(0, 1)

    given = {f"out_proj.{end}": state[f"proj.{end}"] for end in ("weight", "bias")}
    for end in ("weight", "bias"):
        given[f"in_proj_{end}"] = torch.cat(
            [state[f"q.{end}"], repeated(state[f"k.{end}"]), repeated(state[f"v.{end}"])]
        )
    theirs.load_state_dict(given)
    x = torch.randn(2, 7, 24)
    with torch.no_grad():
        expected = theirs(x, x, x, attn_mask=nn.Transformer.generate_square_subsequent_mask(7), need_weights=False)[0]
        torch.testing.assert_close(mine(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("length", ["", "20"])
def test_sinusoids(length: str, tmp_path: Path) -> None:
    """The formula of the paper, computed in another order."""
    text = f"""
        use std.transformer: sinusoidal
        net f on x[N, T=11, 8]: sinusoidal({length})
        """
    rates = torch.exp(torch.arange(0, 8, 2) * (-torch.log(torch.tensor(10000.0)) / 8))
    angles = torch.arange(11)[:, None] * rates
    expected = torch.zeros(11, 8)
    expected[:, 0::2], expected[:, 1::2] = angles.sin(), angles.cos()
    torch.testing.assert_close(network(text, tmp_path)(torch.zeros(2, 11, 8))[1], expected, rtol=1e-4, atol=1e-5)


def test_positions_of_a_grid(tmp_path: Path) -> None:
    """Places of one row share the first half of the width, those of one column the second."""
    text = """
        use std.transformer: positions_2d
        net f on x[N, 3, 4, 6]: positions_2d
        """
    table = network(text, tmp_path)(torch.zeros(1, 3, 4, 6))[0]
    assert torch.equal(table[:, :1, :3].expand(3, 4, 3), table[..., :3])
    assert torch.equal(table[:1, :, 3:].expand(3, 4, 3), table[..., 3:])
    assert table.unique().numel() == 3 * 3 + 4 * 3


def test_registers_stand_behind(tmp_path: Path) -> None:
    text = """
        use std.transformer: registers
        net f on x[N, T=5, 6]: registers(3)
        """
    mine, x = network(text, tmp_path), torch.randn(2, 5, 6)
    found = mine(x)
    assert torch.equal(found[:, :5], x)
    assert torch.equal(found[:, 5:], mine.state_dict()["registers.tokens"].expand(2, 3, 6))


def test_feature_pyramid_is_torchvisions(tmp_path: Path) -> None:
    theirs = pytest.importorskip("torchvision.ops").FeaturePyramidNetwork([4, 6, 8, 10], 12)
    text = """
        use std.pyramid: fpn
        net f on a[N, 4, 32, 24], b[N, 6, 16, 12], c[N, 8, 8, 6], d[N, 10, 4, 3] -> p2, p3, p4, p5:
            p2, p3, p4, p5 = (a, b, c, d) -> fpn(12) as top
        """
    mine = network(text, tmp_path)
    names = {
        f"{kind}_blocks.{i}.0.{end}": f"top.{kind}{i + 2}.{end}"
        for kind in ("inner", "layer")
        for i in range(4)
        for end in ("weight", "bias")
    }
    state = mine.state_dict()
    theirs.load_state_dict({key: state[name] for key, name in names.items()})
    maps = [torch.randn(2, n, 32 // 2**i, 24 // 2**i) for i, n in enumerate((4, 6, 8, 10))]
    with torch.no_grad():
        expected = theirs(OrderedDict((str(i), x) for i, x in enumerate(maps)))
        for found, wanted in zip(mine(*maps), expected.values(), strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_blueprint_convolution(tmp_path: Path) -> None:
    """BSConv-U of the authors (github.com/zeiss-microscopy/BSConv): pointwise without a bias, then depthwise."""
    theirs = nn.Sequential(nn.Conv2d(4, 6, 1, bias=False), nn.Conv2d(6, 6, 3, 2, 1, groups=6))
    text = """
        use std.conv: bsconv
        net f on x[N, 4, 9, 9]: bsconv(6, s=2) as unit
        """
    names = {key: f"unit.{key}" for key in theirs.state_dict()}
    agree(network(text, tmp_path), theirs, names, torch.randn(2, 4, 9, 9))
