"""The op that CONTRIBUTING.md shows: added as it stands there, used, and run in PyTorch and onnxruntime."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def fenced(kind: str) -> str:
    """The only block of its kind."""
    found: list[str] = re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return found[0]


SCRIPT = """
import sys
from pathlib import Path

exec(compile(Path("snake.py").read_text(), "snake.py", "exec"), {"__name__": "snake"})

from dslc.api import compile_model
from dslc.build import build
from dslc.reports.stats import Stats
from dslc.reports.terminal import default_report

model = compile_model("waves.dl")
built = build(model, "out", checks=("onnx", "parity", "placement"))
print("\\n".join(built.checks))
print(default_report(Stats(model)))
"""


def test_the_op_of_the_example_works_everywhere(tmp_path: Path) -> None:
    """In a process of its own: the registry of this one keeps the compiler's own ops."""
    (tmp_path / "snake.py").write_text(fenced("python"), encoding="utf-8")
    (tmp_path / "waves.dl").write_text(fenced("dl"), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "checker and strict shape inference accept" in done.stdout
    assert "torch and onnxruntime agree" in done.stdout
    assert re.search(r"^snake +snake +\[N, 16, 64\]", done.stdout, re.MULTILINE)
    source = (tmp_path / "out" / "waves.py").read_text(encoding="utf-8")
    assert "torch.sin(2.5 * x)" in source, "the attribute's own value and name stand in the generated source"
