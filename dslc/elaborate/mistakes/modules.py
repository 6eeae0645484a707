"""Mistakes in modules that are shared, and in tensors of other blocks."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake, did_you_mean


class UnappliedModule(Mistake, code="E0375"):
    """A tensor of a `module` is read before the module is applied.

    A `module` is one set of weights, and its sizes come from what it is applied to first. So `wte.weight` exists
    below that line. Mostly the layer was written a second time instead of the module's name.

    ```dl fails
    net f on ids: int64[N, T=16]:
        module wte = embedding(100, 32)
        ids -> embedding(100, 32)
        linear(100, weight=wte.weight)
    ```

    ```dl
    net f on ids: int64[N, T=16]:
        module wte = embedding(100, 32)
        ids -> wte
        linear(100, weight=wte.weight)
    ```

    Related: E0384, E0473, E0478.
    """

    name: str

    @property
    def message(self) -> str:
        return f"`{self.name}` has no tensors before it is applied"


class NoModuleTensor(Mistake, code="E0473"):
    """A `module` has no tensor of this name.

    Its tensors are those of its layer, by PyTorch's names: `weight` and `bias`, for a norm `running_mean` too, for
    a block its own `param`s and `buffer`s. `bias` is missing where the layer has none.

    ```dl fails
    net f on ids: int64[N, T=16]:
        module wte = embedding(100, 32)
        ids -> wte
        linear(100, weight=wte.wieght)
    ```

    ```dl
    net f on ids: int64[N, T=16]:
        module wte = embedding(100, 32)
        ids -> wte
        linear(100, weight=wte.weight)
    ```

    Related: E0375, E0430.
    """

    name: str
    tensor: str
    near: str | None

    @property
    def message(self) -> str:
        return f"`{self.name}` has no tensor `{self.tensor}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near)


class ForeignModule(Mistake, code="E0474"):
    """A `module` is applied in another block than the one that makes it.

    Its weights have one place in the state dict, in the block that makes it. A block that is to use them gets the
    module's result as an input, or is an `inline block`, whose steps belong to the block around it.

    ```dl fails
    block twice(m: layer) on x: m -> m

    net f on x[N, 3, 32, 32]:
        module mix = conv(3, 3)
        twice(mix)
    ```

    ```dl
    inline block twice(m: layer) on x: m -> m

    net f on x[N, 3, 32, 32]:
        module mix = conv(3, 3)
        twice(mix)
    ```

    Related: E0375, E0476.
    """

    name: str

    @property
    def message(self) -> str:
        return f"`{self.name}` belongs to another block: apply it there"


class ModuleInSeq(Mistake, code="E0475"):
    """A `module` is made or applied inside of a `seq`.

    A `seq` becomes an nn.Sequential, which numbers the modules in it and owns them. A `module` has a name of its
    own in the body of the block, so it is made and applied there.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        module mix = conv(3, 3)
        seq as s:
            mix
            relu
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        module mix = conv(3, 3)
        mix
        relu
    ```

    Related: E0375, E0474.
    """

    name: str = ""  # of the one applied; none is named where it is made

    @property
    def message(self) -> str:
        if not self.name:
            return "a `module` is made in the body of a block, not in a `seq`"
        return f"`{self.name}` is applied inside a `seq`, which numbers modules of its own: apply it outside"


class ForeignTensor(Mistake, code="E0476"):
    """A tensor of another block is read.

    A block becomes a class, whose `forward` sees its own inputs and what it computes. A layer that is given to a
    block, and reads a tensor where it was written, would reach out of that class: hand the tensor over as an input.
    An `inline block` belongs to the block around it.

    ```dl fails
    block apply(m: layer) on x: m

    net f on x[N, 3, 32, 32]:
        y = conv(3, 3)
        apply(relu -> (it + y))
    ```

    ```dl
    block join on x, y: relu(x) + y

    net f on x[N, 3, 32, 32]:
        y = conv(3, 3)
        join(y, y)
    ```

    Related: E0474, E0201.
    """

    name: str = ""  # none of a layer that holds the tensor

    @property
    def message(self) -> str:
        if not self.name:
            return "this layer holds a tensor of another block: hand the tensor over as an input"
        return f"`{self.name}` is a tensor of another block: hand it over as an input"


class SharedShape(Mistake, code="E0477"):
    """A `module` is applied again where its weights would need another shape.

    One set of weights has one shape: that of the first use. Two layers of different sizes are two layers; write the
    layer twice, or make two modules.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        module mix = conv(16, 3)
        mix -> relu -> mix -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        module mix = conv(3, 3)
        mix -> relu -> mix -> gap -> flatten
    ```

    Related: E0375, E0384.
    """

    name: str
    first: tuple[int, ...]
    again: tuple[int, ...]
    made: int = 0  # the channels or features that came in at its first use; none where it is not their number
    comes: int = 0  # and those that come in here
    block: bool = False  # a block of several layers, of which one weight is no news

    @property
    def message(self) -> str:
        if not self.made:
            return f"`{self.name}` is {list(self.first)} by its first use, and {list(self.again)} by this one"
        return f"`{self.name}` is made for {self.made} channels by its first use, and {self.comes} come in here"

    @property
    def label(self) -> str:
        return f"would be {list(self.again)}, and is {list(self.first)}" if self.made and not self.block else ""
