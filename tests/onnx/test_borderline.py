"""Programs at the border of what PyTorch and onnxruntime take: what passes the check runs in both, to one value."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from dslc.api import compile_model
from dslc.backends.onnx.check import check
from dslc.backends.onnx.emit import emit
from dslc.backends.torch.emit import generate
from dslc.diagnostics.model import CompileError
from dslc.ir.model import Model
from tests.onnx.models import inputs_of, lively, run
from tests.torch_backend.common import network

Places = Sequence[Mapping[str, int]]


def agrees(text: str, at: Places = ({},), shift: float = 0.0) -> Model:
    """PyTorch and onnxruntime give one result, as the graph stands and as it is rewritten: with the default sizes as
    numbers, and with all sizes open at each of `at`. `shift` is taken from the input's floats.
    """
    model = compile_model(text)
    state = lively(model)
    net = network(generate(model), model.entry).eval()
    net.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    opened = emit(model, state, dynamic=tuple(model.sizes.default))
    for graph, places in ((emit(model, state), [{}]), (opened, at)):
        check(graph)
        for sizes in places:
            feeds = inputs_of(model, **sizes)
            feeds = {n: a - np.float32(shift) if a.dtype == np.float32 else a for n, a in feeds.items()}
            with torch.no_grad():
                found = net(*map(torch.from_numpy, feeds.values()))
            expected = [found] if isinstance(found, torch.Tensor) else list(found)
            for optimise in (False, True):
                for ours, theirs in zip(run(graph, feeds, optimise).values(), expected, strict=True):
                    assert ours.dtype == theirs.numpy().dtype
                    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5, atol=1e-5)
    return model


def code(text: str) -> str:
    """The code of a program's only mistake."""
    with pytest.raises(CompileError) as refused:
        compile_model(text)
    (diagnostic,) = refused.value.diagnostics
    return diagnostic.code


def allowed(text: str) -> str:
    return compile_model(text).sizes.allowed()


# ---- zeros before a pool


@pytest.mark.parametrize(
    "body",
    [
        "conv(4, 3) -> pad(1) -> maxpool(3, s=2)",
        "pad(2) -> maxpool(2)",
        "pad(3) -> avgpool(2)",
        "pad(1) -> avgpool(3, s=2, p=1, ceil=true, count_include_pad=false)",
        "pad(((0, 1), (2, 0))) -> maxpool(3, s=2)",
        "pad(1) -> dropout(0.5) -> maxpool(3, s=2)",
        "pad(1) -> lppool(2, 3, s=2)",
        "pad(1, value=-9) -> maxpool(3, s=2)",
        "pad(((0, 1), (2, 0))) -> conv(4, 3, p=0) -> bn",
        "pad(1) -> conv(4, 3, p=((0, 1), (1, 0)), s=2)",
        "pad(1, value=2) -> conv(4, 3, p=0)",
        'pad(1, mode="reflect") -> conv(4, 3, p=1)',
    ],
)
def test_zeros_stay_before_a_pool(body: str) -> None:
    """onnxruntime would move them into the pool, where a negative value wins over them, or which takes fewer."""
    agrees(f"net f on x[N, 3, H=7, W=8]:\n    {body}\n", [{}, {"N": 2, "H": 10, "W": 9}], shift=3)


@pytest.mark.parametrize(("shape", "amounts"), [("7", "((1, 2),)"), ("5, 6, 7", "((1, 0), (2, 2), (0, 3))")])
def test_zeros_before_a_pool_of_rows_and_volumes(shape: str, amounts: str) -> None:
    agrees(f"net f on x[N, 2, {shape}]:\n    channel_axis(1) -> pad({amounts}) -> maxpool(2)\n", shift=3)


def test_pad_is_merged_into_a_convolution_alone() -> None:
    def kinds(body: str) -> list[str]:
        model = compile_model(f"net f on x[N, 3, 8, 8]:\n    {body}\n")
        return [node.kind for node in emit(model, lively(model)).graph.nodes]

    assert kinds("pad(1) -> conv(4, 3, p=0)") == ["Conv"]
    assert kinds("pad(1) -> conv(4, 3)") == ["Conv"]
    assert kinds("pad(1) -> maxpool(3)") == ["Pad", "MaxPool"]
    assert kinds("pad(1) -> relu -> conv(4, 3)") == ["Pad", "Relu", "Conv"]
    assert kinds("pad(1, value=1) -> conv(4, 3)") == ["Pad", "Conv"]
    assert kinds("y = pad(1)\n    conv(y, 3, 3, p=1) + y") == ["Pad", "Conv", "Add"]


@pytest.mark.parametrize("axes", ["1, 2", "1, 3", "2, 3"])
@pytest.mark.parametrize("mode", ["constant", "circular"])
def test_pad_with_channels_anywhere(axes: str, mode: str) -> None:
    """Places are padded and channels are not, wherever the channels stand."""
    agrees(f'net f on x[N, 6, 5, 4]:\n    transpose({axes}) -> pad(((1, 0), (2, 3)), mode="{mode}")\n')


def test_pad_with_channels_first() -> None:
    """torch's other modes want a batch before them."""
    pad = 'net f on x[N, 6, 5, 4]:\n    transpose(0, 1) -> pad(((1, 0), (2, 3), (0, 1)), mode="{}")\n'
    agrees(pad.format("constant"))
    assert code(pad.format("circular")) == "E0309"


@pytest.mark.parametrize("mode", ["constant", "reflect"])
def test_pad_between_transposes(mode: str) -> None:
    """onnxruntime moves the Transpose over the Pad."""
    there, back = 'rearrange("n h w c -> n c h w")', 'rearrange("n c h w -> n h w c")'
    pad = f'pad(((1, 0), (2, 3)), mode="{mode}")'
    agrees(
        f"net f on x[N, 5, H=6, W=7]:\n    {back} -> ln -> {there} -> {pad} -> {back} -> ln\n", [{}, {"H": 8, "W": 4}]
    )


# ---- windows


@pytest.mark.parametrize(
    "body",
    [
        "maxpool(1, s=3, p=same_tf)",
        "maxpool(2, s=(3, 1), p=same_tf)",
        "maxpool(2, s=3, p=same_tf, ceil=true)",
        "maxpool(2, s=3, p=same_tf, d=2)",
        "avgpool(2, s=4, p=same_tf)",
        "avgpool((3, 1), s=(4, 2), p=same_tf, count_include_pad=false)",
        "avgpool(2, s=(1, 3), p=same_tf, count_include_pad=false)",
        "conv(4, 2, s=3, p=same_tf)",
        "conv(4, (1, 3), s=(2, 2), p=same_tf)",
        "conv(4, 3, s=3, d=2, p=same_tf)",
    ],
)
def test_strides_above_the_kernel(body: str) -> None:
    """TensorFlow's padding leaves places out there, for which onnxruntime's `auto_pad` has no form."""
    places = [{"H": h, "W": w, "N": 2} for h, w in ((2, 2), (3, 4), (5, 6), (8, 7), (9, 12))]
    agrees(f"net f on x[N, 3, H=7, W=8]:\n    {body}\n", places, shift=2)


def test_no_window_in_the_padding_alone() -> None:
    """torch's largest value of nothing is -inf, onnxruntime's the least number."""
    pool = "net f on x[N, 2, {}]:\n    maxpool(2, s=1, p={}, d=3)\n"
    assert code(pool.format("2, 5", 1)) == "E0322"
    assert code(pool.format("5, 1", "same_tf")) == "E0322"
    assert allowed(pool.format("H=4, W=9", 1)) == "H >= 3; W as H"
    agrees(pool.format("H=4, W=9", 1), [{"H": 3, "W": 3}])
    agrees("net f on x[N, 2, H=5]:\n    channel_axis(1) -> maxpool(4, s=2, p=2, d=2)\n", [{"H": 3}, {"H": 4}])
    assert allowed("net f on x[N, 2, H=5]:\n    channel_axis(1) -> maxpool(4, s=2, p=2, d=2)\n") == "H >= 3"


def test_means_of_volumes_are_within_them() -> None:
    """torch's `avg_pool3d` refuses a kernel that fits by its padding alone."""
    for pool in ("avgpool(3, s=2, p=1)", "avgpool(3, s=2, p=1, count_include_pad=false)"):
        assert code(f"net f on x[N, 2, 2, 6, 6]:\n    {pool}\n") == "E0323"
        text = f"net f on x[N, 2, D=4, H=5, 6]:\n    {pool}\n"
        assert allowed(text) == "D >= 3; H as D"
        agrees(text, [{"D": 3, "H": 3}])
    agrees("net f on x[N, 2, D=4, 6, 6]:\n    avgpool(3, s=2, p=same_tf)\n", [{"D": 1}, {"D": 2}])
    agrees("net f on x[N, 2, H=4]:\n    channel_axis(1) -> avgpool(3, s=2, p=1)\n", [{"H": 1}, {"H": 2}])


def test_output_padding_is_below_the_stride() -> None:
    text = "net f on x[N, 2, H=4, W=5]:\n    deconv(3, 3, s={}, d=3, op={})\n"
    assert code(text.format(2, 2)) == "E0312"
    assert code(text.format("(2, 1)", 1)) == "E0312"
    agrees(text.format("(2, 3)", "(1, 2)"), [{"H": 1, "W": 1}])


# ---- the axis of channels


@pytest.mark.parametrize(
    "body", ["concat(y, y)", "a, b = chunk(y, 2)\n    a - b", "a, b = split(y, [1, 3])\n    a * b"]
)
def test_features_that_lost_their_axis(body: str) -> None:
    """Of two axes the last is that of the channels, in torch as in ONNX."""
    agrees(f"net f on x[N, 4, 5]:\n    y = x[:, :, 0]\n    {body}\n", [{"N": 3}])


@pytest.mark.parametrize("body", ["concat(y, y)", "a, b = chunk(y, 2)\n    a - b", "softmax(y)", "glu(y)"])
def test_an_axis_that_is_not_known_is_asked_for(body: str) -> None:
    assert code(f"net f on x[N, 4, 6, 6]:\n    y = mean(x, 1)\n    {body}\n") == "E0342"


# ---- statistics of one value


def test_statistics_need_several_values() -> None:
    """torch refuses the variance of one value; of two open axes one is asked to have two places."""
    norm = "net f on x[N, 3, {}]:\n    conv(4, 5, p=0) -> {}\n"
    assert code(norm.format("5, 5", "inorm")) == "E0324"
    assert code(norm.format("5, 5", "inorm(affine=true)")) == "E0324"
    assert code(norm.format("5, 5", "gn(4)")) == "E0324"
    assert code("net f on x[N, 8]:\n    gn(8)\n") == "E0324"
    agrees(norm.format("5, 5", "gn(2)"))
    agrees(norm.format("5, 8", "inorm"), [{"N": 3}])
    agrees("net f on x[N, 8]:\n    gn(4)\n", [{"N": 3}])
    assert allowed(norm.format("T=9", "inorm")) == "T >= 6"
    agrees(norm.format("T=9", "inorm"), [{"T": 6}])
    assert allowed(norm.format("H=9, W=9", "inorm")) == "H >= 6; W >= 5"
    assert allowed(norm.format("H=5, W=9", "gn(4)")) == "H >= 5; W >= 6"
    agrees(norm.format("H=5, W=9", "gn(4)"), [{"H": 5, "W": 6}])
    assert allowed("net f on x[N, 3, H=4, W=4]:\n    require H == W\n    inorm\n") == "H >= 2; W == H"
    assert code("net f on x[N, 3, T]:\n    inorm\n") == "E0405"


def test_lrn_of_any_numbers() -> None:
    for numbers in ("alpha=0", "beta=0", "alpha=-0.001", "beta=-0.5"):
        agrees(f"net f on x[N, 5, 4, 3]:\n    lrn(3, {numbers})\n")


# ---- element types


def test_truth_values_and_numbers() -> None:
    """Truth values meet a number as whole numbers, as in torch; onnxruntime's Where takes none."""
    for body in ("x == 2", "x != 2", "x == 1", "x == 0.5", "where(x, x, 2)", "where(x, x, y)", "where(x, y, not x)"):
        agrees(f"net f on x: bool[N, 7], y: bool[1, 7]:\n    z = y or x\n    concat({body}, z)\n")


def test_element_types_that_torch_refuses() -> None:
    mask = "net f on q[N, 2, 5, 4], m: {}[N, 1, 5, 5]:\n    sdpa(q, q, q, mask=m)\n"
    assert code(mask.format("int64")) == "E0310"
    agrees(mask.format("bool"), [{"N": 2}])
    for mode, wanted in (("reflect", "E0310"), ("replicate", "E0310")):
        assert code(f'net f on x: bool[N, 3, 5]:\n    pad(1, mode="{mode}", axis=2)\n') == wanted
    for dtype in ("bool", "int64"):
        agrees(f'net f on x: {dtype}[N, 3, 5]:\n    pad(2, mode="circular", axis=2)\n')
        agrees(f"net f on x: {dtype}[N, 3, 5]:\n    pad(2, value=1, axis=2)\n")


def test_whole_numbers_to_a_negative_power() -> None:
    for dtype in ("int64", "int32"):
        assert code(f"net f on x: {dtype}[N, 5]:\n    x ** -1\n") == "E0325"
        agrees(f"net f on x: {dtype}[N, 5]:\n    (x + 1) ** -1.0\n")
        agrees(f"net f on x: {dtype}[N, 5]:\n    (x + 1) ** 3\n")
    assert allowed("net f on x: int64[N, T=9]:\n    x ** (T - 7)\n") == "T >= 7"
    agrees("net f on x[N, 5]:\n    (x + 9) ** -1\n")


def test_a_mask_is_repeated_to_the_scores_alone() -> None:
    sizes = "q[N, 2, 1, 4], k[N, 2, 7, 4], m[N, 1, {}, 7]"
    assert code(f"net f on {sizes.format(5)}:\n    sdpa(q, k, k, mask=m)\n") == "E0331"
    agrees(f"net f on {sizes.format(1)}:\n    sdpa(q, k, k, mask=m)\n", [{"N": 2}])


# ---- sizes that are none


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("mean(())", "E0326"),
        ("roll((), axis=())", "E0326"),
        ("reshape(-N, -40)", "E0405"),
        ("reshape(N, -2, 20)", "E0327"),
        ("expand(N, 5, 0)", "E0327"),
        ("expand(N, 5, T - 9)", "E0411"),
        ('repeat("n c t -> n c t r", r=0)', "E0327"),
        ('repeat("n c t -> n c t r", r=T - 9)', "E0411"),
    ],
)
def test_sizes_below_one(body: str, wanted: str) -> None:
    assert code(f"net f on x[N, 5, T=9]:\n    y = mean(2, keep=true)\n    concat(x -> {body}, y)\n") == wanted


def test_sizes_from_one_are_guards() -> None:
    text = 'net f on x[N, 5, T=9]:\n    mean(2) -> repeat("n c -> n c r", r=T - 7)\n'
    assert allowed(text) == "T >= 8"
    agrees(text, [{"T": 8}, {"T": 12}])
    agrees("net f on x[1, 1, 1]:\n    reshape([])\n")


def test_a_pair_of_paddings_fixes_sizes() -> None:
    assert "T == 7" in allowed("net f on x[N, 5, T=7]:\n    conv(4, 3, p=((T // 2, 0),))\n")


# ---- kinds of fault that others reported of their tools


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("q[N, 2, 5, 8], m: bool[N, 1, 5, 5]:\n    sdpa(q, q, q, mask=m)", [{}, {"N": 3}]),
        ("x[N, 2, H=9, W=9]:\n    conv(3, 4, s=3, d=2, p=same_tf)", [{"H": 7, "W": 8}, {"H": 12, "W": 1}]),
        ("x[N, 2, H=4, W=4]:\n    avgpool(3, s=2, p=1, ceil=true)", [{"H": 5, "W": 6}, {"H": 1, "W": 2, "N": 2}]),
        ("x[N, 4, H=9, W=7]:\n    deconv(6, (3, 5), s=(2, 3), p=(2, 1), op=(1, 2), d=(3, 1), g=2)", [{"H": 2, "W": 1}]),
        ("x[N, T=4, 5]:\n    lstm(7, layers=2, bidirectional=true)", [{"T": 1}, {"T": 6, "N": 3}]),
        ('x[N, 1, H=4, W=4]:\n    pad(((2, 2), (1, 1)), mode="circular")', [{"H": 2, "W": 1}, {"H": 5, "W": 3}]),
        ("x[N, 32]:\n    gn(8)", [{"N": 3}]),
        ("x[N, 8, T=30]:\n    wn(conv(10, 6, p=0)) -> relu", [{"T": 6}, {"T": 31, "N": 2}]),
    ],
)
def test_kept_right(text: str, at: Places) -> None:
    agrees(f"net f on {text}\n", at)


def test_places_of_equal_values() -> None:
    model = compile_model("net f on x[N, 6] -> v, i:\n    v, i = topk(3)\n")
    graph = emit(model, {})
    found = run(graph, {"x": np.array([[1, 2, 2, 2, 0, 2]], np.float32)})
    assert found["v"].tolist() == [[2, 2, 2]]
    assert set(found["i"][0].tolist()) < {1, 2, 3, 5}


def test_taking_places_away_is_crop() -> None:
    with pytest.raises(CompileError) as refused:
        compile_model("net f on x[N, 1, 6, 6]:\n    pad(((-1, 2), (1, -2)))\n")
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "E0343"
    assert "`crop`" in diagnostic.help[0].text
    agrees("net f on x[N, 1, 6, 6]:\n    pad(((0, 2), (1, 0))) -> crop(((1, 0), (0, 2)))\n")


# ---- nothing at all


EMPTY = """
import numpy as np
from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from tests.onnx.models import lively, run

for text, shape in {programs}:
    model = compile_model(text)
    graph = emit(model, lively(model), dynamic=tuple(model.sizes.default))
    for optimise in (False, True):
        try:
            run(graph, {{"x": np.zeros(shape, np.float32)}}, optimise)
        except Exception as error:
            print("refused", "Reshape" in str(error))
"""


def test_empty_tensors_end_no_process() -> None:
    """onnxruntime aborts in these ops where a tensor has no element: the graph refuses it before."""
    bodies = {"lstm(3)": "TN", "gru(3, layers=2, bidirectional=true)": "TN", "rnn(3)": "TN"}
    bodies |= {'einsum("ntd,nsd->nts", x, x)': "TN", "v, _i = topk(2, axis=2)\n    v": "TN"}
    programs = [
        (f"net f on x[N, T=5, 4]:\n    {body}\n", {"N": (0, 5, 4), "T": (2, 0, 4)}[name])
        for body, names in bodies.items()
        for name in names
    ]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", EMPTY.format(programs=programs)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["refused True"] * (2 * len(programs))
