"""The text of generated files: goldens, sizes, the formatter's form, linter and type checker, safety."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

from dslc.api import compile_model
from dslc.backends.torch import layout
from dslc.backends.torch.emit import emit
from dslc.backends.torch.merged import CompilerBug
from dslc.backends.torch.verify import check_code, check_head
from dslc.module import METHODS
from dslc.names.reserved import LOADED, MODULE_ATTRIBUTES, SEQUENTIAL_ATTRIBUTES
from tests.conftest import Golden
from tests.torch_backend.common import EXAMPLES, ROOT, TRAPS, both, model_of

GOLDEN = ROOT / "tests" / "golden"
READ = ("lenet", "resnet50", "densenet121", "mobilenet_v2", "googlenet", "vit_b_16", "unet")

LINES = {"resnet50": 80, "densenet121": 95, "mobilenet_v2": 80, "googlenet": 125, "vit_b_16": 125}
"""Most lines of a whole file."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file, merged and unmerged."""
    folder = tmp_path_factory.mktemp("generated")
    for name in (*TRAPS, *EXAMPLES):
        for made, suffix in zip(both(model_of(name)), ("", "_apart"), strict=True):
            (folder / f"{name}{suffix}.py").write_text(made.text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", READ)
def test_golden(name: str, golden: Golden) -> None:
    golden(GOLDEN / name / "torch.txt", emit(model_of(name)))


@pytest.mark.parametrize("name", TRAPS)
def test_golden_of_programs(name: str, golden: Golden) -> None:
    golden(Path(__file__).parent / "programs" / f"{name}.txt", emit(model_of(name)))


@pytest.mark.parametrize("name", LINES)
def test_lines(name: str) -> None:
    assert emit(model_of(name)).count("\n") <= LINES[name]


def run(folder: Path, *command: str) -> str:
    """What a tool says of the files; empty where it is content."""
    result = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def test_formatter_changes_nothing(files: Path) -> None:
    assert run(files, "ruff", "format", "--isolated", "--line-length", str(layout.WIDTH), "--diff", ".") == ""


def test_linter_finds_nothing(files: Path) -> None:
    assert (
        run(files, "ruff", "check", "--isolated", "--target-version", "py311", "--select", "E4,E7,E9,F,I,UP", ".") == ""
    )


@pytest.mark.slow
def test_types_are_right(files: Path) -> None:
    (files / "external.py").unlink()  # the user's module cannot be found from here
    (files / "external_apart.py").unlink()
    assert run(files, "mypy", "--strict", "--config-file", "", ".") == ""


def test_imports_are_torch_alone(files: Path) -> None:
    """Nothing of dslc, and nothing but torch and the standard library, but for a user's own modules."""
    for path in files.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not path.stem.startswith("external"):
                assert (node.module or "").split(".")[0] in {"torch", "collections", "functools", "typing"}
            if isinstance(node, ast.Import):
                assert {a.name for a in node.names} <= {"torch", "math"}


def test_same_text_twice() -> None:
    assert emit(model_of("densenet121")) == emit(model_of("densenet121"))


def test_header_has_the_size_of_the_entry() -> None:
    """A default that is an expression is shown as its number, that of a size that weights fix too."""
    assert emit(model_of("efficientnet_b1")).startswith('"""efficientnet_b1: image [N, 3, H=240, W=240] -> ')
    assert emit(model_of("vit_b_16")).startswith('"""vit_b_16: image [N, 3, H=224, W=224] -> ')


def test_words_of_a_program_do_nothing() -> None:
    """Quotes, backslashes and braces of docs, and names of Python and torch, stay what they are."""
    text = emit(model_of("words"))
    assert "system" in (ast.get_docstring(ast.parse(text)) or "")
    calls = [n.func for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
    assert not [c for c in calls if isinstance(c, ast.Name) and c.id == "__import__"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os\n", "Import"),
        ("def f() -> None:\n    exec('1')\n\n\nx = 1\n", "top level"),
        ("class A:\n    x = lambda: 1\n", "Lambda"),
        ("def f(x: int) -> int:\n    return x.__class__\n", "__class__"),
        ("def f(nn: int) -> int:\n    return nn\n", "a second time"),
        ("def f() -> None:\n    while True:\n        f()\n", "While"),
        ("def f() -> None:\n    global f\n", "Global"),
        ("def f(:\n", "parse"),
    ],
)
def test_refused_code(code: str, why: str) -> None:
    with pytest.raises(CompilerBug, match=why):
        check_code(code)


@pytest.mark.parametrize(
    ("head", "used", "why"),
    [
        ("import os\n", set(), "imports `os`"),
        ("from torch import save\n", set(), "imports `save`"),
        ("from torch import nn\nprint(nn)\n", set(), "top level"),
        ("from torch import nn\n", {"eval"}, "a builtin that it may not use"),
        ("from torch import nn\n", {"Tensor"}, "bound nowhere"),
    ],
)
def test_refused_head(head: str, used: set[str], why: str) -> None:
    with pytest.raises(CompilerBug, match=why):
        check_head(head, used, {})


def test_reserved_names_are_torchs() -> None:
    """The list that is read without torch has every attribute of this torch's modules."""
    plain = {n for n in dir(nn.Module()) if not n.startswith("__")}
    assert plain <= MODULE_ATTRIBUTES
    sequential = {n for n in dir(nn.Sequential()) if not n.startswith("__")}
    assert sequential <= MODULE_ATTRIBUTES | SEQUENTIAL_ATTRIBUTES
    assert METHODS.keys() <= LOADED


def test_a_value_that_a_text_reads_twice_is_computed_once() -> None:
    """The steps of one line are nested only where the whole reads what it nests once."""
    model = compile_model("net f on x[N, 3, T=6]:\n    conv(4, 3) -> bn -> reshape(it.shape[0], -1)\n")
    text = emit(model)
    assert text.count("self.conv(") == text.count("self.bn(") == 1
    assert "self.bn(self.conv(x))" in text
