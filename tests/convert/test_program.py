"""What becomes of the text of a program, that the weights keep their names, and what is refused and why."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dslc.api import compile_model, nets
from dslc.check import check_file
from dslc.convert.program import Converted, fully_convolutional
from dslc.diagnostics.model import CompileError
from tests.convert.programs import CASES, KEPT, NOTHING

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ("lenet", "alexnet", "vgg", "resnet", "mobilenet_v1", "mobilenet_v2", "densenet", "googlenet", "nin")


def same_weights(converted: Converted) -> None:
    """Every tensor under its name with as many elements, drawn alike; the first size, and the others' order, stay."""
    for name, before in converted.before.items():
        after = converted.after[name]
        assert after.params.keys() == before.params.keys()
        for key, param in before.params.items():
            shape = after.params[key].spec.shape
            assert math.prod(shape) == math.prod(param.spec.shape)
            assert shape[:1] == param.spec.shape[:1]
            inits = [spec.init for spec in (param.spec, after.params[key].spec)]
            assert len({(init.kind, init.args) for init in inits}) == 1, key


@pytest.mark.parametrize(("before", "after"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_text(before: str, after: str | None) -> None:
    converted = fully_convolutional(before)
    if after is not None:
        assert converted.text == after
    same_weights(converted)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_round_trip(name: str, tmp_path: Path) -> None:
    """The new text passes `check`, its words beside the head are the old ones, and it has nothing to convert."""
    source = ROOT / "examples" / f"{name}.dl"
    converted = fully_convolutional(source)
    same_weights(converted)
    path = tmp_path / source.name
    path.write_text(converted.text, encoding="utf-8")
    found = check_file(path)
    assert found.nets == nets(source, complete=True) and not found.errors
    old, new = source.read_text(encoding="utf-8").splitlines(), converted.text.splitlines()
    assert [line for line in old if line.startswith("#")] == [line for line in new if line.startswith("#")]
    with pytest.raises(CompileError, match="nothing to convert"):
        fully_convolutional(path)


@pytest.mark.parametrize(("program", "reason"), KEPT, ids=[reason for _, reason in KEPT])
def test_a_head_that_stays_says_why(program: str, reason: str) -> None:
    with pytest.raises(CompileError) as caught:
        fully_convolutional(program)
    first, *kept = caught.value.diagnostics
    assert first.code == "E0681" and "no head can be converted" in first.message
    assert reason in {d.message.removeprefix("this head stays as it is: ") for d in kept}
    assert {d.code for d in kept} == {"W0682"}


@pytest.mark.parametrize("program", NOTHING)
def test_a_program_without_a_head(program: str) -> None:
    with pytest.raises(CompileError) as caught:
        fully_convolutional(program)
    assert [d.code for d in caught.value.diagnostics] == ["E0681"]
    assert "no map is flattened" in caught.value.diagnostics[0].message


def test_a_head_that_stays_is_a_warning_beside_one_that_goes() -> None:
    gated = next(before for name, before, _ in CASES if name.startswith("what cannot"))
    (kept,) = fully_convolutional(gated).kept
    assert kept.message == "this head stays as it is: `reshape` has no form for a map of features"
    assert kept.span.text == "reshape(N, C, 1, 1)"


def test_one_net_of_a_file_and_the_others_stay(tmp_path: Path) -> None:
    source = ROOT / "examples" / "alexnet.dl"
    converted = fully_convolutional(source, "alexnet_2gpu")
    assert list(converted.after) == ["alexnet_2gpu"]
    path = tmp_path / "a.dl"
    path.write_text(converted.text, encoding="utf-8")
    assert compile_model(path, "alexnet").root.outputs[0].type.rank == 2
    assert compile_model(path, "alexnet_2gpu").root.outputs[0].type.rank == 4


def test_arguments_and_sizes_settle_the_windows() -> None:
    program = "net f(k: int) on x[N, 3, H=8, W=8]:\n    maxpool(k) -> flatten -> linear(5) as fc\n"
    text = fully_convolutional(program, args={"k": 2}, sizes={"W": 16}).text
    assert text == "net f(k: int) on x[N, 3, H=8, W=16]:\n    maxpool(k) -> conv(5, 4x8, p=valid) as fc\n"
    with pytest.raises(CompileError, match="needs `k`"):
        fully_convolutional(program)


def test_imports_are_found_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "dslc.toml").write_text("", encoding="utf-8")
    (tmp_path / "parts.dl").write_text("block stem on x[N, C, H, W]: conv(8, 3) -> maxpool(2)\n", encoding="utf-8")
    path = tmp_path / "net.dl"
    path.write_text('use "./parts.dl": stem\n\nnet f on x[N, 3, 8, 8]: stem -> flatten -> linear(5) as fc\n', "utf-8")
    assert "stem -> conv(5, 4, p=valid) as fc" in fully_convolutional(path).text


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (
            "net f on x[N, 3, 8, 8]:\n    flatten\n    for w in [4, 5]: linear(w) -> relu\n",
            "this line makes `linear` and `linear_2`: name them with `as`, as in `fc{i}`",
        ),
        (
            "net f on x[N, 3, 8, 8]:\n    gap -> flatten\n    for w in [4, 5]: linear(w) -> relu\n",
            "this line makes `linear` and `linear_2`: name them with `as`, as in `fc{i}`",
        ),
        (
            "net f on x[N, 3, 8, 8]:\n    flatten -> linear(5) as fc\n    require it.shape[1] == len(it.shape) + 3, "
            '"flat"\n',
            "line 3 of the new text: flat",
        ),
    ],
)
def test_a_conversion_that_would_not_be_right_is_an_error(program: str, reason: str) -> None:
    with pytest.raises(CompileError) as caught:
        fully_convolutional(program)
    first = caught.value.diagnostics[0]
    assert first.code == "E0683" and reason in first.message


def test_an_input_whose_names_are_taken_stays_fixed() -> None:
    program = "let H = 5\n\nnet f on x[N, 3, 8, 8]:\n    flatten -> linear(H) as fc\n"
    assert "x[N, 3, 8, W=8]" in fully_convolutional(program).text


def test_a_mistake_of_the_program_is_reported_as_it_is() -> None:
    with pytest.raises(CompileError) as caught:
        fully_convolutional("net f on x[N, 3, 8, 8]:\n    flaten -> linear(5)\n")
    assert caught.value.diagnostics[0].code.startswith("E02")
