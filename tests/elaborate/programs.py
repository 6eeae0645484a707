"""Helpers: compile a program's text, and say what is in the model."""

from __future__ import annotations

import textwrap

from dslc.api import compile_model
from dslc.diagnostics.model import CompileError
from dslc.ir.model import Model

IMAGE = "on x[N, 3, H=32, W=32]"


def model(text: str, net: str | None = None, **args: object) -> Model:
    """The model of a program."""
    return compile_model(textwrap.dedent(text).strip() + "\n", net, args=args)


def body(*lines: str, on: str = IMAGE) -> Model:
    """The model of a net `f` with these lines."""
    return model("\n".join([f"net f {on}:", *(f"    {line}" for line in lines)]))


def keys(found: Model) -> list[str]:
    """The state-dict keys, running statistics left out."""
    return [k for k in found.params if "running_" not in k and "num_batches" not in k]


def modules(found: Model) -> list[str]:
    """The paths of modules with weights, in order."""
    return list(dict.fromkeys(k.rpartition(".")[0] for k in keys(found)))


def shapes(found: Model) -> list[str]:
    """The types of the net's results."""
    return [str(v.type) for v in found.root.outputs]


def errors(text: str, net: str | None = None, **args: object) -> list[tuple[str, int, str]]:
    """(code, line, message) of each diagnostic of a program that must fail."""
    try:
        model(text, net, **args)
    except CompileError as error:
        return [(d.code, d.span.line, d.message) for d in error.diagnostics]
    raise AssertionError("the program compiles")


def failing(*lines: str, on: str = IMAGE) -> list[tuple[str, int, str]]:
    """The diagnostics of a net `f` with these lines; its header is line 1."""
    return errors("\n".join([f"net f {on}:", *(f"    {line}" for line in lines)]))
