"""Mistakes in names of modules; those of names and arguments are `bind`'s."""

from __future__ import annotations

from dslc.bind.mistakes import (
    GivenTwice,
    MissingArgument,
    NotAChoice,
    OutOfRange,
    SurplusArgument,
    UnknownArgument,
    UnknownName,
    WrongType,
)
from dslc.diagnostics.model import Help, Mistake


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


__all__ = [
    "GivenTwice",
    "MissingArgument",
    "ModuleNameTaken",
    "NotAChoice",
    "OutOfRange",
    "ReservedName",
    "SurplusArgument",
    "UnknownArgument",
    "UnknownName",
    "WrongType",
]
