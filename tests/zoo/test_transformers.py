"""Transformers of papers against timm's and Hugging Face's modules: the same outputs from the same random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

import dslc
from dslc.analysis.cost import costs
from dslc.api import compile_model
from dslc.cli.main import main
from dslc.ir.walk import flatten

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def scattered(network: nn.Module) -> nn.Module:
    """The network in evaluation, with biases and norms that are not 0 and 1, and no matrix of zeros (timm's heads)."""
    random = torch.Generator().manual_seed(2017)
    with torch.no_grad():
        for tensor in network.parameters():
            if tensor.ndim == 1 or not tensor.any():
                tensor.add_(torch.empty_like(tensor).normal_(0, 0.1, generator=random))
    return network.eval()


def check_same(found: Tensor, expected: Tensor) -> None:
    assert expected.std(0).max() > 1e-3 * expected.abs().max(), "the weights make every sample look the same"
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def count(file: str, net: str) -> int:
    model = compile_model(EXAMPLES / file, net=net)
    return costs(model, flatten(model)).count.params


@pytest.mark.parametrize(
    ("file", "net", "name"),
    [("deit.dl", "deit_tiny", "deit_tiny_patch16_224"), ("mlp_mixer.dl", "mixer_s16", "mixer_s16_224")],
)
def test_timm(file: str, net: str, name: str) -> None:
    """The names too are timm's."""
    timm = pytest.importorskip("timm")
    torch.manual_seed(12)
    other = scattered(timm.create_model(name))
    mine = dslc.load(EXAMPLES / file, net=net)().eval()
    mine.load_state_dict(other.state_dict(), strict=True)
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        check_same(mine(images), other(images))


@pytest.mark.parametrize(
    ("file", "net", "params"),
    [
        # arXiv:2012.12877, table 1: 5 M, 22 M, 86 M; timm's counts.
        ("deit.dl", "deit_tiny", 5_717_416),
        ("deit.dl", "deit_small", 22_050_664),
        ("deit.dl", "deit_base", 86_567_656),
        # arXiv:2105.01601, table 1: 18 M, 59 M, 207 M with heads; timm's counts.
        ("mlp_mixer.dl", "mixer_s16", 18_528_264),
        ("mlp_mixer.dl", "mixer_b16", 59_880_472),
        ("mlp_mixer.dl", "mixer_l16", 208_196_168),
        # Hugging Face: gpt2 124 M, gpt2-medium 355 M, gpt2-large 774 M, gpt2-xl 1.5 B; bert 110 M and 335 M.
        ("gpt2.dl", "gpt2", 124_439_808),
        ("gpt2.dl", "gpt2_medium", 354_823_168),
        ("gpt2.dl", "gpt2_large", 774_030_080),
        ("gpt2.dl", "gpt2_xl", 1_557_611_200),
        ("bert.dl", "bert_base", 109_482_240),
        ("bert.dl", "bert_large", 335_141_888),
        # The elements of the published files.
        ("llama.dl", "llama_2_7b", 6_738_415_616),
        ("llama.dl", "llama_2_13b", 13_015_864_320),
        ("llama.dl", "llama_2_70b", 68_976_648_192),
        ("llama.dl", "llama_3_8b", 8_030_261_248),
        ("llama.dl", "llama_3_70b", 70_553_706_496),
        ("llama.dl", "mistral_7b", 7_241_732_096),
        ("llama.dl", "qwen2_7b", 7_615_616_512),
    ],
)
def test_published_sizes(file: str, net: str, params: int) -> None:
    assert count(file, net) == params


GPT2 = {
    "transformer.": "",
    "wpe.weight": "wpe",
    "ln_1": "norm1",
    "ln_2": "norm2",
    "attn.c_attn": "attn.qkv",
    "attn.c_proj": "attn.proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
BERT = {
    "embeddings.word_embeddings": "words",
    "embeddings.position_embeddings.weight": "places",
    "embeddings.token_type_embeddings": "kinds",
    "embeddings.LayerNorm": "norm",
    "encoder.layer.": "layers.",
    "attention.output.dense": "attn.proj",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
    "output.LayerNorm": "norm2",
    "pooler.dense": "pooler",
}


def renamed(key: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        key = key.replace(old, new)
    return key


def test_gpt2() -> None:
    """Hugging Face's layers hold their matrices the other way round, and its positions without the axis of samples."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(2)
    other = scattered(transformers.GPT2LMHeadModel(transformers.GPT2Config()))
    state = {renamed(key, GPT2): tensor for key, tensor in other.state_dict().items() if key != "lm_head.weight"}
    for key, tensor in state.items():
        if key == "wpe":
            state[key] = tensor[None]
        elif key.startswith("h.") and tensor.ndim == 2:
            state[key] = tensor.T
    mine = dslc.load(EXAMPLES / "gpt2.dl", net="gpt2")().eval()
    mine.load_state_dict(state, strict=True)
    ids = torch.randint(50257, (2, 24), generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        check_same(mine(ids), other(ids).logits)


def test_bert() -> None:
    """Hugging Face projects queries, keys and values apart. Of a text that is filled up what stands there is read."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(3)
    other = scattered(transformers.BertModel(transformers.BertConfig()))
    state = {renamed(key, BERT): tensor for key, tensor in other.state_dict().items()}
    state["places"] = state["places"][None]
    for key in [k for k in state if ".attention.self.query." in k]:
        parts = [state.pop(key.replace("query", part)) for part in ("query", "key", "value")]
        state[key.replace("attention.self.query", "attn.qkv")] = torch.cat(parts)
    mine = dslc.load(EXAMPLES / "bert.dl", net="bert_base")().eval()
    mine.load_state_dict(state, strict=True)
    random = torch.Generator().manual_seed(7)
    ids = torch.randint(30522, (3, 24), generator=random)
    segments = (torch.arange(24) > torch.tensor([[9], [12], [30]])).long()
    mask = torch.arange(24) < torch.tensor([[24], [17], [5]])
    with torch.no_grad():
        hidden, pooled = mine(ids, segments, mask)
        expected = other(ids, attention_mask=mask.long(), token_type_ids=segments)
    check_same(hidden[mask], expected.last_hidden_state[mask])
    check_same(pooled, expected.pooler_output)


@pytest.mark.parametrize(("kind", "groups"), [("Llama", 4), ("Llama", 2), ("Mistral", 1), ("Qwen2", 2)])
def test_llama(kind: str, groups: int) -> None:
    """The names too are Hugging Face's."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(4)
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=100,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=groups,
        rms_norm_eps=1e-6,
        head_dim=8,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
    )
    other = scattered(getattr(transformers, f"{kind}ForCausalLM")(config))
    args: dict[str, Any] = {"heads": 4, "groups": groups, "base": 1000.0, "eps": 1e-6, "bias": kind == "Qwen2"}
    args |= {"depth": 2, "width": 32, "hidden": 48, "vocab": 100}
    mine = dslc.load(EXAMPLES / "llama.dl", net="llama", **args)().eval()
    mine.load_state_dict(other.state_dict(), strict=True)
    ids = torch.randint(100, (2, 24), generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        check_same(mine(ids), other(ids).logits)


@pytest.mark.parametrize(
    ("file", "net", "options"),
    [
        ("deit.dl", "deit_tiny", ["--size", "H=96,W=64"]),
        ("mlp_mixer.dl", "mixer_s16", ["--size", "H=96,W=64"]),
        ("gpt2.dl", "gpt2", ["--size", "T=12", "--set", "depth=2", "--dynamic", "N,T"]),
        ("bert.dl", "bert_base", ["--size", "T=12", "--set", "depth=2"]),
        ("llama.dl", "stories_15m", ["--size", "T=12", "--dynamic", "N,T"]),
    ],
)
def test_onnx_at_other_sizes(file: str, net: str, options: list[str], tmp_path: Path) -> None:
    command = ["build", str(EXAMPLES / file), "--net", net, "-o", str(tmp_path), "--check", "parity,onnx,placement"]
    done = CliRunner().invoke(main, [*command, *options])
    assert done.exit_code == 0, done.output
