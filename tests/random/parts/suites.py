"""Lines of random programs that move `it`: suites, branches, conditions, loops and uses of blocks."""

from __future__ import annotations

from dataclasses import replace

from tests.random.parts.steps import Steps
from tests.random.parts.words import ACTS, CHOICES, NORMS, TOKEN_NORMS, Part, State


class Suites(Steps):
    """Writes lines that name no value."""

    def line(self, state: State) -> State:
        """Write one line or more, and give the state after them."""
        raise NotImplementedError

    def suite(self, state: State, count: int) -> State:
        for _ in range(count):
            if self.fuel <= 0:
                break
            self.fuel -= 1
            state = self.line(state)
        return state

    def plain(self, state: State) -> State:
        text, width = self.chain(state)
        if not text.startswith("(it") and " -> (it" not in text and self.chance(0.15):
            text = f"({text})" + (self.module_name(state, 1.0))
        self.write(text)
        return replace(state, width=width)

    def inside(self, state: State, count: int = 1, keep: bool = True) -> State:
        """An indented suite; `keep`: it leaves the width and place it found."""
        self.indent += 1
        before = len(self.lines)
        after = self.suite(state, self.rng.number(1, count + 1))
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
        for _ in range(self.rng.number(1, 3)):
            self.write(f"    | {self.keeping(inner)}")
        if loop:
            j = self.names.new("j")
            self.write(f"    for {j} in range(n):")
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
            return self.rng.choice(["n", "n", "n + 1"])
        return self.rng.choice("123")

    def loop(self, state: State) -> State:
        i = self.names.new("i")
        if "widths" in self.params and self.chance(0.5):
            w = self.names.new("w")
            self.write(f"for {i}, {w} in enumerate(widths):")
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
            return name
        if name == "act":
            return self.rng.choice([*ACTS, "relu", "id", "prelu"])
        if name == "norm":
            return self.rng.choice(NORMS if part.kind == "map" else TOKEN_NORMS)
        return self.rng.choice(CHOICES[name])

    def after(self, part: Part, call: str, state: State) -> State:
        """The state after a call."""
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
        if state.turns and after.width != state.width:
            call = f"{call}{name} -> {self.back(state, state.width)}"
            name, after = "", state
        self.write(call + name)
        return after

    def with_stride(self, call: str, part: Part) -> str:
        stem, _, inside = call.partition("(")
        args = self.split_args(inside[:-1]) if inside else []
        kept, seen = [], list(part.params)
        for place, arg in enumerate(args):
            name = arg.partition("=")[0] if "=" in arg.partition("(")[0] else seen[place]
            if name != "s":
                kept.append(f"{name}={arg.partition('=')[2]}" if "=" in arg.partition("(")[0] else f"{name}={arg}")
        stride = "s" if "s" in self.params and self.chance(0.3) else "2"
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
