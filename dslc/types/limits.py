"""Mistakes about sizes that cannot be carried, restricted or kept: limits, universal sizes, `require`."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


def quoted(words: tuple[str, ...]) -> str:
    """`H` and `W`."""
    return " and ".join(f"`{word}`" for word in words)


class SizeDivision(Mistake, code="E0401"):
    """A division by a symbolic size does not come out even.

    Sizes are integer polynomials with floor division by numbers. Division by a size that depends on the input
    is allowed where it is exact as a division of polynomials, such as `H * W // W`.

    ```dl fails
    net f on x[N, 3, H=224, W=224]:
        require 1000 // H >= 1
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=224, W=224]:
        require H <= 1000
        gap -> flatten
    ```

    Related: E0402, E0414.
    """

    left: str
    right: str

    @property
    def message(self) -> str:
        return f"`{self.left}` cannot be divided by `{self.right}`, which depends on the input"

    @property
    def label(self) -> str:
        return "not exact as a division of polynomials"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("divide by a number, or write numbers for these sizes in the net's port"),)


class TooLong(Mistake, code="E0402"):
    """A size has become a polynomial that is too long to be worth carrying.

    Sizes grow by products of sizes; a network's own shapes stay far below the limits of terms and degree. A power
    of a size in a `let`, or a product of many of them, is the usual cause: work with the sizes themselves.

    ```dl fails
    net f on x[N, 3, H=224, W=224]:
        let area = H ** 9
        require area * area >= 1
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=224, W=224]:
        let area = H ** 2
        require area * area >= 1
        gap -> flatten
    ```

    Related: E0401, E0403.
    """

    terms: int
    degree: int
    max_terms: int
    max_degree: int

    @property
    def message(self) -> str:
        if self.degree > self.max_degree:
            return f"this size is a polynomial of degree {self.degree}; the limit is {self.max_degree}"
        return f"this size is a sum of {self.terms} terms; the limit is {self.max_terms}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("write numbers for the sizes in the net's port"),)


class TooDeep(Mistake, code="E0403"):
    """Roundings down are nested too deeply.

    Strides in a row merge into one rounding. Scaling by a fraction such as 3/2 rounds anew at each step, and
    such steps cannot be merged.

    ```dl fails
    net f on x[N, 3, H=64, 64]:
        for i in range(17): deconv(3, (3, 1), s=(3, 1)) -> maxpool((2, 1), s=(2, 1))
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 64, 64]:
        for i in range(17): deconv(3, (3, 1), s=(3, 1)) -> maxpool((2, 1), s=(2, 1))
        gap -> flatten
    ```

    Related: E0402, E0404.
    """

    limit: int
    symbols: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"this size rounds {quoted(self.symbols)} down more than {self.limit} times, one inside the other"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"write a number for {quoted(self.symbols)} in the net's port"),)


class TooManyClasses(Mistake, code="E0404"):
    """A size would have to be checked for too many remainders.

    Whether two sizes are equal depends on the remainder of the input size by the product of the strides. All
    remainders are tried, up to 65,536; strides that multiply to more need the remainder to be stated.

    ```dl fails
    net f on x[N, 3, T=131072]:
        short = channel_axis(1) -> maxpool(131072, s=131072)
        it + (short -> deconv(3, 131072, s=131072))
        flatten
    ```

    ```dl
    net f on x[N, 3, T=131072]:
        require T % 131072 == 0
        short = channel_axis(1) -> maxpool(131072, s=131072)
        it + (short -> deconv(3, 131072, s=131072))
        flatten
    ```

    Related: E0403, E0410.
    """

    symbols: tuple[str, ...]  # the one with the longest period first
    moduli: tuple[int, ...]
    limit: int
    default: int

    @property
    def message(self) -> str:
        parts = tuple(f"{name} % {mod}" for name, mod in zip(self.symbols, self.moduli, strict=True))
        return f"this depends on {quoted(parts)}, more than {self.limit} cases"

    @property
    def help(self) -> tuple[Help, ...]:
        name, mod = self.symbols[0], self.moduli[0]
        fixed = Help(f"write a number for `{name}` in the net's port")
        return (fixed,) if self.default % mod else (Help(f"write `require {name} % {mod} == 0`"), fixed)


class UniversalSize(Mistake, code="E0405"):
    """A condition would restrict a size that has no default.

    A size without a default, such as the batch `N`, means every size: whatever the network does must be right for
    all its values, so no condition may depend on it. Give it a default, as in `T=128`, and the condition becomes a
    guard that the module and `dslc run` check.

    ```dl fails
    net f on x[N, 3, H]:
        channel_axis(1) -> maxpool(2, s=2) -> deconv(3, 2, s=2)
        it + x
        flatten
    ```

    ```dl
    net f on x[N, 3, H=224]:
        channel_axis(1) -> maxpool(2, s=2) -> deconv(3, 2, s=2)
        it + x
        flatten
    ```

    Related: E0406, E0415.
    """

    symbol: str
    condition: str

    @property
    def message(self) -> str:
        return f"`{self.condition}` does not hold for every `{self.symbol}`, and `{self.symbol}` has no default"

    @property
    def label(self) -> str:
        return f"a size without a default must be free: this restricts `{self.symbol}`"


class UniversalPin(Mistake, code="E0406"):
    """A weight's shape depends on a size that has no default.

    The shape of a weight is a number. A size with a default is fixed at it; one without means every size.

    ```dl fails
    net f on x[N, T, 64]:
        param pos: [1, T, 64] = trunc_normal(0.02)
        it + pos
    ```

    ```dl
    net f on x[N, T=128, 64]:
        param pos: [1, T, 64] = trunc_normal(0.02)
        it + pos
    ```

    Related: E0405, E0631.
    """

    symbol: str
    size: str

    @property
    def message(self) -> str:
        shown = f" (`{self.size}`)" if self.size != self.symbol else ""
        return f"a weight's shape depends on `{self.symbol}`{shown}, which has no default"


class RequireForm(Mistake, code="E0416"):
    """A `require` on several sizes is none of the forms that can be kept.

    A `require` narrows one size (`H >= 64`, `H % 32 == 0`), or says one size in terms of others (`H == W`, `T == 2
    * S`), or splits into one condition for each. What is kept is checked again whenever the network is run, by one
    comparison for each size, in the module and in the ONNX file.

    ```dl fails
    net f on x[N, 3, H=336, W=224]:
        require 2 * H == 3 * W
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=336, W=224]:
        require H == 3 * (W // 2)
        gap -> flatten
    ```

    Related: E0408, E0415.
    """

    condition: str
    symbols: tuple[str, ...]

    @property
    def message(self) -> str:
        if len(self.symbols) == 1:
            return f"`{self.condition}` is no set of sizes of `{self.symbols[0]}` that can be kept"
        return f"`{self.condition}` does not give one of {quoted(self.symbols)} in terms of the others"

    @property
    def help(self) -> tuple[Help, ...]:
        if len(self.symbols) == 1:
            return (Help("write bounds, a remainder or a number, such as `require H >= 64`, `require H % 32 == 0`"),)
        return (Help(f"write one size alone on a side: `require {self.symbols[-1]} == ...`"),)
