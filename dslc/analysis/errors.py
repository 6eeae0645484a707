"""Mistakes that show when a network's numbers are known."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake, did_you_mean


class OverBudget(Mistake, code="E0701"):
    """The network does not keep a budget that its program states.

    A budget is checked by every build, at the default sizes and for one sample; `dslc check --budget "macs <= 300M"`
    adds one. It is about `macs`, `flops` or `acts`, `params`, a memory in bytes (`weights_memory`,
    `activation_memory`, `peak_memory <= 8MB`, `onnx_peak_memory`), or the `receptive_field`. The places shown are the
    layers that count most, with what the network saves if their part is halved.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(64, 3) -> relu
        conv(64, 3) -> gap -> flatten
        budget macs <= 10M
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(64, 3, s=2) -> relu
        conv(64, 3) -> gap -> flatten
        budget macs <= 10M
    ```

    Related: E0702, E0703.
    """

    quantity: str
    value: str
    op: str
    limit: str
    unit: str = ""
    advice: str = ""
    reason: str = ""

    @property
    def of_program(self) -> bool:
        return True

    @property
    def message(self) -> str:
        value = f"{'at least ' if self.reason else ''}{self.value}{self.unit}"
        said = f"`{self.quantity}` is {value}, and the budget says `{self.op} {self.limit}{self.unit}`"
        return f"{said}; {self.reason}" if self.reason else said

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(self.advice),) if self.advice else ()


class UnknownQuantity(Mistake, code="E0702"):
    """A budget is about something that is not counted.

    A limit on a number that does not exist would never fail, and so say nothing. The quantities are those of `dslc
    stats`, under the same names; docs/numbers.md defines each.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(64, 3) -> gap -> flatten
        budget mac <= 10M
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(64, 3) -> gap -> flatten
        budget macs <= 10M
    ```

    Related: E0165, E0701, E0703.
    """

    name: str
    known: tuple[str, ...]
    near: str | None

    @property
    def message(self) -> str:
        return f"there is no budget for `{self.name}`: it is one of {', '.join(self.known)}"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near)


class OpenBudget(Mistake, code="E0703"):
    """A budget cannot be checked, because part of the network does not say what it costs or sees.

    An `extern` block is the user's own module: its costs are known only if its definition states them. Give it
    `macs`, `params` and `reach` as far as the budget needs them.

    ```dl fails
    net f on x[N, 64]:
        linear(10)
        budget receptive_field >= 7
    ```

    ```dl
    net f on x[N, 64]:
        linear(10)
        budget params <= 1K
    ```

    Related: E0701, E0704.
    """

    quantity: str
    reason: str

    @property
    def of_program(self) -> bool:
        return True

    @property
    def message(self) -> str:
        return f"the budget for `{self.quantity}` cannot be checked: {self.reason}"


class Incomplete(Mistake, code="E0704"):
    """`dslc stats --strict` found numbers that are only lower bounds.

    An `extern` block is the user's own module: what it costs, keeps and sees is known only if its definition states
    it (`macs = ..`, `params = ..`, `reach = ..`). Without `--strict` the report says "at least".

    ```sh
    dslc stats net.dl --strict
    ```

    Related: E0703, E0701.
    """

    net: str
    quantities: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"{', '.join(f'`{name}`' for name in self.quantities)} of `{self.net}` are lower bounds: " + "; ".join(
            self.reasons
        )
