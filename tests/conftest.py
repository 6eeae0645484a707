"""Shared by all tests: golden files, and torchvision where its compiled extension cannot load."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

import pytest

os.environ.pop("COLUMNS", None)  # workers of xdist are told that their screen has 80

Golden = Callable[[Path, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regen", action="store_true", help="rewrite golden files from what the code gives now")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of published networks whose outputs were compared in this run."""
    rows = sorted(
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == "zoo"
    )
    if len(rows) > 1:
        terminalreporter.section("networks against torchvision, timm and the layers of papers")
        terminalreporter.write_line(
            f"{'net':<30}{'.dl':>5}{'torchvision':>13}{'params':>14}{'GMACs':>9}{'difference':>12}"
        )
        for net, own, other, params, gmacs, error in rows:
            terminalreporter.write_line(f"{net:<30}{own:>5}{other:>13}{params:>14,}{gmacs:>9.3f}{error:>12.1e}")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with a golden file; `--regen` writes the file instead, to be read in the diff."""

    def compare(path: Path, text: str) -> None:
        text = text if text.endswith("\n") else text + "\n"
        if request.config.getoption("--regen"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"{path} is missing: run pytest with --regen and read what it writes"
        assert text == path.read_text(encoding="utf-8")

    return compare


class TorchvisionOps(MetaPathFinder):
    """Before torchvision is first imported: define the ops it registers shapes for, if its library cannot.

    A torchvision built for CUDA cannot load its library beside a torch for the CPU. Its import then fails at
    the shapes it registers for `torchvision::nms`, which the library would have defined (torchvision 0.28,
    _meta_registrations.py).
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            spec = PathFinder.find_spec("torchvision")
            if spec is not None and spec.origin is not None and not library_loads(Path(spec.origin).parent):
                define_ops()
        return None


def library_loads(package: Path) -> bool:
    """Whether torchvision's compiled ops load beside this torch."""
    import torch

    libraries = [*package.glob("_C*.so"), *package.glob("_C*.pyd")]
    try:
        for library in libraries:
            torch.ops.load_library(str(library))
    except OSError:
        return False
    return bool(libraries)


def define_ops() -> None:
    """Declare torchvision's ops without an implementation."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    kept_libraries.append(library)


kept_libraries: list[object] = []
"""A library's definitions go when it is collected."""

sys.meta_path.insert(0, TorchvisionOps())
