"""What `dslc stats` shows, as rows: one for each use of an op, and one for each part that owns some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

from dslc.analysis.cost import Cost, Count, NodeCost, Terms, Use, add_terms
from dslc.analysis.emitted.plan import EmittedMemory, emitted_memory
from dslc.analysis.memory import InferenceMemory, inference_memory
from dslc.analysis.quantities import Numbers
from dslc.analysis.receptive import Fields, Tracks
from dslc.ir.model import Call, Instance, Model, Node
from dslc.ir.walk import Flat, Needed, Step
from dslc.ops.identity import ChannelAxis, Identity
from dslc.ops.regularise import Regulariser
from dslc.record import entity
from dslc.types.dtypes import DTypeLike, rate_type
from dslc.types.tensor import TensorType

if TYPE_CHECKING:
    from dslc.analysis.devices import Device
    from dslc.analysis.roofline import Roofline


@entity
class Row:
    """A line of the tree. Of a part, the numbers are sums over what is in it, as often as it is used.

    `op` is the op's name, the definition's, `seq`, or `param` and `buffer` for a tensor a block declares. `use` is what
    costs are kept under; a part and a declared tensor have none. `part` is the block's or `seq`'s instance.
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
    part: Instance | None = None
    use: Use | None = None

    @property
    def is_part(self) -> bool:
        """Whether it stands for what is in it."""
        return self.part is not None

    @property
    def is_idle(self) -> bool:
        """Whether it is a layer that does nothing, in training either: the identity, dropout with p = 0."""
        op = self.use.op.core if isinstance(self.use, Node) else None
        return isinstance(op, Identity) or (isinstance(op, Regulariser) and getattr(op, "p", None) == 0)


class Stats(Numbers):
    """A network's numbers and the rows of its tree; each is computed when it is first asked for.

    `batch` and `inplace` are for memory and the roofline alone: counts are for one sample. `device` and `dtype` say
    what the roofline is for.
    """

    def __init__(
        self,
        model: Model,
        *,
        batch: int = 1,
        inplace: bool = True,
        device: Device | None = None,
        dtype: DTypeLike = "fp32",
    ) -> None:
        super().__init__(model)
        self.batch, self.inplace, self.device, self.dtype = batch, inplace, device, rate_type(dtype)

    @cached_property
    def memory(self) -> InferenceMemory:
        """Buffers of one run."""
        return inference_memory(self.model, self.flat, inplace=self.inplace, batch=self.batch)

    @cached_property
    def emitted(self) -> EmittedMemory:
        """Memory of one run of the ONNX graph in onnxruntime."""
        return emitted_memory(self.model, self.flat, batch=self.batch)

    @cached_property
    def roofline(self) -> Roofline | None:
        """The least time of every layer on the device; none without one."""
        if self.device is None:
            return None
        from dslc.analysis.roofline import roofline

        return roofline(self.model, self.flat, self.cost, self.device, batch=self.batch, dtype=self.dtype)

    @cached_property
    def rows(self) -> list[Row]:
        """The tree in program order."""
        return rows(self.model, self.flat, self.cost, self.fields)

    @property
    def inputs(self) -> list[tuple[str, TensorType]]:
        """Names and types of the net's inputs."""
        return [(value.name or "it", value.type) for value in self.model.root.inputs]

    @property
    def outputs(self) -> list[tuple[str | None, TensorType, Tracks]]:
        """Names (if any), types and fields of what evaluation gives."""
        return [(name, value.type, self.fields.get(value, ())) for name, value in self.flat.outputs]

    def summed(self, numbers: Mapping[Use, int | float], *, training: bool = False) -> dict[Row, int | float]:
        """Numbers of uses for every row: a part has the sum over what is in it, without what only training computes.

        `training` counts that too.
        """
        found: dict[Row, int | float] = {}
        around: list[Row] = []
        for row in self.rows:
            del around[row.depth :]
            number = numbers.get(row.use, 0) if row.use is not None else 0
            found[row] = number
            if number and (training or row.needed is Needed.ALWAYS):
                for part in around:
                    found[part] += number
            if row.is_part:
                around.append(row)
        return found

    def summed_terms(self, terms: Mapping[Use, Terms]) -> dict[Row, Terms]:
        """`summed` for numbers that depend on sizes."""
        found: dict[Row, Terms] = {}
        around: list[Row] = []
        for row in self.rows:
            del around[row.depth :]
            own = terms.get(row.use, {}) if row.use is not None else {}
            found[row] = dict(own)
            if own and row.needed is Needed.ALWAYS:
                for part in around:
                    add_terms(found[part], own)
            if row.is_part:
                around.append(row)
        return found


def rows(model: Model, flat: Flat, cost: Cost, fields: Fields) -> list[Row]:
    """The tree in program order: a part's row, then its declared tensors, then what it applies."""
    found: list[Row] = list(declared_rows(model.root, 0, cost))
    chains: dict[Instance, tuple[Row, ...]] = {model.root: ()}
    for step in flat.steps:
        if isinstance(step.node, Node) and isinstance(step.node.op, ChannelAxis):
            continue  # no layer: it says something of one
        owner = step.node.instance if isinstance(step.node, Call) else step.node.owner
        for part in unseen_around(owner, chains):
            around = chains[part.parent] if part.parent is not None else ()
            row = part_row(part, len(around), flat, fields)
            chains[part] = (*around, row)
            found.append(row)
            found += declared_rows(part, len(around) + 1, cost)
            for outer in chains[part]:
                add_count(outer.count, cost.declared.get(part, Count()))
        chain = chains[owner]
        here = cost.nodes[step.node]
        if isinstance(step.node, Node):
            found.append(op_row(step, step.node, len(chain), here, fields))
        else:
            chain[-1].use, chain[-1].needed = step.node, step.needed
            chain[-1].tracks = fields.get(step.outs[0], ()) if step.outs else ()
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


def part_row(part: Instance, depth: int, flat: Flat, fields: Fields) -> Row:
    """The row of a block, a `seq` or a user's module; its numbers are added as its ops are met.

    Its field is that of its first result.
    """
    op = part.definition.name if part.definition is not None else "seq"
    outs = tuple(v.type for v in part.outputs)
    tracks = fields.get(flat.resolve(part.outputs[0]), ()) if part.outputs else ()
    return Row(depth, part.name, op, part.path, outs, Count(), tracks=tracks, part=part)


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
        use=node,
    )


def add_up(row: Row, cost: NodeCost) -> None:
    """Count a use into the part around it. What only training computes keeps its own column."""
    add_count(row.count, cost.count)
    row.known = row.known and cost.known
    if cost.needed is Needed.ALWAYS:
        row.macs += cost.macs
        add_terms(row.terms, cost.terms)


def add_count(total: Count, more: Count) -> None:
    """`total += more`."""
    total.params += more.params
    total.buffers += more.buffers
    total.train_only += more.train_only
