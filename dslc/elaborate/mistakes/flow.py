"""Mistakes in what flows through chains, ports and results."""

from __future__ import annotations

from typing import Literal, TypeAlias

from dslc.diagnostics.model import Applicability, Help, Mistake
from dslc.record import record
from dslc.source import Span
from dslc.types.dim import Size


class NotALayer(Mistake, code="E0363"):
    """Something stands in a chain, or is handed to a layer parameter, that is no layer.

    After the first step of a chain each step is a layer, or an expression that mentions `it`. A name that holds a
    tensor is a value, not a step; `a + it` and `concat(a, it)` read it. A number or a list is named by `let`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        a = conv(8, 3)
        conv(8, 5) -> a
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        a = conv(8, 3)
        conv(8, 5) -> (it + a)
        gap -> flatten
    ```

    Related: E0364, E0366, E0201.
    """

    found: str

    @property
    def message(self) -> str:
        return f"a layer is wanted here, not {self.found}"

    @property
    def label(self) -> str:
        return f"this is {self.found}"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.found.startswith("a tensor"):
            return (Help("join it with the current value, as in `(it + ...)` or `concat(it, ...)`"),)
        return ()


class NotATensor(Mistake, code="E0364"):
    """A tensor is wanted, and something else is given.

    A layer becomes a tensor by being applied: `x -> layer`. Numbers and lists never become tensors by themselves; a
    `const` is a tensor of numbers.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        it + conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        it + (it -> conv(8, 3))
        gap -> flatten
    ```

    Related: E0363, E0367.
    """

    found: str
    text: str

    @property
    def message(self) -> str:
        return f"a tensor is wanted here, not {self.found}"

    @property
    def label(self) -> str:
        return f"this is {self.found}"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.found.startswith("a layer") and len(self.text) <= 40:
            return (
                Help(
                    "apply it to the current value", replace=f"(it -> {self.text})", applicability=Applicability.MAYBE
                ),
            )
        return ()


class Dropped(Mistake, code="E0365"):
    """A value that nothing reads.

    Work whose result is thrown away is a mistake in the program: a line was meant to go on from here, or a
    value was meant to be joined. A name that begins with `_` says that it is on purpose.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        x -> conv(16, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        concat(it, x -> conv(16, 3))
        gap -> flatten
    ```

    Related: E0202, E0381.
    """

    kind: str  # `value`, `result`, `choice`, `input`, `module`, or the keyword of a declared tensor
    name: str  # of the value, the module or the declared tensor; of the layer that made a result; empty if it has none

    @property
    def message(self) -> str:
        match self.kind, self.name:
            case "value", name:
                return f"nothing reads `{name}`"
            case "result", name if name:
                return f"nothing reads the result of `{name}`"
            case ("result" | "choice") as kind, _:
                return f"nothing reads this {kind}"
            case ("input" | "module") as kind, name:
                return f"nothing reads the {kind} `{name}`" if name else f"nothing reads the {kind}"
        return f"nothing reads the `{self.kind}` `{self.name}`"

    @property
    def label(self) -> str:
        return "made here"


class StrayValue(Mistake, code="E0366"):
    """A line whose value is no tensor and no layer.

    A line without `=` moves the chain, and a number or a list cannot flow through layers. `name = line` names a
    tensor, `let name = value` names a value of compile time.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        width = 8
        conv(width, 3) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        let width = 8
        conv(width, 3) -> gap -> flatten
    ```

    Related: E0363, E0372.
    """

    found: str

    @property
    def message(self) -> str:
        return f"this line is {self.found}, not a layer or a tensor"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("compile-time values are named with `let name = ...`"),)


Fault: TypeAlias = Literal["type", "rank", "size"]
"""How a tensor is not what a header states: in its element type, its number of axes, the size of one."""


@record
class End:
    """A port of a block, or its result."""

    block: str
    port: str | None = None  # none: the result

    @property
    def words(self) -> str:
        return f"the result of `{self.block}`" if self.port is None else f"port `{self.port}` of `{self.block}`"

    @property
    def verbs(self) -> tuple[str, str]:
        """What stands before what the header says, and before what there is."""
        if self.port is None:
            return f"the header of `{self.block}` promises", "the body gives"
        return f"{self.words} takes", "and gets"


class WrongPort(Mistake, code="E0368"):
    """A tensor whose shape is not the one the header asks for.

    A header is a promise to whoever reads and uses the block, so what comes in and goes out is held to it. Names of
    sizes stand for any size, but the same name for the same one; a parameter's name stands for its value.

    ```dl fails
    block half on x[N, C, H, W]:
        conv(C // 2, 1)

    net f on x[N, 16]:
        half
    ```

    ```dl
    block half on x[N, C]:
        linear(C // 2)

    net f on x[N, 16]:
        half
    ```

    Related: E0308, E0331, E0367.
    """

    end: End
    wanted: str  # what the header says
    found: str  # the tensor's type
    fault: Fault
    axis: int | None = None  # whose size is another
    needed: str = ""  # that size, by the header
    given: str = ""  # and by the tensor
    asked: str = ""  # the size that the header has there, as written
    spec: Span | None = None  # where it is written
    sizes: tuple[Size | None, ...] = ()  # what the header has on each axis, where that is known

    @property
    def message(self) -> str:
        says, has = self.end.verbs
        return f"{says} {self.wanted}, {has} {self.found}"

    @property
    def label(self) -> str:
        if self.fault == "size":
            return f"axis {self.axis} must be {self.needed}, and is {self.given}"
        return f"it has {self.given} axes" if self.fault == "rank" else f"element type {self.given}"
