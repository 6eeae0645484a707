"""A name that is read where it has no meaning, although its definition gives it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from dslc.diagnostics.model import Mistake

Where: TypeAlias = Literal["turn", "last turn", "loop", "suite", "side", "below"]
"""Where it is given: in a turn of a `for` that is over, below in a `for`, as its variable, in a layer's suite, in
another side of an `if`, or below."""


class GivenElsewhere(Mistake, code="E0228"):
    """A name is read outside of the lines that it lives in.

    A body is read from top to bottom, and a name is known from its line on. What a turn of a `for` names lives for
    that turn, as the turns are made one after another with weights of their own; a list keeps what is needed of them.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        for w in [8, 16]:
            conv(w, 3)
            skip = it
            relu
        concat(skip, it) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        let skips = []
        for w in [8, 16]:
            conv(w, 3)
            skips += [it]
            relu
        concat(skips[-1], it) -> gap -> flatten
    ```

    Related: E0201, E0202, E0483.
    """

    name: str
    where: Where
    line: int
    around: int  # the line of the `for`, the layer or the `if`

    @property
    def message(self) -> str:
        name = f"`{self.name}`"
        if self.where == "turn":
            return f"{name} is named in line {self.line}, in the `for` of line {self.around}, and lives one turn"
        if self.where == "last turn":
            return f"{name} is named below, in line {self.line}, and no turn of the `for` knows that of the turn before"
        if self.where == "loop":
            return f"{name} is the variable of the `for` of line {self.line}, and has no value outside of it"
        if self.where == "suite":
            return f"{name} is named in line {self.line}, in the suite of a layer, and is known in that suite alone"
        if self.where == "side":
            return f"{name} is named in line {self.line}, in another side of the `if`"
        return f"{name} is read before line {self.line}, which names it"
