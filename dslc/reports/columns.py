"""The columns of `dslc stats`: how each shows a row as text, and what it is worth as a number or a word.

A column that a row has nothing to say in is empty as text and none as value; what is not known is `?`, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeAlias

from dslc.analysis.cost import Terms, Values
from dslc.analysis.field import Field
from dslc.analysis.metrics import METRICS, Elements, Metric, PerUse, Unit, Work, by_layer, unit_text
from dslc.ir.walk import Needed
from dslc.record import frozen
from dslc.reports.numbers import bytes_text, field_text, grouped, number_text, seconds_text, size_text, terms_text
from dslc.reports.stats import Row, Stats
from dslc.types.dim import evaluate
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType

if TYPE_CHECKING:
    from dslc.analysis.density import Density
    from dslc.analysis.roofline import Bound

Cell: TypeAlias = int | float | Fraction | str | None
Rules: TypeAlias = "tuple[Callable[[Row, View], Cell], Callable[[Row, View], str]]"
"""Value and text of a column."""

SHARES = ("share", "share_params", "share_memory")
"""Columns of parts of a total, with a bar."""

BAR = "▏▎▍▌▋▊▉█"
BAR_WIDTH = 6
"""Cells of a bar that stands for everything."""


class View:
    """Rows with what their columns need, each computed when a column first asks."""

    def __init__(self, stats: Stats, *, symbolic: bool = False) -> None:
        self.stats = stats
        self.symbolic = symbolic
        self.sizes = stats.model.sizes
        self.values = Values(self.sizes.default)
        self._shapes: dict[TensorType, str] = {}
        self._fields: dict[Row, str] = {}
        self._terms: dict[str, Mapping[Row, Terms]] = {}
        self._numbers: dict[str, Mapping[Row, int | float]] = {}

    def shape(self, type: TensorType) -> str:
        """`shape_text`, written once for equal types."""
        text = self._shapes.get(type)
        if text is None:
            text = self._shapes[type] = shape_text(type, self.sizes, self.symbolic)
        return text

    def field(self, row: Row) -> str:
        """`field_text` of a row's result, written once."""
        text = self._fields.get(row)
        if text is None:
            text = self._fields[row] = field_text(row.tracks)
        return text

    def terms(self, metric: Metric) -> Mapping[Row, Terms]:
        """A number that grows with sizes, of every row."""
        found = self._terms.get(metric.name)
        if found is None:
            assert isinstance(metric.adds, Work), f"`{metric.name}` has no expression"
            own = {use: metric.adds.of(cost) for use, cost in self.stats.cost.nodes.items()}
            found = self._terms[metric.name] = self.stats.summed_terms(own)
        return found

    def numbers(self, metric: Metric) -> Mapping[Row, int | float]:
        """A number of every row; a part has the sum over what is in it."""
        found = self._numbers.get(metric.name)
        if found is None:
            match metric.adds:
                case Elements(of):
                    found = {row: of(row.count) for row in self.stats.rows}
                case Work():
                    found = {row: self.values.of(terms) for row, terms in self.terms(metric).items()}
                case PerUse(of):
                    found = self.stats.summed(of(self.stats), training=metric.training)
                case None:
                    raise AssertionError(f"`{metric.name}` does not add up")
            self._numbers[metric.name] = found
        return found

    @cached_property
    def densities(self) -> dict[Row, tuple[Density, ...]]:
        from dslc.analysis.density import densities

        made = {step.node: step.outs[0] for step in self.stats.flat.steps if step.outs}
        rows = {row: made[row.use] for row in self.stats.rows if row.use in made and row.tracks}
        found = densities(self.stats.model, self.stats.flat, rows.values())
        return {row: found[value] for row, value in rows.items()}

    def bound(self, row: Row) -> Bound | None:
        """What holds a row back on the device; none for parts."""
        roofline = self.stats.roofline
        return roofline.bounds.get(row.use) if roofline is not None and row.use is not None else None


@frozen
class Column:
    """A column by its name on the command line. `device`: it needs a device to be named.

    `raw` is the number of a row that adds up over rows; `training`: what only training computes counts too.
    """

    name: str
    heading: str
    doc: str
    value: Callable[[Row, View], Cell]
    text: Callable[[Row, View], str]
    device: bool = False
    numeric: bool = True
    raw: Callable[[Row, View], int | float] | None = None
    shown: Callable[[object], str] = grouped
    training: bool = False

    @property
    def left(self) -> bool:
        """Whether its texts stand at the left: words do, and bars."""
        return not self.numeric or self.name in SHARES


# ---- words


def shape_text(type: TensorType, sizes: Sizes, symbolic: bool = False) -> str:
    """A type at the default sizes, `[N, 64, 112, 112]`; universal sizes keep their names."""
    words = []
    for size in type.dims:
        if isinstance(size, int):
            words.append(str(size))
        elif symbolic or any(s.name in sizes.universal for s in size.symbols):
            words.append(size_text(size, sizes))
        else:
            words.append(str(evaluate(size, sizes.default)))
    text = f"[{', '.join(words)}]"
    return text if type.dtype.is_float else f"{type.dtype.value}{text}"


def shapes(row: Row, view: View) -> str:
    """The types of a row's results."""
    return ", ".join(map(view.shape, row.outs))


def op_text(row: Row, view: View) -> str:
    """The op, with a word for what evaluation does not compute."""
    return row.op if row.needed is not Needed.TRAINING else f"{row.op} (training)"


# ---- numbers


def bar_text(share: float) -> str:
    """`███▌ 58.3%`: a bar of at most BAR_WIDTH cells in eighths."""
    eighths = round(share * BAR_WIDTH * 8)
    whole, rest = divmod(eighths, 8)
    bar = BAR[-1] * whole + (BAR[rest - 1] if rest else "")
    return f"{bar.ljust(BAR_WIDTH)} {share:6.1%}" if share else ""


def lower_bound(text: str, known: bool) -> str:
    """A number's text; of a part with something unknown in it `>=7`, and `?` where nothing is known."""
    return text if known else f">={text}" if text else "?"


def of_metric(metric: Metric) -> Column:
    """The column of a number that adds up over rows: an expression where that is asked for and it has one."""
    shown = partial(amount_text, unit=metric.unit)

    def raw(row: Row, view: View) -> int | float:
        return view.numbers(metric)[row]

    def value(row: Row, view: View) -> Cell:
        if not row.known and not metric.device:
            return None
        return float(raw(row, view)) if metric.unit == "s" else raw(row, view)

    def text(row: Row, view: View) -> str:
        if view.symbolic and isinstance(metric.adds, Work) and any(terms := view.terms(metric)[row]):
            return terms_text(terms, view.sizes)
        return lower_bound(shown(raw(row, view)), row.known or metric.device)

    named = (metric.column, metric.column_heading, metric.doc)
    return Column(*named, value, text, metric.device, raw=raw, shown=shown, training=metric.training)


def amount_text(number: object, *, unit: Unit) -> str:
    """A number with its unit; nothing for none and zero."""
    if unit == "s":
        return seconds_text(float(number)) if isinstance(number, int | float) else ""
    if unit == "B":
        return bytes_text(number)
    text = grouped(number)
    return f"{text}{unit_text(unit)}" if text else ""


def share_of(name: str, of: str, doc: str) -> Column:
    """The column of a row's part of a total, as a bar; none where not all of it is known."""
    metric = METRICS[of]

    def value(row: Row, view: View) -> Cell:
        if view.stats.cost.unknown or row.needed is not Needed.ALWAYS:
            return None
        whole = metric.of_net(view.stats) if metric.of_net is not None else None
        return float(view.numbers(metric)[row] / whole) if whole else 0.0

    def text(row: Row, view: View) -> str:
        share = value(row, view)
        return bar_text(share) if isinstance(share, float) else ""

    return Column(name, f"share of {metric.column_heading}", doc, value, text)


# ---- receptive fields


def fields_of(row: Row) -> list[Field]:
    """The fields of a row's first result, one per axis of each input."""
    return [track.field for track in row.tracks]


def along_axes(numbers: list[str]) -> str:
    """Numbers of axes, once if they are equal: `32`, `3x1`."""
    return numbers[0] if len(set(numbers)) == 1 else "x".join(numbers)


def of_field(read: Callable[[Field], int | Fraction]) -> Rules:
    """Value (the greatest over axes) and text of a number of a field."""

    def value(row: Row, view: View) -> Cell:
        return max((read(f) for f in fields_of(row)), default=None)

    def text(row: Row, view: View) -> str:
        numbers = [number_text(read(f)) for f in fields_of(row)]
        return along_axes(numbers) if numbers else ""

    return value, text


def local_text(row: Row, view: View) -> str:
    """The field by paths that do not see everything."""
    numbers = [number_text(f.size) for f in fields_of(row) if f.local]
    return along_axes(numbers) if numbers else ""


def local_size(row: Row, view: View) -> Cell:
    """The field by local paths, the greatest over axes."""
    return max((f.size for f in fields_of(row) if f.local), default=None)


def status_text(row: Row, view: View) -> str:
    """How far the field can be trusted, and why not further: `global (gap)`."""
    worst = max(fields_of(row), key=lambda f: f.status, default=None)
    if worst is None:
        return ""
    text = worst.verdict
    return f"{text} ({worst.cause})" if worst.cause and worst.cause not in text else text


def density(row: Row, view: View) -> Cell:
    """The part of the field that is really read: the least over axes."""
    found = [d.value for d in view.densities.get(row, ()) if d.value is not None]
    return min(found, default=None)


def density_text(row: Row, view: View) -> str:
    """`0.444`, `?` where it is not known."""
    if row not in view.densities:
        return ""
    part = density(row, view)
    return f"{float(part):.3f}".rstrip("0").rstrip(".") if isinstance(part, int | Fraction) else "?"


# ---- a device


def intensity(row: Row, view: View) -> Cell:
    """Multiply-adds per byte moved."""
    bound = view.bound(row)
    return bound.intensity if bound is not None else None


def intensity_text(row: Row, view: View) -> str:
    number = intensity(row, view)
    return f"{number:.1f}" if isinstance(number, float) and number else ""


def bound_word(row: Row, view: View) -> str:
    """What holds the row back: `compute` or `memory`."""
    bound = view.bound(row)
    return bound.limit if bound is not None and bound.seconds else ""


def named(name: str, heading: str, doc: str, rules: Rules) -> Column:
    """A column of numbers."""
    return Column(name, heading, doc, rules[0], rules[1])


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("op", "op", "the op, or the block's name", op_text, op_text, numeric=False),
        Column("output", "output", "shapes of the results", shapes, shapes, numeric=False),
        *(of_metric(metric) for metric in by_layer(device=False)),
        share_of("share", "macs", "part of all multiply-adds"),
        share_of("share_params", "params", "part of all trained elements that evaluation uses"),
        share_of("share_memory", "activation_memory", "part of the bytes of all new buffers"),
        named("field", "field", "receptive field along each axis; `all (n)`: all, n without the layers that see all",
              (of_field(lambda f: f.size)[0], lambda r, v: v.field(r))),
        named("rf_local", "local", "receptive field by paths that do not see everything",
              (local_size, local_text)),
        named("stride", "stride", "places of the input between two neighbours", of_field(lambda f: f.stride)),
        named("padding", "padding", "places before the input where the first field begins",
              of_field(lambda f: f.padding)),
        named("centre", "centre", "place of the input in the middle of the first field", of_field(lambda f: f.centre)),
        named("spread", "spread", "places between the centres of the paths; 0: aligned", of_field(lambda f: f.spread)),
        named("smallest", "smallest", "receptive field of the smallest path", of_field(lambda f: f.smallest)),
        named("density", "density", "part of the field that is really read, less than 1 where dilation skips places",
              (density, density_text)),
        Column("status", "status", "how far the field can be trusted, and why", status_text, status_text,
               numeric=False),
        Column("intensity", "MACs/B", "multiply-adds per byte moved", intensity, intensity_text, device=True),
        Column("bound", "bound", "what holds the layer back: compute or memory", bound_word, bound_word,
               device=True, numeric=False),
        *(of_metric(metric) for metric in by_layer(device=True) if metric.device),
    )
}  # fmt: skip
"""By name, in the order of the help text. The first column, the layer, is always there."""


def summable(device: bool) -> tuple[str, ...]:
    """The columns that add up over rows."""
    return tuple(name for name, c in COLUMNS.items() if c.raw is not None and (device or not c.device))


def grouped_text(name: str, number: float, known: bool) -> str:
    """A sum of a column's numbers as text; of a sum in which something is unknown a lower bound."""
    return lower_bound(COLUMNS[name].shown(number), known)


DEFAULT = ("op", "output", "params", "macs", "share", "field")
WITH_DEVICE = ("op", "output", "params", "macs", "intensity", "bound", "time")


def shown_columns(stats: Stats) -> tuple[Column, ...]:
    """The columns of a report for which none were chosen; what only training uses has its own where there is some."""
    names = list(DEFAULT if stats.device is None else WITH_DEVICE)
    if stats.cost.count.train_only:
        names.insert(names.index("params") + 1, "train_only")
    return tuple(COLUMNS[name] for name in names)
