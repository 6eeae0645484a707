"""Mistakes in the header of a net that is built, and in what is given to it."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class NeedsArgument(Mistake, code="E0219"):
    """A net that is built needs a value for a parameter.

    A parameter without a default must be given, as nothing is chosen for you. On the command line `--set
    depths=[2,2,2,2]` gives it; in the file an alias does, which is a net with its arguments: `net resnet18 =
    resnet([2, 2, 2, 2])`.

    ```dl fails
    net f(width: int) on x[N, 3, 32, 32]: conv(width, 3) -> gap -> flatten
    ```

    ```dl
    net f(width: int = 8) on x[N, 3, 32, 32]: conv(width, 3) -> gap -> flatten
    ```

    Related: E0218, E0301, E0302.
    """

    net: str
    name: str
    alias: bool = False  # the net is one, so another makes no sense

    @property
    def message(self) -> str:
        return f"{'' if self.alias else 'the net '}`{self.net}` needs `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        given = f"give it with --set {self.name}=..."
        return (Help(given if self.alias else f"{given}, or write an alias: `net my_{self.net} = {self.net}(...)`"),)


class NoInputs(Mistake, code="E0465"):
    """A net has no inputs.

    A net is built by itself, so its header says what flows into it: a name and a shape for each input. A block may
    leave them out; it then takes the current value of where it is used.

    ```dl fails
    net f: conv(8, 3) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=224, W=224]: conv(8, 3) -> gap -> flatten
    ```

    Related: E0466, E0467.
    """

    net: str

    @property
    def message(self) -> str:
        return f"`{self.net}` has no inputs"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("write them in the header: `on x[N, 3, H=224, W=224]`"),)


class OpenInput(Mistake, code="E0466"):
    """An input of a net has no shape, may be left out, or stands for several.

    The inputs of a net are those of the module and the ONNX graph that are built from it: their number is fixed,
    and each has a shape. Inputs such as `mask?` and `*maps` are for blocks.

    ```dl fails
    net f on x: conv(8, 3) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]: conv(8, 3) -> gap -> flatten
    ```

    Related: E0465, E0467.
    """

    name: str

    @property
    def message(self) -> str:
        return f"the input `{self.name}` of a net has a shape, and is always there"


class OpenAxis(Mistake, code="E0467"):
    """An axis of a net's input is left open.

    Each axis of a net's input has a number, or a name for a size that may change, with a default: `H=224`. `_` and
    `...` take any size, so they are for blocks, which are checked where they are used.

    ```dl fails
    net f on x[N, 3, _, 32]: conv(8, 3) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=32, 32]: conv(8, 3) -> gap -> flatten
    ```

    Related: E0465, E0466.
    """

    @property
    def message(self) -> str:
        return "a net's input has a size or a name on each axis, as in `image[N, 3, H=224, W=224]`"


class InputSize(Mistake, code="E0468"):
    """A size of a net's input is no whole number, or below 1.

    It counts the elements of an axis, and so does the default of a size that has a name. To build the net for
    another size, give it with `--size H=384`.

    ```dl fails
    net f on x[N, 3, H=0, W=32]: conv(8, 3) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=32, W=32]: conv(8, 3) -> gap -> flatten
    ```

    Related: E0453, E0467.
    """

    name: str = ""  # of the size whose default it is

    @property
    def message(self) -> str:
        of = f"the default of `{self.name}`" if self.name else "a size"
        return f"{of} is a whole number of at least 1"


class SettledSize(Mistake, code="E0469"):
    """A size that is settled gets a default.

    `H=224` gives a new name, and the size it has unless another one is asked for. A parameter of the header and an
    expression have a value already.

    ```dl fails
    net f(side: int = 32) on x[N, 3, side=64, 32]: conv(8, 3) -> gap -> flatten
    ```

    ```dl
    net f(side: int = 32) on x[N, 3, side, 32]: conv(8, 3) -> gap -> flatten
    ```

    Related: E0202, E0468.
    """

    text: str

    @property
    def message(self) -> str:
        return f"`{self.text}` is settled before, so no other default can stand here"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"write the size alone: `{self.text}`"),)


class MixedInputs(Mistake, code="E0470"):
    """The inputs of a net have two types of 16 bits.

    An input of 16 bits sets the type of the whole network, its weights included, so there is one such type. Cast
    the other input's tensor where it is made, or in the network.

    ```dl fails
    net f on x: float16[N, 32], y: bfloat16[N, 32]: x
    ```

    ```dl
    net f on x: float16[N, 32], y: float16[N, 32]: x + y
    ```

    Related: E0310, E0454.
    """

    name: str
    dtype: str
    known: str

    @property
    def message(self) -> str:
        return f"the input `{self.name}` is {self.dtype}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"an input of 16 bits sets the type of the whole network, here {self.known} already"),)
