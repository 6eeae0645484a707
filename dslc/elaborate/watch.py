"""What who looks over the shoulder of an elaboration is told: the tensors after each line, also of a net with mistakes.

An editor shows them while a program is written, and stops a run whose text has changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Final

from dslc.ir.model import Instance, Model, Value
from dslc.record import entity
from dslc.syntax import tree
from dslc.types.sizes import Sizes

MOST: Final = 32
"""Expansions of a line of which the tensors are kept."""


class Cancelled(Exception):
    """Nobody wants the result any more."""


@entity
class Seen:
    """What one elaboration of a net made: `lines` has the tensors that a line left, by name or the current one, for
    each of its first expansions with the instance it stood in; `made` all tensors, each with the block it is in.

    `elaborated`: what it gave, where no mistake was found on the way; one elsewhere in the program, or a budget that is
    not kept, takes `model` away.
    """

    net: str
    sizes: Sizes
    made: list[tuple[Value, tuple[str, str], Instance]]
    root: Instance | None = None
    lines: dict[tree.Stmt, list[tuple[Instance, tuple[Value, ...]]]] = field(default_factory=dict)
    elaborated: Model | None = None
    model: Model | None = None


def never() -> bool:
    """Of work that nobody stops."""
    return False


@entity
class Watch:
    """Collects what elaborations make; `cancel` says whether to stop.

    `each` is given what is known of a net once it was checked, and then that is not kept: it is much.
    """

    cancel: Callable[[], bool] = never
    each: Callable[[Seen], None] | None = None
    nets: dict[str, Seen] = field(default_factory=dict)

    def start(self, seen: Seen) -> None:
        """A net is elaborated, or once more with a size that a weight fixed."""
        self.check()
        self.nets[seen.net] = seen

    def finish(self, net: str) -> None:
        """A net was checked; before the next begins, `cancel` is asked."""
        if self.each is not None and net in self.nets:
            self.each(self.nets.pop(net))
        self.check()

    def check(self) -> None:
        """Raise `Cancelled` where nobody wants the result any more."""
        if self.cancel():
            raise Cancelled

    def line(self, net: str, line: tree.Stmt, owner: Instance, values: tuple[Value, ...]) -> None:
        """A line was executed."""
        self.check()
        found = self.nets[net].lines.setdefault(line, [])
        if values and len(found) < MOST:
            found.append((owner, values))
