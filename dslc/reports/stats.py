"""What `dslc stats` shows, as rows: one for each use of an op, and one for each part that owns some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dslc.analysis.cost import Cost, Count, NodeCost, Terms, costs
from dslc.analysis.receptive import Fields, Tracks, receptive_fields
from dslc.ir.model import Call, Instance, Model, Node
from dslc.ir.walk import Flat, Needed, Step, flatten
from dslc.types.tensor import TensorType


@dataclass(slots=True)
class Row:
    """A line of the tree. Of a part, the numbers are sums over what is in it, as often as it is used.

    `op` is the op's name, the definition's, `seq`, or `param` and `buffer` for a tensor a block declares.
    """

    depth: int
    name: str
    op: str
    path: str
    outs: tuple[TensorType, ...]
    count: Count
    macs: int = 0
    terms: Terms = field(default_factory=dict)
    tracks: Tracks = ()
    needed: Needed = Needed.ALWAYS
    known: bool = True
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Stats:
    """A network with its costs and fields, ready to be printed."""

    model: Model
    flat: Flat
    cost: Cost
    fields: Fields
    rows: list[Row]

    @property
    def inputs(self) -> list[tuple[str, TensorType]]:
        """Names and types of the net's inputs."""
        return [(value.name or "it", value.type) for value in self.model.root.inputs]

    @property
    def outputs(self) -> list[tuple[str | None, TensorType, Tracks]]:
        """Names (if any), types and fields of what evaluation gives."""
        return [(name, value.type, self.fields.get(value, ())) for name, value in self.flat.outputs]


def stats(model: Model) -> Stats:
    """All numbers of a network."""
    flat = flatten(model)
    cost = costs(model, flat)
    fields = receptive_fields(model, flat)
    return Stats(model, flat, cost, fields, rows(model, flat, cost, fields))


def rows(model: Model, flat: Flat, cost: Cost, fields: Fields) -> list[Row]:
    """The tree in program order: a part's row, then its declared tensors, then what it applies."""
    found: list[Row] = list(declared_rows(model.root, 0, cost))
    chains: dict[Instance, tuple[Row, ...]] = {model.root: ()}
    for step in flat.steps:
        owner = step.node.instance if isinstance(step.node, Call) else step.node.owner
        for part in unseen_around(owner, chains):
            around = chains[part.parent] if part.parent is not None else ()
            row = part_row(part, len(around))
            chains[part] = (*around, row)
            found.append(row)
            found += declared_rows(part, len(around) + 1, cost)
            for outer in chains[part]:
                add_count(outer.count, cost.declared.get(part, Count()))
        chain = chains[owner]
        here = cost.nodes[step.node]
        if isinstance(step.node, Node):
            found.append(op_row(step, step.node, len(chain), here, fields))
        for row in chain:
            add_up(row, here)
    return found


def unseen_around(owner: Instance, seen: dict[Instance, tuple[Row, ...]]) -> list[Instance]:
    """The parts around what `owner` applies, itself included, that have no row yet; outermost first."""
    new = []
    part: Instance | None = owner
    while part is not None and part not in seen:
        new.append(part)
        part = part.parent
    return new[::-1]


def part_row(part: Instance, depth: int) -> Row:
    """The row of a block, a `seq` or a user's module; its numbers are added as its ops are met."""
    op = part.definition.name if part.definition is not None else "seq"
    outs = tuple(v.type for v in part.outputs)
    return Row(depth, part.name, op, part.path, outs, Count(), is_part=True)


def declared_rows(part: Instance, depth: int, cost: Cost) -> Iterator[Row]:
    """Rows of the `param` and `buffer` lines of a block."""
    for param in part.params.values():
        if param.spec.kind != "const":
            count = Count()
            count.add(param, param in cost.train_only_params)
            shape = TensorType(param.spec.shape, param.spec.dtype)
            yield Row(depth, param.name, param.spec.kind, param.path, (shape,), count)


def op_row(step: Step, node: Node, depth: int, cost: NodeCost, fields: Fields) -> Row:
    """The row of one use of an op."""
    outs = tuple(v.type for v in step.outs)
    tracks = fields.get(step.outs[0], ()) if step.outs else ()
    return Row(
        depth,
        node.name,
        node.op.name,
        step.path,
        outs,
        cost.count,
        cost.macs,
        cost.terms,
        tracks,
        cost.needed,
    )


def add_up(row: Row, cost: NodeCost) -> None:
    """Count a use into the part around it. What only training computes keeps its own column."""
    add_count(row.count, cost.count)
    row.known = row.known and cost.known
    if cost.needed is Needed.ALWAYS:
        row.macs += cost.macs
        for sizes, number in cost.terms.items():
            row.terms[sizes] = row.terms.get(sizes, 0) + number


def add_count(total: Count, more: Count) -> None:
    """`total += more`."""
    total.params += more.params
    total.buffers += more.buffers
    total.train_only += more.train_only
