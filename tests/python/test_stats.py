"""`Model.stats()`: typed tables, expressions at other sizes, a frame."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

import dslc

ROOT = Path(__file__).resolve().parent.parent.parent
RESNET = ROOT / "examples" / "resnet.dl"

PYRAMID = """
net pyramid on image[N, 3, H=64, W=64]:
    c1 = conv(8, 3, s=2)
    c2 = c1 -> conv(8, 3, s=2)
    c1 + (c2 -> upsample(2))
"""


def test_totals_and_layers_are_numbers() -> None:
    stats = dslc.compile(RESNET, "resnet50").stats()
    assert stats.totals["macs"] == 4_089_184_256
    assert stats.totals["params"] == 25_557_032
    assert stats.totals["weights_memory"] == 4 * 25_557_032
    assert stats.totals["peak_memory"] == 7_225_344
    assert stats.totals["receptive_field"] == 427
    assert stats.unknown == ()
    conv = stats.layers[0]
    assert (conv.path, conv.op, conv.part, conv.outputs) == ("conv1", "conv", False, ((None, 64, 112, 112),))
    assert (conv.params, conv.macs, conv.acts, conv.weights) == (9_408, 118_013_952, 802_816, 37_632)
    assert conv.fields[0].size == 7 and conv.fields[0].stride == 2 and conv.fields[0].centre == Fraction(0)
    layers = [layer for layer in stats.layers if not layer.part]
    assert sum(layer.macs or 0 for layer in layers) == stats.totals["macs"]
    assert sum(layer.flops or 0 for layer in layers) == stats.totals["flops"]
    assert sum(layer.acts or 0 for layer in layers) == stats.totals["acts"]
    assert sum(layer.memory or 0 for layer in layers) == stats.totals["activation_memory"]


def test_text_and_json_are_the_command_lines() -> None:
    stats = dslc.compile(RESNET, "resnet18").stats()
    run = [sys.executable, "-m", "dslc", "stats", str(RESNET), "--net", "resnet18"]
    text = subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert str(stats) + "\n" == text
    assert json.loads(stats.to_json())["totals"]["macs"]["value"] == stats.totals["macs"]


@pytest.mark.parametrize("sizes", [{"H": 96, "W": 160}, {"H": 225}, {"H": 223, "W": 97}])
@pytest.mark.parametrize("quantity", ["macs", "flops", "acts"])
def test_an_expression_at_other_sizes_is_a_compile_at_them(quantity: str, sizes: dict[str, int]) -> None:
    there = dslc.compile(RESNET, "resnet18", sizes=sizes).stats()
    assert dslc.compile(RESNET, "resnet18").stats().at(quantity, **sizes) == there.totals[quantity]


def test_a_size_that_is_not_allowed_is_refused_with_the_nearest() -> None:
    stats = dslc.compile(PYRAMID).stats()
    assert stats.at("macs", H=128) > stats.at("macs")
    with pytest.raises(ValueError, match=r"H=65 is no size of `pyramid`.*nearest are 64 and 67"):
        stats.at("macs", H=65)
    with pytest.raises(ValueError, match="no open size `T`; it has H, W"):
        stats.at("macs", T=1)
    with pytest.raises(ValueError, match="`params` has no expression"):
        stats.at("params")


def test_a_size_that_is_tied_to_another_follows_it() -> None:
    text = "net f on x[N, 3, H=32, W=32]:\n    require W == H\n    conv(4, 3)\n"
    stats = dslc.compile(text).stats()
    assert stats.at("macs", H=64) == stats.at("macs", H=64, W=64) == 108 * 64 * 64
    with pytest.raises(ValueError, match=r"W=32 is no size of `f`: it needs W == H, here 64"):
        stats.at("macs", H=64, W=32)


def test_a_frame_has_a_row_for_each_layer() -> None:
    stats = dslc.compile(RESNET, "resnet18").stats()
    frame = stats.to_pandas()
    assert list(frame.index) == [layer.path for layer in stats.layers]
    layers = frame[~frame["part"]]
    assert int(layers["macs"].sum()) == stats.totals["macs"]
    assert frame.loc["layer1.0.conv2", "field"] == 27
    assert len(stats.to_records()) == len(stats.layers)


def test_without_pandas_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        dslc.compile(PYRAMID).stats().to_pandas()
