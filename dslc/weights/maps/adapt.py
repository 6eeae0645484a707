"""Tensors brought to another size where that is asked for: other channels of images, positions on another grid.

What timm does, in its rules: `adapt_input_conv` and `resample_abs_pos_embed` (timm/models/_manipulate.py,
timm/layers/pos_embed.py). Both are guesses at what training would have given; each is named in a note.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from dslc.diagnostics.model import Mistake
from dslc.ir.model import Instance, Node
from dslc.record import frozen
from dslc.weights.errors import WeightsError
from dslc.weights.maps.bicubic import resampled
from dslc.weights.maps.errors import CannotAdapt
from dslc.weights.memory import Array
from dslc.weights.tensors import Tensors, TensorSpec

if TYPE_CHECKING:
    from dslc.ir.model import Param

CHANNELS = "channels"
POSITIONS = "positions"

Shape = tuple[int, ...]
MOST_BEFORE = 5
"""Tokens that may stand before a grid where nothing else says how many do: class, distillation, registers."""


@frozen
class Change:
    """What is done to one tensor, and the words for it."""

    shape: Shape
    make: Callable[[Array], Array]
    words: str


class Adapted(Tensors):
    """Another set, some of whose tensors have other sizes."""

    def __init__(self, of: Tensors, changes: Mapping[str, Change]) -> None:
        self.of = of
        self.changes = changes
        self.specs = {
            name: TensorSpec(changes[name].shape, spec.dtype) if name in changes else spec
            for name, spec in of.specs.items()
        }
        self.notes = (*of.notes, *(f"`{name}`: {change.words}" for name, change in changes.items()))

    def read(self, name: str) -> Array:
        array = self.of.read(name)
        return self.changes[name].make(array).astype(array.dtype, copy=False) if name in self.changes else array

    def origin(self, name: str) -> str:
        return self.of.origin(name)


def adapted(tensors: Tensors, params: Mapping[str, Param], wishes: Collection[str]) -> Tensors:
    """Tensors under the network's names with those of other sizes adapted; raises `WeightsError` where none can be.

    Of `channels` the first convolution's weights, `[out, in, *kernel]` of another `in`. Of `positions` learned tables
    that the program declares: `[1, tokens, width]` with a few tokens before a square grid, and `[1, H, W, width]`.
    Other tensors stay, and are for the network to refuse.
    """
    changes: dict[str, Change] = {}
    wrong: list[Mistake] = []
    first = _first(params)
    if first is not None and CHANNELS in wishes:
        _note(tensors, first, _channels, changes, wrong)
    if POSITIONS in wishes:
        for param in _tables(params):
            _note(tensors, param, lambda found, wanted: _positions(found, wanted, first), changes, wrong)
    if wrong:
        raise WeightsError(*wrong)
    return Adapted(tensors, changes) if changes else tensors


def remedy(name: str, found: Shape, params: Mapping[str, Param]) -> str | None:
    """The wish that brings a tensor of the file to the network's size; none where none does."""
    first, param = _first(params), params[name]
    if param is first and isinstance(_channels(found, param.spec.shape), Change):
        return CHANNELS
    table = any(param is other for other in _tables(params))
    return POSITIONS if table and isinstance(_positions(found, param.spec.shape, first), Change) else None


def _note(
    tensors: Tensors,
    param: Param,
    change: Callable[[Shape, Shape], Change | str | None],
    changes: dict[str, Change],
    wrong: list[Mistake],
) -> None:
    """What is done to a tensor whose shape differs from the network's, or why nothing can be."""
    spec, wanted = tensors.specs.get(param.path), param.spec.shape
    if spec is None or spec.shape == wanted:
        return
    found = change(spec.shape, wanted)
    if isinstance(found, str):
        wrong.append(CannotAdapt(param.path, spec.shape, wanted, found))
    elif found is not None:
        changes[param.path] = found


# ---- channels


def _first(params: Mapping[str, Param]) -> Param | None:
    """The weights of the first convolution, which reads the images."""
    return next(
        (p for p in params.values() if isinstance(p.owner, Node) and p.name == "weight" and len(p.spec.shape) > 2), None
    )


def _channels(found: Shape, wanted: Shape) -> Change | str | None:
    before, after = found[1:2], wanted[1:2]
    if len(found) != len(wanted) or not before or before == after:
        return None
    if found[:1] != wanted[:1] or found[2:] != wanted[2:]:
        return "more than its channels differs"
    ((old,), (new,)) = (before, after)
    if new == 1:
        return Change(wanted, _summed, f"the {old} channels of the images are summed to one")
    words = f"its {old} channels are repeated to {new}, scaled by {old}/{new}"
    return Change(wanted, lambda weight: _repeated(weight, new), words)


def _summed(weight: Array) -> Array:
    return np.asarray(weight.astype(np.float32).sum(1, keepdims=True))


def _repeated(weight: Array, new: int) -> Array:
    old = weight.shape[1]
    return np.asarray(weight[:, np.arange(new) % old].astype(np.float32) * np.float32(old / new))


# ---- positions


def _tables(params: Mapping[str, Param]) -> Iterator[Param]:
    """Learned tensors of blocks that begin with an axis of one and end with the width, as tables of positions do."""
    for param in params.values():
        if isinstance(param.owner, Instance) and param.spec.kind == "param" and param.spec.shape[:1] == (1,):
            yield param


def _grid(first: Param) -> tuple[int, int] | None:
    """The map that the first convolution makes of an image, whose places may be the tokens; none where it is open."""
    assert isinstance(first.owner, Node)
    height, width = first.owner.outs[0].type.dims[2:]
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _positions(found: Shape, wanted: Shape, first: Param | None) -> Change | str | None:
    if len(found) != len(wanted) or found[:1] != (1,) or found[-1] != wanted[-1]:
        return None if len(found) != len(wanted) else "more than its positions differs"
    if len(found) == 4:
        (_, h, w, _), (_, height, width, _) = found, wanted
        return Change(wanted, lambda t: resampled(t[0], height, width)[None], _words((h, w), (height, width), 0))
    if len(found) != 3:
        return None
    if first is None or len(first.spec.shape) != 4:
        return "the network has no images, of whose patches it would be a grid"
    sides = _sides(found[1], wanted[1], _grid(first))
    if isinstance(sides, str):
        return sides
    before, old, (height, width) = sides

    def make(table: Array) -> Array:
        places = table[0, before:].reshape(old, old, -1)
        new = resampled(places, height, width).reshape(height * width, -1)
        return np.concatenate([table[0, :before].astype(np.float32), new])[None]

    return Change(wanted, make, _words((old, old), (height, width), before))


def _sides(found: int, wanted: int, grid: tuple[int, int] | None) -> tuple[int, int, tuple[int, int]] | str:
    """How many tokens stand before the grid, the side of the file's square grid, and the network's grid."""
    if grid is not None and 0 <= wanted - math.prod(grid) <= min(MOST_BEFORE, found):
        before = wanted - math.prod(grid)
        side = math.isqrt(found - before)
        if side * side == found - before:
            return before, side, grid
        return f"{found - before} places in the file are no square grid"
    fit = []
    for before in range(min(MOST_BEFORE, found, wanted) + 1):
        old, new = math.isqrt(found - before), math.isqrt(wanted - before)
        if 0 < old * old == found - before and 0 < new * new == wanted - before:
            fit.append((before, old, (new, new)))
    if len(fit) == 1:
        return fit[0]
    return "it is not clear which of its places are a grid" if fit else "its places are no square grid"


def _words(old: tuple[int, int], new: tuple[int, int], before: int) -> str:
    kept = f", {before} token{'s' * (before > 1)} before them kept" if before else ""
    return f"positions of {old[0]} x {old[1]} are resampled to {new[0]} x {new[1]}{kept}"
