"""`dslc diff`: both sides read, from disk or from a git revision, compiled, and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dslc.analysis.compare import Comparison
from dslc.api import MAX_OPS, compile_model
from dslc.diagnostics.levels import DEFAULT, Levels
from dslc.diagnostics.model import CompileError, Diagnostic
from dslc.ir.model import Model
from dslc.lints.facts import NOTHING, Facts
from dslc.names.loader import Loader
from dslc.names.revision import find_revision
from dslc.names.zoo import is_zoo
from dslc.suspicions import compared


@dataclass(frozen=True, slots=True)
class Side:
    """One network: a net of a file, at a git revision if one is given, with arguments and default sizes."""

    path: str | Path
    net: str | None = None
    revision: str | None = None
    args: Mapping[str, object] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    def compile(self, max_ops: int = MAX_OPS) -> Model:
        """The checked model. Raises `CompileError`, or `Failure` where the revision cannot be read."""
        loader = Loader()
        if self.revision is not None:
            loader = Loader(revision=find_revision(self.revision, Path(self.path)))
        return compile_model(self.path, self.net, args=self.args, sizes=self.sizes, max_ops=max_ops, loader=loader)


def diff(a: Side, b: Side, max_ops: int = MAX_OPS, facts: Facts = NOTHING, levels: Levels = DEFAULT) -> Comparison:
    """What changed from `a` to `b`; `facts` and `levels` are for rules.

    Raises `CompileError` with the mistakes of both sides, each once.
    """
    models: list[Model] = []
    found: dict[tuple[str, str, str, int, int], Diagnostic] = {}
    counts: dict[tuple[str, str, str, int, int], int] = {}
    for side in (a, b):
        try:
            models.append(side.compile(max_ops))
        except CompileError as error:
            found.update((d.key, d) for d in error.diagnostics)
            counts.update(error.counts)
    if found:
        raise CompileError(tuple(found.values()), counts)
    return compared(models[0], models[1], facts, levels)


def place(text: str) -> tuple[str | None, str | Path]:
    """`HEAD~1:net.dl` as revision and path; a path that exists as it is written is one, `zoo:resnet50` no revision's.

    The path is relative to the current folder. Raises `ValueError` where the revision or the path is empty.
    """
    if is_zoo(text):
        return None, text
    path = Path(text)
    revision, sign, rest = text.rpartition(":")
    if not sign or path.exists() or path.drive:
        return None, path
    if not revision or not rest:
        raise ValueError(f"`{text}` is not `REVISION:FILE`, such as `HEAD~1:net.dl`")
    return revision, Path(rest)
