"""Where the places of an input's axis lie in the values made from it, and the rules that move them.

Windows along an axis are in receptive.py; here are ops that mix, move, join and split axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TypeAlias

from dslc.analysis.field import Field, Status, joined, window
from dslc.analysis.parts import Parts, apart, at_axis, moved_parts, numbers, renumbered, row_major, whole_axis
from dslc.ir.model import Value
from dslc.ops import base
from dslc.ops.base import Op
from dslc.record import frozen, replace
from dslc.types.dim import Size, evaluate
from dslc.types.tensor import TensorType


@frozen
class Track:
    """One axis of one input, as a value sees it.

    `at`: the axis of the value its places run along; none where they lie on several axes or on none.
    `merged`: other places lie on that axis too, so that its neighbours are not neighbours in the input; without an
    axis: it is not known where they lie. `parts`: where they lie if a pattern has taken the axis apart.
    """

    input: int
    axis: int
    at: int | None
    merged: bool
    field: Field
    parts: Parts = ()


Tracks: TypeAlias = tuple[Track, ...]
Fields: TypeAlias = dict[Value, Tracks]


def mixed(track: Track, channel: int | None, op: Op, sizes: Mapping[str, int], source: TensorType) -> Track:
    """A track after an op that reads all of the channel axis: the places that lie there, whole windows where it holds
    the inner digits of their numbers (patches).
    """
    if track.at is not None:
        return replace(track, field=track.field.seen_whole(op.name)) if track.at == channel else track
    if not track.parts:
        return lost(track, f"`{op.name}` over mixed axes") if track.merged else track
    inside = tuple(part for part in track.parts if part.axis == channel)
    rest = track.parts[: len(track.parts) - len(inside)]
    if not inside:
        return track
    if not rest:
        return Track(track.input, track.axis, None, False, track.field.seen_whole(op.name))
    if track.parts[len(rest) :] != inside:
        return lost(track, f"`{op.name}` over mixed axes")
    places = prod(part.size for part in inside)
    return placed(track, window(track.field, places, places, 0, 1), rest, source.dims, sizes)


def lost(track: Track, cause: str) -> Track:
    """A track whose places are read in a way that is not followed."""
    return Track(track.input, track.axis, None, True, track.field.marked(Status.UNKNOWN, cause))


def placed(track: Track, field: Field, parts: Parts, dims: Sequence[Size], sizes: Mapping[str, int]) -> Track:
    """A track whose places lie as `parts` say: along one axis again, if they fill it in order."""
    at = at_axis(parts, [evaluate(size, sizes) for size in dims])
    return Track(track.input, track.axis, at, False, field, parts if at is None else ())


def seen_along(
    track: Track, reach: base.Global, source: TensorType, out: TensorType, sizes: Mapping[str, int]
) -> Track:
    """A track after an op that reads every place, or all along one axis: of digits that lie elsewhere, the same ones.

    What shares all other digits is a window or a grid; the hull is as wide as two such places can lie apart.
    """
    kept = out.rank == source.rank
    field, at = track.field, track.at if kept else None
    if track.parts:
        read = [part for part in track.parts if all_read(reach, part.axis)]
        if read and len(read) < len(track.parts):
            far = apart(track.parts, read)
            field = field.read(-far, far, 1).marked(Status.PARTITIONED, reach.cause)
            same = kept and reach.axes is not None and all(source.dims[a] == out.dims[a] for a in reach.axes)
            return replace(track, field=field, parts=track.parts if same else (), merged=not same)
        field = field.seen_whole(reach.cause) if read else field
        return replace(track, field=field, parts=track.parts if kept else (), merged=not kept)
    if track.at is None and track.merged and field.status is Status.PARTITIONED:
        return lost(track, f"{reach.cause} in windows")
    if track.at is None or all_read(reach, track.at):
        field = field.seen_whole(reach.cause)
    return replace(track, field=field, at=at)


def all_read(reach: base.Global, axis: int) -> bool:
    """Whether all along an axis is read; the batch never is where no axes are named."""
    return axis != 0 if reach.axes is None else axis in reach.axes


ROW_MAJOR = frozenset({"flatten", "reshape"})
"""Ops that keep the order of the elements."""


def carried(
    track: Track, reach: base.Axes, op: Op, source: TensorType, out: TensorType, sizes: Mapping[str, int]
) -> Track:
    """The track along the axes of an op that moves, joins or splits axes.

    Places that are kept by no axis lie on the one that is new, if there is one; in line only if nothing else does.
    """
    field = track.field
    if track.at in reach.source and track.at is not None:
        at = reach.source.index(track.at)
        offset = reach.offset[at] if reach.offset else 0
        step = reach.step[at] if reach.step else 1
        field = field.shifted(offset, step) if offset or step != 1 else field
        if reach.partitioned and not reach.moves:
            field = field.marked(Status.PARTITIONED, op.name)
        return track if field is track.field and at == track.at else replace(track, at=at, field=field)
    if track.parts or (track.at is not None and not track.merged):
        parts = followed_parts(track, reach, op, source, out, sizes)
        if parts is not None:
            return placed(track, field, parts, out.dims, sizes)
    if reach.partitioned:
        field = field.marked(Status.PARTITIONED, op.name)
    new = [axis for axis, kept in enumerate(reach.source) if kept is None]
    held = {part.axis for part in track.parts} if track.at is None else {track.at}
    if len(held) == 1 and (held <= set(reach.source) or len(new) == 1):
        (axis,) = held
        at = reach.source.index(axis) if axis in reach.source else new[0]
        others = track.merged or bool(track.parts) or out.dims[at] != source.dims[axis]
        return Track(track.input, track.axis, at, others, field)
    gone = bool(new or track.parts) or (track.at is None and track.merged)
    return Track(track.input, track.axis, None, gone, field)


def followed_parts(
    track: Track, reach: base.Axes, op: Op, source: TensorType, out: TensorType, sizes: Mapping[str, int]
) -> Parts | None:
    """Where a track's places lie after an op that moves axes; none where that is not known."""
    parts = track.parts
    if track.at is not None:
        parts = whole_axis(track.at, evaluate(source.dims[track.at], sizes))
    if reach.moves:
        return moved_parts(parts, numbers(reach.moves, sizes))
    if op.name in ROW_MAJOR:
        return moved_parts(parts, row_major(source.dims, out.dims, sizes))
    if any(reach.offset) or set(reach.step) > {1} or reach.partitioned:
        return None
    kept = renumbered(parts, reach.source)
    if kept is None or any(source.dims[reach.source[part.axis] or 0] != out.dims[part.axis] for part in kept):
        return None
    return kept


def merged(paths: list[Track], op: str) -> Tracks:
    """Tracks of one axis of one input joined into one; where they run along different axes, along none."""
    found: dict[tuple[int, int], Track] = {}
    for track in paths:
        key = (track.input, track.axis)
        other = found.get(key)
        if other is None or other is track:
            found[key] = track
            continue
        field = joined(other.field, track.field, op)
        alike = (other.at, other.parts) == (track.at, track.parts)
        at, parts = (track.at, track.parts) if alike else (None, ())
        found[key] = Track(track.input, track.axis, at, other.merged or track.merged or not alike, field, parts)
    return tuple(found.values())
