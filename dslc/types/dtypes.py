"""Element types as they are written outside of programs: `"fp16"`, `torch.float16`, `numpy.float16`, `"half"`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from dslc.diagnostics.codes import nearest
from dslc.types.tensor import DType

if TYPE_CHECKING:
    import numpy
    import torch

DTypeLike: TypeAlias = "str | DType | torch.dtype | numpy.dtype[Any] | type[numpy.generic]"
"""What an option that asks for an element type takes."""

SPELLINGS = {
    **{kind.value: kind for kind in DType if kind is not DType.FLOAT},
    **dict.fromkeys(("fp32", "f32", "single"), DType.FLOAT32),
    **dict.fromkeys(("fp16", "f16", "half"), DType.FLOAT16),
    **dict.fromkeys(("bf16",), DType.BFLOAT16),
    **dict.fromkeys(("i64", "long"), DType.INT64),
    **dict.fromkeys(("i32", "int"), DType.INT32),
}
"""Element types by every name that the language, torch and numpy have for them; `float` is another one in each."""

FLOATS = {"float32": "fp32", "float16": "fp16, half", "bfloat16": "bf16"}
"""What `float` of a network can be, with other names of it."""

PREFIXES = ("torch.", "numpy.", "np.", "ml_dtypes.")

RATES = {DType.FLOAT32: "fp32", DType.FLOAT16: "fp16", DType.BFLOAT16: "bf16"}
"""Names of the rates that a device has for types of the language; `tf32` and `int8` are no types of networks."""


def float_type(value: DTypeLike | None) -> DType | None:
    """What a build makes of a network's own `float`; none where its inputs are to say.

    Raises `ValueError` for another element type and for a name that is none, `TypeError` for what is no type.
    """
    if value is None or value is DType.FLOAT:
        return None
    name = name_of(value)
    kind = SPELLINGS.get(name)
    if kind is not None and kind.value in FLOATS:
        return kind
    known = ", ".join(f"{name} ({others})" for name, others in FLOATS.items())
    if name == "float":
        raise ValueError(f"`float` is the network's own type: leave the dtype out, or give one of {known}")
    what = "a network's floats cannot be" if kind is not None or name in NUMPY else "there is no element type"
    near = nearest(name, [n for n, kind in SPELLINGS.items() if kind.value in FLOATS])
    raise ValueError(f"{what} `{name}`: " + (f"did you mean `{near}`?" if near else f"they are one of {known}"))


NUMPY = ("float64", "double", "fp64", "f64", "int8", "uint8", "int16", "complex64", "float8_e4m3fn", "float8_e5m2")
"""Element types of other tools that a network's floats cannot be."""


def rate_type(value: DTypeLike) -> str:
    """The name of a device's rate for an element type: `fp16` for `torch.float16`; another name as it is."""
    name = name_of(value)
    kind = SPELLINGS.get(name)
    return name if kind is None else RATES.get(kind, name)


def element_type(value: object) -> DType | None:
    """The type of the language that an object of torch or numpy, or a name, stands for; none where it is none."""
    name = spelled(value)
    return None if name is None else SPELLINGS.get(name)


def name_of(value: object) -> str:
    """The name of an element type, in lower case and without a package. Raises `TypeError` for what is no type."""
    name = spelled(value)
    if name is None:
        raise TypeError(f"a dtype is a name such as \"float16\", or one of torch's or numpy's, not {shown(value)}")
    return name


def spelled(value: object) -> str | None:
    """The name; torch and numpy are imported for none of it."""
    if isinstance(value, DType):
        return value.value
    if isinstance(value, str):
        name = value.strip().lower()
        return next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name)
    if isinstance(value, type):  # numpy's `float16` is a class, and so is that of ml_dtypes
        return value.__name__ if value.__module__ in ("numpy", "ml_dtypes") else None
    for kind in type(value).__mro__:
        if kind.__name__ == "dtype" and kind.__module__ in ("torch", "numpy"):
            return str(value).removeprefix("torch.")
    return None


def shown(value: object) -> str:
    """A value in a message: its text on one line, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
