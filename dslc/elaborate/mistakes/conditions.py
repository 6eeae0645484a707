"""Mistakes in conditions, `require` and the sides of a choice."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake
from dslc.source import Span


class NotBool(Mistake, code="E0370"):
    """A condition that is neither true nor false.

    Numbers, lists and texts are not true or false by themselves, as they are in Python: `if n > 0`, `if len(xs) != 0`,
    `if act != none` say what is meant. A condition is one truth value, known when the program is compiled.

    ```dl fails
    block f(n: int) on x[N, C, H, W]:
        if n: conv(C, 3)
        relu

    net g on x[N, 3, 32, 32]: f(2)
    ```

    ```dl
    block f(n: int) on x[N, C, H, W]:
        if n != 0: conv(C, 3)
        relu

    net g on x[N, 3, 32, 32]: f(2)
    ```

    Related: E0147, E0360, E0377.
    """

    found: str

    @property
    def message(self) -> str:
        return f"a condition must be true or false, not {self.found}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("compare it: `n != 0`, `x != none`"),)


class RequireFailed(Mistake, code="E0501"):
    """A `require` of the program does not hold.

    The author of a block wrote this condition and its words, because something later would fail in a way that is
    harder to understand. The message is theirs; the trail below it says which use of the block it was.

    ```dl fails
    block attend(heads: int) on x[N, T, D]:
        require D % heads == 0, "width {D} does not divide into {heads} heads"
        linear(D)

    net f on x[N, 16, 90]: attend(8)
    ```

    ```dl
    block attend(heads: int) on x[N, T, D]:
        require D % heads == 0, "width {D} does not divide into {heads} heads"
        linear(D)

    net f on x[N, 16, 96]: attend(8)
    ```

    Related: E0166, E0415.
    """

    text: str
    dividend: int | None = None  # of a condition that one number divides another
    divisor: int | None = None
    place: Span | None = None  # the text that gave the divisor

    @property
    def message(self) -> str:
        return self.text


class TrainingSides(Mistake, code="E0376"):
    """The two sides of `(a if training else b)` differ in type.

    What comes after has one type, whichever side runs: both must have the same shape and element type. A side that
    should do nothing is `id`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        (conv(8, 3) if training else conv(4, 3))
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        (conv(8, 3) if training else conv(8, 5))
        gap -> flatten
    ```

    Related: E0331, E0377.
    """

    training: str
    evaluation: str

    @property
    def message(self) -> str:
        return f"in training this is {self.training}, else {self.evaluation}"
