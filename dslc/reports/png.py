"""A picture's .svg as the pixels of a .png, by resvg, which is imported only here.

resvg draws with the fonts of the system and has none of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from dslc.diagnostics.model import Failure
from dslc.errors import NoFont, NotInstalled

FONTS = (
    "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', 'Noto Sans', 'Segoe UI', Roboto, 'Open Sans', FreeSans, "
    "'Nimbus Sans', Ubuntu, Cantarell, sans-serif"
)
"""Fonts for letters, the first that is there: resvg knows only few names for `sans-serif`."""

SCALE, MOST_PIXELS = 2.0, 100_000_000
"""Pixels for each of the .svg's, and how many at the most: 400 MB while it is drawn."""

PROBE = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><text x="2" y="15">{}</text></svg>'


class TooManyPixels(ValueError):
    """A .png that no memory should be filled with."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"{width:,} x {height:,} pixels are more than a .png can have ({MOST_PIXELS:,})")


def png(svg: str, scale: float = SCALE) -> bytes:
    """The file of a picture. Raises TooManyPixels, and a `Failure` where resvg or a font is missing."""
    if find_spec("resvg_py") is None:
        raise Failure(NotInstalled("resvg-py", "picture", "a .png"))
    width, height = size(svg, scale)
    if width * height > MOST_PIXELS:
        raise TooManyPixels(width, height)
    render: Callable[..., bytes] = import_module("resvg_py").svg_to_bytes
    style = f"svg {{ font-family: {FONTS} }}"
    if render(svg_string=PROBE.format("M"), style_sheet=style) == render(
        svg_string=PROBE.format(""), style_sheet=style
    ):
        raise Failure(NoFont())
    return render(svg_string=svg, style_sheet=style, zoom=scale)


def size(svg: str, scale: float) -> tuple[int, int]:
    """The width and height of the picture of an .svg of ours, in pixels."""
    found = re.search(r'^<svg [^>]*?width="([\d.]+)" height="([\d.]+)"', svg)
    assert found is not None, "an .svg of ours says its size"
    return round(float(found[1]) * scale), round(float(found[2]) * scale)
