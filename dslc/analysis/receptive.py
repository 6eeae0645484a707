"""Receptive fields of all values: which places of each input a place of a value can see, per axis.

A `Track` follows one axis of one input through the axes of the values made from it. Channels are not
followed: an op that mixes them reads all of them. An axis that comes to lie on the channel axis (`flatten`)
is seen whole by the first op that mixes channels there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dslc.analysis.field import Field, Status, binned, transposed, upsampled, window
from dslc.analysis.same import settled, varying
from dslc.analysis.tracks import Fields as Fields
from dslc.analysis.tracks import Track as Track
from dslc.analysis.tracks import Tracks as Tracks
from dslc.analysis.tracks import carried, merged, mixed, seen_along
from dslc.ir.model import Call, Model, Node, Value
from dslc.ir.walk import Flat, Step
from dslc.ops import base
from dslc.ops.base import Op
from dslc.ops.einops import Patterned
from dslc.ops.guesses import told_by_header
from dslc.ops.identity import ChannelAxis
from dslc.ops.shape import Reshape, Transpose
from dslc.record import replace
from dslc.types.dim import evaluate
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType


def receptive_fields(model: Model, flat: Flat) -> Fields:
    """The tracks of the net's inputs and of every value its ops make; `flat` is its `walk.flatten`.

    A value without tracks depends on no place of an input (a parameter, or something computed from
    parameters).
    """
    return followed(model, flat, flat.steps, Field())


def followed(model: Model, flat: Flat, steps: Iterable[Step], own: Field) -> Fields:
    """The tracks of the inputs, whose own field is given, and of what these steps make."""
    found: Fields = {}
    for index, value in enumerate(model.root.inputs):
        axes = followed_axes(value.type, settled_channel(value, flat.steps))
        found[value] = tuple(Track(index, axis, axis, False, own) for axis in axes)
    for step in steps:
        paths = seen_by(step, found, model.sizes)
        tracks = tuple(paths) if len(step.inputs) == 1 else merged(paths, step.path)
        for out in step.outs:
            found[out] = tracks
    return found


def seen_by(step: Step, found: Fields, sizes: Sizes) -> list[Track]:
    """The tracks of a step's inputs as its results see them, one input after the other."""
    node = step.node
    out = step.outs[0].type
    if isinstance(node, Call):
        return [
            through_extern(track, node.instance.facts.get("reach"), step.path, value.type, out)
            for value in step.inputs
            for track in found.get(value, ())
        ]
    types = tuple(v.type for v in step.inputs)
    open_axes: frozenset[int] = frozenset()
    if getattr(node.op, "p", None) == "same_tf":
        open_axes = varying(node.op, types[0], step.outs[0].type, sizes)
        types = (settled(types[0], sizes), *types[1:])
    reach = node.op.reach(types, tuple(v.type for v in step.outs))
    tracks = [
        moved(track, reach, node.op, port, value.type, out, sizes.default)
        for port, value in enumerate(step.inputs)
        for track in found.get(value, ())
    ]
    if not open_axes:
        return tracks
    return [replace(t, field=replace(t.field, sized=True)) if t.at in open_axes else t for t in tracks]


def through_extern(track: Track, reach: object, path: str, source: TensorType, out: TensorType) -> Track:
    """A track past a user's module: centred windows of `reach` places, where it states them and keeps the size."""
    at = track.at
    kept = at is not None and source.rank == out.rank and source.dims[at] == out.dims[at] and not track.merged
    if isinstance(reach, int) and kept:
        return replace(track, field=window(track.field, reach, 1, (reach - 1) // 2, 1))
    return replace(track, at=None, field=track.field.marked(Status.UNKNOWN, f"`{path}`"))


def settled_channel(value: Value, steps: Sequence[Step]) -> int | None:
    """The channel axis of an input: its type's, else the one that the first layer which settles it says, of those that
    see its axes as they are; else the one that its header tells, or 1.
    """
    rank = value.type.rank
    if value.type.channel is not None or rank < 3:
        return value.type.channel
    alike = {value}
    for step in steps:
        seen = next((v for v in step.inputs if v in alike), None)
        if seen is None or not isinstance(step.node, Node) or step.outs[0].type.rank != rank:
            continue
        needed = channel_of(step.node.op, step.inputs.index(seen), value.type)
        if needed is not None or isinstance(step.node.op, ChannelAxis):
            return step.outs[0].type.channel if needed is None else needed
        if not isinstance(step.node.op, Patterned | Transpose | Reshape):
            alike |= set(step.outs)
    told = told_by_header(value.type)
    return 1 if told is None else told


def followed_axes(type: TensorType, channel: int | None) -> tuple[int, ...]:
    """The axes that hold places: all but the batch and the channels; none of a plain vector of features."""
    if type.rank == 2 and type.dtype.is_float:
        return ()
    return tuple(axis for axis in range(1, type.rank) if axis != channel)


def moved(
    track: Track,
    reach: base.Reach,
    op: Op,
    port: int,
    source: TensorType,
    out: TensorType,
    sizes: Mapping[str, int],
) -> Track:
    """A track of an input as the op's output sees it."""
    if mixes_channels(op, port, source):
        track = mixed(track, channel_of(op, port, source), op, sizes, source)
    field = track.field
    match reach:
        case base.Pointwise():
            field = broadcast(field, track.at, op, source, out)
        case base.Global():
            return seen_along(track, reach, source, out, sizes)
        case base.Axes():
            return carried(track, reach, op, source, out, sizes)
        case base.Unknown():
            field = field.marked(Status.UNKNOWN, reach.cause)
        case _:
            field = slid(track, field, reach, op, sizes)
    return track if field is track.field else replace(track, field=field)


def channel_of(op: Op, port: int, source: TensorType) -> int | None:
    """The channel axis an op needs at an input, counted from the front."""
    if not op.inputs:
        return None
    channel = op.inputs[min(port, len(op.inputs) - 1)].channel
    return None if channel is None else channel % source.rank


def mixes_channels(op: Op, port: int, source: TensorType) -> bool:
    """Whether an output channel reads other channels of this input: linear maps do, and norms of the last
    axis.
    """
    return channel_of(op, port, source) is not None and (not op.weightless or op.inputs[0].channel == -1)


def broadcast(field: Field, at: int | None, op: Op, source: TensorType, out: TensorType) -> Field:
    """The one place of a side that is repeated along the axis is read by every place of the result."""
    if at is None or out.rank != source.rank or at >= source.rank:
        return field
    repeated = source.dims[at] == 1 and out.dims[at] != 1
    return field.seen_whole(op.name) if repeated else field


def slid(
    track: Track,
    field: Field,
    reach: base.Window | base.TransposedWindow | base.Upsample | base.Bins | base.Shift,
    op: Op,
    sizes: Mapping[str, int],
) -> Field:
    """The field after a window along the track's axis; other axes than the spatial ones are left alone."""
    if track.at is not None and track.at < 2:
        return field
    if track.parts and all(part.axis < 2 for part in track.parts):
        return field
    if track.at is None or track.merged:
        alone = isinstance(reach, base.Window) and all(k == 1 for k in reach.kernel + reach.stride)
        return field if alone else field.marked(Status.UNKNOWN, f"`{op.name}` over mixed axes")
    axis = track.at - 2
    match reach:
        case base.Window(k, s, p, d):
            return wrapped(window(field, k[axis], s[axis], p[axis], d[axis]), reach.wraps)
        case base.TransposedWindow(k, s, p, d):
            return transposed(field, k[axis], s[axis], p[axis], d[axis])
        case base.Upsample(factor, nearest, kind):
            return upsampled(field, factor[axis], nearest, kind)
        case base.Bins(source, target):
            return binned(field, evaluate(source[axis], sizes), target[axis])
        case base.Shift(offset):
            return wrapped(field.shifted(offset[axis]), reach.wraps)


def wrapped(field: Field, wraps: bool) -> Field:
    """The field, a hull of what does not go round the edge where windows do."""
    return field.marked(Status.PARTITIONED, "circular padding") if wraps else field
