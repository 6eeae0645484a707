"""What a rule of another tool is asked about one use of an op, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TypeAlias

from dslc.ops.base import Op, Types
from dslc.record import frozen

Shape: TypeAlias = tuple[int, ...]


@frozen
class Applied:
    """One use of an op for one sample, as generated code has it.

    `module` is the class that PyTorch has for it (`nn.Conv2d`), `function` what `forward` calls or writes instead
    (`F.relu`, `@`); each is empty where there is none. `macs` are its multiply-adds by this project's definition.
    """

    op: Op
    module: str
    function: str
    calls: tuple[str, ...]  # all functions that this expression calls, helpers of generated code too
    types: Types  # of the inputs, with their axis of channels
    ins: tuple[Shape, ...]
    outs: tuple[Shape, ...]
    bias: bool  # it adds one, of its own or given
    macs: int

    @property
    def family(self) -> str:
        """The class without its number of axes: `nn.Conv` of `nn.Conv2d`."""
        return family(self.module)

    @property
    def read(self) -> int:
        """Elements of the first input."""
        return prod(self.ins[0])

    @property
    def written(self) -> int:
        """Elements of the first result."""
        return prod(self.outs[0])


def family(name: str) -> str:
    """A name of torch without its number of axes: `F.max_pool` of `F.max_pool2d`."""
    return name[:-2] if name[-2:] in ("1d", "2d", "3d") else name


@frozen
class Extra:
    """What a tool counts beside products: an amount in its unit, under a label, with the tool's rule."""

    label: str
    amount: int
    reason: str


@frozen
class Counted:
    """A tool's count of one use: `products` of linear maps as the tool sees them, and what it adds.

    `reason` says why the products differ from the multiply-adds, where they do. `unknown` says why the tool's
    number cannot be stated; the count is then a part of it.
    """

    products: int = 0
    extras: tuple[Extra, ...] = ()
    reason: str = ""
    unknown: str = ""

    @property
    def total(self) -> int:
        """All that the tool counts for the use."""
        return self.products + sum(extra.amount for extra in self.extras)


NOTHING = Counted()

Rule: TypeAlias = Callable[[Applied], Counted]


@frozen
class Tool:
    """Another tool's convention.

    `unit` is what it calls its number; `source` the file that has its rules. `count` answers for an op that stands
    as the module PyTorch has for it, or else (`as_function`) as the function that `forward` calls.
    """

    name: str
    unit: str
    version: str
    source: str
    definition: str
    count: Callable[[Applied, bool], Counted]


def products(use: Applied) -> Counted:
    """Rule of a tool that counts the products as this project does."""
    return Counted(use.macs)


def extra(label: str, reason: str, amount: Callable[[Applied], int]) -> Rule:
    """Rule of a tool that counts some amount for an op without products."""
    return lambda use: Counted(extras=(Extra(label, amount(use), reason),))


def unseen(use: Applied, standing: bool, tool: str) -> Counted:
    """The answer for products that a tool of hooks on classes of torch.nn does not see."""
    called = f"`{use.function}`" if len(use.function) == 1 else use.function
    return Counted(
        reason=f"{tool} hooks classes of torch.nn that it knows: {use.module if standing else called} is none"
    )
