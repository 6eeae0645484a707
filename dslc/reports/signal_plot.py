"""The picture of values and gradients over depth, of one network or of two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, inf, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dslc.analysis.signal.result import LayerSignal, NetworkSignal
from dslc.analysis.signal.verdicts import CONSTANT
from dslc.output import Output
from dslc.reports.plot import PALETTE, saved, suffix
from dslc.reports.signal_table import is_constant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OVER_DEPTH: Final = (("RMS of values", "rms"), ("1 - c", "varies"), ("RMS of gradients", "gradient"))
"""The panels, from above: their titles, and what of a layer they show."""
SHOWN_IN: Final = {
    "constant output": "varies",
    "vanishing gradient": "gradient",
    "exploding gradient": "gradient",
    "exploding values": "rms",
    "vanishing values": "rms",
}
"""Which panel a verdict is about."""
MOST_NAMED: Final = 24
"""Layers that are named along the axis."""


def signal_picture(networks: Sequence[tuple[str, NetworkSignal]], path: str | Path) -> Output:
    """The file of a picture of values and gradients over depth, a line per network; as `picture`."""
    form = suffix(path)
    if form is None:
        raise ValueError(f"{path} ends in neither .png nor .svg")
    return saved(Path(path), form, lambda: draw_signal(networks))


def draw_signal(networks: Sequence[tuple[str, NetworkSignal]]) -> Figure:
    """The figure: RMS of values, what of them depends on the input, and RMS of gradients, by layer from the input on,
    on scales of powers of ten; where a verdict begins stands a line of the network's colour.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 7.2), layout="constrained")
    panels = figure.subplots(len(OVER_DEPTH), 1, sharex=True)
    for axes, (title, which) in zip(panels, OVER_DEPTH, strict=True):
        for k, (name, found) in enumerate(networks):
            values = [(i, getattr(layer, which)) for i, layer in enumerate(drawn(found))]
            known = [(i, v) for i, v in values if v is not None and 0 < v < inf]
            label = name if axes is panels[0] else "_"
            style: dict[str, Any] = {"color": PALETTE[k % len(PALETTE)], "linewidth": 1.4, "label": label}
            axes.plot([i for i, _ in known], [v for _, v in known], gid=f"{which}-{k}", **style)
            for place, words in begun(found, which):
                mark: dict[str, Any] = {"color": PALETTE[k % len(PALETTE)], "linewidth": 1.0, "linestyle": ":"}
                axes.axvline(place, **mark)
                axes.annotate(
                    words,
                    (place, 0.0),
                    xycoords=("data", "axes fraction"),
                    xytext=(3, 4),
                    textcoords="offset points",
                    fontsize=7.5,
                    color=PALETTE[k % len(PALETTE)],
                )
        axes.set_yscale("log")
        decades(axes)
        axes.set_ylabel(title)
        axes.grid(True, color="#e4e4e4", linewidth=0.7)
    panels[1].axhline(CONSTANT, color="#888888", linewidth=0.9, linestyle="--")
    named_layers(panels[-1], [drawn(found) for _, found in networks])
    if len(networks) > 1:
        figure.legend(loc="outside upper left", frameon=False, fontsize=8.5, ncols=2)
    else:
        panels[0].set_title(networks[0][1].name, loc="left", fontsize=11, color="#222222")
    return figure


def drawn(found: NetworkSignal) -> list[LayerSignal]:
    """The layers of a picture: all but those that only pass a value on, and tables of indices and masks."""
    return [layer for layer in found.layers if layer.op != "id" and not is_constant(layer)]


def begun(found: NetworkSignal, which: str) -> Iterator[tuple[int, str]]:
    """Where verdicts begin that a panel shows, and what they are."""
    places = {layer.path: place for place, layer in enumerate(drawn(found))}
    for verdict in found.verdicts:
        if SHOWN_IN.get(verdict.kind) == which and verdict.path in places:
            yield places[verdict.path], verdict.kind


def decades(axes: Axes) -> None:
    """At least two powers of ten on an axis, so that a factor of two looks like one."""
    low, high = axes.get_ylim()
    middle, span = (log10(low) + log10(high)) / 2, max(log10(high) - log10(low), 2.0)
    axes.set_ylim(10 ** (middle - span / 2), 10 ** (middle + span / 2))


def named_layers(axes: Axes, networks: Sequence[Sequence[LayerSignal]]) -> None:
    """Names of some layers along the axis, where all networks have the same; else their numbers."""
    paths = [[layer.path for layer in layers] for layers in networks]
    if any(other != paths[0] for other in paths[1:]):
        axes.set_xlabel("layers, from the input on")
        return
    every = ceil(len(paths[0]) / MOST_NAMED) or 1
    places = range(0, len(paths[0]), every)
    axes.set_xticks(list(places), [paths[0][place] for place in places], rotation=35, ha="right", fontsize=7.5)
