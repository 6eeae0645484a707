"""Guards on input sizes in a file's metadata: written by an export, read and enforced before a run.

onnxruntime enforces nothing: it broadcasts, or clamps. `dslc.places` says where each named size of the header is read,
`dslc.guards` what is asked of it: the numbers min, max, mod, residues and holes of a set, or `equals`, a size as terms
`[coefficient, [factor, ..]]` whose factors are names or floors `[terms, divisor]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dslc.backends.onnx.errors_run import RefusedSize
from dslc.ir.demands import Demand, demands, places
from dslc.ir.model import Model
from dslc.record import frozen
from dslc.source import Span
from dslc.types.dim import Size, Sym, evaluate, symbol, terms_of
from dslc.types.domain import EVERY, domain

Place = tuple[str, int]
"""An axis of an input, by the input's name."""


def file_name(path: str) -> str:
    """The last part of a path: where the source lay on a machine must not change the file."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def guard_metadata(model: Model, inputs: Sequence[str], dynamic: Iterable[str]) -> dict[str, str]:
    """`dslc.places` and `dslc.guards` of a network whose inputs bear these names in the graph.

    A size that is left open is at least 1, whatever else is asked of it.
    """
    read = places(model)
    asked = demands(model)
    named = {demand.name for demand in asked}
    asked += [Demand(name, read[name], EVERY, None, ()) for name in dynamic if name not in named]
    where = {name: (inputs[index], axis) for name, (index, axis) in read.items()}
    return {"dslc.places": _json(where), "dslc.guards": _json([_record(demand, inputs) for demand in asked])}


def _record(demand: Demand, inputs: Sequence[str]) -> dict[str, object]:
    index, axis = demand.place
    allowed, free = demand.allowed, demand.allowed == EVERY and demand.equals is None
    record: dict[str, object] = {
        "symbol": demand.name,
        "place": (inputs[index], axis),
        "mod": allowed.mod,
        "residues": sorted(allowed.residues),
        "min": allowed.lo,
        "max": allowed.hi,
        "holes": sorted(allowed.holes),
        "text": f"{demand.name} >= 1" if free else demand.text,
        "lines": sorted({place_of(span) for span in demand.spans}),
    }
    return record if demand.equals is None else record | {"equals": plain(demand.equals)}


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def place_of(span: Span) -> str:
    """A line as a file names it: `net.dl:18`."""
    path = span.source.path
    return f"{path if path.startswith('std/') else file_name(path)}:{span.line}"


def plain(size: Size) -> list[object]:
    """A size as JSON holds it."""
    return [
        [coefficient, [atom.name if isinstance(atom, Sym) else [plain(atom.num), atom.den] for atom in monomial]]
        for monomial, coefficient in terms_of(size)
    ]


def read_size(stored: Any) -> Size:
    """The size that `plain` wrote."""
    total: Size = 0
    for coefficient, factors in stored:
        term: Size = coefficient
        for factor in factors:
            term = (symbol(factor) if isinstance(factor, str) else read_size(factor[0]) // factor[1]) * term
        total = term + total
    return total


# ---- before a run


@frozen
class Guards:
    """What a file says of its sizes; empty for one that says nothing."""

    places: Mapping[str, Place]
    records: Sequence[Mapping[str, Any]]

    @property
    def read(self) -> set[Place]:
        """The axes whose sizes a header names, or gives in terms of names."""
        return {*self.places.values(), *(tuple(record["place"]) for record in self.records)}

    def sizes(self, shapes: Mapping[str, Sequence[int]]) -> dict[str, int]:
        """The sizes by name that inputs have."""
        return {name: shapes[at][axis] for name, (at, axis) in self.places.items()}

    def refused(self, shapes: Mapping[str, Sequence[int]]) -> list[RefusedSize]:
        """A mistake for each guard that inputs do not meet; one that asks for an equation has the size it would be."""
        at = self.sizes(shapes)
        found = []
        for record in self.records:
            name, axis = record["place"]
            value = shapes[name][axis]
            allowed = domain(record["min"], record["max"], record["mod"], record["residues"], record["holes"])
            if "equals" in record:
                wanted = evaluate(read_size(record["equals"]), at)
                allowed = domain(wanted, wanted)
            if value not in allowed:
                lines = tuple(record["lines"])
                near = allowed.nearest(value)
                found.append(RefusedSize(record["symbol"], value, record["text"], lines, near))
        return found


def guards_of(meta: Mapping[str, str]) -> Guards:
    """The guards in a model's metadata."""
    read = json.loads(meta.get("dslc.places", "{}"))
    return Guards({name: (at, axis) for name, (at, axis) in read.items()}, json.loads(meta.get("dslc.guards", "[]")))
