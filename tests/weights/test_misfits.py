"""One table of why weights do not fit, grouped by cause, short whatever the size of the network."""

from __future__ import annotations

from inspect import cleandoc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dslc.api import compile_model
from dslc.ir.model import Param
from dslc.output import write_all
from dslc.weights import store
from dslc.weights.errors import Unfit, WeightsError
from dslc.weights.folding import folded, ranges, shown
from dslc.weights.init import initial
from dslc.weights.memory import Array
from tests.cli.running import run

NET = """
block layer(width: int) on x[N, C, H, W]:
    conv(width, 3) as conv -> bn as norm -> relu

net f(width: int = 8, depth: int = 6, classes: int = 10, stem: int = 3) on x[N, stem, 8, 8]:
    conv(width, 3) as stem
    seq as blocks:
        for i in range(depth):
            layer(width)
    gap -> flatten -> linear(classes) as head
"""


def params(tmp_path: Path, **args: Any) -> dict[str, Param]:
    (tmp_path / "f.dl").write_text(NET, encoding="utf-8")
    return dict(compile_model(tmp_path / "f.dl", args=args).params)


def table(found: dict[str, Array], wanted: dict[str, Param]) -> tuple[str, list[str], list[str]]:
    """The summary, the lines, and what is proposed."""
    with pytest.raises(WeightsError) as caught:
        store.fit(found, wanted)
    (mistake,) = caught.value.mistakes
    assert isinstance(mistake, Unfit)
    assert len(mistake.table) + len(mistake.help) < 25
    return mistake.message.partition(": ")[2], list(mistake.table), [h.text for h in mistake.help]


def test_another_number_of_classes(tmp_path: Path) -> None:
    summary, lines, helps = table(initial(params(tmp_path, classes=1000)), params(tmp_path))
    assert summary == "2 of another shape; 38 of its 40 tensors fit"
    assert lines == [
        "  another shape, 2: another number of classes",
        "    `head.weight`  [10, 8] in the network, [1000, 8] in the file",
        "    `head.bias`  [10] in the network, [1000] in the file",
    ]
    assert helps == [
        "`--set classes=1000` makes the network that the weights are of",
        "`--skip head` keeps the network's own, to be trained",
    ]


def test_another_depth(tmp_path: Path) -> None:
    for depth, words, other in ((9, "18 surplus", "network"), (2, "20 missing", "file")):
        summary, lines, helps = table(initial(params(tmp_path, depth=depth)), params(tmp_path))
        assert summary.startswith(f"{words} for another depth" if depth == 2 else "18 surplus for another depth")
        assert lines[0].endswith(f"the {other} has fewer")
        assert lines[1] == (
            "    `blocks.{2..5}`  5 tensors each  x4" if depth == 2 else "    `blocks.{6..8}`  6 tensors each  x3"
        )
        assert helps == [f"`--set depth={depth}` may make the network that the weights are of"]


def test_another_depth_that_no_argument_alone_says(tmp_path: Path) -> None:
    _, _, helps = table(initial(params(tmp_path, depth=9)), params(tmp_path, stem=6))
    assert "the depths differ: other arguments (`--set`), or another net of the file (`--net`)" in helps


def test_a_few_modules_are_skipped_together(tmp_path: Path) -> None:
    state = {name: array for name, array in initial(params(tmp_path)).items() if not name.startswith(("stem", "head"))}
    _, _, helps = table(state | {"a.w": np.ones(3), "b.w": np.ones(4)}, params(tmp_path))
    assert helps == ["`--skip stem,head` keeps the network's own, to be trained", "`--skip a,b` leaves them out"]


def test_a_tensor_that_a_block_lacks_is_no_depth(tmp_path: Path) -> None:
    state = initial(params(tmp_path))
    summary, lines, _ = table({n: a for n, a in state.items() if not n.endswith("5.norm.bias") and n != "stem.bias"},
                              params(tmp_path))  # fmt: skip
    assert summary == "2 missing; 38 of its 40 tensors fit"
    assert lines[1:] == ["    `stem.bias`  [8]", "    `blocks.5.norm.bias`  [8]"]


def test_counters_in_the_type_of_the_weights(tmp_path: Path) -> None:
    wanted = params(tmp_path)
    state = {name: np.asarray(array, np.float16) for name, array in initial(wanted).items()}
    state["blocks.1.norm.num_batches_tracked"] = np.array(7, np.float16)
    found = store.fit(state, wanted)["blocks.1.norm.num_batches_tracked"]
    assert found.dtype == np.int64 and found == 7
    state["blocks.1.norm.num_batches_tracked"] = np.array(np.inf, np.float16)
    with pytest.raises(WeightsError, match="num_batches_tracked"):
        store.fit(state, wanted)


def test_complex_weights_are_still_this_networks(tmp_path: Path) -> None:
    state = {name: array.astype(np.complex64) for name, array in initial(params(tmp_path)).items()}
    summary, _, _ = table(state, params(tmp_path))
    assert summary == "40 of another type; 0 of its 40 tensors fit"


def test_turned_matrices_are_a_maps_work(tmp_path: Path) -> None:
    state = initial(params(tmp_path))
    state["head.weight"] = np.ascontiguousarray(state["head.weight"].T)
    with pytest.raises(WeightsError) as caught:
        store.fit(state, params(tmp_path))
    (mistake,) = caught.value.mistakes
    assert [help.text.partition(" FILE ")[0] for help in mistake.help] == ["`dslc weights match"]


def test_another_width(tmp_path: Path) -> None:
    summary, lines, helps = table(initial(params(tmp_path, width=16)), params(tmp_path))
    assert "of another shape" in summary
    assert any("`blocks.{0..5}.conv.weight`  [8, 8, 3, 3] in the network, [16, 16, 3, 3]" in line for line in lines)
    assert helps == ["`--set width=16` may make the network that the weights are of"]
    _, _, helps = table(initial(params(tmp_path, width=16)), params(tmp_path, depth=8))
    assert "the weights are of a network with other arguments (`--set`), or of another net (`--net`)" in helps


def test_other_channels_of_the_first_layer(tmp_path: Path) -> None:
    wanted = params(tmp_path)
    state = initial(wanted)
    state |= {"stem.weight": np.zeros((8, 1, 3, 3), np.float32), "head.bias": np.zeros(11, np.float32)}
    _, lines, _ = table(state, wanted)
    assert lines[0] == "  another shape, 1: other channels of the first layer"


def test_renamed_layers_are_paired_in_their_order(tmp_path: Path) -> None:
    wanted = params(tmp_path)
    state = {name.replace("blocks.", "layers.").replace(".norm.", ".bn."): v for name, v in initial(wanted).items()}
    summary, lines, helps = table(state, wanted)
    assert summary == "36 renamed; 4 of its 34 tensors fit"
    assert "    `blocks.{0..5}.conv.weight` may be the file's `layers.{0..5}.conv.weight`  x6" in lines
    assert "    `blocks.{0..5}.norm.running_var` may be the file's `layers.{0..5}.bn.running_var`  x6" in lines
    assert "--map" in helps[0]


def test_another_network(tmp_path: Path) -> None:
    state: dict[str, Array] = {f"features.{i}.weight": np.zeros((i + 3, 5), np.float32) for i in range(200)}
    summary, lines, _ = table(state, params(tmp_path))
    assert summary == "34 missing, 200 surplus; 0 of its 34 tensors fit, so these are another network's"
    assert any("more like these" in line for line in lines)


def test_thousands_of_everything_stay_one_short_table(tmp_path: Path) -> None:
    from dslc.ops.base import Init, ParamSpec
    from dslc.types.tensor import DType

    wanted = {}
    found: dict[str, Array] = {}
    owner = params(tmp_path)["stem.weight"].owner
    for i in range(3000):
        for kind in ("same", "shape", "type", "missing"):
            name = f"{kind}.{'x' * (i % 40)}{i}"
            spec = ParamSpec("w", (2, i), Init("zeros"), "param", DType.FLOAT32, None)
            wanted[name] = Param(name, name, spec, owner)
            if kind != "missing":
                shape = (3, i) if kind == "shape" else (2, i)
                found[name] = np.zeros(shape, np.int64 if kind == "type" else np.float32)
        found[f"surplus.{i}"] = np.zeros((5, 5, i), np.float32)
    summary, _, _ = table(found, wanted)
    assert summary.startswith("3,000 of another shape, 3,000 missing, 3,000 surplus, 3,000 of another type; 3,000 of")


def test_names_that_a_stranger_chose_are_cut_and_take_no_time(tmp_path: Path) -> None:
    """Of a million dots, of numbers that Python does not read, and of any length."""
    from dslc.weights.checkpoint import Checkpoint, read

    names = [
        "a." * 10**6 + "b",
        "9" * 6000,
        "8" * 6000,
        "x." + "7" * 5000 + ".w",
        "x." + "6" * 5000 + ".w",
        "y" * 10**6,
    ]
    write_all([store.output(tmp_path / "x.safetensors", {name: np.zeros(1, np.float32) for name in names})])
    for options in ((), ("heads", "blocks")):
        with pytest.raises(WeightsError) as caught:
            read(Checkpoint(tmp_path / "x.safetensors", skip=options), params(tmp_path))
        assert all(len(line) < 400 for line in str(caught.value).splitlines())
    assert run("weights", "inspect", tmp_path / "x.safetensors").exit_code == 0
    assert run("weights", "diff", tmp_path / "f.dl", tmp_path / "x.safetensors").exit_code == 0


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a.0.b", "a.1.b", "a.2.b"], "a.{0..2}.b"),
        (["l1.0", "l1.3", "l2.0", "l2.3"], "l{1..2}.{0,3}"),
        (["x"], "x"),
        (["a9", "a10", "a11"], "a{9..11}"),
    ],
)
def test_names_as_one(names: list[str], text: str) -> None:
    assert shown(names) == text
    assert folded(dict.fromkeys(names, 1)) == [(text, names, 1)]


def test_ranges() -> None:
    assert ranges([0, 1, 2, 5, 7, 8]) == "0..2,5,7..8"


# ---- on the command line


def built(tmp_path: Path, *options: str | Path) -> tuple[int, str]:
    done = run("build", tmp_path / "f.dl", "-o", tmp_path / "out", *options)
    return done.exit_code, done.stderr


def test_fine_tuning_keeps_a_new_head(tmp_path: Path) -> None:
    (tmp_path / "f.dl").write_text(NET, encoding="utf-8")
    assert built(tmp_path, "--set", "classes=1000", "--seed", "3")[0] == 0
    (tmp_path / "out" / "f.safetensors").rename(tmp_path / "old.safetensors")
    given = ("--set", "classes=10", "--weights", tmp_path / "old.safetensors", "--seed", "5")
    status, said = built(tmp_path, *given)
    assert status == 1 and "`--skip head` keeps" in said
    status, said = built(tmp_path, *given, "--skip", "head")
    assert status == 0
    assert said == "weights: `head.weight`, `head.bias` kept the network's own values, drawn from seed 5\n"
    from dslc.weights.checkpoint import Checkpoint, read

    wanted = params(tmp_path)
    state = read(Checkpoint(tmp_path / "old.safetensors", skip=("head",)), wanted, seed=5).state
    assert [*state] == [name for name, param in wanted.items() if param.spec.kind != "const"]
    np.testing.assert_array_equal(state["head.weight"], initial(wanted, 5)["head.weight"])
    trained = initial(params(tmp_path, classes=1000), 3)
    np.testing.assert_array_equal(state["blocks.3.conv.weight"], trained["blocks.3.conv.weight"])


def test_weights_beside_a_module_alone_are_held_to_it(tmp_path: Path) -> None:
    (tmp_path / "f.dl").write_text(NET, encoding="utf-8")
    assert built(tmp_path)[0] == 0
    status, said = built(tmp_path, "--target", "torch", "--weights", tmp_path / "out" / "f.safetensors")
    assert status == 0 and said == "weights: they fit; a module alone is written without weights\n"
    status, said = built(tmp_path, "--target", "torch", "--weights", tmp_path / "no.pth")
    assert status == 1 and "no such file" in said


def test_constants_that_a_file_holds_too(tmp_path: Path) -> None:
    """Whether a table is in a state dict is a library's choice; other numbers than the network's are surplus."""
    from dslc.weights.checkpoint import read

    program = """
    net g on x[N, 4]:
        const table: [i: 4] = 2 * i + 1
        linear(4) as fc
        (it * table)
    """
    (tmp_path / "g.dl").write_text(cleandoc(program) + "\n", encoding="utf-8")
    wanted = compile_model(tmp_path / "g.dl").params
    state = initial(wanted)
    assert state.keys() == {"fc.weight", "fc.bias"}
    path = tmp_path / "x.safetensors"
    for table, kind in ((np.arange(1, 9, 2), np.float32), (np.arange(1, 9, 2), np.int64), (np.arange(4), np.float32)):
        write_all([store.output(path, {**state, "table": table.astype(kind)})])
        if table[0]:
            taken = read(path, wanted)
            assert taken.state.keys() == state.keys()
            assert taken.notes == ("the network computes `table` itself",)
        else:
            with pytest.raises(
                WeightsError, match=r"E0612.*the weights have `table` \[4\], which the network does not"
            ):
                read(path, wanted)


def test_what_cannot_be_skipped(tmp_path: Path) -> None:
    (tmp_path / "f.dl").write_text(NET, encoding="utf-8")
    assert built(tmp_path)[0] == 0
    file = tmp_path / "out" / "f.safetensors"
    status, said = built(tmp_path, "--weights", file, "--skip", "heads,blocks.7")
    assert status == 1
    assert "error[E0643]: nothing is named `heads` or begins with `heads.`" in said
    assert "help: did you mean `head`?" in said
    assert "error[E0643]: nothing is named `blocks.7`" in said
    for option in ("--skip", "--part"):
        status, said = built(tmp_path, option, "head")
        assert status == 2 and f"`{option}` needs `--weights`" in said


def test_a_diverged_checkpoint_is_a_few_lines(tmp_path: Path) -> None:
    wanted = params(tmp_path)
    state = {n: a * np.float32(np.nan) if a.dtype == np.float32 else a for n, a in initial(wanted).items()}
    with pytest.raises(WeightsError) as caught:
        store.fit(state, wanted)
    assert len(caught.value.mistakes) == 5
    assert caught.value.mistakes[-1].message.endswith("; 29 other tensors have such numbers too")
