"""Programs at the border of what PyTorch and onnxruntime take: what passes the check runs in both, to one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import torch

import dslc
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
    model = dslc.compile(text)
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
        dslc.compile(text)
    (diagnostic,) = refused.value.diagnostics
    return diagnostic.code


def allowed(text: str) -> str:
    return dslc.compile(text).sizes.allowed()


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
    agrees(f"net f on x[N, 2, {shape}]:\n    pad({amounts}) -> maxpool(2)\n", shift=3)


def test_pad_is_merged_into_a_convolution_alone() -> None:
    def kinds(body: str) -> list[str]:
        model = dslc.compile(f"net f on x[N, 3, 8, 8]:\n    {body}\n")
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
    agrees("net f on x[N, 2, H=5]:\n    maxpool(4, s=2, p=2, d=2)\n", [{"H": 3}, {"H": 4}])
    assert allowed("net f on x[N, 2, H=5]:\n    maxpool(4, s=2, p=2, d=2)\n") == "H >= 3"


def test_means_of_volumes_are_within_them() -> None:
    """torch's `avg_pool3d` refuses a kernel that fits by its padding alone."""
    for pool in ("avgpool(3, s=2, p=1)", "avgpool(3, s=2, p=1, count_include_pad=false)"):
        assert code(f"net f on x[N, 2, 2, 6, 6]:\n    {pool}\n") == "E0323"
        text = f"net f on x[N, 2, D=4, H=5, 6]:\n    {pool}\n"
        assert allowed(text) == "D >= 3; H as D"
        agrees(text, [{"D": 3, "H": 3}])
    agrees("net f on x[N, 2, D=4, 6, 6]:\n    avgpool(3, s=2, p=same_tf)\n", [{"D": 1}, {"D": 2}])
    agrees("net f on x[N, 2, H=4]:\n    avgpool(3, s=2, p=1)\n", [{"H": 1}, {"H": 2}])


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
