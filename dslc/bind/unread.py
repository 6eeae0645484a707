"""Values that a body names for nobody, as its text alone shows."""

from __future__ import annotations

from dslc.syntax import tree
from dslc.syntax.rewrite import kids


def unread_tensors(block: tree.Block) -> list[tree.Name]:
    """The tensors that the lines of a body name once, and that nothing in it reads or promises.

    None where a name in back-ticks is put together, which may be any.
    """
    given = [line for line in block.suite.body if isinstance(line, tree.Assign)]
    targets = [target for line in given for target in line.targets if isinstance(target, tree.Name)]
    reads = {result.name for result in block.results or ()}
    waiting: list[object] = [block.suite]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Name) and node not in targets:
            reads.add(node.name)
        elif isinstance(node, tree.TickName) and any(not isinstance(piece, str) for piece in node.text.pieces):
            return []
        waiting += kids(node)
    names = [target.name for target in targets]
    return [t for t in targets if t.name not in reads and names.count(t.name) == 1 and not t.name.startswith("_")]


def unread_lets(definition: tree.Definition | None, name: tree.Name) -> list[tree.Name]:
    """The `let` values above a name that nothing in their definition reads."""
    lets: list[tree.Name] = []
    read: set[str] = set()
    waiting: list[object] = [definition]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Let):
            lets.append(node.target)
            waiting.append(node.value)
            continue
        if isinstance(node, tree.Name):
            read.add(node.name)
        waiting += kids(node)
    return [let for let in lets if let.name not in read and let.span.start < name.span.start]
