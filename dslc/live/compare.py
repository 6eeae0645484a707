"""What of a live module its program does not make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from dslc.live.classes import Kinds, code_of, deciding, idle, plain, same_code
from dslc.live.describe import SEQUENCES, Described, Fresh, Spec, attributes, hook_name, hooks
from dslc.live.state import whole
from dslc.live.unwrap import inner
from dslc.record import entity
from dslc.weights.memory import Array

LORA = "merge the adapters into the layers first: `net = model.merge_and_unload()`"
HOOK = "take hooks away by the handles that registered them: `handle.remove()`"
PARAMETRIZED = (
    "make computed weights ordinary ones first: `torch.nn.utils.parametrize.remove_parametrizations`, "
    "`remove_weight_norm` or `prune.remove` of `torch.nn.utils`"
)
QUANTISED = "dslc writes no quantised layers: export the module before it is quantised"
SHARDED = "gather the full state dict of FullyShardedDataParallel, load it into a fresh instance and export that"

COUNTER = "num_batches_tracked"
"""A tensor of batch norms that evaluation does not read, and that those of old files lack."""

ACCELERATE = (
    "take accelerate's wrappers away: `accelerator.unwrap_model(model, keep_fp32_wrapper=False)`, "
    "`accelerate.hooks.remove_hook_from_module(model, recurse=True)`"
)

ADVICE = (
    (("peft.", "loralib"), LORA),
    (("torch.ao.", "torchao.", "bitsandbytes."), QUANTISED),
    (("torch.distributed.fsdp",), SHARDED),
)
"""What to do about a class, by the beginning of its module's name."""

HANDS_ON = (nn.Flatten, nn.Unflatten, *SEQUENCES)
"""Layers of torch that may give what they were given."""

EACH_AXIS = ("kernel_size", "stride", "padding", "dilation", "output_padding", "scale_factor", "output_size")
"""Attributes of torch's layers that are one number for all axes, or one for each."""

PLAIN_TENSORS = (Tensor, nn.Parameter)


@entity
class Comparison:
    """A live module beside what its program makes; `tensors` are those it holds, by their names in the state dict."""

    fresh: Fresh
    kinds: Kinds
    constants: Callable[[str], Array | None]  # the numbers of a constant tensor of the program
    tensors: dict[str, Tensor] = field(default_factory=dict)
    unsaved: dict[str, Tensor] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    advice: dict[str, None] = field(default_factory=dict)
    seen: dict[type[nn.Module], None] = field(default_factory=dict)

    def run(self, net: nn.Module) -> None:
        """Compare everything; the differences are in `found`."""
        self.visit(net, self.fresh.root, "")
        for names in self.fresh.tied:
            self.tied(names)
        for kind in list(self.seen):
            for name in self.kinds.patched(kind):
                self.differ(f"`{name}` was replaced")
        for name in self.kinds.patched_globals():
            self.differ(f"`{name}` of its module was replaced")
        if torch_module._global_forward_hooks or torch_module._global_forward_pre_hooks:
            self.differ("hooks are registered for the forward passes of all modules", HOOK)

    def differ(self, words: str, advice: str = "") -> None:
        if words not in self.found:
            self.found.append(words)
        if advice:
            self.advice[advice] = None

    # ---- one module

    def visit(self, module: nn.Module, wanted: Described, path: str) -> None:
        """Compare one module and all below it. `path` is empty or ends with a dot."""
        kind = plain(module)
        if kind not in self.seen:
            self.seen[kind] = None
            for name in shadowed(kind, wanted):
                self.differ(f"`{kind.__name__}.{name}` was set on the class")
        if not self.kinds.stands_in(kind, wanted.kind):
            self.other_kind(kind, wanted.kind, path)
            return
        self.hooks(module, wanted, path)
        if self.computed(module, wanted, path):
            return
        if self.kinds.known(wanted.kind):
            self.attributes(module, kind, wanted, path)
        self.tensors_of(module, wanted, path)
        self.parts(module, wanted, path)

    def other_kind(self, kind: type[nn.Module], wanted: type[nn.Module], path: str) -> None:
        at = f"`{path[:-1]}`" if path else "it"
        advice = next((words for starts, words in ADVICE if kind.__module__.startswith(starts)), "")
        ours, theirs = kind.__name__, wanted.__name__
        if ours == theirs:
            ours = f"{kind.__module__}.{ours}"
        if wanted in self.kinds.lineage(kind):
            names = " and ".join(f"`{name}`" for name in self.kinds.overrides(kind, wanted))
            self.differ(f"{at} is {ours}, derived from {theirs}, with {names} of its own", advice)
        else:
            self.differ(f"{at} is {ours}, the program makes {theirs}", advice)

    def attributes(self, module: nn.Module, kind: type[nn.Module], wanted: Described, path: str) -> None:
        held = vars(module)
        for name, value in wanted.attributes.items():
            if name not in held:
                if name not in module._modules and name not in module._parameters and name not in module._buffers:
                    self.differ(f"`{path}{name}` was removed")
            elif held[name] is not value and not same(held[name], value) and not same_each(name, held[name], value):
                self.differ(f"`{path}{name}` is {shown(held[name])}, the program makes {shown(value)}")
        surplus = attributes(module).keys() - wanted.attributes.keys()
        names = deciding(wanted.kind).union(wanted.tensors, wanted.parts) if surplus else frozenset()
        for name in sorted(surplus & names):
            if name != "forward" or not own_method(module, held[name], kind.forward):
                advice = ACCELERATE if "_hf_hook" in held or "_original_forward" in held else ""
                self.differ(f"`{path}{name}` was set on the module itself", advice)
        by_compile = held.get("_compiled_call_impl")
        if by_compile is not None and not own_method(module, by_compile, nn.Module._call_impl):
            self.differ(f"`{path}_compiled_call_impl` was set on the module itself")
        if isinstance(module, nn.RNNBase):
            named = [getattr(module, name, None) for name in module._flat_weights_names]
            if not same(named, module._flat_weights):  # torch.func leaves other objects of the same numbers
                self.differ(f"`{path[:-1]}` computes with other tensors than its parameters")

    def hooks(self, module: nn.Module, wanted: Described, path: str) -> None:
        left = list(wanted.hooks)
        at = f"`{path[:-1]}`" if path else "it"
        for hook in hooks(module):
            name = hook_name(hook)
            if name in left:
                left.remove(name)
            elif not computes(hook):
                self.differ(f"{at} has a forward hook, `{name}`", HOOK)
        for name in left:
            self.differ(f"{at} lacks the hook `{name}` that the program makes")

    def computed(self, module: nn.Module, wanted: Described, path: str) -> bool:
        """Tell of weights that are computed from others, which their tensors would say once more."""
        found: dict[str, Any] = {
            str(getattr(hook, "name", getattr(hook, "_tensor_name", "weight"))): hook
            for hook in hooks(module)
            if computes(hook)
        }
        lists = module._modules.get("parametrizations")
        if lists is not None and "parametrizations" not in wanted.parts:
            found |= {name: next(iter(part.children()), part) for name, part in lists.named_children()}
        for name, by in found.items():
            self.differ(f"`{path}{name}` is computed by {type(by).__name__}", PARAMETRIZED)
        return bool(found)

    # ---- tensors

    def tensors_of(self, module: nn.Module, wanted: Described, path: str) -> None:
        held: dict[str, Tensor | None] = {**module._parameters, **module._buffers}
        for name, spec in wanted.tensors.items():
            tensor = held.pop(name, None)
            if tensor is None and spec is not None and name != COUNTER:
                self.differ(f"`{path}{name}` was removed")
            elif tensor is not None and spec is None:
                self.differ(f"`{path}{name}` was added")
            elif tensor is not None and spec is not None:
                self.tensor(tensor, spec, path + name)
        for name, tensor in held.items():
            if tensor is not None:
                self.differ(f"`{path}{name}` was added")

    def tensor(self, tensor: Tensor, spec: Spec, path: str) -> None:
        if type(tensor) not in PLAIN_TENSORS and not hasattr(tensor, "full_tensor"):
            kind = type(tensor)
            advice = next((words for starts, words in ADVICE if kind.__module__.startswith(starts)), "")
            self.differ(f"`{path}` is a {kind.__name__}, no ordinary tensor", advice)
        elif tensor.layout is not torch.strided or tensor.is_quantized:
            self.differ(f"`{path}` is {str(tensor.layout).removeprefix('torch.')}, no dense tensor")
        elif tuple(tensor.shape) != spec.shape:
            self.differ(f"`{path}` has the shape {list(tensor.shape)}, the program makes {list(spec.shape)}")
        elif tensor.is_floating_point() != spec.floating:
            kinds = ("whole numbers", "real numbers")
            found = "complex numbers" if tensor.is_complex() else kinds[tensor.is_floating_point()]
            self.differ(f"`{path}` holds {found}, the program {kinds[spec.floating]}")
        elif spec.saved:
            self.tensors[path] = tensor
        else:
            self.unsaved[path] = tensor
            value: Any = spec.value if spec.value is not None else self.constants(path)
            if value is not None and not tensor.is_meta and not same_numbers(tensor, value):
                self.differ(f"`{path}` holds other numbers than the program gives it")

    def tied(self, names: list[str]) -> None:
        """Names of one tensor, which must still be one, or equal."""
        first, *others = names
        for other in others:
            a, b = self.tensors.get(first), self.tensors.get(other)
            if a is not None and b is not None and a is not b and not torch.equal(whole(a), whole(b)):
                self.differ(f"`{first}` and `{other}` are two tensors, the program makes them one")

    # ---- parts

    def parts(self, module: nn.Module, wanted: Described, path: str) -> None:
        held = dict(module._modules)
        if wanted.ordered and held.keys() == wanted.parts.keys() and list(held) != list(wanted.parts):
            self.differ(f"`{path[:-1]}` has its layers in another order: {', '.join(held)}")
        self.overwriting(module, path)
        for name, part in wanted.parts.items():
            live = held.pop(name, None)
            if part is None and live is not None:
                self.differ(f"`{path}{name}` ({type(live).__name__}) was added")
            elif part is not None and live is None:
                self.differ(f"`{path}{name}` ({part.kind.__name__}) was removed")
            elif part is not None and live is not None:
                self.visit(inner(live), part, f"{path}{name}.")
        for name, live in held.items():
            if live is not None and not unused(name, live, wanted):
                advice = next((w for starts, w in ADVICE if type(live).__module__.startswith(starts)), "")
                self.differ(f"`{path}{name}` ({type(live).__name__}) was added", advice)

    def overwriting(self, module: nn.Module, path: str) -> None:
        """Tell of layers that write over their input, where something else may read that.

        In an `nn.Sequential` nothing else does what one of torch's layers made just before. No program makes them so.
        """
        fresh = False
        for name, part in module._modules.items():
            if part is None:
                continue
            kind = type(part)
            if vars(part).get("inplace") is True and not idle(kind) and not fresh:
                self.differ(f"`{path}{name}.inplace` is True, which may write over what another layer reads")
            if isinstance(module, nn.Sequential) and kind.__module__.startswith("torch.nn.modules."):
                fresh = fresh or not (idle(kind) or isinstance(part, HANDS_ON))


def unused(name: str, live: nn.Module, wanted: Described) -> bool:
    """Whether a part that was added is in no call, and in no state dict: a loss function, a metric."""
    if wanted.ordered or name in deciding(wanted.kind):
        return False
    tensors = (held for part in nn.Module.modules(live) for held in (part._parameters, part._buffers))
    return all(tensor is None for held in tensors for tensor in held.values())


def shadowed(kind: type, wanted: Described) -> list[str]:
    """Tensors and parts of a module whose names its class has: Python finds that first."""
    return [name for name in (*wanted.tensors, *wanted.parts) if any(name in vars(klass) for klass in kind.__mro__)]


# ---- values


def same(live: object, fresh: object) -> bool:
    """Whether two attributes mean the same."""
    if live is fresh:
        return True
    if isinstance(live, list | tuple) and isinstance(fresh, list | tuple):
        return len(live) == len(fresh) and all(map(same, live, fresh))
    if isinstance(live, Mapping) and isinstance(fresh, Mapping):
        return live.keys() == fresh.keys() and all(same(live[name], fresh[name]) for name in live)
    if isinstance(live, float) and isinstance(fresh, float):
        return live == fresh or (live != live and fresh != fresh)
    if isinstance(live, int | float | str) and isinstance(fresh, int | float | str):
        return live == fresh
    if isinstance(live, Tensor) or isinstance(fresh, Tensor):
        if not (isinstance(live, Tensor) and isinstance(fresh, Tensor)) or live.shape != fresh.shape:
            return False
        return live.is_meta or fresh.is_meta or torch.equal(live.cpu(), fresh.cpu())
    if isinstance(live, partial) and isinstance(fresh, partial):
        return same((live.func, live.args, live.keywords), (fresh.func, fresh.args, fresh.keywords))
    ours, theirs = code_of(live), code_of(fresh)
    if ours is not None and theirs is not None:
        return same_code(ours, theirs)
    if type(live).__qualname__ != type(fresh).__qualname__:
        return False
    try:
        return bool(live == fresh) or (hasattr(live, "__dict__") and repr(vars(live)) == repr(vars(fresh)))
    except Exception:  # an object of the user's may compare as it likes
        return False


def same_each(name: str, live: object, fresh: object) -> bool:
    """Whether a number for each axis and one for all of them say the same of a window."""
    if name not in EACH_AXIS:
        return False
    spread = [list(value) if isinstance(value, list | tuple) else [value] for value in (live, fresh)]
    longest = max(map(len, spread))
    return same(*(value * longest if len(value) == 1 else value for value in spread))


def same_numbers(tensor: Tensor, value: Tensor | Array) -> bool:
    """Whether a constant tensor holds the numbers it was given, in the coarser of its element type and theirs."""
    given = value if isinstance(value, Tensor) else torch.from_numpy(np.ascontiguousarray(value))
    live = tensor.detach().cpu()
    kind = given.dtype if live.dtype is torch.float64 else live.dtype
    return live.shape == given.shape and bool(torch.equal(*(_comparable(x.to(kind)) for x in (live, given))))


def _comparable(tensor: Tensor) -> Tensor:
    """NaN as a number, so that two are equal."""
    return torch.nan_to_num(tensor, nan=12345.0, posinf=float("inf"), neginf=float("-inf"))


def shown(value: object) -> str:
    """An attribute for a message."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {list(value.shape)}"
    name = getattr(value, "__qualname__", None)
    text = str(name) if name is not None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def computes(hook: object) -> bool:
    """Whether a hook is torch.nn.utils' own, which computes a weight: `weight_norm`, `spectral_norm`, pruning."""
    return type(hook).__module__.startswith("torch.nn.utils.")


def own_method(module: nn.Module, value: object, method: object) -> bool:
    """Whether an instance's attribute is a method of its class, bound to it; `torch.compile` may have compiled it."""
    origin = getattr(value, "_torchdynamo_orig_callable", value)
    return getattr(origin, "__self__", None) is module and getattr(origin, "__func__", None) is method
