"""Mistakes in names and arguments, which need no sizes to be seen."""

from __future__ import annotations

from dslc.bind.language import WORDS
from dslc.diagnostics.model import Help, Mistake, did_you_mean


class UnknownName(Mistake, code="E0201"):
    """A name that nothing defines.

    Names are parameters, sizes of the input, values named by `name = line`, `let` values, definitions of the file,
    imported ones, and the layers of the language. A name is looked up where the text is written, not where it runs,
    so that a block means the same wherever it is used. Names of the library that need a `use` are found in
    docs/layers.md.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        convv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        gap -> flatten
    ```

    Related: E0202, E0213, E0301.
    """

    name: str
    near: str | None = None

    @property
    def message(self) -> str:
        return f"unknown name `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near)


class UnknownArgument(Mistake, code="E0301"):
    """An argument that the layer does not have.

    Arguments are checked by name, since one that is passed over in silence is a setting that never took effect. The
    names are short and the same in all layers: `k` kernel, `s` stride, `p` padding, `d` dilation, `g` groups,
    `axis`; docs/layers.md has each layer's.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, stride=2)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, s=2)
        gap -> flatten
    ```

    Related: E0201, E0302, E0303, E0386.
    """

    layer: str
    name: str
    known: tuple[str, ...]
    near: str | None = None

    @property
    def message(self) -> str:
        return f"`{self.layer}` has no argument `{self.name}`"

    @property
    def label(self) -> str:
        return f"it has {', '.join(self.known)}" if self.known else "it has none"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near)


class MissingArgument(Mistake, code="E0302"):
    """A layer is applied before all it needs is given.

    A call that lacks arguments is a layer that can be completed later, `let three = conv(k=3)`; when it is applied
    to a tensor, nothing may be missing. The label shows the layer's header with its defaults.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        gap -> flatten
    ```

    Related: E0301, E0303, E0367.
    """

    layer: str
    missing: tuple[str, ...]
    signature: str
    kinds: tuple[str, ...] = ()  # what each must be, in words, where the header says it
    written: str = ""  # the call, with places to fill in

    @property
    def message(self) -> str:
        names = " and ".join(f"`{n}`" for n in self.missing)
        return f"`{self.layer}` is applied without {names}"

    @property
    def label(self) -> str:
        return f"the layer is `{self.signature}`"

    @property
    def help(self) -> tuple[Help, ...]:
        if not self.written:
            return ()
        wanted = (f"`{name}`{f' ({kind})' * bool(kind)}" for name, kind in zip(self.missing, self.kinds, strict=True))
        return (Help(f"give {' and '.join(wanted)}: `{self.written}`"),)


class GivenTwice(Mistake, code="E0386"):
    """An argument given by its place and by its name in one call.

    What stands by position is counted from the first parameter of the header, so a name that was counted already is
    given a second time. Leave one of the two out.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, out=9)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(9, 3)
        gap -> flatten
    ```

    Related: E0145, E0146, E0301.
    """

    layer: str
    name: str
    placed: str = ""  # the text of what its place has

    @property
    def message(self) -> str:
        return f"`{self.name}` of `{self.layer}` is given twice"

    @property
    def label(self) -> str:
        return f"by its place it is `{self.placed}` already" if self.placed else ""


class SurplusArgument(Mistake, code="E0303"):
    """More positional arguments than the layer takes.

    Sizes that flow in are never written: `linear(10)` takes the features of its input by itself, where PyTorch asks
    for `Linear(16, 10)`. Options of some layers are taken by name only, so that a bare number cannot be misread.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3) -> relu(1)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3) -> relu
        gap -> flatten
    ```

    Related: E0145, E0301, E0302.
    """

    layer: str
    most: int

    @property
    def message(self) -> str:
        what = (
            f"{self.most} positional argument{'' if self.most == 1 else 's'}" if self.most else "no positional argument"
        )
        return f"`{self.layer}` takes {what} here"

    @property
    def label(self) -> str:
        return "this is one too many"


class WrongType(Mistake, code="E0360"):
    """A value of another type than the parameter's.

    `int` goes to `float` by itself, never back without `int()`, `round()`, `ceil()` or `floor()`. An `int` serves
    as a `float`, nothing else is converted by itself: `int(32 * width)` says that a fraction is cut off, `round`
    and `ceil` that it is not.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8.5, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(int(8.5), 3)
        gap -> flatten
    ```

    Related: E0220, E0361, E0362.
    """

    layer: str
    name: str
    wanted: str
    found: str

    @property
    def message(self) -> str:
        return f"`{self.name}` of `{self.layer}` must be {self.wanted}, not {self.found}"

    @property
    def label(self) -> str:
        return f"this is {self.found}"


class OutOfRange(Mistake, code="E0361"):
    """A number outside what the parameter allows.

    Such a number has no meaning for the layer: a stride of 0, a rate above 1, an output of no channels. The message
    says the range; docs/layers.md has each layer's.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, s=0)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, s=1)
        gap -> flatten
    ```

    Related: E0360, E0362, E0327.
    """

    layer: str
    name: str
    value: object
    least: float | None
    most: float | None

    @property
    def message(self) -> str:
        if self.least is not None and self.most is not None:
            rule = f"between {self.least} and {self.most}"
        else:
            rule = f"at least {self.least}" if self.least is not None else f"at most {self.most}"
        return f"`{self.name}` of `{self.layer}` must be {rule}, not {self.value}"


class NotAChoice(Mistake, code="E0362"):
    """A word the parameter does not know.

    The words are listed beside the caret, the nearest is offered. Words of other libraries are called otherwise
    here: `"same"` of Keras is the default `half` at stride 1, and `same_tf` at others.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, p="same")
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, p=same_tf)
        gap -> flatten
    ```

    Related: E0360, E0361.
    """

    layer: str
    name: str
    value: str
    choices: tuple[str, ...]
    near: str | None

    @property
    def message(self) -> str:
        return f"`{self.name}` of `{self.layer}` cannot be `{self.value}`"

    @property
    def label(self) -> str:
        return f"choices are {', '.join(self.choices)}"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.near is None:
            return ()
        written = self.near if self.near in WORDS else f'"{self.near}"'
        return (Help(f"did you mean `{written}`?", written),)
