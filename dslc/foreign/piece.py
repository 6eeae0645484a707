"""What a rewriting makes: a text, and whether it needs brackets beside other operators."""

from __future__ import annotations

from dslc.record import frozen


@frozen
class Piece:
    """The text of an expression of this language. `entry`: whose words it stands for, as a message names them."""

    text: str
    library: str = ""
    here: str = ""
    note: str = ""
    dot: tuple[int, int] | None = None  # where the first dot and its method stand, of layers that are chained by dots
    other: str = ""  # another reading of the same words, as likely as the text

    @property
    def loose(self) -> bool:
        """Whether it has an operator or an arrow outside brackets."""
        return is_loose(self.text)

    @property
    def closed(self) -> str:
        """The text, in brackets where it needs them beside an operator."""
        return closed(self.text)


def is_loose(text: str) -> bool:
    """Whether a text has an operator or an arrow outside brackets and strings: they stand between spaces."""
    depth, quoted = 0, False
    bare = text.replace(" as ", "_as_")
    if bare.startswith("-"):
        return True
    for letter in bare:
        if letter == '"':
            quoted = not quoted
        elif not quoted:
            depth += (letter in "([") - (letter in ")]")
            if depth == 0 and letter in " */+@%<>":
                return True
    return False


def closed(text: str) -> str:
    """A text in brackets where it needs them beside an operator."""
    return f"({text})" if is_loose(text) else text
