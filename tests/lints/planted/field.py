"""Faults of what networks see, and of maps that are too small for their layers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dslc.ir.walk import Step
from dslc.lints.field.below_input import heads, image
from dslc.lints.network import Network
from tests.lints.faults import Planted, after, fault
from tests.lints.planted.convolution import open_maps

SIZES = re.compile(r"\bH=\w+, W=\w+\]")
HEADER = re.compile(r"(\bon \w+\[[^:]*\])(?=:)")
RESULT = re.compile(r"\s*-> \[N, \w+\](?=:)")


def classifiers(net: Network) -> Iterator[tuple[Step, int]]:
    """Pools of a whole map, in the network's own text, from which its classes are told: with the field before."""
    if image(net):
        for step, fields in heads(net):
            if step.node.span.source is net.model.source and len(fields) == 2:
                yield step, int(max(field.size for field in fields))


def resized(step: Step, size: int) -> Iterator[Planted]:
    """The program for an image of another size."""
    text = step.node.span.source.text
    found = SIZES.search(text)
    if found:
        yield Planted(text[: found.start()] + f"H={size}, W={size}]" + text[found.end() :], step.node.span.line)


def headless(net: Network, lines: str, results: str = "") -> Iterator[Planted]:
    """The program with other lines in place of a classifier's head, and other results."""
    for step, _ in classifiers(net):
        span, text = step.node.span, step.node.span.source.text
        end = text.index("\n", span.start)
        start = text.rindex("\n", 0, span.start) + 1
        before = text[start : span.start].strip()
        if (before and not before.endswith("->")) or text[end:].split("\n", 2)[1].strip():
            continue
        indent = " " * (len(text[start : span.start]) - len(text[start : span.start].lstrip()))
        kept = text[: span.start].rstrip().removesuffix("->").rstrip() + "\n"
        body = kept + indent + lines.replace("\n", "\n" + indent) + text[end:]
        changed, count = RESULT.subn(results, body, count=1)
        if not count and results:
            changed = HEADER.sub(rf"\1{results}", body, count=1)
        removed = body.count("\n") - changed.count("\n")
        yield Planted(changed, kept.count("\n") + lines.count("\n") + 1 - removed)


@fault("W1401")
def a_larger_image(net: Network) -> Iterator[Planted]:
    for step, field in classifiers(net):
        for times in (9, 12, 16):
            yield from resized(step, times * field // 32 * 32)


@fault("N1421")
def a_somewhat_larger_image(net: Network) -> Iterator[Planted]:
    for step, field in classifiers(net):
        for times in (2.2, 2.6, 3):
            yield from resized(step, int(times * field) // 32 * 32)


@fault("W1402", facts="object_size=100000")
def a_huge_object(net: Network) -> Iterator[Planted]:
    for step, _ in classifiers(net):
        yield Planted(step.node.span.source.text, step.node.span.line)


@fault("W1407", facts="object_size=8")
def places_far_apart(net: Network) -> Iterator[Planted]:
    for layers in ("conv(6, 1)", "conv(6, 3)", "conv(32, 1) -> relu -> conv(6, 1)"):
        yield from headless(net, layers)


@fault("N1422")
def a_level_that_sees_little(net: Network) -> Iterator[Planted]:
    if any(field > 700 for _, field in classifiers(net)):
        return
    for layer in ("conv(6, 1)", "conv(8, 1)", "conv(12, 1)", "conv(16, 1) -> relu -> conv(6, 1)"):
        levels = f"base = it\nfine = conv(6, 1)\nbase -> avgpool(7)\ncoarse = {layer}"
        yield from headless(net, levels, " -> fine, coarse")


@fault("W1403")
def a_stride_over_one_place(net: Network) -> Iterator[Planted]:
    for step, _ in classifiers(net):
        yield after(step, "maxpool(3, s=2, p=1)")


@fault("W1404")
def windows_over_one_place(net: Network) -> Iterator[Planted]:
    for step, _ in classifiers(net):
        width = net.shape(step.outs[0])[1]
        yield after(step, f"conv({width}, 3) -> relu")


@fault("W1405")
def a_branch_apart(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        branch = f"pad(((0, 2), (0, 2))) -> conv({width}, 3, p=valid)"
        yield after(step, f"(it + ({branch})(it)) -> relu")


@fault("W1406")
def a_pool_of_one_place(net: Network) -> Iterator[Planted]:
    for step, _, size in open_maps(net, 2):
        layers = ("maxpool(1)", "upsample(1)", "pad(0)", "shuffle(1)", "crop(0)", "id")
        yield after(step, layers[size % len(layers)])


@fault("N1423")
def pools_beside_windows(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net, 16):
        yield after(step, f"(maxpool(2, ceil=true)(it) + conv({width}, 3, s=2)(it)) -> relu -> upsample(2)")


@fault("N1420", also=("W1304", "W1310"))
def windows_mostly_outside(net: Network) -> Iterator[Planted]:
    for step, width, size in open_maps(net):
        yield after(step, f"conv({width}, 3, d={3 * size // 4}) -> relu")
