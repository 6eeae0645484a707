"""The words that random programs are made of: names, widths, conditions, values of arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.random.choices import Choices

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
class Words:
    """What the suite of one block or net is written with, and the lines written so far."""

    rng: Choices
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

    def write(self, line: str) -> None:
        self.lines.append("    " * self.indent + line)

    def chance(self, p: float) -> bool:
        return self.rng.chance(p)

    def act(self) -> str:
        if "act" in self.params and self.chance(0.6):
            return "act"
        return self.rng.choice([*ACTS, "relu", "relu", "prelu"])

    def norm(self) -> str:
        if "norm" in self.params and self.chance(0.6):
            return "norm"
        return self.rng.choice(NORMS if self.kind == "map" else TOKEN_NORMS)

    def width(self) -> str:
        words = [self.axis, self.axis, "8", "4", f"2 * {self.axis}"]
        if "out" in self.params:
            words += ["out"] * 3 + ["2 * out", "out + 4", "max(out, 8)"]
        if "widths" in self.params and self.chance(0.4):
            words += ["widths[0]", "widths[-1]", "sum(widths)"]
        return self.rng.choice(words)

    def kernel(self) -> str:
        return "k" if "k" in self.params and self.chance(0.5) else self.rng.choice("133")

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
        return text

    def module_name(self, state: State, p: float = 0.5) -> str:
        """` as name`, or nothing."""
        if not self.chance(p):
            return ""
        name = self.names.new("m")
        return f" as {name}" if not state.turns else f" as `{name}_" + "_".join(f"{{{t}}}" for t in state.turns) + "`"
