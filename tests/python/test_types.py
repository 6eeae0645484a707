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
from pathlib import Path
from typing import TYPE_CHECKING

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

try:
    network = dslc.compile("net.dl", net="small")
    assert_type(network, dslc.Network)
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
    found = mypy(tmp_path, WRONG).splitlines()
    assert [line.partition(": ")[0] for line in found[:-1]] == [f"user.py:{n}" for n in (4, 5, 6, 7)], found
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
