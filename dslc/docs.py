"""Docstrings that the program prints, where Python was told to strip them (`PYTHONOPTIMIZE=2`, `python -OO`)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any


def docstring(of: type[Any] | Callable[..., Any]) -> str:
    """The docstring of a class or function; read from its file where Python stripped it."""
    if sys.flags.optimize < 2:
        return of.__doc__ or ""
    # `of.__doc__` is not always none then: a dataclass has its signature there.
    return _of_module(of.__module__).get(of.__qualname__, "")


@cache
def _of_module(name: str) -> dict[str, str]:
    """The docstrings of a module's classes, functions and methods by qualified name, from its text."""
    import ast
    from pathlib import Path

    file = sys.modules[name].__file__
    if file is None or not file.endswith(".py"):
        return {}
    found: dict[str, str] = {}

    def collect(nodes: Sequence[ast.stmt], around: str) -> None:
        for node in nodes:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found[around + node.name] = ast.get_docstring(node, clean=False) or ""
            if isinstance(node, ast.ClassDef):
                collect(node.body, f"{around}{node.name}.")

    collect(ast.parse(Path(file).read_text(encoding="utf-8")).body, "")
    return found
