"""A name that is read where it has no meaning, although its definition gives it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from dslc.diagnostics.model import Help, Mistake, did_you_mean

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


class OfAnother(Mistake, code="E0229"):
    """A name that another definition's header gives is read.

    A block means the same wherever it is used, so it sees its own parameters, inputs and sizes, and the definitions
    of the file: never those of the net that uses it. What it needs of them is handed over as an argument, by a
    parameter of its own.

    ```dl fails
    block head on x[N, C, H, W]: gap -> flatten -> linear(classes)

    net f(classes: int = 10) on x[N, 3, 32, 32]:
        conv(8, 3) -> relu
        head
    ```

    ```dl
    block head(classes: int) on x[N, C, H, W]: gap -> flatten -> linear(classes)

    net f(classes: int = 10) on x[N, 3, 32, 32]:
        conv(8, 3) -> relu
        head(classes)
    ```

    Related: E0201, E0228, E0302.
    """

    name: str
    kind: str  # what it is there: a parameter, an input, a size
    owner_kind: str
    owner: str
    line: int
    own_kind: str
    own: str
    others: tuple[str, ...] = ()  # more of its parameters that are read

    @property
    def message(self) -> str:
        what = f"is {'an' if self.kind == 'input' else 'a'} {self.kind}" if not self.others else f"are {self.kind}s"
        names = " and ".join(f"`{name}`" for name in (self.name, *self.others))
        there = f"{what} of {self.owner_kind} `{self.owner}` (line {self.line})"
        return f"{names} {there}, and {self.own_kind} `{self.own}` sees only its own"


class NamesLayer(Mistake, code="E0230"):
    """The name that a layer has by `as` is read as if it were a tensor.

    `conv(16, 3) as stem` names the layer, and so its weights: `stem.weight`. What the chain is after a line is named
    by `stem_out = it`, and a layer that is used twice with the same weights is a `module`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(16, 3) as stem
        conv(16, 3)
        it + stem
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(16, 3) as stem
        stem_out = it
        conv(16, 3)
        it + stem_out
        gap -> flatten
    ```

    Related: E0201, E0203, E0228.
    """

    name: str
    line: int

    @property
    def message(self) -> str:
        return f"`{self.name}` is the name of a layer (line {self.line}), and no tensor"


class LaterParameter(Mistake, code="E0231"):
    """A default uses a parameter that stands after its own.

    A header is read from left to right: a default may use the parameters before it and the sizes of the inputs, which
    have their values then. Let the two change places; arguments that were given by position change theirs too.

    ```dl fails
    net f(mid: int = out // 2, out: int = 64) on x[N, 3, 32, 32]:
        conv(mid, 3) -> relu -> conv(out, 1) -> gap -> flatten
    ```

    ```dl
    net f(out: int = 64, mid: int = out // 2) on x[N, 3, 32, 32]:
        conv(mid, 3) -> relu -> conv(out, 1) -> gap -> flatten
    ```

    Related: E0201, E0228.
    """

    name: str
    reader: str

    @property
    def message(self) -> str:
        return f"the default of `{self.reader}` uses `{self.name}`, which stands after it"


class AliasOfItself(Mistake, code="E0232"):
    """A `net` that is another name for itself.

    `net big = small(4)` gives the network `small` another name, with its arguments filled in. On the right side stands
    a net of the file, or of another that a `use` names: with its own name there is nothing that could be built.

    ```dl fails
    net big = big(4)
    ```

    ```dl
    net big(depth: int = 4) on x[N, 3, 32, 32]:
        for i in range(depth): conv(8, 3) -> relu
        gap -> flatten
    ```

    Related: E0201, E0210, E0378.
    """

    name: str
    near: str | None

    @property
    def message(self) -> str:
        return f"`{self.name}` is another name for itself"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near)
