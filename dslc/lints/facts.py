"""What a program does not hold, and some rules ask: its loss, the batch it is trained at, the size of objects.

Facts come from `[tool.dslc.lint]` of the project and from `dslc lint --fact NAME=VALUE`, which goes first. A rule that
lacks one it wants is silent, and `dslc lint -v` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dslc.diagnostics.codes import nearest
from dslc.record import frozen, replace

LOSSES = ("cross_entropy", "nll", "bce", "bce_logits", "mse", "l1", "hinge", "ctc", "dice")
"""`cross_entropy` takes logits, `nll` logarithms, `bce` probabilities, `bce_logits` logits, `mse` and `l1` numbers."""

TASKS = ("classification", "regression", "segmentation", "detection", "generation", "language_model")


@frozen
class Facts:
    """What is known beside the program; none: not stated.

    `batch`: samples of a training step. `learning_rate`, `warmup` (whether it rises from zero), `loss`, `task`.
    `object_size`: places of the input that the smallest object takes along an axis. `memory`: bytes of the device.
    `device`: one of `dslc stats --device`, by its name.
    """

    batch: int | None = None
    learning_rate: float | None = None
    warmup: bool | None = None
    loss: str | None = None
    task: str | None = None
    object_size: int | None = None
    memory: int | None = None
    device: str | None = None

    def known(self, name: str) -> bool:
        """Whether a fact is stated."""
        return getattr(self, name) is not None

    def over(self, other: Facts) -> Facts:
        """These facts, and those of another where these say nothing."""
        return replace(other, **{name: getattr(self, name) for name in READERS if self.known(name)})


NOTHING = Facts()
"""Nothing is known beside the program."""


def facts_of(given: Mapping[str, object]) -> Facts:
    """Facts as they are written: numbers and words, or texts of them. Raises `ValueError`, in a user's words."""
    found: dict[str, object] = {}
    for name, value in given.items():
        read = READERS.get(name)
        if read is None:
            near = nearest(name, READERS)
            hint = f"did you mean `{near}`?" if near else f"there are {', '.join(READERS)}"
            raise ValueError(f"there is no fact `{name}`; {hint}")
        try:
            found[name] = read(value)
        except ValueError as error:
            raise ValueError(f"`{name}` {error}") from None
    return replace(NOTHING, **found)


def _whole(value: object) -> int:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("is a whole number from 1 on")
    return value


def _positive(value: object) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0.0
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ValueError("is a number above 0")
    return number


def _truth(value: object) -> bool:
    known = {"true": True, "false": False}
    found = known.get(value) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise ValueError("is `true` or `false`")
    return found


def _bytes(value: object) -> int:
    from dslc.analysis.amounts import bytes_of

    if isinstance(value, str) and not value.isdecimal():
        return bytes_of(value)
    return _whole(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("is a name")
    return value


def _one_of(words: tuple[str, ...]) -> Callable[[object], object]:
    def read(value: object) -> object:
        if value not in words:
            near = nearest(str(value), words)
            raise ValueError(f"is one of {', '.join(words)}" + (f"; did you mean `{near}`?" if near else ""))
        return value

    return read


READERS: Mapping[str, Callable[[object], object]] = {
    "batch": _whole,
    "learning_rate": _positive,
    "warmup": _truth,
    "loss": _one_of(LOSSES),
    "task": _one_of(TASKS),
    "object_size": _whole,
    "memory": _bytes,
    "device": _text,
}
"""How each fact is read."""
