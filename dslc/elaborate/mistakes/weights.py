"""Mistakes in the weights of layers: how they begin, and one tensor in two places."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class TiedShape(Mistake, code="E0384"):
    """A tensor given as a layer's weight has another shape than the layer needs.

    A `linear(out, weight=w)` on `D` features needs `w` of shape `[out, D]`. Shared weights are one tensor for both
    layers, so both must need the same shape: with `embedding(count, width)` that is `linear(count)` on `width`
    features.

    ```dl fails
    net f on ids: int64[N, T=16]:
        module wte = embedding(100, 32)
        ids -> wte
        linear(101, weight=wte.weight)
    ```

    ```dl
    net f on ids: int64[N, T=16]:
        module wte = embedding(100, 32)
        ids -> wte
        linear(100, weight=wte.weight)
    ```

    Related: E0375, E0390.
    """

    layer: str
    name: str
    wanted: str
    found: str

    @property
    def message(self) -> str:
        return f"`{self.name}` of `{self.layer}` must be {self.wanted}, and is {self.found}"


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
        conv(8, 3, bias_init=zeros) -> relu -> gap -> flatten
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


class MisfitInitialiser(Mistake, code="E0484"):
    """An initialiser is given to a tensor that it does not fit.

    Those that look at fans, such as `kaiming_normal`, need two axes or more, `dirac` the weight of a convolution whose
    channels its groups divide, and `constant` a number that the element type holds. What draws numbers makes floats,
    other ones in each module, so that the tensor must be saved: a `param` or `buffer` is, a `const` is not.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, bias_init=kaiming_normal) -> relu
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, init=kaiming_normal, bias_init=zeros) -> relu
        gap -> flatten
    ```

    Related: E0380, E0383, E0388.
    """

    name: str
    needs: str
    param: str
    found: str

    @property
    def message(self) -> str:
        return f"`{self.name}` needs {self.needs}, and `{self.param}` is {self.found}"
