"""The numbers of a network as typed records for Python: what `Model.stats()` gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from dslc.analysis.cost import Terms, value_at
from dslc.analysis.quantities import QUANTITIES
from dslc.ir.model import Model
from dslc.reports.columns import View
from dslc.reports.json import stats_json
from dslc.reports.stats import Row, Stats
from dslc.reports.terminal import default_report
from dslc.types.dim import Dim, evaluate
from dslc.types.tensor import TensorType

if TYPE_CHECKING:
    import pandas

Shape: TypeAlias = tuple[int | None, ...]
"""Sizes at the defaults; none for a size that the net leaves open (the batch)."""


@dataclass(frozen=True, slots=True)
class FieldNumbers:
    """A receptive field along one axis of one input, in places of that input.

    `status` is `exact`, or says why it is less; `cause` names what is behind that.
    """

    input: str
    axis: int
    size: int | Fraction
    stride: int | Fraction
    padding: int | Fraction
    centre: Fraction
    spread: Fraction
    smallest: int | Fraction
    status: str
    cause: str


@dataclass(frozen=True, slots=True)
class LayerNumbers:
    """One layer, or a part with the sums over what is in it (`part`). Counts are for one sample.

    `params` are trained and used by evaluation, `train_only` only by training; `weights` their bytes in float32;
    `flops` are full. `memory`: bytes of new buffers at inference. All of them are none for a user's module that does
    not state what it costs, and for a part with one in it.
    """

    path: str
    op: str
    depth: int
    part: bool
    needed: str
    outputs: tuple[Shape, ...]
    params: int | None
    buffers: int | None
    train_only: int | None
    macs: int | None
    flops: int | None
    acts: int | None
    weights: int | None
    memory: int | None
    fields: tuple[FieldNumbers, ...]


class NetworkStats:
    """All numbers of a network: `layers` in program order, `totals` by quantity, the fields of its results.

    `str()` is the text that `dslc stats` prints. A total is a lower bound where `unknown` names modules.
    """

    def __init__(self, model: Model) -> None:
        self._stats = Stats(model)
        self.net = model.name
        view = View(self._stats)
        names = [name for name, _ in self._stats.inputs]
        self.layers = tuple(_layer(row, view, names) for row in self._stats.rows)
        self.totals = {name: quantity.value(self._stats) for name, quantity in QUANTITIES.items()}
        self.unknown = tuple(self._stats.cost.unknown)
        self.sizes = dict(model.sizes.default)
        self.fields = {
            name or f"output{k}": _fields(tracks, names) for k, (name, _, tracks) in enumerate(self._stats.outputs)
        }

    def __str__(self) -> str:
        return default_report(self._stats)

    def __repr__(self) -> str:
        return f"<NetworkStats of {self.net}: {len(self.layers)} rows>"

    def at(self, quantity: str, **sizes: int) -> int:
        """`macs`, `flops` or `acts` of one sample at other input sizes: `at("macs", H=384, W=384)`.

        From the expression, so it is exact without compiling again. Raises ValueError for another quantity, an
        unknown size, and a size that the network does not allow.
        """
        table = self._stats.model.sizes
        cost = self._stats.cost
        terms: Mapping[str, Terms] = {"macs": cost.terms, "flops": cost.flops, "acts": cost.acts}
        if quantity not in terms:
            raise ValueError(f"`{quantity}` has no expression; choose from {', '.join(terms)}")
        for name, value in sizes.items():
            if name not in table.domain or name in table.universal:
                known = [n for n in table.default if n not in table.universal]
                raise ValueError(f"`{self.net}` has no open size `{name}`; it has {', '.join(known) or 'none'}")
            if value not in table.domain[name]:
                nearest = table.domain[name].nearest(value)
                near = f"nearest {'are' if len(nearest) > 1 else 'is'} {' and '.join(map(str, nearest))}"
                raise ValueError(
                    f"{name}={value} is no size of `{self.net}`: it needs {table.allowed(name)}; the {near}"
                )
        at = {**table.default, **sizes}
        for name, same in table.same.items():
            at[name] = evaluate(same, at)
            if sizes.get(name, at[name]) != at[name]:
                needs = f"it needs {table.allowed(name)}, here {at[name]}"
                raise ValueError(f"{name}={sizes[name]} is no size of `{self.net}`: {needs}")
        return value_at(terms[quantity], at)

    def to_json(self) -> str:
        """The document of `dslc stats --format json`."""
        return stats_json(self._stats)

    def to_records(self) -> list[dict[str, Any]]:
        """A dict per row, for tables of any library; receptive fields are nested."""
        return [asdict(layer) for layer in self.layers]

    def to_pandas(self) -> pandas.DataFrame:
        """A frame with a row per layer, indexed by path. Raises ImportError where pandas is not installed."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError("`to_pandas` needs pandas: pip install pandas") from error
        columns = [f.name for f in fields(LayerNumbers) if f.name != "fields"]
        rows = [
            {**{name: getattr(layer, name) for name in columns}, **_first_field(layer.fields)} for layer in self.layers
        ]
        return pandas.DataFrame(rows).set_index("path")


def _layer(row: Row, view: View, names: list[str]) -> LayerNumbers:
    default, count, known = view.sizes.default, row.count, row.known
    return LayerNumbers(
        path=row.path,
        op=row.op,
        depth=row.depth,
        part=row.is_part,
        needed=row.needed.value,
        outputs=tuple(_shape(type, view) for type in row.outs),
        params=count.params if known else None,
        buffers=count.buffers if known else None,
        train_only=count.train_only if known else None,
        macs=row.macs if known else None,
        flops=value_at(view.flops[row], default) if known else None,
        acts=value_at(view.acts[row], default) if known else None,
        weights=4 * count.params if known else None,
        memory=int(view.written[row]) if known else None,
        fields=_fields(row.tracks, names),
    )


def _shape(type: TensorType, view: View) -> Shape:
    universal = view.sizes.universal
    return tuple(
        None
        if isinstance(size, Dim) and any(s.name in universal for s in size.symbols)
        else evaluate(size, view.sizes.default)
        for size in type.dims
    )


def _fields(tracks: Any, names: list[str]) -> tuple[FieldNumbers, ...]:
    found = []
    for t in tracks:
        f = t.field
        numbers = (f.size, f.stride, f.padding, f.centre, f.spread, f.smallest)
        found.append(FieldNumbers(names[t.input], t.axis, *numbers, f.status.text, f.cause))
    return tuple(found)


def _first_field(found: tuple[FieldNumbers, ...]) -> dict[str, object]:
    first = found[0] if found else None
    return {
        "field": float(first.size) if first else None,
        "stride": float(first.stride) if first else None,
        "field_status": first.status if first else None,
    }
