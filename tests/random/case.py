"""A random program, the type it is built in, and what goes wrong with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dslc.diagnostics.model import CompileError, Failure
from dslc.types.tensor import DType
from tests.random.choices import Choices, Seeded
from tests.random.mixed.program import program as mixed
from tests.random.parts.generate import program as parts

NET = "main_net"
PARTS = 0.2
"""The share of programs that try the merging of instances into classes; the others try ops and types."""


@dataclass(frozen=True)
class Case:
    """The text of a program and the type that `--dtype` asks for, or its inputs declare."""

    text: str
    dtype: DType = DType.FLOAT32


def drawn(choices: Choices) -> Case:
    """A case by choices."""
    if choices.chance(PARTS):
        return Case(parts(choices))
    dtype = choices.choice((DType.FLOAT32,) * 6 + (DType.FLOAT16, DType.BFLOAT16))
    declared = dtype.value if dtype is not DType.FLOAT32 and choices.chance(0.3) else ""
    return Case(mixed(choices, declared), dtype)


def seeded(seed: int) -> Case:
    """The case of a seed."""
    return drawn(Seeded(seed))


class Refused(Exception):
    """A case that the compiler refuses: what the generator believes valid is not."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code


class Fault(AssertionError):
    """Something disagrees. `who` is the part that is to blame, or the check that failed."""

    def __init__(self, who: str, words: str) -> None:
        super().__init__(f"{who}: {words}")
        self.who = who
        self.words = words


@contextmanager
def blamed(who: str) -> Iterator[None]:
    """Whatever is raised inside is that part's fault."""
    try:
        yield
    except (Fault, Refused):
        raise
    except (CompileError, Failure) as error:
        codes = [d.code for d in getattr(error, "diagnostics", ())]
        words = str(error).strip().splitlines()
        raise Fault(who, f"{' '.join(map(str, codes))} {words[0] if words else type(error).__name__}") from error
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        raise Fault(who, f"{type(error).__name__}: {lines[0][:300]}") from error


def differ(who: str, found: object, wanted: object, words: str) -> None:
    """A fault where two descriptions differ."""
    same = found == wanted or (
        isinstance(found, float) and isinstance(wanted, float) and math.isnan(found) and math.isnan(wanted)
    )
    if not same:
        raise Fault(who, f"{words}: {found}, not {wanted}")
