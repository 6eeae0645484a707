"""Mistakes in names and arguments, which need no sizes to be seen."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake, did_you_mean


class UnknownName(Mistake, code="E0201"):
    """A name that nothing defines.

    Names are parameters, sizes of the input, values named by `name = line`, `let` values, definitions of the
    file, imported ones, and the layers of the language.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        convv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        gap -> flatten
    ```
    """

    name: str
    near: str | None

    @property
    def message(self) -> str:
        return f"unknown name `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near)


class UnknownArgument(Mistake, code="E0301"):
    """An argument that the layer does not have.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, stride=2)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, s=2)
        gap -> flatten
    ```
    """

    layer: str
    name: str
    known: tuple[str, ...]
    near: str | None

    @property
    def message(self) -> str:
        return f"`{self.layer}` has no argument `{self.name}`"

    @property
    def label(self) -> str:
        return f"it has {', '.join(self.known)}" if self.known else "it has none"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near)


class MissingArgument(Mistake, code="E0302"):
    """A layer is applied before all it needs is given.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        gap -> flatten
    ```
    """

    layer: str
    missing: tuple[str, ...]
    signature: str

    @property
    def message(self) -> str:
        names = " and ".join(f"`{n}`" for n in self.missing)
        return f"`{self.layer}` is applied without {names}"

    @property
    def label(self) -> str:
        return f"the layer is `{self.signature}`"


class GivenTwice(Mistake, code="E0386"):
    """An argument given by its place and by its name in one call.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, out=9)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(9, 3)
        gap -> flatten
    ```
    """

    layer: str
    name: str

    @property
    def message(self) -> str:
        return f"`{self.name}` of `{self.layer}` is given twice"


class SurplusArgument(Mistake, code="E0303"):
    """More positional arguments than the layer takes.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3) -> relu(1)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3) -> relu
        gap -> flatten
    ```
    """

    layer: str
    most: int

    @property
    def message(self) -> str:
        what = (
            f"{self.most} positional argument{'' if self.most == 1 else 's'}" if self.most else "no positional argument"
        )
        return f"`{self.layer}` takes {what} here"

    @property
    def label(self) -> str:
        return "this is one too many"


class WrongType(Mistake, code="E0360"):
    """A value of another type than the parameter's.

    `int` goes to `float` by itself, never back without `int()`, `round()`, `ceil()` or `floor()`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8.5, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(int(8.5), 3)
        gap -> flatten
    ```
    """

    layer: str
    name: str
    wanted: str
    found: str

    @property
    def message(self) -> str:
        return f"`{self.name}` of `{self.layer}` must be {self.wanted}, not {self.found}"

    @property
    def label(self) -> str:
        return f"this is {self.found}"


class OutOfRange(Mistake, code="E0361"):
    """A number outside what the parameter allows.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, s=0)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, s=1)
        gap -> flatten
    ```
    """

    layer: str
    name: str
    value: object
    least: float | None
    most: float | None

    @property
    def message(self) -> str:
        if self.least is not None and self.most is not None:
            rule = f"between {self.least} and {self.most}"
        else:
            rule = f"at least {self.least}" if self.least is not None else f"at most {self.most}"
        return f"`{self.name}` of `{self.layer}` must be {rule}, not {self.value}"


class NotAChoice(Mistake, code="E0362"):
    """A word the parameter does not know.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, p="same")
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, p=same_tf)
        gap -> flatten
    ```
    """

    layer: str
    name: str
    value: str
    choices: tuple[str, ...]
    near: str | None

    @property
    def message(self) -> str:
        return f"`{self.name}` of `{self.layer}` cannot be `{self.value}`"

    @property
    def label(self) -> str:
        return f"choices are {', '.join(self.choices)}"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near)


class NoSuite(Mistake, code="E0374"):
    """A suite under a layer that takes none.

    A trailing suite fills the parameter called `body`, or `branches` if its lines begin with `|`.

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
    """

    layer: str
    parameter: str

    @property
    def message(self) -> str:
        return f"`{self.layer}` has no parameter `{self.parameter}` for this suite to fill"


class NoResult(Mistake, code="E0381"):
    """A result that the header promises and the body does not make.

    ```dl fails
    net f on x[N, 3, 32, 32] -> p1, p2:
        p1 = conv(8, 3)
    ```

    ```dl
    net f on x[N, 3, 32, 32] -> p1, p2:
        p1 = conv(8, 3)
        p2 = conv(8, 5)
    ```
    """

    name: str

    @property
    def message(self) -> str:
        return f"the header promises `{self.name}`, which the body does not name"


class WrongInputs(Mistake, code="E0367"):
    """A layer is applied to another number of tensors than it takes.

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
    """

    layer: str
    wanted: str
    found: int

    @property
    def message(self) -> str:
        return f"`{self.layer}` takes {self.wanted}, and gets {self.found}"


class WrongCount(Mistake, code="E0371"):
    """Names on the left of `=`, or of a `for`, and values on the right differ in number.

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
    """

    names: int
    values: int

    @property
    def message(self) -> str:
        names = f"{self.names} name{'s' if self.names != 1 else ''}"
        return f"{names} for {self.values} value{'s' if self.values != 1 else ''}"


class Misplaced(Mistake, code="E0373"):
    """A statement where it has no meaning.

    A `budget` belongs to a net, a `param` to a block's body and not to a loop, and the suite of a layer names no
    values.

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
    """

    what: str

    @property
    def message(self) -> str:
        return self.what


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
    """

    text: str
    known: str
    near: str | None

    @property
    def message(self) -> str:
        return self.text

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near) or (Help(self.known),)


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
        for i in range(2): conv(8, 3) as `stage{i}`
        gap -> flatten
    ```
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
    """

    name: str
    why: str

    @property
    def message(self) -> str:
        return f"a module cannot be called `{self.name}`: {self.why}"
