"""Mistakes of programs that are too large: steps, ops, sizes and depth."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class EndlessRecursion(Mistake, code="E0378"):
    """Blocks that call themselves without end.

    A block may call itself as long as some `if` ends it; 200 levels are enough for every known network. Look at the
    argument that should become smaller with each level, and at the condition that ends it: `if n > 0: deep(n - 1)`.

    ```dl fails
    block deep(n: int) on x[N, C, H, W]:
        conv(C, 3)
        deep(n + 1)

    net f on x[N, 3, 32, 32]: deep(0)
    ```

    ```dl
    block deep(n: int) on x[N, C, H, W]:
        conv(C, 3) -> relu
        if n < 4: deep(n + 1)

    net f on x[N, 3, 32, 32]: deep(0)
    ```

    Related: E0379, E0382, E0385.
    """

    name: str
    depth: int

    @property
    def message(self) -> str:
        return f"`{self.name}` is expanded more than {self.depth} levels deep"


class TooManyOps(Mistake, code="E0379"):
    """The network would have more ops than the limit, which guards against runaway loops.

    A hundred thousand ops are more than any published network has; two loops within each other reach that by a
    slip. `dslc check --max-ops N` raises the limit.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        for i in range(1000):
            for j in range(1000): conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        for i in range(10):
            for j in range(10): conv(8, 3) -> relu
        gap -> flatten
    ```

    Related: E0378, E0385.
    """

    least: int
    limit: int

    @property
    def message(self) -> str:
        return f"this expands to at least {self.least:,} ops, more than the limit of {self.limit:,}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"raise the limit if this is meant: --max-ops {self.least}"),)


class HugeTensor(Mistake, code="E0389"):
    """A tensor that cannot be addressed: it has 2**63 bytes or more at the default sizes, or more than 64 axes.

    PyTorch, ONNX and numpy count elements and bytes in whole numbers of 64 bits, and axes up to 64. A factor or a
    size that has a few zeros too many is the usual cause; the size after each line is shown by `dslc stats`.

    ```dl fails
    net f on x[N, 3, H=32, W=32]:
        upsample(2**30) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=32, W=32]:
        upsample(2**3) -> gap -> flatten
    ```

    Related: E0113, E0327, E0615.
    """

    type: str
    rank: int
    most: int

    @property
    def message(self) -> str:
        if self.rank > self.most:
            return f"a tensor of {self.rank:,} axes; {self.most} are the most"
        return f"a tensor {self.type} has more bytes than can be addressed"


class EndlessWork(Mistake, code="E0385"):
    """A program that takes too many steps at compile time.

    Turns of loops, calls of functions, uses of layers and blocks, and the items of long lists and texts are
    counted, so that every program ends in seconds, one without a single op too. A program from elsewhere can thus
    be checked without fear that it runs for ever. A function that calls itself twice is the usual cause: its calls
    double with each level.

    ```dl fails
    fn twice(n: int) = 1 if n == 0 else twice(n - 1) + twice(n - 1)

    net f on x[N, 3, 32, 32]:
        conv(twice(60), 3)
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(2**6, 3)
    ```

    Related: E0378, E0379, E0382.
    """

    limit: int

    @property
    def message(self) -> str:
        return f"this program takes more than {self.limit:,} steps at compile time"


class DeepExpression(Mistake, code="E0382"):
    """An expression that nests too deeply to be evaluated; name its parts with `let`.

    Operators in a row are no nesting; brackets, conditionals and functions that call themselves are. Functions call
    each other 400 deep at most, and one that calls itself needs a condition that ends it:
    `fn total(n: int) = n + total(n - 1) if n > 0 else 0`.

    ```dl fails
    fn count(n: int) = count(n + 1)

    net f on x[N, 3, 32, 32]:
        conv(count(0), 3)
        gap -> flatten
    ```

    ```dl
    fn count(n: int) = n if n > 7 else count(n + 1)

    net f on x[N, 3, 32, 32]:
        conv(count(0), 3)
        gap -> flatten
    ```

    Related: E0125, E0378, E0385.
    """

    function: str | None = None
    depth: int = 0

    @property
    def message(self) -> str:
        if self.function is not None:
            return f"`{self.function}` calls itself more than {self.depth} levels deep"
        return "this expression nests too deeply to be evaluated"
