"""What a rule is: a warning or a note, with its page, and the search that finds where it speaks.

One class per rule, one file per class, named in catalogue.py. The docstring is the page of `dslc explain`: what goes
wrong, how much, where that is known from (a source by author and year), then a bad program in a fence marked `dl fails`
and a good one in a fence marked `dl`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from dslc.diagnostics.model import Diagnostic, Mistake

if TYPE_CHECKING:
    from dslc.lints.network import Network


class Lint(Mistake):
    """Base of all rules. Its fields are the facts of what was found, its `message` says them with their numbers.

    W codes are for what is nearly always wrong: `dslc check` tells of them. N codes are advice: `dslc lint` does.

        class BiasBeforeNorm(Lint, code="W1101", name="bias-before-norm"):

    `wants`: names of `Facts` without which the rule says nothing, and `example`: what its page's bad program takes for
    them. `reads_signal`: it stands on how signal and gradients flow, which `check` does not compute.
    """

    wants: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[Mapping[str, object]] = {}
    reads_signal: ClassVar[bool] = False

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        """Where it speaks, in the order of the program; `net.at` and `net.by` make a diagnostic of what was found."""
        raise NotImplementedError(f"{cls.__name__}.find")
