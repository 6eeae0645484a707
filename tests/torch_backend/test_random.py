"""Random well-typed programs: instances of random blocks, printed merged and apart, give the same numbers."""

from __future__ import annotations

import random

import pytest
import torch

from dslc.api import compile_model
from tests.torch_backend.common import both, flat, inputs_of, network, scatter


class Program:
    """A random program. All tensors of a block have `c` channels and one size, so that any two can be joined."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.count = 0

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def layer(self, turn: bool) -> str:
        """One step; a module's name holds the loop's variable where it is in a loop."""
        rng = self.rng
        kind = rng.choice(["conv", "conv", "bn", "relu", "gelu", "act", "scale", "drop", "inner"])
        name = self.name("m")
        named = f"`{name}_{{i}}`" if turn else name
        k = rng.choice(["1", "3", "k", "2 * n - 1 if n < 3 else 1"])
        return {
            "conv": f"conv(c, {k}) as {named}",
            "bn": f"bn as {named}",
            "relu": "relu",
            "gelu": "gelu",
            "act": f"act as {named}" if rng.random() < 0.3 else "act",
            "scale": f"it * {rng.choice(['0.5', 'c / 4', 'k'])}",
            "drop": f"dropout(0.25) as {named}",
            "inner": f"inner(c, {rng.choice(['true', 'false', 'wide'])}) as {named}",
        }[kind]

    def chain(self, turn: bool) -> str:
        steps = [self.layer(turn) for _ in range(self.rng.randint(1, 3))]
        steps = [s for s in steps if not s.startswith("it ")] or ["relu"]
        return " -> ".join(steps)

    def suite(self, depth: int, values: list[str], turn: bool, indent: str, group: bool = False) -> list[str]:
        """Lines that begin and end with a tensor of `c` channels, and read all that they name."""
        rng = self.rng
        lines: list[str] = []
        own: list[str] = []
        for _ in range(rng.randint(1, 4)):
            what = rng.choice(["chain", "chain", "tap", "name", "join", "cat", "if", "for", "residual", "seq"])
            known = values + own
            if what == "tap" and not turn and not group:
                own.append(self.name("v"))
                lines += [f"{indent}{own[-1]} = it", f"{indent}{self.chain(turn)}"]
            elif what == "name" and not turn and not group:
                own.append(self.name("v"))
                lines.append(f"{indent}{own[-1]} = conv(c, 1) as {self.name('n')} -> {self.chain(turn)}")
            elif what == "join" and known:
                lines.append(f"{indent}it {rng.choice('+-')} {rng.choice(known)}")
            elif what == "cat" and known:
                named = f"`{self.name('j')}_{{i}}`" if turn else self.name("j")
                lines += [f"{indent}concat(it, {rng.choice(known)})", f"{indent}conv(c, 1) as {named}"]
            elif what == "if" and depth:
                condition = rng.choice(["deep", "wide", "n > 2", "k == 3 and not deep"])
                lines.append(f"{indent}if {condition}:")
                lines += self.suite(depth - 1, known, turn, indent + "    ", group)
                if rng.random() < 0.5:
                    lines.append(f"{indent}else:")
                    lines += self.suite(depth - 1, known, turn, indent + "    ", group)
            elif what == "for" and depth and not turn and not group:
                lines.append(f"{indent}for i in range({rng.choice(['2', 'n', 'n', 'n + 1'])}):")
                lines += self.suite(depth - 1, known, True, indent + "    ")
            elif what == "residual" and depth:
                lines.append(f"{indent}residual:")
                lines += self.suite(0, [], turn, indent + "    ", group=True)
            elif what == "seq" and depth and not turn:
                lines.append(f"{indent}seq as {self.name('s')}:")
                inside = rng.choice([[], known])
                lines += self.suite(depth - 1, inside, turn, indent + "    ", group=True)
            else:
                lines.append(f"{indent}{self.chain(turn)}")
        return [*lines, *(f"{indent}it + {name}" for name in own)]

    def text(self) -> str:
        rng = self.rng
        body = "\n".join(self.suite(2, ["x"], False, "    "))
        uses = []
        for number in range(rng.randint(2, 5)):
            act = rng.choice(["relu", "relu", "gelu", "id", "leaky_relu(0.1)"])
            flags = [rng.choice(["true", "false"]) for _ in range(2)]
            n, k = rng.randint(1, 3), rng.choice([1, 3])
            uses.append(f"    part(4, {n}, {k}, {', '.join(flags)}, {act}) as use{number}")
        return f"""
block inner(c: int, wide: bool) on x[N, C, H, W]:
    conv(2 * c if wide else c, 1) as a -> relu -> conv(c, 1) as b

block part(c: int, n: int, k: int, deep: bool, wide: bool, act: layer) on x[N, C, H, W]:
{body}

net f on image[N, 4, H=6, W=6]:
{chr(10).join(uses)}
    gap -> flatten
"""


def compare(seed: int) -> None:
    text = Program(seed).text()
    model = compile_model(text)
    made = both(model)
    one, other = (network(m, f"random{seed}") for m in made)
    wanted = {k: p.spec.shape for k, p in model.params.items()}
    assert {k: tuple(t.shape) for k, t in one.state_dict().items()} == wanted
    scatter(one)
    other.load_state_dict(one.state_dict())
    inputs = inputs_of(model, 2)
    for training in (False, True):
        results = []
        for net in (one, other):
            torch.manual_seed(3)
            with torch.no_grad():
                results.append(flat(net.train(training)(*inputs)))
        for a, b in zip(*results, strict=True):
            assert torch.equal(a, b) or (a.isnan() == b.isnan()).all(), text


@pytest.mark.parametrize("seed", range(40))
def test_random_program(seed: int) -> None:
    compare(seed)


@pytest.mark.long
def test_many_random_programs() -> None:
    for seed in range(100, 400):
        compare(seed)
