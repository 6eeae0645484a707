"""Networks as the page of `dslc report` has them, and what `dslc stats` says of them at several sizes, as JSON."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from dslc.analysis.devices import DEVICES
from dslc.analysis.metrics import QUANTITIES, by_layer
from dslc.api import compile_model
from dslc.diagnostics.model import CompileError
from dslc.ir.model import Model
from dslc.names.zoo import files
from dslc.report import device_record
from dslc.reports.columns import View
from dslc.reports.numbers import bytes_text, seconds_text, short
from dslc.reports.report.network import network_record
from dslc.reports.stats import Stats

NETS = {
    "alexnet": "alexnet",
    "bert": "bert",
    "densenet": "densenet121",
    "dcgan": "dcgan_generator",
    "googlenet": "googlenet",
    "gpt2": "gpt2",
    "maxvit": "maxvit_t",
    "mobilenet_v3": "mobilenet_v3_small",
    "resnet": "resnet18",
    "segmentation": "fcn_resnet50",
    "swin": "swin_t",
    "text_lstm": "text_lstm",
    "unet": "unet",
    "vgg": "vgg11",
    "video_resnet": "r3d_18",
    "vit": "vit_b_16",
}
"""Programs of the zoo with fixed and free sizes, several axes, recurrence, tables, parts that only training has."""


def at_sizes(name: str, net: str, model: Model) -> Iterator[Model]:
    """The network at its default sizes, at twice and thrice them, and at odd ones, where it takes them."""
    sizes = {k: v for k, v in model.sizes.default.items() if k not in model.sizes.universal}
    yield model
    for changed in (
        {k: 2 * v for k, v in sizes.items()},
        {k: 3 * v for k, v in sizes.items()},
        {k: v + 32 for k, v in sizes.items()},
        {k: v + 1 for k, v in sizes.items()},
    ):
        try:
            found = compile_model(f"zoo:{name}", net, sizes=changed, budgets=None)
        except CompileError:
            continue
        if changed and all(found.sizes.default.get(k) == v for k, v in changed.items()):
            yield found


def numbers(model: Model, batch: int, device: str) -> dict[str, Any]:
    """All numbers of a network and of its layers."""
    stats = Stats(model, batch=batch, device=DEVICES[device])
    view = View(stats)
    totals = {m.name: m.value(stats) for m in QUANTITIES.values()}
    assert stats.roofline is not None
    return {
        "device": device,
        "totals": {k: float(v) if isinstance(v, Fraction) else v for k, v in totals.items()},
        "rows": {m.key: [view.numbers(m)[row] for row in stats.rows] for m in by_layer(device=True)},
        "seconds": stats.roofline.seconds,
        "arena": stats.memory.arena,
    }


def case(name: str, net: str) -> dict[str, Any]:
    """One network: its record, and its numbers at several sizes, batches and devices."""
    model = compile_model(f"zoo:{name}", net, budgets=None)
    record = network_record(model, None, [], [])
    batch = [size["name"] for size in record["sizes"] if size["batch"]]  # type: ignore[attr-defined]
    wanted = []
    for number, found in enumerate(at_sizes(name, net, model)):
        samples = 1 + 2 * (number % 2) if batch else 1
        at: Mapping[str, int] = {**found.sizes.default, **dict.fromkeys(batch, samples)}
        wanted.append({"at": at, **numbers(found, samples, ("cpu-core", "H200")[number % 2])})
    return {"name": net, "net": record, "wanted": wanted}


def texts() -> list[dict[str, Any]]:
    """Numbers as text."""
    draw = random.Random(0)
    counts = [
        0,
        1,
        999,
        1000,
        1250,
        1350,
        62_500,
        10**6,
        1_000_500,
        *(int(10 ** draw.uniform(0, 15)) for _ in range(300)),
    ]
    seconds = [10 ** draw.uniform(-9, 2) for _ in range(300)]
    return [{"count": n, "short": short(n), "bytes": bytes_text(n) or "0 B"} for n in counts] + [
        {"seconds": s, "text": seconds_text(s)} for s in seconds
    ]


if __name__ == "__main__":
    assert set(NETS) <= set(files())
    devices = {name: device_record(device) for name, device in DEVICES.items()}
    json.dump({"devices": devices, "texts": texts(), "nets": [case(*pair) for pair in NETS.items()]}, sys.stdout)
