"""The numbers of a network as typed records for Python: what `Network.stats()` gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dslc.analysis.amounts import whole, words
from dslc.analysis.cost import value_at
from dslc.analysis.metrics import METRICS, QUANTITIES, Work, by_layer
from dslc.analysis.training import OPTIMIZERS, PRECISIONS
from dslc.ir.model import Model
from dslc.reports.columns import View
from dslc.reports.groups import GROUPINGS, wrong_grouping
from dslc.reports.json import stats_json
from dslc.reports.ports import Shape, default_shape
from dslc.reports.rendered import chosen_sections, rendered, wrong_column
from dslc.reports.sections import Section
from dslc.reports.stats import Row, Stats
from dslc.types.dim import evaluate
from dslc.types.dtypes import DTypeLike

if TYPE_CHECKING:
    import pandas

    from dslc.analysis.devices import Device


TYPED = ("params", "buffers", "train_only", "macs", "flops", "acts", "weights", "memory")
"""Numbers of a layer that have a field of their own in its record, with a type."""


@dataclass(frozen=True, slots=True)
class FieldNumbers:
    """A receptive field along one axis of one input, in places of that input.

    `input` and `axis` say of what. `size` places are seen, fields of neighbours lie `stride` apart, and the first one
    begins `padding` before the input, with its middle at `centre`; `smallest` is the field of the smallest path through
    the network, `spread` how far the middles of paths lie apart. `status` is `exact`, or says why it is less; `cause`
    names what is behind that.
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

    `path` is its name in the network, `op` what it is, `depth` how deep it lies; `needed` says whether evaluation needs
    it. `outputs` are the shapes of its results at the default sizes, `fields` their receptive fields. `params` are
    trained and used by evaluation, `train_only` only by training, `buffers` are not trained; `weights` are the bytes of
    `params` in float32. `macs` are multiply-adds, `flops` all operations, `acts` the elements that convolutions and
    matrix products write; `memory` the bytes of new buffers at inference. All of these are none for a user's module
    that does not state what it costs, and for a part with one in it. `numbers` has these and every other number of a
    layer by name.
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
    numbers: Mapping[str, int | float | None]


@dataclass(frozen=True, slots=True)
class TrainingNumbers:
    """Bytes of one training step with an optimiser and a precision, as the backward pass begins.

    `optimizer`, `precision` and `batch` say of what. `weights` and `gradients` are those of trained tensors, `buffers`
    what is not trained; `saved` is what is kept for the backward pass, `state` the optimiser's, `master` the copy of
    the weights in 32 bits of mixed precision, `total` all of it. `largest_batch` is what `fit` holds: none without
    `fit`, and where the batch changes nothing.
    """

    optimizer: str
    precision: str
    batch: int
    weights: int
    gradients: int
    master: int
    state: int
    buffers: int
    saved: int
    total: int
    largest_batch: int | None


class NetworkStats:
    """All numbers of a network, as `Network.stats()` gives them; `str()` is the text that `dslc stats` prints.

    - `layers`: a `LayerNumbers` for each layer and part, in program order
    - `totals`: numbers of the whole network by name: `params`, `macs`, `flops`, `acts`, `weights_memory`,
      `activation_memory`, `peak_memory`, `onnx_peak_memory` (bytes), `receptive_field` (places)
    - `fields`: the receptive fields of each result, by its name
    - `sizes`: the default sizes by name
    - `unknown`: uses of modules that state no costs; totals are lower bounds where there are any
    - `training`: a `TrainingNumbers` for each optimiser and precision, with `train` or `fit`
    - `seconds`: the least time on the device, in seconds; none without one

    ```python
    stats = dslc.compile("net.dl", net="small").stats(train=True, batch=32)
    print(stats.totals["macs"], stats.at("macs", H=96, W=96))
    print(min(choice.total for choice in stats.training))
    ```
    """

    def __init__(
        self,
        model: Model,
        *,
        batch: int = 1,
        inplace: bool = True,
        train: bool = False,
        optimizer: Collection[str] = (),
        precision: Collection[str] = (),
        fit: int | None = None,
        device: Device | None = None,
        dtype: DTypeLike = "float32",
        tool: str | None = None,
        verbose: bool = False,
    ) -> None:
        self._stats = Stats(model, batch=batch, inplace=inplace, device=device, dtype=dtype)
        optimizers, precisions = tuple(optimizer) or tuple(OPTIMIZERS), tuple(precision) or PRECISIONS
        self._asked: dict[str, Any] = {
            "train": train,
            "fit": fit,
            "optimizer": optimizers,
            "precision": precisions,
            "tool": tool,
            "verbose": verbose,
        }
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
        wanted = [(o, p) for p in precisions for o in optimizers] if train or fit else []
        self.training = tuple(_training(self._stats, *choice, fit) for choice in wanted)
        roofline = self._stats.roofline
        self.seconds = None if roofline is None else roofline.seconds

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """What a notebook shows: totals, and a table of layers."""
        from dslc.reports.html import stats_html

        return stats_html(self)

    def __repr__(self) -> str:
        return f"<NetworkStats of {self.net}: {len(self.layers)} rows>"

    def at(self, quantity: str, **sizes: int) -> int:
        """`macs`, `flops` or `acts` of one sample at other input sizes: `at("macs", H=384, W=384)`.

        - `quantity`: which of them
        - `sizes`: other sizes by name; those left out are at their defaults

        From the expression, so it is exact without compiling again. Raises ValueError for another quantity, an
        unknown size, and a size that the network does not allow.
        """
        table = self._stats.model.sizes
        work = {m.name: m.adds for m in METRICS.values() if isinstance(m.adds, Work) and m.of_net is not None}
        if quantity not in work:
            raise ValueError(f"`{quantity}` has no expression; choose from {', '.join(work)}")
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
        return value_at(work[quantity].total(self._stats), at)

    def text(
        self,
        *,
        columns: str | Collection[str] = (),
        depth: int | None = None,
        sort: str | None = None,
        fold: bool = True,
        symbolic: bool = False,
        markdown: bool = False,
        top: int | None = None,
        idle: bool = False,
        by: str | None = None,
    ) -> str:
        """The report as `dslc stats` prints it.

        - `columns`: names of columns with commas between them, or several; `dslc stats --help` lists them
        - `depth`: close parts so many levels deep, and show their sums
        - `sort`: a column; layers alone, the greatest in it first
        - `fold`: equal parts one after the other as one, with `x12`
        - `symbolic`: sizes and counts as expressions in the input's sizes
        - `markdown`: as Markdown
        - `top`: so many layers alone, the greatest in `sort` or in multiply-adds
        - `idle`: layers that do nothing too: the identity, dropout with p = 0
        - `by`: "kind" or "block": totals by kind of layer or by block in the place of the layers

        Raises `ValueError` for a column that is not there, or that needs a device.
        """
        named = words("columns", columns)
        for name in (*named, *([sort] if sort else [])):
            if said := wrong_column(name, self._stats, "a device: `stats(device=..)`"):
                raise ValueError(said)
        if by is not None and by not in GROUPINGS:
            raise ValueError(f"`by` is {' or '.join(GROUPINGS)}, not {by!r}")
        if by is not None and (said := wrong_grouping(named, self._stats.device is not None)):
            raise ValueError(said)
        first = None if top is None else whole("top", top)
        form = "markdown" if markdown else "text"
        levels = None if depth is None else whole("depth", depth)
        layout: dict[str, Any] = {"depth": levels, "sort": sort, "fold": fold, "symbolic": symbolic}
        layout |= {"top": first, "idle": idle, "by": by}
        return rendered(self._stats, self._sections, form=form, columns=named, **layout)

    @cached_property
    def _sections(self) -> list[Section]:
        return chosen_sections(self._stats, **self._asked)

    def to_json(self) -> str:
        """The document of `dslc stats --format json`; its schema is stable."""
        return stats_json(self._stats, self._sections)

    def to_csv(self) -> str:
        """The table of `dslc stats --format csv`: every column, nothing folded."""
        return rendered(self._stats, (), form="csv")

    def to_records(self) -> list[dict[str, Any]]:
        """A dict per row, for tables of any library; receptive fields are nested."""
        return [_record(layer) for layer in self.layers]

    def to_pandas(self) -> pandas.DataFrame:
        """A frame with a row per layer, indexed by path. Raises ImportError where pandas is not installed."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError("`to_pandas` needs pandas: pip install pandas") from error
        rows = [{**_record(layer, nested=False), **_first_field(layer.fields)} for layer in self.layers]
        return pandas.DataFrame(rows).set_index("path")


def _record(layer: LayerNumbers, *, nested: bool = True) -> dict[str, Any]:
    """A layer as a dict, numbers without a field of their own behind those that have one; `nested`: with fields."""
    found = {f.name: getattr(layer, f.name) for f in fields(LayerNumbers) if f.name not in ("fields", "numbers")}
    found |= {name: number for name, number in layer.numbers.items() if name not in found}
    return {**found, "fields": tuple(asdict(field) for field in layer.fields)} if nested else found


def _layer(row: Row, view: View, names: list[str]) -> LayerNumbers:
    counted = {m.column: view.numbers(m)[row] if row.known else None for m in by_layer(device=False, asked=False)}
    own = {name: counted[name] for name in TYPED}
    return LayerNumbers(
        path=row.path,
        op=row.op,
        depth=row.depth,
        part=row.is_part,
        needed=row.needed.value,
        outputs=tuple(default_shape(type, view.sizes) for type in row.outs),
        fields=_fields(row.tracks, names),
        numbers=counted,
        **{name: None if number is None else int(number) for name, number in own.items()},
    )


def _training(stats: Stats, optimizer: str, precision: str, fit: int | None) -> TrainingNumbers:
    found = stats.training.memory(stats.batch, optimizer, precision)
    parts = (found.weights, found.gradients, found.master, found.state, found.buffers, found.saved, found.total)
    largest = None if fit is None else stats.training.fit(fit, optimizer, precision).batch
    return TrainingNumbers(optimizer, precision, stats.batch, *parts, largest)


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
