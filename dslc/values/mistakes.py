"""Mistakes in compile-time arithmetic."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class Undefined(Mistake, code="E0369"):
    """An operator or function applied to values it is not for.

    Values of compile time are whole numbers, floats, truth values, texts, lists and layers; an operator or function
    takes some kinds only, and none is converted by itself. So `8 + "1"` has no meaning, and neither has a text's `max`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8 + "1", 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8 + 1, 3)
        gap -> flatten
    ```

    Related: E0360, E0370, E0372.
    """

    operation: str
    values: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"`{self.operation}` is not defined for {' and '.join(self.values) or 'nothing'}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("`@` multiplies tensors; numbers take `*`"),) if self.operation == "@" else ()


class ByZero(Mistake, code="E0420"):
    """A division by zero at compile time.

    Numbers of headers are computed before the network exists, so a zero there has no tensor that could carry an `inf`.
    The divisor is the default of a parameter or a `let`: the label of the call says which value it has.

    ```dl fails
    net f(groups: int = 0) on x[N, 8, 32, 32]:
        conv(8 // groups, 3)
        gap -> flatten
    ```

    ```dl
    net f(groups: int = 2) on x[N, 8, 32, 32]:
        conv(8 // groups, 3)
        gap -> flatten
    ```

    Related: E0369, E0421.
    """

    operation: str

    @property
    def message(self) -> str:
        return f"`{self.operation}` by zero"


class NoValue(Mistake, code="E0421"):
    """Arithmetic whose result is no number.

    A root of what is negative is none, and neither is a logarithm of zero. At compile time such a value would end up in
    a weight's size or a constant, where nobody would find it; so it is refused where it is computed.

    ```dl fails
    net f(dim: int = 16) on x[N, 16]:
        x * (0 - dim) ** 0.5
    ```

    ```dl
    net f(dim: int = 16) on x[N, 16]:
        x * dim ** 0.5
    ```

    Related: E0369, E0420.
    """

    text: str
    why: str

    @property
    def message(self) -> str:
        return f"`{self.text}` has no value: {self.why}"


class NotWhole(Mistake, code="E0422"):
    """A size that depends on the input's is divided by `/`, or meets a float.

    Such a size stands for every input that the network may get, so it must be whole for all of them. `//` keeps it
    whole; a number that is settled may be divided by `/`.

    ```dl fails
    net f on image[N, 3, H=32, W=32]:
        upsample(size = (H / 2, W / 2))
    ```

    ```dl
    net f on image[N, 3, H=32, W=32]:
        upsample(size = (H // 2, W // 2))
    ```

    Related: E0369, E0423.
    """

    operation: str

    @property
    def message(self) -> str:
        return f"`{self.operation}` of a size that depends on the input's must stay whole: use `//`"


class SizePower(Mistake, code="E0423"):
    """A power of a size that depends on the input's is no whole number, or is above 64.

    Sizes are polynomials of the input's, so that they can be compared for every input: a root or an inverse is none.
    A number that is settled takes any power.

    ```dl fails
    net f on x[N, T=16, 32]:
        let half = T ** -1
        x * half
    ```

    ```dl
    net f on x[N, T=16, 32]:
        x * 0.5
    ```

    Related: E0369, E0422.
    """

    power: str

    @property
    def message(self) -> str:
        return "a size takes a whole power of at most 64"

    @property
    def label(self) -> str:
        return f"this is {self.power}"


class NothingToLookIn(Mistake, code="E0424"):
    """`in` looks in something that holds nothing.

    It finds a value among the items of a list, a tuple or a range, and a text in a text. To compare with one value,
    write `==`.

    ```dl fails
    net f(stage: int = 2) on x[N, 3, 32, 32]:
        conv(8, 3, s = 2 if stage in 2 else 1)
        gap -> flatten
    ```

    ```dl
    net f(stage: int = 2) on x[N, 3, 32, 32]:
        conv(8, 3, s = 2 if stage in [2, 3] else 1)
        gap -> flatten
    ```

    Related: E0369, E0372, E0425.
    """

    operation: str
    found: str

    @property
    def message(self) -> str:
        return f"`{self.operation}` looks in a list, not in {self.found}"


class Incomparable(Mistake, code="E0425"):
    """Two values of which none is the larger.

    A text has no order with a number, and lists of different things have none among each other; `==` and `!=` compare
    all values. A size that depends on the input's is compared with whole numbers.

    ```dl fails
    net f(act: str = "relu") on x[N, 3, 32, 32]:
        conv(8 if act > 1 else 4, 3)
        gap -> flatten
    ```

    ```dl
    net f(act: str = "relu") on x[N, 3, 32, 32]:
        conv(8 if act == "relu" else 4, 3)
        gap -> flatten
    ```

    Related: E0369, E0370, E0424.
    """

    operation: str
    left: str
    right: str
    size: bool = False  # one is a size that depends on the input's

    @property
    def message(self) -> str:
        return f"`{self.operation}` cannot compare {self.left} and {self.right}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("a size is compared with whole numbers"),) if self.size else ()


class WrongArity(Mistake, code="E0426"):
    """A function of the language has too few or too many arguments.

    The functions are those of Python that make sense at compile time: `range` takes one to three numbers, `len` one
    list. They take their arguments by position.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        for i in range(): conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        for i in range(2): conv(8, 3) -> relu
        gap -> flatten
    ```

    Related: E0302, E0303.
    """

    name: str
    least: int
    most: int
    given: int

    @property
    def message(self) -> str:
        if self.least == self.most:
            wanted = f"{self.least} argument{'' if self.least == 1 else 's'}"
        elif self.most > 9:
            wanted = f"{self.least} or more arguments"
        else:
            wanted = f"{self.least} to {self.most} arguments"
        return f"`{self.name}` takes {wanted}, not {self.given}"


class UnevenZip(Mistake, code="E0427"):
    """`zip` is given lists of several lengths.

    It pairs the items one by one. Python's own drops what is left of the longer list, which would make a network with a
    layer less in silence; here the lists have one length.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        for out, s in zip([8, 16, 32], [1, 2]): conv(out, 3, s=s)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        for out, s in zip([8, 16, 32], [1, 2, 2]): conv(out, 3, s=s) -> relu
        gap -> flatten
    ```

    Related: E0371, E0372.
    """

    lengths: tuple[int, ...]

    @property
    def message(self) -> str:
        return f"`zip` takes lists of one length, not of {' and '.join(map(str, self.lengths))} items"


class TooLong(Mistake, code="E0428"):
    """A list or text has so many items that a program would take minutes to compile.

    All loops and lists are expanded at compile time, and a network has no use for a million of them. Mostly it is a
    size in place of a count, or a loop that doubles a list.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        let widths = [8] * 2000000
        conv(widths[0], 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        let widths = [8] * 2
        conv(widths[0], 3)
        gap -> flatten
    ```

    Related: E0372, E0379, E0385.
    """

    count: int
    most: int

    @property
    def message(self) -> str:
        return f"a list or text of {self.count:,} items is too long: {self.most:,} are the most"


class NotIterable(Mistake, code="E0372"):
    """A `for` needs a list, a tuple or a range.

    Loops are unrolled at compile time, so the turns must be known: `range(3)`, a list, `enumerate(xs)`, `zip(xs,
    ys)`. A number of turns is a `range`, and a size of the input that may change is none.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        for i in 3: conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        for i in range(3): conv(8, 3) -> relu
        gap -> flatten
    ```

    Related: E0144, E0371, E0379.
    """

    found: str
    symbolic: bool

    @property
    def message(self) -> str:
        if self.symbolic:
            return "a `for` cannot run over a size that depends on the input's"
        return f"a `for` runs over a list, a tuple or a range, not {self.found}"
