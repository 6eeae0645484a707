"""Mistakes in what is asked for from outside: which net, its arguments and sizes."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake, did_you_mean


class WhichNet(Mistake, code="E0218"):
    """The net to build is not clear, or not there.

    Where a file has several nets that could be built, none is taken by guess: `dslc build models.dl --net small`
    says which. Nets whose parameters all have defaults need no more than the name.

    ```sh
    dslc stats examples/resnet.dl --net resnet50
    ```

    Related: E0217, E0219.
    """

    asked: str | None
    nets: tuple[str, ...]
    near: str | None

    @property
    def message(self) -> str:
        if self.asked is None:
            return f"this file has {len(self.nets)} nets: say which one with --net"
        return f"there is no net `{self.asked}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near, replace=False) or (Help(f"the nets are {', '.join(self.nets)}"),)


class UnknownParameter(Mistake, code="E0224"):
    """An argument given from outside that the net has no parameter for.

    `--set`, and `args` in Python, give parameters of the net, or of the alias that stands for it; `--size`, and `sizes`
    in Python, the sizes that its inputs have by name. An argument that nothing reads would leave the network as it is,
    and nobody would see why; `dslc check` names the parameters that there are.

    ```sh
    dslc build net.dl --set depth=3 --size H=384,W=384
    ```

    Related: E0218, E0225.
    """

    net: str
    name: str
    known: tuple[str, ...]
    near: str | None
    size: bool = False  # whether the net has a size of that name

    @property
    def message(self) -> str:
        return f"the net `{self.net}` has no parameter `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.size:
            return (Help(f"`{self.name}` is a size of its input: give it with --size"),)
        known = ", ".join(self.known) or "none"
        return did_you_mean(self.near, replace=False) or (Help(f"its parameters are {known}"),)


class UnknownSize(Mistake, code="E0225"):
    """A size given from outside that no input of the net has.

    Only sizes with a name in the net's header can be given: `H` and `W` of `image[N, 3, H=224, W=224]`. A size without
    a name, such as the 3, is part of the network; write `C=3` there to have it given from outside.

    ```sh
    dslc check net.dl --size H=384,W=384
    ```

    Related: E0224, E0226.
    """

    net: str
    name: str
    known: tuple[str, ...]
    near: str | None
    parameter: bool = False  # whether the net has a parameter of that name

    @property
    def message(self) -> str:
        return f"the inputs of `{self.net}` have no size `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.parameter:
            return (Help(f"`{self.name}` is a parameter of the net: give it with --set"),)
        words = f"their sizes by name are {', '.join(self.known)}" if self.known else "all their sizes are fixed"
        return did_you_mean(self.near, replace=False) or (Help(words),)


class UnknownAxis(Mistake, code="E0227"):
    """A name to sweep that is neither a parameter of the net nor a size of its inputs.

    A sweep compiles the net once for each value of what is named. Of a name that the net has not, all would be the same
    network, so it is refused before the first is compiled.

    ```sh
    dslc stats net.dl --sweep width=0.5,1.0 --sweep H=W=160..224/32
    ```

    Related: E0224, E0225.
    """

    net: str
    name: str
    parameters: tuple[str, ...]
    sizes: tuple[str, ...]
    near: str | None

    @property
    def message(self) -> str:
        return f"the net `{self.net}` has no parameter or size `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        known = f"its parameters are {', '.join(self.parameters) or 'none'}; its sizes {', '.join(self.sizes)}"
        return did_you_mean(self.near, replace=False) or (Help(known),)


class OutsideNumber(Mistake, code="E0226"):
    """A number given from outside that no program may hold, or a size below 1.

    Whole numbers have 64 bits and floats are finite in float32, in a program as outside of it. A size is at least 1: an
    axis without places has no values to compute with.

    ```sh
    dslc check net.dl --size H=384
    ```

    Related: E0224, E0225.
    """

    name: str
    value: str
    why: str

    @property
    def message(self) -> str:
        return f"`{self.name}`: {self.value} {self.why}"
