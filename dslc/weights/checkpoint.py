"""The weights of a network from a file of any kind: opened, brought to the network's names and shapes, and read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Mistake
from dslc.record import frozen
from dslc.weights import sources
from dslc.weights.containers import listed, pick
from dslc.weights.errors import UnknownSkip, WeightsError
from dslc.weights.folding import LONGEST
from dslc.weights.init import value_of
from dslc.weights.memory import Array
from dslc.weights.misfits import optional
from dslc.weights.store import take
from dslc.weights.tensors import Renamed, Tensors

if TYPE_CHECKING:
    from dslc.ir.model import Param


ADAPTED = ("channels", "positions")
"""What may be brought to another size."""


@frozen
class Checkpoint:
    """A file or folder of weights, and what of it is meant.

    `part`: which state dict of several, or which prefix of names. `skip`: names of the network, or modules with all
    below them, that keep their own initial values. `map`: which map of names stands between (`maps.shipped.mapped`).
    `adapt`: what may be brought to another size, `channels` or `positions` (`maps.adapt.adapted`).
    """

    path: str | Path
    part: str | None = None
    skip: tuple[str, ...] = ()
    map: str | None = None
    adapt: tuple[str, ...] = ()


@frozen
class Taken:
    """A state dict in a network's order and types, and what was done to get it, in sentences for the user."""

    state: dict[str, Array]
    notes: tuple[str, ...]


def checkpoint(weights: str | Path | Checkpoint) -> Checkpoint:
    """What is meant by a path alone: the whole file."""
    return weights if isinstance(weights, Checkpoint) else Checkpoint(weights)


def read(weights: str | Path | Checkpoint, params: Mapping[str, Param], seed: int = 0) -> Taken:
    """The state dict of a network from a file; tensors that are skipped have their initial values of `seed`.

    One tensor is read at a time, once all have the right shapes. Raises `WeightsError` for a file that cannot be read,
    with all that is missing, surplus, of another shape or kind, and for numbers that no network has.
    """
    given = checkpoint(weights)
    with opened(given, params) as tensors:
        kept = skipped(params, given.skip)
        state = take(tensors, {name: param for name, param in params.items() if name not in kept})
    notes = tensors.notes
    if kept:
        notes += (f"{listed(list(kept))} kept the network's own values, drawn from seed {seed}",)
        state |= {name: value_of(params[name], seed) for name in kept}
        state = {name: state[name] for name in params if name in state}
    return Taken(state, notes)


@contextmanager
def opened(given: Checkpoint, params: Mapping[str, Param]) -> Iterator[Tensors]:
    """The tensors of a file under a network's names, without those that are skipped; they may still not fit."""
    with sources.opened(given.path) as parts:
        kept = skipped(params, given.skip)
        wanted = {
            name: param.spec.shape
            for name, param in params.items()
            if param.spec.kind != "const" and name not in kept and not optional(name)
        }
        if given.map is None:
            tensors = pick(parts, wanted, given.part)
        else:
            from dslc.weights.maps.config import config_beside
            from dslc.weights.maps.shipped import mapped

            said = config_beside(given.path)
            tensors = mapped(pick(parts, None, given.part), given.map, params, kept, said)
        tensors = _without_constants(tensors, params)
        _check_skip(given.skip, (*params, *tensors.specs))
        left = {name: name for name in tensors.specs if not _under(name, given.skip)}
        tensors = tensors if len(left) == len(tensors.specs) else Renamed(tensors, left)
        if given.adapt:
            from dslc.weights.maps.adapt import adapted

            tensors = adapted(tensors, {name: params[name] for name in params if name not in kept}, given.adapt)
        yield tensors


def _without_constants(tensors: Tensors, params: Mapping[str, Param]) -> Tensors:
    """The tensors without those that the network computes itself, where the file has the same numbers.

    Whether a table of indices or a mask is in a state dict has changed from one version of a library to the next.
    """
    known = [name for name in tensors.specs if name in params and params[name].spec.kind == "const"]
    same = [
        name
        for name in known
        if tensors.specs[name].shape == params[name].spec.shape
        and np.array_equal(tensors.read(name), value_of(params[name]))
    ]
    left = {name: name for name in tensors.specs if name not in same}
    return Renamed(tensors, left, f"the network computes {listed(same)} itself") if same else tensors


def skipped(params: Mapping[str, Param], skip: Collection[str]) -> dict[str, None]:
    """The tensors of a network's state that are skipped, in its order."""
    return {n: None for n, param in params.items() if param.spec.kind != "const" and _under(n, skip)}


def _under(name: str, skip: Collection[str]) -> bool:
    return any(name == word or name.startswith(f"{word}.") for word in skip)


def _check_skip(skip: Collection[str], names: Collection[str]) -> None:
    """Raises `WeightsError` for what is skipped and not there."""
    unknown = [word for word in skip if not any(_under(name, (word,)) for name in names)]
    short = [name for name in names if len(name) < LONGEST] if unknown else ()
    known = {name[:end] for name in short for end, letter in enumerate(f"{name}.") if letter == "."}
    wrong: list[Mistake] = [UnknownSkip(word, nearest(word, known)) for word in unknown]
    if wrong:
        raise WeightsError(*wrong)
