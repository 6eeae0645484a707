"""Mistakes in the comments that say which warnings are meant."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake, did_you_mean


class UnknownAllow(Mistake, code="W0901", name="unknown-allow"):
    """A comment allows a warning that does not exist, or an error.

    A comment `# dslc: allow(unused-use)` silences the warnings of that name in its line. A name that no warning has
    silences nothing, so it is said; so is an error's code, since errors are always told.

    ```sh
    # net.dl: use std.conv: cba  # dslc: allow(unused-uses)
    dslc check net.dl
    ```

    Related: W0902, W0903.
    """

    name: str
    error: bool
    near: str | None

    @property
    def message(self) -> str:
        if self.error:
            return f"`{self.name}` is an error, which no comment silences"
        return f"there is no warning `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near)


class UnusedAllow(Mistake, code="W0902", name="unused-allow"):
    """A comment allows a warning that its line, or file, does not give.

    What was warned of may be mended, or stand in another line by now: `# dslc: allow(..)` is about the line that it
    stands in, or about the line below where it has a line for itself. A comment that silences nothing would hide the
    next mistake there. It is said only if every net of the file was checked and the file has no error.

    ```sh
    # net.dl: use std.conv: cba  # dslc: allow(unused-use)
    dslc check net.dl
    ```

    Related: W0901, W0903.
    """

    name: str
    whole: bool  # whether it is about the file

    @property
    def message(self) -> str:
        return f"`{self.name}` is not warned of {'in this file' if self.whole else 'here'}"

    @property
    def label(self) -> str:
        return "this silences nothing"


class WrongComment(Mistake, code="W0903", name="wrong-comment"):
    """A comment that is addressed to dslc, and that dslc does not understand.

    There are two: `# dslc: allow(NAME, ..)` at a line, and `# dslc: allow-file(NAME, ..)` in the comments and empty
    lines that a file begins with. Another one would do nothing, and nobody would see why.

    ```sh
    # net.dl: use std.conv: cba  # dslc: ignore(unused-use)
    dslc check net.dl
    ```

    Related: W0901, W0902.
    """

    text: str
    late: bool  # whether it is right, but for its place
    clear: bool  # whether it is plain what was meant

    @property
    def message(self) -> str:
        if self.late:
            return f"`{self.text}` stands in the lines that a file begins with, before any other"
        return f"`{self.text}` says nothing to dslc"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.late or self.clear:
            return ()
        return (Help("it is `# dslc: allow(unused-use)`, or `allow-file(..)` for the whole file"),)
