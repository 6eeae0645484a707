"""Places that are not there are refused before a run, or by it: as in PyTorch, and in the words of the layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dslc.api import compile_model
from dslc.backends.onnx import run as runner
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.errors_run import RunError
from dslc.backends.onnx.file import save
from dslc.inference import infer
from tests.onnx.models import exported, inputs_of, lively

TABLE = "net f on ids: int64[N, T=6]:\n    embedding(10, 3) -> mean(1)\n"
GIVEN = {
    "embedding": (TABLE, 0, 9, "embedding"),
    "a view": ("net f on ids: int64[N, T=6]:\n    flatten(0) -> embedding(10, 3)\n", 0, 9, "embedding"),
    "int32": ("net f on ids: int32[N, T=6]:\n    embedding(10, 3) -> mean(1)\n", 0, 9, "embedding"),
    "one_hot": ("net f on ids: int64[N, T=6]:\n    one_hot(10) -> cast(float32) -> mean(1)\n", 0, 9, "one_hot"),
    "gather": (
        "net f on ids: int64[N=2, T=6]:\n    param t: [6, 10] = normal(1.0)\n    gather(t, ids, axis=1)\n",
        0,
        9,
        "gather",
    ),
    "index": (
        "net f on ids: int64[N, T=6]:\n    param t: [10, 3] = normal(1.0)\n    t[ids] -> mean(1)\n",
        -10,
        9,
        "[]",
    ),
}
COMPUTED = {
    "embedding": ("net f on ids: int64[N, T=6]:\n    (it + 1) -> embedding(10, 3) -> mean(1)\n", "embedding"),
    "one_hot": ("net f on ids: int64[N, T=6]:\n    (it + 1) -> one_hot(10) -> cast(float32) -> mean(1)\n", "one_hot"),
    "gather": (
        "net f on ids: int64[N=2, T=6]:\n    param t: [6, 10] = normal(1.0)\n    gather(t, ids + 1, axis=1)\n",
        "gather",
    ),
}


def ids(text: str, value: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    found = np.zeros((2, 6), np.int64)
    found[1, 3] = value
    return found


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("dynamic", [(), ("N", "T")])
def test_ids_of_an_input(name: str, dynamic: tuple[str, ...]) -> None:
    text, least, most, layer = GIVEN[name]
    session = runner.load(exported(text, dynamic=dynamic or ("N",)), "cpu")
    for value in (least, most):
        session.run([ids(text, value)])
    for value in (least - 1, most + 1, 5000):
        with pytest.raises(RunError) as caught:
            session.run([ids(text, value)])
        (found,) = caught.value.mistakes
        line = text.count("\n")
        says = f"`{layer}` takes indices from {least} to {most}, and `ids` holds {value} (<text>:{line})"
        assert (found.code, found.message.replace(":2)", f":{line})")) == ("E0628", says)


@pytest.mark.parametrize("name", COMPUTED)
def test_ids_that_are_computed(name: str) -> None:
    text, layer = COMPUTED[name]
    session = runner.load(exported(text, dynamic=("N",)), "cpu")
    assert list(session.run([ids(text, 8)]).outputs) == ["output"]
    for value in (9, -2, 70):
        with pytest.raises(RunError) as caught:
            session.run([ids(text, value)])
        (found,) = caught.value.mistakes
        given = "another" if layer == "gather" and value > 0 else value + 1  # GatherElements does not say which
        assert found.message.startswith(f"`{layer}` takes indices from 0 to 9, and {given} was computed (<text>:")


def test_a_file_keeps_what_it_takes(tmp_path: Path) -> None:
    save(exported(TABLE, dynamic=("N",)), tmp_path / "f.onnx")
    with pytest.raises(RunError) as caught:
        runner.run(tmp_path / "f.onnx", [ids(TABLE, -1)])
    assert caught.value.mistakes[0].message.startswith("`embedding` takes indices from 0 to 9, and `ids` holds -1")


def test_the_end_of_an_open_axis() -> None:
    text = "net f on x[N, T=4], at: int64[N, 2]:\n    gather(x, at, axis=1)\n"
    session = runner.load(exported(text, dynamic=("N", "T")), "cpu")
    session.run([np.ones((1, 9)), np.array([[0, 8]])])
    with pytest.raises(RunError) as caught:
        session.run([np.ones((1, 9)), np.array([[0, 9]])])
    assert caught.value.mistakes[0].message.startswith("`gather` takes indices from 0 to 8, and `at` holds 9")


def test_no_exception_of_onnxruntime_gets_out(tmp_path: Path) -> None:
    """A graph that does not load, and a node that fails, are mistakes; the latter with the layer's line."""
    graph = exported(TABLE)
    graph.graph.nodes[0].kind = "NoSuchOp"
    with pytest.raises(RunError) as caught:
        runner.load(graph, "cpu")
    assert caught.value.mistakes[0].code == "E0629"
    assert "NoSuchOp" in caught.value.mistakes[0].message
    (tmp_path / "bad.onnx").write_bytes(b"no model at all")
    with pytest.raises(RunError) as caught:
        runner.load(tmp_path / "bad.onnx", "cpu")
    assert caught.value.mistakes[0].code == "E0629"


def test_a_node_that_fails_is_shown_at_its_line(tmp_path: Path) -> None:
    text = "net f on x[N, 4], a: int64[N, 2], b: int64[N, 2]:\n    param t: [5, 5] = normal(1.0)\n    t[a, b]\n"
    path = tmp_path / "pairs.dl"
    path.write_text(text)
    text = text.replace("x[N, 4], ", "")
    path.write_text(text)
    for name, value in (("a", 1), ("b", 7)):
        np.save(tmp_path / f"{name}.npy", np.full((1, 2), value))
    with pytest.raises(RunError) as caught:
        infer(compile_model(path), arrays=[tmp_path / "a.npy", tmp_path / "b.npy"])
    assert caught.value.mistakes[0].message.startswith(
        "`[]` takes indices from -5 to 4, and 7 was computed (pairs.dl:3)"
    )


def test_every_example_reads_its_own_inputs() -> None:
    """Ids within a table run, whatever else the graph does with them."""
    model = compile_model(Path(__file__).parents[2] / "examples" / "bert.dl", net="bert")
    session = runner.load(emit(model, lively(model), dynamic=("N",)), "cpu")
    session.run(inputs_of(model))
