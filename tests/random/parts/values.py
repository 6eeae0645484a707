"""Lines of random programs that name values, lists, modules and tensors, and read all that they name."""

from __future__ import annotations

from dataclasses import replace

from tests.random.parts.suites import Suites
from tests.random.parts.words import State


class Values(Suites):
    """Writes lines for maps and tokens alike."""

    def tap(self, state: State) -> State:
        if state.turns:
            return state
        y = self.names.new("y")
        how = self.rng.number(0, 4 - 1)
        self.write(f"{y} = it" if how % 2 else f"{y} = {self.keeping(state)}")
        halvings, self.halvings = self.halvings, 0
        after = self.suite(state, self.rng.number(1, 3))
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
        how = self.rng.number(0, 4 - 1)
        if how == 0:
            init = self.rng.choice(["ones", "zeros", "normal(0.1)", "trunc_normal(0.02)"])
            self.write(f"param {t}: [{self.axis}{sizes}] = {init}")
            self.write(self.rng.choice([f"it * {t}", f"it + {t}"]))
        elif how == 1:
            word = self.rng.choice(["buffer", "const"])
            value = self.rng.choice(["i / 8 + 0.5", "2.0 ** (-(i + 1))", "i % 2 + 0.25"])
            self.write(
                f"{word} {t}: [i: {self.axis}] = {value}"
                if self.kind == "tokens"
                else f"{word} {t}: [i: {self.axis}, j: 1, u: 1] = {value}"
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
        return self.after(part, call, state)

    def tables(self, state: State) -> State:
        y = self.names.new("y")
        if state.turns:
            return state
        if self.chance(0.4):
            self.write(
                self.rng.choice(
                    [
                        "where(it > 0, it, it * 0.1)",
                        "where(it > 0.5, 0.5, it)",
                        "(it -> exp) / (1 + (it -> exp))",
                        "(it -> clamp(min=-1.0, max=1.5))",
                        "it - (it -> mean(axis=1, keep=true))",
                        "stack(it, it * 2, axis=0) -> sum(axis=0)",
                        "it[:, ::2] + it[:, 1::2]" if self.kind == "map" else "it[..., ::2] * it[..., 1::2]",
                    ]
                )
            )
            self.write(self.back(state, state.width))
        elif self.kind == "map":
            self.write(
                f"{y} = mean(axis=(2, 3), keep=true)" if self.chance(0.5) else f"{y} = amax(axis=(2, 3), keep=true)"
            )
            self.write(f"it * ({y} -> sigmoid)" if self.chance(0.5) else f"it - {y}")
        else:
            self.write(f"{y} = mean(axis=1, keep=true)")
            self.write(
                self.rng.choice(
                    [
                        f"it - {y}",
                        f'{y}_ = einsum("ntd,nsd->nts", it, it) -> softmax(-1)',
                        f"{y}_ = it @ (it -> transpose(1, 2)) / D",
                    ]
                )
            )
            if f"{y}_" in self.lines[-1]:
                self.write(f"({y}_ @ it) - {y}")
        return state
