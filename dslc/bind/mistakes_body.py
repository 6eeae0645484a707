"""Mistakes in the lines of a body: suites, results, numbers of values, places, and names of modules."""

from __future__ import annotations

from typing import Literal

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Help, Mistake, did_you_mean


class NoSuite(Mistake, code="E0374"):
    """A suite under a layer that takes none.

    A trailing suite fills the parameter called `body`, or `branches` if its lines begin with `|`. `residual`,
    `scale` and `add` are blocks of the library that have such a parameter; a block of your own takes a suite by
    declaring `body: layer`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        relu:
            conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        residual:
            conv(3, 3)
        gap -> flatten
    ```

    Related: E0130, E0133, E0302.
    """

    layer: str
    parameter: str

    @property
    def message(self) -> str:
        return f"`{self.layer}` has no parameter `{self.parameter}` for this suite to fill"


class NoResult(Mistake, code="E0381"):
    """A result that the header promises and the body does not make.

    Results with names are values that the body gives by `name = line`; the chain's last value has no name of its
    own. The name in the header and in the body are compared letter by letter.

    ```dl fails
    net f on x[N, 3, 32, 32] -> p1, p2:
        p1 = conv(8, 3)
    ```

    ```dl
    net f on x[N, 3, 32, 32] -> p1, p2:
        p1 = conv(8, 3)
        p2 = conv(8, 5)
    ```

    Related: E0365, E0368.
    """

    name: str
    idle: str = ""  # a value of the body that nothing reads, and is likely meant

    @property
    def message(self) -> str:
        return f"the header promises `{self.name}`, which the body does not name"

    @property
    def label(self) -> str:
        return f"nothing reads `{self.idle}`" if self.idle else ""


class WrongInputs(Mistake, code="E0367"):
    """A layer is applied to another number of tensors than it takes.

    The tensors are those of the block's `on`, in order; the chain gives one, several flow from brackets: `(a, b) ->
    join`, or `join(a, b)`. Combinators such as `add` and `concat` take branches in a suite, or tensors.

    ```dl fails
    block join on a[N, C, H, W], b[N, C, H, W]:
        a + b

    net f on x[N, 3, 32, 32]:
        join
        gap -> flatten
    ```

    ```dl
    block join on a[N, C, H, W], b[N, C, H, W]:
        a + b

    net f on x[N, 3, 32, 32]:
        y = conv(3, 3)
        (x, y) -> join
        gap -> flatten
    ```

    Related: E0142, E0302, E0368.
    """

    layer: str
    wanted: str
    found: int

    @property
    def message(self) -> str:
        return f"`{self.layer}` takes {self.wanted}, and gets {self.found}"


class WrongCount(Mistake, code="E0371"):
    """Names on the left of `=`, or of a `for`, and values on the right differ in number.

    Each name takes one value, nothing is left over and nothing made up: `chunk(3)` gives three tensors, `enumerate`
    pairs. A name for what is not needed begins with `_`.

    ```dl fails
    net f on x[N, 4, 8, 8]:
        a, b, c = chunk(2)
        concat(a, b, c) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 4, 8, 8]:
        a, b = chunk(2)
        concat(b, a) -> gap -> flatten
    ```

    Related: E0144, E0338, E0372.
    """

    names: int
    values: int
    loop: bool = False  # the names of a `for`

    @property
    def message(self) -> str:
        names = f"{self.names} name{'s' if self.names != 1 else ''}"
        return f"{names} for {self.values} value{'s' if self.values != 1 else ''}"

    @property
    def label(self) -> str:
        if self.loop:
            return "each item is one value" if self.values == 1 else f"each item has {self.values} parts"
        return "the right side is one tensor" if self.values == 1 else f"the right side makes {self.values}"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.loop or self.values != 1:
            return ()
        return (Help(f"`-> chunk({self.names})` makes {self.names} equal parts of a tensor"),)


class UnlikeItem(Mistake, code="E0485"):
    """An item of a list has other parts than the names of a `for`, and than the other items.

    Each turn gives the parts of one item to the names. Where some items fit and one does not, it is that one that was
    written too short or too long, as a row of a table may be that lost a column.

    ```dl fails
    net f on x[N, 4, 8, 8]:
        for out, s in [(8, 1), (16,), (32, 2)]: conv(out, 3, s=s) -> relu
        gap -> flatten
    ```

    ```dl
    net f on x[N, 4, 8, 8]:
        for out, s in [(8, 1), (16, 1), (32, 2)]: conv(out, 3, s=s) -> relu
        gap -> flatten
    ```

    Related: E0371.
    """

    place: int  # of the item, from 1
    text: str
    parts: int
    names: tuple[str, ...]

    @property
    def message(self) -> str:
        parts = f"{self.parts} part{'s' * (self.parts != 1)}"
        return f"item {self.place} of the list has {parts}, and the names of the `for` are {len(self.names)}"

    @property
    def label(self) -> str:
        lacking = [f"`{name}`" for name in self.names[self.parts :]]
        return f"nothing is left for {' and '.join(lacking)}" if lacking else "one part too many"

    @property
    def help(self) -> tuple[Help, ...]:
        lacking = self.names[self.parts :]
        if not lacking or not self.text.endswith(")"):
            return ()
        written = self.text[:-1].rstrip(" ,")
        said = " and ".join(f"`{name}`" for name in lacking)
        return (Help(f"give the number for {said}: `{written}{', ..' * len(lacking)})`"),)


class Misplaced(Mistake, code="E0373"):
    """A statement where it has no meaning.

    A `budget` belongs to a net, a `param` to a block's body and not to a loop, and the suite of a layer names no
    values. Each such statement says something of the whole net or block, and in a loop, a condition or a suite it
    would be said anew in each turn. Move it to the level that it is about.

    ```dl fails
    net f on x[N, T=16, 32]:
        for i in range(2):
            param scale: [32] = ones
            it * scale
    ```

    ```dl
    net f on x[N, T=16, 32]:
        param scale: [32] = ones
        for i in range(2): it * scale
    ```

    Related: E0160, E0167, E0375.
    """

    statement: str  # with its article: a `budget`
    home: Literal["net", "block", "body"]  # what it belongs to; `body`: that of a net or block

    @property
    def message(self) -> str:
        if self.home == "net":
            return f"{self.statement} belongs to a net"
        where = "a net or block" if self.home == "body" else "a block"
        return f"{self.statement} belongs to the body of {where}, not to a loop or suite"


class NamedInSuite(Mistake, code="E0483"):
    """The suite of a layer names a value.

    A suite is a layer of its own, which may be applied once, several times, or not at all; so what it computes has no
    name below it. Its result is the value of the line: name that, or write the lines into the body.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        residual:
            y = conv(3, 3)
            relu(y)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        y = residual: relu -> conv(3, 3)
        y -> gap -> flatten
    ```

    Related: E0201, E0373, E0479.
    """

    name: str

    @property
    def message(self) -> str:
        return f"the suite of a layer is one chain, and names no values: `{self.name}`"


class InitTarget(Mistake, code="E0388"):
    """An `init` statement sets the initialiser of something that is no layer with weights.

    It takes the names of layers of the language: `conv` is the weight of each convolution, `conv.bias` its bias, and
    `bias` the bias of every layer. A block is made of layers, and follows what is stated for them.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        init convolution = kaiming_normal(nonlinearity="relu")
        conv(8, 3) -> relu -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        init conv = kaiming_normal(nonlinearity="relu")
        conv(8, 3) -> relu -> gap -> flatten
    ```

    Related: E0168, E0383, E0390.
    """

    name: str
    known: tuple[str, ...]  # what it sets; with `part` the parts of the layer
    kind: Literal["defined", "layer", "unknown"]  # a name of the program or std, a layer of the language, or neither
    part: str = ""

    @property
    def message(self) -> str:
        if self.part == "bias":
            return f"`{self.name}` has no `bias`"
        if self.part:
            return f"`{self.part}` is no part of a layer"
        if self.kind == "defined":
            return f"`{self.name}` is no layer of the language: state what it is made of, such as `conv`"
        if self.kind == "layer":
            return f"`{self.name}` has no weights that an `init` statement sets"
        return f"there is no layer `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.part:
            return did_you_mean(nearest(self.part, self.known)) or (Help(f"it has a {' and a '.join(self.known)}"),)
        near = nearest(self.name, self.known) or next((op for op in self.known if self.name.startswith(op)), None)
        return did_you_mean(near) or (Help(f"one of {', '.join(self.known)}"),)


class ModuleNameTaken(Mistake, code="E0203"):
    """Two modules of one block would have the same name.

    The name is part of every weight's name in the state dict, so it must be unique in its block. In a loop, a
    back-tick name can hold the loop's variable.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        for i in range(2): conv(8, 3) as stage
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        for i in range(2): conv(8, 3) as `stage{i}` -> relu
        gap -> flatten
    ```

    Related: E0202, E0204.
    """

    name: str

    @property
    def message(self) -> str:
        return f"this block already has a module or tensor called `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"use another name, or in a loop a back-tick name with its variable: `` `{self.name}{{i}}` ``"),)


class ReservedName(Mistake, code="E0204"):
    """A module's name that Python or `nn.Module` needs for itself.

    The name becomes an attribute of the generated module. Keywords cannot be attributes, and names such as
    `train`, `forward` or `half` would hide a method of nn.Module.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3) as forward
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3) as forward_conv
        gap -> flatten
    ```

    Related: E0163, E0203.
    """

    name: str
    why: str

    @property
    def message(self) -> str:
        return f"a module cannot be called `{self.name}`: {self.why}"


class TrainingCondition(Mistake, code="E0377"):
    """`training` is known only when the network runs, so it cannot decide what is built.

    One network is built for both, with one set of weights. To choose between two layers of one type write
    `(dropout(0.5) if training else id)`; layers that differ in training by themselves, as `dropout` and `bn`, need
    nothing.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        if training: dropout
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        dropout if training else id
        gap -> flatten
    ```

    Related: E0370, E0376.
    """

    @property
    def message(self) -> str:
        return "`training` can only choose between two layers or tensors of one type: `(a if training else b)`"


class NoElementType(Mistake, code="E0454"):
    """An element type that the language does not have.

    The types are those of PyTorch that ONNX has too: `float16`, `bfloat16`, `float32`, `int64`, `int32` and `bool`.
    `float` is the network's own type, which a build may set.

    ```dl fails
    net f on x[N, T=16, 32]:
        const c: long[1, 1, 32] = 1
        it * cast(c, float)
    ```

    ```dl
    net f on x[N, T=16, 32]:
        const c: int64[1, 1, 32] = 1
        it * cast(c, float)
    ```

    Related: E0220, E0310.
    """

    name: str
    known: tuple[str, ...]
    near: str | None = None

    @property
    def message(self) -> str:
        return f"unknown element type `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near, False) or (Help(f"it is one of {', '.join(self.known)}"),)
