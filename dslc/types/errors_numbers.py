"""Mistakes about numbers that an element type does not hold."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class UnheldNumber(Mistake, code="E0616"):
    """A number that its element type, or the one that a build asks for, does not hold.

    It is larger than any number of the type, or so small that it becomes 0: one of a file of weights, or one that
    the program writes. float16 ends at 65,504, and below 3e-8 it has only 0; bfloat16 reaches as far as float32, with
    fewer digits. `dslc check --dtype float16` finds such numbers before any build.

    ```sh
    dslc build net.dl --weights net.safetensors --dtype bfloat16
    ```

    The mask of an attention is no mistake: a number below all that the type holds, as in `where(mask, x, -1e9)`,
    `x + (1 - mask) * -1e9` or `x - 1e9`, is the least number of the type there. Norms compute in float32 whatever the
    type, so that their `eps` may be small. What else needs the range is computed in float32, in every build:

    ```dl
    net f on x[N, 16, 64]:
        far = cast(x, float32) * 1e9
        tanh(far) -> cast(like=x)
    ```

    Related: E0113, E0618.
    """

    name: str  # of a weight; empty: the number stands in the program
    number: float
    dtype: str

    @property
    def message(self) -> str:
        whole = isinstance(self.number, int) or 1 <= abs(self.number) < 1e15
        digits = f"{self.number:,.0f}" if whole else f"{self.number:g}"
        vanishes = abs(self.number) < 1
        if self.name:
            return f"`{self.name}` has {digits}, {'less' if vanishes else 'more'} than {self.dtype} holds"
        return f"{digits} becomes 0 in {self.dtype}" if vanishes else f"{digits} is beyond {self.dtype}"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.dtype != "float16":
            return ()
        cast = "" if self.name else ", and so does float32: `cast(x, float32)` before and `cast(like=x)` after"
        return (Help(f"`--dtype bfloat16` holds it, with fewer digits{cast}"),)
