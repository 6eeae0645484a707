"""Text as other languages write it, which is understood all the same: E0150 to E0159, and what stands for a file."""

from __future__ import annotations

from dataclasses import dataclass

from dslc.diagnostics.model import Help, Mistake
from dslc.syntax.mistakes.words import quoted


@dataclass(frozen=True, eq=False, repr=False)
class CommentForm(Mistake, code="E0150"):
    """A comment begins as in another language.

    A comment begins with `#` and goes on to the end of the line. `//` divides whole numbers, so it cannot begin
    a comment too; the rest of the line is read as the comment that it is meant to be.

    ```dl fails
    net tiny on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu  // the stem
    ```

    ```dl
    net tiny on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu  # the stem
    ```

    Related: E0104, E0129, E0152.
    """

    mark: str

    @property
    def message(self) -> str:
        return f"a comment begins with `#`, not `{self.mark}`"


@dataclass(frozen=True, eq=False, repr=False)
class DictLiteral(Mistake, code="E0151"):
    """A dictionary stands in the text.

    Values known at compile time are numbers, texts, lists and tuples; each has a name of its own, and so a type
    that is checked where it is used. A table whose rows belong together is a list of tuples, which a `for` goes
    through.

    ```dl fails
    let cfg = {"width": 16, "depth": 2}

    net tiny() on x[N, 3, H=32, W=32]:
        conv(cfg["width"], 3) -> relu
    ```

    ```dl
    let width = 16

    net tiny() on x[N, 3, H=32, W=32]:
        conv(width, 3) -> relu
    ```

    Related: E0104, E0136.
    """

    @property
    def message(self) -> str:
        return "there are no dictionaries"


@dataclass(frozen=True, eq=False, repr=False)
class BraceForm(Mistake, code="E0175"):
    """Braces stand right behind a name.

    The arguments of a layer stand in round brackets. A module's name with a value in it stands in back-ticks, and the
    value in braces.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv{8, 3} -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
    ```

    Related: E0136, E0151, E0154.
    """

    named: bool

    @property
    def message(self) -> str:
        return "a name with a value in it stands in back-ticks" if self.named else "arguments stand in round brackets"


@dataclass(frozen=True, eq=False, repr=False)
class TextAsComment(Mistake, code="E0152"):
    '''A text in three quotes documents something.

    Documentation is a comment: `##` lines above a definition are kept with it, `#` lines are for whoever reads
    the text. A text is a value, and one that nothing reads would be lost.

    ```dl fails
    net tiny on x[N, 3, H=32, W=32]:
        """A stem."""
        conv(8, 3) -> relu
    ```

    ```dl
    net tiny on x[N, 3, H=32, W=32]:
        # A stem.
        conv(8, 3) -> relu
    ```

    Related: E0105, E0106, E0150.
    '''

    @property
    def message(self) -> str:
        return "a text in three quotes is no comment"


@dataclass(frozen=True, eq=False, repr=False)
class StringPrefix(Mistake, code="E0153"):
    """A string has a letter before its quotes.

    In every string `{expression}` is filled in, so no letter says so. A module's name that holds an expression
    stands in back-ticks after `as`.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        for i in range(2): conv(8, 3) as f"stage{i}"
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        for i in range(2): conv(8, 3) as `stage{i}`
    ```

    Related: E0106, E0110, E0154.
    """

    prefix: str
    named: bool

    @property
    def message(self) -> str:
        return (
            "a name with `{expression}` stands in back-ticks"
            if self.named
            else f"strings have no prefix: `{self.prefix}` is not needed"
        )


@dataclass(frozen=True, eq=False, repr=False)
class QuotedName(Mistake, code="E0154"):
    """A module's name stands in quotes.

    After `as` stands a name, not a text: plain, or in back-ticks where it holds an expression or a `-`. So it
    reads like the names of values, which it may be together with.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) as "stem" -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) as stem -> relu
    ```

    Related: E0106, E0111, E0153.
    """

    name: str

    @property
    def message(self) -> str:
        return f"a module's name has no quotes: {self.shown}"

    @property
    def shown(self) -> str:
        """The name as it is written after `as`."""
        return f"`{self.name}`" if self.name.isidentifier() else f"`` `{self.name}` ``"


@dataclass(frozen=True, eq=False, repr=False)
class ConditionalForm(Mistake, code="E0155"):
    """A choice is written with `?` and `:`.

    A choice between two values is written as in Python, `a if condition else b`, which can be read aloud. `?`
    stands only after a type or an input that may be missing.

    ```dl fails
    net tiny(deep: int = 1) on x[N, 3, H=32, W=32]:
        conv(8, 3, s=deep > 1 ? 2 : 1) -> relu
    ```

    ```dl
    net tiny(deep: int = 1) on x[N, 3, H=32, W=32]:
        conv(8, 3, s=2 if deep > 1 else 1) -> relu
    ```

    Related: E0148, E0162.
    """

    here: str

    @property
    def message(self) -> str:
        return (
            f"a choice is written {quoted(self.here)}" if self.here else "a choice is written `a if condition else b`"
        )


@dataclass(frozen=True, eq=False, repr=False)
class ArrowForm(Mistake, code="E0156"):
    """Steps are joined by another sign than `->`.

    Data flows along `->`, and only along it, so that a chain is seen at a glance. `|` begins a branch, and `>`
    compares.

    ```dl fails
    net tiny on x[N, 3, H=32, W=32]:
        conv(8, 3) >> relu
    ```

    ```dl
    net tiny on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
    ```

    Related: E0129, E0140, E0162.
    """

    found: str

    @property
    def message(self) -> str:
        return f"steps are joined by `->`, not by `{self.found}`"


@dataclass(frozen=True, eq=False, repr=False)
class TypeForm(Mistake, code="E0157"):
    """A type is written as in Python.

    The types of parameters are `int float bool str size layer init`, `[int]` for a list of them, `(int, int)`
    for a tuple, and `int?` for one that may be `none`. They look like the values that they stand for.

    ```dl fails
    net tiny(widths: List[int] = [8, 16]) on x[N, 3, H=32, W=32]:
        for w in widths: conv(w, 3) -> relu
    ```

    ```dl
    net tiny(widths: [int] = [8, 16]) on x[N, 3, H=32, W=32]:
        for w in widths: conv(w, 3) -> relu
    ```

    Related: E0158, E0162, E0222.
    """

    written: str
    here: str

    @property
    def message(self) -> str:
        return (
            f"the type {quoted(self.written)} is written {quoted(self.here)}"
            if self.here
            else f"there is no type {quoted(self.written)}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Declared(Mistake, code="E0158"):
    """A value is declared as in another language.

    A value that is known at compile time is named by `let name = value`, whatever its type: that follows from
    the value. Parameters have types, since callers must know them.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        let width: int = 8
        conv(width, 3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        let width = 8
        conv(width, 3) -> relu
    ```

    Related: E0157, E0162, E0164.
    """

    word: str

    @property
    def message(self) -> str:
        if self.word.startswith(": ") and self.word[2:3].isupper():
            return f"a tensor is named without a type: `{self.word}`"
        return f"a value is named by `let`, without `{self.word}`"


@dataclass(frozen=True, eq=False, repr=False)
class SizeForm(Mistake, code="E0159"):
    """A size has spaces in it.

    A size such as `3x5` is one word, like a number. With spaces, `x` would be the name of a value.

    ```dl fails
    net tiny on x[N, 3, H=32, W=32]:
        conv(8, 3 x 5) -> relu
    ```

    ```dl
    net tiny on x[N, 3, H=32, W=32]:
        conv(8, 3x5) -> relu
    ```

    Related: E0107, E0108.
    """

    here: str

    @property
    def message(self) -> str:
        return f"a size is one word: `{self.here}`"


@dataclass(frozen=True, eq=False, repr=False)
class BraceSuite(Mistake, code="E0136"):
    """A suite stands in braces.

    Lines that belong to a line are indented under it, and the line ends with `:`. So the text has no second way
    to say what its layout says already.

    ```dl fails
    net tiny(deep: int = 1) on x[N, 3, H=32, W=32]:
        if deep > 0 {
            conv(8, 3) -> relu
        }
    ```

    ```dl
    net tiny(deep: int = 1) on x[N, 3, H=32, W=32]:
        if deep > 0:
            conv(8, 3) -> relu
    ```

    Related: E0104, E0123, E0151.
    """

    @property
    def message(self) -> str:
        return "a suite is indented under its line, not put in braces"


@dataclass(frozen=True, eq=False, repr=False)
class TrailingComma(Mistake, code="E0137"):
    """A line ends with a comma.

    A comma joins values, as in `a, b = ..`; at the end of a line it would make the one value a list of one.
    Inside brackets a comma may stand after the last item.

    ```dl fails
    net tiny on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu,
    ```

    ```dl
    net tiny on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
    ```

    Related: E0142, E0162, E0366.
    """

    @property
    def message(self) -> str:
        return "a comma ends this line"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("leave it out", replace=""),)


@dataclass(frozen=True, eq=False, repr=False)
class SelfTarget(Mistake, code="E0138"):
    """A layer is put into `self`.

    A layer is applied where it is written, and its module has the name after `as`. One that is applied
    elsewhere, or more than once, is made by `module name = layer`. There is no object to put it into.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        self.stem = conv(8, 3)
        relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        module stem = conv(8, 3)
        stem -> relu
    ```

    Related: E0143, E0205.
    """

    name: str

    @property
    def message(self) -> str:
        return f"there is no `self`: `conv(16, 3) as {self.name}` names the module of a layer"


@dataclass(frozen=True, eq=False, repr=False)
class InputsForm(Mistake, code="E0171"):
    """Inputs stand among the parameters.

    Parameters are known at compile time and stand in brackets after the name; tensors are what the network runs
    on, and stand after `on` with their shapes. All sizes are named, the batch too.

    ```dl fails
    net tiny(image: Tensor[N, 3, 32, 32]):
        conv(8, 3) -> relu
    ```

    ```dl
    net tiny on image[N, 3, 32, 32]:
        conv(8, 3) -> relu
    ```

    Related: E0157, E0162, E0167.
    """

    here: str

    @property
    def message(self) -> str:
        return f"inputs stand after `on`: `{self.here}`"


LOOKS = {
    "Python": "it looks like Python",
    "YAML": "it looks like YAML",
    "JSON": "it looks like JSON",
    "XML": "it looks like XML",
    "Caffe": "it looks like a prototxt of Caffe",
}


@dataclass(frozen=True, eq=False, repr=False)
class OtherLanguage(Mistake, code="E0170"):
    """A file is written in another language.

    The file has no line that begins a definition of this language and many of another one, so what is wrong with
    single lines would say nothing. A network is a `net` with its inputs and a line for each step; the tutorial writes
    one, and docs/coming-from.md lists what layers of PyTorch and Keras are called.

    ```dl fails
    import torch.nn as nn

    class Tiny(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x):
            return self.conv(x)
    ```

    ```dl
    net tiny on x[N, 3, H=32, W=32]:
        conv(8, 3)
    ```

    Related: E0160, E0164, E0205.
    """

    language: str

    @property
    def message(self) -> str:
        return f"this is no .dl program: {LOOKS[self.language]}"

    @property
    def help(self) -> tuple[Help, ...]:
        example = "`net name on image[N, 3, H=224, W=224]:`"
        return (Help(f"a network is {example} and a line for each step: see `net` in docs/language.md"),)
