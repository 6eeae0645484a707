"""All rules, by family and file. A command imports those that it runs: `check` the warnings that need no signal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module

from dslc.lints.base import Lint

WARNINGS: tuple[str, ...] = (
    "norms.bias_before_norm",
    "activations.linear_pair",
    "activations.softmax_twice",
    "gradients.plain_recurrence",
    "gradients.cold_post_norm",
    "gradients.sigmoid_squared",
)
"""Files of warnings that read the program and the tables of `dslc stats`."""

ADVICE: tuple[str, ...] = (
    "gradients.unfit_init",
    "gradients.forget_bias",
)
"""Files of notes that read no more."""

OF_SIGNAL: tuple[str, ...] = (
    "gradients.saturating_chain",
    "gradients.deep_plain",
    "gradients.unfit_scale",
    "gradients.constant_result",
    "gradients.growing_values",
)
"""Files of rules that stand on how signal and gradients flow."""


def rules(files: Iterable[str] = (*WARNINGS, *ADVICE, *OF_SIGNAL)) -> Iterator[type[Lint]]:
    """The rule of each file."""
    for file in files:
        module = import_module(f"dslc.lints.{file}")
        yield next(
            kind
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Lint) and kind.__module__ == module.__name__
        )
