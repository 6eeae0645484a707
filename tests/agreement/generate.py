"""Random `.dl` programs, well typed by construction or nearly so, one for each seed.

A program is some blocks and a net that uses them several times with different arguments. A suite is written line by
line while its state is tracked: the width of `it` as an expression of the block's words, the place (an id that
changes where the map's size does), and the names not read yet, which later lines must read. Widths are multiples
of 4, so that groups, heads and halves divide. A program that dslc refuses is of no use and is skipped by its reader.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

ACTS = "relu gelu silu leaky_relu(0.2) relu6 hswish tanh elu mish softplus sigmoid hsigmoid celu(0.5) selu".split()
NORMS = ["bn", "bn", "bn(eps=0.001)", "gn(2)", "gn(4)", "ln(axis=1)", "inorm", "inorm(affine=true)", "id", "l2norm"]
TOKEN_NORMS = ["ln", "ln(eps=0.001)", "rmsnorm", "rmsnorm(eps=0.001)", "id", "ln(affine=false)"]
CHOICES: dict[str, Sequence[str]] = {
    "out": ("4", "8", "8", "12"),
    "n": ("0", "1", "2", "3"),
    "k": ("1", "3", "3", "5"),
    "wide": ("true", "false"),
    "mode": ("0", "1", "2"),
    "p": ("0.1", "0.2", "0.5"),
    "e": ("0.5", "0.25", "2.0"),
    "heads": ("1", "2", "4"),
    "s": ("1", "2"),
    "widths": ("[4, 8]", "[8]", "[4, 4, 12]"),
}
TYPES = {"wide": "bool", "p": "float", "e": "float", "act": "layer", "norm": "layer", "widths": "[int]"}


@dataclass(frozen=True)
class Part:
    """A block of the program: `kind` is "map" or "tokens", `result` the width it gives: "C", "D" or "out"."""

    name: str
    kind: str
    params: dict[str, str | None]
    result: str
    ports: int = 1


@dataclass
class Names:
    """New names of one block."""

    count: int = 0

    def new(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"


@dataclass
class State:
    """What `it` is. `place` is 0 as long as the map has the size of the block's input."""

    width: str
    place: int = 0
    turns: tuple[str, ...] = ()  # loop variables in whose suite the line stands
    chain: bool = False  # in a suite that is a layer: names cannot be bound there
    seq: bool = False  # in a `seq`: no `module` and no `param` there


@dataclass
class Writer:
    """Writes the suite of one block or net."""

    rng: random.Random
    parts: list[Part]
    inlines: list[str]
    kind: str
    params: dict[str, str | None]
    fuel: int
    axis: str  # the word for the width of the input: "C", "D"; in a net "8"
    names: Names = field(default_factory=Names)
    lines: list[str] = field(default_factory=list)
    indent: int = 1
    places: int = 0
    halvings: int = 1
    used: set[str] = field(default_factory=set)

    # ---- words

    def write(self, line: str) -> None:
        self.lines.append("    " * self.indent + line)

    def has(self, name: str) -> bool:
        found = name in self.params
        if found:
            self.used.add(name)
        return found

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def act(self) -> str:
        if "act" in self.params and self.chance(0.6):
            return self.say("act")
        return self.rng.choice([*ACTS, "relu", "relu", "prelu"])

    def norm(self) -> str:
        if "norm" in self.params and self.chance(0.6):
            return self.say("norm")
        return self.rng.choice(NORMS if self.kind == "map" else TOKEN_NORMS)

    def say(self, name: str) -> str:
        self.used.add(name)
        return name

    def width(self) -> str:
        words = [self.axis, self.axis, "8", "4", f"2 * {self.axis}"]
        if "out" in self.params:
            words += [self.say("out")] * 3 + ["2 * out", "out + 4", "max(out, 8)"]
        if "widths" in self.params and self.chance(0.4):
            words += [f"{self.say('widths')}[0]", "widths[-1]", "sum(widths)"]
        return self.rng.choice(words)

    def kernel(self) -> str:
        return self.say("k") if "k" in self.params and self.chance(0.5) else self.rng.choice("133")

    def condition(self, state: State) -> str:
        """A condition on parameters, dims or a loop's variable."""
        found = [f"{self.axis} == 8", f"{self.axis} > 4"]
        for name, texts in {
            "wide": ("wide", "not wide", "wide"),
            "n": ("n > 1", "n == 2", "n % 2 == 0"),
            "out": (f"{self.axis} == out", f"{self.axis} != out", "out > 4"),
            "mode": ("mode == 1", "mode != 0"),
            "k": ("k > 1",),
        }.items():
            if name in self.params:
                found += texts * 2
        if state.turns:
            found += [f"{state.turns[-1]} > 0", f"{state.turns[-1]} % 2 == 0"] * 2
        text = self.rng.choice(found)
        if self.chance(0.15):
            text = f"{text} {self.rng.choice(['and', 'or'])} {self.rng.choice(found)}"
        for name in ("wide", "n", "out", "mode", "k"):
            if name in text.replace("==", " ").split():
                self.used.add(name)
        return text

    def module_name(self, state: State, p: float = 0.5) -> str:
        """` as name`, or nothing."""
        if not self.chance(p):
            return ""
        name = self.names.new("m")
        return f" as {name}" if not state.turns else f" as `{name}_" + "_".join(f"{{{t}}}" for t in state.turns) + "`"

    # ---- steps: each gives the text of a layer and the width it leaves

    def step(self, state: State) -> tuple[str, str]:
        return self.map_step(state) if self.kind == "map" else self.token_step(state)

    def map_step(self, state: State) -> tuple[str, str]:
        w, rng = state.width, self.rng
        plain = [
            lambda: (f"conv({self.save('w')}, {self.kernel()})" + self.module_name(state), self.kept),
            lambda: (f"conv({self.save('w')}, {self.kernel()})" + self.module_name(state), self.kept),
            lambda: (f"cba({self.save('w')}, {self.kernel()}, act={self.act()})" + self.module_name(state), self.kept),
            lambda: (f"conv({w}, 3, g={rng.choice('24')})" + self.module_name(state), w),
            lambda: ("dw(3)" + self.module_name(state), w),
            lambda: (f"pw({self.save('w')}, bias=false)" + self.module_name(state), self.kept),
            lambda: (f"conv({w}, 3, d=2)" + self.module_name(state), w),
            lambda: (self.norm() + self.module_name(state), w),
            lambda: (self.norm() + self.module_name(state), w),
            lambda: (self.act() + self.module_name(state, 0.1), w),
            lambda: (self.act() + self.module_name(state, 0.1), w),
            lambda: ("maxpool(3, s=1, p=1)", w),
            lambda: ("avgpool(3, s=1, p=1)", w),
            lambda: (
                rng.choice([f"dropout({self.drop()})", f"dropout2d({self.drop()})", f"droppath({self.drop()})"]),
                w,
            ),
            lambda: (f"se({rng.choice('24')}, act={self.act()})" + self.module_name(state), w),
            lambda: (f"sepconv({self.save('w')}, norm={self.norm()})" + self.module_name(state), self.kept),
            lambda: ("shuffle(2)", w),
            lambda: ('rearrange("n (a b) h w -> n (b a) h w", a=2)', w),
            lambda: ("upsample(2) -> avgpool(2)", w),
            lambda: ('pad(((1, 1), (2, 2)), mode="reflect") -> crop(((1, 1), (2, 2)))', w),
            lambda: (f"roll({rng.choice('12')}, 2)", w),
            lambda: ('rearrange("n c h w -> n h w c") -> linear(8) -> rearrange("n h w c -> n c h w")', "8"),
            lambda: ("softmax", w),
            lambda: ("glu -> conv(8, 1)", "8"),
            lambda: ("(it * 2 + 1)" if not state.chain else "relu", w),
        ]
        return rng.choice(plain)()

    kept: str = ""

    def save(self, _: str) -> str:
        self.kept = self.width()
        return self.kept

    def drop(self) -> str:
        return self.say("p") if "p" in self.params and self.chance(0.6) else self.rng.choice(["0.1", "0.3"])

    def token_step(self, state: State) -> tuple[str, str]:
        w, rng = state.width, self.rng
        heads = self.say("heads") if "heads" in self.params and self.chance(0.6) else rng.choice("124")
        plain = [
            lambda: (f"linear({self.save('w')})" + self.module_name(state), self.kept),
            lambda: (f"linear({self.save('w')}, bias=false)" + self.module_name(state), self.kept),
            lambda: (self.norm() + self.module_name(state), w),
            lambda: (self.norm() + self.module_name(state), w),
            lambda: (self.act() + self.module_name(state, 0.1), w),
            lambda: (f"dropout({self.drop()})", w),
            lambda: ("softmax", w),
            lambda: (f"attention({heads})" + self.module_name(state), w),
            lambda: (f"encoder({heads}, 2, act={rng.choice(ACTS)})" + self.module_name(state), w),
            lambda: (f"mlp({self.save('w')}, act={rng.choice(ACTS)})" + self.module_name(state), w),
            lambda: (f'rearrange("n t d -> n d t") -> conv({w}, 3) -> rearrange("n d t -> n t d")', w),
            lambda: (f"{rng.choice(['lstm', 'gru', 'rnn'])}({self.save('w')})" + self.module_name(state), self.kept),
            lambda: ("gru(4, bidirectional=true)" + self.module_name(state), "8"),
            lambda: ("transpose(1, 2) -> transpose(1, 2)", w),
            lambda: ("tanh", w),
            lambda: ("glu -> linear(8)", "8"),
            lambda: ("rotary", w),
        ]
        return rng.choice(plain)()

    def chain(self, state: State, longest: int = 3) -> tuple[str, str]:
        steps = []
        width = state.width
        for _ in range(self.rng.randint(1, longest)):
            text, width = self.step(replace(state, width=width))
            steps.append(text)
        return " -> ".join(steps), width

    def back(self, state: State, width: str, k: str = "1") -> str:
        """A layer that makes `width` channels."""
        name = self.module_name(state, 0.4)
        return (f"conv({width}, {k})" if self.kind == "map" else f"linear({width})") + name

    def keeping(self, state: State) -> str:
        """A chain after which the width is what it was."""
        text, width = self.chain(replace(state, chain=True), 2)
        return text if width == state.width else f"{text} -> {self.back(state, state.width)}"

    # ---- lines

    def suite(self, state: State, count: int) -> State:
        for _ in range(count):
            if self.fuel <= 0:
                break
            self.fuel -= 1
            state = self.line(state)
        return state

    def line(self, state: State) -> State:
        both: list[Callable[[State], State]] = [
            self.plain, self.plain, self.plain, self.residual, self.residual, self.branches, self.optional,
            self.optional, self.loop, self.sequence, self.conditional, self.nested_call, self.nested_call,
            self.combinator, self.choice, self.nothing_if,
        ]  # fmt: skip
        naming: list[Callable[[State], State]] = [
            self.tap, self.grown, self.shared, self.parameter, self.either, self.split, self.two_ports, self.tables,
            self.escaping,
        ]  # fmt: skip
        if self.kind == "map":
            both += [self.strided, self.pyramid, self.scaled]
            naming += [self.guarded, self.as_tokens, self.encoder]
        else:
            naming += [self.own_attention, self.positions, self.tied]
        return self.rng.choice(both if state.chain else both + naming)(state)

    def plain(self, state: State) -> State:
        text, width = self.chain(state)
        if text.startswith("(") and self.chance(0.5):
            return state
        if not text.startswith("(it") and " -> (it" not in text and self.chance(0.15):
            text = f"({text})" + (self.module_name(state, 1.0))
        if text.startswith("(it") and " -> " in text and not text.endswith(")"):
            pass
        self.write(text)
        return replace(state, width=width)

    def inside(self, state: State, count: int = 1, keep: bool = True) -> State:
        """An indented suite; `keep`: it leaves the width and place it found."""
        self.indent += 1
        before = len(self.lines)
        after = self.suite(state, self.rng.randint(1, count + 1))
        if keep and after.width != state.width:
            self.write(self.back(state, state.width))
            after = replace(after, width=state.width)
        if len(self.lines) == before:
            self.write("relu")
        self.indent -= 1
        return after

    def keeping_suite(self, state: State, count: int = 1) -> None:
        """An indented suite of lines that leave the place as well."""
        halvings, self.halvings = self.halvings, 0
        self.inside(state, count)
        self.halvings = halvings

    def residual(self, state: State) -> State:
        if self.chance(0.3):
            self.write(f"{self.rng.choice(['residual', 'residual', 'add'])}: " + self.keeping(state))
            if self.lines[-1].lstrip().startswith("add"):
                self.lines[-1] = self.lines[-1].replace("add: ", "residual: ")
            return state
        if self.chance(0.4):
            width = self.width()
            skip = self.back(state, width)
            cond = self.condition(state)
            always = width == state.width and self.chance(0.5)
            skip = f"({skip} -> {self.norm()}){self.module_name(state, 0.6)}" if self.chance(0.5) else skip
            self.write(f"residual(skip = {f'{skip} if {cond} else id' if always else skip}):")
            self.indent += 1
            self.write(f"{self.keeping(state)} -> {self.back(state, width)}")
            self.indent -= 1
            return replace(state, width=width)
        self.write("residual:")
        self.keeping_suite(replace(state, chain=True))
        return state

    def scaled(self, state: State) -> State:
        self.write(f"scale: gap -> conv({self.rng.choice(['4', f'max(4, {self.axis} // 2)'])}, 1) -> {self.act()} -> "
                   f"conv({state.width}, 1) -> sigmoid")  # fmt: skip
        return state

    def branches(self, state: State) -> State:
        if self.kind == "map" and self.chance(0.4):
            self.write("concat:")
        else:
            self.write("add:")
        joined = self.lines[-1].strip() == "concat:"
        inner = replace(state, chain=True)
        loop = self.chance(0.25) and "n" in self.params
        for _ in range(self.rng.randint(1, 3)):
            self.write(f"    | {self.keeping(inner)}")
        if loop:
            j = self.names.new("j")
            self.write(f"    for {j} in range({self.say('n')}):")
            self.write(f"        | {self.keeping(replace(inner, turns=(*state.turns, j)))}")
        elif self.chance(0.3):
            self.write(f"    if {self.condition(state)}:")
            self.write(f"        | {self.keeping(inner)}")
        if joined:
            width = self.width()
            self.write(self.back(state, width))
            return replace(state, width=width)
        return state

    def optional(self, state: State) -> State:
        if self.chance(0.3):
            self.write(f"if {self.condition(state)}: {self.keeping(state)}")
            return state
        if self.chance(0.3):
            width = self.width()
            self.write(f"if {self.condition(state)}: {self.chain(replace(state, chain=True))[0]}")
            self.write(self.back(state, width))
            return replace(state, width=width)
        self.write(f"if {self.condition(state)}:")
        self.keeping_suite(state)
        for _ in range(self.rng.choice([0, 0, 1])):
            self.write(f"elif {self.condition(state)}:")
            self.keeping_suite(state, 0)
        if self.chance(0.5):
            self.write("else:")
            self.keeping_suite(state)
        return state

    def nothing_if(self, state: State) -> State:
        cond = self.condition(state)
        if state.chain or state.place or state.width != self.axis or self.axis == "8":
            return state
        self.write(f"if {cond}: it + x")
        return state

    def count(self, state: State) -> str:
        if "n" in self.params and self.chance(0.7):
            return self.rng.choice([self.say("n"), "n", "n + 1"])
        return self.rng.choice("123")

    def loop(self, state: State) -> State:
        i = self.names.new("i")
        if "widths" in self.params and self.chance(0.5):
            w = self.names.new("w")
            self.write(f"for {i}, {w} in enumerate({self.say('widths')}):")
            turns = (*state.turns, i)
            layer = f"conv({w}, 3)" if self.kind == "map" else f"linear({w})"
            self.write(f"    {layer}{self.module_name(replace(state, turns=turns))} -> {self.act()}")
            return replace(state, width="widths[-1]")
        if len(state.turns) > 1:
            return state
        self.write(f"for {i} in range({self.count(state)}):")
        self.keeping_suite(replace(state, turns=(*state.turns, i)))
        return state

    def sequence(self, state: State) -> State:
        self.write(f"seq{self.module_name(state)}:")
        inner = self.inside(replace(state, seq=True), 2, keep=self.chance(0.5))
        return replace(state, width=inner.width, place=inner.place)

    def escaping(self, state: State) -> State:
        """A `seq` from which a tensor escapes."""
        if state.turns:
            return state
        y = self.names.new("y")
        self.write(f"seq{self.module_name(state)}:")
        self.write(f"    {self.keeping(state)}")
        self.write(f"    {y} = it")
        self.write(f"    {self.keeping(state)}")
        self.write(f"it + {y}")
        return state

    def conditional(self, state: State) -> State:
        """`(..) as name if c else id`."""
        text = f"({self.keeping(state)} -> {self.keeping(state)}){self.module_name(state, 0.8)}"
        self.write(
            f"({text} if {self.condition(state)} else {self.rng.choice(['id', 'id', self.back(state, state.width)])})"
        )
        return state

    def choice(self, state: State) -> State:
        """One layer or another."""
        self.write(f"({self.back(state, state.width)} if {self.condition(state)} else {self.act()}) -> {self.act()}")
        return state

    def call(self, part: Part, state: State) -> str:
        """The text of a use, with arguments at random."""
        args = []
        skipped = False
        for name, default in part.params.items():
            if default is not None and self.chance(0.5):
                skipped = True
                continue
            text = self.argument(name, part)
            args.append(f"{name}={text}" if skipped or self.chance(0.3) else text)
            skipped = skipped or "=" in args[-1]
        return f"{part.name}({', '.join(args)})" if args else part.name

    def argument(self, name: str, part: Part) -> str:
        if name == "s":
            return "1"
        if name in self.params and self.chance(0.4):
            return self.say(name)
        if name == "act":
            return self.rng.choice([*ACTS, "relu", "id", "prelu"])
        if name == "norm":
            return self.rng.choice(NORMS if part.kind == "map" else TOKEN_NORMS)
        return self.rng.choice(CHOICES[name])

    def after(self, part: Part, call: str, state: State) -> State | None:
        """The state after a call; none where the width it leaves has no word here."""
        if part.result in "CD":
            return state
        args = call.partition("(")[2][:-1].split(", ")
        if "out=" in call:
            text = next(a.removeprefix("out=") for a in args if a.startswith("out="))
        elif part.params["out"] is None or (args and args[0] and "=" not in args[0]):
            text = args[0]
        else:
            text = part.params["out"]
        return replace(state, width=text)

    def nested_call(self, state: State) -> State:
        parts = [p for p in self.parts if p.kind == self.kind and p.ports == 1]
        if not parts:
            return state
        part = self.rng.choice(parts)
        call = self.call(part, state)
        if "s" in part.params and self.halvings and not state.turns and not state.chain and self.chance(0.4):
            call = self.with_stride(call, part)
            self.halvings -= 1
            self.places += 1
            state = replace(state, place=self.places)
        name = self.module_name(state)
        after = self.after(part, call, state)
        assert after is not None
        if state.turns and after.width != state.width:
            call = f"{call}{name} -> {self.back(state, state.width)}"
            name, after = "", state
        self.write(call + name)
        return after

    def with_stride(self, call: str, part: Part) -> str:
        stem, _, inside = call.partition("(")
        args = [a for a in self.split_args(inside[:-1])] if inside else []
        kept, seen = [], list(part.params)
        for place, arg in enumerate(args):
            name = arg.partition("=")[0] if "=" in arg.partition("(")[0] else seen[place]
            if name != "s":
                kept.append(f"{name}={arg.partition('=')[2]}" if "=" in arg.partition("(")[0] else f"{name}={arg}")
        stride = self.say("s") if "s" in self.params and self.chance(0.3) else "2"
        return f"{stem}({', '.join([*kept, f's={stride}'])})"

    @staticmethod
    def split_args(text: str) -> list[str]:
        found, depth, start = [], 0, 0
        for k, c in enumerate(text):
            depth += (c in "([") - (c in ")]")
            if c == "," and not depth:
                found.append(text[start:k].strip())
                start = k + 1
        return [*found, text[start:].strip()]

    def combinator(self, state: State) -> State:
        """A trailing suite of one of the program's own combinators."""
        if not self.inlines:
            return state
        name = self.rng.choice(self.inlines)
        if name == "wrap":
            self.write(f"wrap{self.module_name(state)}: {self.keeping(replace(state, chain=True))}")
            return state
        args = f"({self.rng.choice(CHOICES['e'])})" if name == "weighted" and self.chance(0.6) else ""
        self.write(f"{name}{args}:")
        self.keeping_suite(replace(state, chain=True), 0)
        return state

    # ---- lines that name values

    def tap(self, state: State) -> State:
        if state.turns:
            return state
        y = self.names.new("y")
        how = self.rng.randrange(4)
        self.write(f"{y} = it" if how % 2 else f"{y} = {self.keeping(state)}")
        halvings, self.halvings = self.halvings, 0
        after = self.suite(state, self.rng.randint(1, 3))
        self.halvings = halvings
        if after.width == state.width and self.chance(0.7):
            self.write(
                self.rng.choice(
                    [f"it + {y}", f"{y} + it", f"it * {y}", f"it - {y} * 0.5", f"{y} + (it -> {self.act()})"]
                )
            )
            return after
        width = self.width()
        self.write(
            self.rng.choice([f"concat(it, {y})", f"concat({y}, it)", f"concat({y}, it, {y})"])
            + f" -> {self.back(state, width)}"
        )
        return replace(after, width=width)

    def split(self, state: State) -> State:
        if state.turns:
            return state
        a, b = self.names.new("a"), self.names.new("b")
        self.write(f"{a}, {b} = chunk(2)")
        width = self.width()
        act = self.act()
        self.write(self.rng.choice([f"concat({b}, {a} -> {act})", f"{a} * ({b} -> sigmoid)", f"({a} -> {act}) + {b}"]))
        self.write(self.back(state, width))
        return replace(state, width=width)

    def grown(self, state: State) -> State:
        if state.turns:
            return state
        xs, i = self.names.new("xs"), self.names.new("i")
        self.write(f"let {xs} = []")
        count = self.count(state)
        count = f"{count} + 1" if count == "n" else count
        self.write(f"for {i} in range({count}):")
        self.keeping_suite(replace(state, turns=(*state.turns, i)), 0)
        if self.chance(0.3):
            self.write(f"    if {i} % 2 == 0: {xs} += [it]")
        else:
            self.write(f"    {xs} += [it]")
        width = self.width()
        if self.chance(0.3):
            y = self.names.new("y")
            self.write(f"for {y} in {xs}:")
            self.write(f"    it + ({y} -> {self.act()})")
            return state
        self.write(
            f"concat(*{xs}) -> {self.back(state, width)}"
            if self.chance(0.5)
            else f"concat(it, {xs}[0], {xs}[-1]) -> {self.back(state, width)}"
        )
        return replace(state, width=width)

    def encoder(self, state: State) -> State:
        """Levels that go down and come up again, by back-tick names."""
        if state.turns or state.place or self.kind != "map":
            return state
        d, i, j = self.names.new("d"), self.names.new("i"), self.names.new("j")
        count = self.rng.choice("12")
        w = state.width
        text, width = self.chain(replace(state, turns=(i,)), 2)
        text = text if width == w else f"{text} -> conv({w}, 3)"
        self.write(f"for {i} in range({count}):")
        self.write(f"    {text}")
        self.write(f"    `{d}_{{{i}}}` = it")
        self.write(f"    {self.rng.choice(['maxpool(2)', 'avgpool(2)', f'conv({w}, 3, s=2)'])}")
        self.write(f"for {j} in reversed(range({count})):")
        up = self.rng.choice(["upsample(2)", f"deconv({w}, 2, s=2)", f"upsample(like=`{d}_{{{j}}}`)"])
        if up.endswith("`)"):
            self.write(f"    (it -> {up}) + `{d}_{{{j}}}`")
        else:
            self.write(f"    {up}")
            self.write(f"    concat(`{d}_{{{j}}}`, it) -> conv({w}, 1)")
        return state

    def shared(self, state: State) -> State:
        if state.turns or state.seq:
            return state
        h = self.names.new("h")
        self.write(
            f"module {h} = "
            + (
                f"seq: {self.keeping(state)} -> {self.norm()}"
                if self.chance(0.6)
                else self.back(state, state.width).partition(" as ")[0]
            )
        )
        y = self.names.new("y")
        self.write(f"{y} = {h}")
        self.write(f"(it -> {self.act()}) -> {h}" + (f" -> {h}" if self.chance(0.4) else ""))
        self.write(f"it + {y}")
        return state

    def parameter(self, state: State) -> State:
        if state.turns or state.seq or state.width != self.axis:
            return state
        t = self.names.new("t")
        sizes = ", 1, 1" if self.kind == "map" else ""
        how = self.rng.randrange(4)
        if how == 0:
            self.write(
                f"param {t}: [{self.axis}{sizes}] = {self.rng.choice(['ones', 'zeros', 'normal(0.1)', 'trunc_normal(0.02)'])}"
            )
            self.write(self.rng.choice([f"it * {t}", f"it + {t}"]))
        elif how == 1:
            word = self.rng.choice(["buffer", "const"])
            value = self.rng.choice(["i / 8 + 0.5", "2.0 ** (-(i + 1))", "i % 2 + 0.25"])
            self.write(
                f"{word} {t}: [i: {self.axis}] = {value}"
                if self.kind == "tokens"
                else f"{word} {t}: [i: {self.axis}, j: 1, k: 1] = {value}"
            )
            self.write(f"it * {t}")
        elif how == 2:
            self.write(
                f"param {t}: [1, {self.axis}{sizes}] = ones"
                if self.kind == "map"
                else f"param {t}: [1, 1, {self.axis}] = ones"
            )
            self.write(f"it * {t}")
        else:
            self.write(f"param {t}: [1] = ones")
            self.write(f"it * {t}")
        return state

    def either(self, state: State) -> State:
        if state.turns:
            return state
        y = self.names.new("y")
        train = self.rng.choice([f"(it -> dropout({self.drop()}))", f"(it -> {self.keeping(state)})", "(it * 0.5)"])
        other = self.rng.choice([f"(it -> {self.keeping(state)})", "(it * 2)", "it"])
        if self.chance(0.3):
            self.write(f"({train} if training else {other})")
            return state
        self.write(f"{y} = {train} if training else {other}")
        self.write(f"it + {y}")
        return state

    def two_ports(self, state: State) -> State:
        parts = [p for p in self.parts if p.kind == self.kind and p.ports == 2]
        if not parts or state.turns:
            return state
        part, y = self.rng.choice(parts), self.names.new("y")
        call = self.call(part, state)
        self.write(f"{y} = {self.chain(state)[0]}")
        self.write(self.rng.choice([f"(it, {y}) -> {call}{self.module_name(state)}", f"({y}, it) -> {call}"]))
        after = self.after(part, call, state)
        assert after is not None
        return after

    def tables(self, state: State) -> State:
        y = self.names.new("y")
        if state.turns:
            return state
        if self.kind == "map":
            self.write(
                f"{y} = mean(axis=(2, 3), keep=true)" if self.chance(0.5) else f"{y} = amax(axis=(2, 3), keep=true)"
            )
            self.write(f"it * ({y} -> sigmoid)" if self.chance(0.5) else f"it - {y}")
        else:
            self.write(f"{y} = mean(axis=1, keep=true)")
            self.write(f"it - {y}")
        return state

    # ---- lines of maps

    def strided(self, state: State) -> State:
        if not self.halvings or state.turns or state.chain:
            return state
        self.halvings -= 1
        self.places += 1
        width = self.width()
        stride = self.say("s") if "s" in self.params else "2"
        options = [f"conv({width}, 3, s={stride})", f"cba({width}, 3, s={stride})", f"sepconv({width}, s={stride})",
                   f"basic({width}, {stride})" ]  # fmt: skip
        if stride == "2":
            options += [f"maxpool(2) -> conv({width}, 1)", f"avgpool(2) -> conv({width}, 1)",
                        f"maxpool(3, s=2, p=1) -> conv({width}, 1)", f"conv({width}, 2, s=2, p=0)",
                        f"maxpool(3, s=2, ceil=true) -> pw({width})", f"conv({width}, 3, s=2, p=same_tf)",
                        'rearrange("n c (h a) (w b) -> n (c a b) h w", a=2, b=2) -> ' + f"conv({width}, 1)",
                        f"upsample(0.5) -> conv({width}, 1)"]  # fmt: skip
        self.write(self.rng.choice(options))
        return replace(state, width=width, place=self.places)

    def pyramid(self, state: State) -> State:
        """Down and up again: a join that may make a guard."""
        down = self.rng.choice(["maxpool(2)", "avgpool(2)", f"conv({state.width}, 3, s=2)", "maxpool(3, s=2, p=1)"])
        up = self.rng.choice(["upsample(2)", 'upsample(2, mode="bilinear")', f"deconv({state.width}, 2, s=2)",
                              f"conv(4 * ({state.width}), 1) -> pixel_shuffle(2)"])  # fmt: skip
        self.write(f"residual: {down} -> {self.keeping(replace(state, chain=True))} -> {up}")
        return state

    def guarded(self, state: State) -> State:
        if state.turns:
            return state
        y = self.names.new("y")
        self.write(f"{y} = {self.rng.choice(['maxpool(2)', f'conv({state.width}, 3, s=2)'])} -> {self.keeping(state)}")
        up = self.rng.choice(["upsample(like=it)", "upsample(2)"])
        if up.startswith("upsample(like"):
            z = self.names.new("z")
            self.write(f"{z} = it")
            self.write(f"it + ({y} -> upsample(like={z}))")
        else:
            self.write(f"it + ({y} -> upsample(2))")
        return state

    def as_tokens(self, state: State) -> State:
        """Attention between places of a map whose size is the block's input's."""
        if state.turns or state.place or state.width != self.axis:
            return state
        heads = self.say("heads") if "heads" in self.params else self.rng.choice("124")
        self.write(self.rng.choice([
            f'rearrange("n c h w -> n (h w) c") -> ln -> attention({heads}) -> rearrange("n (h w) c -> n c h w", h=H, w=W)',
            f'rearrange("n c h w -> n h w c") -> linear({self.axis}) -> rearrange("n h w c -> n c h w")',
            f'reshape(N, {self.axis}, H * W) -> softmax(2) -> reshape(N, {self.axis}, H, W)',
            f'rearrange("n c (h a) (w b) -> (n h w) (a b) c", a=2, b=2) -> encoder({heads}, 1) -> '
            'rearrange("(n h w) (a b) c -> n c (h a) (w b)", n=N, h=H // 2, a=2, b=2)',
        ]))  # fmt: skip
        return state

    # ---- lines of tokens

    def own_attention(self, state: State) -> State:
        if state.turns or state.width != "D":
            return state
        heads = self.say("heads") if "heads" in self.params else self.rng.choice("124")
        q, k, v = self.names.new("q"), self.names.new("k"), self.names.new("v")
        how = self.rng.randrange(3)
        if how == 0:
            self.write(f'{q}, {k}, {v} = linear(3 * D){self.module_name(state)} -> '
                       f'rearrange("n t (three h d) -> three n h t d", three=3, h={heads}) -> unbind(0)')  # fmt: skip
        elif how == 1:
            self.write(f'{q}, {k}, {v} = linear(3 * D) -> reshape(N, T, 3, {heads}, D // {heads}) -> '
                       f'rearrange("n t three h d -> three n h t d") -> unbind(0)')  # fmt: skip
        else:
            for name in (q, k, v):
                self.write(f'{name} = linear(D) -> rearrange("n t (h d) -> n h t d", h={heads})')
        if self.chance(0.5):
            self.write(f"sdpa({q}, {k}, {v}{self.rng.choice(['', ', causal=true', ', scale=0.5'])})")
        else:
            w = self.names.new("w")
            self.write(f"{w} = {q} @ ({k} -> transpose(-1, -2)) * 0.3")
            if self.chance(0.4):
                b = self.names.new("b")
                self.write(f"const {b}: [i: T, j: T] = 0.1 * (i - j)")
                self.write(f"({w} + {b}) -> softmax(-1)")
            else:
                self.write(f"{w} -> softmax(-1)")
            self.write(f"it @ {v}")
        self.write(f'rearrange("n h t d -> n t (h d)") -> linear(D){self.module_name(state)}')
        return state

    def positions(self, state: State) -> State:
        if state.turns or state.seq or state.width != "D" or state.place:
            return state
        t = self.names.new("t")
        self.write(f"param {t}: [{self.rng.choice(['1, ', ''])}T, D] = normal(0.1)")
        self.write(f"it + {t}")
        return state

    def tied(self, state: State) -> State:
        if state.turns or state.seq or state.width != "D":
            return state
        h = self.names.new("h")
        self.write(f"module {h} = linear(D, bias=false)")
        self.write(f"{h} -> {self.act()}")
        self.write(f"linear(D, weight={h}.weight)")
        return state


# ---- programs


def header(params: dict[str, str | None]) -> str:
    found = []
    for name, default in params.items():
        text = f"{name}: {TYPES.get(name, 'int')}"
        found.append(text if default is None else f"{text} = {default}")
    return f"({', '.join(found)})" if found else ""


def block(rng: random.Random, name: str, parts: list[Part], inlines: list[str]) -> tuple[Part, list[str]]:
    """A block and its text."""
    kind = rng.choice(["map", "map", "map", "tokens"])
    ports = 2 if rng.random() < 0.2 else 1
    pool = ["n", "wide", "act", "norm", "p", "mode", "widths"] + (["k"] if kind == "map" else ["heads"])
    chosen = rng.sample(pool, rng.randint(0, 4))
    result = rng.choice(["out", "out", "C" if kind == "map" else "D"])
    if kind == "map" and ports == 1 and rng.random() < 0.35:
        chosen.append("s")
    params: dict[str, str | None] = {}
    if result == "out" or rng.random() < 0.3:
        params["out"] = None if rng.random() < 0.6 else "8"
    for key in sorted(chosen, key=lambda key: rng.random()):
        default: str | None = None
        if (params and next(reversed(params.values())) is not None) or rng.random() < 0.5:
            default = {"act": "relu", "norm": "bn" if kind == "map" else "ln", "s": "1"}.get(key) or rng.choice(
                CHOICES[key]
            )
        params[key] = default
    writer = Writer(rng, parts, inlines, kind, params, rng.randint(2, 7), "C" if kind == "map" else "D")
    if "s" not in params:
        writer.halvings = 0
    axis = "C" if kind == "map" else "D"
    state = State(axis)
    rest = "N, {}, H, W" if kind == "map" else "N, T, {}"
    on = f"x[{rest.format(axis)}]"
    if ports == 2:
        on += f", z[{rest.format('E')}]"
        writer.write(f"concat(it, z) -> {writer.back(state, axis)}")
    if "s" in params and rng.random() < 0.5:
        writer.write(f"conv({axis}, 3, s=s) as down")
        writer.used.add("s")
        writer.halvings = 0
        state = replace(state, place=1)
        writer.places = 1
    state = writer.suite(state, 6)
    if state.width != result or not writer.lines:
        writer.write(writer.back(state, result))
    line = f"block {name}{header(params)} on {on}"
    return Part(name, kind, params, result, ports), [f"{line}:", *writer.lines, ""]


COMBINATORS = {
    "weighted": ["inline block weighted(e: float = 0.5, body: layer = id): it + body(it) * e", ""],
    "twice": ["inline block twice(body: layer): body(it) + body(it)", ""],
    "wrap": ["block wrap(body: layer) on x[N, C, *S]:", "    body as inner", "    it + x", ""],
    "after": ["inline block after(body: layer): it -> body -> relu", ""],
}


def program(seed: int) -> str:
    """The text of a program."""
    rng = random.Random(seed)
    inlines = sorted(rng.sample(sorted(COMBINATORS), rng.randint(0, 3)))
    text = ["use std.attention: attention, encoder, mlp", "use std.resnet: basic", ""]
    for name in inlines:
        text += COMBINATORS[name]
    parts: list[Part] = []
    for k in range(rng.randint(1, 3)):
        part, lines = block(rng, f"part{k}", parts, inlines)
        parts.append(part)
        text += lines
    return "\n".join([*text, *net(rng, parts, inlines)]) + "\n"


def uses(writer: Writer, part: Part, state: State) -> State:
    """Several uses of one block, so that instances are merged."""
    for _ in range(writer.rng.randint(1, 4)):
        if part.ports == 2:
            state = writer.two_ports(state)
            continue
        call = writer.call(part, state)
        if "s" in part.params and writer.halvings and writer.chance(0.5):
            call = writer.with_stride(call, part)
            writer.halvings -= 1
            writer.places += 1
            state = replace(state, place=writer.places)
        writer.write(call + writer.module_name(state, 0.4))
        after = writer.after(part, call, state)
        assert after is not None
        state = after
    return state


def net(rng: random.Random, parts: list[Part], inlines: list[str]) -> list[str]:
    """The net: inputs, uses of every block, a head."""
    params: dict[str, str | None] = {}
    if rng.random() < 0.5:
        params["out"] = rng.choice(CHOICES["out"])
    if rng.random() < 0.3:
        params["n"] = rng.choice(CHOICES["n"])
    params["classes"] = "5"
    kinds = {p.kind for p in parts}
    maps = "map" in kinds or rng.random() < 0.3
    writer = Writer(rng, parts, inlines, "map" if maps else "tokens", params, rng.randint(0, 4), "8", halvings=2)
    results, head = "", []
    if maps:
        fixed = rng.random() < 0.2
        sides = rng.choice(["H=16, W=16", "H=16, W=24", "H=24, W=16"]) if not fixed else "H: 16, W: 16"
        on = f"image[N, 3, {sides}]" if not fixed else "image[N, 3, 16, 16]"
        if rng.random() < 0.25:
            on += ", other[N, 5, H, W]" if not fixed else ", other[N, 5, 16, 16]"
            writer.write("y0 = other -> conv(8, 3)")
            writer.write("conv(8, 3) as stem")
            writer.write(rng.choice(["it + y0", "concat(it, y0) -> conv(8, 1)", "it * (y0 -> sigmoid)"]))
        else:
            writer.write(rng.choice(["conv(8, 3) as stem", "cba(8, 3) as stem", "conv(8, 3) as stem -> relu"]))
        state = State("8")
        if fixed:
            state = replace(state, place=1)
            writer.places = 1
    else:
        dim = rng.choice(["8", "12", "D=8"])
        if rng.random() < 0.25:
            on = "ids: int64[N, T=6]"
            writer.write("module table = embedding(9, 8)")
            writer.write("table")
            head.append("linear(9, weight=table.weight, bias=false)")
        else:
            on = f"x[N, T=6, {dim}]"
            writer.write("linear(8) as stem")
        state = State("8")
    order = [p for p in parts if p.kind == writer.kind]
    rng.shuffle(order)
    for part in order:
        state = uses(writer, part, state)
        if writer.fuel > 0:
            state = writer.suite(state, rng.randint(0, 2))
    aux = ""
    if maps:
        if rng.random() < 0.25:
            writer.write("aux = gap -> flatten -> linear(classes) as aux_head")
            aux = rng.choice([", aux when training", ", aux"])
        tokens = [p for p in parts if p.kind == "tokens"]
        if tokens or rng.random() < 0.2:
            writer.write(rng.choice(['rearrange("n c h w -> n (h w) c")', "flatten(2) -> transpose(1, 2)"]))
            writer.kind = "tokens"
            for part in tokens:
                state = uses(writer, part, state)
            pool = ["mean(axis=1)", "it[:, 0]", "it[:, -1]", "amax(axis=1)"]
            head += [rng.choice(pool)]
            head.append("linear(classes) as head")
        else:
            head += [rng.choice(["gap -> flatten", "gmp -> flatten", "flatten", "adaptive_avgpool(2) -> flatten",
                                 "mean(axis=(2, 3))", "adaptive_maxpool(1x2) -> flatten", "none"])]  # fmt: skip
            head = [h for h in head if h != "none"]
            head.append("linear(classes) as head" if head else "conv(classes, 1) as head")
    elif not head:
        head += [rng.choice(["mean(axis=1)", "it[:, 0]", "flatten"]), "linear(classes) as head"]
    if "linear(9" in (head[0] if head else ""):
        writer.write(writer.back(state, "8").partition(" as ")[0])
    for line in head[:-1]:
        writer.write(line)
    if aux:
        writer.write(f"main = {head[-1]}")
        results = f" -> main{aux}"
    else:
        writer.write(head[-1])
    return [f"net main_net{header(params)} on {on}{results}:", *writer.lines]
