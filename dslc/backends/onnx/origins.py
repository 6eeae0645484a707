"""Where nodes come from: the modules around each, as properties of the node.

`namespace`, `pkg.torch.onnx.class_hierarchy` and `pkg.torch.onnx.name_scopes` are what `torch.onnx.export` writes
(torch 2.13, onnx/_internal/exporter/_core.py), so what groups the nodes of its files groups these; classes are the
blocks and layers of the program. onnx has such properties since version 10 of its format. Lines of the program are none
of them: a comment, or `dslc fmt`, must not change a graph.
"""

from __future__ import annotations

from dslc.ir.model import Instance, Model, Node
from dslc.ir.walk import Step
from dslc.record import record

MOST_LEVELS = 24
"""Modules around a node that are named, from the outside: each names its whole path, and nesting has no bound."""


@record
class Scope:
    """The modules around a node, each property as far as it goes."""

    namespace: str
    classes: str
    names: str
    level: int

    def inner(self, path: str, kind: str) -> Scope:
        """One level further in."""
        return Scope(
            f"{self.namespace}/{path}: {kind}",
            f"{self.classes}, {kind!r}",
            f"{self.names}, {path!r}",
            self.level + 1,
        )


@record
class Origin:
    """One use of a layer: its modules, its own path and its name in the language."""

    scope: Scope
    path: str
    kind: str


class Origins:
    """The origins of a network's steps; those of one module share its scope."""

    def __init__(self, model: Model) -> None:
        self._scopes = {id(model.root): Scope(f": {model.entry}", repr(model.entry), repr(""), 1)}

    def of(self, step: Step) -> Origin:
        """The origin of a step."""
        assert isinstance(step.node, Node)
        return Origin(self._scope(step.node.owner), step.path, step.node.op.name)

    def _scope(self, instance: Instance) -> Scope:
        inside: list[Instance] = []
        while id(instance) not in self._scopes:
            inside.append(instance)
            assert instance.parent is not None, "only the network itself is in nothing"
            instance = instance.parent
        scope = self._scopes[id(instance)]
        for instance in reversed(inside):
            if scope.level < MOST_LEVELS:
                kind = instance.kind if instance.definition is None else instance.definition.name
                scope = scope.inner(instance.path, kind)
            self._scopes[id(instance)] = scope
        return scope


def properties(origins: tuple[Origin, ...]) -> dict[str, str]:
    """The properties of a node by name, in order; `dslc.merged` are the uses that rewrites joined to the first."""
    own, *others = origins
    scope = own.scope
    merged = {"dslc.merged": ", ".join(other.path for other in others)} if others else {}
    return merged | {
        "namespace": f"{scope.namespace}/{own.path}: {own.kind}",
        "pkg.torch.onnx.class_hierarchy": f"[{scope.classes}, {own.kind!r}]",
        "pkg.torch.onnx.name_scopes": f"[{scope.names}, {own.path!r}]",
    }
