"""The `torch` rules of ops as trees whose leaves are slots, and one tree for all members of a class."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from dslc.backends.torch.merged import Slot, Split
from dslc.ir.model import Node
from dslc.ops import words
from dslc.ops.torchtext import (
    IN_FLOAT32,
    Arg,
    Attribute,
    Device,
    ElementType,
    Form,
    In,
    Own,
    PyCall,
    PyExpr,
    PyIndex,
    PyInfix,
    PyPrefix,
    PySequence,
    call,
)
from dslc.record import entity, frozen, replace
from dslc.types.const import Const, literal
from dslc.types.dim import Dim
from dslc.types.tensor import DType, TensorType


@entity
class SizeConst(Const):
    """A size of an input of an op: where it has no words, `forward` can read it from that input."""

    index: int = 0
    axis: int = 0


Leaf: TypeAlias = "Const | Slot"


@frozen
class Tree:
    """A piece of Python.

    `kind`: `call` (text is the function; with `receiver`, the first kid is what it is a method of), `infix`,
    `prefix`, `index`, `slice`, `sequence` (text is the bracket), `in` (text is the input's number), `own` (text
    is the parameter's name, empty: the module itself), `device`, `dtype`, `attribute` (text is its name), `text`,
    `none`, or `leaf`. `keys` names the arguments of a call; `defaults` are the values at which they are left out
    (`...`: never).
    """

    kind: str
    text: str = ""
    kids: tuple[Tree, ...] = ()
    keys: tuple[str | None, ...] = ()
    defaults: tuple[object, ...] = ()
    receiver: bool = False
    leaf: Leaf | None = None

    @property
    def arguments(self) -> tuple[Tree, ...]:
        """The arguments of a call, without its receiver."""
        return self.kids[1:] if self.receiver else self.kids


@frozen
class Use:
    """A `Form` as trees."""

    module: Tree | None
    function: Tree | None
    arguments: tuple[Tree, ...] | None
    helpers: tuple[str, ...]
    stateful: bool
    unpack: str | None
    both: bool = False  # the module is made for its weights, and `forward` has the function


@dataclass(slots=True)
class Context:
    """What a `torch` rule asks about one node."""

    node: Node
    helpers: dict[str, str]
    ins: tuple[TensorType, ...] = field(init=False)
    outs: tuple[TensorType, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.ins = tuple(v.type for v in self.node.inputs)
        self.outs = tuple(v.type for v in self.node.outs)

    def attr(self, name: str) -> Const:
        found = self.node.consts.get(name)
        return literal(getattr(self.node.op, name), self.node.span) if found is None else found

    def size(self, index: int, axis: int) -> Const:
        kind = self.ins[index]
        axis = axis % kind.rank
        word = kind.word(axis)
        if word is None:
            return SizeConst(kind.dims[axis], None, None, self.node.span, index, axis)
        return SizeConst(kind.dims[axis], word.origin, word.scope, word.span, index, axis)

    def const(self, value: object) -> Const:
        return literal(value, self.node.span)

    def helper(self, name: str, source: str) -> str:
        before = self.helpers.setdefault(name, source)
        if before != source:
            raise ValueError(f"two helpers are called {name}")
        return name


def use_of(node: Node, helpers: dict[str, str]) -> Use:
    """The text of one node, from its op's rule."""
    return use_in(node, Context(node, helpers))


def use_in(node: Node, context: Context) -> Use:
    """The text of one node in a context."""
    form: Form = node.op.torch(context)
    if follows(node):
        return _exact(node, form, context)
    return Use(
        None if form.module is None else tree_of(form.module),
        None if form.function is None else tree_of(form.function),
        None if form.arguments is None else tuple(tree_of(a) for a in form.arguments),
        form.helpers,
        form.stateful,
        form.unpack,
    )


def follows(node: Node) -> bool:
    """Whether a layer's data are float32 in every build, and its weights the network's own float, which may be not."""
    data = next((v.type.dtype for v in node.inputs if v.type.dtype.is_float), None)
    own = [p.spec.dtype for name, p in node.params.items() if name not in node.tied]
    return data is DType.FLOAT32 and DType.FLOAT in (*own, *(v.type.dtype for v in node.tied.values()))


def _exact(node: Node, form: Form, context: Context) -> Use:
    """A layer in float32: a function of its weights in this type, or its module with them."""
    helpers = form.helpers
    function = form.exact if form.module is not None else form.function
    if function is None:
        inputs = form.arguments or tuple(map(In, range(len(node.inputs))))
        name = context.helper("computed_in_float32", IN_FLOAT32)
        function, helpers = call(name, Own(""), *inputs), (*helpers, name)
    module = None if form.module is None else tree_of(form.module)
    wide = {name for name, value in node.tied.items() if value.type.dtype is DType.FLOAT}
    wide |= {name for name, param in node.params.items() if param.spec.dtype is DType.FLOAT}
    return Use(
        module, _in_float32(tree_of(function), wide), None, helpers, form.stateful, form.unpack, module is not None
    )


def _in_float32(tree: Tree, names: Collection[str]) -> Tree:
    """A piece of Python that reads the tensors named in float32."""
    if tree.kind == "own" and tree.text in names:
        return Tree("call", "float", (tree,), receiver=True)
    return replace(tree, kids=tuple(_in_float32(kid, names) for kid in tree.kids))


def tree_of(value: object) -> Tree:
    """A rule's answer as a tree."""
    match value:
        case Const(value=tuple() as sides) if any(isinstance(side, Dim) for side in sides):
            # Each size is read where it stands, so each has a slot of its own.
            return Tree("sequence", "(", tuple(map(tree_of, words.items(value))))
        case Const():
            return Tree("leaf", leaf=value)
        case str():
            return Tree("text", value)
        case None:
            return Tree("none")
        case In(index):
            return Tree("in", str(index))
        case Own(name):
            return Tree("own", name)
        case Device():
            return Tree("device")
        case ElementType():
            return Tree("dtype")
        case PyCall(function, args, receiver):
            kids = tuple(tree_of(a.value) for a in args)
            if receiver is not None:
                kids = (tree_of(receiver), *kids)
            keys, defaults = tuple(a.name for a in args), tuple(a.default for a in args)
            return Tree("call", function, kids, keys, defaults, receiver is not None)
        case Attribute(of, name):
            return Tree("attribute", name, (tree_of(of),))
        case PyInfix(op, left, right):
            return Tree("infix", op, (tree_of(left), tree_of(right)))
        case PyPrefix(op, inner):
            return Tree("prefix", op, (tree_of(inner),))
        case PyIndex(inner, items):
            return Tree("index", "", (tree_of(inner), *(tree_of(i) for i in items)))
        case PySequence(items, bracket):
            return Tree("sequence", bracket, tuple(tree_of(i.value) for i in items))
        case Arg(inner):
            return tree_of(inner)
        case tuple():
            return Tree("slice", "", tuple(tree_of(i) for i in value))
    raise TypeError(f"a torch rule answered with {type(value).__name__}")


def shape_of(tree: Tree | None) -> object:
    """What must agree between members: everything but the leaves."""
    if tree is None:
        return None
    return tree.kind, tree.text, tree.keys, tree.defaults, tuple(map(shape_of, tree.kids))


def merge(trees: Sequence[Tree], slot: Callable[[list[Const], str, object], Slot], hint: str = "") -> Tree:
    """One tree for several of one shape; `slot` makes a slot of aligned constants, a name hint and a default."""
    first = trees[0]
    if first.kind == "leaf":
        consts = [t.leaf for t in trees if isinstance(t.leaf, Const)]
        return Tree("leaf", leaf=slot(consts, hint, ...))
    kids = []
    offset = 1 if first.receiver else 0
    for i in range(len(first.kids)):
        at = i - offset
        key = first.keys[at] if first.keys and at >= 0 else None
        default = first.defaults[at] if first.defaults and at >= 0 else ...
        inner = [t.kids[i] for t in trees]
        if inner[0].kind == "leaf":
            consts = [t.leaf for t in inner if isinstance(t.leaf, Const)]
            kids.append(Tree("leaf", leaf=slot(consts, key or hint, default)))
        else:
            kids.append(merge(inner, slot, key or hint))
    return Tree(first.kind, first.text, tuple(kids), first.keys, first.defaults, first.receiver)


def merge_uses(uses: Sequence[Use], slot: Callable[[list[Const], str, object], Slot], why: str) -> Use:
    """One use for the aligned uses of all members. Split where their texts have different shapes."""
    first = uses[0]
    if len(uses) > 1:
        keys = [
            (
                shape_of(u.module),
                shape_of(u.function),
                tuple(map(shape_of, u.arguments or ())),
                u.helpers,
                u.unpack,
                u.both,
            )
            for u in uses
        ]
        if any(k != keys[0] for k in keys):
            raise Split(why, [repr(k) for k in keys])
    return Use(
        None if first.module is None else merge([u.module for u in uses if u.module], slot),
        None if first.function is None else merge([u.function for u in uses if u.function], slot),
        None
        if first.arguments is None
        else tuple(merge([u.arguments[i] for u in uses if u.arguments], slot) for i in range(len(first.arguments))),
        first.helpers,
        first.stateful,
        first.unpack,
        first.both,
    )


def leaves(tree: Tree | None) -> list[Slot]:
    """The slots of a merged tree, in order."""
    if tree is None:
        return []
    if tree.kind == "leaf":
        return [tree.leaf] if isinstance(tree.leaf, Slot) else []
    return [slot for kid in tree.kids for slot in leaves(kid)]


def inputs_of(tree: Tree | None) -> list[int]:
    """The numbers of the inputs that a tree reads, in order, repeats included."""
    if tree is None:
        return []
    if tree.kind == "in":
        return [int(tree.text)]
    return [i for kid in tree.kids for i in inputs_of(kid)]


def mentions(tree: Tree | None, kind: str) -> list[str]:
    """The texts of all parts of one kind."""
    if tree is None:
        return []
    return [*([tree.text] if tree.kind == kind else []), *(t for kid in tree.kids for t in mentions(kid, kind))]


__all__ = ["Context", "PyExpr", "SizeConst", "Tree", "Use", "inputs_of", "leaves", "merge", "merge_uses", "use_of"]
