"""Fixes for results whose shape the header states, and for values that nothing reads: a factor, a reshape, a name."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.elaborate.mistakes.flow import Dropped, WrongPort
from dslc.mending.ground import Candidate, Ground, inside, short, walk
from dslc.mending.rules import mends
from dslc.syntax import tree

FACTORS = (2, 4, 8, 16, 32)


@mends(WrongPort)
def reshaped_as_stated(g: Ground) -> Iterator[Candidate]:
    """`linear(784)`, or `reshape(N, 28, 28)`, of a result `[N, 1, 28, 28]`: the header's sizes."""
    mistake, step = g.diagnostic.mistake, g.step
    if not isinstance(mistake, WrongPort) or mistake.end.port is not None or len(g.inputs) != 1 or step is None:
        return
    block, type = g.block, g.types[0]
    specs = [r.spec for r in (block.results or () if block is not None else ()) if r.spec is not None]
    dims = next((spec.dims for spec in specs if spec.dims and len(spec.dims) == len(mistake.sizes)), None)
    given, sizes = (
        [s for s in type.dims[1:] if isinstance(s, int)],
        [s for s in mistake.sizes[1:] if isinstance(s, int)],
    )
    if dims is None or len(dims) < 2 or len(given) != type.rank - 1 or len(sizes) != len(dims) - 1:
        return
    if prod(given) != prod(sizes):
        return
    shown = f"reshape({', '.join(dim.span.text for dim in dims)})"
    made = inside(g.inputs[0])
    old = g.use(made.span) if made is not None and made.op.name == "reshape" else None
    if isinstance(old, tree.Call):
        missing = [a for a, dim in enumerate(dims) if a and len(given) + 1 < len(dims) and sizes[a - 1] == 1]
        said = (
            f"axis {missing[0]} of the header is missing" if len(missing) == 1 else "the sizes as the header has them"
        )
        yield Candidate(f"{said}: `{shown}`", (g.put(old.span, shown),), sole=True)
    else:
        said = f"as the header has it: `{short(step.span.text)} -> {shown}`"
        yield Candidate(said, (g.after(step.span, f" -> {shown}"),), sole=type.rank == 2)


@mends(WrongPort)
def as_large_as_stated(g: Ground) -> Iterator[Candidate]:
    """`upsample(2)` of a map that was halved twice: the factor that gives back the size of the header."""
    mistake, step = g.diagnostic.mistake, g.step
    if not isinstance(mistake, WrongPort) or mistake.end.port is not None or len(g.inputs) != 1 or step is None:
        return
    block, type = g.block, g.types[0]
    if mistake.axis is None or mistake.axis < 2 or type.channel != 1 or block is None:
        return
    last = step.value if isinstance(step, tree.As) else step
    name = last.target.span.text if isinstance(last, tree.Call) else ""
    scale = next(iter(g.positional(last)), None) if isinstance(last, tree.Call) and name == "upsample" else None
    if scale is not None and isinstance(last, tree.Call):
        for factor in FACTORS:
            shown = g.shown(scale.value.span, str(factor))
            said = f"{factor} times, as large as the header says: `{shown}`"
            if scale.value.span.text != str(factor):
                yield Candidate(said, (g.put(scale.value.span, str(factor)),), group="factor")
        for like in [port.name for port in block.ports or ()]:
            shown = g.shown(scale.span, f"like={like}")
            said = f"as large as `{like}`, whatever it is: `{shown}`"
            yield Candidate(said, (g.put(scale.span, f"like={like}"),), group="like")


@mends(Dropped)
def kept_on_purpose(g: Ground) -> Iterator[Candidate]:
    """A named value that nothing reads: a name that begins with `_` says that it may be so."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, Dropped) or mistake.kind not in ("value", "result", "choice"):
        return
    lines = [n for n in walk(g.block) if isinstance(n, tree.Assign) and g.span.start < n.span.end]
    line = next((n for n in lines if n.span.start <= g.span.start), None)
    targets = line.targets if line is not None else ()
    named = [t for t in targets if isinstance(t, tree.Name) and (t.name == mistake.name or len(targets) == 1)]
    if len(named) == 1 and not named[0].name.startswith("_"):
        name = named[0].name
        said = f"read `{name}` in a line below; or, if nothing is to read it: `_{name}`"
        yield Candidate(said, (g.before(named[0].span, "_"),), loses=True)
