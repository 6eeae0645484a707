"""The text of a map, line by line, to its rules. All that is wrong with it is said at once, each at its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dslc.diagnostics.model import Sink
from dslc.source import Source, Span
from dslc.weights.maps.errors import BadMap, Undecided
from dslc.weights.maps.model import Condition, Drop, Fact, Form, NameMap, Rule, Section, Tie
from dslc.weights.maps.pattern import BadPattern, Piece, Template, pattern

NOTHING = Template("", ())
WORD = re.compile(r"[\w.\-/]+")
HEADING = re.compile(r"\[(?P<source>.*?)->(?P<target>.*?)(?:\s+if\s+(?P<conditions>.*))?\]")
RULE = re.compile(r"(?P<sources>.*?)(?P<arrow>\?->|->)(?P<targets>[^:]*)(?::(?P<form>.*))?")
FORM = re.compile(r"(transpose|reshape)|(permute|axis)((?:\s+\d)+)")
NUMBER = re.compile(r"\d+(\.\d+)?(e-?\d{1,2})?")
DROP_BELOW = ".*"


def parse(source: Source, name: str) -> NameMap:
    """A map as written. Raises `CompileError` for lines that cannot be read and for pairs that are not decided."""
    reader = _Reader(source)
    undecided: list[Span] = []
    for number, start in enumerate(source.line_starts, 1):
        text = source.line_text(number).partition("#")[0].rstrip()
        own = text.lstrip()
        if own.startswith("?") and not own.startswith("?->"):
            undecided.append(source.span(start + len(text) - len(own), start + len(text)))
        elif own:
            try:
                reader.line(own, start + len(text) - len(own))
            except BadPattern as bad:
                reader.sink.add(BadMap(bad.why).at(source.span(bad.start, bad.end)))
    if undecided:
        reader.sink.add(Undecided(len(undecided)).at(undecided[0]))
    rules, drops, ties = tuple(reader.rules), tuple(reader.drops), tuple(reader.ties)
    return reader.sink.finish(
        NameMap(name, source, tuple(reader.prefixes), rules, drops, ties, reader.eps, tuple(reader.facts))
    )


@dataclass
class _Reader:
    """What the lines so far said; `BadPattern` carries offsets in the source."""

    source: Source
    sink: Sink = field(default_factory=Sink)
    prefixes: list[str] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)
    eps: float | None = None
    facts: list[Fact] = field(default_factory=list)
    section: Section = field(default_factory=lambda: Section(NOTHING, NOTHING))

    def line(self, text: str, at: int) -> None:
        word, _, rest = text.partition(" ")
        after = at + len(text) - len(rest)
        if text.startswith("["):
            self.section = self.heading(text, at)
        elif word == "prefix" and "->" not in text:
            for prefix in rest.split():
                self.prefixes.append(prefix.removesuffix(".") + ".")
        elif word == "eps" and "->" not in text:
            self.eps = number(rest, after)
        elif word == "config" and "->" not in text:
            self.facts.append(fact(rest, after))
        elif word == "drop" and "->" not in text:
            for part, place in split(rest, after):
                self.drops.append(Drop(self.named(part, place, drop=True), self.section))
        elif word == "tied" and "->" not in text:
            copy, sign, of = rest.partition("=")
            if not sign:
                raise BadPattern("`tied` names two tensors: `tied lm_head.weight = wte.weight`", at, at + len(text))
            tie = Tie(self.named(copy, after), self.named(of, after + len(copy) + 1))
            if tie.copy.names | tie.of.names:
                raise BadPattern("`tied` names two tensors, without braces", at, at + len(text))
            self.ties.append(tie)
        else:
            self.rules.append(self.rule(text, at))

    def heading(self, text: str, at: int) -> Section:
        found = HEADING.fullmatch(text)
        if found is None:
            why = "a section is `[blocks.{i} -> layers.{i}]`, or with a condition `[.. -> .. if se and not expand]`"
            raise BadPattern(why, at, at + len(text))
        source = read(found["source"], at + found.start("source"), sums=False)
        target = read(found["target"], at + found.start("target"), sums=True)
        conditions = []
        if found["conditions"] is not None:
            for part, place in split(found["conditions"], at + found.start("conditions"), " and "):
                wanted = not part.startswith("not ")
                own = part.removeprefix("not ")
                place += len(part) - len(own)
                name = read(own, place, sums=False)
                known(name, source, place)
                conditions.append(Condition(joined(source, name), wanted))
        return Section(source, target, tuple(conditions))

    def named(self, text: str, at: int, drop: bool = False) -> Template:
        """A name of the file in the current section; that of a `drop` may end with `.*`."""
        if drop and text.strip().endswith(DROP_BELOW):
            own = read(text.rstrip().removesuffix(DROP_BELOW), at, sums=False)
            return Template(f"{own.text}{DROP_BELOW}", joined(self.section.source, own).pieces)
        return joined(self.section.source, read(text, at, sums=False))

    def rule(self, text: str, at: int) -> Rule:
        found = RULE.fullmatch(text)
        if found is None:
            why = "a line is `name in the file -> name in the network`, `drop name`, or a section in brackets"
            raise BadPattern(why, at, at + len(text))
        sources = [self.named(part, place) for part, place in split(found["sources"], at)]
        parts = split(found["targets"], at + found.start("targets"))
        targets = [joined(self.section.target, read(part, place, sums=True)) for part, place in parts]
        for template, (_, place) in zip(targets, parts, strict=True):
            known(template, sources[0], place)
        for other in sources[1:]:
            if not other.names <= sources[0].names:
                alone = sorted(other.names - sources[0].names)
                raise BadPattern(f"the first of the tensors that are joined has no `{{{alone[0]}}}`", at, at + 1)
        reckoned = {name for target in targets for name in target.reckoned}
        for piece in sources[0].pieces:
            if not isinstance(piece, Piece) or piece.name not in reckoned:
                continue
            if not all(word.isdecimal() for word in piece.words):
                raise BadPattern(f"`{{{piece.name}}}` is reckoned with, and stands for words", at, at + 1)
        if len(sources) > 1 and len(targets) > 1:
            raise BadPattern("several tensors go to one, or one to several", at, at + len(text))
        form = Form() if found["form"] is None else self.form(found["form"], at + found.start("form"))
        if form.kind == "reshape" and len(targets) > 1:
            raise BadPattern("what is cut is not reshaped", at, at + len(text))
        span = self.source.span(at, at + len(text))
        return Rule(tuple(sources), tuple(targets), form, found["arrow"] == "->", self.section, span)

    def form(self, text: str, at: int) -> Form:
        found = FORM.fullmatch(text.strip())
        if found is None:
            why = "after the colon stands `transpose`, `permute 1 0 2`, `reshape`, or `axis 1`"
            raise BadPattern(why, at, at + max(1, len(text)))
        if found[1]:
            return Form(found[1])
        axes = tuple(map(int, found[3].split()))
        if found[2] == "axis":
            if len(axes) > 1:
                raise BadPattern("tensors are laid after one another along one axis", at, at + len(text))
            return Form(axis=axes[0])
        if sorted(axes) != list(range(len(axes))):
            raise BadPattern(f"`permute` names each of {len(axes)} axes once, from 0", at, at + len(text))
        return Form("permute", axes)


def number(text: str, at: int) -> float:
    """A number above zero, such as `1e-5`."""
    if NUMBER.fullmatch(text.strip()) is None:
        raise BadPattern("`eps` is a number such as `1e-5`", at, at + max(1, len(text)))
    return float(text)


def fact(text: str, at: int) -> Fact:
    """`hidden_act gelu gelu_new`, or `num_attention_heads = heads`."""
    key, sign, argument = (part.strip() for part in text.partition("="))
    words = () if sign else tuple(text.split())
    names = (key, argument) if sign else words
    if len(names) < 2 or not all(WORD.fullmatch(name) for name in names):
        why = (
            "`config` is followed by a name and what stands there: `config hidden_act gelu`, or `config n_head = heads`"
        )
        raise BadPattern(why, at, at + max(1, len(text)))
    return Fact(key, (), argument) if sign else Fact(words[0], words[1:])


def split(text: str, at: int, sign: str = ",") -> list[tuple[str, int]]:
    """Parts between signs outside braces, without blanks around them, each with its place. None is empty.

    Raises `BadPattern` for an empty part, and for braces of which one has no other.
    """
    found: list[tuple[str, int]] = []
    depth, start, whole = 0, 0, f"{text}{sign}"
    for place, letter in enumerate(whole):
        depth += (letter == "{") - (letter == "}")
        if depth > 0 or place < start or not whole.startswith(sign, place):
            continue
        part = text[start:place]
        if not part.strip():
            raise BadPattern("a name is missing", at + start, at + place + 1)
        found.append((part.strip(), at + start + len(part) - len(part.lstrip())))
        start = place + len(sign)
    if depth:
        place = text.rindex("{") if depth > 0 else text.rindex("}")
        raise BadPattern("a brace has no other: a part of a name is `{i}`", at + place, at + place + 1)
    return found


def read(text: str, at: int, sums: bool) -> Template:
    """A pattern whose text begins at an offset of the source."""
    start = at + len(text) - len(text.lstrip())
    try:
        return pattern(text.strip(), sums)
    except BadPattern as bad:
        raise BadPattern(bad.why, start + bad.start, start + bad.end) from None


def known(name: Template, source: Template, at: int) -> None:
    """Raises `BadPattern` where a name reads a part that the name in the file has not."""
    for alone in sorted(name.names - source.names):
        raise BadPattern(f"`{{{alone}}}` is not on the left of the arrow", at, at + 1)


def joined(before: Template, own: Template) -> Template:
    """A name with its section's before it."""
    if not before.pieces or not own.pieces:
        return own if own.pieces else before
    return Template(f"{before.text}.{own.text}", (*before.pieces, ".", *own.pieces))
