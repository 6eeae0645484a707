"""Names that each line gives again, as in Python: `x = relu(x)`. What is meant is a chain, and needs no names.

The lines of a body are followed with Python's meaning, in which a read means the last line that gave the name. A line
whose value is read only while it is the current one becomes a line of the chain, `relu`; another keeps a name of its
own. All of it is one edit; where it cannot be said so, nothing is proposed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from typing import Final

from dslc.bind import language
from dslc.bind.scopes import assigns
from dslc.diagnostics.model import Edit, Help, Sink
from dslc.foreign.forms import rewriter
from dslc.foreign.rewrite import KindOf, meant
from dslc.foreign.uses import needed, use_edits
from dslc.foreign.values import Unsaid
from dslc.record import entity
from dslc.source import Source, Span
from dslc.syntax import tree
from dslc.syntax.parser import parse
from dslc.syntax.scan import nodes

_SHOWN: Final = 5
"""Lines that a proposal shows at most."""
_HEAD: Final = "net f on x[N]:\n    "


@entity
class Version:
    """What one line gives a name; `own` is the name it keeps, none of a value of the chain."""

    name: str
    own: str | None = None
    fixed: bool = False  # nothing but the chain or an input can hold it
    reads: int = 0


@entity
class _Line:
    """A line that reads or gives such names: its value as it is written here, and what each read means."""

    line: tree.Step | tree.Assign
    value: tree.Expr
    foreign: bool
    made: Version | None
    reads: list[tuple[tree.Name, Version, bool]] = field(default_factory=list)  # and whether it is the current value


class _NoPlan(Exception):
    """What is meant cannot be said by a chain and names of their own."""


class Chained:
    """The body of a block as a chain: `help` says it, and `covered` are the values that its edits replace."""

    def __init__(self, block: tree.Block, names: set[str], kind_of: KindOf, file: tree.File) -> None:
        self.block, self.names, self.file = block, names, file
        given = [t.name for line in assigns(block.suite) for t in line.targets if isinstance(t, tree.Name)]
        self.times = Counter(given)
        self.tensors = tensors = {port.name for port in block.ports or ()} | set(given)
        self.rewriter = rewriter(lambda name: "tensor" if name in tensors else kind_of(name))
        self.values: dict[tree.Stmt, tuple[tree.Expr, bool]] = {}
        self.home: dict[Version, tree.Stmt] = {}
        self.kept: set[tree.Stmt] = set()  # the lines whose value has a name
        self.lines: list[_Line] = []
        self.ends: list[tree.Stmt] = []
        self.count = 0
        self.told = False
        self.help: tuple[Help, ...] = ()
        self.covered: tuple[Span, ...] = ()
        try:
            self._follow()
            self.help = (self._said(),)
        except (_NoPlan, Unsaid):
            return
        self.covered = tuple(each.line.value.span for each in self.lines if each.foreign)

    # ---- what each read means

    def _follow(self) -> None:
        """Follow the lines until the values that need names are known."""
        for _ in range(64):
            before = len(self.kept)
            self.lines = []
            self.used: Counter[str] = Counter(self.names)
            ports = [port.name for port in self.block.ports or ()]
            env = {name: Version(name, name, True) for name in ports if name in self.names}
            self.current: object = env.get(ports[0]) if ports else None
            self._suite(self.block.suite, env)
            last = self.block.suite.body[-1]
            for result in self.block.results or ():
                if result.name in env:
                    self._need(env[result.name], last)
            if len(self.kept) == before:
                break
        else:
            raise _NoPlan
        end = self.current
        for each in self.lines:
            if each.made is not None and not each.made.reads and each.made is not end:
                raise _NoPlan

    def _need(self, version: Version, line: tree.Stmt) -> None:
        """A version is read when it is not the current value, and so has a name."""
        if version.own is None:
            if version.fixed:
                raise _NoPlan
            self.kept.add(self.home[version])
        version.reads += 1

    def _suite(self, suite: tree.Suite, env: dict[str, Version]) -> None:
        for line in suite.body:
            match line:
                case tree.Step():
                    self._line(line, env, None)
                    self.current = line
                case tree.Assign(targets=(tree.Name(name=name),)) if name in self.names:
                    made = Version(name)
                    self.home[made] = line
                    self._line(line, env, made)
                    if line in self.kept:
                        self.used[name] += 1
                        taken = name in {port.name for port in self.block.ports or ()} or self.used[name] > 2
                        made.own = self._fresh(name) if taken else name
                    else:
                        self.current = made
                    env[name] = made
                case tree.Assign():
                    if any(isinstance(t, tree.Name) and t.name in self.names for t in line.targets):
                        raise _NoPlan
                    self._line(line, env, None)
                case tree.For():
                    self._loop(line, env)
                case tree.If():
                    self._if(line, env)
                case _:
                    for read, _ in _reads(line, self.names, False):
                        if read.name in env:
                            self._need(env[read.name], line)

    def _fresh(self, name: str) -> str:
        number = self.used[name] - 1
        while f"{name}_{number}" in self.tensors:
            number += 1
        return f"{name}_{max(number, 2)}"

    def _line(self, line: tree.Step | tree.Assign, env: dict[str, Version], made: Version | None) -> None:
        if line not in self.values:
            self.values[line] = self._here(line.value)
        value, foreign = self.values[line]
        each = _Line(line, value, foreign, made)
        for name, easy in _reads(value, self.names, True):
            version = env.get(name.name)
            if version is None:
                continue
            implicit = easy and version is self.current
            if implicit:
                version.reads += 1
            else:
                self._need(version, line)
            each.reads.append((name, version, implicit))
        if made is not None and not each.reads and isinstance(self.current, Version) and self._goes_on(value, made):
            self.current.reads += 1
        if each.reads or made is not None:
            self.lines.append(each)

    def _goes_on(self, value: tree.Expr, made: Version) -> bool:
        """Whether a line that reads no tensor, `x = relu`, goes on with the line above: of an input or many lines."""
        often = self.times[made.name] > 2 or made.name in {port.name for port in self.block.ports or ()}
        return often and not any(isinstance(n, tree.Name) and n.name in self.tensors for n in nodes(value))

    def _here(self, value: tree.Expr) -> tuple[tree.Expr, bool]:
        """The value of a line in the words of this language, and whether it was in others."""
        if isinstance(value, tree.Lost):
            return value, False
        text = self.rewriter.spell(value)
        if text == value.span.text:
            return value, False
        sink = Sink()
        items = parse(Source("", _HEAD + text + "\n"), sink).items
        body = items[0].suite.body if items and isinstance(items[0], tree.Block) else ()
        if sink.diagnostics or len(body) != 1 or not isinstance(body[0], tree.Step):
            raise _NoPlan
        return body[0].value, True

    def _loop(self, line: tree.For, env: dict[str, Version]) -> None:
        given = {t.name for a in assigns(line.suite) for t in a.targets if isinstance(t, tree.Name)} & self.names
        carried = {name: Version(name, fixed=True) for name in given if name in env}
        for name, version in carried.items():
            if self.current is env[name]:
                env[name].reads += 1
                self.current = version
            env[name] = version
        self._suite(line.suite, env)
        for name, version in carried.items():
            if version.reads and self.current is not env[name]:
                raise _NoPlan
            env[name].reads += 1
        self._after(given, env)

    def _if(self, line: tree.If, env: dict[str, Version]) -> None:
        before, current = dict(env), self.current
        sides = [(dict(env), current)] if line.branches[-1][0] is not None else []
        given: set[str] = set()
        for _, suite in line.branches:
            side, self.current = dict(before), current
            self._suite(suite, side)
            given |= {name for name in side if side[name] is not before.get(name)}
            sides.append((side, self.current))
        for name in given:
            for side, now in sides:
                if name not in side or side[name] is not now:
                    raise _NoPlan
                side[name].reads += 1
        self._after(given, env)

    def _after(self, given: set[str], env: dict[str, Version]) -> None:
        """The names that a suite gave: what is current is the one of them that was."""
        now = next((name for name in given if env.get(name) is self.current or len(given) == 1), None)
        for name in given:
            env[name] = Version(name, fixed=True)
        self.current = env[now] if now is not None else object()

    # ---- what is written

    def _said(self) -> Help:
        edits: list[Edit] = []
        shown: list[str] = []
        for each in self.lines:
            changed, text = self._edits(each)
            edits += changed
            if changed:
                self.count += 1
                shown.append(text)
        if not edits:
            raise _NoPlan
        texts = [f"`{text}`" for text in shown if text]
        listed = ", ".join(texts[:_SHOWN])
        if len(texts) > _SHOWN:
            listed += f", and so on in {len(texts) - _SHOWN} more line{'s' * (len(texts) > _SHOWN + 1)}"
        named = any(each.made is not None and each.made.own is not None for each in self.lines)
        why = "only what a later line reads needs a name, each its own" if named else "a chain needs no names"
        return Help(f"{why}: {listed}", edits=tuple(dict.fromkeys(edits)))

    def _edits(self, each: _Line) -> tuple[list[Edit], str]:
        """The edits of a line, and what it is then; no text for a line that is gone."""
        line, source = each.line, each.line.span.source
        inner = _value_edits(each, self.tensors)
        old = each.value.span
        text = _applied(old.text, [(a - old.start, b - old.start, new) for a, b, new in inner])
        last = line is self.block.suite.body[-1]
        if isinstance(line, tree.Step) and text == "it" and last and len(self.block.suite.body) > 1:
            begin = source.text.rfind("\n", 0, line.span.start)
            end = source.text.find("\n", line.span.end)
            end = len(source.text) if end < 0 else end
            if source.text[begin : line.span.start].strip() == source.text[line.span.end : end].strip() == "":
                return [Edit(Span(source, begin, end), "")], ""
        edits: list[Edit] = []
        name = ""
        if isinstance(line, tree.Assign):
            target = line.targets[0]
            name = f"{', '.join(t.span.text for t in line.targets)} = "
            if each.made is not None and each.made.own is None:
                edits.append(Edit(Span(source, line.span.start, line.value.span.start), ""))
                name = ""
            elif each.made is not None and each.made.own is not None and each.made.own != target.span.text:
                edits.append(Edit(target.span, each.made.own))
                name = f"{each.made.own} = "
        if each.foreign:
            edits.append(Edit(line.value.span, text))
            edits += use_edits(self.file, needed(text, self.rewriter.kind_of))
        else:
            edits += [Edit(Span(source, a, b), new) for a, b, new in inner]
        return edits, " ".join(f"{name}{text}".split())


def _reads(part: object, names: set[str], easy: bool) -> Iterator[tuple[tree.Name, bool]]:
    """The names in a piece of syntax in order, and whether `it` is the current value of the line there."""
    match part:
        case tree.Name(name=name):
            if name in names:
                yield part, easy
            return
        case tree.Chain(steps=(first, *rest)):
            yield from _reads(first, names, easy)
            for step in rest:
                yield from _reads(step, names, False)
            return
        case tree.Suite():
            easy = False
    for kid in sorted(meant(part), key=lambda kid: getattr(getattr(kid, "span", None), "start", 0)):
        yield from _reads(kid, names, easy)


def _value_edits(each: _Line, tensors: set[str]) -> list[tuple[int, int, str]]:
    """The changes of a value that give each read its name, or leave it to the chain."""
    found: list[tuple[int, int, str]] = []
    value = each.value.value if isinstance(each.value, tree.As) else each.value
    head = value.steps[0] if isinstance(value, tree.Chain) else value
    head = head.value if isinstance(head, tree.As) else head
    within = [name for name, *_ in each.reads if head.span.start <= name.span.start < head.span.end]
    for name, version, implicit in each.reads:
        if not implicit:
            if version.own not in (None, name.name):
                found.append((name.span.start, name.span.end, version.own or ""))
            continue
        if isinstance(value, tree.Chain) and head is name:
            found.append((name.span.start, value.steps[1].span.start, ""))
            continue
        steps = _steps(head, name, tensors) if len(within) == 1 and within[0] is name else None
        if steps is not None:
            found.append((head.span.start, head.span.end, " -> ".join(steps)))
        else:
            found.append((name.span.start, name.span.end, "it"))
    return found


def _steps(expr: tree.Expr, read: tree.Name, tensors: set[str]) -> list[str] | None:
    """A call of a tensor as the steps of a chain: `relu(conv(x, 16, 3))` is `conv(16, 3) -> relu`."""
    if not isinstance(expr, tree.Call) or expr.suite is not None or not expr.arguments:
        return None
    first, *rest = expr.arguments
    if first.name is not None or first.star:
        return None
    inner = [] if first.value is read else _steps(first.value, read, tensors)
    if inner is None:
        return None
    target = expr.target
    if isinstance(target, tree.Call):
        return [*inner, target.span.text] if not rest and target.suite is None else None
    if not isinstance(target, tree.Name) or language.kind_of(target.name) not in ("layer", None):
        return None
    if any(isinstance(a.value, tree.Name) and a.value.name in tensors for a in rest) or any(a.star for a in rest):
        return None
    given = ", ".join(argument.span.text for argument in rest)
    return [*inner, f"{target.name}({given})" if given else target.name]


def _applied(text: str, changes: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text
