"""Rooflines: layers by hand, ResNet-50 against shapes that hooks see, devices and their rates."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
import torch
from torch import nn

from dslc.analysis.devices import DEVICES, Device, DeviceError, device_of
from dslc.analysis.roofline import TYPICAL, Bound, Roofline, roofline
from dslc.api import compile_model
from dslc.cli.device_values import device as device_value
from dslc.ir.model import Model
from dslc.ir.walk import flatten
from dslc.reports.roofline import roofline_lines, roofline_record
from tests.analysis.nets import compiled, cost_of

RESNET = Path(__file__).resolve().parent.parent.parent / "examples" / "resnet.dl"


def roofline_of(model: Model, device: str = "H200", batch: int = 1, dtype: str = "fp32") -> Roofline:
    return roofline(model, flatten(model), cost_of(model), device_of(device), batch=batch, dtype=dtype)


def bounds(
    text: str, device: str = "peak=1000,bandwidth=1000", batch: int = 1, dtype: str = "fp32"
) -> dict[str, Bound]:
    return {bound.path: bound for bound in roofline_of(compiled(text), device, batch, dtype).bounds.values()}


LAYERS = """
    net f on x[N, 3, 8, 8]:
        conv(4, 3, bias=true) as a -> bn as b -> relu as c -> flatten as d -> linear(10) as e
"""


ALONE = "net f on x[N, 4, 8, 8]:\n    relu as c\n"


def test_layers_by_hand() -> None:
    found = bounds(LAYERS)
    macs, written = 64 * 4 * 27, 64 * 4
    conv = found["a"]
    assert (conv.macs, conv.flops) == (macs, 2 * macs + written)  # one addition each for the bias
    assert conv.bytes == 4 * (3 * 64 + written + 4 * 27 + 4)
    assert conv.limit == "compute" and conv.seconds == conv.flops / 1000
    assert conv.intensity == macs / conv.bytes and conv.flops_per_byte == conv.flops / conv.bytes
    for path, flops in (("b", 2 * written), ("c", written)):  # both within the convolution: they move nothing
        assert found[path].fused and (found[path].flops, found[path].bytes) == (flops, 0)
    assert not conv.fused and not found["e"].fused
    assert (found["d"].flops, found["d"].bytes, found["d"].seconds, found["d"].limit) == (0, 0, 0.0, "")
    assert found["e"].bytes == 4 * (256 + 10 + 2560 + 10)


def test_what_bounds_is_decided_at_the_ridge() -> None:
    """The relu has 1 operation for 8 bytes: at 8 bytes a second for each FLOP/s the two take as long."""
    for bandwidth, limit in ((799, "memory"), (800, "compute"), (801, "compute")):
        assert bounds(ALONE, f"peak=100,bandwidth={bandwidth}")["c"].limit == limit
    found = roofline_of(compiled(LAYERS), "peak=100,bandwidth=800")
    assert found.ridge == 0.125


def test_batch_multiplies_maps_and_not_weights() -> None:
    one, many = bounds(LAYERS), bounds(LAYERS, batch=16)
    for path in "abce":
        assert (many[path].macs, many[path].flops) == (16 * one[path].macs, 16 * one[path].flops)
    assert many["e"].bytes == 16 * 4 * (256 + 10) + 4 * (2560 + 10)
    assert not roofline_of(compiled("net f on x[2, 8]:\n    linear(4)\n"), batch=4).batched


def test_an_element_types_bytes() -> None:
    assert bounds(ALONE, dtype="fp16")["c"].bytes == 2 * 2 * 256
    assert bounds(ALONE, dtype="int8")["c"].bytes == 2 * 256
    assert bounds(ALONE, dtype="tf32")["c"].bytes == 4 * 2 * 256


def test_views_and_tables() -> None:
    found = bounds("""
        net f on ids: int64[N, T=16]:
            embedding(1000, 8) as table -> transpose(1, 2) as turned
            it[:, 2:4] -> mean(2)
    """)
    assert found["table"].bytes == 8 * 16 + 2 * 4 * 16 * 8  # the rows asked for, not the table
    assert found["turned"].bytes == 2 * 4 * 16 * 8
    (part,) = [bound for bound in found.values() if bound.op == "index"]
    assert part.bytes == 2 * 4 * 16 * 2


def test_a_tensor_used_twice_by_an_op_is_read_once() -> None:
    found = bounds("net f on x[N, 8]:\n    x * x\n")
    assert [bound.bytes for bound in found.values()] == [4 * 2 * 8]


def test_shared_and_given_weights_move_at_each_use() -> None:
    found = bounds("""
        net f on x[N, 8]:
            module a = linear(8, bias=false)
            a -> a -> linear(8, weight=a.weight) as b
    """)
    assert [found[path].bytes for path in ("a", "a@2", "b")] == [4 * 80, 4 * 80, 4 * 88]


def test_training_only_is_left_out() -> None:
    found = bounds("""
        net f on x[N, 8] -> main, aux when training:
            main = linear(3) as head
            aux = linear(5) as extra
    """)
    assert list(found) == ["head"]


def test_a_users_module_is_unknown() -> None:
    model = compiled("""
        extern block swirl(out: int) on x[N, C, H, W] -> [N, out, H, W] = "my.parts:Swirl"
            macs = N * out * C * H * W
            params = out * C

        net f on x[N, 3, 8, 8]:
            conv(4, 3) -> swirl(16)
    """)
    found = roofline_of(model, "A100", batch=2)
    assert found.unknown == ["swirl"]
    assert list(found.bounds.values())[1].macs == 2 * 64 * 64
    assert any("`swirl`" in line for line in roofline_lines(found))


# ---- a whole network


def hooked(module: nn.Module, batch: int) -> dict[str, tuple[int, int]]:
    """(multiply-adds, bytes) of convolutions and linear layers, and bytes of norms, from shapes that hooks see."""
    found: dict[str, tuple[int, int]] = {}

    def hook(name: str, part: nn.Module) -> None:
        def seen(part: nn.Module, args: tuple[torch.Tensor], out: torch.Tensor) -> None:
            weights = sum(p.numel() for p in part.parameters())
            if isinstance(part, nn.BatchNorm2d):
                weights *= 2  # the running statistics have the shapes of weight and bias
            macs = 0
            if isinstance(part, nn.Conv2d):
                macs = out.numel() * part.weight[0].numel()
            elif isinstance(part, nn.Linear):
                macs = out.numel() * part.in_features
            found[name] = macs, 4 * (args[0].numel() + out.numel() + weights)

        part.register_forward_hook(seen)

    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            hook(name, part)
    module(torch.empty(batch, 3, 224, 224, device="meta"))
    return found


def test_resnet50_against_hooks() -> None:
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        seen = hooked(models.resnet50().eval(), 8)
    found = roofline_of(compile_model(RESNET, "resnet50"), "T4", batch=8)
    ours = {b.path: (b.macs, b.bytes) for b in found.bounds.values() if b.op in ("conv", "linear")}
    assert ours == {path: cost for path, cost in seen.items() if cost[0]}
    assert all(b.fused and not b.bytes for b in found.bounds.values() if b.op in ("bn", "relu"))
    conv = next(b for b in found.bounds.values() if b.path == "layer3.0.conv2")
    macs, size = seen["layer3.0.conv2"]
    assert conv.seconds == pytest.approx(max(2 * macs / 8.1e12, size / 320e9))
    adds = [b for b in found.bounds.values() if b.op == "add"]
    assert adds[0].bytes == 4 * 8 * 256 * 56 * 56 and adds[0].limit == "memory"  # the skip; the rest is in conv3


@pytest.mark.parametrize("device", DEVICES)
def test_sums(device: str) -> None:
    found = roofline_of(compile_model(RESNET, "resnet50"), device, dtype=next(iter(DEVICES[device].peaks)))
    assert sum(found.shares().values()) == pytest.approx(1)
    assert sum(part.share for part in found.by_op()) == pytest.approx(1)
    assert found.seconds_of("compute") + found.seconds_of("memory") == pytest.approx(found.seconds)
    assert found.seconds * (1 + 1e-9) >= max(found.flops / found.peak, found.bytes / found.device.bandwidth)
    assert found.macs == 4_089_184_256
    longest = found.longest(3)
    assert longest[0].seconds == max(b.seconds for b in found.bounds.values()) and len(longest) == 3


def test_monotone() -> None:
    model = compile_model(RESNET, "resnet18")
    base = roofline_of(model, "peak=10T,bandwidth=100G").seconds
    assert roofline_of(model, "peak=20T,bandwidth=100G").seconds < base
    assert roofline_of(model, "peak=10T,bandwidth=200G").seconds < base
    assert roofline_of(model, "peak=20T,bandwidth=200G").seconds == pytest.approx(base / 2)
    times = [roofline_of(model, "H200", batch=n).seconds for n in (1, 2, 4, 8)]
    assert times == sorted(times) and times[3] < 8 * times[0]
    assert roofline_of(model, "H200", dtype="fp16").seconds < roofline_of(model, "H200", dtype="tf32").seconds


# ---- the range, for a CPU


def test_a_range_is_stated_for_cpus_alone() -> None:
    model = compile_model(RESNET, "resnet18")
    for name, device in DEVICES.items():
        found = roofline_of(model, name, dtype=next(iter(device.peaks)))
        if device.cpu:
            assert found.most is not None and found.seconds < found.most <= 2.5 * found.seconds
            assert ", in onnxruntime typically at most " in roofline_lines(found)[0]
        else:
            assert found.most is None and "typically" not in roofline_lines(found)[0]
            assert roofline_record(found)["seconds_most"] is None


def test_maps_move_at_the_caches_rate_and_many_weights_at_the_memorys() -> None:
    device = Device("d", "d", {"fp32": 10**15}, 1000, "", near=10_000, cpu=True)
    for width, rate in ((1024, 10_000), (4096, 1000)):  # 4 MB of weights stay in a cache, 64 MB do not
        model = compiled(f"net f on x[N, {width}]:\n    linear({width}, bias=false)\n")
        (bound,) = roofline(model, flatten(model), cost_of(model), device).bounds.values()
        assert bound.seconds == pytest.approx(2 * 4 * width / 10_000 + 4 * width**2 / rate)


def test_grouped_products_take_longer_at_most() -> None:
    """The last layer also writes the result in the layout of the file."""
    model = compiled("""
        net f on x[N, 64, 32, 32]:
            conv(64, 3, bias=true) as dense -> conv(64, 3, g=4, bias=true) as grouped
            conv(64, 3, g=64, bias=true) as depthwise -> conv(64, 1)
    """)
    found = {b.path: b for b in roofline_of(model, "cpu-core").bounds.values()}
    parts = {path: found[path].flops / 96e9 / found[path].most for path in found if path in TYPICAL}
    assert parts == {path: pytest.approx(TYPICAL[path]) for path in ("dense", "grouped", "depthwise")}


# ---- devices


def test_published_rates() -> None:
    """Vendors' figures: dense tensor-core rates are half of those with sparsity."""
    h200, a100, t4 = (device_of(name) for name in ("h200", "A100", "T4"))
    assert (h200.peak("fp32"), h200.bandwidth) == (67 * 10**12, 4800 * 10**9)
    assert [2 * h200.peak(kind) for kind in ("tf32", "fp16", "bf16")] == [989 * 10**12, 1979 * 10**12, 1979 * 10**12]
    assert (a100.peak("fp32"), a100.peak("fp16"), a100.bandwidth) == (19_500 * 10**9, 312 * 10**12, 2039 * 10**9)
    assert (t4.peak("fp32"), t4.peak("int8"), t4.bandwidth) == (8_100 * 10**9, 130 * 10**12, 320 * 10**9)
    assert device_of("cpu-core").peak("fp32") == 3 * 10**9 * 2 * 8 * 2
    assert device_of("cpu-core").assumed and device_of("phone-npu").assumed and not h200.assumed
    assert all(device.source for device in DEVICES.values())


def test_numbers_given() -> None:
    device = device_of("bandwidth=1.5G, peak=10T")
    assert (device.peak("fp32"), device.peak("int8"), device.bandwidth) == (10**13, 10**13, 1_500_000_000)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("H20", "did you mean `H200`?"),
        ("a10", "did you mean `A100`?"),
        ("peak=10T", "`bandwidth` is missing"),
        ("peek=10T,bandwidth=1G", "did you mean `peak`?"),
        ("peak=10T,bandwidth=fast", "`bandwidth=fast` is no rate"),
        ("peak=0,bandwidth=1G", "at least 1"),
        ("peak=1.5.2T,bandwidth=1G", "is no rate"),
        ("peak=1T,peak=2T,bandwidth=1G", "given twice"),
        ("", "there is no device ``"),
    ],
)
def test_what_is_no_device(text: str, says: str) -> None:
    with pytest.raises(DeviceError) as error:
        device_of(text)
    assert says in str(error.value)
    with pytest.raises(click.BadParameter, match=r"device|rate|given|missing"):
        device_value(click.Context(click.Command("stats")), click.Option(["--device"]), text)


def test_an_element_type_without_a_rate() -> None:
    with pytest.raises(DeviceError, match="no rate of T4 is known for bf16: it has fp32, fp16, int8"):
        device_of("T4").peak("bf16")
    with pytest.raises(DeviceError, match="did you mean `fp16`"):
        device_of("T4").peak("fp1")


def test_lines_and_record() -> None:
    found = roofline_of(compile_model(RESNET, "resnet50"), "A100", batch=32, dtype="fp16")
    lines = roofline_lines(found)
    assert lines[0].startswith("on NVIDIA A100 SXM, 80 GB, fp16, batch 32: at least ")
    assert "312.000 T FLOP/s" in lines[1] and "2039.0 GB/s" in lines[1] and "ridge at 153.0 FLOPs" in lines[1]
    assert any(line.startswith("  longest: ") for line in lines)
    assert "an estimate from a model" in lines[-2] and "datasheet" in lines[-1]
    record = json.loads(json.dumps(roofline_record(found)))
    assert sum(layer["seconds"] for layer in record["layers"]) == pytest.approx(record["seconds"])
    assert sum(layer["bytes"] for layer in record["layers"]) == record["bytes"]
