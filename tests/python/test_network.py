"""What `dslc.compile` gives: numbers, findings, pictures, comparisons, builds, and its parts as data."""

from __future__ import annotations

import ast
import io
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner

import dslc
from dslc.cli.main import main
from dslc.diagnostics.model import Severity

ROOT = Path(__file__).resolve().parents[2]
TEXT = """## A small network.
net small(classes: int = 4) on image[N, 3, H=32, W=32], ids: int64[N, T=5] -> map, scores:
    map = image -> conv(8, 3, s=2) as stem -> bn as norm -> relu
    seen = ids -> embedding(10, 8) -> mean(1)
    pooled = map -> gap -> flatten
    scores = (pooled + seen) -> linear(classes) as head
"""


def printed(*args: str) -> str:
    """What a command prints on stdout."""
    done = CliRunner().invoke(main, args, prog_name="dslc")
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program as net.dl in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.dl").write_text(TEXT)
    return Path("net.dl")


# ---- what it is


def test_its_parts_are_data(file: Path) -> None:
    network = dslc.compile(file, classes=np.int64(7), sizes={"H": 64})
    assert (network.name, network.doc, network.source) == ("small", "A small network.", TEXT)
    image, ids = network.inputs["image"], network.inputs["ids"]
    assert (image.shape, image.default, image.dtype) == (("N", 3, "H", "W"), (None, 3, 64, 32), "float32")
    assert (ids.name, ids.shape, ids.dtype) == ("ids", ("N", "T"), "int64")
    assert list(network.outputs) == ["map", "scores"] and network.outputs["scores"].shape == ("N", 7)
    assert network.outputs["map"].default == (None, 8, 32, 16) and network.sizes["H"] == 64
    state = network.load()().state_dict()
    assert {name: weight.shape for name, weight in network.params.items()} == {k: v.shape for k, v in state.items()}
    assert {n: f"torch.{weight.dtype}" for n, weight in network.params.items()} == {
        k: str(v.dtype) for k, v in state.items()
    }
    assert [n for n, weight in network.params.items() if not weight.trained] == [
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]


def test_types_are_those_that_a_build_has() -> None:
    network = dslc.compile("net f on x: float16[N, 4]:\n    linear(2)\n")
    assert network.inputs["x"].dtype == network.params["linear.weight"].dtype == "float16"


def test_its_generated_source_is_what_is_loaded_and_built(file: Path) -> None:
    network = dslc.compile(file)
    ast.parse(network.torch_source)
    assert "class Small(nn.Module):" in network.torch_source
    cls = network.load()
    assert cls is dslc.load(file)
    loader = sys.modules[cls.__module__].__loader__
    assert loader is not None and loader.get_source(cls.__module__) == network.torch_source  # type: ignore[attr-defined]


def test_the_program_is_kept(file: Path) -> None:
    network = dslc.compile(file)
    file.write_text("net other on x[N, 3]:\n    linear(2)\n")
    assert network.load()(classes=3)(torch.zeros(1, 3, 32, 32), torch.zeros(1, 5, dtype=torch.int64))[1].shape == (1, 3)
    assert network.build("out").files[0][0] == Path("out/small.py") and network.source == TEXT


def test_it_is_shown_on_one_line_and_as_a_picture() -> None:
    network = dslc.compile(ROOT / "examples" / "resnet.dl", net="resnet50")
    assert repr(network) == "<Network resnet50: image[N, 3, H=224, W=224] -> [N, 1000], 25,557,032 parameters>"
    small = repr(dslc.compile(TEXT)).partition(" -> ")
    assert small[0] == "<Network small: image[N, 3, H=32, W=32], ids: int64[N, T=5]"
    assert small[2] == "map[N, 8, 16, 16], scores[N, 4], 348 parameters>"
    shown = network._repr_svg_()
    assert shown is not None and 3 < shown.count("<rect ") <= 61
    long = "net f on x[N, 4]:\n" + "    linear(4)\n" * 2_100
    assert dslc.compile(long)._repr_svg_() is None


# ---- stats


def test_stats_take_the_options_of_the_command(file: Path) -> None:
    network = dslc.compile(file)
    given = [
        "--train",
        "--optimizer",
        "adam",
        "--batch",
        "8",
        "--fit",
        "2MB",
        "--device",
        "A100",
        "--dtype",
        "fp16",
        "-v",
    ]
    stats = network.stats(
        train=True, optimizer="adam", batch=8, fit="2MB", device="a100", dtype=torch.half, verbose=True
    )
    assert f"{stats}\n" == printed("stats", "net.dl", *given)
    assert json.loads(stats.to_json()) == json.loads(printed("stats", "net.dl", *given, "--format", "json"))
    options = ["--depth", "1", "--columns", "op,params,time", "--sort", "params", "--device", "A100"]
    text = network.stats(device="A100").text(depth=1, columns="op,params,time", sort="params")
    assert f"{text}\n" == printed("stats", "net.dl", *options)
    assert network.stats().to_csv() == printed("stats", "net.dl", "--format", "csv").removesuffix("\n")
    markdown = network.stats(tool="fvcore", inplace=False).text(markdown=True, symbolic=True, fold=False)
    flags = ["--as", "fvcore", "--no-inplace", "--format", "markdown", "--symbolic", "--no-fold"]
    assert f"{markdown}\n" == printed("stats", "net.dl", *flags)


def test_training_and_time_are_numbers() -> None:
    network = dslc.compile(TEXT)
    alone = network.stats()
    assert alone.training == () and alone.seconds is None
    found = network.stats(train=True, batch=4).training
    assert {(one.optimizer, one.precision) for one in found} == {
        (optimizer, precision) for optimizer in ("sgd", "momentum", "adam", "adamw") for precision in ("fp32", "mixed")
    }
    one = next(one for one in found if (one.optimizer, one.precision) == ("adam", "fp32"))
    assert one.weights == one.gradients == 4 * int(alone.totals["params"] or 0) and one.state == 2 * one.weights
    assert one.total == one.weights + one.gradients + one.state + one.buffers + one.saved and one.largest_batch is None
    (fits,) = network.stats(fit=one.total, optimizer=["adam"], precision="float32").training
    assert fits.largest_batch == 4
    seconds = [network.stats(device=d, batch=64).seconds for d in ("H200", "peak=1T,bandwidth=1G")]
    assert seconds[0] is not None and seconds[1] is not None and 0 < seconds[0] < seconds[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"optimizer": "adma", "train": True}, "`optimizer` knows no `adma`: did you mean `adam`?"),
        ({"precision": "fp16", "train": True}, "`precision` knows no `fp16`"),
        ({"optimizer": "adam"}, "mean nothing without `train` or `fit`"),
        ({"fit": "lots"}, "`lots` is no amount of memory such as `24GB`"),
        ({"device": "A1000"}, "there is no device `A1000`"),
        ({"device": "T4", "dtype": "bf16"}, "no rate of T4 is known for bf16"),
        ({"device": "T4", "dtype": "fp46"}, "there is no element type `fp46`"),
        ({"dtype": "fp16"}, "it means nothing without `device`"),
        ({"tool": "fvcor"}, "`tool` knows no `fvcor`: did you mean `fvcore`?"),
        ({"batch": 0}, "`batch` is at least 1, not 0"),
        ({"fit": -1}, "`fit` is at least 1, not -1"),
    ],
    ids=str,
)
def test_options_that_mean_nothing(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        dslc.compile(TEXT).stats(**options)  # type: ignore[arg-type]


def test_options_of_a_wrong_kind(file: Path) -> None:
    network: Any = dslc.compile(file)
    assert network.stats(batch=np.int64(3), train=True).training[0].batch == 3
    for call, words in (
        (lambda: network.stats(batch="3"), "`batch` is a whole number, not '3'"),
        (lambda: network.stats(fit=1.5, train=True), "`fit` is a whole number, not 1.5"),
        (lambda: network.stats(device=5), "`device` is a name, or rates such as"),
        (lambda: network.stats().text(depth="1"), "`depth` is a whole number, not '1'"),
        (lambda: network.picture(depth=True), "`depth` is a whole number, not True"),
        (lambda: network.diff(network).text(depth=1.0), "`depth` is a whole number, not 1.0"),
        (lambda: network.stats().text(columns=3), "`columns` is a text, or several, not 3"),
        (lambda: network.check(budgets=3), "`budgets` is a text such as `macs<=300M`, or several, not 3"),
        (lambda: network.build("out", seed="x"), "`seed` is a whole number, not 'x'"),
        (lambda: network.to_onnx("x.onnx", seed=1.5), "`seed` is a whole number, not 1.5"),
        (lambda: network.build("out", weights="x.pth", skip=3), "`skip` is a text, or several, not 3"),
        (lambda: dslc.compile(file, net=cast(Any, 3)), "`net` is the name of a net, not 3"),
        (lambda: dslc.compile(cast(Any, None)), "a program is a path, a text, or a name such as"),
        (lambda: dslc.load(cast(Any, b"net.dl")), "not b'net.dl'"),
        (lambda: dslc.compile(file, classes={"n": 3}), "`classes`: {'n': 3} is no value of a program"),
    ):
        with pytest.raises(TypeError, match=re.escape(words)):
            call()


def test_arguments_that_the_net_has_not(file: Path) -> None:
    wrong: dict[str, Any] = {"size": {"H": 64}}
    with pytest.raises(dslc.CompileError, match="the net `small` has no parameter `size`"):
        dslc.compile(file, **wrong)
    with pytest.raises(dslc.CompileError, match="a program that is given as text ends with a newline"):
        dslc.compile("net f on x[N, 3]: linear(2)")
    with pytest.raises(dslc.CompileError) as error:
        dslc.compile("nett.dl")
    first, *rest = str(error.value).splitlines()
    assert first == "error[E0216]: cannot read `nett.dl`: no such file or directory"
    assert rest == ["  --> nett.dl", "  help: did you mean `net.dl`?"]


def test_columns_that_are_not_there() -> None:
    stats = dslc.compile(TEXT).stats()
    with pytest.raises(ValueError, match="there is no column `parms`; did you mean `params`"):
        stats.text(columns="op,parms")
    with pytest.raises(ValueError, match=r"the column `time` needs a device: `stats\(device=\.\.\)`"):
        stats.text(sort="time")


# ---- check


def test_findings_are_data(file: Path) -> None:
    network = dslc.compile(file)
    assert network.check().ok and network.check().errors == () and str(network.check().without_notes) == "[]"
    found = network.check(budgets=["macs<=1K, params<=1G", "acts<=1"])
    assert not found.ok and [error.code for error in found.errors] == ["E0701", "E0701"]
    assert [error.span.source.path for error in found.errors] == ["budgets", "budgets"]
    assert all(error.severity is Severity.ERROR for error in found.errors) and "`macs` is " in str(found)
    assert repr(found) == "<Findings of small: 2 errors>"
    for wrong in ("macs", "macs<=much"):
        with pytest.raises(ValueError, match=rf"`{wrong}` is not a limit such as"):
            network.check(budgets=wrong)


def test_notes_and_numbers_that_16_bits_do_not_hold() -> None:
    network = dslc.compile("net f on x[N, 3, H=32, W=32]:\n    conv(4, 3, s=2, p=valid) -> upsample(2)\n    it * 1e6\n")
    assert network.check().ok and all(note.severity is Severity.NOTE for note in network.check().notes)
    for kind in ("fp16", torch.float16, np.half):
        (error,) = network.check(dtype=kind).errors
        assert "1e6" in error.span.text or "1000000" in error.message
    assert network.check(dtype="bf16").ok


def test_strict_refuses_lower_bounds() -> None:
    text = 'extern block mine on x[N, C] -> [N, C] = "mine:Mine"\nnet f on x[N, 4]:\n    mine -> linear(2)\n'
    network = dslc.compile(text)
    assert network.check().ok and not network.check(strict=True).ok


# ---- picture, diff


def test_a_picture_is_that_of_the_command(file: Path, tmp_path: Path) -> None:
    network = dslc.compile(file)
    text = network.picture("net.svg")
    assert text == Path("net.svg").read_text() == printed("picture", "net.dl")
    assert ElementTree.fromstring(text).tag.endswith("svg") and network.picture(depth=1) == printed(
        "picture", "net.dl", "--depth", "1"
    )
    with pytest.raises(dslc.Failure, match=r"E0601\]: cannot write `none/net.svg`: there is no folder `none`"):
        network.picture("none/net.svg")
    with pytest.raises(ValueError, match="`depth` is at least 1, not 0"):
        network.picture(depth=0)


def test_a_picture_of_too_much_says_how_to_get_one() -> None:
    text = "block b on x[N, C]:\n" + "    linear(4)\n" * 1_100 + "\nnet f on x[N, 4]:\n    b\n    b\n"
    network = dslc.compile(text)
    assert network.picture().startswith("<svg")
    with pytest.raises(
        ValueError, match=r"2,202 boxes are more than a picture can show \(2,000\); close parts with depth=1"
    ):
        network.picture(fold=False)
    assert network.picture(depth=1, fold=False).startswith("<svg")


def test_a_comparison_is_that_of_the_command(file: Path) -> None:
    network, other = dslc.compile(file), dslc.compile(file, classes=9)
    change = network.diff(other)
    assert change and change.differ and change.totals["params"].delta == 5 * 9
    assert f"{change}\n" == printed("diff", "net.dl", "--set-b", "classes=9")
    flags = ["--columns", "acts", "--only", "changed", "--format", "markdown"]
    text = change.text(columns="acts", only_changed=True, markdown=True)
    assert f"{text}\n" == printed("diff", "net.dl", "--set-b", "classes=9", *flags)
    assert f"{change.to_json()}\n" == printed("diff", "net.dl", "--set-b", "classes=9", "--format", "json")
    assert change.to_csv() == printed("diff", "net.dl", "--set-b", "classes=9", "--format", "csv").removesuffix("\n")
    assert not change.weights.load and {key for key, _, _ in change.weights.reshaped} == {"head.weight", "head.bias"}
    assert [layer["b"]["path"] for layer in change.to_records(only_changed=True)][-1] == "head"
    assert not network.diff("net.dl") and repr(network.diff(file)) == "<NetworkDiff of small and small: no difference>"
    with pytest.raises(ValueError, match="`columns` knows no `mac`: did you mean `macs`"):
        change.text(columns="mac")


# ---- build, to_onnx, load


def test_a_build_is_that_of_the_command(file: Path) -> None:
    built = dslc.compile(file).build("mine", dynamic={"image": {0: "N"}}, dtype="half", seed=3, checks="onnx")
    said = printed(
        "build", "net.dl", "-o", "theirs", "--dynamic", "N", "--dtype", "fp16", "--seed", "3", "--check", "onnx"
    )
    assert f"{built}\n".replace("mine", "theirs").split() == said.split()
    assert [path.name for path, _ in built.files] == ["small.py", "small.onnx", "small.safetensors"]
    for path, _ in built.files:
        assert path.read_bytes() == (Path("theirs") / path.name).read_bytes()
    (only,) = dslc.compile(file).build(targets=["torch"]).files
    assert only[0] == Path("build/small.py")
    alone = dslc.compile(file).build("alone", targets="torch", embed=True).files[0][0].read_text()
    assert alone.startswith(only[0].read_text()) and "\nPROGRAM = {" in alone
    assert only[0].read_text().split('"""')[2] == dslc.compile(file).torch_source.split('"""')[2]


def test_words_that_a_build_does_not_know(file: Path) -> None:
    network = dslc.compile(file)
    with pytest.raises(ValueError, match="`targets` knows no `onxx`: did you mean `onnx`"):
        network.build("out", targets="onxx")
    with pytest.raises(ValueError, match="`checks` knows no `parety`: did you mean `parity`"):
        network.build("out", checks=["parety"])
    with pytest.raises(ValueError, match="`targets` names none of torch, onnx: nothing would be written"):
        network.build("out", targets=())
    with pytest.raises(ValueError, match="there is no element type"):
        network.build("out", dtype="fp46")
    with pytest.raises(dslc.Failure, match="E0635"):
        network.build("out", dynamic={"image": [1]})
    assert not Path("out").exists()


def test_a_failure_is_as_text_what_is_printed_and_pickles(file: Path) -> None:
    with pytest.raises(dslc.Failure) as error:
        dslc.compile(file).to_onnx(io.BytesIO(), dynamic={"imag": [0], "image": {0: "batch"}})
    assert str(error.value) == (
        "error[E0633]: the network has no input `imag`: there are `image`, `ids`\n"
        "  help: did you mean `image`?\n"
        "error[E0636]: axis 0 of `image` is called `N` in the program, not `batch`\n"
        '  help: write `dynamic={"image": {0: "N"}}`'
    )
    assert pickle.loads(pickle.dumps(error.value)).mistakes == error.value.mistakes


def test_a_graph_alone(file: Path) -> None:
    network = dslc.compile(file)
    stream = io.BytesIO()
    assert network.to_onnx(stream, dynamic="N", seed=2) == []
    model = onnx.load_model_from_string(stream.getvalue())
    onnx.checker.check_model(model, full_check=True)
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    assert network.to_onnx("net.onnx", dynamic="N", seed=2) == [Path("net.onnx")]
    assert Path("net.onnx").read_bytes() == stream.getvalue()
    network.build("out", seed=2)
    assert network.to_onnx("again.onnx", dynamic="N", weights="out/small.safetensors")
    assert Path("again.onnx").read_bytes() == stream.getvalue()


def test_what_is_meant_of_a_file_of_weights(file: Path) -> None:
    network = dslc.compile(file)
    network.build("old", seed=2)
    built = dslc.compile(file, classes=9).build("new", weights="old/small.safetensors", skip="head")
    assert "kept the network's own values" in built.notes[-1]
    network.to_onnx(io.BytesIO(), weights="old/small.safetensors", skip=["head.bias"])
    with pytest.raises(dslc.Failure, match="head"):
        dslc.compile(file, classes=9).to_onnx("none.onnx", weights="old/small.safetensors")
    with pytest.raises(ValueError, match="`part`, `map`, `skip` and `adapt` mean nothing without `weights`"):
        network.build("none", map="timm")
    assert not Path("none").exists() and not Path("none.onnx").exists()


def test_numbers_of_numpy_give_the_class_of_plain_ones(file: Path) -> None:
    plain = dslc.load(file, classes=5)
    assert dslc.load(file, classes=np.int32(5)) is dslc.compile(file, classes=torch.tensor(5)).load() is plain
    net = dslc.load(file)(classes=np.int64(5))
    assert net.head.out_features == 5
    net.to_onnx(io.BytesIO())
    assert type(pickle.loads(pickle.dumps(net))) is dslc.load(file)


def test_a_loaded_network_may_start_from_a_file(file: Path) -> None:
    network = dslc.compile(file)
    network.build("out", seed=5)
    first, second = (network.load(weights="out/small.safetensors")() for _ in range(2))
    assert torch.equal(first.head.weight, second.head.weight) and type(first) is network.load()
    with pytest.raises(ValueError, match="mean nothing without `weights`"):
        network.load(skip="head")


def test_networks_and_numbers_pickle(file: Path) -> None:
    network = dslc.compile(file)
    twin = pickle.loads(pickle.dumps(network))
    file.unlink()
    assert repr(twin) == repr(network) and twin.load() is network.load() and twin.source == TEXT
    assert pickle.loads(pickle.dumps(network.stats())).totals == network.stats().totals
    assert not network.diff(twin)


def test_import_costs_nothing_and_numbers_import_no_arrays(file: Path) -> None:
    code = (
        "import sys, dslc\n"
        "print(*[name for name in sys.modules if name.startswith('dslc')])\n"
        "n = dslc.compile('net.dl'); repr(n); n.inputs, n.outputs, n.params; n.stats(train=True, device='A100')\n"
        "n.check(budgets='macs<=1G', strict=True); n.picture(depth=1); n.diff(n).text(); n._repr_svg_()\n"
        "print(*{'torch', 'numpy', 'onnx', 'ml_dtypes', 'click'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "dslc\n\n", done.stderr


def test_all_but_load_needs_no_torch(file: Path) -> None:
    code = (
        "import sys, io; sys.modules['torch'] = None; import dslc\n"
        "n = dslc.compile('net.dl'); n.stats(); n.check(dtype='fp16'); n.picture(); n.diff(n); n.build('out')\n"
        "n.to_onnx(io.BytesIO()); n.torch_source; repr(n)\n"
        "try: n.load()\n"
        "except dslc.Failure as failure: print(failure)\n"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = "error[E0650]: `Network.load` needs torch, which is not installed\n  help: pip install 'dslc[torch]'\n"
    assert done.stdout == said, done.stderr
