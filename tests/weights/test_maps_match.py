"""Maps that are proposed by structure: what is sure is right, what is not is left to a person."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dslc.api import compile_model
from dslc.diagnostics.model import CompileError
from dslc.source import Source
from dslc.weights.maps.match import kept, match
from dslc.weights.maps.parse import parse
from dslc.weights.maps.plan import plan
from dslc.weights.maps.propose import proposal
from dslc.weights.maps.shipped import shipped
from dslc.weights.tensors import TensorSpec

timm = pytest.importorskip("timm")
transformers = pytest.importorskip("transformers")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Shapes = dict[str, tuple[int, ...]]
Sources = dict[str, tuple[str, ...]]


def vit() -> nn.Module:
    from torchvision.models import vit_b_16

    network: nn.Module = vit_b_16()
    return network


def bert() -> Any:
    return transformers.BertModel(transformers.BertConfig())


def gpt2() -> Any:
    return transformers.GPT2LMHeadModel(transformers.GPT2Config())


def hugging_faces_vit() -> Any:
    return transformers.ViTForImageClassification(transformers.ViTConfig(num_labels=1000))


CASES: dict[str, tuple[str, str, str, Callable[[], Any]]] = {
    "vit": ("vit", "vit_b_16", "timm/vit", lambda: timm.create_model("vit_base_patch16_224")),
    "convnext": ("convnext", "convnext_tiny", "timm/convnext", lambda: timm.create_model("convnext_tiny")),
    "efficientnet": (
        "efficientnet",
        "efficientnet_b0",
        "timm/efficientnet",
        lambda: timm.create_model("efficientnet_b0"),
    ),
    "mobilenet": (
        "mobilenet_v3",
        "mobilenet_v3_large",
        "timm/mobilenet_v3",
        lambda: timm.create_model("mobilenetv3_large_100"),
    ),
    "resnet": ("resnet", "resnet50", "", lambda: timm.create_model("resnet50")),
    "deit": ("deit", "deit_base", "torchvision/deit", vit),
    "bert": ("bert", "bert_base", "hf/bert", bert),
    "gpt2": ("gpt2", "gpt2", "hf/gpt2", gpt2),
    "hugging_faces_vit": ("vit", "vit_b_16", "hf/vit", hugging_faces_vit),
}
OPEN = {("gpt2", False): 13, ("gpt2", True): 13, ("bert", True): 48, ("hugging_faces_vit", True): 48}
"""How many tensors are left to a person, where any are: square matrices that may be turned, and the table that is there
twice; and two norms of one shape in files that are in order of names."""


@cache
def case(name: str) -> tuple[Shapes, Shapes, Sources]:
    """Shapes of the file and of the network, and which tensors go to which."""
    file, net, known, make = CASES[name]
    with torch.device("meta"):
        found = {key: tuple(tensor.shape) for key, tensor in make().state_dict().items()}
    wanted = {key: param.spec.shape for key, param in compile_model(EXAMPLES / f"{file}.dl", net).params.items()}
    if not known:
        return found, wanted, {key: (key,) for key in found}
    done = plan(shipped(known), specs(found), wanted)
    assert done.wrong is None
    return found, wanted, {key: made.sources for key, made in done.made.items()}


def specs(shapes: Shapes) -> dict[str, TensorSpec]:
    return {name: TensorSpec(shape, np.dtype(np.float32)) for name, shape in shapes.items()}


def given(text: str, found: Shapes, wanted: Shapes) -> Sources:
    """What a map makes of tensors."""
    return {
        key: made.sources for key, made in plan(parse(Source("x.map", text), "x"), specs(found), wanted).made.items()
    }


@pytest.mark.parametrize("by_name", [False, True], ids=["in order of layers", "in order of names"])
@pytest.mark.parametrize("name", CASES)
def test_what_is_sure_is_right_and_the_rest_is_among_the_candidates(name: str, by_name: bool) -> None:
    found, wanted, truth = case(name)
    text, matching = proposal(dict(sorted(found.items())) if by_name else found, wanted, name)
    sure = {pair.target: pair.sources for pair in matching.pairs if pair.sure}
    assert sure == {target: truth[target] for target in sure}
    unsure = {(pair.target, pair.sources) for pair in matching.pairs if not pair.sure}
    rest = truth.keys() - sure.keys()
    assert len(rest) == OPEN.get((name, by_name), 0)
    assert all((target, truth[target]) in unsure for target in rest)
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("?"))
    assert given(kept, found, wanted) == sure
    assert len(text.splitlines()) < 85


def test_a_proposal_is_rules_to_read() -> None:
    found, wanted, _ = case("convnext")
    assert proposal(found, wanted, "convnext.pth")[0] == (Path(__file__).parent / "convnext.map").read_text("utf-8")


def test_forms_are_told() -> None:
    found, wanted, _ = case("gpt2")
    lines = proposal(found, wanted, "gpt2")[0].splitlines()
    assert "transformer.wpe.weight -> wpe : reshape" in lines
    assert "transformer.h.{i}.attn.c_attn.weight -> h.{i}.attn.qkv.weight : transpose" in lines
    assert "? transformer.h.{i}.attn.c_proj.weight -> h.{i}.attn.proj.weight" in lines
    assert "? transformer.h.{i}.attn.c_proj.weight -> h.{i}.attn.proj.weight : transpose" in lines
    assert "? transformer.wte.weight -> wte.weight" in lines and "? drop lm_head.weight" in lines


def test_what_is_not_decided_is_not_applied() -> None:
    found, wanted, _ = case("gpt2")
    with pytest.raises(CompileError) as error:
        parse(Source("x.map", proposal(found, wanted, "gpt2")[0]), "x")
    (told,) = error.value.diagnostics
    assert told.code == "E0671" and told.message == "this map has 6 pairs that are not decided: each begins with `?`"


def test_projections_are_joined_and_cut() -> None:
    apart: Shapes = {f"a.{i}.{part}_proj.weight": (4, 4) for i in range(2) for part in "qkv"} | {
        "a.0.x": (7,),
        "a.1.x": (7,),
    }
    joint: Shapes = {f"b.{i}.qkv.weight": (12, 4) for i in range(2)} | {"b.0.y": (7,), "b.1.y": (7,)}
    text, matching = proposal(apart, joint, "")
    assert matching.sources == matching.targets == [] and given(text, apart, joint)["b.1.qkv.weight"] == (
        "a.1.q_proj.weight",
        "a.1.k_proj.weight",
        "a.1.v_proj.weight",
    )
    text, matching = proposal(joint, apart, "")
    made = plan(parse(Source("x.map", text), "x"), specs(joint), apart)
    assert made.wrong is None and made.made["a.1.k_proj.weight"].cut == (4, 8)


def test_the_file_of_another_network_is_not_taken_for_this_ones() -> None:
    matching = match(case("convnext")[0], case("vit")[1])
    assert not any(pair.sure for pair in matching.pairs) and matching.targets


def test_more_layers_than_the_other_side() -> None:
    found: Shapes = {f"h.{i}.w": (3, 3) for i in range(4)} | {f"h.{i}.b.bias": (3,) for i in range(4)}
    wanted: Shapes = {f"l.{i}.w": (3, 3) for i in range(3)} | {f"l.{i}.b.bias": (3,) for i in range(3)}
    assert not any(pair.sure for pair in match(found, wanted).pairs)


def test_thousands_of_layers_without_numbers_are_not_compared_each_with_each() -> None:
    def words(start: str) -> Shapes:
        letters = "abcdefghijkl"
        return {f"{start}{a}{b}{c}.weight": (8, 8) for a in letters for b in letters for c in letters}

    matching = match(words("x"), words("y"))
    assert not matching.pairs and len(matching.sources) == len(matching.targets) == 12**3


def test_names_that_both_have_stay() -> None:
    layer = {"conv.weight": (8, 8, 3, 3), "norm.bias": (8,)}
    wanted: Shapes = {"stem.weight": (8, 3, 3, 3), "blocks.0.conv.weight": (8, 8, 3, 3)}
    wanted |= {f"blocks.{i}.{name}": shape for i in range(3) for name, shape in layer.items()}
    found = {name.replace("blocks.1.", "blocks.one."): shape for name, shape in wanted.items()}
    pairs = {pair.target: pair for pair in match(found, wanted).pairs}
    assert all(
        pair.sure and pair.sources == (name.replace("blocks.1.", "blocks.one."),) for name, pair in pairs.items()
    )
    assert pairs.keys() == wanted.keys()


def test_names_of_rows_that_begin_elsewhere_do_not_stay() -> None:
    found: Shapes = {f"a.{i + 1}.weight": (4, 4) for i in range(4)} | {"b.weight": (3,), "c.one.weight": (2, 4)}
    wanted: Shapes = {f"a.{i}.weight": (4, 4) for i in range(4)} | {"b.weight": (3,), "c.two.weight": (2, 4)}
    assert kept(found, wanted) == {"b.weight"}
    assert {p.target: p.sources[0] for p in match(found, wanted).pairs if p.sure}["a.0.weight"] == "a.1.weight"
