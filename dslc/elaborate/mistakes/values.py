"""Mistakes in what an expression is used for."""

from __future__ import annotations

from dslc.diagnostics.model import Mistake


class NoAttribute(Mistake, code="E0430"):
    """A value has no attribute of this name.

    A tensor has `shape`, the tuple of its sizes, and a `module` has the tensors that it owns, such as `weight`.
    Lists and numbers have none: a list grows by `+=`, and functions such as `len` take it as their argument.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(x.channels * 2, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(x.shape[1] * 2, 3)
        gap -> flatten
    ```

    Related: E0369, E0375.
    """

    name: str
    found: str
    tensor: bool = False

    @property
    def message(self) -> str:
        return f"no `{self.name}` here: " + (
            "a tensor has `shape`" if self.tensor else f"{self.found} has no attributes"
        )


class NoItems(Mistake, code="E0431"):
    """A value that is indexed has no items.

    Brackets after a value take one item of a list, a tuple, a range or a text, or a part of a tensor. A number or a
    layer has none.

    ```dl fails
    net f(depth: int = 2) on x[N, 3, 32, 32]:
        for i in range(depth[0]): conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f(depth: [int] = [2]) on x[N, 3, 32, 32]:
        for i in range(depth[0]): conv(8, 3)
        gap -> flatten
    ```

    Related: E0433, E0435.
    """

    found: str

    @property
    def message(self) -> str:
        return f"{self.found} has no items"


class OneIndex(Mistake, code="E0432"):
    """A list takes one index.

    Several indices, one for each axis, are for tensors. A list of lists is indexed twice.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        let widths = [[8, 16], [32, 64]]
        conv(widths[0, 1], 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        let widths = [[8, 16], [32, 64]]
        conv(widths[0][1], 3)
        gap -> flatten
    ```

    Related: E0431, E0433.
    """

    given: int

    @property
    def message(self) -> str:
        return "a list takes one index"

    @property
    def label(self) -> str:
        return f"these are {self.given}"


class BadIndex(Mistake, code="E0433"):
    """An index is no whole number.

    Items are counted from 0, and from -1 at the end. Division by `/` makes a float even where there is no rest:
    `//` stays whole.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        let widths = [8, 16, 32]
        conv(widths[3 / 2], 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        let widths = [8, 16, 32]
        conv(widths[3 // 2], 3)
        gap -> flatten
    ```

    Related: E0431, E0434, E0435.
    """

    found: str

    @property
    def message(self) -> str:
        return f"an index is a whole number, not {self.found}"


class BadSlice(Mistake, code="E0434"):
    """A slice is not made of whole numbers, or its step is 0.

    `a[1:3]` takes the items 1 and 2, `a[::2]` every other one; each of the three may be left out. Of a tensor, the
    bounds may be sizes that depend on the input's.

    ```dl fails
    net f on x[N, T=16, 32]:
        x[:, : 0.5]
    ```

    ```dl
    net f on x[N, T=16, 32]:
        x[:, : T // 2]
    ```

    Related: E0433, E0435.
    """

    found: str

    @property
    def message(self) -> str:
        return f"a slice is made of whole numbers, not {self.found}"


class OutsideList(Mistake, code="E0435"):
    """An index lies outside of its list.

    A list of n items has the indices 0 to n - 1, and -n to -1 from its end. In a loop, the trail says in which turn
    it happened: mostly the loop is longer than the list.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        let widths = [8, 16]
        for i in range(3): conv(widths[i], 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        let widths = [8, 16]
        for width in widths: conv(width, 3)
        gap -> flatten
    ```

    Related: E0431, E0433.
    """

    index: int
    count: int

    @property
    def message(self) -> str:
        count = f"{self.count} item{'' if self.count == 1 else 's'}"
        indices = f": its indices are 0 to {self.count - 1}" if self.count else ""
        return f"index {self.index} is outside of a list of {count}{indices}"


class TickLetters(Mistake, code="E0436"):
    """A back-tick name holds a letter that no name has.

    It becomes an attribute of the generated module and a part of the weights' names, so it holds letters, digits,
    `_` and `-` alone. What `{..}` inserts counts too: a float brings a point.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        for scale in [0.5, 1.0]: conv(8, 3) as `stage_{scale}`
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        for scale in [1, 2]: conv(8, 3) as `stage_{scale}`
        gap -> flatten
    ```

    Related: E0203, E0204.
    """

    name: str

    @property
    def message(self) -> str:
        return f"a back-tick name holds letters, digits, `_` and `-`, and this is `{self.name}`"


class NoCurrent(Mistake, code="E0437"):
    """`it` stands where nothing has been computed yet.

    `it` is the current value of a chain: what the line above made, or the input at first. In a default of a header,
    a `let` of a file or a `fn` there is no chain.

    ```dl fails
    let half = it * 0.5

    net f on x[N, 3, 32, 32]:
        half
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        it * 0.5
    ```

    Related: E0201, E0366.
    """

    @property
    def message(self) -> str:
        return "there is no current value here"


class NotCallable(Mistake, code="E0439"):
    """Something that is no layer and no function is called.

    Round brackets after a name give arguments to a layer or function. A tensor is not called: a layer is applied to
    it by `->`, or takes it as its argument.

    ```dl fails
    net f(width: int = 8) on x[N, 3, 32, 32]:
        conv(width(2), 3)
        gap -> flatten
    ```

    ```dl
    net f(width: int = 8) on x[N, 3, 32, 32]:
        conv(width * 2, 3)
        gap -> flatten
    ```

    Related: E0363, E0369.
    """

    found: str
    tensor: bool = False

    @property
    def message(self) -> str:
        if self.tensor:
            return "a tensor is not called: a layer is applied to it with `->`"
        return f"{self.found} cannot be called"


class NamedForFunction(Mistake, code="E0440"):
    """A function of the language gets an argument by name.

    `max`, `range`, `len` and the others take plain values by position, as in Python. Layers and `fn`s take
    arguments by name, too.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        for i in range(stop=2): conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        for i in range(2): conv(8, 3)
        gap -> flatten
    ```

    Related: E0301, E0426.
    """

    function: str

    @property
    def message(self) -> str:
        return f"`{self.function}` takes no argument by name"


class TensorToFunction(Mistake, code="E0441"):
    """A `fn` gets a tensor.

    A `fn` computes at compile time, where tensors have types and no elements: it takes numbers, texts, lists and
    layers. What works on tensors is a `block`.

    ```dl fails
    fn double(a) = a * 2

    net f on x[N, 3, 32, 32]:
        double(x)
    ```

    ```dl
    block double on a: a * 2

    net f on x[N, 3, 32, 32]:
        double(x)
    ```

    Related: E0364, E0442.
    """

    function: str

    @property
    def message(self) -> str:
        return f"`{self.function}` is a function of compile-time values, not of tensors: make it a `block`"


class TensorLet(Mistake, code="E0442"):
    """A `let` names a tensor.

    `let` is for values that exist at compile time, and for layers. A tensor is a value of the running network: its
    name is given by a line `name = ..` alone.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        let small = x * 0.5
        small -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        small = x * 0.5
        small -> gap -> flatten
    ```

    Related: E0366, E0441.
    """

    name: str

    @property
    def message(self) -> str:
        return f"`let` names compile-time values and layers; a tensor is named by `{self.name} = ...`"


class BadGrow(Mistake, code="E0443"):
    """`+=` is given something else than a list for a `let` list.

    A `let` list of the same body grows by the items of another list: `maps += [it]`. Nothing else changes after it
    is named; a number that changes with a loop is computed from the loop's variable.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        let maps = []
        for i in range(2):
            conv(8, 3)
            maps += it
        concat(*maps) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        let maps = []
        for i in range(2):
            conv(8, 3)
            maps += [it]
        concat(*maps) -> gap -> flatten
    ```

    Related: E0373, E0442.
    """

    unknown: str = ""  # a name that nothing has

    @property
    def message(self) -> str:
        if self.unknown:
            return f"`{self.unknown}` is no `let` list of this body, to which `+=` could add"
        return "`+=` adds a list to a `let` list of this body"


class BadBudget(Mistake, code="E0444"):
    """A line of a `budget` compares no quantity with a number.

    A budget holds a network to limits: the quantity stands on the left, a number on the right, and one comparison
    between them. Numbers take `k`, `M`, `G` and `T`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        budget params <= "1M"
        conv(8, 3) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        budget params <= 1M
        conv(8, 3) -> gap -> flatten
    ```

    Related: E0373, E0601.
    """

    @property
    def message(self) -> str:
        return "a budget compares a quantity with a number: `macs <= 4.2G`"


class ManyCompared(Mistake, code="E0445"):
    """More than two tensors are compared at once.

    `a < b < c` has one answer for numbers. Tensors are compared element by element, two at a time; `and` joins two
    masks.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        where(0.0 < x < 1.0, x, 0.0)
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        where((x > 0.0) and (x < 1.0), x, 0.0)
    ```

    Related: E0364, E0370.
    """

    @property
    def message(self) -> str:
        return "tensors are compared two at a time"


class Beyond32(Mistake, code="E0446"):
    """A number is too large for a tensor of 32-bit integers.

    PyTorch would wrap it around in silence, and ONNX refuses it. An `int64` tensor holds numbers up to 9.2e18.

    ```dl fails
    net f on ids: int32[N, T=8]:
        ids * 2 ** 40
    ```

    ```dl
    net f on ids: int64[N, T=8]:
        ids * 2 ** 40
    ```

    Related: E0310, E0380.
    """

    number: int
    name: str = ""  # of the table that it is written in

    @property
    def message(self) -> str:
        if self.name:
            return f"`{self.name}` is int32, and its value is beyond what a whole number of 32 bits holds"
        return f"{self.number} is beyond what a whole number of 32 bits holds, and this tensor's have 32"
