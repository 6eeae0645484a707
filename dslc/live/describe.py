"""What a network's program makes, as data: every module of a fresh instance, with no memory for its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from dslc.live.classes import CALLED, idle, plain
from dslc.record import entity, frozen

INTERNAL = frozenset(vars(nn.Module())) | {
    "_compiled_call_impl",  # of `module.compile()`: the same results
    "_dslc_arguments",
    "_flat_weights",  # of recurrent layers: their parameters once more
    "_flat_weight_refs",
}
"""Attributes of any module, and those that decide nothing. Tensors, parts and hooks are compared by themselves."""

IDLE: tuple[tuple[type[nn.Module], frozenset[str]], ...] = (
    (nn.Module, frozenset({"inplace"})),  # `Comparison.overwriting` asks where it matters
    (nn.modules.batchnorm._NormBase, frozenset({"momentum", "process_group"})),
    (nn.Embedding, frozenset({"padding_idx", "scale_grad_by_freq", "sparse"})),
    (nn.RNNBase, frozenset({"dropout"})),
    (nn.MultiheadAttention, frozenset({"dropout"})),
)
"""Attributes that evaluation does not read, by class."""

SEQUENCES = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


@frozen
class Spec:
    """A tensor of a fresh module. `value` is none but of a constant tensor that the constructor gives numbers."""

    shape: tuple[int, ...]
    floating: bool
    saved: bool  # whether it is in the state dict
    value: Tensor | None = None


@entity
class Described:
    """A module of a fresh instance."""

    kind: type[nn.Module]
    attributes: dict[str, object]
    tensors: dict[str, Spec | None]
    parts: dict[str, Described | None]
    hooks: tuple[str, ...]

    @property
    def ordered(self) -> bool:
        return issubclass(self.kind, SEQUENCES)


@entity
class Fresh:
    """A network as its program makes it, and the module that its classes are of."""

    clean: ModuleType
    root: Described
    tied: list[list[str]] = field(default_factory=list)  # names of one tensor


def make(clean: ModuleType, cls: type[nn.Module], arguments: Mapping[str, Any]) -> Fresh:
    """A fresh instance of a class, described. It is made without memory, and draws no random numbers of anyone's."""
    with torch.random.fork_rng(devices=[]):
        try:
            with torch.device("meta"), Tables():
                net = cls(**arguments)
        except Exception:  # a class of the user's that reads its tensors may raise anything
            with torch.device("cpu"):
                net = cls(**arguments)
    names: dict[int, list[str]] = {}
    root = describe(net, lambda tensor, name: names.setdefault(id(tensor), []).append(name))
    return Fresh(clean, root, [group for group in names.values() if len(group) > 1])


class Tables(TorchFunctionMode):
    """Numbers written in a constructor keep their values where everything else has none."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        if func is torch.tensor:
            options.setdefault("device", "cpu")
        return func(*args, **options)


def describe(module: nn.Module, tell: Callable[[Tensor, str], None], path: str = "") -> Described:
    """A module with all its parts; `tell` hears of every tensor, by its name in the state dict."""
    tensors: dict[str, Spec | None] = {}
    for name, tensor in (*module._parameters.items(), *module._buffers.items()):
        if tensor is None:
            tensors[name] = None
            continue
        saved = name not in module._non_persistent_buffers_set
        value = None if saved or tensor.is_meta else tensor.detach()
        tensors[name] = Spec(tuple(tensor.shape), tensor.is_floating_point(), saved, value)
        tell(tensor, path + name)
    return Described(
        plain(module),
        attributes(module),
        tensors,
        {
            name: None if part is None else describe(part, tell, f"{path}{name}.")
            for name, part in module._modules.items()
        },
        tuple(map(hook_name, hooks(module))),
    )


def attributes(module: nn.Module) -> dict[str, object]:
    """What a module holds beside tensors and parts, and what decides its results."""
    kind = plain(module)
    if idle(kind):
        return {name: value for name, value in vars(module).items() if name in CALLED}
    unread = INTERNAL.union(*(names for base, names in IDLE if issubclass(kind, base)))
    return {name: value for name, value in vars(module).items() if name not in unread}


def hooks(module: nn.Module) -> list[object]:
    """The hooks that run before and after `forward`; those of torch.distributed move tensors about, no more."""
    found = [*module._forward_pre_hooks.values(), *module._forward_hooks.values()]
    return [hook for hook in found if not str(getattr(hook, "__module__", "")).startswith("torch.distributed.")]


def hook_name(hook: object) -> str:
    """A hook for a message: a function by its name, an object by that of its class."""
    return str(getattr(hook, "__qualname__", type(hook).__name__))
