"""Sample the declared initialisers with numpy: the distributions of torch.nn.init, one stream per parameter.

The numbers of a parameter depend on the seed and on its path only, so adding a layer elsewhere changes none
of them, and they are the same on every machine. They are not torch's numbers for that seed: its streams
differ. Source of the formulas: torch/nn/init.py of PyTorch 2.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.random import SFC64, Generator
from numpy.random.bit_generator import ISeedSequence

from dslc.ops.base import Init, ParamSpec
from dslc.ops.initialisers import fans, gain_of
from dslc.types.tensor import DType
from dslc.weights.derived import derived
from dslc.weights.errors import TooLargeWeights, WeightsError
from dslc.weights.memory import Array
from dslc.weights.quantile import normal_quantile

if TYPE_CHECKING:
    from dslc.ir.model import Param

Args: TypeAlias = Mapping[str, Any]


def initial(params: Mapping[str, Param], seed: int = 0) -> dict[str, Array]:
    """The state dict of a new network: each `param` and `buffer` by path, drawn or as given in index form.

    Raises `WeightsError` where they do not fit in this machine's memory.
    """
    state = {path: param for path, param in params.items() if param.spec.kind != "const"}
    needed = sum(param.spec.count * param.spec.dtype.bytes for param in state.values())
    if needed > memory_bytes():
        raise WeightsError(TooLargeWeights(needed, memory_bytes()))
    return {path: value_of(param, seed) for path, param in state.items()}


def memory_bytes() -> int:
    """The machine's memory, in bytes; where the system does not tell, no limit."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize


def value_of(param: Param, seed: int = 0) -> Array:
    """The first value of one declared tensor."""
    if param.values is not None:
        return np.array(param.values, numpy_type(param.spec.dtype)).reshape(param.spec.shape)
    if param.spec.init.kind in ("length", "singular"):
        found = derived(param, lambda other: value_of(other, seed), lambda own: _noise(own, seed))
        return found.astype(numpy_type(param.spec.dtype), copy=False)
    return sample(param.spec, param.path, seed)


def _noise(param: Param, seed: int) -> Array:
    """Standard normal numbers of the parameter's own stream."""
    return sample(ParamSpec(param.name, param.spec.shape, Init("normal")), param.path, seed)


def sample(spec: ParamSpec, path: str, seed: int = 0) -> Array:
    """A tensor of the spec's shape and type, drawn from its initialiser by the stream of (seed, path)."""
    args = dict(spec.init.args)
    fill = _FILLS.get(spec.init.kind)
    if fill is not None:
        return fill(spec.shape, args).astype(numpy_type(spec.dtype), copy=False)
    rng = Generator(SFC64(_Stream(seed, path)))  # type: ignore[arg-type] # any ISeedSequence will do
    return _DRAWS[spec.init.kind](rng, spec.shape, args).astype(numpy_type(spec.dtype), copy=False)


def numpy_type(dtype: DType) -> np.dtype[Any]:
    """The numpy type of an element type. `float` is held in float32 until a graph rounds it; numpy lacks bfloat16."""
    if dtype is DType.BFLOAT16:
        import ml_dtypes

        found: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return found
    return _NUMPY_TYPES[dtype]


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether elements are real numbers, those of `ml_dtypes` included."""
    return dtype.kind == "f" or "float" in dtype.name


_NUMPY_TYPES: dict[DType, np.dtype[Any]] = {
    dtype: np.dtype(dtype.value) for dtype in DType if dtype not in (DType.FLOAT, DType.BFLOAT16)
} | {DType.FLOAT: np.dtype(np.float32)}


class _Stream(ISeedSequence):
    """Seeds a bit generator with a hash of (seed, path): a fifth of the time of numpy's SeedSequence."""

    def __init__(self, seed: int, path: str) -> None:
        self.digest = blake2b(f"{seed}:{path}".encode(), digest_size=64).digest()

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Array:
        # Little-endian whatever the machine, so that a seed means the same numbers everywhere.
        return np.frombuffer(self.digest, np.dtype(dtype).newbyteorder("<"), n_words).astype(dtype)


# ---- without chance


def _zeros(shape: tuple[int, ...], args: Args) -> Array:
    return np.zeros(shape, np.float32)


def _ones(shape: tuple[int, ...], args: Args) -> Array:
    return np.ones(shape, np.float32)


def _constant(shape: tuple[int, ...], args: Args) -> Array:
    return np.full(shape, args["value"], np.float64)


def _eye(shape: tuple[int, ...], args: Args) -> Array:
    return np.eye(*shape, dtype=np.float32)


def _dirac(shape: tuple[int, ...], args: Args) -> Array:
    """Keeps channels: 1 at the middle of the kernel from input channel i to output channel i (`dirac_`)."""
    weight = np.zeros(shape, np.float32)
    groups = int(args.get("groups", 1))
    out = shape[0] // groups
    middle = tuple(side // 2 for side in shape[2:])
    for group in range(groups):
        for channel in range(min(out, shape[1])):
            weight[(group * out + channel, channel, *middle)] = 1
    return weight


_FILLS: dict[str, Callable[[tuple[int, ...], Args], Array]] = {
    "zeros": _zeros,
    "ones": _ones,
    "constant": _constant,
    "eye": _eye,
    "dirac": _dirac,
}


# ---- drawn


def _uniform(rng: Generator, shape: tuple[int, ...], low: float, high: float) -> Array:
    drawn = rng.random(shape, np.float32)
    drawn *= np.float32(high - low)
    drawn += np.float32(low)
    return drawn


def _normal(rng: Generator, shape: tuple[int, ...], mean: float, std: float) -> Array:
    drawn = rng.standard_normal(shape, np.float32)
    drawn *= np.float32(std)
    if mean:
        drawn += np.float32(mean)
    return drawn


def _truncated(rng: Generator, shape: tuple[int, ...], args: Args) -> Array:
    """Normal, confined to [a, b]: what falls outside is drawn again; by the inverse where much does."""
    mean, std = float(args.get("mean", 0.0)), float(args.get("std", 1.0))
    low, high = float(args.get("a", -2.0)), float(args.get("b", 2.0))
    if std == 0:
        return np.full(shape, min(max(mean, low), high), np.float32)
    below, above = _normal_below((low - mean) / std), _normal_below((high - mean) / std)
    if above - below < 0.5:
        drawn = normal_quantile(below + (above - below) * rng.random(shape)) * std + mean
        return np.clip(drawn, low, high).astype(np.float32)
    drawn = _normal(rng, shape, mean, std).reshape(-1)
    if below > 1e-12 or above < 1 - 1e-12:
        outside = np.flatnonzero((drawn < low) | (drawn > high))
        while outside.size:
            again = _normal(rng, (outside.size,), mean, std)
            drawn[outside] = again
            outside = outside[(again < low) | (again > high)]
    return np.clip(drawn, low, high, out=drawn).reshape(shape)


def _normal_below(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _orthogonal(rng: Generator, shape: tuple[int, ...], args: Args) -> Array:
    """Rows, or columns where there are fewer, orthonormal over all axes but the first (Saxe et al. 2013)."""
    rows, columns = shape[0], math.prod(shape[1:])
    drawn = rng.standard_normal((max(rows, columns), min(rows, columns)), np.float32)
    q, r = np.linalg.qr(drawn)
    q *= np.sign(np.diag(r))  # makes the distribution uniform (Haar): Mezzadri 2007
    q = q.T if rows < columns else q
    return np.ascontiguousarray(q * np.float32(args.get("gain", 1.0))).reshape(shape)


def _kaiming_std(shape: tuple[int, ...], args: Args) -> float:
    fan = fans(shape)[args.get("mode", "fan_in") == "fan_out"]
    return gain_of(args.get("nonlinearity", "leaky_relu"), args.get("a", 0.0)) / math.sqrt(fan)


def _xavier_std(shape: tuple[int, ...], args: Args) -> float:
    return float(args.get("gain", 1.0)) * math.sqrt(2 / sum(fans(shape)))


def _uniform_of(
    std: Callable[[tuple[int, ...], Args], float],
) -> Callable[[Generator, tuple[int, ...], Args], Array]:
    def draw(rng: Generator, shape: tuple[int, ...], args: Args) -> Array:
        bound = math.sqrt(3) * std(shape, args)
        return _uniform(rng, shape, -bound, bound)

    return draw


def _normal_of(
    std: Callable[[tuple[int, ...], Args], float],
) -> Callable[[Generator, tuple[int, ...], Args], Array]:
    return lambda rng, shape, args: _normal(rng, shape, 0.0, std(shape, args))


_DRAWS: dict[str, Callable[[Generator, tuple[int, ...], Args], Array]] = {
    "uniform": lambda rng, shape, args: _uniform(rng, shape, args.get("a", 0.0), args.get("b", 1.0)),
    "normal": lambda rng, shape, args: _normal(rng, shape, args.get("mean", 0.0), args.get("std", 1.0)),
    "trunc_normal": _truncated,
    "kaiming_uniform": _uniform_of(_kaiming_std),
    "kaiming_normal": _normal_of(_kaiming_std),
    "xavier_uniform": _uniform_of(_xavier_std),
    "xavier_normal": _normal_of(_xavier_std),
    "orthogonal": _orthogonal,
}
