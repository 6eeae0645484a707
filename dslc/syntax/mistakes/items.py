"""Definitions, keywords, and everything else at which the parser stuck: E0160 to E0179."""

from __future__ import annotations

from dataclasses import dataclass

from dslc.diagnostics.model import Help, Mistake
from dslc.syntax.mistakes.words import quoted
from dslc.syntax.units import advice
from dslc.vocabulary import table


@dataclass(frozen=True, eq=False, repr=False)
class StrayLine(Mistake, code="E0160"):
    """A line stands outside all definitions.

    A file holds definitions: `use`, `let`, `fn`, `block`, `net` and `extern block`, each at the first column. Lines
    that apply layers stand in the body of one.

    ```dl fails
    conv(8, 3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
    ```

    Related: E0122, E0161, E0167.
    """

    @property
    def message(self) -> str:
        return "this line stands in no definition"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("indent it under a `net` or a `block`, or name a value with `let name = ...`"),)


@dataclass(frozen=True, eq=False, repr=False)
class NestedItem(Mistake, code="E0161"):
    """A definition stands inside another.

    Definitions stand at the first column of a file, not in one another. A layer with a few parameters fixed is
    `let small = conv(8)`, which may stand in a body.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        block part(c: int):
            conv(c, 3) -> relu
        part(8)
    ```

    ```dl
    block part(c: int):
        conv(c, 3) -> relu

    net tiny() on x[N, 3, H=32, W=32]:
        part(8)
    ```

    Related: E0160, E0202.
    """

    word: str

    @property
    def message(self) -> str:
        if self.word == "on":
            return "`on` belongs to the header's line"
        return f"`{self.word}` begins a definition, which stands at the first column"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.word == "on":
            return (Help("a header is one line; it goes on inside its brackets, and on deeper lines from `->`"),)
        return ()


@dataclass(frozen=True, eq=False, repr=False)
class Unexpected(Mistake, code="E0162"):
    """The text cannot go on like this.

    The text does not go on as any line of the language does; what could stand here is listed. The caret stands at
    the first word that cannot be right; what is wrong may stand just before it, such as an arrow or a comma that is
    missing. Words of other languages that are well known have messages of their own.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
    ```

    Related: E0104, E0127, E0164.
    """

    expected: tuple[str, ...]
    found: str

    @property
    def message(self) -> str:
        *first, last = self.expected or ("something else",)
        listed = f"{', '.join(first)} or {last}" if first else last
        return f"expected {listed}, found {self.found}"


@dataclass(frozen=True, eq=False, repr=False)
class ReservedWord(Mistake, code="E0163"):
    """A keyword is used as a name.

    Keywords are reserved everywhere, so that a word means the same wherever it stands. A module or a value of a body
    may have a keyword as its name in back-ticks; anything else gets another name.

    ```dl fails
    net tiny(in: int = 8) on x[N, 3, H=32, W=32]:
        conv(in, 3) -> relu
    ```

    ```dl
    net tiny(width: int = 8) on x[N, 3, H=32, W=32]:
        conv(width, 3) -> relu
    ```

    Related: E0143, E0164, E0202.
    """

    word: str
    ticked: bool
    told: bool = False  # a proposal says what is meant

    @property
    def message(self) -> str:
        return f"`{self.word}` is a keyword and cannot be a name"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.told:
            return ()
        other = Help(f"choose another name, such as `{self.word}_`")
        if not self.ticked:
            return (other,)
        ticked = f"`{self.word}`"
        return (Help(f"in back-ticks it is a name: {ticked}", replace=ticked), other)


@dataclass(frozen=True, eq=False, repr=False)
class PythonHabit(Mistake, code="E0164"):
    """A word of Python stands in the text.

    A few words of Python are not words of this language; the message says what is written instead. Programs here
    describe a network and nothing else: no classes, no methods, no mutable state, no imports of Python. What stands
    in their place is in docs/language.md.

    ```dl fails
    def width(scale):
        return 8 * scale

    net tiny() on x[N, 3, H=32, W=32]:
        conv(width(2), 3) -> relu
    ```

    ```dl
    fn width(scale: int) = 8 * scale

    net tiny() on x[N, 3, H=32, W=32]:
        conv(width(2), 3) -> relu
    ```

    Related: E0104, E0160, E0163, E0201.
    """

    word: str
    told: bool = False  # a proposal says what is written instead

    @property
    def message(self) -> str:
        return f"there is no `{self.word}` in this language"

    @property
    def help(self) -> tuple[Help, ...]:
        said = None if self.told else table.word(self.word)
        return (Help(said),) if said else ()


@dataclass(frozen=True, eq=False, repr=False)
class BudgetForm(Mistake, code="E0165"):
    """A budget is not a list of limits.

    A budget is a list of comparisons, each of one quantity by its name with one value. The quantity stands on the
    left, so that a list of limits reads like a table; `dslc stats` prints the numbers that they are held to.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        budget 1M >= params
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        budget params <= 1M
    ```

    Related: E0147, E0701, E0702.
    """

    text: str

    @property
    def message(self) -> str:
        return f"{quoted(self.text)} is no limit: write a quantity, a comparison and a value, as in `params <= 26M`"


@dataclass(frozen=True, eq=False, repr=False)
class LimitUnit(Mistake, code="E0169"):
    """A limit of a budget has a unit.

    The quantity says what is counted, so its limit is a number alone: with `K`, `M`, `G` and `T` for thousands,
    millions and so on, and with a `B` behind them where the quantity is one of bytes: `peak_memory <= 8MB`.
    A multiply-add (`macs`) is two floating-point operations (`flops`), and both can be limited.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        budget macs <= 5 GFLOPs
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        budget macs <= 5G
    ```

    Related: E0107, E0165, E0705.
    """

    text: str
    counted: bool = False  # of a quantity that has no bytes

    @property
    def message(self) -> str:
        return f"{quoted(self.text)} is no limit: that is a number with `K`, `M`, `G` or `T`, and without a unit"

    @property
    def help(self) -> tuple[Help, ...]:
        return advice(self.text, self.counted)


@dataclass(frozen=True, eq=False, repr=False)
class InitForm(Mistake, code="E0168"):
    """What an `init` statement sets is not named as a layer.

    An `init` statement is a list of `name = initialiser`. The name is that of a layer, `conv` for its weight and
    `conv.bias` for its bias, or `bias` for the bias of every layer.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        init conv(8) = normal(std=0.01)
        conv(8, 3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        init conv = normal(std=0.01)
        conv(8, 3) -> relu
    ```

    Related: E0388, E0390.
    """

    text: str

    @property
    def message(self) -> str:
        return f"{quoted(self.text)} is no name of a layer, such as `conv` or `conv.bias`"


@dataclass(frozen=True, eq=False, repr=False)
class RequireMessage(Mistake, code="E0166"):
    """The message of a `require` is not a string.

    After the condition of a `require` and a comma stands its message, a string. Conditions are joined by `and`.

    ```dl fails
    net tiny(c: int = 8) on x[N, 3, H=32, W=32]:
        require c > 4, c < 64
        conv(c, 3) -> relu
    ```

    ```dl
    net tiny(c: int = 8) on x[N, 3, H=32, W=32]:
        require c > 4 and c < 64, "{c} channels"
        conv(c, 3) -> relu
    ```

    Related: E0415, E0501.
    """

    @property
    def message(self) -> str:
        return "the message of a `require` is a string"


@dataclass(frozen=True, eq=False, repr=False)
class DefinitionForm(Mistake, code="E0167"):
    """A definition has parts that its kind does not have.

    Each kind of definition has its parts: a `fn` has no inputs, a `net` that is another one has only budgets under
    it, an `extern block` names its inputs, its results and the class that it is. What a kind has is in
    docs/language.md, with an example of each; often another kind is meant, a `block` where a `fn` stands.

    ```dl fails
    net tiny() = conv(8, 3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32] = conv(8, 3) -> relu
    ```

    Related: E0160, E0373.
    """

    what: str

    @property
    def message(self) -> str:
        return self.what
