"""The tree of layers for the page: parts, uses of ops and declared tensors, each with what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping

from dslc.analysis.cost import Use, symbols_of
from dslc.analysis.layer_tree import attribute_text
from dslc.analysis.measure import batch_names
from dslc.analysis.metrics import Elements, Metric, PerUse, Work, by_layer
from dslc.analysis.receptive import Fields, Tracks
from dslc.analysis.support import Support
from dslc.ir.model import Node, Param, Value
from dslc.ir.walk import Needed
from dslc.ops.arithmetic import Binary
from dslc.reports.repeats import Piece, Tree, runs
from dslc.reports.report.places import Places
from dslc.reports.report.pool import Pool
from dslc.reports.report.steps import Steps
from dslc.reports.stats import Row, Stats
from dslc.reports.words import SIGNS, op_words, part_words
from dslc.types.cost import Cost
from dslc.types.dim import Atom, Size, substitute, symbol

Json = dict[str, object]

REPLAYED = ("memory", "time")
"""Numbers of layers that the page gets by replaying the steps."""


class Layers:
    """The rows of a network as plain data, in program order; a row's `parent` is the number of the part around it."""

    def __init__(self, stats: Stats, pool: Pool, steps: Steps, places: Places, fields: Fields) -> None:
        self.stats, self.pool, self.steps, self.places, self.fields = stats, pool, steps, places, fields
        self.metrics = [metric for metric in by_layer(device=False) if metric.column not in REPLAYED]
        self.numbers = [self.by_use(metric) for metric in self.metrics]
        self.step_of = {step.node: i for i, step in enumerate(stats.flat.steps)}
        self.row_of: dict[Param, int] = {}
        self.records = list(self.rows())

    def by_use(self, metric: Metric) -> Mapping[Use, object]:
        """What each use adds: a number, or what stands for a sum that depends on sizes."""
        if isinstance(metric.adds, Work):
            of = metric.adds.of
            return {use: self.pool.sum(of(cost)) for use, cost in self.stats.cost.nodes.items() if of(cost)}
        if metric.column == "saved":
            return self.saved()
        assert metric.adds is not None
        return metric.adds.by_use(self.stats)

    def saved(self) -> Mapping[Use, object]:
        """The bytes that each use is the first to keep, for one sample."""
        ones: dict[Atom, Size] = {a: 1 for name in batch_names(self.stats.model) for a in symbols_of(symbol(name))}
        found: dict[Use, list[Cost]] = {}
        for tensor in self.stats.training.kept.tensors:
            found.setdefault(tensor.by, []).append(tensor.full.cost)
        total = {use: Cost.total(costs) for use, costs in found.items()}
        return {
            use: self.pool.sum(
                Cost.total(Cost.of(n, (substitute(s, ones) for s in key)) for key, n in cost.terms.items()).terms
            )
            for use, cost in total.items()
        }

    def rows(self) -> list[Json]:
        """All rows."""
        around: list[int] = []
        found: list[Json] = []
        params = {param.path: param for param in self.stats.model.params.values()}
        for row in self.stats.rows:
            del around[row.depth :]
            record = self.row(row)
            if around:
                record["parent"] = around[-1]
            if row.is_part:
                around.append(len(found))
            elif row.use is None:
                record["tensor"] = True
                self.row_of[params[row.path]] = len(found)
            found.append(record)
        for run in runs(Tree([self.piece(row) for row in found])):
            for number in run.parts[1:]:
                found[number]["again"] = True
        return found

    def row(self, row: Row) -> Json:
        """One row; `same` is the number of a record that it shares with rows like it."""
        title, family = words(row)
        found: Json = {"path": row.path}
        same: Json = {"op": row.op, "title": title, "family": family}
        if row.is_part:
            same["part"] = True
        if row.use is None or row.is_part:
            found["outs"] = [self.steps.type(type) for type in row.outs]
        if row.use is not None:
            found["step"] = self.step_of[row.use]
            found["n"] = self.pool.share(
                [n.get(row.use, none(m)) for m, n in zip(self.metrics, self.numbers, strict=True)]
            )
        elif not row.is_part:
            found["n"] = self.pool.share([elements(metric, row) for metric in self.metrics])
        if not row.known:
            same["known"] = False
        if row.needed is not Needed.ALWAYS:
            same["needed"] = row.needed.value
        if isinstance(row.use, Node):
            same["attributes"] = attributes(row.use)
        elif row.part is not None:
            same["attributes"] = {name: attribute_text(const) for name, const in row.part.args.items()}
        places = self.places.of(row)
        found |= {name: self.pool.share(lines) for name, lines in places.items()}
        if row.tracks and (value := self.value(row)) is not None:
            found["field"] = self.pool.share(field_records(row.tracks, self.fields.get(value, ())))
        return found | {"same": self.pool.share(same)}

    def piece(self, row: Json) -> Piece:
        """A row as what `repeats` compares."""
        parent, number = row.get("parent", -1), row.get("step")
        assert isinstance(parent, int)
        step = self.stats.flat.steps[number] if isinstance(number, int) else None
        name = str(row["path"]).rpartition(".")[2]
        return Piece(parent, name, self.kind(row), step.inputs if step else (), step.outs if step else ())

    def kind(self, row: Json) -> object:
        """What a row is but for its name and what it reads; what is kept for training depends on its neighbours."""
        numbers, step = row.get("n"), row.get("step")
        counts = self.pool.shared[numbers] if isinstance(numbers, int) else []
        assert isinstance(counts, list)
        own = [n for metric, n in zip(self.metrics, counts, strict=False) if metric.column != "saved"]
        outs = self.steps.records[step]["outs"] if isinstance(step, int) else []
        assert isinstance(outs, list)
        return row["same"], own, row.get("outs"), [self.steps.values[value][:2] for value in outs]

    def value(self, row: Row) -> Value | None:
        """The first result of a row."""
        if row.use is not None:
            return next(iter(self.stats.flat.steps[self.step_of[row.use]].outs), None)
        outputs = row.part.outputs if row.part is not None else ()
        return self.stats.flat.resolve(outputs[0]) if outputs else None


def elements(metric: Metric, row: Row) -> int:
    """What a declared tensor adds."""
    return metric.adds.of(row.count) if isinstance(metric.adds, Elements) else none(metric)


def is_sized(metric: Metric) -> bool:
    """Whether a number depends on the sizes of the input: it is given as what stands for a sum."""
    return isinstance(metric.adds, Work) or metric.column == "saved"


def is_fixed(metric: Metric) -> bool:
    """Whether a number depends on the sizes of the input in a way that the page does not know."""
    return isinstance(metric.adds, PerUse) and not is_sized(metric)


def none(metric: Metric) -> int:
    """What stands for nothing."""
    return -1 if is_sized(metric) else 0


def attributes(node: Node) -> dict[str, str]:
    """All attributes of an op, as the language writes them."""
    return {name: attribute_text(getattr(node.op, name)) for name in node.op.attributes if name not in node.tied}


def words(row: Row) -> tuple[str, str]:
    """What stands in a row's box, and the name of its colours: `conv(64, 3)`, `+`."""
    if row.part is not None:
        return titled(*part_words(row.part)), "part"
    if not isinstance(row.use, Node):
        return f"{row.op} {row.name}", "tensor"
    op, family = row.use.op, type(row.use.op).__module__.rpartition(".")[2]
    if isinstance(op, Binary) and op.name in SIGNS:
        number = attribute_text(op.number) if len(row.use.inputs) == 1 else ""
        return " ".join((number, SIGNS[op.name]) if op.swap else (SIGNS[op.name], number)).strip(), family
    return titled(*op_words(row.use)), family


def titled(name: str, given: list[str]) -> str:
    """A name with its arguments."""
    return f"{name}({', '.join(given)})" if given else name


def field_records(tracks: Tracks, followed: Tracks) -> list[Json]:
    """Fields along the axes of inputs; `mask`: the places that are read, where some between them are not."""
    found = []
    supports = {(track.input, track.axis): track.field.support for track in followed}
    for track in tracks:
        field = track.field
        record: Json = {
            "input": track.input,
            "axis": track.axis,
            "size": str(field.size),
            "stride": str(field.stride),
            "low": str(field.low),
            "status": field.verdict,
        }
        found.append(record | mask(supports.get((track.input, track.axis))))
    return found


def mask(support: Support | None) -> Json:
    """The first place that unit 0 reads, how far a unit's neighbour is, and which places from there on."""
    if support is None:
        return {}
    first, bits = support.masks[0]
    found: Json = {"first": first, "step": support.step, "phases": len(support.masks)}
    full = bits == (1 << bits.bit_length()) - 1
    return found | ({"count": bits.bit_length()} if full else {"mask": f"{bits:x}"})
