"""With which weights a network begins by its source: the library that has it, or the paper where none has.

A library's are read off its own constructor. A paper's are written here from what it says; of what it does not speak,
biases and norms too, PyTorch's defaults are held.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from dslc.ir.model import Model, Node
from tests.zoo.laws import Law, Laws, constant, laws, normal, trunc_normal
from tests.zoo.test_timm import RENAMED
from tests.zoo.test_transformers import BERT, GPT2, renamed

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The laws of a library's network by our names; `named` false: in the order of ours. `args` make ours as small."""

    name: str
    theirs: Callable[[], Laws]
    args: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    named: bool = True


def of_timm(model: str, names: Mapping[str, str] | None = None, named: bool = True, **options: object) -> Source:
    def theirs() -> Laws:
        timm = pytest.importorskip("timm")
        found = laws(lambda: timm.create_model(model, **options))
        return {renamed(key, dict(names or {})): law for key, law in found.items()}

    return Source(f"timm {model}", theirs, named=named)


def of_gpt2() -> Laws:
    """Hugging Face leaves what lies on the meta device as it is, so here a small one is drawn."""
    hf = pytest.importorskip("transformers")
    config = hf.GPT2Config(n_layer=3, n_head=4, n_embd=48, vocab_size=64, n_positions=32)
    return {renamed(key, GPT2): law for key, law in laws(lambda: hf.GPT2Model(config), "cpu").items()}


def of_bert() -> Laws:
    """Hugging Face projects queries, keys and values apart, and may have a word that fills texts up."""
    hf = pytest.importorskip("transformers")
    sides = {"hidden_size": 48, "intermediate_size": 4 * 48, "vocab_size": 64, "max_position_embeddings": 32}
    config = hf.BertConfig(num_hidden_layers=2, num_attention_heads=4, pad_token_id=None, **sides)
    found: Laws = {}
    for key, law in laws(lambda: hf.BertModel(config), "cpu").items():
        block, apart, part = renamed(key, BERT).partition(".attention.self.")
        name = f"{block}.attn.qkv.{part.rpartition('.')[2]}" if apart else block
        assert found.setdefault(name, law) == law
    return found


def of_llama() -> Laws:
    hf = pytest.importorskip("transformers")
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    config = hf.LlamaConfig(hidden_size=48, intermediate_size=96, num_hidden_layers=2, vocab_size=64, **heads)
    return laws(lambda: hf.LlamaForCausalLM(config), "cpu")


LLAMA = {"depth": 2, "heads": 4, "groups": 2, "width": 48, "hidden": 96, "vocab": 64}


def of_video() -> Laws:
    return laws(pytest.importorskip("torchvision.models.video").r3d_18)


SMALL = {"heads": 4, "width": 48, "vocab": 64, "context": 32}
WITH_ECA, WITH_CBAM = ({"attn_layer": layer} for layer in ("eca", "cbam"))

LIBRARIES: dict[str, Source] = {
    "se_resnet50": of_timm("seresnet50"),
    "repvgg_a0": of_timm("repvgg_a0"),
    "xception": of_timm("legacy_xception"),
    "ghostnet_100": of_timm("ghostnet_100", RENAMED),
    "deit_tiny": of_timm("deit_tiny_patch16_224"),
    "mixer_s16": of_timm("mixer_s16_224"),
    "resnet18d": of_timm("resnet18d", named=False),
    "resnet50d": of_timm("resnet50d", named=False),
    "eca_resnet18": of_timm("resnet18", named=False, block_args=WITH_ECA),
    "eca_resnet50": of_timm("resnet50", named=False, block_args=WITH_ECA),
    "eca_resnet50d": of_timm("ecaresnet50d", named=False),
    "cbam_resnet18": of_timm("resnet18", named=False, block_args=WITH_CBAM),
    "cbam_resnet50": of_timm("resnet50", named=False, block_args=WITH_CBAM),
    "gpt2": Source("transformers GPT2Model", of_gpt2, {"depth": 3, **SMALL}, {"T": 32}),
    "bert": Source("transformers BertModel", of_bert, {"depth": 2, **SMALL}, {"T": 32}),
    "stories_15m": Source("transformers LlamaForCausalLM", of_llama, LLAMA),
    "r3d_18": Source("torchvision r3d_18", of_video),
}


# ---- papers: the law of a tensor by its name and shape, none: PyTorch's


def fan_in(shape: Shape) -> int:
    return math.prod(shape[1:])


def uniform(end: float) -> Law:
    return Law("uniform", (-end, end))


def glorot(shape: Shape, gain: float = 1.0) -> Law:
    return uniform(gain * math.sqrt(6 / (shape[0] + shape[1]) / math.prod(shape[2:])))


def alexnet(key: str, shape: Shape) -> Law:
    """Section 5: weights of spread 0.01; biases 1 in convolutions 2, 4, 5 and in the hidden layers, else 0."""
    if len(shape) > 1:
        return normal(0, 0.01)
    return constant(key.partition(".")[0] in ("conv2", "conv4", "conv5", "fc6", "fc7"))


def m5(key: str, shape: Shape) -> Law | None:
    """Glorot's, as the paper's details of training say."""
    return glorot(shape) if len(shape) > 1 else None


def autoencoder(key: str, shape: Shape) -> Law | None:
    """Glorot and Bengio 2010: four times as large for logistic units."""
    return glorot(shape, 4) if len(shape) > 1 else None


def dcgan(key: str, shape: Shape) -> Law | None:
    """Section 4: weights of spread 0.02; the factors of norms around 1, as in the authors' code."""
    if len(shape) > 1:
        return normal(0, 0.02)
    return normal(1, 0.02) if key.endswith("weight") else None


def mobilenet_v1(key: str, shape: Shape) -> Law | None:
    """The authors' code, `mobilenet_v1_arg_scope`: truncated at two standard deviations of 0.09."""
    if len(shape) > 1:
        return trunc_normal(0, 0.09, -0.18, 0.18)
    return constant(0) if key == "classifier.bias" else None


def nin(key: str, shape: Shape) -> Law:
    """The authors' model for CIFAR-10."""
    return normal(0, 0.05) if len(shape) > 1 else constant(0)


def unet(key: str, shape: Shape) -> Law | None:
    """Section 3: sqrt(2 / N), N incoming nodes of a neuron; at stride 2 one tap of a 2x2 up-convolution reaches it."""
    if len(shape) < 4:
        return None
    return normal(0, math.sqrt(2 / (shape[0] if key.startswith("up") else fan_in(shape))))


def nothing(key: str, shape: Shape) -> None:
    """PyTorch's throughout."""


PAPERS: dict[str, Callable[[str, Shape], Law | None]] = {
    "alexnet_2gpu": alexnet,
    "m5": m5,
    "m5_speech_commands": m5,
    "autoencoder": autoencoder,
    "dcgan_generator": dcgan,
    "dcgan_discriminator": dcgan,
    "lenet": nothing,  # of today's form, with units that are not the paper's
    "mobilenet_v1": mobilenet_v1,
    "nin": nin,
    "text_lstm": nothing,
    "unet": unet,
}


def of_paper(net: str, model: Model) -> Laws:
    """What a paper says of the tensors of our network."""
    found = {}
    for key, param in model.params.items():
        said = PAPERS[net](key, param.spec.shape) if param.spec.kind == "param" else None
        found[key] = default(key, model) if said is None else said
    return found


def default(key: str, model: Model) -> Law:
    """PyTorch's law of a layer's tensor, as its documentation gives it."""
    layer, _, name = key.rpartition(".")
    owner = model.params[key].owner
    assert isinstance(owner, Node)
    match owner.op.name, name:
        case "bn", ("weight" | "running_var"):
            return constant(1)
        case "bn", _:
            return constant(0)
        case "embedding", _:
            return normal(0, 1)
        case "lstm", _:
            return uniform(1 / math.sqrt(model.params[key].spec.shape[0] / 4))
        case (("conv" | "deconv" | "linear"), _):
            return uniform(1 / math.sqrt(fan_in(model.params[f"{layer}.weight"].spec.shape)))
    raise NotImplementedError(owner.op.name)
