"""What a file of weights or a network holds, row by row, and what two of them have apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from dslc.ops.base import Init
from dslc.record import frozen
from dslc.weights.folding import pattern, shown
from dslc.weights.init import numpy_type
from dslc.weights.measure import Distance, Measure, distance, measured
from dslc.weights.tensors import Tensors, TensorSpec

if TYPE_CHECKING:
    from dslc.ir.model import Param

Shape = tuple[int, ...]


@frozen
class Row:
    """A tensor, or several that are shown as one; `shape` and `dtype` are none where theirs differ."""

    name: str
    tensors: int
    shape: Shape | None
    dtype: str | None
    count: int
    nbytes: int
    numbers: Measure | None = None  # none of a network, which has no numbers yet
    init: str = ""  # of a network


def rows_of(tensors: Tensors) -> list[Row]:
    """A row for each tensor of a file; one is read at a time."""
    return [
        Row(name, 1, spec.shape, str(spec.dtype), spec.count, spec.nbytes, measured(tensors.read(name)))
        for name, spec in tensors.specs.items()
    ]


def rows_of_net(params: Mapping[str, Param]) -> list[Row]:
    """A row for each tensor that a network expects of a file."""
    rows = []
    for name, param in params.items():
        spec = param.spec
        if spec.kind != "const":
            init = "given by index" if param.values is not None else init_text(spec.init)
            size = spec.count * spec.dtype.bytes
            rows.append(Row(name, 1, spec.shape, spec.dtype.value, spec.count, size, None, init))
    return rows


def init_text(init: Init) -> str:
    """`kaiming_normal(mode=fan_out, nonlinearity=relu)`."""
    args = ", ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in init.args
    )
    return f"{init.kind}({args})" if args else init.kind


def folded(rows: Iterable[Row]) -> list[Row]:
    """Rows of one shape and type whose names differ in numbers alone as one."""
    return _joined(rows, lambda row: (pattern(row.name), row.shape, row.dtype, row.init), shown)


def closed(rows: Iterable[Row], depth: int) -> list[Row]:
    """Modules so many levels deep as one row."""

    def module(row: Row) -> str:
        return ".".join(row.name.split(".")[:depth])

    return _joined(rows, module, lambda names: ".".join(next(iter(names)).split(".")[:depth]))


def _joined(rows: Iterable[Row], key: Callable[[Row], object], name: Callable[[list[str]], str]) -> list[Row]:
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return [_one(group, name([row.name for row in group])) for group in groups.values()]


def _one(group: list[Row], name: str) -> Row:
    """Several rows as one."""
    first = group[0]
    if len(group) == 1:
        return Row(name, 1, first.shape, first.dtype, first.count, first.nbytes, first.numbers, first.init)
    numbers = None
    if first.numbers is not None:
        numbers = sum((row.numbers for row in group if row.numbers is not None), Measure())
    return Row(
        name,
        sum(row.tensors for row in group),
        first.shape if len({row.shape for row in group}) == 1 else None,
        first.dtype if len({row.dtype for row in group}) == 1 else None,
        sum(row.count for row in group),
        sum(row.nbytes for row in group),
        numbers,
        first.init if len({row.init for row in group}) == 1 else "",
    )


# ---- two of them


@frozen
class Compared:
    """What two sets of tensors have apart; names are the first's."""

    only_a: dict[str, TensorSpec]
    only_b: dict[str, TensorSpec]
    shapes: dict[str, tuple[Shape, Shape]]
    types: dict[str, tuple[str, str]]
    apart: dict[str, Distance]  # of one shape, with other numbers
    same: int  # of one shape, and with the same numbers where both have any

    @property
    def differ(self) -> bool:
        return bool(self.only_a or self.only_b or self.shapes or self.types or self.apart)


def specs_of_net(params: Mapping[str, Param]) -> dict[str, TensorSpec]:
    """The tensors that a network expects of a file, without numbers."""
    return {
        name: TensorSpec(param.spec.shape, np.dtype(numpy_type(param.spec.dtype)))
        for name, param in params.items()
        if param.spec.kind != "const"
    }


def compared(a: Tensors | Mapping[str, TensorSpec], b: Tensors | Mapping[str, TensorSpec]) -> Compared:
    """Two files, or a file and what a network expects: then shapes and types alone. One pair is read at a time."""
    one, other = (side.specs if isinstance(side, Tensors) else side for side in (a, b))
    both = [name for name in one if name in other]
    equal = [name for name in both if one[name].shape == other[name].shape]
    types = {name: (str(one[name].dtype), str(other[name].dtype)) for name in equal}
    apart: dict[str, Distance] = {}
    if isinstance(a, Tensors) and isinstance(b, Tensors):
        found = {name: distance(a.read(name), b.read(name)) for name in equal}
        apart = {name: far for name, far in found.items() if far.differ}
    return Compared(
        {name: spec for name, spec in one.items() if name not in other},
        {name: spec for name, spec in other.items() if name not in one},
        {name: (one[name].shape, other[name].shape) for name in both if name not in set(equal)},
        {name: pair for name, pair in types.items() if pair[0] != pair[1]},
        dict(sorted(apart.items(), key=lambda item: -np.nan_to_num(item[1].relative, nan=np.inf))),
        len(equal) - len(apart),
    )
