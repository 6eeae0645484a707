"""The module tree as a flat list: order, actual values, unique paths, and what each step is needed for."""

from __future__ import annotations

from dslc.api import compile_model
from dslc.ir.model import Node, Param
from dslc.ir.walk import Flat, Needed, flatten


def flat(text: str) -> Flat:
    return flatten(compile_model(text))


def paths(found: Flat) -> list[str]:
    return [step.path for step in found.steps]


def wiring(found: Flat) -> dict[str, list[str]]:
    """Per step, what its inputs are: the path of the step that made them, a parameter's path, or an input's name."""
    makers = {out: step.path for step in found.steps for out in step.outs}
    names: dict[str, list[str]] = {}
    for step in found.steps:
        names[step.path] = []
        for value in (*step.inputs, *step.tied.values()):
            if isinstance(value.producer, Param):
                names[step.path].append(value.producer.path)
            else:
                names[step.path].append(makers.get(value) or str(value.name))
    return names


RESIDUAL = """
block unit(out: int) on x[N, C, H, W]:
    conv(out, 3) -> bn
    it + (x if C == out else (x -> conv(out, 1) as skip))
    relu

net f on image[N, 3, H=32, W=32]:
    seq as body:
        for i in range(2): unit(8)
    gap -> flatten -> linear(4) as fc
"""


def test_values_are_followed_through_blocks() -> None:
    found = wiring(flat(RESIDUAL))
    assert list(found)[:5] == ["body.0.conv", "body.0.bn", "body.0.skip", "body.0.add", "body.0.relu"]
    assert found["body.0.conv"] == ["image"]
    assert found["body.0.skip"] == ["image"]
    assert found["body.0.add"] == ["body.0.bn", "body.0.skip"]
    assert found["body.1.conv"] == ["body.0.relu"]
    assert found["body.1.add"] == ["body.1.bn", "body.0.relu"]
    assert found["gap"] == ["body.1.relu"]
    assert found["fc"] == ["flatten"]


def test_outputs_are_actual_values() -> None:
    found = flat(RESIDUAL)
    ((name, value),) = found.outputs
    assert name is None
    assert value in found.steps[-1].outs
    assert {step.needed for step in found.steps} == {Needed.ALWAYS}


def test_a_module_used_again() -> None:
    found = flat(
        """
net f on x[N, 8, H=16, W=16]:
    module head = seq: conv(8, 3) -> relu
    a = head
    b = head
    (a + b) -> head -> gap -> flatten
"""
    )
    assert paths(found) == [
        *("head.0", "head.1", "head.0@2", "head.1@2", "add", "head.0@3", "head.1@3", "gap", "flatten")
    ]
    convs = [step.node for step in found.steps if step.path.startswith("head.0")]
    assert all(isinstance(node, Node) for node in convs)
    assert len({id(node.params["weight"]) for node in convs if isinstance(node, Node)}) == 1
    assert wiring(found)["add"] == ["head.1", "head.1@2"]


def test_parameters_are_read_by_their_path() -> None:
    found = wiring(
        flat(
            """
net f on x[N, T=4, D=8]:
    param pos: [1, T, D] = trunc_normal(0.02)
    module wte = linear(8)
    (it + pos) -> wte -> linear(8, weight=wte.weight) as out
"""
        )
    )
    assert found["add"] == ["x", "pos"]
    assert found["out"] == ["wte", "wte.weight"]


TRAINING = """
net f on x[N, 8, H=16, W=16] -> y, aux when training:
    conv(8, 3) as a
    aux = it -> conv(4, 1) as b -> gap -> flatten
    noise = (conv(8, 1) as c if training else conv(8, 1) as d)
    _unread = it -> conv(2, 1) as e
    y = noise -> conv(3, 1) as last -> gap -> flatten
"""


def test_what_steps_are_needed_for() -> None:
    found = flat(TRAINING)
    needed = {step.path: step.needed.value for step in found.steps}
    assert {path: needed[path] for path in ("a", "b", "c", "d", "e", "last")} == {
        "a": "always",
        "b": "training",
        "c": "training",
        "d": "always",
        "e": "never",
        "last": "always",
    }
    assert [name for name, _ in found.outputs] == ["y"]
    assert wiring(found)["last"] == ["d"]


def test_deep_nesting_takes_no_recursion() -> None:
    text = """
block down(n: int) on x[N, C, H, W]:
    conv(C, 1)
    if n > 0: down(n - 1)

net f on x[N, 2, H=8, W=8]:
    down(150) -> gap -> flatten
"""
    found = flat(text)
    assert len(found.steps) == 153
    assert found.steps[150].path.count("down") == 151
