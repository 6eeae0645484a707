"""What a build holds in memory: the weights once, whatever is folded into them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

BUILD = """
import sys
from pathlib import Path
import numpy, onnx
import dslc.backends.onnx.emit, dslc.backends.onnx.file, dslc.backends.torch.emit, dslc.build, dslc.weights.store
from dslc.api import compile_model

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

before = peak()
dslc.build.build(compile_model(Path(sys.argv[1]), sys.argv[2]), sys.argv[3])
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak")
@pytest.mark.parametrize(("file", "net"), [("resnet.dl", "resnet50"), ("densenet.dl", "densenet161")])
def test_a_build_holds_the_weights_once(file: str, net: str, tmp_path: Path) -> None:
    """The rise over the imports is at most 1.2 times the weights."""
    command = [sys.executable, "-c", BUILD, str(EXAMPLES / file), net, str(tmp_path)]
    rise = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    weights = (tmp_path / f"{net}.safetensors").stat().st_size
    assert weights > 50e6
    assert rise <= 1.2 * weights
