"""Where a loaded class came from: its program in memory, and the models of its instances' arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dslc.record import entity

if TYPE_CHECKING:
    from dslc.ir.model import Model
    from dslc.kept import Kept
    from dslc.source import Texts

T = TypeVar("T")

MOST = 8
"""Arguments of which something is kept; then the oldest goes."""


@entity
class Origin:
    """`__dslc__` of a loaded class. The program is compiled when it is first asked for its model, from memory."""

    source: str | Path  # as it was given to `dslc.load`
    net: str
    args: Mapping[str, object]
    sizes: Mapping[str, int]
    texts: Texts
    kept: Kept | None = None
    models: dict[str, Model] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)  # what else is known of its networks, by their arguments

    @property
    def model(self) -> Model:
        """The network that the class makes without arguments."""
        return self.compile({})

    def compile(self, given: Mapping[str, object]) -> Model:
        """The network that the class makes with these arguments. Raises `CompileError`."""
        key = repr(sorted(given.items()))
        if key not in self.models:
            if self.kept is None:
                from dslc.kept import Kept

                self.kept = Kept.of(self.texts)
            made = self.kept.compile(self.net, args={**self.args, **given}, sizes=self.sizes)
            keep(self.models, key, made)
        return self.models[key]


def keep(known: dict[str, T], key: str, value: T) -> None:
    """Add what is known of some arguments."""
    if len(known) >= MOST:
        known.pop(next(iter(known)))
    known[key] = value
