"""The columns of `dslc stats`: how each shows a row as text, and what it is worth as a number or a word.

A column that a row has nothing to say in is empty as text and none as value; what is not known is `?`, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from dslc.analysis.cost import Terms, Values, core_flops
from dslc.analysis.field import Field
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
Raw: TypeAlias = "Callable[[Row, View], int | float]"

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

    @cached_property
    def macs(self) -> dict[Row, Terms]:
        return {row: row.terms for row in self.stats.rows}

    @cached_property
    def flops(self) -> dict[Row, Terms]:
        return self.stats.summed_terms({use: cost.flops for use, cost in self.stats.cost.nodes.items()})

    @cached_property
    def core(self) -> dict[Row, Terms]:
        return self.stats.summed_terms({use: core_flops(cost.terms) for use, cost in self.stats.cost.nodes.items()})

    @cached_property
    def acts(self) -> dict[Row, Terms]:
        return self.stats.summed_terms({use: cost.acts for use, cost in self.stats.cost.nodes.items()})

    @cached_property
    def written(self) -> Mapping[Row, int | float]:
        return self.stats.summed({use: memory.written for use, memory in self.stats.memory.nodes.items()})

    @cached_property
    def all_written(self) -> int | float:
        """Bytes of all new buffers."""
        return sum(self.written[row] for row in self.stats.rows if row.depth == 0 and row.needed is Needed.ALWAYS)

    @cached_property
    def kept(self) -> Mapping[Row, int | float]:
        return self.stats.summed(self.stats.training.kept.by_use(), training=True)

    @cached_property
    def seconds(self) -> Mapping[Row, int | float]:
        assert self.stats.roofline is not None
        return self.stats.summed({use: bound.seconds for use, bound in self.stats.roofline.bounds.items()})

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


def counted(raw: Callable[[Row, View], int | float], shown: Callable[[object], str] = grouped) -> Rules:
    """Value and text of a number that is only a lower bound where a user's module does not state its own."""

    def value(row: Row, view: View) -> Cell:
        return raw(row, view) if row.known else None

    return value, lambda row, view: lower_bound(shown(raw(row, view)), row.known)


def summed(terms: Callable[[View], Mapping[Row, Terms]]) -> Rules:
    """`counted` for a sum that depends on sizes, as an expression where that is asked for."""

    def raw(row: Row, view: View) -> int:
        return view.values.of(terms(view)[row])

    value, plain = counted(raw)

    def text(row: Row, view: View) -> str:
        found = terms(view)[row]
        return terms_text(found, view.sizes) if view.symbolic and any(found) else plain(row, view)

    return value, text


def share_of(total: Callable[[View], int | float], own: Raw) -> Rules:
    """A row's part of a total, as a bar; none where not all of it is known."""

    def value(row: Row, view: View) -> Cell:
        if view.stats.cost.unknown or row.needed is not Needed.ALWAYS:
            return None
        whole = total(view)
        return own(row, view) / whole if whole else 0.0

    def text(row: Row, view: View) -> str:
        share = value(row, view)
        return bar_text(share) if isinstance(share, float) else ""

    return value, text


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


def time(row: Row, view: View) -> Cell:
    """Least seconds on the device."""
    return float(view.seconds[row])


def time_text(number: object) -> str:
    """Seconds with their unit."""
    return seconds_text(float(number)) if isinstance(number, int | float) else ""


def bound_word(row: Row, view: View) -> str:
    """What holds the row back: `compute` or `memory`."""
    bound = view.bound(row)
    return bound.limit if bound is not None and bound.seconds else ""


def named(name: str, heading: str, doc: str, rules: Rules) -> Column:
    """A column of numbers."""
    return Column(name, heading, doc, rules[0], rules[1])


def adding(
    name: str, heading: str, doc: str, raw: Raw, shown: Callable[[object], str] = grouped, *, training: bool = False
) -> Column:
    """A column of numbers that add up over rows."""
    value, text = counted(raw, shown)
    return Column(name, heading, doc, value, text, raw=raw, shown=shown, training=training)


def growing(name: str, heading: str, doc: str, terms: Callable[[View], Mapping[Row, Terms]]) -> Column:
    """A column of sums that depend on sizes."""

    def raw(row: Row, view: View) -> int:
        return view.values.of(terms(view)[row])

    value, text = summed(terms)
    return Column(name, heading, doc, value, text, raw=raw)


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("op", "op", "the op, or the block's name", op_text, op_text, numeric=False),
        Column("output", "output", "shapes of the results", shapes, shapes, numeric=False),
        adding("params", "params", "trained elements that evaluation uses", lambda r, v: r.count.params,
               training=True),
        adding("buffers", "buffers", "elements of running statistics and other state", lambda r, v: r.count.buffers,
               training=True),
        adding("train_only", "train-only", "trained elements that only training uses",
               lambda r, v: r.count.train_only, training=True),
        adding("weights", "weights", "bytes of `params` in float32", lambda r, v: 4 * r.count.params, bytes_text,
               training=True),
        growing("macs", "MACs", "multiply-adds", lambda v: v.macs),
        growing("core_flops", "core FLOPs", "two per multiply-add", lambda v: v.core),
        growing("flops", "FLOPs", "two per multiply-add and all other operations", lambda v: v.flops),
        growing("acts", "acts", "elements that linear maps write", lambda v: v.acts),
        adding("memory", "memory", "bytes of new buffers, in place where possible", lambda r, v: v.written[r],
               bytes_text),
        adding("saved", "saved", "bytes that training keeps for the backward pass", lambda r, v: v.kept[r],
               bytes_text, training=True),
        named("share", "share of MACs", "part of all multiply-adds",
              share_of(lambda v: v.stats.cost.macs, lambda r, v: r.macs)),
        named("share_params", "share of params", "part of all trained elements that evaluation uses",
              share_of(lambda v: v.stats.cost.count.params, lambda r, v: r.count.params)),
        named("share_memory", "share of memory", "part of the bytes of all new buffers",
              share_of(lambda v: v.all_written, lambda r, v: v.written[r])),
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
        Column("time", "time", "least time on the device", time, lambda r, v: seconds_text(float(v.seconds[r])),
               device=True, raw=lambda r, v: float(v.seconds[r]), shown=time_text),
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
