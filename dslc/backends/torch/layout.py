"""Python text laid out as `ruff format --line-length 100` does, for the shapes that generated code has.

An expression is a string that is never broken, or a bracketed group whose items are. A statement that fits stands on
one line. Else the items of its bracket move to a line of their own, or, if they do not fit there, to one line each
with a trailing comma (ruff's rules for arguments, parameters and collections). What still does not fit, because a
name is too long to be broken, is kept on one line and marked `# fmt: skip`.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from dslc.record import frozen

WIDTH: Final = 100
INDENT: Final = "    "


@frozen
class Group:
    """`before` an opening bracket, items, a closing bracket, `after`.

    `exploded`: one item per line always (a magic trailing comma). `clauses`: the items are the element of a
    comprehension and its clauses, which take no commas.
    """

    before: str
    items: tuple[Px, ...]
    after: str = ""
    brackets: str = "()"
    exploded: bool = False
    clauses: bool = False


@frozen
class Named:
    """A keyword argument, or any item with text before it: `padding=..`, `*..`."""

    prefix: str
    value: Px


@frozen
class Chain:
    """Calls of methods one after another: `x`, `.flatten(1)`, `.unsqueeze(0)`; the last one also as a Group."""

    parts: tuple[str, ...]
    last: Group

    @property
    def fluent(self) -> bool:
        """Whether ruff breaks it before each method: where two or more follow a bracket."""
        return sum(part.endswith((")", "]")) for part in self.parts[:-1]) >= 2


Px: TypeAlias = str | Group | Named | Chain


def flat(px: Px) -> str | None:
    """The expression on one line; none if something in it must be broken."""
    if isinstance(px, str):
        return px
    if isinstance(px, Chain):
        return flat(px.last)
    if isinstance(px, Named):
        inner = flat(px.value)
        return None if inner is None else px.prefix + inner
    if px.exploded and px.items:
        return None
    items = []
    for item in px.items:
        text = flat(item)
        if text is None:
            return None
        items.append(text)
    comma = "," if px.brackets == "()" and len(items) == 1 and not px.before and not px.clauses else ""
    inside = (" " if px.clauses else ", ").join(items)
    return f"{px.before}{px.brackets[0]}{inside}{comma}{px.brackets[1]}{px.after}"


def statement(prefix: str, px: Px, suffix: str = "", indent: int = 0, comment: str = "") -> list[str]:
    """Lines of `prefix px suffix` at an indentation of `indent` steps; a comment that does not fit is dropped."""
    room = WIDTH - len(INDENT) * indent
    text = flat(px)
    pad = INDENT * indent
    if text is not None and len(prefix) + len(text) + len(suffix) <= room:
        line = f"{prefix}{text}{suffix}"
        if comment and len(line) + 2 + len(comment) <= room:
            line += f"  {comment}"
        return [pad + line]
    lines: list[str] = []
    if isinstance(px, Chain):
        fluent = _fluent(prefix, px, suffix, pad)
        if fluent and all(len(line) <= WIDTH for line in fluent):
            return fluent
        px = px.last
    if _broken(prefix, px, suffix, indent, lines) and all(len(line) <= WIDTH for line in lines):
        return lines
    plain = flat(_unexploded(px)) or ""
    return [f"{pad}{prefix}{plain}{suffix}  # fmt: skip"]


def _fluent(prefix: str, px: Chain, suffix: str, pad: str) -> list[str]:
    """A chain with a line for each method, in brackets; nothing if it is not written so."""
    if not px.fluent:
        return []
    first, *rest = px.parts
    if not first.endswith((")", "]")):
        first += rest.pop(0)
    return [f"{pad}{prefix}(", *(f"{pad}{INDENT}{part}" for part in (first, *rest)), f"{pad}){suffix}"]


def _unexploded(px: Px) -> Px:
    if isinstance(px, str | Chain):
        return px
    if isinstance(px, Named):
        return Named(px.prefix, _unexploded(px.value))
    items = tuple(_unexploded(i) for i in px.items)
    return Group(px.before, items, px.after, px.brackets, False, px.clauses)


def _broken(prefix: str, px: Px, suffix: str, indent: int, lines: list[str]) -> bool:
    """Append the lines of an expression that does not fit on one; false where nothing can be broken."""
    while isinstance(px, Named | Chain):
        prefix, px = (prefix + px.prefix, px.value) if isinstance(px, Named) else (prefix, px.last)
    pad = INDENT * indent
    if isinstance(px, str) or not px.items:
        lines.append(f"{pad}{prefix}{flat(px)}{suffix}")
        return False
    lines.append(f"{pad}{prefix}{px.before}{px.brackets[0]}")
    inner = [flat(item) for item in px.items]
    room = WIDTH - len(INDENT) * (indent + 1)
    separator = " " if px.clauses else ", "
    one_line = None if px.exploded or None in inner else separator.join(i for i in inner if i is not None)
    done = True
    if one_line is not None and len(one_line) <= room and not _single(px):
        lines.append(f"{pad}{INDENT}{one_line}")
    else:
        end = "" if px.clauses else ","
        for item, text in zip(px.items, inner, strict=True):
            if text is not None and len(text) + len(end) <= room:
                lines.append(f"{pad}{INDENT}{text}{end}")
            else:
                done = _broken("", item, end, indent + 1, lines) and done
    lines.append(f"{pad}{px.brackets[1]}{px.after}{suffix}")
    return done


def _single(px: Group) -> bool:
    """A tuple of one item keeps its comma, so it is always written one item per line."""
    return px.brackets == "()" and not px.before and len(px.items) == 1 and not px.clauses


def call(function: str, *items: Px) -> Group:
    """`function(items)`."""
    return Group(function, items)


def exploded(function: str, *items: Px) -> Group:
    """`function(items)` with one item per line."""
    return Group(function, items, exploded=True)


def clean(text: str) -> list[str]:
    """The lines of a text without the indentation they share, tabs, and blank lines at the ends."""
    lines = [line.rstrip() for line in text.expandtabs(4).split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return []
    shared = min((len(line) - len(line.lstrip()) for line in lines[1:] if line), default=0)
    return [lines[0].lstrip(), *(line[shared:] for line in lines[1:])]


def docstring(text: str, indent: int) -> list[str]:
    """Lines of a docstring that holds `text`, whatever the text is: it cannot end the string."""
    lines = [_printable(line) for line in clean(text)]
    if not lines:
        return []
    pad = INDENT * indent
    if lines[0].startswith('"'):
        lines[0] = "\\" + lines[0]
    if len(lines) == 1:
        body = lines[0]
        if body.endswith('"') and (len(body[:-1]) - len(body[:-1].rstrip("\\"))) % 2 == 0:  # not escaped yet
            body = body[:-1] + '\\"'
        return [f'{pad}"""{body}"""']
    return [f'{pad}"""{lines[0]}', *(f"{pad}{line}" if line else "" for line in lines[1:]), f'{pad}"""']


def escaped(text: str) -> list[str]:
    """The lines of a text as they stand between three quotes. One ends at each newline, and nowhere else."""
    lines = [_printable(line) for line in text.split("\n")]
    if lines[-1].endswith('"') and not lines[-1].endswith('\\"'):
        lines[-1] = f'{lines[-1][:-1]}\\"'
    return lines


def _printable(line: str) -> str:
    """A line without control characters, and with what Python would read in a string escaped."""
    line = line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
