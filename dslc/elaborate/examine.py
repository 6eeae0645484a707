"""Blocks that nothing expands: their bodies are walked with holes for parameters and unknown sizes, so that what is
told of them holds for every argument and every input.
"""

from __future__ import annotations

from functools import partial

from dslc.diagnostics.model import Sink
from dslc.elaborate.apply_block import body_of, results_of, stated_input
from dslc.elaborate.expressions import evaluate
from dslc.elaborate.finish import report_unread
from dslc.elaborate.run import Place, Run, Runaway
from dslc.elaborate.statements import execute
from dslc.ir.model import Instance
from dslc.names.resolve import Program
from dslc.syntax import tree
from dslc.types.const import Binding, Scope
from dslc.types.sizes import Sizes
from dslc.values.hole import HOLE, hole


def examine(program: Program, block: tree.Block, home: Scope, sink: Sink, max_ops: int) -> None:
    """Report what is wrong with a block whatever it is given; `home` are the names of its file."""
    run = Run(sink, Sizes(), max_ops, frozenset() if program.table is None else program.table.failed)
    run.evaluate, run.execute = partial(evaluate, run), partial(execute, run)
    outside = Instance("net", None, block.name_span, None, "", False, home, {}, (), None)
    parent = outside if block.kind != "net" else None
    scope = Scope("block", home, inline=block.kind == "inline")
    root = Instance("block", block, block.name_span, parent, block.name, False, scope, {}, (), None)
    scope.instance = root
    run.broken.add(root)  # what depends on what it is given is not known
    p = Place(root, scope, root.body, None, HOLE)
    for declared in block.parameters:
        scope.names[declared.name] = Binding("parameter", hole(declared.span), declared.span)
    inputs = [stated_input(run, port, p) for port in block.ports or ()]
    for port, value in zip(block.ports or (), inputs, strict=True):
        known = None if port.optional or port.many else value
        scope.names[port.name] = (
            Binding("let", hole(port.span), port.span) if known is None else Binding("tensor", known, port.span)
        )
        if port is (block.ports or ())[0]:
            p.it = known or HOLE
    try:
        body_of(run, block, p)
        results_of(run, block, p)
    except Runaway:  # told, or not, where it is used
        return
    report_unread(run)
