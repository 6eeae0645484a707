"""The project as a whole: layers, what a command imports, what is registered, and the wheel."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dslc"
FILES = sorted(PACKAGE.rglob("*.py"))

LAYERS = (
    "record",
    "docs",
    "highlight",
    "bounds",
    "source",
    "reading",
    "watch",
    "collector",
    "diagnostics",
    "vocabulary",
    "syntax",
    "foreign",
    "types",
    "values",
    "ops",
    "ir",
    "names",
    "bind",
    "elaborate",
    "mending",
    "analysis",
    "lints",
    "suspicions",
    "errors",
    "settings",
    "trust",
    "output",
    "weights",
    "stamp",
    "backends",
    "reports",
    "api",
    "kept",
    "reference",
    "generated",
    "origin",
    "parity",
    "verify",
    "live",
    "build",
    "inference",
    "check",
    "analyse",
    "playground",
    "lsp",
    "fix",
    "convert",
    "diff",
    "sweep",
    "report",
    "doctor",
    "machine",
    "module",
    "loading",
    "hook",
    "python",
    "notebook",
    "cli",
    "__main__",
)
"""A file imports only from its own line and those above it."""


def layer(module: str) -> int:
    """The place of `dslc.x.y` in LAYERS."""
    return LAYERS.index(module.split(".")[1])


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Modules of this project that a file imports when it runs (not for typing alone), with their lines."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            stack += node.orelse
            continue
        stack += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name.startswith("dslc."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dslc."):
            assert node.module is not None
            yield node.module, node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_from_layers_above(path: Path) -> None:
    own = name_of(path)
    if own == "dslc":
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    below = [f"line {line}: {module}" for module, line in imports(tree) if layer(module) > layer(own)]
    assert not below


def test_the_layer_check_sees_an_import_from_below() -> None:
    found = dict(
        imports(ast.parse("def f():\n    from dslc.cli.main import main\nif TYPE_CHECKING:\n    import dslc.api"))
    )
    assert found == {"dslc.cli.main": 2}
    assert layer("dslc.cli.main") > layer("dslc.types.dim")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_has_a_docstring_and_at_most_500_lines(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)) or not text.strip()
    assert text.count("\n") <= 500


# ---- what commands import


def modules_after(*args: str, cwd: Path) -> set[str]:
    """The top-level modules that a command has imported when it ends."""
    code = (
        "import json, sys\n"
        "from dslc.cli.main import main\n"
        f"main({list(args)!r}, standalone_mode=False)\n"
        "print('\\n' + json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=cwd, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


RESNET = str(ROOT / "examples" / "resnet.dl")


@pytest.mark.parametrize("command", [("check",), ("stats", "--format", "text"), ("stats", "--format", "json")])
def test_check_and_stats_import_nothing_heavy(command: tuple[str, ...], tmp_path: Path) -> None:
    name, *options = command
    found = modules_after(name, RESNET, "--net", "resnet18", *options, cwd=tmp_path)
    assert not found & {"torch", "onnx", "numpy", "rich", "safetensors", "onnxruntime", "google"}


def test_a_program_without_mistakes_never_opens_the_vocabulary(tmp_path: Path) -> None:
    assert "tomllib" not in modules_after("check", RESNET, "--net", "resnet18", cwd=tmp_path)


def test_the_zoo_is_listed_without_a_compile(tmp_path: Path) -> None:
    found = modules_after("zoo", "resnet", cwd=tmp_path)
    assert not found & {"torch", "onnx", "numpy", "rich", "lark", "safetensors", "onnxruntime"}


def test_weights_need_torch_for_its_own_files_alone(tmp_path: Path) -> None:
    (tmp_path / "f.dl").write_text("net f on x[N, 4]: linear(2) as fc\n", encoding="utf-8")
    modules_after("build", "f.dl", "-o", ".", cwd=tmp_path)
    for words in (
        ("build", "f.dl", "--weights", "f.safetensors"),
        ("weights", "inspect", "f.safetensors"),
        ("weights", "inspect", "f.dl"),
        ("weights", "diff", "f.dl", "f.safetensors"),
        ("weights", "convert", "f.safetensors", "-o", "g.safetensors", "--dtype", "fp16"),
    ):
        assert not modules_after(*words, cwd=tmp_path) & {"torch", "safetensors", "onnxruntime"}, words
    assert "torch" in modules_after("weights", "convert", "f.safetensors", "-o", "f.pth", cwd=tmp_path)
    assert "torch" in modules_after("build", "f.dl", "--weights", "f.pth", cwd=tmp_path)


def test_build_needs_no_torch(tmp_path: Path) -> None:
    found = modules_after("build", RESNET, "--net", "resnet18", cwd=tmp_path)
    assert not found & {"torch", "onnxruntime", "sympy"}
    assert {p.name for p in (tmp_path / "build").iterdir()} == {
        "resnet18.py",
        "resnet18.onnx",
        "resnet18.safetensors",
    }


def test_importing_the_package_imports_nothing_of_it(tmp_path: Path) -> None:
    code = "import sys, dslc; print([m for m in sys.modules if m.startswith('dslc.')], dslc.__version__)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.startswith("[] ")


# ---- registries


def test_every_op_in_the_source_is_registered_by_the_compiler() -> None:
    import dslc.api  # noqa: F401 - what a compile imports is what counts
    from dslc.ops.base import REGISTRY

    written = {
        name
        for path in (PACKAGE / "ops").glob("*.py")
        for name in re.findall(r'^@op\("(\w+)"\)', path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert written and written <= set(REGISTRY)


def test_every_code_in_the_source_is_explained() -> None:
    from dslc.reports.catalogue import load_codes

    written = {
        code
        for path in FILES
        for code in re.findall(r'^class \w+\(.*code="(\w+)"', path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert written and written <= set(load_codes())


def test_the_version_is_said_once() -> None:
    import dslc

    with open(ROOT / "pyproject.toml", "rb") as file:
        assert tomllib.load(file)["project"]["version"] == dslc.__version__


def test_no_extra_needs_both_onnxruntimes() -> None:
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]

    def needs(name: str) -> set[str]:
        found: set[str] = set()
        for requirement in extras[name]:
            inner = re.fullmatch(r"dslc\[(.*)\]", requirement)
            found |= set().union(*map(needs, inner[1].split(","))) if inner else {re.split(r"[<>=~!]", requirement)[0]}
        return found

    assert not any("onnxruntime" in requirement for requirement in project["dependencies"])
    assert all(not {"onnxruntime", "onnxruntime-gpu"} <= needs(name) for name in extras)
    assert "onnxruntime-gpu" in needs("gpu")


# ---- the wheel


@pytest.mark.slow
def test_the_wheel_builds_an_example_from_another_folder(tmp_path: Path) -> None:
    """In an empty environment, without torch and the checkout: grammar, std and zoo come from the wheel."""

    def run(*command: str | Path, cwd: Path = tmp_path, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
        return subprocess.run(command, check=check, capture_output=True, text=True, cwd=cwd, env=environment)

    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("dslc-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"dslc/_grammar/dslc.lark", "dslc/_grammar/vocabulary.toml"} <= set(names) and "dslc/py.typed" in names
    assert {"dslc/syntax/grammar.tables", "dslc/highlight/rules.json"} <= names
    assert {p.relative_to(ROOT).as_posix() for p in (ROOT / "dslc" / "reports").rglob("page/*.*")} <= names
    assert {f"dslc/_stdlib/{p.name}" for p in (ROOT / "stdlib").glob("*.dl")} <= names
    assert {f"dslc/_examples/{p.name}" for p in (ROOT / "examples").glob("*.dl")} <= names

    run(sys.executable, "-m", "venv", "env")
    scripts = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    run(scripts / "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "resnet.dl").write_text((ROOT / "examples" / "resnet.dl").read_text(encoding="utf-8"))
    done = run(scripts / "dslc", "build", "resnet.dl", "--net", "resnet18", cwd=elsewhere, check=False)
    assert done.returncode == 0, done.stderr
    raw = run(scripts / "python", "-m", "pygments", "-l", "dl", "-f", "raw", "resnet.dl", cwd=elsewhere).stdout
    assert "Token.Name.Class\t'resnet50'" in raw, "the lexer comes with the wheel"
    built = {p.name: p.stat().st_size for p in (elsewhere / "build").iterdir()}
    assert set(built) == {"resnet18.py", "resnet18.onnx", "resnet18.safetensors"}
    assert built["resnet18.onnx"] > 46_000_000
    assert "resnet18, " in run(scripts / "dslc", "report", "resnet.dl", "--net", "resnet18", cwd=elsewhere).stdout
    assert "zoo:vit_b_16" in run(scripts / "dslc", "zoo", "vit").stdout
    assert run(scripts / "dslc", "stats", "zoo:se_resnet50", "--depth", "1").stdout.startswith("se_resnet50: image[")
