"""Guards say what they test: the module, `check`, the open graph and every text allow the same sizes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import pytest
import torch

from dslc.api import compile_model
from dslc.backends.onnx import run as runner
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.errors_run import RunError
from dslc.backends.onnx.graph import Array
from dslc.backends.torch.emit import emit as torch_text
from dslc.diagnostics.model import CompileError
from dslc.generated import module_from_text, root_class
from dslc.ir.model import Model
from tests.onnx.models import difference, lively

JOINED = """
net f on x[N, 2, H=64, W=32]:
    a = conv(3, 3, s=2)
    b = a -> conv(3, 3, s=2)
    c = b -> conv(3, 3, s=2)
    d = b + (c -> upsample(2))
    (a + (d -> upsample(2))) -> gap -> flatten
"""


def net(header: str, *lines: str) -> str:
    return "\n    ".join([f"net f on {header}:", *lines]) + "\n"


ROWS = "n c (h a) (w b) -> n (h w) (a b c)"
PROGRAMS = {
    "joined": JOINED,
    "windows": net("x[N, 2, H=14, W=21]", f'rearrange("{ROWS}", a=7, b=7) -> mean(1)'),
    "sides": net("x[N, 2, H=24, W=24]", "a = maxpool(3, s=3) -> upsample(3)", "(it + a) -> gap -> flatten"),
    "kernels": net("x[N, 2, T=40]", "conv(3, 9, p=0) -> maxpool(4) -> conv(3, 5, p=0) -> gap -> flatten"),
    "table": net("x[N, T=8, 4]", "param pos: [1, 24, 4] = normal(1.0)", "(it + pos[:, :T]) -> mean(1)"),
    "bounds": net("x[N, 2, H=12, W=10]", "require H >= 5", "require H <= 30", "require W % 3 != 2", "gap -> flatten"),
    "holes": net("x[N, 2, T=7]", "require T != 5", "require T % 4 != 0", "gap(axis=2) -> flatten"),
    "square": net("x[N, 2, H=12, W=12]", "require W == H", "a = conv(2, 3, s=2) -> upsample(2)", "(a + x) -> gap"),
    "twice": net("x[N, 2, H=8, W=17]", "require W == 2 * H + 1", "require H % 4 == 0", "gap -> flatten"),
    "rounded": net("x[N, 2, H=9, W=5]", "require W == (H + 1) // 2", "gap -> flatten"),
    "one size": net("x[N, 2, H=8, W=8]", "require W == H", "require H <= 8", "require H >= 8", "gap -> flatten"),
    "two inputs": net("x[N, T=8, 3], y[N, S=4, 3]", "require T == S + 4", "(x -> mean(1)) + (y -> mean(1))"),
}


def sizes_tried(model: Model) -> Iterator[dict[str, int]]:
    """Of one size all up to 70; of two those whose first is up to 34, with second ones near every guard above."""
    names = [name for name in model.sizes.default if name not in model.sizes.universal]
    if len(names) == 1:
        yield from ({names[0]: size} for size in range(1, 71))
    else:
        for a in range(1, 35):
            others = {model.sizes.default[names[1]], a, 2 * a + 1, (a + 1) // 2, a - 4, 21, 30, 31}
            yield from ({names[0]: a, names[1]: b} for b in sorted(others) if b > 0)


@cache
def compiled(text: str) -> tuple[Model, torch.nn.Module, runner.Session]:
    model = compile_model(text)
    state = lively(model)
    module = module_from_text(torch_text(model), model.entry)
    net = getattr(module, root_class(module))().eval()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return model, net, runner.load(emit(model, state, dynamic=tuple(model.sizes.default)), "cpu")


def allows(text: str, at: Mapping[str, int]) -> bool:
    """What a guard's text says of sizes, read as a person reads it."""
    exactly = re.fullmatch(r"[^()]*\(exactly (.*)\)", text)
    return all(condition(part, at) for part in re.split(r", (?![^{]*\})", exactly[1] if exactly else text))


def condition(text: str, at: Mapping[str, int]) -> bool:
    def numbers(found: re.Match[str]) -> str:
        values: list[int] = []
        for part in found[1].split(", "):
            first, _, last = part.partition("..")
            values += range(int(first), int(last or first) + 1)
        return f"{values}"

    assert "..." not in text
    return bool(eval(re.sub(r"\{([^}]*)\}", numbers, text), {"ceil": math.ceil}, dict(at)))


@pytest.mark.parametrize("name", PROGRAMS)
def test_one_answer_everywhere(name: str) -> None:
    text = PROGRAMS[name]
    model, net, session = compiled(text)
    guards = json.loads(session.meta["dslc.guards"])
    texts = [guard["text"] for guard in guards if guard["lines"]]
    for guard in guards:
        if guard["lines"]:
            assert model.sizes.allowed(guard["symbol"]) == guard["text"]
    rng = np.random.default_rng(0)
    seen = {True: 0, False: 0}
    for at in sizes_tried(model):
        inputs = [
            rng.normal(size=[model.sizes.evaluate(size, {**at, "N": 2}) for size in value.type.dims]).astype(np.float32)
            for value in model.root.inputs
        ]
        allowed = all(allows(part, at) for part in texts)
        seen[allowed] += 1
        assert checks(text, at) is allowed, at
        expected = module_refuses(net, inputs, texts)
        assert (expected is None) is not allowed, at
        found = graph_refuses(session, inputs)
        assert (found is None) is not allowed, at
        if expected is not None and found is not None:
            assert difference(found, expected) < 1e-5
    assert min(seen.values()) > 0 and seen[True] + seen[False] > 60


def checks(text: str, at: dict[str, int]) -> bool:
    """Whether `dslc check --size` finds nothing."""
    try:
        compile_model(text, sizes=at)
    except CompileError:
        return False
    return True


def module_refuses(net: torch.nn.Module, inputs: list[Array], texts: list[str]) -> Array | None:
    """The module's result; none where it refuses the sizes, in the words of the guards."""
    try:
        with torch.no_grad():
            found = net(*map(torch.from_numpy, inputs))
    except ValueError as error:
        assert f"the input must have {', '.join(texts)}; it has" in str(error)
        return None
    assert isinstance(found, torch.Tensor)
    result: Array = found.numpy()
    return result


def graph_refuses(session: runner.Session, inputs: list[Array]) -> Array | None:
    try:
        (found,) = session.run(inputs).outputs.values()
    except RunError as error:
        assert {mistake.code for mistake in error.mistakes} <= {"E0623", "E0624"}
        return None
    return found


AXES = {
    "net f on x[N, 2, H=8, H]:\n    gap -> flatten\n": ("x", 3, 9, "x.shape[3] == H"),
    "net f on x[N, 2, H=8, W=6], y[N, 2, 2*H, W]:\n    (x -> gap -> flatten) + (y -> gap -> flatten)\n": (
        "y",
        2,
        15,
        "y.shape[2] == 2*H",
    ),
    "net f on x[N, T=9, 2], y[N, (T + 1) // 2, 2]:\n    (x -> mean(1)) + (y -> mean(1))\n": (
        "y",
        1,
        4,
        "y.shape[1] == ceil(T/2)",
    ),
    "net f on x[N, T=4, 8], m[N, T, T]:\n    (m @ x) -> mean(1)\n": ("m", 1, 1, "m.shape[1] == T"),
}
"""Axes that the header gives in terms of a name: (input, axis, a wrong size, what is asked)."""


@pytest.mark.parametrize("text", AXES)
def test_axes_in_terms_of_names(text: str) -> None:
    name, axis, size, asked = AXES[text]
    model, net, session = compiled(text)
    inputs = {
        value.name or "": np.ones([model.sizes.evaluate(d, {"N": 2}) for d in value.type.dims], np.float32)
        for value in model.root.inputs
    }
    expected = net(*map(torch.from_numpy, inputs.values())).detach().numpy()
    assert difference(session.run(inputs).outputs["output"], expected) < 1e-5
    shape = list(inputs[name].shape)
    shape[axis] = size
    inputs[name] = np.ones(shape, np.float32)
    with pytest.raises(ValueError, match=re.escape(f"the input must have {asked}")):
        net(*map(torch.from_numpy, inputs.values()))
    with pytest.raises(RunError) as caught:
        session.run(inputs)
    assert caught.value.mistakes[0].code in ("E0623", "E0624")


@pytest.mark.parametrize("dynamic", [(), ("N",), ("N", "H", "W")])
def test_guards_hold_whatever_is_left_open(dynamic: tuple[str, ...]) -> None:
    """A graph for one size names the guards too, and takes that size alone."""
    model = compile_model(JOINED)
    session = runner.load(emit(model, lively(model), dynamic=dynamic), "cpu")
    session.run([np.zeros((1, 2, 64, 32), np.float32)])
    with pytest.raises(RunError) as caught:
        session.run([np.zeros((1, 2, 60, 32), np.float32)])
    (found,) = caught.value.mistakes
    assert found.code == "E0624"
    assert found.message.startswith("H=60 is not allowed: this network needs H % 8 == 0 (exactly H % 8 in {0, 7})")
    with pytest.raises(RunError) as caught:
        session.run([np.zeros((0, 2, 64, 32), np.float32)])
    assert "a size is at least 1" in caught.value.mistakes[0].message


def test_a_size_left_open_is_at_least_one() -> None:
    model = compile_model("net f on x[N, T=8, 3]:\n    mean(1)\n")
    meta = emit(model, lively(model), dynamic=("N", "T")).metadata
    found = {guard["symbol"]: (guard["min"], guard["text"]) for guard in json.loads(meta["dslc.guards"])}
    assert found == {"N": (1, "N >= 1"), "T": (1, "T >= 1")}
    assert json.loads(meta["dslc.places"]) == {"N": ["x", 0], "T": ["x", 1]}
