"""A program as far as it is known, of any text: what an editor shows while somebody writes."""

from dslc.analyse.analysis import Analysis, analyse
from dslc.analyse.shapes import Made
from dslc.elaborate.watch import Cancelled

__all__ = ["Analysis", "Cancelled", "Made", "analyse"]
