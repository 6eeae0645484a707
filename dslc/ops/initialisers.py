"""Initialisers: names, arguments and defaults, as in `torch.nn.init`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Help, Mistake, Reject, did_you_mean
from dslc.ops.base import Init
from dslc.values.faces import describe
from dslc.values.mistakes import WrongArity

GAINS: Final = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu")

INITIALISERS: Final[dict[str, dict[str, float | str | None]]] = {
    "zeros": {},
    "ones": {},
    "constant": {"value": None},
    "uniform": {"a": 0.0, "b": 1.0},
    "normal": {"mean": 0.0, "std": 1.0},
    "trunc_normal": {"std": 1.0, "mean": 0.0, "a": -2.0, "b": 2.0},
    "xavier_uniform": {"gain": 1.0},
    "xavier_normal": {"gain": 1.0},
    "kaiming_uniform": {"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"},
    "kaiming_normal": {"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"},
    "orthogonal": {"gain": 1.0},
    "dirac": {"groups": 1},
    "eye_": {},
}
"""Name -> arguments in order with defaults (none: must be given). `eye_` because `eye` makes a tensor."""

FANS: Final = ("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal")
"""Initialisers of tensors with at least two axes."""

DRAWN: Final = (*FANS, "uniform", "normal", "trunc_normal")
"""Initialisers that draw numbers."""

LARGEST: Final = 3.4028234663852886e38
"""The largest number of 32 bits."""

CHOICES: Final = {"mode": ("fan_in", "fan_out"), "nonlinearity": GAINS}


class InitialiserArgument(Mistake, code="E0383"):
    """An argument of an initialiser is not one that it has, or has a value that means nothing.

    Initialisers and their arguments are those of `torch.nn.init`, without the underscore: `normal(mean, std)`,
    `trunc_normal(mean, std, a, b)`, `kaiming_normal(a, mode, nonlinearity)`. Numbers that have no meaning, such as
    a negative deviation, are refused too.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, init=normal(deviation=0.01))
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, init=normal(std=0.01))
        gap -> flatten
    ```

    Related: E0301, E0380, E0388, E0484.
    """

    name: str
    key: str
    known: tuple[str, ...]
    given: str | None = None  # the value in words; none where there is no value
    wanted: str = ""
    choices: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        if self.key not in self.known:
            return f"`{self.name}` has no argument `{self.key}`: it has {', '.join(self.known) or 'none'}"
        if self.given is None:
            return f"`{self.name}` needs `{self.key}`"
        return f"`{self.key}` of `{self.name}` is {self.given}, and must be {self.wanted}"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.key not in self.known:
            return did_you_mean(nearest(self.key, self.known), replace=False)
        return did_you_mean(nearest((self.given or "").strip("`"), self.choices), replace=False)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan in, fan out) of a weight, as torch's `_calculate_fan_in_and_fan_out`."""
    taps = math.prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


def gain_of(nonlinearity: str, a: float) -> float:
    """Torch's `calculate_gain`; `a` is the slope of a leaky ReLU."""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + a * a))
    return {"relu": math.sqrt(2), "tanh": 5 / 3, "selu": 0.75}.get(nonlinearity, 1.0)


def _fault(name: str, values: Mapping[str, float | str]) -> tuple[str, str] | None:
    """The argument whose number torch.nn.init refuses, if there is one, and what it must be."""
    said = {key: float(value) for key, value in values.items() if not isinstance(value, str)}
    if name in ("normal", "trunc_normal"):
        std, least = said["std"], "above 0" if name == "trunc_normal" else "at least 0"
        if std < 0 or (std == 0 and name == "trunc_normal"):
            return "std", least
    if name in ("uniform", "trunc_normal"):
        a, b = said["a"], said["b"]
        if a > b:
            return "b", f"at least `a`, which is {a:g}"
        if b - a > LARGEST:
            return "b", f"at most {LARGEST:.2g} above `a`, which is {a:g}: a float of 32 bits holds no more"
    if name in ("xavier_uniform", "xavier_normal") and said["gain"] < 0:
        return "gain", "at least 0"
    if name == "dirac" and (said["groups"] < 1 or said["groups"] % 1):
        return "groups", "a whole number of at least 1"
    return None


def initialiser(name: str, args: list[object], named: dict[str, object]) -> Init:
    """The initialiser `name(args, named)`; a Reject where the arguments do not fit."""
    known = INITIALISERS[name]
    keys = tuple(known)
    if len(args) > len(known):
        raise Reject(WrongArity(name, 0, len(known), len(args)))
    given = dict(zip(known, args, strict=False))
    for key, value in named.items():
        if key not in known:
            raise Reject(InitialiserArgument(name, key, keys))
        given[key] = value
    values: list[tuple[str, float | str]] = []
    for key, default in known.items():
        value = given.get(key, default)
        if value is None:
            if args or named or name != "constant":
                raise Reject(InitialiserArgument(name, key, keys))
            continue
        if key in CHOICES:
            if value not in CHOICES[key]:
                said = f"`{value}`" if isinstance(value, str) else describe(value)
                wanted = f"one of {', '.join(CHOICES[key])}"
                raise Reject(InitialiserArgument(name, key, keys, said, wanted, CHOICES[key]))
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise Reject(InitialiserArgument(name, key, keys, describe(value), "a number"))
        values.append((key, value))
    if (fault := _fault(name, dict(values))) is not None:
        key, wanted = fault
        raise Reject(InitialiserArgument(name, key, keys, f"{float(dict(values)[key]):g}", wanted))
    return Init("eye" if name == "eye_" else name, tuple(values))
