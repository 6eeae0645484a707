"""The network within what holds one: averaged copies, data parallelism, `torch.compile`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from torch import nn

from dslc.live.describe import hook_name, hooks
from dslc.live.errors import ExportError, ModifiedModule, NotANetwork

HOLDERS = {
    ("torch._dynamo.eval_frame", "OptimizedModule"): "_orig_mod",
    ("torch.nn.parallel.distributed", "DistributedDataParallel"): "module",
    ("torch.nn.parallel.data_parallel", "DataParallel"): "module",
    ("torch.optim.swa_utils", "AveragedModel"): "module",
    ("torch.distributed.algorithms._checkpoint.checkpoint_wrapper", "CheckpointWrapper"): "_checkpoint_wrapped_module",
    ("timm.utils.model_ema", "ModelEma"): "ema",
    ("timm.utils.model_ema", "ModelEmaV2"): "module",
    ("timm.utils.model_ema", "ModelEmaV3"): "module",
}
"""Classes whose call is that of the module they hold, by their module and name, and where that is."""

ADVICE = {
    ("torch.distributed.fsdp.fully_sharded_data_parallel", "FullyShardedDataParallel"): (
        "gather the full state dict of FullyShardedDataParallel, load it into a fresh instance and export that"
    ),
    ("torch.fx.graph_module", "GraphModule"): "export the module that was traced",
    ("torch.jit._script", "ScriptModule"): "export the module that was scripted or traced",
    ("torch.export.exported_program", "ExportedProgram"): "export the module that it was made of",
    (
        "dslc.python",
        "Network",
    ): "write it by its own `to_onnx`, or export an instance of the class that its `load()` gives",
    ("peft.peft_model", "PeftModel"): "merge the adapters first, and export what `model.merge_and_unload()` gives",
}
"""What to do about other classes, by the same."""

SEARCHED = 10_000
"""Modules that are looked at for a network within."""


def inner(module: object) -> nn.Module:
    """The module within all that holds it. Raises `ExportError` where a holder has hooks, which may change results."""
    while True:
        name = next((HOLDERS[key] for key in lineage(module) if key in HOLDERS), None)
        held = None if name is None else held_as(module, name)
        if held is None:
            assert isinstance(module, nn.Module)
            return module
        if isinstance(module, nn.Module) and (found := hooks(module)):
            words = tuple(f"the {type(module).__name__} around it has a forward hook, `{hook_name(h)}`" for h in found)
            raise ExportError(ModifiedModule(words, ("take hooks away by the handles that registered them",)))
        module = held


def held_as(module: object, name: str) -> nn.Module | None:
    """A part of a holder; `nn.Module`'s own way of naming parts, which a holder may have overridden, is not asked."""
    parts: dict[str, nn.Module] = vars(module).get("_modules", {})
    found = parts.get(name) if name in parts else vars(module).get(name)
    return found if isinstance(found, nn.Module) else None


def network(module: object) -> nn.Module:
    """The network that a module is or holds. Raises `ExportError` for anything else, with the part that is one."""
    if isinstance(module, nn.Module) or any(key in HOLDERS for key in lineage(module)):
        found = inner(module)
        if is_network(found):
            return found
        module = found
    raise ExportError(NotANetwork(what(module), tuple(advice(module))))


def is_network(module: nn.Module) -> bool:
    """Whether dslc made the class of a module, or one it is derived from."""
    from dslc.live.built import is_built

    return hasattr(type(module), "__dslc__") or is_built(type(module))


def lineage(module: object) -> Iterator[tuple[str, str]]:
    for kind in type(module).__mro__:
        yield kind.__module__, kind.__name__


def what(module: object) -> str:
    """A foreign thing for a message: a class made for one instance alone by the name of the one known."""
    if isinstance(module, type):
        return f"the class `{module.__name__}`"
    return f"this `{next((key[1] for key in lineage(module) if key in ADVICE), type(module).__name__)}`"


def advice(module: object) -> Iterator[str]:
    """What can be exported instead."""
    if isinstance(module, type):
        if issubclass(module, nn.Module):
            yield f"make an instance first: `{module.__name__}()`"
    elif any(key in ADVICE for key in lineage(module)):
        yield next(ADVICE[key] for key in lineage(module) if key in ADVICE)
    elif isinstance(module, Mapping):
        yield "load a state dict into an instance of the network's class, and export that: `net.load_state_dict(..)`"
    elif not isinstance(module, nn.Module):
        yield "give a module that `dslc.load` or a built file made"
    elif parts := within(module):
        for path in parts[:3]:
            yield f'its part `{path}` is a network of dslc: export `module.get_submodule("{path}")`'
    elif is_part(type(module)):
        yield "it is a part of a network of dslc: only whole networks are exported"
    else:
        yield "dslc has no program of it: `torch.onnx.export` exports other modules"


def is_part(kind: type) -> bool:
    """Whether a class is one of a generated file's."""
    from dslc.live.built import SAYS

    module = sys.modules.get(kind.__module__, sys)
    return "__dslc__" in vars(module) or SAYS.search(module.__doc__ or "") is not None


def within(module: nn.Module) -> list[str]:
    """The paths of the networks of dslc in a module, those within others left out."""
    found: list[str] = []
    for count, (path, part) in enumerate(module.named_modules()):
        if count > SEARCHED:
            break
        if path and is_network(part) and not any(path.startswith(f"{above}.") for above in found):
            found.append(path)
    return found
