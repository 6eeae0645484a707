"""Indentation, and lines that take a suite or should not: E0120 to E0139."""

from __future__ import annotations

from dataclasses import dataclass

from dslc.diagnostics.model import Applicability, Help, Mistake
from dslc.syntax.mistakes.words import quoted


@dataclass(frozen=True, eq=False, repr=False)
class TabCharacter(Mistake, code="E0120"):
    """A tab stands where spaces are meant.

    Lines are indented by spaces and words are separated by them: how wide a tab is depends on who looks at
    it. Tabs may stand in comments and, written `\\t`, in strings. This page has no example: a tab in it
    would be shown as spaces.

    Related: E0121, E0124.
    """

    indents: bool
    more: int

    @property
    def message(self) -> str:
        what = "a tab indents this line" if self.indents else "a tab separates words here"
        return f"{what}; the file has {self.more} more" if self.more else what

    @property
    def label(self) -> str:
        return "spaces are meant"


@dataclass(frozen=True, eq=False, repr=False)
class UnevenIndent(Mistake, code="E0121"):
    """A line's indentation fits no suite.

    A file has one unit of indentation, that of its first indented line; each suite is one unit deeper than its
    header, and a line after it goes back to where an open suite stands. The two widths that would fit are named;
    the line belongs to the suite of the one that is chosen.

    ```dl fails
    net tiny(deep: bool = true) on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        if deep:
          conv(8, 3) -> relu
    ```

    ```dl
    net tiny(deep: bool = true) on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        if deep:
            conv(8, 3) -> relu
    ```

    Related: E0120, E0122, E0124.
    """

    found: int
    fitting: tuple[int, ...]

    @property
    def message(self) -> str:
        fitting = " or ".join(map(str, self.fitting))
        return f"this line is indented by {_spaces(self.found)}, where {fitting} would fit"


def _spaces(count: int) -> str:
    return "1 space" if count == 1 else f"{count} spaces"


@dataclass(frozen=True, eq=False, repr=False)
class UnexpectedIndent(Mistake, code="E0122"):
    """A line is indented under one that takes no suite.

    A deeper line belongs to the line above it, and that one takes no suite. A long line goes on inside
    brackets, or on deeper lines that begin with `->`.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        let width = 8
            conv(width, 3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        let width = 8
        conv(width, 3) -> relu
    ```

    Related: E0121, E0123, E0130.
    """

    first: bool = False

    @property
    def message(self) -> str:
        if self.first:
            return "the first line of a file is not indented"
        return "this line is indented, but the line above it takes no suite"


@dataclass(frozen=True, eq=False, repr=False)
class MissingColon(Mistake, code="E0123"):
    """A line with a suite does not end with a colon.

    A line with a suite, which are the lines indented under it, ends with a colon. Without the colon it would be
    unclear whether the header goes on; headers of `net`, `block`, `if`, `for` and of layers with a body all have
    one.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]
        conv(8, 3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
    ```

    Related: E0122, E0124, E0131.
    """

    @property
    def message(self) -> str:
        return "lines are indented under this one, but it does not end with `:`"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("end it with `:`", replace=":"),)


@dataclass(frozen=True, eq=False, repr=False)
class MissingSuite(Mistake, code="E0124"):
    """Nothing is indented under a colon.

    After a colon at the end of a line come the lines that belong to it, indented. A suite is never empty: a line
    that does nothing is `id`. Lines at the header's own depth are not part of it.

    ```dl fails
    net tiny(deep: bool = true) on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        if deep:
        conv(8, 3) -> relu
    ```

    ```dl
    net tiny(deep: bool = true) on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        if deep:
            conv(8, 3) -> relu
    ```

    Related: E0121, E0123.
    """

    @property
    def message(self) -> str:
        return "nothing is indented under this line"

    @property
    def label(self) -> str:
        return "a suite is expected after this"


@dataclass(frozen=True, eq=False, repr=False)
class OperatorFirst(Mistake, code="E0129"):
    """A line begins with an operator.

    No line begins with an operator, so that a line that was meant to go on with the one above it is never a
    line of its own. Only `->` continues a line, and only from a deeper one; anything else goes on inside
    brackets.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3)
        -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3)
            -> relu
    ```

    Related: E0141, E0162.
    """

    operator: str

    @property
    def message(self) -> str:
        if self.operator == "->":
            return "this line begins with `->`, but is not deeper than the line it would go on with"
        if self.operator == ".":
            return "layers are joined by `->`, not by a dot"
        return f"no line begins with `{self.operator}`"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.operator in (".", "@"):
            return ()
        if self.operator == "->":
            return ()
        if self.operator == "-":
            return (Help("a negative value stands in brackets: `(-x)`; a line goes on only inside brackets"),)
        return (Help("a line goes on inside brackets: put them around the whole expression"),)


@dataclass(frozen=True, eq=False, repr=False)
class SuiteOwner(Mistake, code="E0130"):
    """A suite follows what takes none.

    A suite belongs to a layer at the end of the line: a name or a call, perhaps with `as`. Other
    expressions and other lines take none.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        it * 2:
            conv(8, 3)
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        residual:
            conv(3, 3)
    ```

    Related: E0122, E0131, E0374.
    """

    text: str

    @property
    def message(self) -> str:
        return f"{quoted(self.text)} takes no suite"


@dataclass(frozen=True, eq=False, repr=False)
class SuiteNotSimple(Mistake, code="E0131"):
    """A suite on its header's line has a suite of its own.

    On its header's line a suite is one line without a suite of its own; anything more is indented below. A short
    form within a short form would leave open which header a line below belongs to.

    ```dl fails
    net tiny(deep: bool = true) on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        if deep: residual: conv(8, 3)
    ```

    ```dl
    net tiny(deep: bool = true) on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        if deep:
            residual: conv(8, 3)
    ```

    Related: E0123, E0130.
    """

    @property
    def message(self) -> str:
        return "a suite on its header's line is one line without a suite of its own"


@dataclass(frozen=True, eq=False, repr=False)
class SeqWithoutSuite(Mistake, code="E0132"):
    """`seq` has no suite.

    `seq` makes one module of the lines of its suite; it is no layer that is called. A few layers in a row
    need none: write them as a chain, `(a -> b) as name`.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        seq(conv(8, 3), relu)
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        seq as stem:
            conv(8, 3) -> relu
    ```

    Related: E0130, E0374.
    """

    called: bool

    @property
    def message(self) -> str:
        return "`seq` takes its layers as a suite, not in brackets" if self.called else "`seq` has no suite"


@dataclass(frozen=True, eq=False, repr=False)
class StrayBranch(Mistake, code="E0133"):
    """A `|` stands outside the suite of a layer.

    Lines that begin with `|` are the branches of a layer that takes several, such as `concat` and `add`; they stand
    in its suite, or in a `for` or `if` there. A body by itself is one chain, so there is nothing that would join
    the branches: name the layer that does.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        | conv(8, 3)
        | conv(8, 1)
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        concat:
            | conv(8, 3)
            | conv(8, 1)
    ```

    Related: E0112, E0134, E0374.
    """

    @property
    def message(self) -> str:
        return "a branch stands only in the suite of a layer, as in `concat:`"


@dataclass(frozen=True, eq=False, repr=False)
class MixedBranches(Mistake, code="E0134"):
    """A line without `|` stands among branches.

    A suite is either one chain or only branches; a line among the branches would belong to none of them.
    Lines indented under a branch go on with it.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        concat:
            | conv(8, 3)
            relu
            | conv(8, 1)
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        concat:
            | conv(8, 3)
                relu
            | conv(8, 1)
    ```

    Related: E0133, E0374.
    """

    text: str

    @property
    def message(self) -> str:
        return "this line stands among branches but does not begin with `|`"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.text.startswith(("if ", "for ")):
            return (
                Help("a branch that is chosen or repeated has its `|` behind the colon, as in `if wide: | conv(8, 5)`"),
            )
        bar = f"| {self.text}"
        return (
            Help(f"a branch of its own: {quoted(bar)}", bar, applicability=Applicability.MAYBE),
            Help("to go on with the branch above, indent it deeper than that"),
        )


@dataclass(frozen=True, eq=False, repr=False)
class ElseIf(Mistake, code="E0135"):
    """A further condition is written as `else if`.

    A further condition is written `elif`. As one word it stands at the depth of its `if`; as two it would begin a
    suite on the line of `else`.

    ```dl fails
    net tiny(kind: int = 1) on x[N, 3, H=32, W=32]:
        if kind == 0: conv(8, 3)
        else if kind == 1: conv(8, 1)
    ```

    ```dl
    net tiny(kind: int = 1) on x[N, 3, H=32, W=32]:
        if kind == 0: conv(8, 3)
        elif kind == 1: conv(8, 1)
    ```

    Related: E0123, E0370.
    """

    @property
    def message(self) -> str:
        return "`else if` is written `elif`"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("write `elif`", replace="elif"),)


@dataclass(frozen=True, eq=False, repr=False)
class InPlace(Mistake, code="E0172"):
    """A value is changed in place, as `it *= 2` of Python does.

    Each line of a body makes a new value, and no name changes its value. A line that is an expression is the new
    current value, `it`; a name keeps an old one. Only a `let` list grows, by `+=`.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(3, 3) -> relu
        it += x
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        relu -> conv(3, 3)
        it + x
    ```

    Related: E0143, E0162, E0443.
    """

    operator: str
    stated: bool = False  # of a `let` value

    @property
    def message(self) -> str:
        if self.stated:
            return f"there is no `{self.operator}`: a `let` keeps its value"
        if self.operator == "+=":
            return "`+=` lengthens a `let` list; a line that is an expression is the new `it`"
        return f"there is no `{self.operator}`: a line that is an expression is the new `it`"


@dataclass(frozen=True, eq=False, repr=False)
class ListLine(Mistake, code="E0173"):
    """A line is an item of a YAML list, as the models of detectors are written in.

    `- [from, repeats, module, arguments]` is a call here: the module with its arguments stands by itself, and takes
    what the line above makes. What comes from further up has a name, and what repeats stands in a `for`.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        - [-1, 2, cba, [16, 3]]
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
        for i in range(2): cba(16, 3)
    ```

    Related: E0129, E0171.
    """

    item: bool  # it is one of `[from, repeats, module, arguments]`

    @property
    def message(self) -> str:
        what = "`- [from, repeats, module, arguments]`" if self.item else "an item of a list"
        return f"{what} of a YAML file is written as a call here"


@dataclass(frozen=True, eq=False, repr=False)
class ListMark(Mistake, code="E0174"):
    """Lines begin with a dash or a star, as the items of a list in YAML or Markdown.

    The lines of a body need no mark: each is a step. The branches of `concat` and `add` begin with a bar, since
    each of them begins with the same value.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        concat:
            - conv(8, 1)
            - conv(8, 3)
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        concat:
            | conv(8, 1)
            | conv(8, 3)
    ```

    Related: E0129, E0134, E0173.
    """

    mark: str
    branches: bool

    @property
    def message(self) -> str:
        if self.branches:
            return f"a branch begins with `|`, not with `{self.mark}`"
        return f"a line begins with its layer, not with `{self.mark}`"
