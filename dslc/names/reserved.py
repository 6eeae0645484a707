"""Names that a generated module cannot bear: Python's, and those of torch.nn's classes, listed without torch."""

from __future__ import annotations

import builtins
import keyword
import sys
from collections.abc import Iterable
from typing import Final

KEYWORDS: Final = frozenset(keyword.kwlist)

BUILTINS: Final = frozenset(name for name in dir(builtins) if not name.startswith("_"))

MODULE_ATTRIBUTES: Final = frozenset(
    """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
    eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict
    modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook
    register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
    register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    reset_parameters set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
    zero_grad
    _apply _backward_hooks _backward_pre_hooks _buffers _call_impl _compiled_call_impl _forward_hooks
    _forward_hooks_always_called _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs
    _get_backward_hooks _get_backward_pre_hooks _get_name _is_full_backward_hook _load_from_state_dict
    _load_state_dict_post_hooks _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _modules
    _named_members _non_persistent_buffers_set _parameters _register_load_state_dict_pre_hook
    _register_state_dict_hook _replicate_for_data_parallel _save_to_state_dict _slow_forward _state_dict_hooks
    _state_dict_pre_hooks _version _wrapped_call_impl
    """.split()
)
"""Attributes of an `nn.Module` instance (torch 2.5 to 2.13), and `reset_parameters`, which generated code defines."""

SEQUENTIAL_ATTRIBUTES: Final = frozenset(("_get_item_by_idx", "append", "extend", "insert", "pop"))
"""Attributes that `nn.Sequential` adds."""

LOADED: Final = frozenset(("to_onnx", "load_weights", "_dslc_arguments"))
"""Attributes that `dslc.load` adds, `module.METHODS` among them."""

GENERATED: Final = frozenset(
    ("Any", "F", "Callable", "NamedTuple", "OrderedDict", "Tensor", "math", "nn", "partial", "self", "torch")
)
"""Names that the head of a generated file may bind, and the instance."""


def reserved(name: str) -> str | None:
    """Why a module, parameter or buffer cannot bear a name; none if it can.

    Words of Python and attributes of `nn.Module` are refused, and names with two underscores at both ends.
    """
    if name in KEYWORDS:
        return "it is a word of Python"
    if name in MODULE_ATTRIBUTES or name in SEQUENTIAL_ATTRIBUTES:
        return "it is an attribute of `nn.Module`" if name in MODULE_ATTRIBUTES else "it is a method of `nn.Sequential`"
    if name in LOADED:
        return "it is an attribute of what `dslc.load` gives"
    if name.startswith("__") and name.endswith("__"):
        return "names with two underscores at both ends belong to Python"
    return None


def local_name(name: str) -> str:
    """A name of a variable or parameter of generated code: words and builtins of Python get an underscore."""
    while name in KEYWORDS or name in BUILTINS or name in GENERATED:
        name += "_"
    return name


PACKAGES: Final = frozenset(
    """
    PIL accelerate attr certifi click coloredlogs conftest cv2 datasets diffusers dslc einops filelock flatbuffers
    fsspec functorch gmpy2 google huggingface_hub humanfriendly idna jax jinja2 lark lightning markdown_it
    markupsafe matplotlib mdurl ml_dtypes mpmath networkx numpy nvidia onnx onnxruntime onnxscript optree packaging
    pandas peft pip pkg_resources psutil pygments pytest pytorch_lightning regex requests rich safetensors scipy
    setup setuptools sitecustomize sklearn sympy tensorboard tensorflow timm tokenizers torch torchaudio torchgen
    torchmetrics torchtext torchvision tqdm transformers triton typing_extensions urllib3 usercustomize wandb wheel
    yaml
    """.split()
)
"""Modules that PyTorch, onnx and onnxruntime import, that Python imports by itself, or that users of networks do."""

DEVICES: Final = frozenset(("aux", "con", "nul", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))))
"""Names that Windows gives to devices, whatever the ending and the case."""


def file_stem(name: str, imported: Iterable[str] = ()) -> tuple[str, str]:
    """The name of a net's files, and why it is not the net's own; `imported` are modules that its module imports.

    A `torch.py` is imported in place of torch by whatever runs in its folder, and a word of Python cannot be imported.
    """
    if name in KEYWORDS:
        return f"{name}_net", "it is a word of Python"
    if name.casefold() in DEVICES:
        return f"{name}_net", "it is a device on Windows"
    if name in sys.stdlib_module_names or name in PACKAGES or name in {path.partition(".")[0] for path in imported}:
        return f"{name}_net", f"it would be imported in place of the module `{name}`"
    return name, ""
