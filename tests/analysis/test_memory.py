"""Memory of inference: buffers, peak and arena against hand counts, and against a plain simulation of the run."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from dslc.analysis.arena import Arena
from dslc.analysis.memory import Buffer, Holds, InferenceMemory, inference_memory
from dslc.api import compile_model
from dslc.ir.model import Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step, flatten
from tests.analysis.nets import compiled

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


def memory_of(text: str, *, inplace: bool = True, batch: int = 1) -> InferenceMemory:
    model = compiled(text)
    return inference_memory(model, flatten(model), inplace=inplace, batch=batch)


def made(memory: InferenceMemory) -> dict[str, int]:
    """The bytes of each buffer by where it comes from, inputs and scratch too."""
    found: dict[str, int] = {}
    for buffer in memory.buffers:
        found[buffer.path] = found.get(buffer.path, 0) + buffer.bytes
    return found


# ---- by hand


def test_resnet50_has_the_published_peak() -> None:
    """7,225,344 bytes: two maps of 256 x 56 x 56 and one of 64 x 56 x 56, where the first block's branches meet."""
    model = compile_model(EXAMPLES / "resnet.dl", "resnet50")
    memory = inference_memory(model, flatten(model))
    assert memory.peak == 7_225_344 == 4 * 56 * 56 * (256 + 256 + 64)
    assert memory.peak_at is not None
    assert memory.steps[memory.peak_at].path == "layer1.0.downsample.0"
    live = {buffer.path: buffer.bytes for buffer in memory.live(memory.peak_at)}
    wide, narrow = 4 * 256 * 56 * 56, 4 * 64 * 56 * 56
    assert live == {"layer1.0.conv3": wide, "layer1.0.downsample.0": wide, "maxpool": narrow}


def test_a_chain_works_in_place() -> None:
    memory = memory_of("""
        net f on x[N, 3, H=8, W=8]:
            conv(4, 3) -> bn -> relu -> dropout(0.1) -> maxpool(2) -> flatten -> linear(10) -> sigmoid
    """)
    assert made(memory) == {"x": 768, "conv": 1024, "maxpool": 256, "linear": 40}
    assert memory.total == 1024 + 256 + 40
    assert [(step.path, step.written, step.live) for step in memory.steps] == [
        ("conv", 1024, 768 + 1024),
        ("bn", 0, 1024),
        ("relu", 0, 1024),
        ("dropout", 0, 1024),
        ("maxpool", 256, 1024 + 256),
        ("flatten", 0, 256),
        ("linear", 40, 256 + 40),
        ("sigmoid", 0, 40),
    ]
    assert memory.peak == 768 + 1024 and memory.peak_at == 0


def test_without_overwriting_every_result_is_a_buffer() -> None:
    text = "net f on x[N, 8]:\n    linear(8) -> relu -> dropout -> reshape(N, 2, 4) -> flatten\n"
    memory = memory_of(text, inplace=False)
    assert made(memory) == {"x": 32, "linear": 32, "relu": 32, "dropout": 32, "reshape": 32, "flatten": 32}
    assert memory.total == 5 * 32
    assert [step.written for step in memory.steps] == [32] * 5
    assert memory_of(text).total == 32


def test_inputs_and_parameters_are_not_overwritten() -> None:
    assert memory_of("net f on x[N, 8]:\n    relu\n").total == 32
    memory = memory_of("net f on x[N, 8]:\n    param w: [1, 8] = ones\n    (w -> relu) + (w -> sigmoid) + x\n")
    assert made(memory) == {"x": 32, "relu": 32, "sigmoid": 32}
    views = memory_of("net f on x[N, 8]:\n    param w: [8] = ones\n    x * (w -> reshape(1, 8))\n")
    assert made(views) == {"x": 32, "mul": 32}


def test_a_later_reader_keeps_a_buffer() -> None:
    memory = memory_of("net f on x[N, 8]:\n    a = x -> linear(8)\n    b = a -> relu\n    a + b\n")
    assert made(memory) == {"x": 32, "linear": 32, "relu": 32}
    through_view = memory_of("""
        net f on x[N, 8]:
            a = x -> linear(8)
            b = a -> reshape(N, 2, 4) -> relu -> flatten
            a + b
    """)
    assert made(through_view) == {"x": 32, "linear": 32, "relu": 32}


def test_what_is_returned_lives_to_the_end() -> None:
    memory = memory_of("""
        net f on x[N, 8] -> a[N, 8], b[N, 4]:
            a = x -> linear(8)
            b = a -> relu -> linear(4)
    """)
    assert made(memory) == {"x": 32, "linear": 32, "relu": 32, "linear_2": 16}
    by_path = {buffer.path: buffer for buffer in memory.buffers}
    assert by_path["linear"].last == len(memory.steps) - 1
    assert memory.steps[-1].live == 32 + 32 + 16


def test_element_types_count() -> None:
    memory = memory_of("net f on ids: int64[N, T=6]:\n    embedding(10, 4)\n")
    assert made(memory) == {"ids": 48, "embedding": 96}
    less = memory_of("net f on x[N, 8], y[N, 8]:\n    where(x < y, x, y)\n")
    assert made(less)["lt"] == 8


def test_batch_scales() -> None:
    text = "net f on x[N, 3, H=8, W=8]:\n    conv(4, 3) -> relu -> gap -> flatten -> linear(2)\n"
    one, many = memory_of(text), memory_of(text, batch=7)
    assert (many.total, many.peak, many.arena) == (7 * one.total, 7 * one.peak, 7 * one.arena)


def test_what_only_training_computes_needs_no_memory() -> None:
    text = "net f on x[N, 8]:\n    linear(4)\n    {} -> linear(2)\n"
    model = compile_model(EXAMPLES / "googlenet.dl", "googlenet")
    assert not [buffer for buffer in inference_memory(model, flatten(model)).buffers if "aux" in buffer.path]
    other = memory_of(text.format("((it -> linear(64) -> linear(4)) if training else (it -> relu))"))
    assert other.total == memory_of(text.format("relu")).total


def test_scratch_is_in_the_peak_alone() -> None:
    memory = memory_of("net f on q[N, 2, 16, 4], k[N, 2, 16, 4], v[N, 2, 16, 4]:\n    sdpa(q, k, v)\n")
    scores, one = 4 * 2 * 16 * 16, 4 * 2 * 16 * 4
    assert [buffer.bytes for buffer in memory.buffers if buffer.holds is Holds.SCRATCH] == [scores]
    assert memory.total == one
    assert memory.peak == 4 * one + scores


def test_users_modules_make_lower_bounds() -> None:
    memory = memory_of("""
        extern block mine(width: int) on x[N, D] -> [N, width] = "tests.user:Mine"

        net f on x[N, 8]:
            linear(8) -> mine(4) -> relu
    """)
    assert memory.unknown == ("mine",)
    assert made(memory) == {"x": 32, "linear": 32, "mine": 16}


def test_a_net_without_ops() -> None:
    memory = memory_of("net f on x[N, 8]:\n    x\n")
    assert (memory.total, memory.peak, memory.peak_at, memory.arena) == (0, 32, None, 32)
    assert [cost.value(compiled("net f on x[N, 8]:\n    x\n").sizes) for cost in memory.live_costs()] == [32]


# ---- against a simulation that shares no code


SAME = {"flatten", "reshape", "id", "dropout"}
IN_PLACE = {"relu", "relu6", "sigmoid", "add", "sub", "mul", "bn", "gelu", "tanh"}
FRESH = {"conv", "linear", "cat", "maxpool", "avgpool", "gap", "adaptive_avgpool", "transpose", "upsample", "deconv"}


def simulated(model: Model, flat: Flat) -> tuple[int, int]:
    """(bytes of all buffers that ops make, peak): at each step all later ones are read again.

    Memory is a list of cells; a cell has bytes and the values that lie in it.
    """
    steps = [step for step in flat.steps if step.needed is Needed.ALWAYS]
    returned = {value for _, value in flat.outputs}
    cells: list[tuple[int, set[Value]]] = [(size_of(model, value), {value}) for value in model.root.inputs]
    total = peak = 0
    for place, step in enumerate(steps):
        later = {v for after in steps[place + 1 :] for v in reads(after)} | returned
        (out,) = step.outs
        size = size_of(model, out)
        if name_of(step) in SAME:
            (cell,) = [cell for cell in cells if step.inputs[0] in cell[1]]
            cell[1].add(out)
        else:
            assert name_of(step) in IN_PLACE | FRESH
            for cell in cells:
                last = not any(value in later for value in cell[1])
                owned = not cell[1] & set(model.root.inputs)
                if name_of(step) in IN_PLACE and cell[1] & set(step.inputs) and cell[0] == size and last and owned:
                    cell[1].add(out)
                    break
            else:
                cells.append((size, {out}))
                total += size
        needed = [c for c in cells if c[1] & {*step.inputs, out} or any(value in later for value in c[1])]
        peak = max(peak, sum(cell[0] for cell in needed))
        cells = [c for c in cells if any(value in later for value in c[1])]
    return total, peak


def reads(step: Step) -> list[Value]:
    return [value for value in (*step.inputs, *step.tied.values()) if not isinstance(value.producer, Param)]


def name_of(step: Step) -> str:
    assert isinstance(step.node, Node)
    return step.node.op.name


def size_of(model: Model, value: Value) -> int:
    count = value.type.dtype.bytes
    for size in value.type.dims:
        count *= model.sizes.value(size)
    return count


def random_net(seed: int) -> str:
    """A net of named values in which every one is read."""
    draw = random.Random(seed)
    shapes = {"x": (8, 4), "y": (8, 4)}
    unread = {"x", "y"}
    lines = []
    for number in range(draw.randrange(4, 24)):
        name, (a, b) = f"v{number}", (draw.choice([*shapes]) for _ in range(2))
        c, s = shapes[a]
        one = [f"{a} -> {op}" for op in ("relu", "sigmoid", "bn", "id", "dropout(0.5)", "conv(8, 3)", "conv(4, 3)")]
        one += [f"{a} -> maxpool(2)"] if s > 1 else []
        one += [f"{a} -> reshape(N, {c}, {s}, {s})"]
        two = [f"concat({a}, {b})"] if s == shapes[b][1] and c + shapes[b][0] < 40 else []
        two += [f"{a} + {b}", f"{a} * {b}"] if shapes[a] == shapes[b] else []
        text = draw.choice(two if two and draw.random() < 0.6 else one)
        if "conv" in text:
            shapes[name] = (8 if "conv(8" in text else 4, s)
        elif "maxpool" in text:
            shapes[name] = (c, s // 2)
        else:
            shapes[name] = (c + shapes[b][0], s) if "concat" in text else (c, s)
        unread -= {a, b} if text in two else {a}
        unread.add(name)
        lines.append(f"    {name} = {text}")
    rest = [f"({name} -> gap)" for name in sorted(unread)]
    lines.append(f"    concat({', '.join(rest)})" if len(rest) > 1 else f"    {rest[0]}")
    return "net f on x[N, 8, 4, 4], y[N, 8, 4, 4]:\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize("seed", range(60))
def test_random_nets_as_simulated(seed: int) -> None:
    model = compile_model(random_net(seed))
    flat = flatten(model)
    memory = inference_memory(model, flat)
    assert (memory.total, memory.peak) == simulated(model, flat)
    check_arena(memory)
    check_arena(inference_memory(model, flat, inplace=False))


@pytest.mark.parametrize(
    ("file", "net"),
    [
        ("alexnet", "alexnet"),
        ("vgg", "vgg16"),
        ("resnet", "resnet18"),
        ("resnet", "resnet50"),
        ("googlenet", "googlenet"),
        ("mobilenet_v2", None),
    ],
)
def test_published_nets_as_simulated(file: str, net: str | None) -> None:
    model = compile_model(EXAMPLES / f"{file}.dl", net)
    flat = flatten(model)
    memory = inference_memory(model, flat)
    assert (memory.total, memory.peak) == simulated(model, flat)
    check_arena(memory)


# ---- the arena


def check_arena(memory: InferenceMemory) -> None:
    """No two buffers that live at once overlap, and the arena is just as large as they say."""
    for step in range(len(memory.steps)):
        live = sorted(memory.live(step), key=lambda buffer: (buffer.offset, buffer.bytes))
        assert sum(buffer.bytes for buffer in live) == memory.steps[step].live
        for low, high in pairwise(live):
            assert low.offset + low.bytes <= high.offset
    assert memory.arena == max(end_of(buffer) for buffer in memory.buffers) >= memory.peak
    assert memory.peak == max(step.live for step in memory.steps)


def end_of(buffer: Buffer) -> int:
    return buffer.offset + buffer.bytes


@pytest.mark.parametrize("seed", range(10))
def test_arena_takes_the_smallest_free_place(seed: int) -> None:
    """Against a map of single bytes."""
    draw = random.Random(seed)
    arena, used = Arena(), bytearray(10_000)
    held: list[tuple[int, int]] = []
    for _ in range(300):
        if held and draw.random() < 0.5:
            offset, count = held.pop(draw.randrange(len(held)))
            arena.give(offset, count)
            used[offset : offset + count] = bytes(count)
            continue
        count = draw.randrange(0, 40)
        free = [(length, start) for start, length in holes(used, arena.size) if length >= count]
        size = arena.size
        offset = arena.take(count)
        assert not any(used[offset : offset + count])
        if count and free:
            assert offset == min(free)[1]
            assert arena.size == size
        elif count:
            assert offset + count == arena.size
            assert offset == 0 or used[offset - 1]
        used[offset : offset + count] = b"\x01" * count
        held.append((offset, count))


def holes(used: bytearray, size: int) -> list[tuple[int, int]]:
    """(start, length) of each free stretch below `size`."""
    found: list[tuple[int, int]] = []
    for place in range(size):
        if not used[place]:
            if found and sum(found[-1]) == place:
                found[-1] = (found[-1][0], found[-1][1] + 1)
            else:
                found.append((place, 1))
    return found


# ---- expressions


@pytest.mark.parametrize(
    ("file", "net", "step"), [("resnet", "resnet50", 1), ("googlenet", "googlenet", 1), ("unet", "unet", 16)]
)
@pytest.mark.parametrize("inplace", [True, False])
def test_expressions_are_exact_at_other_sizes(file: str, net: str, step: int, inplace: bool) -> None:
    """Total and peak against a compile at that size."""
    path = EXAMPLES / f"{file}.dl"
    model = compile_model(path, net)
    memory = inference_memory(model, flatten(model), inplace=inplace)
    assert memory.total_cost.value(model.sizes) == memory.total
    draw = random.Random(2)
    for _ in range(2):
        at = {"H": draw.randrange(64, 300, step), "W": draw.randrange(64, 300, step)}
        other = compile_model(path, net, sizes=at)
        expected = inference_memory(other, flatten(other), inplace=inplace)
        assert memory.total_cost.value(model.sizes, at) == expected.total
        assert max(cost.value(model.sizes, at) for cost in memory.live_costs()) == expected.peak
