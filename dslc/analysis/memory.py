"""Memory of inference: which buffers a run needs, how many bytes live at once, and an arena that holds them.

The run is in definition order, one op at a time, over what evaluation needs. An op's inputs and results live
together while it runs, unless it overwrites an input. Parameters are not counted: they are in the weights' memory.
"""

from __future__ import annotations

from enum import Enum
from itertools import accumulate

from dslc.analysis.arena import Arena
from dslc.analysis.measure import Bytes, Measure, total
from dslc.ir.model import Call, Model, Node, Value
from dslc.ir.walk import Flat, Needed, Step
from dslc.ops.counting import FRESH, Kind, Storage
from dslc.record import entity, record
from dslc.types.cost import Cost
from dslc.types.dim import Dim


class Holds(Enum):
    """What a buffer holds."""

    INPUT = "input"  # an input of the net: the caller's, so nothing overwrites it
    VALUE = "value"  # results of ops
    SCRATCH = "scratch"  # what one op needs while it runs


@record
class Buffer:
    """A piece of memory, from the step that makes it to the last that reads it, both included.

    `path`: the step that makes it (an input: its name); those that overwrite it later have paths of their own.
    `first` and `last` are places in `InferenceMemory.steps`, `offset` the place in the arena in bytes.
    """

    path: str
    holds: Holds
    bytes: int
    cost: Cost
    first: int
    last: int
    offset: int


@record
class StepMemory:
    """One use of an op: the bytes of buffers it makes for its results, and of all that live while it runs.

    `written` is 0 where the result lies in an input's buffer; `live` includes scratch.
    """

    path: str
    written: int
    live: int


@record
class InferenceMemory:
    """Memory of one run, in bytes at the sizes asked for; `total_cost` holds for every size.

    `total`: the buffers that hold values, each once ("activation memory"); the net's inputs and scratch are not in
    it. `peak`: the most that lives at once, inputs and scratch included; `peak_at` is the first such place in
    `steps` (none for a net without ops). `arena`: the end of the last buffer where each takes the smallest free
    place, without alignment; never below `peak`. `unknown`: uses of user's modules, whose inside is not known; all
    numbers are lower bounds then.
    """

    buffers: tuple[Buffer, ...]
    steps: tuple[StepMemory, ...]
    nodes: dict[Node | Call, StepMemory]
    total: int
    total_cost: Cost
    peak: int
    peak_at: int | None
    arena: int
    unknown: tuple[str, ...]
    inplace: bool
    batch: int

    def live(self, step: int) -> list[Buffer]:
        """The buffers that live while a step runs, the largest first."""
        found = [buffer for buffer in self.buffers if buffer.first <= step <= buffer.last]
        return sorted(found, key=lambda buffer: -buffer.bytes)

    def live_costs(self) -> list[Cost]:
        """What lives at each step, as expressions, equal ones once: the peak is the largest at any sizes."""
        changes: list[list[tuple[Cost, int]]] = [[] for _ in range(max(len(self.steps), 1) + 1)]
        for buffer in self.buffers:
            changes[buffer.first].append((buffer.cost, 1))
            changes[buffer.last + 1].append((buffer.cost, -1))
        now: dict[tuple[Dim, ...], int] = {}
        found: dict[frozenset[tuple[tuple[Dim, ...], int]], Cost] = {}
        for change in changes[:-1]:
            for cost, sign in change:
                for sizes, count in cost.terms.items():
                    now[sizes] = now.get(sizes, 0) + sign * count
            now = {sizes: count for sizes, count in now.items() if count}
            found.setdefault(frozenset(now.items()), Cost(dict(now)))
        return list(found.values())


def inference_memory(model: Model, flat: Flat, *, inplace: bool = True, batch: int = 1) -> InferenceMemory:
    """The memory of one run of a network; `flat` is its `walk.flatten`. Time is linear in the number of ops.

    `inplace`: ops overwrite an input of as many bytes that nothing reads later (never an input of the net or a
    parameter), and reshaping takes no memory; without it every result of every op is a buffer of its own. A
    strided view counts as a copy, as runtimes for inference make one. `batch` is the size of an open batch.
    """
    steps = [step for step in flat.steps if step.needed is Needed.ALWAYS]
    measure = Measure(model, batch)
    storages = [storage_of(step, inplace) for step in steps]
    last = last_reads(steps, storages, flat)
    lives = [
        _Life(value.name or "it", Holds.INPUT, measure.tensor(value.type), 0, last.get(value, 0))
        for value in model.root.inputs
    ]
    holders = dict(zip(model.root.inputs, lives, strict=True))
    written = []
    for place, (step, storage) in enumerate(zip(steps, storages, strict=True)):
        made = _results(step, storage, place, last, holders, measure)
        written.append(sum(life.size.value for life in made))
        scratch = [measure.held(held.count, held.sizes, held.dtype) for held in storage.scratch]
        lives += made
        lives += [_Life(step.path, Holds.SCRATCH, size, place, place) for size in scratch if size.value]
    live = _live_bytes(lives, len(steps))
    offsets, arena = _placed(lives, len(steps))
    found = [StepMemory(step.path, *numbers) for step, *numbers in zip(steps, written, live, strict=True)]
    values = total(life.size for life in lives if life.holds is Holds.VALUE)
    peak = max(live, default=sum(life.size.value for life in lives))
    end = max(len(steps) - 1, 0)
    return InferenceMemory(
        buffers=tuple(
            Buffer(life.path, life.holds, life.size.value, life.size.cost, life.first, min(life.last, end), offset)
            for life, offset in zip(lives, offsets, strict=True)
        ),
        steps=tuple(found),
        nodes={step.node: memory for step, memory in zip(steps, found, strict=True)},
        total=values.value,
        total_cost=values.cost,
        peak=peak,
        peak_at=live.index(peak) if live else None,
        arena=arena,
        unknown=tuple(step.path for step in steps if isinstance(step.node, Call)),
        inplace=inplace,
        batch=batch,
    )


# ---- which buffers there are


@entity
class _Life:
    """A buffer while it is being found. `last` is past the last step for what the net returns."""

    path: str
    holds: Holds
    size: Bytes
    first: int
    last: int


def storage_of(step: Step, inplace: bool = True) -> Storage:
    """Where a step's results lie; of a user's module, in buffers of their own."""
    if isinstance(step.node, Call):
        return FRESH
    storage = step.node.op.storage(tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs))
    return storage if inplace else Storage(Kind.FRESH, storage.scratch)


def last_reads(steps: list[Step], storages: list[Storage], flat: Flat) -> dict[Value, int]:
    """The place of each value's last reader, views of it that share its bytes included."""
    last = {value: len(steps) for _, value in flat.outputs}
    for place in range(len(steps) - 1, -1, -1):
        step = steps[place]
        for value in (*step.inputs, *step.tied.values()):
            last.setdefault(value, place)
        if storages[place].kind is Kind.SAME:
            source = step.inputs[0]
            last[source] = max(last[source], last.get(step.outs[0], place))
    return last


def _results(
    step: Step,
    storage: Storage,
    place: int,
    last: dict[Value, int],
    holders: dict[Value, _Life],
    measure: Measure,
) -> list[_Life]:
    """The new buffers of a step's results; `holders` learns where each of them lies.

    A view of a parameter lies in no buffer.
    """
    if storage.kind is Kind.SAME:
        if step.inputs[0] in holders:
            holders[step.outs[0]] = holders[step.inputs[0]]
        return []
    made = []
    for value in step.outs:
        size, until = measure.tensor(value.type), last.get(value, place)
        life = _overwritten(step, size, place, holders) if storage.kind is Kind.IN_PLACE else None
        if life is None:
            life = _Life(step.path, Holds.VALUE, size, place, until)
            made.append(life)
        life.last = until
        holders[value] = life
    return made


def _overwritten(step: Step, size: Bytes, place: int, holders: dict[Value, _Life]) -> _Life | None:
    """The buffer of an input that a step's result of `size` may replace."""
    for value in step.inputs:
        life = holders.get(value)
        if life is not None and life.holds is Holds.VALUE and life.last == place and life.size.value == size.value:
            return life
    return None


# ---- how much lives at once, and where


def _live_bytes(lives: list[_Life], count: int) -> list[int]:
    """The bytes that live while each of `count` steps runs."""
    changes = [0] * (count + 1)
    for life in lives:
        changes[life.first] += life.size.value
        changes[min(life.last + 1, count)] -= life.size.value
    return list(accumulate(changes[:count]))


def _placed(lives: list[_Life], count: int) -> tuple[list[int], int]:
    """The offset of each buffer in an arena, and the arena's size. `lives` is in the order of first steps."""
    arena = Arena()
    ending: list[list[tuple[int, int]]] = [[] for _ in range(count + 1)]
    offsets = []
    now = 0
    for life in lives:
        while now < life.first:
            for offset, size in ending[now]:
                arena.give(offset, size)
            now += 1
        offset = arena.take(life.size.value)
        offsets.append(offset)
        ending[min(life.last, count)].append((offset, life.size.value))
    return offsets, arena.size
