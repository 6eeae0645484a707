"""The layers of the language: importing this package registers all of them."""

from dslc.ops import (
    activation,
    arithmetic,
    attention,
    convolution,
    einops,
    gating,
    identity,
    index,
    linear,
    norm,
    pool,
    product,
    reduce,
    regularise,
    resample,
    shape,
)

__all__ = [
    "activation",
    "arithmetic",
    "attention",
    "convolution",
    "einops",
    "gating",
    "identity",
    "index",
    "linear",
    "norm",
    "pool",
    "product",
    "reduce",
    "regularise",
    "resample",
    "shape",
]
