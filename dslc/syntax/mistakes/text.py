"""Characters that are refused, and literals that are not as they should be: E0101 to E0119."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from dslc.diagnostics.model import Help, Mistake
from dslc.syntax.mistakes.words import quoted

# what to write in place of a character, and why
_CHARACTERS: dict[str, tuple[str | None, str]] = {
    ";": (None, ""),
    "\\": (None, "a line goes on inside brackets, and on deeper lines that begin with `->`"),
    "{": (None, "values with names are arguments of a call, lists stand in `[ ]`, suites are indented"),
    "}": (None, "values with names are arguments of a call, lists stand in `[ ]`, suites are indented"),
    "!": (None, "`not` negates, and `!=` compares"),
    "&": (None, "`and` joins conditions"),
    "^": (None, "a power is written `**`"),
    "\u201c": ('"', 'strings stand in straight quotes `"`'),
    "\u201d": ('"', 'strings stand in straight quotes `"`'),
    "\u2192": ("->", "the arrow is written `->`"),
    "\u00d7": ("*", "a product is written `*`, a size `3x3`"),
    "\u2264": ("<=", "written `<=`"),
    "\u2265": (">=", "written `>=`"),
    "\u2260": ("!=", "written `!=`"),
    "\u2212": ("-", "written `-`"),
    "\u2026": ("...", "written `...`"),
    "\u00a0": (" ", "this is a no-break space; a plain one is meant"),
}


@dataclass(frozen=True, eq=False, repr=False)
class FileTooLong(Mistake, code="E0101"):
    """A file is too long.

    A file of more than four million characters is not read: it is no program that a person wrote, and
    reading it would take long. Split a generated program into files and name them with `use`.

    Related: E0125, E0385.
    """

    length: int
    limit: int

    @property
    def message(self) -> str:
        return f"the file has {self.length:,} characters; at most {self.limit:,} are read"


@dataclass(frozen=True, eq=False, repr=False)
class RefusedCharacter(Mistake, code="E0102"):
    """A control character stands in the text.

    Control characters are refused everywhere, in comments and strings too: NUL, a carriage return without a
    newline, and those that change the direction of writing, because text with them is not what it looks like. They
    come with text that was copied from a page or a terminal; the message says which one it is, by its number.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu   # \u200fhere
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu   # here
    ```

    Related: E0103, E0104, E0120.
    """

    code_point: int

    @property
    def message(self) -> str:
        if self.code_point == 0x0D:
            return "a carriage return stands here without a newline"
        if 0xD800 <= self.code_point < 0xE000:
            return f"U+{self.code_point:04X} is half a character: the file is not UTF-8"
        known = unicodedata.name(chr(self.code_point), "a control character").lower()
        return f"U+{self.code_point:04X} ({known}) is refused everywhere, in comments and strings too"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("remove it", replace="\n" if self.code_point == 0x0D else ""),)


@dataclass(frozen=True, eq=False, repr=False)
class ForeignName(Mistake, code="E0103"):
    """A name has letters beside A-Z and a-z.

    A name is made of the letters A-Z a-z, digits and `_`: names become attributes, state-dict keys and ONNX
    names, where letters that look alike would be different things. Comments and strings hold any letters.

    ```dl fails
    net tiny(größe: int = 8) on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
    ```

    ```dl
    net tiny(size_out: int = 8) on x[N, 3, H=32, W=32]:
        conv(size_out, 3) -> relu
    ```

    Related: E0102, E0111, E0114.
    """

    name: str

    @property
    def message(self) -> str:
        letter = next(c for c in self.name if not c.isascii())
        return f"{quoted(self.name)} is no name: `{letter}` (U+{ord(letter):04X}) is not one of A-Z a-z 0-9 _"

    @property
    def help(self) -> tuple[Help, ...]:
        folded = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode()
        if len(folded) < len(self.name) or not folded.isidentifier():
            return ()
        return (Help(f"write `{folded}`", replace=folded),)


@dataclass(frozen=True, eq=False, repr=False)
class WrongCharacter(Mistake, code="E0104"):
    """A character means nothing.

    This character means nothing outside strings and comments. Most such characters are habits of another language:
    `;` between statements, `{ }` around a dictionary or a body, `&` and `!` in a condition. A line is one statement
    here, a suite is indented, and values with names are arguments.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3); relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3)
        relu
    ```

    Related: E0102, E0112, E0128.
    """

    character: str

    @property
    def message(self) -> str:
        shown = self.character
        if not shown.isascii() or not shown.isprintable():
            shown = f"{shown if shown.isprintable() else ''}` (U+{ord(shown[0]):04X})"
            return f"`{shown} means nothing here"
        return f"`{shown}` means nothing here"

    @property
    def help(self) -> tuple[Help, ...]:
        replace, why = _CHARACTERS.get(self.character, (None, ""))
        return (Help(why, replace),) if why else ()


@dataclass(frozen=True, eq=False, repr=False)
class OpenString(Mistake, code="E0105"):
    """A string is not closed on its line.

    A string or a back-tick name ends on the line on which it begins. The line's end closes nothing by itself, or
    one quote that was forgotten would swallow the rest of the file and every mistake in it.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        require H > 8, "too small
        conv(8, 3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        require H > 8, "too small"
        conv(8, 3) -> relu
    ```

    Related: E0106, E0109, E0110.
    """

    quote: str

    @property
    def message(self) -> str:
        if self.quote == "`":
            return "this back-tick name is not closed on its line"
        return "this string is not closed on its line"


@dataclass(frozen=True, eq=False, repr=False)
class SingleQuotes(Mistake, code="E0106"):
    """A string stands in single quotes.

    Strings stand in double quotes, so that there is one way to write one. Python takes both kinds, which is where
    this comes from; `dslc check --fix` puts the double ones.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        require H > 8, 'too small'
        conv(8, 3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        require H > 8, "too small"
        conv(8, 3) -> relu
    ```

    Related: E0105, E0109.
    """

    text: str

    @property
    def message(self) -> str:
        return "strings stand in double quotes"

    @property
    def help(self) -> tuple[Help, ...]:
        inside = self.text[1:-1]
        if len(self.text) < 2 or self.text[-1] != "'" or '"' in inside or "\\" in inside:
            return ()
        return (Help(f'write `"{inside}"`', replace=f'"{inside}"'),)


@dataclass(frozen=True, eq=False, repr=False)
class BadNumber(Mistake, code="E0107"):
    """A number is not written as numbers are.

    Numbers are decimal: `12`, `1_000`, `0.5`, `1e-3`, with the suffixes `K`, `M`, `G` and `T` for
    thousands, millions and so on. A size is numbers with `x` between: `3x3`. A name cannot begin with a
    digit.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8ch, 3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) -> relu
    ```

    Related: E0108, E0113, E0165.
    """

    text: str

    @property
    def message(self) -> str:
        if len(self.text) > 60:
            return f"this number has {len(self.text)} characters, more than any number needs"
        return f"`{self.text}` is not a number, a size or a name"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.text[:2].lower() in ("0x", "0b", "0o") and len(self.text) < 20:
            try:
                value = int(self.text, 0)
            except ValueError:
                return ()
            return (Help(f"numbers are decimal: write `{value}`", replace=str(value)),)
        short = self.text.lstrip("0")
        if self.text.isdigit() and short and len(short) < 60:
            return (Help(f"write `{short}`", replace=short),)
        return ()


@dataclass(frozen=True, eq=False, repr=False)
class LongName(Mistake, code="E0114"):
    """A name has more letters than any name needs.

    Names become files, attributes and parts of state-dict keys; a path of many very long ones would fill the
    memory. 200 letters are more than any key of a published network has. Names that a loop makes are counted with
    what stands for their braces.

    ```dl fails
    net f on x[N, 3, H=32, W=32]:
        conv(8, 3) as very_very_very_very_very_very_very_very_very_very_very_very_very_very_very_very_very_very_\
very_very_very_very_very_very_very_very_very_very_very_very_very_very_very_very_very_very_very_very_\
very_very_long
        relu
    ```

    ```dl
    net f on x[N, 3, H=32, W=32]:
        conv(8, 3) as short
        relu
    ```

    Related: E0103, E0111.
    """

    letters: int
    most: int

    @property
    def message(self) -> str:
        return f"this name has {self.letters:,} letters; {self.most} are the most"


@dataclass(frozen=True, eq=False, repr=False)
class NumberRange(Mistake, code="E0113"):
    """A number is larger than any that a network can hold.

    Whole numbers have 64 bits and floats are finite in float32, in literals as in what is computed from them:
    sizes, indices and weights have these types in PyTorch and in ONNX, and a larger number would wrap around or
    become infinite there without a word. Look for zeros too many, or for a power that grows with the depth.

    ```dl fails
    net f on x[N, 3, H=32, W=32]:
        (it * 1e39) -> flatten
    ```

    ```dl
    net f on x[N, 3, H=32, W=32]:
        (it * 1e30) -> flatten
    ```

    Related: E0107, E0361, E0389.
    """

    text: str
    beyond: str

    @property
    def message(self) -> str:
        return f"{self.text if self.text.startswith('a number of') else f'`{self.text}`'} is {self.beyond}"


@dataclass(frozen=True, eq=False, repr=False)
class ZeroSide(Mistake, code="E0108"):
    """A size has a side of zero.

    Every side of a size is at least one: a kernel or a window without a side covers nothing. Write 1 where an axis
    is to be left alone: `1x3`.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 0x3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 1x3) -> relu
    ```

    Related: E0107, E0305, E0361.
    """

    text: str

    @property
    def message(self) -> str:
        return f"the size `{self.text}` has a side of zero"


@dataclass(frozen=True, eq=False, repr=False)
class BadEscape(Mistake, code="E0109"):
    r"""A backslash begins no escape.

    A backslash in a string begins one of `\n`, `\t`, `\"`, `\\`, `\{` and `\}`. Anything else after a backslash is
    more likely a pattern or a path of Windows that was pasted than a letter that was meant, so it is not passed on
    in silence.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        require H > 8, "8\d"
        conv(8, 3) -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        require H > 8, "8\\d"
        conv(8, 3) -> relu
    ```

    Related: E0105, E0110.
    """

    letter: str

    @property
    def message(self) -> str:
        return f'`\\{self.letter}` is no escape: there are `\\n`, `\\t`, `\\"`, `\\\\`, `\\{{` and `\\}}`'

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("a backslash itself is written twice", replace=f"\\\\{self.letter}"),)


@dataclass(frozen=True, eq=False, repr=False)
class BadInterpolation(Mistake, code="E0110"):
    r"""Braces in a string hold no expression.

    In strings and back-tick names `{` and `}` stand around an expression whose value is put there. A brace
    itself is written `\{` or `\}` in a string.

    ```dl fails
    net tiny(c: int = 8) on x[N, 3, H=32, W=32]:
        require c > 4, "{c is too small"
        conv(c, 3) -> relu
    ```

    ```dl
    net tiny(c: int = 8) on x[N, 3, H=32, W=32]:
        require c > 4, "{c} is too small"
        conv(c, 3) -> relu
    ```

    Related: E0105, E0109, E0111.
    """

    what: str
    ticked: bool = False

    @property
    def message(self) -> str:
        if self.what == "{}":
            return "there is no expression in these braces"
        if self.what == "{{":
            return "this `{` stands inside braces already"
        if self.what == ":":
            return "a value is shown as it is: nothing follows the expression in its braces"
        return "this `{` has no `}` in its text" if self.what == "{" else "this `}` has no `{` before it"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.what == "{{":
            return (Help("a brace itself is written `\\{`"),)
        if self.what == ":" or self.ticked:
            return ()
        if self.what == "{}":
            return (Help("braces themselves are written `\\{\\}`"),)
        return (Help(f"a brace itself is written `\\{self.what}`", replace=f"\\{self.what}"),)


@dataclass(frozen=True, eq=False, repr=False)
class BadTickedName(Mistake, code="E0111"):
    """A back-tick name has a character that names cannot have.

    A back-tick name holds letters, digits, `_`, `-` and expressions in braces. It becomes part of a
    state-dict key, in which a point separates modules.

    ```dl fails
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) as `stem.conv` -> relu
    ```

    ```dl
    net tiny() on x[N, 3, H=32, W=32]:
        conv(8, 3) as `stem-conv` -> relu
    ```

    Related: E0103, E0110, E0204.
    """

    character: str

    @property
    def message(self) -> str:
        if not self.character:
            return "there is nothing between these back-ticks"
        return f"`{self.character}` cannot stand in a back-tick name: A-Z a-z 0-9 _ - and `{{expression}}` can"


@dataclass(frozen=True, eq=False, repr=False)
class LogicalSymbol(Mistake, code="E0112"):
    """A symbol stands for `and` or `or`.

    Conditions are joined by the words `and` and `or`, and negated by `not`. `&&`, `||` and `!` are of C, `&` and
    `|` of arrays in numpy; a line that begins with `|` is a branch here.

    ```dl fails
    net tiny(wide: bool = true, deep: bool = true) on x[N, 3, H=32, W=32]:
        conv(16 if wide && deep else 8, 3) -> relu
    ```

    ```dl
    net tiny(wide: bool = true, deep: bool = true) on x[N, 3, H=32, W=32]:
        conv(16 if wide and deep else 8, 3) -> relu
    ```

    Related: E0104, E0133, E0147.
    """

    symbol: str
    word: str

    @property
    def message(self) -> str:
        return f"`{self.symbol}` is written `{self.word}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"write `{self.word}`", replace="not " if self.symbol == "!" else self.word),)
