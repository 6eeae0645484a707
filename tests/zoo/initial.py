"""The table of first weights, ours beside their source's:

    python -m tests.zoo.initial                 # every net that has a source of its own, about ten minutes of a core
    python -m tests.zoo.initial resnet18 vgg11  # some

Mean and spread are those of all learned numbers of a network together, by the laws that its tensors are drawn from:
ours as the program states them, theirs as the library's constructor draws, or as the paper says. `apart` is the largest
deviation of one tensor: of its mean in spreads, or of its spread as a part. Where numbers are drawn, up to 20,000 of
each tensor of another shape or law by our sampler for ONNX and by torchvision's constructor, `errors` is the most
standard errors by which a mean or a spread differs; of some thousand comparisons chance exceeds 4.5 seldom.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import numpy as np
import torch

import tests.conftest  # noqa: F401 - torchvision beside another torch
from benchmarks.compile import table
from dslc.api import compile_model
from dslc.ir.model import Model
from dslc.weights.init import value_of
from tests.zoo import zoo
from tests.zoo.laws import Law, Laws, declared, laws
from tests.zoo.sources import LIBRARIES, PAPERS, of_paper
from tests.zoo.test_initialisers import check_tensor, sample
from tests.zoo.zoo import Published, programs

LARGE = 32_000_000
"""Weights from which on no numbers are drawn."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A network's laws and those of its source, of the tensors that are learned."""

    net: str
    source: str
    model: Model
    ours: Laws
    theirs: Laws

    def cells(self, drawn: tuple[float, int] | None) -> list[str]:
        mean, spread = together(self.ours, self.model)
        others = together(self.theirs, self.model)
        errors = ["", ""] if drawn is None else [f"{drawn[0]:.1f}", str(drawn[1])]
        numbers = [f"{number:.5f}" for number in (mean, others[0], spread, others[1])]
        return [self.net, self.source, str(len(self.ours)), *numbers, f"{self.apart():.0e}", *errors]

    def apart(self) -> float:
        return max(deviation(self.ours[key], self.theirs[key]) for key in self.ours)


def together(found: Mapping[str, Law], model: Model) -> tuple[float, float]:
    """Mean and spread of all numbers of some tensors."""
    counts = {key: model.params[key].spec.count for key in found}
    total = sum(counts.values())
    mean = sum(counts[key] * law.mean for key, law in found.items()) / total
    square = sum(counts[key] * (law.spread**2 + law.mean**2) for key, law in found.items()) / total
    return mean, math.sqrt(square - mean**2)


def deviation(ours: Law, theirs: Law) -> float:
    if ours.kind != theirs.kind:
        return math.inf
    scale = theirs.spread or abs(theirs.mean) or 1.0
    return max(abs(ours.mean - theirs.mean), abs(ours.spread - theirs.spread)) / scale


def compared(net: str) -> Iterator[Compared]:
    """A network beside its source, if it has one of its own."""
    row = next((row for row in zoo.THERE if row.model == net), None)
    if row is not None:
        model, theirs, source = compile_model(row.file, net=net), laws(lambda: row.reference(init=True)), "torchvision"
    elif net in LIBRARIES:
        library = LIBRARIES[net]
        model = compile_model(programs()[net], net=net, sizes=dict(library.sizes), args=dict(library.args))
        theirs, source = library.theirs(), library.name
        if not library.named:
            theirs = dict(zip(declared(model), theirs.values(), strict=True))
    elif net in PAPERS:
        model = compile_model(programs()[net], net=net)
        theirs, source = of_paper(net, model), "PyTorch" if net in PYTORCH else "paper"
    else:
        return
    learned = [key for key, param in model.params.items() if param.spec.kind == "param"]
    ours = declared(model)
    yield Compared(net, source, model, {key: ours[key] for key in learned}, {key: theirs[key] for key in learned})


PYTORCH = {"lenet", "text_lstm"}
"""Networks whose papers say nothing that holds for them."""


def drawn(row: Published, model: Model) -> tuple[float, int]:
    """The most standard errors that mean or spread of a tensor differ by, and of how many tensors."""
    torch.manual_seed(2010)
    theirs = {key: tensor.detach() for key, tensor in row.reference(init=True).named_parameters()}
    seen: set[object] = set()
    worst, count = 0.0, 0
    stated = declared(model)
    for key, tensor in theirs.items():
        if (stated[key], tensor.shape) in seen:
            continue
        seen.add((stated[key], tensor.shape))
        ours, other = (
            sample(np.asarray(x, dtype=np.float64).reshape(-1)) for x in (value_of(model.params[key], 1), tensor)
        )
        found = check_tensor(key, ours, other)
        if found is not None:
            worst, count = max(worst, *map(abs, found)), count + 1
    return worst, count


def main(names: list[str]) -> None:
    light = {row.model: row for row in zoo.THERE if row.params < LARGE}
    by_file = [net for path in sorted(set(programs().values()), key=lambda path: path.name) for net in of(path)]
    rows = []
    for net in names or by_file:
        for found in compared(net):
            numbers = drawn(light[net], found.model) if net in light else None
            rows.append(found.cells(numbers))
            print(*rows[-1], file=sys.stderr, flush=True)
    packages = ("torch", "torchvision", "timm", "transformers", "numpy")
    print(f"Python {python_version()}, {', '.join(f'{name} {version(name)}' for name in packages)}")
    head = ["net", "source", "learned tensors", "mean", "theirs", "spread", "theirs", "apart", "errors", "drawn"]
    table("First weights", head, rows)


def of(path: Path) -> list[str]:
    return [net for net, file in programs().items() if file == path]


if __name__ == "__main__":
    main(sys.argv[1:])
