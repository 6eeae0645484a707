"""A program with a mistake in it, and a mistake class of the tests' own."""

from __future__ import annotations

from dslc.diagnostics.codes import REGISTRY, SWITCHES
from dslc.diagnostics.model import Help, Mistake
from dslc.source import Source, Span

PROGRAM = """\
net f on x[N, 90, 32, 32]:
    a = conv(180, 3, g=8)
    b = conv(64, 3)
    a + b
"""


class Uneven(Mistake, code="E9001"):
    """Counts that do not divide.

    Why it happens.

    ```dl fails
    bad
    ```

    ```dl
    good
    ```
    """

    count: int = 90
    parts: int = 8
    hint: str = "9 divides 90: write `g=9`"

    @property
    def message(self) -> str:
        return f"cannot split {self.count} channels into {self.parts} groups"

    @property
    def label(self) -> str:
        return f"{self.count} is not a multiple of {self.parts}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(self.hint, replace="9"),)


class Doubtful(Mistake, code="W9002", name="rarely-meant"):
    """Something that is rarely meant.

    Why it happens.

    ```dl fails
    bad
    ```

    ```dl
    good
    ```
    """

    @property
    def message(self) -> str:
        return "rarely meant"


for _code in (Uneven.code, Doubtful.code):  # tests of the whole registry are about the compiler's own
    del REGISTRY[_code]
del SWITCHES[Doubtful.switch]


def span_of(text: str, source: Source, nth: int = 0) -> Span:
    """Where a text stands in a source; `nth` counts its occurrences from 0."""
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(text, start + 1)
    return source.span(start, start + len(text))


def program(text: str = PROGRAM, path: str = "net.dl") -> Source:
    return Source(path, text)


def eight(source: Source) -> Span:
    """The number of groups in PROGRAM."""
    start = source.text.index("8)")
    return source.span(start, start + 1)
