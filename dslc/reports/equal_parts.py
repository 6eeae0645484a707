"""Which parts of a network are equal to the one before them and go on from it, for pictures that draw one of them."""

from __future__ import annotations

from dslc.analysis.layer_tree import attribute_text
from dslc.ir.model import Call, Instance, Model, Node, Param, Value
from dslc.ir.walk import Flat, Step
from dslc.ops.base import Op
from dslc.record import entity
from dslc.reports.repeats import Piece, Tree, chains


@entity
class Equals:
    """Runs of equal parts, by the first of each, and which step each step of the others is drawn as, by number."""

    runs: dict[Instance, list[Instance]]
    drawn_as: dict[int, int]


def equal_parts(model: Model, flat: Flat) -> Equals:
    """The runs of a network in which each part reads what the one before it gives, and nothing else reads that.

    Equal parts have the same definition and arguments, and in them the same names, attributes, types, tensors and
    joints. Linear in the steps and the nesting.
    """
    pieces: list[Piece] = []
    rows: dict[Instance, int] = {}
    parts: dict[int, Instance] = {}
    step_rows: list[int] = []
    for step in flat.steps:
        owner = step.node.instance.parent if isinstance(step.node, Call) else step.node.owner
        for part in unseen_around(owner, model.root, rows):
            rows[part] = len(pieces)
            parts[len(pieces)] = part
            pieces.append(Piece(rows.get(part.parent, -1) if part.parent else -1, part.name, part_kind(part)))
            for name, param in part.params.items():
                pieces.append(Piece(rows[part], name, tensor_kind(param), (), (param,)))
        step_rows.append(len(pieces))
        pieces.append(step_piece(step, rows.get(owner, -1) if owner else -1))
    found = Equals({}, {})
    by_row = {row: i for i, row in enumerate(step_rows)}
    for run in chains(Tree(pieces), [source(flat.resolve(value)) for value in model.root.outputs]):
        first, *others = run.parts
        found.runs[parts[first]] = [parts[row] for row in run.parts]
        for other in others:
            for row in range(other, other + run.length):
                if row in by_row:
                    found.drawn_as[by_row[row]] = by_row[first + row - other]
    for i in sorted(found.drawn_as):  # what stands for it may itself be in a run within the first part
        found.drawn_as[i] = found.drawn_as.get(found.drawn_as[i], found.drawn_as[i])
    return found


def unseen_around(owner: Instance | None, root: Instance, seen: dict[Instance, int]) -> list[Instance]:
    """The parts around a step that have no row yet, outermost first."""
    new = []
    while owner is not None and owner is not root and owner not in seen:
        new.append(owner)
        owner = owner.parent
    return new[::-1]


def step_piece(step: Step, parent: int) -> Piece:
    """A use of an op: it makes its results and has its tensors, which others may be tied to."""
    name = step.path.rpartition(".")[2].partition("@")[0]
    reads = [source(value) for value in (*step.inputs, *step.tied.values())]
    owned = step.node.params.values() if isinstance(step.node, Node) and step.node.first is None else ()
    return Piece(parent, name, step_kind(step), reads, (*step.outs, *owned))


def source(value: Value) -> Value | Param:
    """What is read: a declared tensor is the same for all who read it."""
    return value.producer if isinstance(value.producer, Param) else value


def part_kind(part: Instance) -> object:
    """What a part is but for its name and what is in it."""
    args = tuple((name, attribute_text(const)) for name, const in part.args.items())
    return part.definition, part.kind, args, part.first is None, tuple(map(tensor_kind, part.params.values()))


def step_kind(step: Step) -> object:
    """What a use of an op is but for its name and what it reads."""
    node, outs = step.node, tuple(value.type for value in step.outs)
    if isinstance(node, Call):
        return part_kind(node.instance), step.needed, outs
    tensors = tuple(map(tensor_kind, node.params.values()))
    return op_kind(node.op), step.needed, outs, tuple(step.tied), node.first is None, tensors


def op_kind(op: Op) -> object:
    """An op with all its attributes."""
    values = ((name, getattr(op, name)) for name in op.attributes)
    return type(op), tuple(
        (name, op_kind(value) if isinstance(value, Op) else attribute_text(value)) for name, value in values
    )


def tensor_kind(param: Param) -> object:
    """A tensor that a part or an op owns."""
    return param.name, param.spec.kind, param.spec.shape, param.spec.dtype
