"""Docstrings that the program prints, where Python was told to strip them (`PYTHONOPTIMIZE=2`, `python -OO`)."""

from __future__ import annotations

import sys
from collections.abc import Callable
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
    """The docstrings of a module's classes and functions by name, from its text."""
    import ast
    from pathlib import Path

    file = sys.modules[name].__file__
    if file is None or not file.endswith(".py"):
        return {}
    nodes = ast.parse(Path(file).read_text(encoding="utf-8")).body
    kinds = ast.ClassDef | ast.FunctionDef
    return {n.name: ast.get_docstring(n, clean=False) or "" for n in nodes if isinstance(n, kinds)}
