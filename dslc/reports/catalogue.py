"""All error codes of the compiler, with what they mean."""

from __future__ import annotations

import re
from importlib import import_module

from dslc.diagnostics.codes import DEFINES, PACKAGE, REGISTRY
from dslc.diagnostics.model import Mistake
from dslc.docs import docstring


def load_codes() -> dict[str, type[Mistake]]:
    """The registry with every code in it, sorted: imports the modules whose text defines one.

    A module registers its codes when it is imported; a compile needs few of them, `explain` and the docs all.
    """
    for path in sorted(PACKAGE.rglob("*.py")):
        if re.search(DEFINES, path.read_text(encoding="utf-8")):
            import_module(".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts)))
    return dict(sorted(REGISTRY.items()))


def code_table() -> str:
    """Every code with the first sentence of its page, one a line."""
    return "\n".join(f"{code}  {title_of(mistake)}" for code, mistake in load_codes().items())


def title_of(mistake: type[Mistake]) -> str:
    """The first sentence of a page, without its full stop."""
    title = " ".join(docstring(mistake).strip().partition("\n\n")[0].split())
    return title.partition(". ")[0].rstrip(".")
