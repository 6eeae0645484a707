"""`zoo:NAME` wherever a program is read, and `dslc zoo`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import dslc
from dslc.api import compile_model, nets
from dslc.diagnostics.model import CompileError
from dslc.names import zoo
from dslc.reference.zoo import entries, zoo_text
from dslc.reports.zoo import DATA, listed
from tests.cli.running import printed, run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has no examples/."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- names


def test_a_name_means_one_net() -> None:
    found = [name for path in zoo.files().values() for name in nets(path)]
    assert len(found) > 150 and sorted(found) == sorted(set(found))
    assert set(zoo.nets(zoo.files())) == set(found)


@pytest.mark.parametrize("name", ["zoo:resnet50", "zoo:resnet/resnet50"])
def test_a_net_of_the_zoo_is_that_of_its_file(name: str) -> None:
    here, there = compile_model(name), compile_model(ROOT / "examples" / "resnet.dl", "resnet50")
    assert here.entry == "resnet50" and here.params.keys() == there.params.keys()
    assert Path(here.source.path) == ROOT / "examples" / "resnet.dl"


def test_other_nets_of_its_file_are_named_as_ever() -> None:
    assert compile_model("zoo:resnet", "resnet34").entry == "resnet34"
    assert compile_model("zoo:resnet18", "resnet34").entry == "resnet34"


def test_a_net_goes_before_the_file_of_its_name() -> None:
    assert compile_model("zoo:alexnet").entry == "alexnet"  # alexnet.dl has two
    assert compile_model("zoo:squeezenet", args={"stem": 64, "k": 3, "pools": [0, 2, 4]}).entry == "squeezenet"
    with pytest.raises(CompileError, match="this file has 8 nets: say which one with --net"):
        compile_model("zoo:vgg")
    with pytest.raises(CompileError, match="`v1` needs `width`"):
        compile_model("zoo:v1")


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("zoo:resnt50", "did you mean `zoo:resnet50`?"),
        ("zoo:resnet.dl", "did you mean `zoo:resnet`?"),
        ("zoo:vgg/resnet50", "did you mean `zoo:resnet50`?"),
        ("zoo:../examples/lenet", "did you mean `zoo:lenet`?"),
        ("zoo:", "`dslc zoo` lists what there is"),
        ("zoo:/etc/passwd", "`dslc zoo` lists what there is"),
    ],
)
def test_an_unknown_name_ends_as_a_missing_file_does(name: str, help: str) -> None:
    for command in ("check", "stats", "build", "picture"):
        result = run(command, name)
        assert result.exit_code == 2 and f"the zoo has no `{name}`" in result.stderr and help in result.stderr


def test_a_file_of_such_a_name_is_a_path(elsewhere: Path) -> None:
    (elsewhere / "zoo:resnet50").write_text("net own on x[N, 3, 8, 8]: gap -> flatten -> linear(2)\n")
    assert "own: no errors" in printed("check", "./zoo:resnet50")
    assert compile_model(Path("zoo:resnet50")).entry == "own" and compile_model("./zoo:resnet50").entry == "own"
    assert "resnet50: no errors" in printed("check", "zoo:resnet50")


# ---- commands


def test_commands_take_it(elsewhere: Path) -> None:
    assert printed("check", "zoo:lenet") == "zoo:lenet: lenet: no errors\n"
    assert "zoo:resnet: resnet18, resnet34, " in printed("check", "zoo:resnet")
    assert printed("stats", "zoo:lenet", "--set", "classes=3").startswith("lenet: image[N, 1, 32, 32] -> [N, 3]")
    assert printed("stats", "zoo:lenet", "--sweep", "classes=10,20").count("\n") > 3
    assert printed("picture", "zoo:lenet").startswith("<svg")
    assert "resnet(depths=[2, 2, 2, 2] -> [3, 4, 6, 3])" in printed("diff", "zoo:resnet18", "zoo:resnet34")
    printed("build", "zoo:lenet", "-o", "out")
    assert {path.name for path in (elsewhere / "out").iterdir()} == {"lenet.py", "lenet.onnx", "lenet.safetensors"}


def test_run_takes_it(elsewhere: Path) -> None:
    import numpy as np

    np.save(elsewhere / "x.npy", np.zeros((1, 1, 32, 32), np.float32))
    assert "[1, 10]" in printed("run", "zoo:lenet", "--input", "x.npy", "--repeat", "1")


def test_convert_takes_it_and_leaves_it() -> None:
    result = run("convert", "zoo:vgg11", "--fully-convolutional")
    assert (
        result.exit_code == 0
        and "conv(64 * width, 7 if i == 0 else 1, p=valid, init=normal(std=0.01))" in result.stdout
    )
    result = run("convert", "zoo:vgg11", "--fully-convolutional", "--in-place")
    assert result.exit_code == 2 and "stays as it is: give -o" in result.stderr


def test_commands_for_files_of_ones_own_refuse_it() -> None:
    result = run("fmt", "zoo:lenet")
    assert result.exit_code == 2 and "stays as it is" in result.stderr
    result = run("diff", "zoo:lenet", "--rev", "HEAD")
    assert result.exit_code == 2 and "has no revisions" in result.stderr


def test_python_takes_it() -> None:
    assert dslc.compile("zoo:vit_b_16", classes=10).params["heads.head.weight"].shape[0] == 10
    assert "+1,849,688,064" in str(dslc.compile("zoo:resnet18").diff("zoo:resnet34"))
    LeNet = dslc.load("zoo:lenet")
    assert LeNet is dslc.load(ROOT / "examples" / "lenet.dl")
    net = LeNet(classes=3)
    assert [*net.state_dict().values()][-1].shape == (3,)


# ---- the list


def test_the_list_has_every_network() -> None:
    assert [e.net for e in listed()] == [n for path in zoo.files().values() for n in nets(path, complete=True)], (
        "run `python -m dslc.reference`"
    )


@pytest.mark.parametrize("path", zoo.files().values(), ids=lambda path: path.stem)
def test_the_list_is_what_the_compiler_counts(path: Path) -> None:
    kept = {e.net: e for e in listed()}
    for entry in entries(path, few=True):
        assert entry == kept[entry.net], "run `python -m dslc.reference`"


@pytest.mark.long
def test_the_list_is_what_is_written() -> None:
    assert DATA.read_text("utf-8") == zoo_text(), "run `python -m dslc.reference`"


def test_costs_are_the_published_ones() -> None:
    costs = {e.net: (e.params, e.macs) for e in listed()}
    assert costs["resnet50"] == (25_557_032, 4_089_184_256)  # torchvision 0.28's table: 25557032 and 4.09
    assert costs["vgg16"][0] == 138_357_544 and costs["vit_b_16"][0] == 86_567_656


def test_the_list_as_text() -> None:
    lines = printed("zoo").splitlines()
    assert lines[0].split() == ["network", "params", "MACs", "input"]
    assert all(len(line) <= 120 for line in lines if not line.startswith("  zoo:"))
    assert "  zoo:resnet50                       25.557 M    4.089 G  image[N, 3, H=224, W=224]" in lines
    at = lines.index(
        "resnet.dl: ResNet: He et al., Deep Residual Learning for Image Recognition, arXiv:1512.03385, table 1"
    )
    assert lines[at + 1].startswith("  zoo:resnet18 ")
    assert sum(line.startswith("  zoo:") for line in lines) == len(listed())


def test_the_list_as_data() -> None:
    (entry,) = json.loads(printed("zoo", "lenet", "--format", "json"))
    assert entry["net"] == "lenet" and entry["params"] == 61_706
    (row,) = csv.DictReader(io.StringIO(printed("zoo", "lenet", "--format", "csv")))
    assert row == {name: str(value) for name, value in entry.items()}
    assert "| `zoo:lenet` | lenet.dl | `image[N, 1, 32, 32]` | 61,706 |" in printed(
        "zoo", "lenet", "--format", "markdown"
    )


@pytest.mark.parametrize(
    ("word", "some", "none"),
    [
        ("lenet", ["lenet"], ["googlenet"]),
        ("resnet.dl", ["resnet50", "wide_resnet50_2", "fcn_resnet50"], ["lenet"]),
        ("zoo:ViT", ["vit_b_16"], ["maxvit_t"]),
        ("lexne", ["alexnet", "alexnet_2gpu"], ["lenet"]),
    ],
)
def test_the_list_of_some(word: str, some: list[str], none: list[str]) -> None:
    found = {e.net for e in listed([word])}
    assert found.issuperset(some) and found.isdisjoint(none)


def test_a_name_that_nothing_has() -> None:
    result = run("zoo", "rsnet")
    assert result.exit_code == 1 and "did you mean `resnet`?" in result.stderr


# ---- a program to start from


def test_a_copy_stands_alone(elsewhere: Path) -> None:
    assert printed("zoo", "--copy", "se_resnet50", "-o", "nets").split() == ["nets/resnet.dl", "nets/se_resnet.dl"]
    assert "se_resnet50: no errors" in printed("check", "nets/se_resnet.dl", "--net", "se_resnet50")
    printed("zoo", "--copy", "zoo:resnet18", "-o", "nets")  # what is there is the same
    own = elsewhere / "nets" / "resnet.dl"
    own.write_text("# mine\n")
    (elsewhere / "nets" / "se_resnet.dl").unlink()
    result = run("zoo", "--copy", "se_resnet50", "-o", "nets")
    assert result.exit_code == 1 and "it is there already" in result.stderr
    assert own.read_text() == "# mine\n" and not (elsewhere / "nets" / "se_resnet.dl").exists()


def test_a_copy_of_nothing() -> None:
    assert "the zoo has no `zoo:lent`" in run("zoo", "--copy", "lent").stderr
    for words in (("-o", "nets"), ("--copy", "lenet", "vgg"), ("--copy", "lenet", "--format", "json")):
        assert run("zoo", *words).exit_code == 2
