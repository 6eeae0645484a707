"""`--map` and `--adapt` of `dslc build`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result

from dslc import output
from dslc.api import compile_model
from dslc.cli.main import main
from dslc.weights import store
from dslc.weights.init import initial
from dslc.weights.memory import Array

VIT = Path(__file__).resolve().parents[2] / "examples" / "vit.dl"
ARGS: dict[str, object] = {"patch": 8, "depth": 2, "heads": 2, "width": 16, "classes": 5}
SIZES = {"H": 32, "W": 32}
TIMM = {
    "class_token": "cls_token",
    "encoder.pos_embedding": "pos_embed",
    "conv_proj.": "patch_embed.proj.",
    "encoder.layers.encoder_layer_": "blocks.",
    "encoder.ln.": "norm.",
    "heads.head.": "head.",
    ".ln_": ".norm",
    ".self_attention.in_proj_": ".attn.qkv.",
    ".self_attention.out_proj.": ".attn.proj.",
    ".mlp.0.": ".mlp.fc1.",
    ".mlp.3.": ".mlp.fc2.",
}


def timms(name: str) -> str:
    for ours, theirs in TIMM.items():
        name = name.replace(ours, theirs)
    return name


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A small ViT in timm's names."""
    model = compile_model(VIT, "vit", args=ARGS, sizes=SIZES)
    state: dict[str, Array] = {timms(name): array for name, array in initial(model.params, 3).items()}
    path = tmp_path / "timm.safetensors"
    output.write_all([store.output(path, state)])
    return path


def build(folder: Path, *options: str, **args: object) -> Result:
    sets = [part for name, value in (ARGS | args).items() for part in ("--set", f"{name}={value}")]
    size = [] if "--size" in options else ["--size", "H=32,W=32"]
    target = ["--target", "onnx", "-o", str(folder)]
    return CliRunner().invoke(main, ["build", str(VIT), "--net", "vit", *sets, *size, *target, *options])


def test_a_family(tmp_path: Path, weights: Path) -> None:
    done = build(tmp_path, "--weights", str(weights), "--map", "timm")
    assert done.exit_code == 0, done.output
    assert "weights: the map `timm/vit` gives 32 tensors\n" in done.output
    held = {i.name: onnx.numpy_helper.to_array(i) for i in onnx.load(str(tmp_path / "vit.onnx")).graph.initializer}
    model = compile_model(VIT, "vit", args=ARGS, sizes=SIZES)
    expected = initial(model.params, 3)
    assert np.array_equal(held["conv_proj.weight"], expected["conv_proj.weight"])


def test_another_grid_and_other_classes(tmp_path: Path, weights: Path) -> None:
    options = ["--weights", str(weights), "--map", "timm", "--adapt", "positions", "--skip", "heads"]
    done = build(tmp_path, *options, "--size", "H=48,W=64", classes=7)
    assert done.exit_code == 0, done.output
    words = "`encoder.pos_embedding`: positions of 4 x 4 are resampled to 6 x 8, 1 token before them kept"
    assert f"weights: {words}\n" in done.output


def test_nothing_is_adapted_without_a_wish(tmp_path: Path, weights: Path) -> None:
    done = build(tmp_path, "--weights", str(weights), "--map", "timm", "--size", "H=48,W=64")
    assert done.exit_code == 1 and not [*tmp_path.glob("*.onnx")]
    assert "error[E0613]: `encoder.pos_embedding` is [1, 49, 16] in the network and [1, 17, 16]" in done.output
    assert "help: `--adapt positions` brings it to the network's size" in done.output


def test_a_map_that_cannot_be_read_shows_its_line(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "own.map"
    path.write_text("cls_token -> class_token\nnorm.{p} -> encoder.ln.{q}\n", encoding="utf-8")
    done = build(tmp_path, "--weights", str(weights), "--map", str(path))
    assert done.exit_code == 1
    assert "error[E0670]: `{q}` is not on the left of the arrow" in done.output
    assert ":2:13\n" in done.output


def test_a_map_that_loses_tensors_writes_nothing(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "own.map"
    path.write_text("cls_token -> class_token\nother -> encoder.ln.weight\n", encoding="utf-8")
    done = build(tmp_path, "--weights", str(weights), "--map", str(path))
    assert done.exit_code == 1 and not [*tmp_path.glob("*.onnx")]
    assert "error[E0674]: the map `" in done.output
    assert (
        "  neither mapped nor dropped, 31:\n" in done.output
        and "    line 2: other -> encoder.ln.weight\n" in done.output
    )


@pytest.mark.parametrize("option", [["--map", "timm"], ["--adapt", "channels"]])
def test_options_that_need_weights(tmp_path: Path, option: list[str]) -> None:
    done = build(tmp_path, *option)
    assert done.exit_code == 2 and f"`{option[0]}` needs `--weights`" in done.output


def match(*args: str) -> Result:
    sets = [part for name, value in ARGS.items() for part in ("--set", f"{name}={value}")]
    return CliRunner().invoke(main, ["weights", "match", *args, "--net", "vit", *sets, "--size", "H=32,W=32"])


def test_a_proposal_is_a_map(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "own.map"
    done = match(str(weights), str(VIT), "-o", str(path))
    assert (done.exit_code, done.output) == (0, f"{path}  32 of 32 tensors\n")
    text = path.read_text(encoding="utf-8")
    assert match(str(weights), str(VIT)).output == text and text.startswith("# From timm.safetensors to vit.\n")
    built = build(tmp_path, "--weights", str(weights), "--map", str(path))
    assert f"weights: the map `{path}` gives 32 tensors\n" in built.output


def test_a_proposal_that_is_not_decided_is_refused(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "own.map"
    model = compile_model(VIT, "vit", args=ARGS, sizes=SIZES)
    state = {timms(name): array for name, array in initial(model.params, 3).items()}
    state["twin"] = state["cls_token"]
    output.write_all([store.output(weights, state)])
    done = match(str(weights), str(VIT), "-o", str(path))
    assert (done.exit_code, done.output) == (0, f"{path}  31 of 32 tensors, 4 lines to decide\n")
    refused = build(tmp_path, "--weights", str(weights), "--map", str(path))
    assert refused.exit_code == 1 and "error[E0671]: this map has 4 pairs that are not decided" in refused.output
    lines = path.read_text(encoding="utf-8").splitlines()
    decided = [
        line.removeprefix("? ")
        for line in lines
        if line[:1] != "?" or line in (lines[-1], "? cls_token -> class_token")
    ]
    assert "drop twin" in decided
    path.write_text("\n".join(decided), encoding="utf-8")
    built = build(tmp_path, "--weights", str(weights), "--map", str(path))
    assert built.exit_code == 0 and "gives 32 tensors, 1 dropped\n" in built.output


def test_the_file_stands_first(weights: Path) -> None:
    done = match(str(VIT), str(weights))
    assert done.exit_code == 2 and "give the file of weights first" in done.output
