"""Files of one build are told from those of several, wherever a build was stopped."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors
import safetensors.torch
import torch

from dslc import stamp
from dslc.api import compile_model
from dslc.backends.onnx.file import save
from tests.cli.running import printed, run

PROGRAM = """
net f(width: int = 8) on x[N, 3, 8, 8]:
    conv(width, 3) -> bn -> relu -> gap -> flatten -> linear(3)

net g on x[N, 3, 8, 8]: conv(4, 3) -> gap -> flatten
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.dl"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def built(program: Path, folder: Path, *options: str) -> list[Path]:
    printed("build", program, "--net", "f", "-o", folder, *options)
    return [folder / f"f{kind}" for kind in stamp.KINDS if (folder / f"f{kind}").exists()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("limit", "width", "seed"),
    [(1_000_000, 32, 1), (1000, 32, 0), (1000, 24, 1)],
    ids=["weights inside", "weights beside", "other weights"],
)
def test_a_build_killed_at_any_point(tmp_path: Path, limit: int, width: int, seed: int) -> None:
    """The old files, the new ones, or a mixture that the stamps tell; the next build leaves nothing of it."""
    words = [sys.executable, "-m", "tests.killed", str(tmp_path / "build"), str(limit), str(width), str(seed)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent)
    assert done.returncode == 0, done.stderr
    counts = ast.literal_eval(done.stdout)
    assert set(counts) == {"old", "mixed", "new"}
    assert sum(counts.values()) > 30


def test_one_build(program: Path, tmp_path: Path) -> None:
    files = built(program, tmp_path / "b")
    stamps = [stamp.read(path) for path in files]
    assert stamps[0] == {stamp.BUILD: stamps[1][stamp.BUILD]}
    assert stamps[1] == stamps[2] and set(stamps[1]) == {stamp.BUILD, stamp.WEIGHTS}
    assert stamp.apart(files) == ""
    assert "f.py, f.onnx, f.safetensors: of one build" in run("doctor", tmp_path / "b").stdout


def test_what_others_read(program: Path, tmp_path: Path) -> None:
    """onnx, safetensors and Python's own parser find the stamps where they stand."""
    files = built(program, tmp_path / "b")
    found = stamp.read(files[1])
    metadata = {p.key: p.value for p in onnx.load(files[1]).metadata_props}
    assert {key: metadata[key] for key in found} == found
    with safetensors.safe_open(files[2], "pt") as file:
        assert file.metadata() == {"format": "pt", **found}
    assert f"Build {found[stamp.BUILD]}." in (ast.get_docstring(ast.parse(files[0].read_text("utf-8"))) or "")


def test_the_same_program_gives_the_same_bytes_anywhere(program: Path, tmp_path: Path) -> None:
    other = tmp_path / "deep" / "er"
    other.mkdir(parents=True)
    (other / "program.dl").write_bytes(program.read_bytes())
    first = [path.read_bytes() for path in built(program, tmp_path / "b")]
    second = [path.read_bytes() for path in built(other / "program.dl", other / "c")]
    assert first == second
    assert not any(str(tmp_path).encode() in data for data in first)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ((), ("--set", "width=9"), "program"),
        ((), ("--seed", "1"), "weights"),
        ((), ("--dtype", "float16"), "weights"),
    ],
)
@pytest.mark.parametrize("kept", [".onnx", ".safetensors"])
def test_files_of_two_builds(
    program: Path, tmp_path: Path, first: tuple[str, ...], second: tuple[str, ...], words: str, kept: str
) -> None:
    old = (built(program, tmp_path / "b", *first)[0].with_suffix(kept)).read_bytes()
    files = built(program, tmp_path / "b", *second)
    files[0].with_suffix(kept).write_bytes(old)
    assert f"of different {words}: build again" in stamp.apart(files)
    done = run("doctor", tmp_path / "b")
    assert done.exit_code == 1
    assert re.search(rf"^! .*b/f .*of different {words}", done.stdout, re.MULTILINE)


def test_a_module_of_another_program(program: Path, tmp_path: Path) -> None:
    files = built(program, tmp_path / "b")
    built(program, tmp_path / "b", "--target", "torch", "--set", "width=9")
    assert stamp.apart(files) == "f.py and f.onnx and f.safetensors are of different program: build again"


def test_data_beside_the_graph(program: Path, tmp_path: Path) -> None:
    from dslc.backends.onnx.emit import emit
    from dslc.weights.init import initial

    model = compile_model(program, "f", args={"width": 64})
    for seed in (0, 1):
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        save(emit(model, initial(model.params, seed)), folder / "f.onnx", inline_limit=100)
        assert stamp.apart([folder / "f.onnx", folder / "f.onnx.data"]) == ""
    assert stamp.apart([tmp_path / "0" / "f.onnx", tmp_path / "1" / "f.onnx.data"]).endswith("data: build again")
    onnx.checker.check_model(tmp_path / "0" / "f.onnx", full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "0" / "f.onnx", providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": np.zeros((1, 3, 8, 8), np.float32)})[0].shape == (1, 3)


def test_run_says_where_weights_are_of_another_build(program: Path, tmp_path: Path) -> None:
    files = built(program, tmp_path / "b")
    np.save(tmp_path / "x.npy", np.zeros((1, 3, 8, 8), np.float32))

    def words(path: Path, *options: str) -> str:
        return printed("run", program, "--net", "f", "--input", tmp_path / "x.npy", "--weights", path, *options)

    assert "build" not in words(files[2])
    built(program, tmp_path / "b", "--target", "onnx", "--seed", "1")
    printed("build", program, "--net", "f", "-o", tmp_path / "c")
    (tmp_path / "b" / "f.safetensors").write_bytes((tmp_path / "c" / "f.safetensors").read_bytes())
    assert "f.onnx and f.safetensors are of different weights: build again" in words(files[2])
    state = safetensors.torch.load_file(files[2])
    safetensors.torch.save_file({n: t + torch.ones_like(t) for n, t in state.items()}, files[2])
    assert "build" not in words(files[2]), "trained weights bear no stamp"


def test_an_edit_that_changes_nothing_but_words(program: Path, tmp_path: Path) -> None:
    model = compile_model(program, "f")
    program.write_text(PROGRAM.replace(" -> bn", "  # to be normed\n    bn"), encoding="utf-8")
    assert stamp.of_program(compile_model(program, "f")) == stamp.of_program(model)
    assert stamp.of_program(compile_model(program, "f", sizes={})) == stamp.of_program(model)
    assert stamp.of_program(compile_model(program, "g")) != stamp.of_program(model)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            'rearrange("samples (channels places) -> samples channels places", places=8)',
            'rearrange("samples (channels places) -> samples places channels", places=8)',
        ),
        ("linear(8, init=normal(std=0.02))", "linear(8, init=normal(std=0.03))"),
    ],
)
def test_every_value_counts(one: str, other: str) -> None:
    """Long values and the arguments of initialisers too, which a text for people cuts short."""
    stamps = {stamp.of_program(compile_model(f"net f on x[N, 64]: {layer}\n")) for layer in (one, other)}
    assert len(stamps) == 2


def test_the_same_program_has_the_same_stamp() -> None:
    """Layers within lists too, which have no text of their own."""
    text = """
block part(layers: [(int, layer)]):
    for width, act in layers: linear(width) -> act

net f on x[N, 64]: part([(8, relu), (9, silu)])
"""
    assert len({stamp.of_program(compile_model(text)) for _ in range(3)}) == 1
    assert len({stamp.of_program(compile_model(given)) for given in (text, text.replace("silu", "gelu"))}) == 2


@pytest.mark.parametrize("data", [b"", b"\x80" * 40, b"\x72\xff\xff\xff\xff\x0f", b"PK", b'"""x"""'])
@pytest.mark.parametrize("kind", stamp.KINDS)
def test_files_without_a_stamp(tmp_path: Path, kind: str, data: bytes) -> None:
    (tmp_path / f"f{kind}").write_bytes(data)
    assert stamp.read(tmp_path / f"f{kind}") == {}
    assert stamp.builds(tmp_path) == {}
    assert run("doctor", tmp_path).exit_code == 1


def test_a_stamp_is_of_all_tensors() -> None:
    state = {"a": np.zeros((40, 50), np.float32), "b": np.zeros(3, np.float32)}
    digest = stamp.of_weights(state)
    for name, array in state.items():
        for index in (0, array.size - 1):
            other = array.copy()
            other.flat[index] = 1
            assert stamp.of_weights({**state, name: other}) != digest
    assert stamp.of_weights({**state, "a": state["a"].reshape(50, 40)}) != digest
    assert stamp.of_weights({"a": state["a"], "c": state["b"]}) != digest
    assert stamp.of_weights(dict(reversed(state.items()))) == digest


def test_names_that_modules_have(tmp_path: Path) -> None:
    names = [
        "torch",
        "typing",
        "math",
        "json",
        "numpy",
        "onnx",
        "random",
        "types",
        "class",
        "import",
        "None",
        "nul",
        "COM1",
    ]
    taken = [name for name in names if name not in ("class", "import", "None", "nul", "COM1")]
    (tmp_path / "p.dl").write_text("".join(f"net {name} on x[N, 4]: linear(2)\n" for name in taken), encoding="utf-8")
    for name in taken:
        out = printed("build", tmp_path / "p.dl", "--net", name, "-o", tmp_path / "b")
        assert (
            f"{name}_net.py" in out and f"not `{name}.py`: it would be imported in place of the module `{name}`" in out
        )
    assert {path.stem for path in (tmp_path / "b").iterdir()} == {f"{name}_net" for name in taken}
    done = subprocess.run(
        [sys.executable, "-c", "import torch_net; print(sorted(torch_net.Torch().state_dict()))"],
        cwd=tmp_path / "b",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "['linear.bias', 'linear.weight']\n"


@pytest.mark.parametrize("name", ["False", "class", "lambda", "nul", "con"])
def test_names_that_python_or_windows_takes(tmp_path: Path, name: str) -> None:
    (tmp_path / "p.dl").write_text(f"net {name} on x[N, 4]: linear(2)\n", encoding="utf-8")
    assert f"not `{name}.py`: it is a " in printed("build", tmp_path / "p.dl", "-o", tmp_path / "b")
    assert {path.stem for path in (tmp_path / "b").iterdir()} == {f"{name}_net"}


def test_everything_that_a_module_may_import_is_reserved() -> None:
    """What lies in `sys.modules` once torch, onnx, onnxruntime and dslc have been used."""
    from dslc.names.reserved import PACKAGES

    text = "import sys, torch, onnx, onnxruntime, safetensors.torch, torch.onnx, torch._dynamo, dslc.cli.main"
    text += "; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    tops = {name for name in done.stdout.split() if not name.startswith("_")} - set(sys.stdlib_module_names)
    assert tops - PACKAGES <= {"cython_runtime"}, tops - PACKAGES


def test_the_package_of_an_extern_block_is_not_shadowed(tmp_path: Path) -> None:
    text = 'extern block e on x[N, C] -> [N, C] = "mine.layers:E"\nnet mine on x[N, 4]: linear(2) -> e\n'
    (tmp_path / "p.dl").write_text(text, encoding="utf-8")
    out = printed("build", tmp_path / "p.dl", "-o", tmp_path / "b", "--target", "torch", "--allow-extern", "mine")
    assert "mine_net.py" in out


def test_nets_that_differ_in_case(tmp_path: Path) -> None:
    text = "net A on x[N, 4]: linear(2)\nnet a on x[N, 4]: linear(3)\n"
    (tmp_path / "p.dl").write_text(text, encoding="utf-8")
    printed("build", tmp_path / "p.dl", "--net", "A", "-o", tmp_path / "b")
    before = {path: path.read_bytes() for path in (tmp_path / "b").iterdir()}
    done = run("build", tmp_path / "p.dl", "--net", "a", "-o", tmp_path / "b")
    assert done.exit_code == 1
    assert "`A.py` is there, and many disks take both names for one file" in done.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "b").iterdir()} == before
    printed("build", tmp_path / "p.dl", "--net", "A", "-o", tmp_path / "b")
    printed("build", tmp_path / "p.dl", "--net", "a", "-o", tmp_path / "c")


def test_a_graph_of_any_bytes_bears_no_stamp(tmp_path: Path) -> None:
    """A length that no file can be moved by, and one that leads behind the end."""
    for content in (b"\x0a" + b"\xff" * 9 + b"\x01", b"\x0a\x7f", b"\x0b", b"", b"\xff" * 40):
        (tmp_path / "x.onnx").write_bytes(content)
        assert stamp.read(tmp_path / "x.onnx") == {}
