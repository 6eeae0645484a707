"""What the tests of generated PyTorch share: programs, weights, and runs of both ways of printing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from dslc.api import compile_model
from dslc.backends.torch.emit import Generated, generate
from dslc.generated import module_from_text, root_class
from dslc.ir.model import Model
from dslc.record import replace
from dslc.source import Source
from dslc.types.tensor import DType

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "programs"

EXAMPLES = {
    "lenet": "lenet.dl",
    "alexnet": "alexnet.dl",
    "alexnet_2gpu": "alexnet.dl",
    "nin": "nin.dl",
    "vgg16_bn": "vgg.dl",
    "googlenet": "googlenet.dl",
    "resnet18": "resnet.dl",
    "resnet50": "resnet.dl",
    "densenet121": "densenet.dl",
    "mobilenet_v1": "mobilenet_v1.dl",
    "mobilenet_v2": "mobilenet_v2.dl",
    "se_resnet50": "se_resnet.dl",
    "vit_b_16": "vit.dl",
    "swin_t": "swin.dl",
    "swin_v2_t": "swin.dl",
    "unet": "unet.dl",
    "efficientnet_b1": "efficientnet.dl",
    "efficientnet_v2_s": "efficientnet.dl",
    "regnet_y_400mf": "regnet.dl",
    "convnext_tiny": "convnext.dl",
}
"""Nets of examples/ by their files."""

TRAPS = sorted(p.stem for p in PROGRAMS.glob("*.dl"))
"""Programs written to trip the merging of instances, by name."""


def model_of(name: str, args: Mapping[str, object] | None = None) -> Model:
    """The model of an example or of a program here."""
    if name in EXAMPLES:
        model = compile_model(ROOT / "examples" / EXAMPLES[name], name, args=args)
        path = f"examples/{EXAMPLES[name]}"
    else:
        model = compile_model(PROGRAMS / f"{name}.dl", args=args)
        path = f"{name}.dl"
    return replace(model, source=Source(path, model.source.text))


def both(model: Model) -> tuple[Generated, Generated]:
    """The file with instances merged into classes, and with one class per instance; no check may have failed."""
    merged, apart = generate(model), generate(model, merge=False)
    assert merged.bugs == () and apart.bugs == ()
    return merged, apart


def network(made: Generated, name: str, **args: object) -> nn.Module:
    """An instance of a file's root class."""
    module = module_from_text(made.text, name)
    network: nn.Module = getattr(module, root_class(module))(**args)
    return network


def inputs_of(model: Model, batch: int) -> list[Tensor]:
    """Random inputs at the default sizes, with another batch."""
    random = torch.Generator().manual_seed(6)
    found = []
    for value in model.root.inputs:
        at = {**model.sizes.default, **dict.fromkeys(model.sizes.universal, batch)}
        shape = [model.sizes.evaluate(d, at) for d in value.type.dims]
        if value.type.dtype.is_float:
            found.append(torch.randn(shape, generator=random))
        elif value.type.dtype is DType.BOOL:
            found.append(torch.rand(shape, generator=random) > 0.3)
        else:
            found.append(torch.randint(0, 5, shape, generator=random))
    return found


def scatter(network: nn.Module) -> None:
    """Weights that tell branches apart: norms that are not 1 and 0, nothing that is zero throughout."""
    random = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                noise = torch.rand(tensor.shape, generator=random)
                tensor.copy_(noise + 0.5 if name.endswith("running_var") else (noise - 0.5) * 0.6)


def flat(result: object) -> list[Tensor]:
    """The tensors of a result, without those that are none."""
    if isinstance(result, Tensor):
        return [result]
    return [] if result is None else [t for part in result for t in flat(part)]  # type: ignore[attr-defined]
