"""Mistakes in what initialises the weights of layers."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class IdleInitialiser(Mistake, code="E0390"):
    """A layer is given an initialiser for a tensor that it does not have.

    `init` is that of the weight, `bias_init` that of the bias. A `conv` whose next step is `bn` or `inorm` has no bias
    unless `bias=true` is written; a tensor that is given, as by `weight=`, is initialised where it is made.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, bias_init=zeros) -> bn -> relu -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, bias=true, bias_init=zeros) -> bn -> relu -> gap -> flatten
    ```

    Related: E0384, E0388.
    """

    layer: str
    attribute: str
    norm: str = ""  # which makes the bias idle

    @property
    def message(self) -> str:
        what = "bias" if self.attribute == "bias_init" else "weight"
        why = f", because `{self.norm}` follows" if self.norm else ""
        return f"this `{self.layer}` has no {what} of its own{why}, so `{self.attribute}` sets nothing"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.norm:
            return (Help("`bias=true` keeps the bias"),)
        return (Help(f"leave `{self.attribute}` out"),)
