"""A network's roofline as lines of a report and as a record for JSON."""

from __future__ import annotations

from dslc.analysis.roofline import COMPUTE, MEMORY, Roofline
from dslc.diagnostics.fold import printable
from dslc.reports.numbers import bytes_text, seconds_text, short

LONGEST = 5
"""Layers that are named as taking most of the time."""

KINDS = 6
"""Kinds of op whose part of the time is shown; the rest is one line."""


def roofline_lines(found: Roofline) -> list[str]:
    """The device, the least time with what bounds it, where the time goes, and what the estimate leaves out."""
    device, total = found.device, found.seconds
    batch = f"batch {found.batch}" if found.batched else "the batch of the source"
    lines = [
        f"on {device.title}, {found.dtype}, {batch}: at least {seconds_text(total) or '0 s'}{range_text(found)}",
        f"  {short(found.flops)} FLOPs ({short(found.macs)} multiply-adds) at {short(found.peak)} FLOP/s, "
        f"{bytes_text(found.bytes) or '0 B'} moved at {bytes_text(device.bandwidth)}/s; "
        f"ridge at {found.ridge:.1f} FLOPs ({found.ridge / 2:.1f} multiply-adds) per byte",
    ]
    if total:
        sides = [
            f"{found.seconds_of(limit) / total:.1%} of the time by {words}"
            for limit, words in ((COMPUTE, "arithmetic"), (MEMORY, "memory"))
        ]
        lines.append(f"  bound for {sides[0]}, for {sides[1]}")
        lines += kind_lines(found)
        longest = [bound for bound in found.longest(LONGEST) if bound.seconds]
        texts = (f"{printable(b.path)} {seconds_text(b.seconds)} ({b.seconds / total:.1%}, {b.limit})" for b in longest)
        lines.append(f"  longest: {', '.join(texts)}")
    if found.unknown:
        paths = ", ".join(f"`{printable(path)}`" for path in found.unknown[:LONGEST])
        more = f" and {len(found.unknown) - LONGEST} more" if len(found.unknown) > LONGEST else ""
        lines.append(f"  what these do is not known, so that all of this is less than it is: {paths}{more}")
    lines.append(
        "  an estimate from a model: ops one after the other at the full rates, each operand moved once, none where "
        "onnxruntime does the op within the one before; launches are left out"
    )
    lines.append(f"  rates: {device.source}" + (f"; assumed: {device.assumed}" if device.assumed else ""))
    return lines


def range_text(found: Roofline) -> str:
    """`, typically at most 84.6 ms`, for a CPU."""
    return f", in onnxruntime typically at most {seconds_text(found.most)}" if found.most else ""


def kind_lines(found: Roofline) -> list[str]:
    """One line for each kind of op that takes time, the longest first."""
    parts = [part for part in found.by_op() if part.seconds]
    lines = [f"  {part.share:>6.1%} {part.op} x{part.uses}: {seconds_text(part.seconds)}" for part in parts[:KINDS]]
    if len(parts) > KINDS:
        rest = parts[KINDS:]
        kinds = "1 more kind" if len(rest) == 1 else f"{len(rest)} more kinds"
        lines.append(f"  {sum(p.share for p in rest):>6.1%} {kinds}")
    return lines


def roofline_record(found: Roofline) -> dict[str, object]:
    """The roofline as plain values; times in seconds, rates per second, `intensity` in multiply-adds per byte.

    `seconds` is the lower end, `seconds_most` the upper one: null but for CPUs.
    """
    device, shares = found.device, found.shares()
    return {
        "device": device.name,
        "title": device.title,
        "source": device.source,
        "assumed": device.assumed,
        "dtype": found.dtype,
        "batch": found.batch if found.batched else None,
        "peak": found.peak,
        "bandwidth": device.bandwidth,
        "bandwidth_near": device.nearest,
        "ridge_flops_per_byte": found.ridge,
        "seconds": found.seconds,
        "seconds_most": found.most,
        "seconds_compute_bound": found.seconds_of(COMPUTE),
        "seconds_memory_bound": found.seconds_of(MEMORY),
        "macs": found.macs,
        "flops": found.flops,
        "bytes": found.bytes,
        "unknown": list(found.unknown),
        "by_op": [
            {"op": part.op, "uses": part.uses, "seconds": part.seconds, "share": part.share} for part in found.by_op()
        ],
        "layers": [
            {
                "path": bound.path,
                "op": bound.op,
                "macs": bound.macs,
                "flops": bound.flops,
                "bytes": bound.bytes,
                "intensity": bound.intensity,
                "bound": bound.limit or None,
                "seconds": bound.seconds,
                "fused": bound.fused,
                "share": shares[use],
            }
            for use, bound in found.bounds.items()
        ],
    }
