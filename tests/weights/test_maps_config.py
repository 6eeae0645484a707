"""The `config.json` beside weights is held to what a map knows of their networks, and to the net's arguments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.numpy import save_file

from dslc.api import compile_model
from dslc.weights.checkpoint import Checkpoint, read
from dslc.weights.errors import WeightsError
from dslc.weights.init import initial
from tests.zoo.zoo import EXAMPLES

NET = """
net f(heads: int = 2, eps: float = 1e-5) on x[N, 4]:
    linear(4) as fc
"""
MAP = """
config act silu gelu
config turns null
config places.kind default
config n_head = heads
config norm_eps = eps
config depth = layers
a.{p} -> fc.{p}
"""


def wrong(folder: Path, said: object, **args: Any) -> list[str]:
    """What is said of weights beside a `config.json`."""
    params = compile_model(NET, args=args).params
    save_file({name.replace("fc", "a"): array for name, array in initial(params).items()}, folder / "w.safetensors")
    (folder / "f.map").write_text(MAP)
    (folder / "config.json").write_text(said if isinstance(said, str) else json.dumps(said))
    given = Checkpoint(folder / "w.safetensors", map=str(folder / "f.map"))
    try:
        assert list(read(given, params).state) == ["fc.weight", "fc.bias"]
    except WeightsError as error:
        assert {mistake.code for mistake in error.mistakes} == {"E0677"}
        return [mistake.message for mistake in error.mistakes]
    return []


def test_what_is_not_said_is_not_asked(tmp_path: Path) -> None:
    for said in ("{", "[" * 100_000, "[1]", {}, {"other": 1, "n_head": None, "places": 3, "depth": 12}):
        assert wrong(tmp_path, said) == []
    assert wrong(tmp_path, {"act": "gelu", "turns": None, "n_head": 2, "norm_eps": 1e-05}) == []
    assert wrong(tmp_path, {"n_head": 4, "norm_eps": 1e-6}, heads=4, eps=1e-6) == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"act": "relu"}, "`act` is relu in the config.json beside the weights, and the map `{}` is of networks with "),
        ({"turns": {"factor": 2.0}}, '`turns` is {"factor": 2.0} in'),
        ({"places": {"kind": "long"}}, "`places.kind` is long in"),
        ({"n_head": 4}, "`n_head` is 4 in the config.json beside the weights, and `heads` of the network is 2"),
        ({"norm_eps": 1e-6}, "`norm_eps` is 1e-06 in the config.json beside the weights, and `eps` of the network is "),
    ],
)  # fmt: skip
def test_another_network_is_refused(said: object, words: str, tmp_path: Path) -> None:
    (message,) = wrong(tmp_path, said)
    assert message.startswith(words.replace("{}", str(tmp_path / "f.map")))


def test_all_that_differs_is_said_at_once(tmp_path: Path) -> None:
    assert len(wrong(tmp_path, {"act": "relu", "n_head": 4, "norm_eps": 1e-6})) == 3


def test_llama_of_other_heads_base_or_kind(tmp_path: Path) -> None:
    """Folders that transformers writes: what differs in what no shape shows is refused."""
    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "vocab_size": 50,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": False,
    }
    transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes)).save_pretrained(tmp_path)
    args = {"depth": 1, "heads": 4, "groups": 4, "width": 32, "hidden": 48, "vocab": 50, "eps": 1e-6}

    def taken(**others: object) -> None:
        params = compile_model(EXAMPLES / "llama.dl", "llama", args=args | others).params
        state = read(Checkpoint(tmp_path, map="hf"), params).state
        assert torch.from_numpy(state["model.norm.weight"]).eq(1).all()

    taken()
    for others, name in (({"heads": 8, "groups": 8}, "heads"), ({"base": 500000.0}, "base"), ({"eps": 1e-5}, "eps")):
        with pytest.raises(WeightsError, match=f"`{name}` of the network") as caught:
            taken(**others)
        assert f"--set {name}=" in str(caught.value)
    said = json.loads((tmp_path / "config.json").read_text())
    for change in ({"model_type": "gemma"}, {"rope_parameters": {"rope_type": "llama3"}}, {"hidden_act": "gelu"}):
        (tmp_path / "config.json").write_text(json.dumps(said | change))
        with pytest.raises(WeightsError, match="is of networks with"):
            taken()
