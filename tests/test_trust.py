"""Code that a program names is imported only where the user named its package, and called only if it is a module."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import dslc
from dslc.diagnostics.model import CompileError, Failure
from tests.cli.running import run

LAYERS = """
from pathlib import Path

from torch import nn

Path(__file__).with_name("imported").touch()


class Scale(nn.Module):
    def __init__(self, by: float = 1.0) -> None:
        super().__init__()
        self.by = by

    def forward(self, x):
        return x * self.by


def launch(**given):
    Path(__file__).with_name("called").touch()


class Plain:
    def __init__(self, **given):
        launch()


number = 3
"""

PROGRAM = """
extern block own(by: float) on x[N, C] -> [N, C] = "{target}"

net f on x[N, 4]:
    linear(4) -> (own(2.0) if training else id) -> linear(2)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of the user's, which tells of its import and of calls."""
    folder = tmp_path / "site" / "userpackage"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "layers.py").write_text(LAYERS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    yield folder
    for name in [n for n in sys.modules if n.partition(".")[0] == "userpackage"]:
        del sys.modules[name]


def program(folder: Path, target: str) -> Path:
    path = folder / "f.dl"
    path.write_text(PROGRAM.format(target=target), encoding="utf-8")
    return path


def told(package: Path) -> set[str]:
    return {p.name for p in package.iterdir()} & {"imported", "called"}


def test_a_shell_command_is_not_run(package: Path, tmp_path: Path) -> None:
    text = """
extern block own(command: str) on x[N, C] -> [N, C] = "os:system"

net f on x[N, 4]:
    linear(4) -> (own("touch hacked") if training else id) -> linear(2)
"""
    path = tmp_path / "f.dl"
    path.write_text(text, encoding="utf-8")
    for allowed, code in (((), "E0656"), (("--allow-extern", "os"), "E0657")):
        done = run("build", path, "--check", "parity", *allowed)
        assert done.exit_code == 1
        assert f"error[{code}]: `os:system` is" in done.stderr
        assert not Path("hacked").exists() and not Path("build").exists()
    for packages in ((), ("userpackage",), ("o",), ("os.path",)):
        with pytest.raises(CompileError, match="code of the package `os`, which you did not name"):
            dslc.load(path, allow_extern=packages)
    with pytest.raises(Failure, match=r"is no class of `torch\.nn\.Module` but of type"):
        dslc.load(path, allow_extern=["os"])
    assert not Path("hacked").exists()


@pytest.mark.parametrize(
    "words",
    [
        "check F",
        "stats F",
        "picture F",
        "fmt --check F",
        "diff F F",
        "convert --fully-convolutional F",
        "build F --target onnx",
        "run F --input x.npy",
        "build F",
        "build F --check parity",
    ],
)
def test_no_command_imports_what_is_not_named(package: Path, tmp_path: Path, words: str) -> None:
    path = program(tmp_path, "userpackage.layers:Scale")
    np.save("x.npy", np.zeros((1, 4), np.float32))
    done = run(*(path if word == "F" else word for word in words.split()))
    refused = words in ("build F", "build F --check parity")
    assert ("E0656" in done.stderr) is refused
    assert (done.exit_code == 1) is (refused or words.startswith(("fmt", "convert"))), done.output
    assert told(package) == set()


def test_a_build_says_what_the_module_imports(package: Path, tmp_path: Path) -> None:
    path = program(tmp_path, "userpackage.layers:Scale")
    done = run("build", path, "--target", "torch", "--allow-extern", "userpackage")
    assert done.exit_code == 0, done.stderr
    assert "lines, imports userpackage.layers:Scale" in done.stdout
    assert told(package) == set(), "writing a module imports nothing"
    text = Path("build/f.py").read_text("utf-8")
    assert "It imports code that dslc did not write: userpackage.layers:Scale." in (
        ast.get_docstring(ast.parse(text)) or ""
    )


def test_a_class_of_a_named_package_is_compared_and_loaded(package: Path, tmp_path: Path) -> None:
    path = program(tmp_path, "userpackage.layers:Scale")
    done = run("build", path, "--check", "parity", "--allow-extern", "userpackage.layers")
    assert done.exit_code == 0, done.stderr
    net = dslc.load(path, allow_extern=["userpackage"])()
    assert dslc.load(path, allow_extern="other, userpackage") is type(net)
    assert type(net.own).__name__ == "Scale"


@pytest.mark.parametrize("name", ["launch", "Plain", "number", "missing"])
def test_only_modules_are_called(package: Path, tmp_path: Path, name: str) -> None:
    path = program(tmp_path, f"userpackage.layers:{name}")
    done = run("build", path, "--check", "parity", "--allow-extern", "userpackage")
    assert done.exit_code == 1
    assert f"error[E0657]: `userpackage.layers:{name}`" in done.stderr
    with pytest.raises(Failure, match="E0657"):
        dslc.load(path, allow_extern=["userpackage"])
    assert told(package) == {"imported"}
    assert not Path("build").exists()


def test_a_package_that_raises_when_it_is_imported(package: Path, tmp_path: Path) -> None:
    (package / "layers.py").write_text("raise RuntimeError('no license')", encoding="utf-8")
    path = program(tmp_path, "userpackage.layers:Scale")
    done = run("build", path, "--check", "parity", "--allow-extern", "userpackage")
    assert "cannot be imported: RuntimeError: no license" in done.stderr


@pytest.mark.parametrize(
    ("allowed", "ok"),
    [
        ("userpackage", True),
        ("userpackage.layers", True),
        ("userpackage.lay", False),
        ("user", False),
        ("other", False),
    ],
)
def test_a_name_stands_for_a_package_and_what_is_below(package: Path, tmp_path: Path, allowed: str, ok: bool) -> None:
    path = program(tmp_path, "userpackage.layers:Scale")
    assert (run("build", path, "--target", "torch", "--allow-extern", allowed).exit_code == 0) is ok


@pytest.mark.parametrize("text", ["", "a b", "os;", "a.", "../a", "a:b"])
def test_an_option_that_names_no_package(package: Path, tmp_path: Path, text: str) -> None:
    path = program(tmp_path, "userpackage.layers:Scale")
    assert run("build", path, "--allow-extern", text).exit_code == 2


# ---- pyproject.toml


SETTINGS = '[tool.dslc]\nextern = ["userpackage"]\n'


def test_the_project_of_the_working_directory_names_packages(package: Path, tmp_path: Path) -> None:
    path = program(tmp_path, "userpackage.layers:Scale")
    Path("pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    assert run("build", path, "--target", "torch").exit_code == 0
    assert dslc.load(path).__name__
    Path("deeper").mkdir()
    os.chdir("deeper")
    assert run("build", path, "--target", "torch").exit_code == 0
    assert run("build", path, "--target", "torch", "--allow-extern", "other").exit_code == 1, "the option stands alone"
    with pytest.raises(CompileError):
        dslc.load(path, allow_extern=[])
    Path("pyproject.toml").write_text("[project]\n", encoding="utf-8")
    assert run("build", path, "--target", "torch").exit_code == 1, "the nearest file counts"


def test_a_program_does_not_bring_its_own_permission(package: Path, tmp_path: Path) -> None:
    """The program's folder holds a pyproject.toml that names the package; the user works elsewhere."""
    path = program(tmp_path, "userpackage.layers:Scale")
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    (stranger / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    path = program(stranger, "userpackage.layers:Scale")
    assert "E0656" in run("build", path, "--check", "parity").stderr
    with pytest.raises(CompileError):
        dslc.load(path)
    assert told(package) == set()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[tool.dslc]\nextern = "userpackage"\n', "is a list of packages"),
        ("[tool.dslc]\nextern = [1]\n", "is a list of packages"),
        ('[tool.dslc]\nextern = ["user package"]\n', "is a list of packages"),
        ("[tool.dslc\n", "cannot be read"),
        ("\xff", "cannot be read"),
    ],
)
def test_settings_that_are_wrong(package: Path, tmp_path: Path, text: str, words: str) -> None:
    path = program(tmp_path, "userpackage.layers:Scale")
    Path("pyproject.toml").write_text(text, encoding="latin-1")
    done = run("build", path, "--target", "torch")
    assert done.exit_code == 1
    assert "error[E0658]: `pyproject.toml`: " in done.stderr and words in done.stderr
    (tmp_path / "plain.dl").write_text("net f on x[N, 4]: linear(2)\n", encoding="utf-8")
    assert run("build", tmp_path / "plain.dl", "--target", "torch").exit_code == 0, "nobody asked for it"


@pytest.mark.parametrize("text", ["[tool.dslc]\n", "[tool]\ndslc = 3\n", "tool = 1\n", ""])
def test_settings_that_say_nothing(package: Path, tmp_path: Path, text: str) -> None:
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    assert "E0656" in run("build", program(tmp_path, "userpackage.layers:Scale")).stderr


# ---- what a target may be


@pytest.mark.parametrize(
    "target",
    [
        "a.b",
        "a:b.c",
        ":b",
        "a:",
        ".a:b",
        "a..b:c",
        "a b:c",
        "import:x",
        "a.class:B",
        "a:None",
        "o{k}s:system",
        "a:b()",
        "a:b\\nc",
    ],
)
def test_a_target_is_a_class_of_a_module(target: str) -> None:
    text = f'extern block e(k: str) on x[N, C] -> [N, C] = "{target}"\nnet f on x[N, 4]: e("") -> linear(2)\n'
    with pytest.raises(CompileError, match=r"E0450.*names a class as"):
        dslc.compile(text)


# ---- what Python does of its own accord


def test_modules_beside_a_program_are_not_imported(tmp_path: Path) -> None:
    """`python -m dslc` looks in no working directory for the packages that it uses, nor does a check of parity."""
    for name in ("torch", "numpy", "onnx", "onnxruntime", "click", "rich", "lark", "ml_dtypes", "json", "tomllib"):
        (tmp_path / f"{name}.py").write_text("open('hacked', 'w')\nraise SystemExit(9)\n", encoding="utf-8")
    (tmp_path / "f.dl").write_text("net f on x[N, 4]: linear(2)\n", encoding="utf-8")
    words = [sys.executable, "-m", "dslc", "build", "f.dl", "--check", "parity"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "hacked").exists()
