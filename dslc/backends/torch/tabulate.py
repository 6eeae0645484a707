"""The values of a term at every place of a table, by running its text."""

from __future__ import annotations

import builtins
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from dslc.backends.torch.terms import FUNCTIONS, Fn, NoValue, Term, call, functions, plain, text
from dslc.diagnostics.model import Reject
from dslc.names.reserved import local_name

PYTHON: Final = {name: getattr(builtins, name) for name in FUNCTIONS if "." not in name} | {"tuple": tuple}
"""The functions of Python that the text of a term may call."""


def filled(term: Term, env: Mapping[str, object], axes: Sequence[tuple[str, int]]) -> object:
    """The nested lists of a term's values, with an index below a size for each axis. NoValue where it has none.

    The text runs as it will stand in the generated file, in a twentieth of the time that `terms.evaluate` takes for
    every place. It holds names of its own making and calls nothing but `FUNCTIONS` and functions of the program.
    """
    names = {name: f"v{place}" for place, name in enumerate({**env, **dict(axes)})}
    code = text(term, names.__getitem__)
    for name, size in reversed(axes):
        code = f"[{code} for {names[name]} in range({size})]"
    known = {names[name]: plain(value) for name, value in env.items()}
    known |= {fn.name: partial(_called, fn) for fn in functions(term)}
    try:
        return eval(code, {"__builtins__": PYTHON, "math": math, **known})
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError, Reject) as error:
        raise NoValue(str(error)) from None


def _called(fn: Fn, *given: object, **named: object) -> object:
    names = {local_name(name): name for name, _, _ in fn.parameters}
    return call(fn, [*given, *named.values()], (*(None for _ in given), *(names[key] for key in named)))
