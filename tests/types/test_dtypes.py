"""Element types as users write them: names of the language, of torch and numpy, and their objects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

import dslc
from dslc.api import compile_model
from dslc.cli.main import main
from dslc.types.dtypes import element_type, float_type, rate_type
from dslc.types.tensor import DType

ROOT = Path(__file__).resolve().parents[2]


def invoke(*args: str) -> Result:
    return CliRunner().invoke(main, args, prog_name="dslc")


WRITTEN: dict[DType, tuple[object, ...]] = {
    DType.FLOAT32: ("float32", "fp32", "f32", "single", "torch.float32", torch.float32, torch.float, np.float32),
    DType.FLOAT16: (
        "float16",
        "fp16",
        "FP16",
        "half",
        " torch.half",
        torch.float16,
        torch.half,
        np.half,
        DType.FLOAT16,
    ),
    DType.BFLOAT16: ("bfloat16", "bf16", "BF16", torch.bfloat16, ml_dtypes.bfloat16, np.dtype(ml_dtypes.bfloat16)),
}
EVERY = [(kind, written) for kind, all_ways in WRITTEN.items() for written in all_ways]


@pytest.mark.parametrize(("kind", "written"), EVERY, ids=str)
def test_every_way_to_write_a_float_type(kind: DType, written: object) -> None:
    assert float_type(written) is kind  # type: ignore[arg-type]
    assert rate_type(written) == {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}[kind.value]  # type: ignore[arg-type]


def test_none_leaves_it_to_the_network() -> None:
    assert float_type(None) is None and float_type(DType.FLOAT) is None


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("flaot16", "there is no element type `flaot16`: did you mean `float16`?"),
        ("float", "`float` is the network's own type: leave the dtype out, or give one of float32 (fp32), "),
        (torch.float64, "a network's floats cannot be `float64`: "),
        (np.float64, "a network's floats cannot be `float64`: "),
        (torch.int8, "a network's floats cannot be `int8`: they are one of float32 (fp32), float16 (fp16, half), bf"),
        ("int64", "a network's floats cannot be `int64`: "),
        ("q4_0", "there is no element type `q4_0`: they are one of "),
        ("", "there is no element type ``: "),
    ],
    ids=str,
)
def test_another_element_type(written: object, words: str) -> None:
    with pytest.raises(ValueError) as error:
        float_type(written)  # type: ignore[arg-type]
    assert str(error.value).startswith(words)


@pytest.mark.parametrize(
    "written", [10, float, torch.zeros(2), b"float16", ["float16"], object()], ids=lambda w: type(w).__name__
)
def test_what_is_no_element_type(written: object) -> None:
    with pytest.raises(TypeError, match=r'^a dtype is a name such as "float16", or one of torch\'s or numpy\'s, not'):
        float_type(written)  # type: ignore[arg-type]


def test_torch_and_numpy_are_imported_for_none_of_it() -> None:
    ask = "from dslc.types.dtypes import float_type; float_type('half')"
    code = f"import sys; {ask}; print(*{{'torch', 'numpy'}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "\n"


# ---- where they are taken


@pytest.mark.parametrize("word", ["fp16", "half", "float16", "FP16", "torch.float16"])
def test_on_the_command_line(word: str, tmp_path: Path) -> None:
    (tmp_path / "net.dl").write_text("net f on x[N, 3]:\n    linear(2)\n    it * 1e6\n")
    assert "1e6" in invoke("check", str(tmp_path / "net.dl"), "--dtype", word).stderr
    said = invoke("stats", str(tmp_path / "net.dl"), "--device", "H200", "--dtype", word).stdout
    assert "on NVIDIA H200 SXM, 141 GB, fp16, batch 1" in said


def test_a_wrong_one_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "net.dl").write_text("net f on x[N, 3]:\n    linear(2)\n")
    for command in ("check", "build", "run"):
        done = invoke(command, str(tmp_path / "net.dl"), "--dtype", "flaot16")
        assert done.exit_code == 2 and "did you mean `float16`?" in done.stderr
    done = invoke("stats", str(tmp_path / "net.dl"), "--device", "H200", "--dtype", "fp46")
    assert done.exit_code == 2 and "fp46" in done.stderr


@pytest.mark.parametrize("given", ["float16", "fp16", torch.float16, np.float16, DType.FLOAT16], ids=str)
def test_as_an_argument_of_a_net(given: object) -> None:
    text = "net f(kind{}) on x[N, 3] -> y:\n    y = linear(2) -> cast(kind)\n"
    for declared in (": dtype", " = float32", ": dtype = bfloat16"):
        model = compile_model(text.format(declared), args={"kind": given})
        assert model.root.outputs[0].type.dtype is DType.FLOAT16
    assert element_type(given) is DType.FLOAT16


def test_a_word_stays_a_word_where_no_type_is_asked_for() -> None:
    text = 'net f(kind: str = "fp16") on x[N, 3]:\n    linear(2 if kind == "half" else 3)\n'
    assert compile_model(text, args={"kind": "half"}).params["linear.weight"].spec.shape == (2, 3)


# ---- other arguments


def test_numbers_of_numpy_and_torch_are_numbers() -> None:
    text = (
        "net f(c: int = 4, p: float = 0, yes: bool = false) on x[N, H=3]:\n    linear(c if yes else 1) -> dropout(p)\n"
    )
    for whole, part, yes in (
        (np.int64(5), np.float32(0.5), np.bool_(True)),
        (torch.tensor(5), torch.tensor(0.5), True),
    ):
        model = compile_model(text, args={"c": whole, "p": part, "yes": yes}, sizes={"H": np.int64(7)})  # type: ignore[dict-item]
        assert model.params["linear.weight"].spec.shape == (5, 7)
    many = "net f(c = [4, 5]) on x[N, 3]:\n    linear(c[0]) -> linear(c[-1])\n"
    for given in ([6, 7], (6, 7), np.array([6, 7]), torch.Size((6, 7)), torch.tensor([6, 7]), range(6, 8)):
        assert compile_model(many, args={"c": given}).root.outputs[0].type.dims[1] == 7


def test_what_is_no_value_of_a_program() -> None:
    text = "net f(c: int = 4) on x[N, H=3]:\n    linear(c)\n"
    with pytest.raises(
        TypeError, match=r"^`c`: <object object at 0x[0-9a-f]+> is no value of a program: those are numb"
    ):
        compile_model(text, args={"c": object()})
    for sizes in ({"H": "3"}, {"H": 3.5}, {"H": True}):
        with pytest.raises(TypeError, match=r"^the size `H` is a whole number, not "):
            compile_model(text, sizes=sizes)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r'^`sizes` are numbers by name, such as \{"H": 384\}, not \[3\]'):
        dslc.compile(text, sizes=[3])  # type: ignore[arg-type]
