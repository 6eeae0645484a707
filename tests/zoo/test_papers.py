"""Networks of papers: weights and outputs of PyTorch's own layers, listed as papers or tutorials list them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import dslc
from dslc.analysis.cost import costs
from dslc.api import compile_model
from dslc.ir.walk import flatten
from tests.zoo import lines
from tests.zoo.zoo import fill, statistics

Check = Callable[..., None]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def filled(network: nn.Module) -> nn.Module:
    """The network in evaluation, with weights that keep values near 1."""
    with torch.no_grad():
        fill(dict(network.named_parameters()) | statistics(network))
    return network.eval()


def ours(file: str, net: str, state: Mapping[str, Tensor], **sizes: int) -> nn.Module:
    """Our network in evaluation with the weights given, by name and shape, none left over."""
    mine = dslc.load(EXAMPLES / f"{file}.dl", net=net, sizes=sizes)()
    mine.load_state_dict(dict(state), strict=True)
    return mine.eval()


def difference(mine: nn.Module, other: nn.Module, x: Tensor) -> float:
    """The largest difference of the outputs, relative to the largest output."""
    with torch.no_grad():
        found, expected = mine(x), other(x)
    assert found.shape == expected.shape
    assert expected.std(0).max() > 1e-3 * expected.abs().max(), "the weights make every input look the same"
    return float((found - expected).abs().max() / expected.abs().max())


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(7))


@pytest.fixture
def check(record_property: Callable[[str, object], None]) -> Check:
    """Compare our network with another that has the weights `state`, and put it into the table."""

    def compare(file: str, net: str, state: Mapping[str, Tensor], other: nn.Module, x: Tensor, **sizes: int) -> None:
        error = difference(ours(file, net, state, **sizes), other, x)
        record_property("zoo", lines.row(EXAMPLES / f"{file}.dl", net, error))
        assert error <= 1e-5

    return compare


def params(file: str, net: str) -> int:
    model = compile_model(EXAMPLES / f"{file}.dl", net=net)
    return costs(model, flatten(model)).count.params


# ---- DCGAN: the layers of pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html

GENERATOR = nn.Sequential(
    nn.ConvTranspose2d(100, 64 * 8, 4, 1, 0, bias=False),
    nn.BatchNorm2d(64 * 8),
    nn.ReLU(True),
    nn.ConvTranspose2d(64 * 8, 64 * 4, 4, 2, 1, bias=False),
    nn.BatchNorm2d(64 * 4),
    nn.ReLU(True),
    nn.ConvTranspose2d(64 * 4, 64 * 2, 4, 2, 1, bias=False),
    nn.BatchNorm2d(64 * 2),
    nn.ReLU(True),
    nn.ConvTranspose2d(64 * 2, 64, 4, 2, 1, bias=False),
    nn.BatchNorm2d(64),
    nn.ReLU(True),
    nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False),
    nn.Tanh(),
)
DISCRIMINATOR = nn.Sequential(
    nn.Conv2d(3, 64, 4, 2, 1, bias=False),
    nn.LeakyReLU(0.2),
    nn.Conv2d(64, 64 * 2, 4, 2, 1, bias=False),
    nn.BatchNorm2d(64 * 2),
    nn.LeakyReLU(0.2),
    nn.Conv2d(64 * 2, 64 * 4, 4, 2, 1, bias=False),
    nn.BatchNorm2d(64 * 4),
    nn.LeakyReLU(0.2),
    nn.Conv2d(64 * 4, 64 * 8, 4, 2, 1, bias=False),
    nn.BatchNorm2d(64 * 8),
    nn.LeakyReLU(0.2),
    nn.Conv2d(64 * 8, 1, 4, 1, 0, bias=False),
    nn.Sigmoid(),
)


@pytest.mark.parametrize(
    ("net", "layers", "shape"),
    [("dcgan_generator", GENERATOR, (2, 100, 1, 1)), ("dcgan_discriminator", DISCRIMINATOR, (2, 3, 64, 64))],
)
def test_dcgan(net: str, layers: nn.Sequential, shape: tuple[int, ...], check: Check) -> None:
    other = filled(layers)
    state = {f"main.{key}": tensor for key, tensor in other.state_dict().items()}
    check("dcgan", net, state, other, random(*shape))


def test_dcgan_begins_near_zero() -> None:
    mine = dslc.load(EXAMPLES / "dcgan.dl", net="dcgan_generator")()
    weights = [weight.detach() for weight in mine.parameters() if weight.ndim == 4]
    assert len(weights) == 5
    assert all(abs(float(weight.std()) - 0.02) < 1e-3 for weight in weights)


# ---- Auto-encoder: 784-1000-500-250-30 and back, Hinton and Salakhutdinov 2006, figure 1


def test_autoencoder(check: Check) -> None:
    sides = [784, 1000, 500, 250, 30, 250, 500, 1000, 784]
    layers: list[nn.Module] = [nn.Flatten()]
    for i, (before, after) in enumerate(pairwise(sides)):
        layers += [nn.Linear(before, after), nn.Sigmoid()] if i != 3 else [nn.Linear(before, after)]
    other = filled(nn.Sequential(*layers, nn.Unflatten(1, (1, 28, 28))))
    mine = dslc.load(EXAMPLES / "autoencoder.dl")()
    state = dict(zip(mine.state_dict(), other.state_dict().values(), strict=True))
    check("autoencoder", "autoencoder", state, other, random(2, 1, 28, 28))


# ---- Text: BiLSTM-max of arXiv:1705.02364, from torch.nn


class TextClassifier(nn.Module):
    def __init__(self, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20000, 300)
        self.lstm = nn.LSTM(300, 512, layers, batch_first=True, bidirectional=True)
        self.head = nn.Linear(1024, 2)

    def forward(self, ids: Tensor) -> Tensor:
        sequence, _ = self.lstm(self.embedding(ids))
        result: Tensor = self.head(sequence.max(dim=1).values)
        return result


def test_text_lstm(check: Check) -> None:
    other = filled(TextClassifier(1))
    ids = torch.randint(20000, (3, 64), generator=torch.Generator().manual_seed(7))
    check("text_lstm", "text_lstm", other.state_dict(), other, ids)
    short = ours("text_lstm", "text_lstm", other.state_dict(), T=9)
    assert difference(short, other, ids[:, :9]) <= 1e-5


# ---- Audio: pytorch.org/audio/stable/tutorials, speech command classification


class M5(nn.Module):
    """The tutorial's network: `n_input=1, n_output=35, stride=16, n_channel=32`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(1, 32, kernel_size=80, stride=16)
        self.bn1 = nn.BatchNorm1d(32)
        self.conv2 = nn.Conv1d(32, 32, kernel_size=3)
        self.bn2 = nn.BatchNorm1d(32)
        self.conv3 = nn.Conv1d(32, 64, kernel_size=3)
        self.bn3 = nn.BatchNorm1d(64)
        self.conv4 = nn.Conv1d(64, 64, kernel_size=3)
        self.bn4 = nn.BatchNorm1d(64)
        self.pool = nn.MaxPool1d(4)
        self.fc1 = nn.Linear(64, 35)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.bn1(self.conv1(x)).relu())
        x = self.pool(self.bn2(self.conv2(x)).relu())
        x = self.pool(self.bn3(self.conv3(x)).relu())
        x = self.pool(self.bn4(self.conv4(x)).relu())
        x = nn.functional.avg_pool1d(x, x.shape[-1]).permute(0, 2, 1)
        return nn.functional.log_softmax(self.fc1(x), dim=2).squeeze(1)


def test_m5(check: Check) -> None:
    other = filled(M5())
    state = other.state_dict()
    for i in range(1, 5):
        state.pop(f"conv{i}.bias").zero_()  # idle before a batch norm: ours has none
    check("audio_m5", "m5_speech_commands", state, other, random(2, 1, 8000))


def test_m5_of_the_paper_is_as_large_as_its_table_says() -> None:
    kernels = 80 * 128 + 3 * (128 * 128 + 128 * 256 + 256 * 512)  # 0.5 M, arXiv:1610.00087, table 1
    assert params("audio_m5", "m5") == kernels + 2 * (128 + 128 + 256 + 512) + 512 * 10 + 10


# ---- Video: torchvision's own


def test_r3d_18(check: Check) -> None:
    models = pytest.importorskip("torchvision.models.video")
    other = filled(models.r3d_18())
    check("video_resnet", "r3d_18", other.state_dict(), other, random(2, 3, 8, 56, 56), T=8, H=56, W=56)
    assert params("video_resnet", "r3d_18") == models.R3D_18_Weights.KINETICS400_V1.meta["num_params"]
