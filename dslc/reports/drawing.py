"""A network's picture as a text and as a file: what the command line and Python ask for."""

from __future__ import annotations

from collections.abc import Callable

from dslc.ir.model import Model
from dslc.reports.heat import warm
from dslc.reports.picture import MOST_BOXES, Graph, fitting_depth


class TooManyBoxes(Exception):
    """More boxes than a picture can show: `fits` is the depth at which there are few enough, if there is another."""

    def __init__(self, boxes: int, fits: int | None) -> None:
        super().__init__(f"{boxes:,} boxes are more than a picture can show ({MOST_BOXES:,})")
        self.fits = fits

    def told(self, option: str) -> str:
        """What is wrong and what helps; `option` with the depth in place of `{}`."""
        return f"{self}; close parts with {option.format(self.fits)}" if self.fits is not None else str(self)


def draw(
    model: Model, write: Callable[[Graph], str], *, depth: int | None = None, fold: bool = True, heat: str | None = None
) -> str:
    """The text of a picture. Raises TooManyBoxes."""
    graph = Graph(model, depth, fold=fold)
    if len(graph.boxes) > MOST_BOXES:
        fits = fitting_depth(model, MOST_BOXES, fold=fold)
        raise TooManyBoxes(len(graph.boxes), fits if fits != depth else None)
    if heat is not None:
        warm(graph, heat)
    return write(graph)


def content(path: str, text: str, scale: float | None = None) -> bytes:
    """What is in a picture's file; `scale` is for a .png. Raises what `png.png` does."""
    if not path.endswith(".png"):
        return text.encode()
    from dslc.reports.png import SCALE, png

    return png(text, SCALE if scale is None else scale)
