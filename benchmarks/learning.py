"""Whether our networks learn as torchvision's do: scikit-learn's digits at 64 by 64, three seeds, unseen digits.

    python -m benchmarks.learning --out learning.jsonl                # one line a run; again: goes on where it stopped
    python -m benchmarks.learning --out learning.jsonl vgg11_quarter  # one net alone
    python -m benchmarks.learning --sum learning.jsonl                # the table

Both sides of a net begin with weights of their own, and have the same images in the same order, optimiser, schedule and
number of steps. Needs the extra `bench` and torchvision; about three quarters of an hour of one core.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import dslc
from benchmarks.compile import EXAMPLES, TORCHVISION, table

SIDE, CLASSES, BATCH = 64, 10, 32
SEEDS = (0, 1, 2)
TESTED = 397
"""Digits that are kept for the test: the last, of writers that the others are not by."""
BAR, ERRORS = 0.80, 2.0
"""Least mean accuracy, and standard errors that the means of both sides may be apart."""
QUARTER = 4


def torchvision() -> Any:
    """torchvision.models, where its compiled extension cannot load too."""
    try:
        return import_module("torchvision.models")
    except RuntimeError:
        exec(TORCHVISION, {})
        return import_module("torchvision.models")


# ---- the nets, ours and torchvision's


def ours(file: str, net: str, **args: Any) -> Callable[[], nn.Module]:
    return lambda: dslc.load(EXAMPLES / file, net=net, sizes={"H": SIDE, "W": SIDE}, classes=CLASSES, **args)()


def vgg11_quarter() -> nn.Module:
    """torchvision's VGG-11 by its own constructor, every width a quarter."""
    vgg = torchvision().vgg

    class Narrow(nn.Linear):
        def __init__(self, ins: int, outs: int) -> None:
            super().__init__(ins // QUARTER, outs if outs == CLASSES else outs // QUARTER)

    layers = vgg.make_layers([step if step == "M" else step // QUARTER for step in vgg.cfgs["A"]])
    with mock.patch.object(nn, "Linear", Narrow):
        network: nn.Module = vgg.VGG(layers, num_classes=CLASSES)
    return network


VIT = {"patch": 8, "depth": 4, "heads": 4, "width": 128}


def vit_small() -> nn.Module:
    patch, depth, heads, width = VIT.values()
    network: nn.Module = torchvision().VisionTransformer(
        SIDE, patch, depth, heads, width, 4 * width, num_classes=CLASSES
    )
    return network


@dataclass(frozen=True, slots=True)
class Task:
    """Both sides of a net, and how both are trained."""

    ours: Callable[[], nn.Module]
    theirs: Callable[[], nn.Module]
    rate: float
    steps: int


NETS = {
    "squeezenet1_1": Task(
        ours("squeezenet.dl", "squeezenet1_1"), lambda: torchvision().squeezenet1_1(num_classes=CLASSES), 3e-4, 300
    ),
    "vgg11_quarter": Task(ours("vgg.dl", "vgg11", width=64 // QUARTER), vgg11_quarter, 3e-4, 300),
    "resnet18": Task(ours("resnet.dl", "resnet18"), lambda: torchvision().resnet18(num_classes=CLASSES), 1e-3, 60),
    "vit_small": Task(ours("vit.dl", "vit", **VIT), vit_small, 1e-3, 900),
}


# ---- training


def digits() -> tuple[Tensor, Tensor]:
    """The images, `[1797, 3, 64, 64]` around 0, and the digits they show."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = torch.tensor(found.images, dtype=torch.float32)[:, None]
    images = (images - images.mean()) / images.std()
    wide = F.interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return wide.expand(-1, 3, -1, -1), torch.tensor(found.target)


def learn(make: Callable[[], nn.Module], task: Task, seed: int, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Accuracy on the last `TESTED` images after training on the others, and the mean loss of the last ten steps.

    Adam, whose rate falls as a cosine to 0 after a warm-up over a tenth of the steps.
    """
    torch.manual_seed(seed)
    network = make().train()
    order = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=task.rate)
    warm = max(1, task.steps // 10)

    def share(step: int) -> float:
        return min((step + 1) / warm, (1 + math.cos(math.pi * step / task.steps)) / 2)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, share)
    known = len(images) - TESTED
    waiting = torch.empty(0, dtype=torch.int64)
    losses: list[float] = []
    for _ in range(task.steps):
        if len(waiting) < BATCH:
            waiting = torch.cat([waiting, torch.randperm(known, generator=order)])
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        loss = F.cross_entropy(network(images[batch]), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    network.eval()
    with torch.no_grad():
        found = torch.cat([network(part).argmax(1) for part in images[known:].split(BATCH)])
    return float((found == labels[known:]).float().mean()), statistics.mean(losses[-10:])


@dataclass(frozen=True, slots=True)
class Run:
    """One line of the results."""

    net: str
    side: str
    seed: int
    steps: int
    rate: float
    accuracy: float
    loss: float
    seconds: float

    @property
    def key(self) -> tuple[str, str, int, int, float]:
        return self.net, self.side, self.seed, self.steps, self.rate


def read(path: Path) -> list[Run]:
    """The runs of a file, none where it is missing."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [Run(**json.loads(line)) for line in lines]


def go_on(path: Path, names: list[str], sides: list[str]) -> None:
    """Do the runs that the file has not, in turn for both sides, each with a line at its end."""
    done = {run.key for run in read(path)}
    images, labels = digits()
    for name in names:
        task = NETS[name]
        for seed in SEEDS:
            for side in sides:
                if (name, side, seed, task.steps, task.rate) in done:
                    continue
                start = time.process_time()
                make = task.ours if side == "ours" else task.theirs
                accuracy, loss = learn(make, task, seed, images, labels)
                run = Run(
                    name, side, seed, task.steps, task.rate, accuracy, loss, round(time.process_time() - start, 1)
                )
                with path.open("a", encoding="utf-8") as out:
                    print(json.dumps(asdict(run)), file=out)
                print(f"{name:<15}{side:<8}seed {seed}: {accuracy:.1%}, {run.seconds:.0f} s", flush=True)


# ---- the table


def apart(ours: list[float], theirs: list[float]) -> float:
    """How many standard errors of their difference two means are apart."""
    difference = statistics.mean(ours) - statistics.mean(theirs)
    error = math.sqrt(statistics.variance(ours) / len(ours) + statistics.variance(theirs) / len(theirs))
    return abs(difference) / error if difference else 0.0


def summary(runs: list[Run]) -> None:
    found: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        task = NETS[run.net]
        if (run.steps, run.rate) == (task.steps, task.rate):
            found[run.net][run.side].append(run)
    rows = []
    for net, sides in found.items():
        values = {side: [run.accuracy for run in sides[side]] for side in ("ours", "theirs")}
        away = apart(values["ours"], values["theirs"])
        means = {side: statistics.mean(shares) for side, shares in values.items()}
        rows.append(
            [
                net,
                str(NETS[net].steps),
                f"{NETS[net].rate:g}",
                *(" ".join(f"{100 * share:.1f}" for share in values[side]) for side in values),
                *(f"{100 * means[side]:.1f}" for side in values),
                f"{away:.2f}",
                "yes" if min(means.values()) > BAR and away <= ERRORS else "NO",
            ]
        )
    head = ["net", "steps", "rate", "ours, %", "torchvision, %", "mean", "mean", "standard errors apart", "holds"]
    table("Accuracy on 397 unseen digits, of each seed and in the mean", head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", choices=[*NETS, []], help="none: all")
    parser.add_argument("--out", type=Path, help="file of results, one line of JSON a run")
    parser.add_argument("--side", choices=["ours", "theirs"], help="one side alone")
    parser.add_argument("--sum", type=Path, help="print the table of a file")
    options = parser.parse_args()
    if options.out:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
        go_on(options.out, options.nets or list(NETS), [options.side] if options.side else ["ours", "theirs"])
    path = options.sum or options.out
    if path is None:
        parser.error("--out FILE or --sum FILE is needed")
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "scikit-learn"))
    print(f"Python {platform.python_version()}, {packages}; {platform.machine()}")
    summary(read(path))


if __name__ == "__main__":
    main()
