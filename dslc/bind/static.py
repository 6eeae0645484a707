"""What a text alone says of a value: tensor or not, which layer with which arguments, a list of what.

Where it says nothing, the answer is `UNKNOWN`, and no check that rests on it speaks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from dslc.bind.table import Signature
from dslc.record import record, replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.values.kinds import of_default

StaticKind: TypeAlias = Literal[
    "unknown", "value", "tensor", "layer", "fn", "int", "float", "bool", "str", "none", "size", "list", "tuple", "init",
    "dtype",
]  # fmt: skip
"""`value`: known when the program is compiled, and so no tensor; `tensor`: one or several."""


@record
class Static:
    """What is known of a value.

    Of a layer or function: `signature` with the names `given` so far (`sure`: there are no others), none of one that
    only an expansion knows; `span` is the text that gave it, where a caret belongs. `count`: so many tensors, where
    that is known. `item` is what a list holds, `items` what a tuple does. `inner` is the layer of a `module`.
    """

    kind: StaticKind
    signature: Signature | None = None
    given: frozenset[str] = frozenset()
    sure: bool = True
    span: Span | None = None
    count: int | None = None
    item: Static | None = None
    items: tuple[Static, ...] = ()
    inner: Static | None = None


UNKNOWN: Final = Static("unknown")
VALUE: Final = Static("value")
TENSOR: Final = Static("tensor", count=1)
TENSORS: Final = Static("tensor")
INT: Final = Static("int")
LAYER: Final = Static("layer")

NUMBERS: Final = frozenset(("int", "float"))
_OF_TYPES: Final[dict[str, Static]] = {
    "int": INT,
    "float": Static("float"),
    "bool": Static("bool"),
    "str": Static("str"),
    "size": Static("size"),
    "layer": LAYER,
    "init": Static("init"),
    "dtype": Static("dtype"),
}


def tensors(count: int | None) -> Static:
    """So many tensors, or nobody knows how many."""
    return TENSOR if count == 1 else TENSORS if count is None else Static("tensor", count=count)


def listed(item: Static) -> Static:
    """A list of such items."""
    return Static("list", item=item)


def of_type(declared: tree.TypeExpr) -> Static:
    """A parameter of a header's type. No type is that of a tensor."""
    if declared.optional:
        return VALUE
    if declared.kind == "list" and declared.items:
        return listed(of_type(declared.items[0]))
    if declared.kind == "tuple" and declared.items:
        return Static("tuple", items=tuple(map(of_type, declared.items)))
    return _OF_TYPES.get(declared.kind, UNKNOWN)


def of_literal(expr: tree.Expr | None) -> Static:
    """What a literal is; unknown of anything else."""
    kind = of_default(expr)
    return UNKNOWN if kind is None else _OF_TYPES[kind.short]


def of_parameter(declared: tree.Parameter) -> Static:
    """A parameter inside its definition; one without a type has that of its default, where that is a literal."""
    return of_literal(declared.default) if declared.type is None else of_type(declared.type)


def joined(statics: Iterable[Static]) -> Static:
    """What is known of a value that is one of several."""
    found = list(statics)
    if not found:
        return UNKNOWN
    first, *rest = found
    for other in rest:
        first = _join(first, other)
    return first


def _join(a: Static, b: Static) -> Static:
    if a is b:
        return a
    if "unknown" in (a.kind, b.kind):
        return UNKNOWN
    if a.kind != b.kind:
        return UNKNOWN if "tensor" in (a.kind, b.kind) else VALUE
    if a.kind == "tensor":
        return a if a.count == b.count else TENSORS
    if a.kind == "list":
        return listed(joined(s for s in (a.item, b.item) if s is not None))
    if a.kind == "tuple" and len(a.items) == len(b.items):
        return Static("tuple", items=tuple(map(_join, a.items, b.items)))
    if a.kind in ("tuple", "fn"):
        return VALUE
    if a.kind == "layer":
        same = a.signature is b.signature and a.given == b.given and a.inner is b.inner
        return replace(a, sure=a.sure and b.sure) if same else LAYER
    return a


def items_of(value: Static, targets: int) -> tuple[Static, ...]:
    """What the names of a `for` over a value stand for."""
    if value.kind == "tensor":
        item = TENSOR
    elif value.kind == "list":
        item = value.item or UNKNOWN
    elif value.kind == "tuple":
        item = joined(value.items)
    else:
        item = UNKNOWN
    if targets == 1:
        return (item,)
    if item.kind == "tuple" and len(item.items) == targets:
        return item.items
    return (TENSOR if item.kind == "tensor" else UNKNOWN,) * targets


def index(value: Static, items: tuple[tree.Expr, ...]) -> Static:
    """`value[items]`."""
    sliced = any(isinstance(i, tree.Slice) for i in items)
    if value.kind == "tensor":
        return TENSOR if value.count == 1 or not sliced else TENSORS
    if value.kind in ("list", "str"):
        return value if sliced or value.kind == "str" else value.item or UNKNOWN
    if value.kind == "size":
        return INT if not sliced else VALUE
    if value.kind == "tuple" and value.items:
        at = items[0].value if isinstance(items[0], tree.Number) else None
        if isinstance(at, int) and at < len(value.items):
            return value.items[at]
        return listed(joined(value.items)) if sliced else joined(value.items)
    return UNKNOWN


def arithmetic(op: str, left: Static, right: Static) -> Static:
    """`left op right`."""
    kinds = {left.kind, right.kind}
    if "tensor" in kinds:
        return TENSOR
    if "unknown" in kinds:
        return UNKNOWN
    if op in ("and", "or"):
        return _OF_TYPES["bool"]
    if kinds <= NUMBERS:
        return INT if kinds == {"int"} and op not in ("/", "**") else _OF_TYPES["float"] if op == "/" else VALUE
    if kinds == {"list"} and op == "+":
        return _join(left, right)
    if left.kind in ("list", "tuple") and op == "*":
        return listed(joined(left.items) if left.kind == "tuple" else left.item or UNKNOWN)
    return VALUE
