"""A plain report loads only what it prints: start-up is half of the time of `dslc stats`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CODE = """
import sys
from dslc.cli.main import main
main(["stats", *sys.argv[1:]], standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""
ASKED_FOR = {
    "dslc.analysis.conventions": ["--as", "thop"],
    "dslc.analysis.density": ["--columns", "density"],
    "dslc.analysis.roofline": ["--device", "T4"],
    "dslc.analysis.sensitivity": ["--sweep", "classes=10"],
    "dslc.analysis.sizes": ["-v"],
    "dslc.analysis.training": ["--train"],
    "dslc.reports.json": ["--format", "json"],
}
"""Modules, and the option that needs each."""

NEVER = {"lark", "hashlib", "numpy", "torch", "onnx", "pandas", "rich", "matplotlib"}


def loaded(cache: Path, *options: str) -> set[str]:
    """The modules that a report of LeNet loads; the tables of the grammar are kept in `cache`."""
    command = [sys.executable, "-c", CODE, str(ROOT / "examples" / "lenet.dl"), *options]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the tables."""
    path = tmp_path_factory.mktemp("cache")
    loaded(path)
    return path


def test_a_plain_report_loads_no_more_than_it_prints(cache: Path) -> None:
    found = loaded(cache)
    assert "dslc.analysis.memory" in found
    assert found.isdisjoint(NEVER | ASKED_FOR.keys())


@pytest.mark.parametrize("module", ASKED_FOR)
def test_an_option_loads_what_it_needs(cache: Path, module: str) -> None:
    assert module in loaded(cache, *ASKED_FOR[module])
