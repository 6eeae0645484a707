"""Every command under `PYTHONOPTIMIZE=2`, where Python strips docstrings and asserts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LENET = str(ROOT / "examples" / "lenet.dl")


def run(*args: str, level: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with Python's optimization at a level."""
    env = {**os.environ, "PYTHONOPTIMIZE": level, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "dslc", *args]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, timeout=300, check=False)


@pytest.mark.parametrize(
    "args",
    [
        ("--help",),
        ("check", "--help"),
        ("check", LENET),
        ("check", str(ROOT / "tests" / "errors" / "numbers" / "bomb.dl")),
        ("stats", LENET),
        ("fmt", "--check", LENET),
        ("build", LENET, "-o", ".", "--check", "parity,onnx,placement"),
        ("picture", LENET, "-o", "lenet.svg"),
        ("explain", "E0304"),
        ("explain",),
        ("diff", LENET, LENET),
    ],
    ids=lambda args: " ".join(Path(a).name for a in args),
)
def test_a_command_says_what_it_says_without(args: tuple[str, ...], tmp_path: Path) -> None:
    """Docstrings that are printed are read from their files; no assert does any work."""
    plain, optimized = (run(*args, level=level, cwd=tmp_path) for level in ("0", "2"))
    assert "Traceback" not in optimized.stderr
    assert (optimized.returncode, optimized.stdout, optimized.stderr) == (plain.returncode, plain.stdout, plain.stderr)
