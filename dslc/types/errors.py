"""Mistakes about sizes that depend on the input: what cannot be equal, decided, divided or kept.

Sizes stand here as text, so that this file knows nothing of dims. `where` is the default the values belong to
(`H=225`); `by` is what asked, in the user's words (`+`, `concat`), or empty.
"""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake
from dslc.record import frozen
from dslc.types.limits import quoted


@frozen
class Fit:
    """What would do: a condition on one symbol, and the sizes nearest to its default that meet it."""

    needs: str
    nearest: tuple[int, ...]
    symbol: str = ""

    @property
    def help(self) -> Help:
        if not self.nearest:
            return Help(f"needs {self.needs}", fact=True)
        if len(self.nearest) == 1:
            return Help(f"needs {self.needs}; the nearest size is {self.nearest[0]}", fact=True)
        return Help(f"needs {self.needs}; the nearest sizes are {self.nearest[0]} and {self.nearest[1]}", fact=True)


def _valued(text: str, value: int) -> str:
    """A size with its value; a number alone."""
    return f"`{text}`" if text == str(value) else f"`{text}` ({value})"


class DifferentSymbols(Mistake, code="E0407"):
    """Two sizes are equal by default only, because they come from different names.

    Each named size of the input varies alone. If two of them are always the same, say so.

    ```dl fails
    net f on x[N, 3, H=224, W=224]:
        it + (it -> rearrange("n c h w -> n c w h"))
    ```

    ```dl
    net f on x[N, 3, H=224, W=224]:
        require H == W
        it + (it -> rearrange("n c h w -> n c w h"))
    ```

    Related: E0412, E0413.
    """

    left: str
    right: str
    value: int
    require: str

    @property
    def message(self) -> str:
        return f"`{self.left}` and `{self.right}` are different sizes (both {self.value} by default)"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"write `require {self.require}`"),)


class NotAProduct(Mistake, code="E0408"):
    """A condition on several sizes cannot be said as one condition for each.

    The allowed sizes of a network are one set for each name. That `H * W` is a multiple of 49 holds for some
    pairs only, and no pair of sets describes exactly those; a narrower condition on each must be chosen.

    ```dl fails
    net f on x[N, 3, H=224, W=224]:
        rearrange("n c h w -> n c (h w)") -> rearrange("n c (t p) -> n c t p", p=49)
    ```

    ```dl
    net f on x[N, 3, H=224, W=224]:
        require H % 7 == 0
        require W % 7 == 0
        rearrange("n c h w -> n c (h w)") -> rearrange("n c (t p) -> n c t p", p=49)
    ```

    Related: E0410, E0416.
    """

    condition: str
    symbols: tuple[str, ...]
    requires: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"`{self.condition}` depends on {quoted(self.symbols)} together"

    @property
    def label(self) -> str:
        return "no condition on each of them alone says the same"

    @property
    def help(self) -> tuple[Help, ...]:
        if not self.requires:
            return (Help(f"write a number for `{self.symbols[-1]}` in the net's port"),)
        return (Help(f"write {' and '.join(f'`require {text}`' for text in self.requires)}"),)


class OpenCondition(Mistake, code="E0409"):
    """A condition is true for some allowed sizes and false for others.

    The network is one for all sizes, so what an `if` on a size chooses must be the same for each of them.
    Narrow the sizes by `require`, or fix them.

    ```dl fails
    net f on x[N, 3, H=224, W=224]:
        if H >= 200: maxpool(2, s=2)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=224, W=224]:
        require H >= 200
        if H >= 200: maxpool(2, s=2)
        gap -> flatten
    ```

    Related: E0410, E0415.
    """

    condition: str
    symbol: str
    default: int
    holds: str
    requires: tuple[str, ...]  # conditions that leave one answer; those true at the default first

    @property
    def message(self) -> str:
        return f"`{self.condition}` holds for {self.holds} only"

    @property
    def help(self) -> tuple[Help, ...]:
        words = [f"`require {text}`" for text in self.requires]
        return (Help(f"write {', '.join([*words, ''])}or `{self.default}` for `{self.symbol}` in the net's port"),)


class OpenComparison(Mistake, code="E0410"):
    """A comparison cannot be answered for all allowed sizes, nor turned into a condition on one of them.

    The allowed sizes are one set for each name. That one size is above another is no such set; say how they
    relate, or narrow them until the comparison has one answer.

    ```dl fails
    net f on x[N, 3, H=224, W=224]:
        if H > W: maxpool(2, s=2)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=224, W=224]:
        require H == W
        if H > W: maxpool(2, s=2)
        gap -> flatten
    ```

    Related: E0408, E0409.
    """

    condition: str
    symbols: tuple[str, ...]
    holds: bool  # at the default
    require: str = ""

    @property
    def message(self) -> str:
        depends = quoted(self.symbols) + (" together" if len(self.symbols) > 1 else "")
        return f"whether `{self.condition}` holds depends on {depends}"

    @property
    def label(self) -> str:
        return f"{'true' if self.holds else 'false'} at the default sizes, not decided for all"

    @property
    def help(self) -> tuple[Help, ...]:
        fixed = Help(f"write a number for {quoted(self.symbols)} in the net's port, or bounds, as in `require H >= 64`")
        return (Help(f"write `require {self.require}`"), fixed) if self.require else (fixed,)


class BelowLeast(Mistake, code="E0411"):
    """A size is smaller than it must be.

    A kernel must fit its map, a slice its table. Each stride divides the size; the condition on the network's
    own input follows from that, and the default must meet it.

    ```dl fails
    net f on x[N, 3, H=20, W=20]:
        for i in range(5): maxpool(2, s=2)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=32, W=32]:
        for i in range(5): maxpool(2, s=2)
        gap -> flatten
    ```

    Related: E0307, E0409.
    """

    left: str
    left_value: int
    right: str
    right_value: int
    where: str
    fits: tuple[Fit, ...] = ()
    by: str = ""

    @property
    def message(self) -> str:
        at = f" at {self.where}" if self.where else ""
        need = f"`{self.by}` needs" if self.by else "it must be"
        return f"{_valued(self.left, self.left_value)} is too small{at}: {need} at least {self._least}"

    @property
    def _least(self) -> str:
        return str(self.right_value) if self.right == str(self.right_value) else _valued(self.right, self.right_value)

    @property
    def help(self) -> tuple[Help, ...]:
        return tuple(fit.help for fit in self.fits)


class JoinedSizes(Mistake, code="E0412"):
    """Two sizes that must be equal are not, at the default size.

    Sizes that depend on the input must be equal for every allowed input; where they are equal for some
    remainders only, those become the condition of the network, and its default must meet it. The usual cause
    is a size that was halved with rounding and doubled again.

    ```dl fails
    net f on x[N, 3, H=225, W=224]:
        half = maxpool(2, s=2)
        it + (half -> deconv(3, 2, s=2))
    ```

    ```dl
    net f on x[N, 3, H=224, W=224]:
        half = maxpool(2, s=2)
        it + (half -> deconv(3, 2, s=2))
    ```

    Related: E0331, E0407, E0413.
    """

    left: str
    left_value: int
    right: str
    right_value: int
    where: str
    fits: tuple[Fit, ...] = ()
    by: str = ""
    sides: tuple[str, ...] = ()  # what joins two tensors calls them
    ends: tuple[str, ...] = ()  # of a header: what it asks for, and what it is given

    @property
    def message(self) -> str:
        if self.ends:
            asks, given = self.ends
            sizes = f"{asks} {self.left_value}, {given} {self.right_value}"
            return f"{sizes} at {self.where}: `{self.left}` and `{self.right}`"
        what = f"`{self.by}`" if self.by else "this"
        left, right = (f" of {side}" for side in self.sides) if self.sides else ("", "")
        values = f"{what} joins {self.left_value}{left} and {self.right_value}{right}"
        return f"{values} at {self.where}: `{self.left}` and `{self.right}`" if self.where else values

    @property
    def help(self) -> tuple[Help, ...]:
        return tuple(fit.help for fit in self.fits)


class Coincidence(Mistake, code="E0413"):
    """Two sizes are equal at a few sizes only, the default among them.

    A condition on the input is kept if it describes sizes without end, such as the multiples of 32. Sizes
    that agree by chance near the default mean that the network is for this size: write it as a number.

    ```dl fails
    net f on x[N, 3, H=224, W=224]:
        coarse = maxpool(32, s=32)
        fine = avgpool(218, s=1)
        coarse + fine
    ```

    ```dl
    net f on x[N, 3, 224, 224]:
        coarse = maxpool(32, s=32)
        fine = avgpool(218, s=1)
        coarse + fine
    ```

    Related: E0407, E0412.
    """

    left: str
    right: str
    value: int
    where: str
    symbols: tuple[str, ...]
    by: str = ""
    sides: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        what = f"`{self.by}` joins" if self.by else "this joins"
        left, right = (f" of {side}" for side in self.sides) if self.sides else ("", "")
        joined = f"{what} `{self.left}`{left} and `{self.right}`{right}"
        return f"{joined}: both {self.value} at {self.where}, but not in general"

    @property
    def help(self) -> tuple[Help, ...]:
        numbers = ", ".join(part.split("=")[1] for part in self.where.split(", "))
        return (Help(f"write `{numbers}` for `{self.where}` in the net's port"),)


class NotDivisible(Mistake, code="E0414"):
    """A size must be a multiple of a number, and is not at the default size.

    Splitting an axis into equal parts needs a multiple of their number. Of an open size the condition that it is a
    multiple becomes a guard of the net, so the default must be one too: 224 for 32, not 225.

    ```dl fails
    net f on x[N, 3, H=225, W=224]:
        rearrange("n c (h p) w -> n (c p) h w", p=2)
    ```

    ```dl
    net f on x[N, 3, H=224, W=224]:
        rearrange("n c (h p) w -> n (c p) h w", p=2)
    ```

    Related: E0338, E0401, E0415.
    """

    size: str
    value: int
    divisor: int
    where: str
    fits: tuple[Fit, ...] = ()
    by: str = ""

    @property
    def message(self) -> str:
        what = f"`{self.by}` cannot divide" if self.by else "cannot divide"
        at = f" at {self.where}" if self.where else ""
        return f"{what} {_valued(self.size, self.value)} by {self.divisor}{at}"

    @property
    def label(self) -> str:
        return f"{self.value} is not a multiple of {self.divisor}"

    @property
    def help(self) -> tuple[Help, ...]:
        return tuple(fit.help for fit in self.fits)


class RequireFails(Mistake, code="E0415"):
    """A `require` does not hold at the default size.

    The default is the size that reports, tests and exports use first, so it must be one of the allowed sizes. Give
    the size another default in the header, or by `--size`; or narrow the `require`.

    ```dl fails
    net f on x[N, 3, H=225, W=224]:
        require H % 32 == 0
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=256, W=224]:
        require H % 32 == 0
        gap -> flatten
    ```

    Related: E0409, E0414, E0501.
    """

    condition: str
    where: str
    fits: tuple[Fit, ...] = ()
    text: str = ""

    @property
    def message(self) -> str:
        found = f"`{self.condition}` does not hold" + (f" at {self.where}" if self.where else "")
        return f"{self.text}: {found}" if self.text else found

    @property
    def help(self) -> tuple[Help, ...]:
        return tuple(fit.help for fit in self.fits)
