"""The writer of a random suite: the lines of maps and of tokens, and the choice among all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.random.parts.values import Values
from tests.random.parts.words import State


class Writer(Values):
    """Writes the suite of one block or net."""

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

    # ---- maps

    def strided(self, state: State) -> State:
        if not self.halvings or state.turns or state.chain:
            return state
        self.halvings -= 1
        self.places += 1
        width = self.width()
        stride = "s" if "s" in self.params else "2"
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
        heads = "heads" if "heads" in self.params else self.rng.choice("124")
        self.write(self.rng.choice([
            f'rearrange("n c h w -> n (h w) c") -> ln -> attention({heads}) -> '
            'rearrange("n (h w) c -> n c h w", h=H, w=W)',
            f'rearrange("n c h w -> n h w c") -> linear({self.axis}) -> rearrange("n h w c -> n c h w")',
            f'reshape(N, {self.axis}, H * W) -> softmax(2) -> reshape(N, {self.axis}, H, W)',
            f'rearrange("n c (h a) (w b) -> (n h w) (a b) c", a=2, b=2) -> encoder({heads}, 1) -> '
            'rearrange("(n h w) (a b) c -> n c (h a) (w b)", n=N, h=H // 2, a=2, b=2)',
        ]))  # fmt: skip
        return state

    # ---- tokens

    def own_attention(self, state: State) -> State:
        if state.turns or state.width != "D":
            return state
        heads = "heads" if "heads" in self.params else self.rng.choice("124")
        q, k, v = self.names.new("q"), self.names.new("k"), self.names.new("v")
        how = self.rng.number(0, 3 - 1)
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
