"""What a type checker makes of a user's file, and `isinstance`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

import dslc

ROOT = Path(__file__).resolve().parent.parent.parent

RIGHT = '''
"""A user's file: nothing in it needs an ignore."""

from __future__ import annotations

import copy
import gzip
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from typing_extensions import assert_type

import dslc

Net = dslc.load("net.dl", net="small", classes=10)
assert_type(Net, type[dslc.Module])
net = Net(classes=10).train()
assert_type(net, dslc.Module)
assert_type(net.to_onnx("x.onnx", dynamic=("N",)), list[Path])
y = net(torch.zeros(1, 3, 32, 32))
y.sum().backward()
net.layer1[0].conv1.weight.data.mul_(2)
both = nn.Sequential(net, nn.ReLU())
fast = torch.compile(net)
twin = copy.deepcopy(net).eval().half().to("cpu")
twin.load_state_dict(net.state_dict())
torch.optim.SGD(net.parameters(), lr=0.1).step()
dslc.export_onnx(twin, Path("y.onnx"), dtype="float16")

if TYPE_CHECKING:
    from dslc import Module as Base
else:
    Base = Net


class Mine(Base):
    """A network with a layer more."""

    def __init__(self) -> None:
        super().__init__(classes=10)
        self.more = nn.Linear(10, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.more(super().forward(x))
        assert isinstance(found, torch.Tensor)
        return found


def train(module: nn.Module) -> None:
    if isinstance(module, dslc.Module):
        module.to_onnx("z.onnx")


train(net)
train(Mine())

stream = io.BytesIO()
dynamic = {"image": {0: "N", 2: "H"}}
net.to_onnx(stream, dynamic=dynamic, dtype=torch.float16, check=True)
net.to_onnx(stream, dynamic={"image": [0, 2]}, dtype=np.float16)
with open("net.onnx", "wb") as file, gzip.open("net.onnx.gz", "wb") as packed:
    net.to_onnx(file, dynamic="N", dtype="half")
    net.to_onnx(packed, dynamic=["N"], dtype=np.dtype("float16"))

try:
    network = dslc.compile("net.dl", net="small", sizes={"H": 64}, classes=10)
    assert_type(network, dslc.Network)
    assert_type(network.load(), type[dslc.Module])
    stats = network.stats(train=True, device="A100", dtype=torch.bfloat16, batch=8, fit="24GB")
    assert_type(stats, dslc.NetworkStats)
    assert_type(stats.seconds, float | None)
    assert_type([layer.macs for layer in stats.layers], list[int | None])
    assert_type(network.source + network.torch_source + network.picture(depth=1), str)
    assert_type(network.inputs["image"].shape, tuple[int | str, ...])
    assert_type(network.params["head.weight"].trained, bool)
    found = network.check(dtype="fp16", budgets=["macs<=1G"])
    print([(error.code, error.span.line) for error in found.errors], found.ok)
    change = network.diff(dslc.compile("other.dl"))
    print(change.totals["params"].delta, change.weights.load, change.text(columns="macs"))
    assert_type(network.build("out", targets="onnx", dynamic=dynamic, dtype="fp16"), dslc.Built)
    network.to_onnx(Path("net.onnx"), dynamic={"image": {0: torch.export.Dim("N")}})
except dslc.CompileError as error:
    print([diagnostic.code for diagnostic in error.diagnostics])
except dslc.Failure as failure:
    print([mistake.code for mistake in failure.mistakes])
'''

WRONG = """
import dslc

dslc.compiel("net.dl")
dslc.load(3)
dslc.load("net.dl").from_onnx("net.onnx")
dslc.load("net.dl")().to_onnx("net.onnx").parent
dslc.compile("net.dl").to_onnx(open("net.onnx", "w"))
dslc.compile("net.dl").build(dtype=16)
dslc.compile("net.dl").stats(batches=3)
"""


def mypy(tmp_path: Path, text: str) -> str:
    """What `mypy --strict` says of a file that uses the package, without errors of the package itself."""
    (tmp_path / "user.py").write_text(text)
    cache = ROOT / ".mypy_cache" / "users"
    options = ["--strict", "--config-file", "", "--follow-imports", "silent", "--cache-dir", str(cache)]
    command = [sys.executable, "-m", "mypy", *options, "--ignore-missing-imports", "user.py"]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment).stdout


@pytest.mark.slow
def test_a_users_file_is_typed(tmp_path: Path) -> None:
    assert mypy(tmp_path, RIGHT) == "Success: no issues found in 1 source file\n"
    found = [line for line in mypy(tmp_path, WRONG).splitlines() if ": error: " in line]
    assert [line.partition(": ")[0] for line in found] == [f"user.py:{n}" for n in range(4, 11)], found
    assert 'has no attribute "from_onnx"' in found[2]


def test_a_loaded_class_is_told_from_others() -> None:
    small = dslc.load("net small on x[N, 3]:\n    linear(2)\n")
    made: object = small()
    assert isinstance(made, dslc.Module) and type(made) is small and small.__bases__ == (nn.Module,)

    assert issubclass(type("Mine", (small,), {}), dslc.Module)
    others: list[object] = [nn.Linear(2, 2), small, None]
    assert not any(isinstance(other, dslc.Module) for other in others)


def test_what_stands_for_all_networks_makes_none() -> None:
    with pytest.raises(TypeError, match=r"stands for the classes that `dslc\.load` gives"):
        dslc.Module()
    with pytest.raises(TypeError, match=r"derive from a class that `dslc\.load` gives"):
        type("Mine", (dslc.Module,), {})
