"""Brackets, and what nests too deep: E0125 to E0128."""

from __future__ import annotations

from dataclasses import dataclass

from dslc.diagnostics.model import Help, Mistake


@dataclass(frozen=True, eq=False, repr=False)
class TooDeep(Mistake, code="E0125"):
    """Brackets and suites are nested too deep.

    Brackets and suites together are nested at most 64 deep; what is nested deeper was made by a program.
    Name the parts: a block, a `let`, or a value of the body.

    ```dl fails
    let deep = (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1)))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))

    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, deep) -> relu
    ```

    ```dl
    let deep = 1

    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, deep) -> relu
    ```

    Related: E0126, E0378, E0382.
    """  # noqa: E501

    limit: int

    @property
    def message(self) -> str:
        return f"brackets and suites are nested more than {self.limit} deep here"


@dataclass(frozen=True, eq=False, repr=False)
class TooHeavy(Mistake, code="E0126"):
    """Too many operators stand around one another.

    An expression has at most a hundred operators, calls and brackets one around the other; what has more
    was made by a program. Give its parts names. Steps of a chain and items of a list are not
    limited.

    ```dl fails
    let width = (1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1
        + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1
        + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1
        + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1)

    net tiny() on x[N, 3, H=32, W=32]:
        conv(width, 3) -> relu
    ```

    ```dl
    let width = 107

    net tiny() on x[N, 3, H=32, W=32]:
        conv(width, 3) -> relu
    ```

    Related: E0125, E0382.
    """

    limit: int

    @property
    def message(self) -> str:
        return f"more than {self.limit} operators and brackets stand around one another here"


@dataclass(frozen=True, eq=False, repr=False)
class UnclosedBracket(Mistake, code="E0127"):
    """A bracket is never closed.

    A line goes on until its brackets are closed; this one is not closed before the next definition. The caret
    stands at the bracket that was opened, since its end can only be guessed; look for the place where the argument
    list should have stopped.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3 -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
    ```

    Related: E0105, E0128.
    """

    bracket: str

    @property
    def message(self) -> str:
        return f"this `{self.bracket}` is never closed"


@dataclass(frozen=True, eq=False, repr=False)
class WrongBracket(Mistake, code="E0128"):
    """A bracket closes one of another kind, or none.

    A bracket closes the last one that was opened, of the same kind. Where nothing is open, the bracket is one too
    many; where another kind is, one of the two was mistyped. Both places are marked.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3] -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
    ```

    Related: E0104, E0127.
    """

    found: str
    opened: str | None

    @property
    def message(self) -> str:
        if self.opened is None:
            return f"this `{self.found}` closes nothing"
        return f"this `{self.found}` cannot close `{self.opened}`"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.opened is None:
            return (Help("leave it out", replace=""),)
        right = {"(": ")", "[": "]"}[self.opened]
        return (Help(f"write `{right}`", replace=right),)
