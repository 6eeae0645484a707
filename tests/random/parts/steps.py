"""Layers of random programs: each a text and the width that it leaves; none changes the place of a map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.random.parts.words import ACTS, State, Words


class Steps(Words):
    """Writes layers and chains of them."""

    def step(self, state: State) -> tuple[str, str]:
        return self.map_step(state) if self.kind == "map" else self.token_step(state)

    def map_step(self, state: State) -> tuple[str, str]:
        w, new, rng = state.width, self.width(), self.rng
        plain: list[Callable[[], tuple[str, str]]] = [
            lambda: (f"conv({new}, {self.kernel()})" + self.module_name(state), new),
            lambda: (f"conv({new}, {self.kernel()})" + self.module_name(state), new),
            lambda: (f"cba({new}, {self.kernel()}, act={self.act()})" + self.module_name(state), new),
            lambda: (f"conv({w}, 3, g={rng.choice('24')})" + self.module_name(state), w),
            lambda: ("dw(3)" + self.module_name(state), w),
            lambda: (f"pw({new}, bias=false)" + self.module_name(state), new),
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
            lambda: (f"sepconv({new}, norm={self.norm()})" + self.module_name(state), new),
            lambda: ("shuffle(2)", w),
            lambda: ('rearrange("n (a b) h w -> n (b a) h w", a=2)', w),
            lambda: ("upsample(2) -> avgpool(2)", w),
            lambda: ('pad(((1, 1), (2, 2)), mode="reflect") -> crop(((1, 1), (2, 2)))', w),
            lambda: (f"roll({rng.choice('12')}, 2)", w),
            lambda: ('rearrange("n c h w -> n h w c") -> linear(8) -> rearrange("n h w c -> n c h w")', "8"),
            lambda: ("softmax", w),
            lambda: ("glu -> conv(8, 1)", "8"),
            lambda: (f"maxout(2) -> conv({w}, 1x3)", w),
            lambda: ("prelu(per_channel=true)" + self.module_name(state, 0.2), w),
            lambda: ("lrn(3)", w),
            lambda: (f"conv({w}, 3, p=same_tf, bias=true)", w),
            lambda: (f'pad(1, mode="{rng.choice(["replicate", "circular"])}") -> maxpool(3, s=1)', w),
            lambda: ('repeat("n c h w -> n c (h a) w", a=2) -> maxpool(2x1)', w),
            lambda: ('reduce("n c (h a) w -> n c h w", "mean", a=2) -> upsample(2x1)', w),
            lambda: (f"deconv({w}, 3, p=1)" + self.module_name(state, 0.2), w),
            lambda: ("lppool(2.0, 2, s=1) -> pad(((0, 1), (0, 1)))", w),
            lambda: ("(it * 2 + 1)" if not state.chain else "relu", w),
        ]
        return rng.choice(plain)()

    def drop(self) -> str:
        return "p" if "p" in self.params and self.chance(0.6) else self.rng.choice(["0.1", "0.3"])

    def token_step(self, state: State) -> tuple[str, str]:
        w, new, rng = state.width, self.width(), self.rng
        heads = "heads" if "heads" in self.params and self.chance(0.6) else rng.choice("124")
        plain: list[Callable[[], tuple[str, str]]] = [
            lambda: (f"linear({new})" + self.module_name(state), new),
            lambda: (f"linear({new}, bias=false)" + self.module_name(state), new),
            lambda: (self.norm() + self.module_name(state), w),
            lambda: (self.norm() + self.module_name(state), w),
            lambda: (self.act() + self.module_name(state, 0.1), w),
            lambda: (f"dropout({self.drop()})", w),
            lambda: ("softmax", w),
            lambda: (f"attention({heads})" + self.module_name(state), w),
            lambda: (f"encoder({heads}, 2, act={rng.choice(ACTS)})" + self.module_name(state), w),
            lambda: (f"mlp({new}, act={rng.choice(ACTS)})" + self.module_name(state), w),
            lambda: (f'rearrange("n t d -> n d t") -> conv({w}, 3) -> rearrange("n d t -> n t d")', w),
            lambda: (f"{rng.choice(['lstm', 'gru', 'rnn'])}({new})" + self.module_name(state), new),
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
        for _ in range(self.rng.number(1, longest)):
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
