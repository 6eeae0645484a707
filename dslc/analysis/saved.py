"""What training keeps from the forward to the backward pass: each distinct tensor once, as PyTorch's autograd does.

The run is the generated module in training. A view (reshape, transpose, slice) keeps the whole tensor it looks into.
What depends on no trained parameter has no gradient and keeps nothing; the net's input is such. The loss is not part
of the network, so what it keeps is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from dslc.analysis.measure import Bytes, Measure
from dslc.ir.model import Call, Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step, flatten
from dslc.ops.counting import NOTHING, Kind, Saved
from dslc.ops.views import extended
from dslc.record import record
from dslc.types.tensor import DType, TensorType

HEADS_INSIDE = frozenset({"sdpa"})
"""Ops whose result `[N, heads, L, d]` PyTorch lays out as `[N, L, heads, d]`, so that joining the heads is a view
(aten/src/ATen/native/transformers/attention.cpp, _scaled_dot_product_flash_attention_cpu)."""


@record
class SavedTensor:
    """A tensor that is kept: its bytes as its types say, and with 16-bit activations. The batch stays a symbol.

    `path`: the step or the input it comes from. `by`: the first use that keeps it. `extra`: neither an input nor a
    result of an op (statistics, indices, masks).
    """

    path: str
    by: Node | Call
    full: Bytes
    half: Bytes
    extra: bool = False


@record
class Kept:
    """All that is kept. `unknown`: uses of user's modules, which may keep more."""

    tensors: tuple[SavedTensor, ...]
    unknown: tuple[str, ...]

    def by_use(self) -> dict[Node | Call, int]:
        """Bytes for one sample that each use is the first to keep; their sum is all that is kept."""
        found: dict[Node | Call, int] = {}
        for tensor in self.tensors:
            found[tensor.by] = found.get(tensor.by, 0) + tensor.full.value
        return found


@record
class _Tensor:
    """One allocation."""

    path: str
    type: TensorType
    heads_inside: bool = False


@record
class _Look:
    """What a value looks into; `strided` if not in the order of its own axes."""

    tensor: _Tensor
    strided: bool = False


def saved_tensors(model: Model, flat: Flat) -> Kept:
    """The tensors that one forward pass in training keeps for the backward pass. Linear in the number of ops.

    `flat` is the network's `walk.flatten`; one for evaluation is made again for training.
    """
    flat = flat if flat.training else flatten(model, training=True)
    measure = Measure(model)
    looks = {value: _Look(_Tensor(value.name or "it", value.type)) for value in model.root.inputs}
    moving: set[Value] = set()  # values with a gradient
    kept: dict[_Tensor, SavedTensor] = {}
    extra: list[SavedTensor] = []
    unknown = []
    for step in flat.steps:
        if step.needed is Needed.NEVER:
            continue
        saved = _saved(step)
        looks.update(_made(step, saved, looks, measure))
        if isinstance(step.node, Call):
            unknown.append(step.path)
        if not _has_gradient(step, moving):
            continue
        moving.update(out for out in step.outs if out.type.dtype.is_float)
        values = [step.inputs[i] for i in _needed(step, saved, moving)] + [step.outs[i] for i in saved.outputs]
        for look in (looks[value] for value in values if value in looks):
            if look.tensor not in kept:
                kept[look.tensor] = _record(look.tensor, step.node, measure)
        for held in saved.extra:
            size = measure.held(held.count, held.sizes, held.dtype)
            extra.append(SavedTensor(step.path, step.node, size, size, extra=True))
    return Kept((*kept.values(), *extra), tuple(unknown))


def _saved(step: Step) -> Saved:
    """What a step keeps where it has a gradient; nothing is known of a user's module."""
    if isinstance(step.node, Call):
        return NOTHING
    return step.node.op.saved(tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs))


def _has_gradient(step: Step, moving: set[Value]) -> bool:
    """Whether a step's results depend on a trained parameter. A user's module may own some."""
    if isinstance(step.node, Call) or any(_trained(param) for param in step.node.params.values()):
        return True
    return any(value in moving or _trained(value.producer) for value in (*step.inputs, *step.tied.values()))


def _trained(producer: object) -> bool:
    return isinstance(producer, Param) and producer.spec.kind == "param" and producer.spec.dtype.is_float


def _needed(step: Step, saved: Saved, moving: set[Value]) -> Iterator[int]:
    """The inputs that are kept. Of factors of a product, one is kept for the gradient of another that has one."""
    moves = [value in moving or _trained(value.producer) for value in step.inputs]
    factors = [i for i in saved.inputs if step.inputs[i].type.dtype.is_float]
    for i in saved.inputs:
        if len(factors) < 2 or i not in factors or any(move for k, move in enumerate(moves) if k != i):
            yield i


# ---- which tensors there are


def _made(step: Step, saved: Saved, looks: dict[Value, _Look], measure: Measure) -> Iterator[tuple[Value, _Look]]:
    """What each result of a step looks into. A view of a parameter looks into nothing that counts."""
    kind = _view(step, saved, looks, measure)
    if kind is None:
        name = step.node.op.name if isinstance(step.node, Node) else ""
        yield from ((out, _Look(_Tensor(step.path, out.type, name in HEADS_INSIDE))) for out in step.outs)
    elif step.inputs[0] in looks:
        look = looks[step.inputs[0]]
        strided = look.strided or kind is Kind.STRIDED
        yield from ((out, _Look(look.tensor, strided)) for out in step.outs)


def _view(step: Step, saved: Saved, looks: dict[Value, _Look], measure: Measure) -> Kind | None:
    """How a step's results look into its first input; none where they are tensors of their own.

    What keeps something is no view: dropout lets its input pass at inference alone. Joining axes that do not lie
    side by side copies.
    """
    if isinstance(step.node, Call) or saved != NOTHING or not step.inputs:
        return None
    ins, outs = tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs)
    kind = step.node.op.storage(ins, outs).kind
    if kind is Kind.IN_PLACE:
        return None
    look = looks.get(step.inputs[0])
    if look is not None and look.tensor.heads_inside:
        moves = (
            len(ins) == 1
            and measure.tensor(ins[0]).value == measure.tensor(outs[0]).value
            and not step.node.op.flops(ins, outs)
        )
        return kind if kind is not Kind.FRESH else Kind.SAME if moves else None
    if kind is Kind.SAME and look is not None and look.strided and _joins(ins[0], outs[0]):
        return None
    return None if kind is Kind.FRESH else kind


def _joins(source: TensorType, target: TensorType) -> bool:
    """Whether a reshape puts axes together, and does not only split them."""
    old, new = extended(source.dims), extended(target.dims)
    return old != new and len(new) <= len(old)


def _record(tensor: _Tensor, by: Node | Call, measure: Measure) -> SavedTensor:
    """A kept tensor with its bytes; of 32-bit numbers also with 16."""
    dtype = DType.FLOAT16 if tensor.type.dtype is DType.FLOAT else tensor.type.dtype
    return SavedTensor(tensor.path, by, measure.tensor(tensor.type), measure.held(1, tensor.type.dims, dtype))
