"""What a net asks of the sizes of its inputs: one list that is tested, printed and stored with a file.

The generated module, the metadata of an ONNX file and `dslc run` all read it, so that they refuse the same sizes and
say the same words.
"""

from __future__ import annotations

from collections.abc import Mapping

from dslc.ir.model import Model
from dslc.record import frozen
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import mentioned
from dslc.types.dim import Dim, Size, evaluate
from dslc.types.domain import EVERY, Domain, domain
from dslc.types.guards import need


@frozen
class Demand:
    """What is asked of one axis of an input (`place`: input, axis).

    `name` is the symbol, or `y.shape[2]` for an axis whose size the header gives in terms of symbols. It is one of
    `allowed`; where there is `equals`, it is that size, and every other demand on it is one on the symbols of that.
    """

    name: str
    place: tuple[int, int]
    allowed: Domain
    equals: Dim | None
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        """`H % 32 == 0 (exactly H % 32 in {0, 29..31})`, `W == 2*H`."""
        return need(self.name, self.allowed, self.equals)

    def holds(self, at: Mapping[str, int]) -> bool:
        """Whether sizes by name meet it."""
        value = at[self.name]
        return value == evaluate(self.equals, at) if self.equals is not None else value in self.allowed


def places(model: Model) -> dict[str, tuple[int, int]]:
    """Where the size of each name is read: the first axis that is it, as (input, axis)."""
    found: dict[str, tuple[int, int]] = {}
    for index, axis, dim in _axes(model):
        if isinstance(dim.value, tree.Name) and _known(dim.value.name, model):
            found.setdefault(dim.value.name, (index, axis))
    return found


def demands(model: Model) -> list[Demand]:
    """All that is asked, in the order of the axes. Of a size without a default nothing is."""
    sizes = model.sizes
    read = places(model)
    found = []
    for index, axis, dim in _axes(model):
        size = model.root.inputs[index].type.dims[axis]
        name = dim.value.name if isinstance(dim.value, tree.Name) else ""
        if read.get(name) == (index, axis):
            if name in sizes.universal:
                continue
            spans = tuple(guard.span for guard in sizes.guards if guard.symbol == name)
            pin = sizes.pins.get(name)
            if pin is not None:
                found.append(Demand(name, (index, axis), domain(pin.value, pin.value), None, (pin.span,)))
            elif (asked := sizes.needs(name)) != (EVERY, None):
                found.append(Demand(name, (index, axis), *asked, spans))
        elif _asks(size, dim, model):
            label = f"{model.root.inputs[index].name}.shape[{axis}]"
            allowed, equals = (EVERY, size) if isinstance(size, Dim) else (domain(size, size), None)
            found.append(Demand(label, (index, axis), allowed, equals, (dim.span,)))
    return found


def _axes(model: Model) -> list[tuple[int, int, tree.DimSpec]]:
    """The axes of the inputs with what the header writes for them."""
    assert isinstance(model.root.definition, tree.Block)
    ports = model.root.definition.ports or ()
    return [(i, axis, dim) for i, port in enumerate(ports) for axis, dim in enumerate(port.spec.dims or ())]


def _known(name: str, model: Model) -> bool:
    return name in model.sizes.default or name in model.sizes.pins


def _asks(size: Size, dim: tree.DimSpec, model: Model) -> bool:
    """Whether an axis that reads no symbol must have a certain size because others have theirs."""
    if isinstance(size, Dim):
        return any(s.name not in model.sizes.universal for s in size.symbols)
    return bool(mentioned(dim.value) & model.sizes.pins.keys())
