"""docs/lints.md: what `dslc lint` is, its facts, and every rule by family, with links to their pages."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from dslc.lints.base import Lint
from dslc.lints.catalogue import ADVICE, OF_SIGNAL, WARNINGS, rules
from dslc.reports.catalogue import title_of

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "lints.md"

FAMILIES = {
    "10": "Gradients and depth",
    "11": "Norms",
    "12": "Activations",
    "13": "Convolutions",
    "14": "Receptive fields and layers that do nothing",
    "15": "Costs",
    "16": "Transformers",
    "17": "Hygiene",
}

HEAD = """\
# What the field knows

`dslc lint` looks at programs that are right and says what is suspicious in them: what texts on deep learning teach of
gradients, norms, fields and costs, with the number that makes it speak. It runs nothing and needs no torch. This page
is written by `python -m dslc.reference`; `dslc explain W1304` says of each rule what goes wrong, how much, where that
is known from, and shows a program that it speaks of and one that it does not.

Warnings (W) are what is nearly always wrong: `dslc check` tells of them too, but for those that are computed from how
signal and gradients flow. Notes (N) are advice, told by `dslc lint` alone. Both are [silenced, raised and kept in
baselines](checking.md) by their names: `# dslc: allow(odd-width)` at a line, `[tool.dslc]` of a project, `--allow
--warn --deny`.

## Facts

What a program does not hold is stated in pyproject.toml, or by `--fact NAME=VALUE`, which goes first. A rule that
wants a fact is silent without it; `dslc lint -v` says which were.

```toml
[tool.dslc.lint]
batch = 32
loss = "cross_entropy"
object_size = 16
```

| fact | |
|---|---|
| `batch` | samples of a training step, on one device |
| `learning_rate` | of the optimiser, at its highest |
| `warmup` | whether the learning rate rises from 0 at first |
| `loss` | `cross_entropy`, `nll`, `bce`, `bce_logits`, `mse`, `l1`, `hinge`, `ctc` or `dice` |
| `task` | `classification`, `regression`, `segmentation`, `detection`, `generation` or `language_model` |
| `object_size` | places of the input that the smallest object takes along an axis |
| `memory` | of the device that trains it: `"24GB"` |
| `device` | one of those of `dslc stats --device` |
"""


def lints_text() -> str:
    """The page."""
    files = dict(zip((*WARNINGS, *ADVICE, *OF_SIGNAL), rules(), strict=True))
    found = sorted(files.values(), key=lambda rule: (rule.code[1:3], rule.code[0] != "W", rule.code))
    lines = [HEAD]
    for family, members in groupby(found, lambda rule: rule.code[1:3]):
        lines.append(f"## {FAMILIES[family]}\n\n| code | name | | |\n|---|---|---|---|")
        lines += [row(rule) for rule in members]
        lines.append("")
    return "\n".join(lines)


def row(rule: type[Lint]) -> str:
    """A rule: its code, its name, what it says, and what it wants."""
    wants = ", ".join(f"`{name}`" for name in rule.wants)
    needs = f"wants {wants}" if wants else "reads the signal" if rule.reads_signal else ""
    return f"| [{rule.code}](errors.md#{rule.code.lower()}) | `{rule.switch}` | {title_of(rule)} | {needs} |"


def write() -> None:
    """Write the page."""
    PAGE.write_text(lints_text(), encoding="utf-8")
