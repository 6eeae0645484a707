"""Initial values that follow from another parameter's: lengths of rows, singular vectors.

The other parameter belongs to the same layer; it is drawn again, by the stream of its own path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dslc.ops.reparam import FIRST_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.ir.model import Param

Array = NDArray[Any]


def lengths(weight: Array, shape: tuple[int, ...]) -> Array:
    """The Euclidean norm of each slice along the first axis, in the given shape."""
    found: Array = np.sqrt(np.square(weight).sum(axis=tuple(range(1, weight.ndim)))).reshape(shape)
    return found


def singular(weight: Array, axis: int, eps: float, u: Array, v: Array) -> tuple[Array, Array]:
    """The first singular vectors of a weight read as a matrix with `axis` as rows, from random u and v on."""
    rows = np.moveaxis(weight, axis, 0).reshape(len(u), -1)
    for _ in range(FIRST_STEPS):
        u = unit(rows @ v, eps)
        v = unit(rows.T @ u, eps)
    return u, v


def unit(vector: Array, eps: float) -> Array:
    """A vector scaled to length 1."""
    return vector / max(float(np.linalg.norm(vector)), eps)


def derived(param: Param, draw: Callable[[Param], Array], random: Callable[[Param], Array]) -> Array:
    """The first value of a parameter whose initialiser names another: `draw` gives that one's, `random` N(0, 1)."""
    args: dict[str, Any] = dict(param.spec.init.args)
    siblings = param.owner.params
    weight = draw(siblings[args["of"]])
    if param.spec.init.kind == "length":
        return lengths(weight, param.spec.shape)
    eps, sides = float(args["eps"]), {}
    for sibling in siblings.values():
        if sibling.spec.init.kind == "singular":
            sides[dict(sibling.spec.init.args)["side"]] = unit(random(sibling), eps)
    u, v = singular(weight, int(args["axis"]), eps, sides["left"], sides["right"])
    return u if args["side"] == "left" else v
