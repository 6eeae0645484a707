"""Expressions that the grammar lets through and the language does not: E0140 to E0159."""

from __future__ import annotations

from dataclasses import dataclass

from dslc.diagnostics.model import Help, Mistake
from dslc.syntax.mistakes.words import quoted


@dataclass(frozen=True, eq=False, repr=False)
class NeedsBrackets(Mistake, code="E0140"):
    """An expression beside `->` needs brackets.

    `->` binds loosest of all, so `a -> b + c` could be read in two ways. Arithmetic, comparisons and
    conditions that are a step of a chain stand in brackets.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(3, 3)
        it + x -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(3, 3)
        (it + x) -> relu
    ```

    Related: E0142, E0148, E0162.
    """

    text: str

    @property
    def message(self) -> str:
        return f"{quoted(self.text)} needs brackets beside `->`"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("put brackets around it", replace=f"({self.text})"),)


@dataclass(frozen=True, eq=False, repr=False)
class UnaryPlus(Mistake, code="E0141"):
    """A plus stands before one value.

    There is no unary plus: it would do nothing, and at the beginning of a line it would hide that the line above
    was meant to go on. Leave it out; what a line adds to the one before stands in brackets, or after `it`.

    ```dl fails
    let shift = (+1)

    net tiny() on x[N, 3, H=32, W=32]:
        conv(8 + shift, 3) -> relu
    ```

    ```dl
    let shift = 1

    net tiny() on x[N, 3, H=32, W=32]:
        conv(8 + shift, 3) -> relu
    ```

    Related: E0129, E0162.
    """

    @property
    def message(self) -> str:
        return "there is no unary `+`"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("remove it", replace=""),)


@dataclass(frozen=True, eq=False, repr=False)
class BareListInChain(Mistake, code="E0142"):
    """Several values flow into a chain without brackets.

    Several values flow into a layer only from brackets: without them it is not said whether all or the last of them
    do. `(a, b) -> join` hands on both, `b -> layer` the last alone.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        a = conv(8, 3) as left
        b = conv(8, 3) as right
        a, b -> concat
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        a = conv(8, 3) as left
        b = conv(8, 3) as right
        (a, b) -> concat
    ```

    Related: E0140, E0367.
    """

    @property
    def message(self) -> str:
        return "several values flow into a chain only from brackets"


@dataclass(frozen=True, eq=False, repr=False)
class Target(Mistake, code="E0143"):
    """What stands before `=` is not a name.

    Before `=` stands the name that a value gets: a plain name or, where the form allows it, a back-tick
    name or several names with commas. Nothing that exists is changed by an assignment.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        x[0] = conv(8, 3)
        relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        y = conv(8, 3)
        y -> relu
    ```

    Related: E0163, E0202.
    """

    form: str
    text: str

    @property
    def message(self) -> str:
        return f"{quoted(self.text)} is not a name that `{self.form}` can give"


@dataclass(frozen=True, eq=False, repr=False)
class NestedNames(Mistake, code="E0176"):
    """Brackets within the names before `=`.

    A layer that gives several tensors gives them side by side: `lstm(.., state=true)` the sequence, the states and the
    cells. PyTorch groups some of them in tuples. The names in the brackets are read as if these were not there.

    ```dl fails
    net f on x[N, T=8, 16]:
        _all, (h, _c) = lstm(32, state=true)
        h -> rearrange("1 n d -> n d")
    ```

    ```dl
    net f on x[N, T=8, 16]:
        _all, h, _c = lstm(32, state=true)
        h -> rearrange("1 n d -> n d")
    ```

    Related: E0143, E0144.
    """

    names: str

    @property
    def message(self) -> str:
        return "no brackets among the names before `=`: the values of a layer stand side by side"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"write `{self.names}`", replace=self.names),)


@dataclass(frozen=True, eq=False, repr=False)
class ForTarget(Mistake, code="E0144"):
    """A `for` has something else than names.

    The names of a `for` are plain names with commas between them, one for each part of an item. Parts of parts are
    taken apart on a line of their own, with `let`.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        for i, (c, k) in enumerate([(8, 3), (16, 1)]):
            conv(c, k) as `conv{i}`
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        for i, item in enumerate([(8, 3), (16, 1)]):
            conv(item[0], item[1]) as `conv{i}`
    ```

    Related: E0143, E0371, E0372.
    """

    @property
    def message(self) -> str:
        return "between `for` and `in` stand plain names"


@dataclass(frozen=True, eq=False, repr=False)
class PositionalAfterKeyword(Mistake, code="E0145"):
    """An argument without a name follows one with a name.

    Arguments without a name come first, as in Python. What stands without a name is taken in the order of the
    header, which a name before it would make unclear. Give the later ones their names, or move them to the front.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, s=2, 3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3, s=2) -> relu
    ```

    Related: E0146, E0303, E0386.
    """

    keyword: str

    @property
    def message(self) -> str:
        return f"an argument without a name stands after {quoted(self.keyword + '=')}"


@dataclass(frozen=True, eq=False, repr=False)
class RepeatedName(Mistake, code="E0146"):
    """An argument or parameter stands twice.

    An argument is given once, and a parameter is declared once. Which of two values was meant cannot be known; one
    of them is often what is left of an edit.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3, s=2, s=1) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3, s=2) -> relu
    ```

    Related: E0145, E0202, E0386.
    """

    name: str
    what: str

    @property
    def message(self) -> str:
        return f"the {self.what} {quoted(self.name)} stands here twice"


@dataclass(frozen=True, eq=False, repr=False)
class SingleEquals(Mistake, code="E0147"):
    """A condition has `=` in place of `==`.

    `=` gives a name to a value; `==` compares two values. In the place of a condition only a comparison makes
    sense, so the mistake is told where it is written and nothing is given a name.

    ```dl fails
    net tiny(deep: int = 1) on x[N, 3, H=32, W=32]:
        if deep = 1: conv(8, 3) -> relu
    ```

    ```dl
    net tiny(deep: int = 1) on x[N, 3, H=32, W=32]:
        if deep == 1: conv(8, 3) -> relu
    ```

    Related: E0112, E0165, E0370.
    """

    limit: bool = False  # in a line of a `budget`

    @property
    def message(self) -> str:
        return f"`=` gives a name; {'a limit is stated by `<=`' if self.limit else 'values are compared by `==`'}"

    @property
    def help(self) -> tuple[Help, ...]:
        sign = "<=" if self.limit else "=="
        return (Help(f"write `{sign}`", replace=sign),)


@dataclass(frozen=True, eq=False, repr=False)
class MissingElse(Mistake, code="E0148"):
    """A conditional value has no `else`.

    `a if condition else b` is a value in both cases. To apply a layer only under a condition, write an `if`
    line, or `else id`.

    ```dl fails
    net tiny(deep: bool = true) on x[N, 3, H=32, W=32]:
        (relu if deep)
    ```

    ```dl
    net tiny(deep: bool = true) on x[N, 3, H=32, W=32]:
        (relu if deep else id)
    ```

    Related: E0140, E0370.
    """

    @property
    def message(self) -> str:
        return "this `if` has no `else`, so there is no value when its condition is false"


@dataclass(frozen=True, eq=False, repr=False)
class GeneratorForm(Mistake, code="E0149"):
    """A comprehension stands outside square brackets.

    A comprehension makes a list and stands in square brackets, also as the only argument of a call. Python's bare
    form makes a generator, which is read once; here all is a list that can be read again.

    ```dl fails
    let width = max(2 * i for i in range(4))

    net tiny() on x[N, 3, H=32, W=32]:
        conv(width, 3) -> relu
    ```

    ```dl
    let width = max([2 * i for i in range(4)])

    net tiny() on x[N, 3, H=32, W=32]:
        conv(width, 3) -> relu
    ```

    Related: E0144, E0372.
    """

    @property
    def message(self) -> str:
        return "a comprehension stands in `[ ]`"
