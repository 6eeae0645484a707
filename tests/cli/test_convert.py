"""`dslc convert`: what it writes and prints, weights that come along, and wrong use."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from click.testing import CliRunner, Result

from dslc.api import compile_model
from dslc.cli.main import main
from tests.cli import running

ROOT = Path(__file__).resolve().parents[2]
LENET = ROOT / "examples" / "lenet.dl"
ALEXNET = ROOT / "examples" / "alexnet.dl"
HEAD = "conv(120, 5, p=valid) as c5 -> act -> conv(84, 1) as f6 -> act -> conv(classes, 1) as output"


def run(*args: str | Path) -> Result:
    return running.run("convert", *args)


def test_the_program_goes_to_stdout_and_the_rest_to_stderr() -> None:
    result = run("--fully-convolutional", LENET)
    assert result.exit_code == 0
    assert HEAD in result.stdout and result.stdout.startswith("## LeNet-5") and result.stdout.endswith("output\n")
    assert result.stderr == (
        "lenet: image[N, 1, H=32, W=32] -> [N, 10, (H - 28) // 4, (W - 28) // 4]; 32x32 gives 1x1, 64x64 gives 9x9\n"
    )


def test_to_a_file(tmp_path: Path) -> None:
    result = run("--fully-convolutional", LENET, "-o", tmp_path / "dense.dl")
    assert result.exit_code == 0 and not result.stdout
    assert HEAD in (tmp_path / "dense.dl").read_text(encoding="utf-8")


def test_in_place_once(tmp_path: Path) -> None:
    path = tmp_path / "lenet.dl"
    path.write_bytes(LENET.read_bytes())
    path.chmod(0o640)
    assert run("--fully-convolutional", "--in-place", path).exit_code == 0
    text = path.read_text(encoding="utf-8")
    assert HEAD in text and stat.S_IMODE(path.stat().st_mode) == 0o640
    again = run("--fully-convolutional", "--in-place", path)
    assert again.exit_code == 1 and "error[E0681]: there is nothing to convert in `lenet`" in again.stderr
    assert path.read_text(encoding="utf-8") == text


def test_a_head_that_stays_is_shown() -> None:
    result = run("--fully-convolutional", ROOT / "examples" / "googlenet.dl")
    assert result.exit_code == 0
    assert "warning[W0682]: this head stays as it is: the bins of `adaptive_avgpool` from 14x14" in result.stderr
    assert "avgpool(7, s=1) -> dropout(0.2) -> conv(classes, 1) as fc" in result.stdout


def test_one_net_with_its_arguments() -> None:
    result = run("--fully-convolutional", ALEXNET, "--net", "alexnet", "--size", "H=256")
    assert result.exit_code == 1 and "from 7x6 to 6x6 places are no windows of one size" in result.stderr
    plain = run("--fully-convolutional", ALEXNET, "--net", "alexnet", "--set", "classes=7")
    assert plain.exit_code == 0
    assert plain.stderr.startswith("alexnet: image[N, 3, H=224, W=224] -> [N, 7, (H - 191) // 32, (W - 191) // 32]; ")
    assert plain.stdout.count("flatten") == 1  # alexnet_2gpu's


def test_the_map_of_a_net_whose_size_something_else_fixes(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text(
        "net f on x[N, 3, H=16, W=16]:\n    adaptive_avgpool(4) -> conv(8, 3) -> flatten -> linear(5) as fc\n", "utf-8"
    )
    assert "1x1 at every size: another layer fixes the size of the map" in run("--fully-convolutional", path).stderr


# ---- weights


def weights_of(net: Path, dtype: type, **args: object) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    params = compile_model(net, args=args).params
    return {name: generator.standard_normal(p.spec.shape).astype(dtype) for name, p in params.items()}


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_weights_come_along(dtype: type, tmp_path: Path) -> None:
    state = weights_of(LENET, dtype)
    safetensors.numpy.save_file(state, tmp_path / "lenet.safetensors")
    files = ("--weights", tmp_path / "lenet.safetensors", "--weights-out", tmp_path / "dense.safetensors")
    result = run("--fully-convolutional", LENET, "-o", tmp_path / "dense.dl", *files)
    assert result.exit_code == 0, result.stderr
    found = safetensors.numpy.load_file(tmp_path / "dense.safetensors")
    shapes = {name: p.spec.shape for name, p in compile_model(tmp_path / "dense.dl").params.items()}
    assert {name: array.shape for name, array in found.items()} == shapes
    assert found["c5.weight"].shape == (120, 16, 5, 5) and found["output.weight"].shape == (10, 84, 1, 1)
    for name, array in state.items():
        assert found[name].dtype == dtype
        np.testing.assert_array_equal(found[name].ravel(), array.ravel())


def test_build_takes_the_converted_weights_and_names_the_way_from_the_old_ones(tmp_path: Path) -> None:
    safetensors.numpy.save_file(weights_of(LENET, np.float32), tmp_path / "lenet.safetensors")
    files = ("--weights", tmp_path / "lenet.safetensors", "--weights-out", tmp_path / "dense.safetensors")
    run("--fully-convolutional", LENET, "-o", tmp_path / "dense.dl", *files)
    build = ["build", str(tmp_path / "dense.dl"), "-o", str(tmp_path), "--weights"]
    assert CliRunner().invoke(main, [*build, str(tmp_path / "dense.safetensors")]).exit_code == 0
    refused = CliRunner().invoke(main, [*build, str(tmp_path / "lenet.safetensors")])
    assert refused.exit_code == 1
    assert "`c5.weight`  [120, 16, 5, 5] in the network, [120, 400] in the file" in refused.stderr
    assert "these are the weights of a linear layer; `dslc convert --fully-convolutional" in refused.stderr


def test_weights_that_do_not_fit_write_nothing(tmp_path: Path) -> None:
    safetensors.numpy.save_file({"c1.weight": np.zeros((6, 1, 5, 5), np.float32)}, tmp_path / "bad.safetensors")
    files = ("--weights", tmp_path / "bad.safetensors", "--weights-out", tmp_path / "out.safetensors")
    result = run("--fully-convolutional", LENET, "-o", tmp_path / "dense.dl", *files)
    assert result.exit_code == 1 and "the weights do not fit the network: 9 missing; 1 of its 10" in result.stderr
    assert "`c5.weight`  [120, 400]" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["bad.safetensors"]


# ---- wrong use


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "say what to convert to: `--fully-convolutional`"),
        (("--fully-convolutional", "--in-place", "-o", "x.dl"), "`--in-place` and `-o` name two places"),
        (("--fully-convolutional", "--weights", "a"), "`--weights` needs `--weights-out`"),
        (("--fully-convolutional", "--weights-out", "a"), "`--weights-out` needs `--weights`"),
        (("--fully-convolutional", "--weights", "a", "--weights-out", "b"), "--net alexnet or alexnet_2gpu"),
        (("--fully-convolutionl",), "--fully-convolutional"),
    ],
)
def test_wrong_options(options: tuple[str, ...], words: str) -> None:
    result = run(ALEXNET, *options)
    assert result.exit_code == 2 and words in result.stderr


def test_a_net_that_is_not_there() -> None:
    result = run("--fully-convolutional", ALEXNET, "--net", "alexne")
    assert result.exit_code == 2 and "alexnet" in result.stderr


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    result = run("--fully-convolutional", LENET, "-o", tmp_path / "no" / "x.dl")
    assert result.exit_code == 1 and "error[E0601]" in result.stderr


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom dslc.cli.main import main\n"
        f"main(['convert', '--fully-convolutional', {str(LENET)!r}, '-o', 'x.dl'], standalone_mode=False)\n"
        "assert not {'torch', 'onnx', 'numpy', 'safetensors'} & set(sys.modules)"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
