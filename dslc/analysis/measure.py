"""How many bytes tensors take: a number at the sizes asked for, and an expression for every size."""

from __future__ import annotations

from collections.abc import Iterable

from dslc.analysis.cost import factored, symbols_of
from dslc.ir.model import Model
from dslc.ops.base import Work
from dslc.record import record
from dslc.types.cost import Cost
from dslc.types.dim import Atom, Size, symbol
from dslc.types.tensor import DType, TensorType


@record
class Bytes:
    """A number of bytes: `value` at the sizes asked for, `cost` for every size."""

    value: int
    cost: Cost


def batch_names(model: Model) -> tuple[str, ...]:
    """The open sizes that are the batch: those without a default that are the first axis of an input.

    None where the source fixes the batch.
    """
    first = [value.type.dims[0] for value in model.root.inputs if value.type.dims]
    return tuple(name for name in sorted(model.sizes.universal) if symbol(name) in first)


class Measure:
    """Bytes of the tensors of one net.

    `batch` stands for its open batch size, which stays a symbol if there is none; any other size left open is 1.
    """

    def __init__(self, model: Model, batch: int | None = None) -> None:
        self.sizes, self.model = model.sizes, model
        names = batch_names(model)
        self._open: dict[Atom, Size] = {}
        for name in model.sizes.universal:
            given = batch if name in names else 1
            if given is not None:
                self._open.update(dict.fromkeys(symbols_of(symbol(name)), given))
        self._seen: dict[tuple[int, tuple[Size, ...]], Bytes] = {}

    def tensor(self, type: TensorType) -> Bytes:
        """The bytes of a tensor."""
        return self.elements(self.model.bytes(type.dtype), type.dims)

    def held(self, count: int, sizes: tuple[Size, ...], dtype: DType) -> Bytes:
        """The bytes of `count` times the product of `sizes` elements."""
        return self.elements(count * self.model.bytes(dtype), sizes)

    def elements(self, each: int, sizes: tuple[Size, ...]) -> Bytes:
        """`each` bytes for the product of `sizes`."""
        found = self._seen.get((each, sizes))
        if found is None:
            symbolic, count = factored(Work(each, sizes), self._open)
            cost = Cost({symbolic: count} if count else {})
            found = self._seen[each, sizes] = Bytes(cost.value(self.sizes), cost)
        return found


def total(parts: Iterable[Bytes]) -> Bytes:
    """The sum of bytes."""
    parts = list(parts)
    return Bytes(sum(part.value for part in parts), Cost.total(part.cost for part in parts))
