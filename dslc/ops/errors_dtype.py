"""Mistakes in element types: arithmetic on truth values, floats of two types, casts."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class BoolArithmetic(Mistake, code="E0330"):
    """Arithmetic on truth values.

    In PyTorch `bool + bool` is a logical or and `bool - bool` an error, so a sum of masks is not what it
    looks like. Say which numbers are meant by `where`, or combine masks by `and`, `or` and `not`.

    ```dl fails
    net f on x[N, 8, 16, 16]:
        it + (it > 0) * 2
    ```

    ```dl
    net f on x[N, 8, 16, 16]:
        it + where(it > 0, 2, 0)
    ```

    Related: E0310, E0370.
    """

    op: str
    shape: str

    @property
    def message(self) -> str:
        return f"`{self.op}` is given truth values: {self.shape}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("write `where(condition, 1, 0)`, or `cast(float)`, to make numbers of them"),)


class MixedFloats(Mistake, code="E0395"):
    """Two tensors of different float types are joined.

    `float` is the network's own type: that of its weights and of its inputs, 32 bits unless `dslc build --dtype` or an
    input declared float16 or bfloat16 asks for 16. `float32` is exactly that in every build. A mix would be float32
    in one build and something else in the next, so it is never made silently: say which type the result has.
    `cast(like=x)` follows the type of `x`, `cast(float)` is the network's own.

    ```dl fails
    net f on x[N, T=16, 64]:
        places = cast(arange(T), float32) / 1000
        it * cos(places)[none, :, none]
    ```

    ```dl
    net f on x[N, T=16, 64]:
        places = cast(arange(T), float32) / 1000
        it * cast(cos(places)[none, :, none], like=it)
    ```

    Related: E0310, E0396.
    """

    op: str
    left: str
    right: str

    @property
    def message(self) -> str:
        first, second = sorted((self.left, self.right), key=lambda name: name == "float")
        return f"`{self.op}` joins {first} and {second}: `cast(like=x)`"


class CastForm(Mistake, code="E0396"):
    """`cast` takes an element type or a tensor whose type is followed, one of both.

    `cast(int64)` says a type, `cast(like=x)` takes that of another tensor. Truth values become 0 and 1.

    ```dl fails
    net f on x[N, 8]:
        (it > 0) -> cast
    ```

    ```dl
    net f on x[N, 8]:
        (it > 0) -> cast(like=x)
    ```

    Related: E0310, E0395.
    """

    @property
    def message(self) -> str:
        return "`cast` takes an element type or `like`, one of both"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("write `cast(float)`, `cast(int64)`, or `cast(like=x)` for the type of `x`"),)
