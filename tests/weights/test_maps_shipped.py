"""The maps that come with dslc: timm's and Hugging Face's weights in examples/, with equal outputs."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import dslc
from dslc import output
from dslc.api import compile_model
from dslc.weights import store
from dslc.weights.checkpoint import Checkpoint, read
from dslc.weights.errors import WeightsError
from dslc.weights.init import initial
from dslc.weights.maps.errors import ApartTie, NoMapFits
from dslc.weights.maps.shipped import families, mapped, shipped
from dslc.weights.memory import Array
from dslc.weights.store import fit
from dslc.weights.tensors import Arrays, Tensors, TensorSpec
from tests.zoo.zoo import fill, statistics

timm = pytest.importorskip("timm")
transformers = pytest.importorskip("transformers")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
State = Mapping[str, Tensor]


def arrays(state: State) -> Arrays:
    return Arrays({name: tensor.detach().numpy() for name, tensor in state.items()})


def loaded(file: str, net: str, state: State, wish: str, sizes: dict[str, int] | None = None, **args: Any) -> nn.Module:
    """Our network with the weights of another through a map."""
    module = dslc.load(EXAMPLES / f"{file}.dl", net=net, sizes=sizes, **args)()
    model = compile_model(EXAMPLES / f"{file}.dl", net, sizes=sizes, args=args)
    tensors = mapped(arrays(state), wish, model.params)
    found = fit({name: tensors.read(name) for name in tensors.specs}, model.params)
    module.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in found.items()}, strict=True)
    return module.eval()


def filled(network: nn.Module) -> nn.Module:
    with torch.no_grad():
        fill(dict(network.named_parameters()) | statistics(network))
    return network.eval()


def check_same(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    assert expected.std(0).max() > 1e-3 * expected.abs().max(), "the weights make every sample look the same"
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def images(side: int) -> Tensor:
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(7))


def words(count: int) -> Tensor:
    return torch.randint(count, (2, 12), generator=torch.Generator().manual_seed(7))


VIT: dict[str, int] = {"patch": 8, "depth": 2, "heads": 2, "width": 32, "classes": 10}


def timm_vit() -> nn.Module:
    network: nn.Module = timm.models.vision_transformer.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2, num_classes=10
    )
    return network


def timm_convnext() -> nn.Module:
    network: nn.Module = timm.models.convnext.ConvNeXt(depths=(1, 2, 3, 1), dims=(16, 32, 64, 128), num_classes=10)
    return network


TIMM: dict[str, tuple[Callable[[], nn.Module], str, str, dict[str, Any], int]] = {
    "vit": (timm_vit, "vit", "vit", VIT, 32),
    "convnext": (
        timm_convnext,
        "convnext",
        "convnext",
        {"depths": [1, 2, 3, 1], "width": 16, "drop": 0.1, "classes": 10},
        64,
    ),
    "efficientnet_b0": (lambda: timm.create_model("efficientnet_b0"), "efficientnet", "efficientnet_b0", {}, 64),
    "efficientnet_v2": (
        lambda: timm.create_model("tf_efficientnetv2_s", pad_type=""),
        "efficientnet",
        "efficientnet_v2_s",
        {},
        64,
    ),
    "mobilenet_v3_large": (
        lambda: timm.create_model("mobilenetv3_large_100"),
        "mobilenet_v3",
        "mobilenet_v3_large",
        {"eps": 1e-5},
        64,
    ),
    "mobilenet_v3_small": (
        lambda: timm.create_model("mobilenetv3_small_100"),
        "mobilenet_v3",
        "mobilenet_v3_small",
        {"eps": 1e-5},
        64,
    ),
}


@pytest.mark.parametrize("name", TIMM)
def test_timm(name: str) -> None:
    make, file, net, args, side = TIMM[name]
    torch.manual_seed(5)
    other = filled(make())
    mine = loaded(file, net, other.state_dict(), "timm", {"H": side, "W": side}, **args)
    with torch.no_grad():
        check_same(mine(images(side)), other(images(side)))


@pytest.mark.parametrize(
    ("file", "net", "name"),
    [
        ("mobilenet_v2", "mobilenet_v2", "mobilenetv2_100"),
        ("regnet", "regnet_y_400mf", "regnety_004"),
        ("regnet", "regnet_x_400mf", "regnetx_004_tv"),
        ("ghostnet", "ghostnet_100", "ghostnet_100"),
        ("resnet_d", "resnet50d", "resnet50d"),
    ],
)
def test_more_of_timm(file: str, net: str, name: str) -> None:
    torch.manual_seed(5)
    other = filled(timm.create_model(name))
    mine = loaded(file, net, other.state_dict(), "timm", {"H": 96, "W": 96})
    with torch.no_grad():
        check_same(mine(images(96)), other(images(96)))


def test_torchvisions_vit_in_timms_names() -> None:
    from torchvision.models.vision_transformer import VisionTransformer

    other = filled(VisionTransformer(32, 8, 2, 2, 32, 128, num_classes=10))
    args = {"width": 32, "heads": 2, "depth": 2, "patch": 8, "classes": 10}
    mine = loaded("deit", "deit", other.state_dict(), "torchvision", {"H": 32, "W": 32}, **args)
    with torch.no_grad():
        check_same(mine(images(32)), other(images(32)))


GPT2 = {"vocab_size": 50, "n_positions": 16, "n_embd": 32, "n_layer": 2, "n_head": 2}


@pytest.mark.parametrize("head", [True, False])
def test_gpt2(head: bool) -> None:
    """With its head, which must be a copy of the table of words, and as the model alone with masks, as on the hub."""
    other = filled(transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2)))
    state = other.state_dict()
    if not head:
        del state["lm_head.weight"]
        state = {name.removeprefix("transformer."): tensor for name, tensor in state.items()}
        state |= {f"h.{i}.attn.bias": torch.ones(1, 1, 16, 16).tril() for i in range(2)}
    mine = loaded("gpt2", "gpt2", state, "hf", {"T": 12}, depth=2, heads=2, width=32, vocab=50, context=16)
    with torch.no_grad():
        check_same(mine(words(50)), other(words(50)).logits)


def test_a_head_that_was_trained_apart_is_not_dropped() -> None:
    state = dict(transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2)).state_dict())
    state["lm_head.weight"] = state["lm_head.weight"] + 1
    with pytest.raises(WeightsError) as error:
        loaded("gpt2", "gpt2", state, "hf", {"T": 12}, depth=2, heads=2, width=32, vocab=50, context=16)
    assert error.value.mistakes == (ApartTie("lm_head.weight", "transformer.wte.weight"),)


BERT = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 128,
    "max_position_embeddings": 16,
}


@pytest.mark.parametrize("kind", ["model", "pretraining", "old"])
def test_bert(kind: str) -> None:
    """The model alone; with its heads, which are dropped; with the names of TensorFlow's norms."""
    whole = filled(transformers.BertForPreTraining(transformers.BertConfig(**BERT)))
    other: Any = whole.bert
    state: dict[str, Tensor] = dict((other if kind == "model" else whole).state_dict())
    if kind == "old":
        state = {n.replace("LayerNorm.weight", "LayerNorm.gamma"): t for n, t in state.items()}
        state = {n.replace("LayerNorm.bias", "LayerNorm.beta"): t for n, t in state.items()}
        state["bert.embeddings.position_ids"] = torch.arange(16)[None]
    mine = loaded("bert", "bert", state, "hf", {"T": 12}, depth=2, heads=2, width=32, vocab=50, context=16)
    segments = (torch.arange(12) > torch.tensor([[5], [8]])).long()
    mask = torch.arange(12) < torch.tensor([[12], [9]])
    with torch.no_grad():
        hidden, pooled = mine(words(50), segments, mask)
        expected = other(words(50), attention_mask=mask.long(), token_type_ids=segments)
    check_same(hidden[mask], expected.last_hidden_state[mask])
    check_same(pooled, expected.pooler_output)


NEW_VIT = {
    "vit.layers.": "vit.encoder.layer.",
    "attention.q_proj": "attention.attention.query",
    "attention.k_proj": "attention.attention.key",
    "attention.v_proj": "attention.attention.value",
    "attention.o_proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}
"""Names that files on the hub have, by those of the modules of transformers 5."""


@pytest.mark.parametrize("files", [True, False])
def test_hugging_faces_vit(files: bool) -> None:
    config = transformers.ViTConfig(
        image_size=32,
        patch_size=8,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        num_labels=10,
    )
    other = filled(transformers.ViTForImageClassification(config))
    state: dict[str, Tensor] = dict(other.state_dict())
    for new, old in NEW_VIT.items():
        old, new = (old, new) if files else (new, old)
        state = {name.replace(new, old): tensor for name, tensor in state.items()}
    mine = loaded("vit", "vit", state, "hf", {"H": 32, "W": 32}, eps=1e-12, **VIT)
    with torch.no_grad():
        check_same(mine(images(32)), other(images(32)).logits)


@pytest.mark.parametrize(("layer", "net"), [("basic", "resnet18"), ("bottleneck", "resnet50")])
def test_hugging_faces_resnet(layer: str, net: str) -> None:
    depths = [2, 2, 2, 2] if layer == "basic" else [3, 4, 6, 3]
    sizes = [64, 128, 256, 512] if layer == "basic" else [256, 512, 1024, 2048]
    config = transformers.ResNetConfig(layer_type=layer, depths=depths, hidden_sizes=sizes, num_labels=1000)
    torch.manual_seed(6)
    other = filled(transformers.ResNetForImageClassification(config))
    mine = loaded("resnet", net, other.state_dict(), "hf", {"H": 64, "W": 64})
    with torch.no_grad():
        check_same(mine(images(64)), other(images(64)).logits)


@pytest.mark.parametrize("tied", [True, False])
def test_llama(tied: bool) -> None:
    """Files of small ones hold the one table for reading and writing words once."""
    config = transformers.LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
    )
    other = filled(transformers.LlamaForCausalLM(config))
    state: dict[str, Tensor] = dict(other.state_dict())
    if tied:
        del state["lm_head.weight"]
    args = {"depth": 2, "heads": 4, "groups": 2, "width": 32, "hidden": 48, "vocab": 50, "eps": 1e-6}
    mine = loaded("llama", "llama", state, "hf", {"T": 12}, **args)
    with torch.no_grad():
        check_same(mine(words(50)), other(words(50)).logits)


class Shapes(Tensors):
    """Names, shapes and types of a module that has no numbers."""

    def __init__(self, module: nn.Module) -> None:
        state = {name: (tuple(t.shape), t.dtype) for name, t in module.state_dict().items()}
        self.specs = {
            n: TensorSpec(s, torch.empty(0, dtype=d, device="cpu").numpy().dtype) for n, (s, d) in state.items()
        }


WHOLE = [
    ("vit", "vit_l_16", "timm", "vit_large_patch16_224"),
    ("vit", "vit_b_32", "timm", "vit_base_patch32_224"),
    ("deit", "deit_small", "timm", "deit_small_patch16_224"),
    ("convnext", "convnext_base", "timm", "convnext_base"),
    ("efficientnet", "efficientnet_b4", "timm", "efficientnet_b4"),
    ("efficientnet", "efficientnet_b7", "timm", "tf_efficientnet_b7"),
    ("efficientnet", "efficientnet_v2_l", "timm", "tf_efficientnetv2_l"),
    ("resnet", "resnet50", "timm", "resnet50"),
    ("vgg", "vgg16_bn", "timm", "vgg16_bn"),
    ("regnet", "regnet_y_16gf", "timm", "regnety_160"),
    ("gpt2", "gpt2_xl", "hf", {"n_layer": 48, "n_embd": 1600, "n_head": 25}),
    (
        "bert",
        "bert_large",
        "hf",
        {"num_hidden_layers": 24, "hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096},
    ),
]


@pytest.mark.parametrize(("file", "net", "wish", "other"), WHOLE, ids=[row[1] for row in WHOLE])
def test_every_tensor_of_published_sizes_has_its_place(file: str, net: str, wish: str, other: Any) -> None:
    with torch.device("meta"):
        if wish == "timm":
            module = timm.create_model(other)
        elif file == "gpt2":
            module = transformers.GPT2LMHeadModel(transformers.GPT2Config(**other))
        else:
            module = transformers.BertModel(transformers.BertConfig(**other))
    params = compile_model(EXAMPLES / f"{file}.dl", net=net).params
    tensors = mapped(Shapes(module), wish, params)
    assert {name: spec.shape for name, spec in tensors.specs.items()} == {
        name: param.spec.shape for name, param in params.items()
    }


def test_another_number_beside_the_variance_is_told() -> None:
    with torch.device("meta"):
        shapes = Shapes(timm.create_model("mobilenetv3_small_100"))
    path = EXAMPLES / "mobilenet_v3.dl"
    (told,) = mapped(shapes, "timm", compile_model(path, net="mobilenet_v3_small").params).notes[1:]
    assert told.startswith("norms of the network have eps=0.001, those of `timm/mobilenet_v3` eps=1e-05")
    same = compile_model(path, net="mobilenet_v3_small", args={"eps": 1e-5})
    assert mapped(shapes, "timm", same.params).notes == ("the map `timm/mobilenet_v3` gives 244 tensors",)


def test_weights_of_another_network_have_no_map() -> None:
    params = compile_model(EXAMPLES / "vit.dl", net="vit_b_16").params
    with torch.device("meta"), pytest.raises(WeightsError) as error:
        mapped(Shapes(timm.create_model("convnext_tiny")), "timm", params)
    (mistake,) = error.value.mistakes
    assert isinstance(mistake, NoMapFits) and mistake.total == 152 and not mistake.fit
    assert {name for name, _ in mistake.tried} == set(families()["timm"])


@pytest.mark.parametrize("name", [name for maps in families().values() for name in maps])
def test_every_map_says_what_it_is_for_and_is_listed(name: str) -> None:
    found = shipped(name)
    (program,) = re.findall(r"to examples/(\w+)\.dl", found.source.text.replace("\n# ", " "))
    assert found.rules and (EXAMPLES / f"{program}.dl").exists()
    rows = (EXAMPLES.parent / "docs" / "weights.md").read_text(encoding="utf-8").splitlines()
    family = name.partition("/")[0]
    assert any(row.startswith(f"| `{family}` |") and f"`{program}`" in row for row in rows)


def test_joined_tensors_need_no_memory_beside_the_networks(tmp_path: Path) -> None:
    """Read from a file through a map that joins a fifth of it; the bound of the whole is 1.2 of its size."""
    args: dict[str, Any] = {"patch": 16, "depth": 6, "heads": 4, "width": 256}
    params = compile_model(EXAMPLES / "vit.dl", "vit", args=args).params
    state: dict[str, Array] = {}
    for name, array in initial(params, 0).items():
        for new, old in HF_VIT.items():
            name = name.replace(new, old)
        if "in_proj_" in name:
            parts = zip(("query", "key", "value"), np.split(array, 3), strict=True)
            state |= {name.replace("in_proj_", f"attention.attention.{part}."): own for part, own in parts}
        else:
            state[name] = array
    output.write_all([store.output(tmp_path / "vit.safetensors", state)])
    given = Checkpoint(tmp_path / "vit.safetensors", map="hf")
    tracemalloc.start()
    try:
        taken = read(given, params)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    size = sum(array.nbytes for array in taken.state.values())
    assert size > 20_000_000 and peak < 1.1 * size
    assert all(np.array_equal(taken.state[name], array) for name, array in initial(params, 0).items())


HF_VIT = {
    "class_token": "vit.embeddings.cls_token",
    "encoder.pos_embedding": "vit.embeddings.position_embeddings",
    "conv_proj.": "vit.embeddings.patch_embeddings.projection.",
    "encoder.layers.encoder_layer_": "vit.encoder.layer.",
    "encoder.ln.": "vit.layernorm.",
    "heads.head.": "classifier.",
    ".ln_1.": ".layernorm_before.",
    ".ln_2.": ".layernorm_after.",
    ".self_attention.out_proj.": ".attention.output.dense.",
    ".self_attention.in_proj_": ".in_proj_",
    ".mlp.0.": ".intermediate.dense.",
    ".mlp.3.": ".output.dense.",
}
"""Hugging Face's names of our ViT's."""
