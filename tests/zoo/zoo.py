"""Published networks: which there are, where our programs for them are, and torchvision's own as references.

torchvision_meta.json holds what torchvision publishes, with its source. A network is found by its name: any program in
examples/ that has a net called like torchvision's builder is held against it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

import dslc
from dslc.api import compile_model, nets
from dslc.ir.model import Model

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
META = json.loads((Path(__file__).parent / "torchvision_meta.json").read_text(encoding="utf-8"))
HEAVY = 100_000_000
"""Parameters above which a network is compared on the meta device alone: names, shapes and counts."""
SIDES = (64, 96, 128, 160, 224, 256)
"""Image sides to compare outputs at, the first that a network allows, else its own."""


@cache
def programs() -> dict[str, Path]:
    """The file of each net in examples/."""
    return {name: path for path in sorted(EXAMPLES.rglob("*.dl")) for name in nets(path)}


@dataclass(frozen=True, slots=True)
class Published:
    """A row of the table: parameters, and 1e9 multiply-adds at `size` (torchvision_meta.json says what they count)."""

    model: str
    weights: str
    task: str
    params: int
    gmacs: float
    size: int

    @property
    def id(self) -> str:
        return f"{self.model}@{self.size}"

    @property
    def file(self) -> Path:
        return programs()[self.model]

    @property
    def heavy(self) -> bool:
        return self.params > HEAVY

    def compiled(self, side: int | None = None) -> Model:
        """Our network at a side of the image, none: the published one."""
        model = compile_model(self.file, net=self.model)
        side = self.size if side is None else side
        if model.root.inputs[0].type.dims[-1] == side or model.sizes.default.get("H") == side:
            return model
        return compile_model(self.file, net=self.model, sizes={"H": side, "W": side})

    def side(self) -> int:
        """A small side of the image that the network allows."""
        sizes = compile_model(self.file, net=self.model).sizes
        if "H" not in sizes.domain or "H" in sizes.pins:
            return self.size
        return next((side for side in SIDES if side in sizes.domain["H"]), self.size)

    def reference(self, init: bool = False) -> nn.Module:
        """torchvision's network on the current device, without weights; `init`: first ones where they take long too."""
        from torchvision import models
        from torchvision.models import regnet

        options: dict[str, Any] = {}
        builders: Any = models
        if self.model in ("googlenet", "inception_v3"):
            options = {"init_weights": init}
        elif self.model.startswith("vit"):
            options = {"image_size": self.size}
        elif self.task == "segmentation":
            builders = models.segmentation
            options = {"weights_backbone": None, "num_classes": 21}
            if not self.model.startswith("lraspp"):
                options["aux_loss"] = True
        with mock.patch.object(regnet.BlockParams, "from_init_params", on_cpu(regnet.BlockParams.from_init_params)):
            network = getattr(builders, self.model)(weights=None, **options)
        assert isinstance(network, nn.Module)
        return network


def on_cpu(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function where tensors have values: RegNet's widths are computed with some."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with torch.device("cpu"):
            return function(*args, **kwargs)

    return wrapped


ROWS = tuple(Published(**row) for row in META["models"])
BUILDERS = tuple(dict.fromkeys(row.model for row in ROWS))
THERE = tuple(row for row in ROWS if row.model in programs())
"""The rows that a program of ours is for."""


def smallest() -> dict[str, Published]:
    """For each program, its network with the fewest parameters."""
    found: dict[str, Published] = {}
    for row in sorted(THERE, key=lambda row: (row.params, row.size)):
        found.setdefault(row.file.stem, row)
    return found


def fill(state: Mapping[str, Tensor]) -> None:
    """Weights that keep values near 1, by one seed; norms and statistics that are not 0 and 1. Indices stay."""
    random = torch.Generator().manual_seed(2015)
    for key, tensor in state.items():
        if key.endswith("num_batches_tracked"):
            tensor.fill_(7)
        elif key.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=random)
        elif not tensor.is_floating_point():
            continue
        elif tensor.ndim > 1:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=random)
        else:
            middle = 1.0 if key.endswith(("weight", "layer_scale")) else 0.0
            tensor.normal_(middle, 0.1, generator=random)


def calibrate(network: nn.Module, *inputs: Tensor) -> None:
    """Give batch norms the statistics of some inputs, so that what these differ in reaches the result.

    Each takes them right before it is applied, in evaluation, where nothing is drawn. A channel that hardly varies is
    not blown up with its rounding errors: a pool of many places is much the same for all images.
    """

    def take(norm: Any, args: tuple[Tensor, ...]) -> None:
        over = [axis for axis in range(args[0].ndim) if axis != 1]
        variance, mean = torch.var_mean(args[0], over, correction=0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(torch.maximum(variance, 0.1 * mean**2).clamp(min=1e-6))

    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    hooks = [module.register_forward_pre_hook(take) for module in network.modules() if isinstance(module, kinds)]
    if hooks:
        with torch.no_grad():
            network.eval()(*inputs)
    for hook in hooks:
        hook.remove()
    network.eval()


def filled(row: Published) -> nn.Module:
    """torchvision's network with such weights; its tables of indices and coordinates are torchvision's."""
    network = row.reference()
    with torch.no_grad():
        fill(dict(network.named_parameters()) | statistics(network))
    return network


def statistics(network: nn.Module) -> dict[str, Tensor]:
    """The running statistics of batch norms."""
    return {name: tensor for name, tensor in network.named_buffers() if name.rpartition(".")[2] in STATISTICS}


STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def ours(row: Published, other: nn.Module) -> nn.Module:
    """Our generated module with the weights of another, by name and shape, none left over.

    And back, with the other's metadata: torchvision's MNASNet reads there which of its two stems is meant.
    """
    mine = dslc.load(row.file, net=row.model, sizes=asked(row))()
    mine.load_state_dict(other.state_dict(), strict=True)
    back: Any = mine.state_dict()
    back._metadata = other.state_dict()._metadata  # type: ignore[attr-defined]
    other.load_state_dict(back, strict=True)
    return mine


def asked(row: Published) -> dict[str, int]:
    """The size to compile for, where the published one is not the default."""
    default = compile_model(row.file, net=row.model).sizes.default
    return {"H": row.size, "W": row.size} if default.get("H", row.size) != row.size else {}


def tensors(result: Any) -> Iterator[Tensor]:
    """The tensors of a result in order: one, a tuple, a dict or a record of them."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, Mapping):
        for value in result.values():
            yield from tensors(value)
    elif result is not None:
        for value in result:
            yield from tensors(value)


def difference(found: Any, expected: Any) -> float:
    """Largest difference over all tensors of two results, each relative to its largest value."""
    pairs = list(zip(tensors(found), tensors(expected), strict=True))
    assert pairs
    return max(float((a - b).detach().abs().max() / b.detach().abs().max()) for a, b in pairs)
