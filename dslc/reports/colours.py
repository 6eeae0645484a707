"""Colours of pictures. Letters can be read on all that they stand on: a contrast of 4.5 and more, by test."""

from __future__ import annotations

FAMILIES = {
    "activation": ("#fdecc8", "#d9a441"),
    "activation_further": ("#fdecc8", "#d9a441"),
    "gating": ("#fdecc8", "#d9a441"),
    "functions": ("#fdecc8", "#d9a441"),
    "attention": ("#e9defa", "#9b7fd1"),
    "product": ("#e9defa", "#9b7fd1"),
    "convolution": ("#d6e6fb", "#5b8fd1"),
    "linear": ("#d6e6fb", "#5b8fd1"),
    "recurrent": ("#d6e6fb", "#5b8fd1"),
    "reparam": ("#d6e6fb", "#5b8fd1"),
    "norm": ("#d9f0dc", "#66ad72"),
    "norm_length": ("#d9f0dc", "#66ad72"),
    "pool": ("#fadbd8", "#d0776d"),
    "pool_adaptive": ("#fadbd8", "#d0776d"),
    "reduce": ("#fadbd8", "#d0776d"),
    "resample": ("#fadbd8", "#d0776d"),
    "arithmetic": ("#ffffff", "#555555"),
    "part": ("#eef1f5", "#5f6b7a"),
    "input": ("#ffffff", "#9aa4b0"),
    "tensor": ("#fff7e0", "#b5a36a"),
}
"""Fill and edge of the boxes by the module of `dslc.ops` that has the op, and of what is no op."""

OTHER = ("#eeeeee", "#999999")

LIGHT = {"note": "#4a5563", "hot": "#1d2430", "line": "#5f6b7a", "paper": "#fff", "frame": "#fafbfc"}
"""Small letters, those on boxes whose colour is a number, lines, what is behind them all and in frames."""

DARK = {"label": "#c3ccd8", "line": "#9aa7b8", "paper": "#1d2430", "frame": "#252e3b"}
"""The same where a page is dark: boxes stay as they are, `label` is what stands beside lines."""

COLD, HOT = (255, 255, 255), (240, 128, 96)
"""Colours of nothing and of the greatest number."""


def heat_colour(share: float) -> str:
    """Between cold and hot: 0 to 1."""
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(COLD, HOT, strict=True))
