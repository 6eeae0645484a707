"""Two networks as the page of `dslc diff --html` has them, and what `dslc diff` says of them at several sizes: JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from dslc.diff import Side, diff
from dslc.report import difference
from dslc.reports.diff_data import diff_record

PAIRS: tuple[tuple[str, tuple[str, str], tuple[Mapping[str, object], Mapping[str, object]]], ...] = (
    ("resnet", ("resnet18", "resnet34"), ({}, {})),
    ("resnet", ("resnet50", "resnext50_32x4d"), ({}, {})),
    ("resnet", ("resnet18", "resnet50"), ({}, {"classes": 10})),
    ("vgg", ("vgg11", "vgg16_bn"), ({}, {})),
    ("unet", ("unet", "unet"), ({}, {"width": 16})),
    ("mobilenet_v3", ("mobilenet_v3_small", "mobilenet_v3_large"), ({}, {})),
    ("segmentation", ("fcn_resnet50", "deeplabv3_resnet50"), ({}, {})),
)
"""A file of the zoo, its nets, and their arguments."""


def case(file: str, nets: tuple[str, str], args: tuple[Mapping[str, object], Mapping[str, object]]) -> dict[str, Any]:
    """One pair: its page, and the records of `dslc diff` at its default sizes and at others."""

    def sides(sizes: Mapping[str, int]) -> tuple[Side, Side]:
        a, b = (Side(f"zoo:{file}", net, None, own, sizes) for net, own in zip(nets, args, strict=True))
        return a, b

    a, b = sides({})
    found = diff(a, b)
    own = {name for name in found.a.model.sizes.default if name not in found.a.model.sizes.universal}
    wanted: list[dict[str, object]] = [{"at": {}, "record": diff_record(found)}]
    for side in (160, 320):
        at = dict.fromkeys(sorted(own & {"H", "W"}), side)
        wanted.append({"at": at, "record": diff_record(diff(*sides(at)))})
    return {"name": " and ".join(nets), "document": difference(found), "wanted": wanted}


if __name__ == "__main__":
    json.dump([case(*pair) for pair in PAIRS], sys.stdout)
