"""Warnings about names that do nothing, or that hide others."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class UnusedUse(Mistake, code="W0101", name="unused-use"):
    """A `use` line names what its file does not use.

    It is left over, or the line that was to use it is missing or says something else. What is named is loaded and
    checked for nothing, and a reader looks for it.

    ```dl fails
    use std.conv: bsconv, fc

    net f on x[N, 3, 32, 32]:
        bsconv(8) -> gap -> flatten
    ```

    ```dl
    use std.conv: bsconv

    net f on x[N, 3, 32, 32]:
        bsconv(8) -> gap -> flatten
    ```

    Related: W0102, W0104, E0213.
    """

    names: tuple[str, ...]

    @property
    def message(self) -> str:
        *others, last = (f"`{name}`" for name in self.names)
        return f"this file does not use {', '.join(others) + ' and ' + last if others else last}"


class UnusedLet(Mistake, code="W0102", name="unused-let"):
    """A `let` that nothing reads.

    A value that was computed and not used often means that a line below still says the number itself. A name that
    begins with `_` says that it is on purpose.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        let width = 16
        conv(8, 3) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        let width = 16
        conv(width, 3) -> gap -> flatten
    ```

    Related: W0101, W0103, E0365.
    """

    name: str

    @property
    def message(self) -> str:
        return f"nothing reads `{self.name}`"


class UnusedParameter(Mistake, code="W0103", name="unused-parameter"):
    """A parameter that its definition does not read.

    Who gives it expects an effect, and there is none: often a number was left where the parameter was meant. The
    parameters of a block that is handed over as a layer are exempt, because whoever calls it may ask for them, and
    so are those of an `extern block`, and names that begin with `_`.

    ```dl fails
    net f(width: int = 16) on x[N, 3, 32, 32]:
        conv(16, 3) -> gap -> flatten
    ```

    ```dl
    net f(width: int = 16) on x[N, 3, 32, 32]:
        conv(width, 3) -> gap -> flatten
    ```

    Related: W0102, W0104, E0301.
    """

    of: str
    name: str

    @property
    def message(self) -> str:
        return f"`{self.of}` does not read its parameter `{self.name}`"


class UnusedDefinition(Mistake, code="W0104", name="unused-definition"):
    """A block, function or value that nothing uses, in a file that has a net.

    It was meant to be part of a network and is not, or it is left over. Files without a net are libraries, and their
    definitions are for others; a name that begins with `_` says that it is on purpose.

    ```dl fails
    block head(classes: int): gap -> flatten -> linear(classes)

    net f on x[N, 3, 32, 32]:
        gap -> flatten -> linear(10)
    ```

    ```dl
    block head(classes: int): gap -> flatten -> linear(classes)

    net f on x[N, 3, 32, 32]:
        head(10)
    ```

    Related: W0101, W0102, W0103.
    """

    kind: str  # "block", "fn", "let", "extern block"
    name: str

    @property
    def message(self) -> str:
        return f"nothing uses the {self.kind} `{self.name}`"


class HiddenName(Mistake, code="W0105", name="hidden-name"):
    """A name that the program gives hides one of the language or of std.

    In its scope the other meaning cannot be had, and who reads a line there takes it for what it is everywhere else.
    Definitions are looked at, layers that have the name of a block of std, and values with that of a word or a
    function; a tensor called `scale` fits nowhere that the block fits.

    ```dl fails
    block add on a[N, C], b[N, C]: a + b

    net f on x[N, 8]:
        y = relu
        (x, y) -> add
    ```

    ```dl
    block sum_of on a[N, C], b[N, C]: a + b

    net f on x[N, 8]:
        y = relu
        (x, y) -> sum_of
    ```

    Related: E0202, E0211.
    """

    name: str
    what: str

    @property
    def message(self) -> str:
        return f"`{self.name}` hides {self.what}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("give this one another name"),)


class EmptyFile(Mistake, code="W0106", name="empty-file"):
    """A file that defines nothing.

    There is nothing to check in it. Perhaps another file was meant, or what was written was not saved.

    ```sh
    dslc check empty.dl
    ```

    Related: E0216, E0217.
    """

    path: str

    @property
    def message(self) -> str:
        return f"`{self.path}` is empty: it defines no net, block or value"
