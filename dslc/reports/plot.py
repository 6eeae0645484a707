"""The picture of a sweep: one quantity over another, a line per value of the first axes, and the Pareto front.

matplotlib is imported only when something is drawn. The same sweep gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dslc.analysis.metrics import QUANTITIES
from dslc.analysis.sensitivity import Point, Sweep, front
from dslc.diagnostics.model import Failure
from dslc.errors import NotInstalled
from dslc.output import Output
from dslc.values.faces import value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = ("png", "svg")

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#B8A900")
"""Told apart by colour-blind readers: Okabe and Ito, Color Universal Design (2008); its yellow darkened for lines."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MOST_LABELLED = 32
"""Points that have their value written beside them."""

MOST_LISTED = 16
"""Lines that the legend lists one by one; of more it lists values of the first axis, at most so many of them."""

LOGARITHMIC = 8
"""An axis whose last value is more than this many times its first is logarithmic."""

TITLES = {
    "params": "parameters",
    "macs": "multiply-adds (MACs)",
    "flops": "FLOPs",
    "acts": "activations of linear maps (elements)",
    "weights_memory": "weights",
    "activation_memory": "activation memory, batch 1",
    "peak_memory": "peak memory of inference, batch 1",
    "onnx_peak_memory": "peak memory in onnxruntime, batch 1",
    "receptive_field": "receptive field (pixels)",
}

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.labelcolor": "#222222",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "svg.hashsalt": "dslc",
    "svg.fonttype": "path",
}


def suffix(path: str | Path) -> str | None:
    """The format that a file's name asks for, `png` or `svg`; none for any other."""
    found = Path(path).suffix.lower().removeprefix(".")
    return found if found in SUFFIXES else None


def check_plot() -> None:
    """Raises a `Failure` that says what to install where matplotlib is missing."""
    if find_spec("matplotlib") is None:
        raise Failure(NotInstalled("matplotlib", "plot", "a picture"))


def picture(sweep: Sweep, path: str | Path, x: str, y: str) -> Output:
    """The file of the picture, to be written; its name ends in .png or .svg. Raises a `Failure` without matplotlib."""
    form = suffix(path)
    if form is None:
        raise ValueError(f"{path} ends in neither .png nor .svg")
    return saved(Path(path), form, lambda: draw(sweep, x, y))


def saved(path: Path, form: str, make: Callable[[], Figure]) -> Output:
    """A figure as a file to be written. Raises a `Failure` without matplotlib."""
    check_plot()

    def write(target: Path) -> None:
        import matplotlib

        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            settings: Any = matplotlib.rcParams  # its keys are literals that differ from version to version
            settings.update(STYLE)
            figure = make()
            metadata = {"Date": None, "Creator": "dslc"} if form == "svg" else {"Software": "dslc"}
            figure.savefig(target, format=form, dpi=160, metadata=metadata)

    return Output(path, write)


def draw(sweep: Sweep, x: str, y: str) -> Figure:
    """The figure: points over two quantities by name, joined along the last axis, labelled with its values."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 4.9), layout="constrained")
    axes = figure.add_subplot()
    axes.margins(0.08)
    known = [point for point in sweep.existing if point.numbers[x] is not None and point.numbers[y] is not None]
    if known:
        lines(axes, sweep, known, x, y)
        if len(known) <= MOST_LABELLED:
            labels(axes, sweep, known, x, y)
        steps(axes, front(known, x, y), x, y)
        base(axes, sweep, x, y)
    scaled(axes, "x", [place(point, x) for point in known], x)
    scaled(axes, "y", [place(point, y) for point in known], y)
    names = ", ".join(axis.title for axis in sweep.axes)
    axes.set_title(f"{sweep.net} over {names}", loc="left", fontsize=11, color="#222222")
    axes.grid(True, color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    if known:
        figure.legend(loc="outside right upper", frameon=False, fontsize=8.5)
    return figure


def place(point: Point, name: str) -> float:
    """Where a point stands along a quantity that it has."""
    value = point.numbers[name]
    assert value is not None
    return float(value)


# ---- what is drawn


def lines(axes: Axes, sweep: Sweep, known: Sequence[Point], x: str, y: str) -> None:
    """One line per value of all axes but the last: colours for the first axis, markers for the second."""
    groups: dict[tuple[str, ...], list[Point]] = {}
    for point in known:
        groups.setdefault(tuple(value_text(value) for value in point.at[:-1]), []).append(point)
    firsts = list(dict.fromkeys(key[0] for key in groups if key))
    others = list(dict.fromkeys(key[1:] for key in groups))
    colours = palette(len(firsts))
    every = ceil(len(firsts) / MOST_LISTED) or 1
    listed: set[str] = set()
    for key, points in groups.items():
        first = firsts.index(key[0]) if key else 0
        marker = MARKERS[others.index(key[1:]) % len(MARKERS)]
        shown = key if len(groups) <= MOST_LISTED else key[:1]
        words = ", ".join(f"{axis.title} = {text}" for axis, text in zip(sweep.axes, shown, strict=False))
        axes.plot(
            [place(point, x) for point in points],
            [place(point, y) for point in points],
            color=colours[first],
            marker=marker,
            markersize=5,
            linewidth=1.3,
            label="_" if words in listed or first % every else words or sweep.axes[0].title,
            gid="line-" + "-".join(key or ("all",)),
        )
        listed.add(words)


def palette(count: int) -> list[str]:
    """Colours for so many values: the palette, or where it does not suffice a scale from dark to light."""
    if count <= len(PALETTE):
        return list(PALETTE[: max(count, 1)])
    import matplotlib
    from matplotlib.colors import to_hex

    scale = matplotlib.colormaps["viridis"]
    return [to_hex(scale(0.92 * k / (count - 1))) for k in range(count)]


def labels(axes: Axes, sweep: Sweep, known: Sequence[Point], x: str, y: str) -> None:
    """The value of the last axis beside each point; points at one place share a label."""
    from matplotlib.patheffects import withStroke

    at: dict[tuple[float, float], list[str]] = {}
    for point in known:
        words = at.setdefault((place(point, x), place(point, y)), [])
        if value_text(point.at[-1]) not in words:
            words.append(value_text(point.at[-1]))
    halo: list[Any] = [withStroke(linewidth=2, foreground="#ffffff")]
    for where, words in at.items():
        note = axes.annotate(
            ", ".join(words), where, (-5, 5), textcoords="offset points", ha="right", fontsize=7.5, color="#444444"
        )
        note.set_path_effects(halo)


def steps(axes: Axes, best: Sequence[Point], x: str, y: str) -> None:
    """The front as a step line: between two of its points the y of the one that is reached already holds."""
    words = ", ".join(f"{QUANTITIES[name].better} {QUANTITIES[name].heading}" for name in (x, y))
    xs, ys = [place(point, x) for point in best], [place(point, y) for point in best]
    how = "steps-post" if QUANTITIES[x].better == "less" else "steps-pre"
    axes.plot(
        xs,
        ys,
        drawstyle=how,
        color="#000000",
        linewidth=1.1,
        linestyle=(0, (4, 2)),
        marker="o",
        markersize=10,
        markerfacecolor="none",
        markeredgewidth=0.9,
        zorder=1.5,
        label=f"front: {words}",
        gid="front",
    )


def base(axes: Axes, sweep: Sweep, x: str, y: str) -> None:
    """The network that all are compared with, as a star."""
    if sweep.base.numbers[x] is None or sweep.base.numbers[y] is None:
        return
    axes.plot(
        [place(sweep.base, x)],
        [place(sweep.base, y)],
        linestyle="",
        marker="*",
        markersize=12,
        markerfacecolor="#ffffff",
        markeredgecolor="#000000",
        zorder=4,
        label="base: "
        + ", ".join(f"{a.title} = {value_text(v)}" for a, v in zip(sweep.axes, sweep.base.at, strict=True)),
        gid="base",
    )


def scaled(axes: Axes, letter: Literal["x", "y"], values: Sequence[float], name: str) -> None:
    """The title of an axis, its ticks with units, and a logarithmic scale where the values are far apart."""
    from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator

    axis, set_scale = (axes.xaxis, axes.set_xscale) if letter == "x" else (axes.yaxis, axes.set_yscale)
    axis.set_label_text(TITLES.get(name, QUANTITIES[name].heading))
    positive = bool(values) and min(values) > 0
    if positive and max(values) > LOGARITHMIC * min(values):
        set_scale("log")
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(MaxNLocator(nbins=6))
    if QUANTITIES[name].unit != "places":
        axis.set_major_formatter(EngFormatter(unit=QUANTITIES[name].unit))
