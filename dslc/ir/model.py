"""The module tree: what a network is after expansion. It is the only IR.

An `Instance` is a thing that owns names (a net, an applied block, a `seq`). Its `body` keeps what its program did,
in order and with the regions of `if` and `for`, because generated code is printed from it. `walk.steps` gives the
flat list of ops that reports and ONNX need.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal, TypeAlias

from dslc.diagnostics.model import Diagnostic, Frame
from dslc.ops.base import Op, ParamSpec
from dslc.record import entity, frozen
from dslc.source import Source, Span
from dslc.syntax import tree
from dslc.types.const import Const, Scope
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType
from dslc.values.faces import TensorFace


@entity
class Value(TensorFace):
    """A tensor. `producer` is the item that made it: none for an input, a `Param` for a parameter read."""

    type: TensorType
    producer: Node | Call | Either | Param | None = None
    name: str | None = None  # the user's name, from `name = line` or a port
    index: int = 0  # which of the producer's outputs
    span: Span | None = None  # the line that made it
    readers: list[Node | Call | Instance] = field(default_factory=list)  # an instance reads its outputs

    def __repr__(self) -> str:
        return f"<Value {self.name or ''}{self.type}>"

    @property
    def described(self) -> str:
        return f"a tensor {self.type}"


@entity
class Param:
    """A tensor owned by an instance (`param`, `buffer`, `const`) or by an op node (`weight`, `running_mean`).

    `path` is the state-dict key. `index` is the value of a buffer given in index form.
    """

    path: str
    name: str
    spec: ParamSpec
    owner: Instance | Node
    definition: tree.TensorDef | None = None
    scope: Scope | None = None
    span: Span | None = None
    dims: tuple[Const, ...] = ()  # the sizes of a declared tensor in the block's words
    values: object = None  # of `buffer` and `const`: nested lists of numbers, or none where `init` gives them

    @property
    def net(self) -> Instance:
        """The net that it is part of."""
        owner = self.owner if isinstance(self.owner, Instance) else self.owner.owner
        while owner.parent is not None:
            owner = owner.parent
        return owner

    def __repr__(self) -> str:
        return f"<Param {self.path} {list(self.spec.shape)}>"


@entity
class Node:
    """One use of an op."""

    op: Op
    inputs: tuple[Value, ...]
    outs: tuple[Value, ...]
    consts: dict[str, Const]  # each attribute with its origin; defaults have no origin
    owner: Instance
    name: str  # in the owner's namespace: attribute of the generated module, part of every name elsewhere
    explicit: bool  # named by `as`
    span: Span  # the text of the step
    frame: Frame | None
    via: str | None = None  # the parameter the layer came through
    first: Node | None = None  # of a `module` used again: the node that owns the weights
    params: dict[str, Param] = field(default_factory=dict)  # by the op's own names; shared with `first`
    tied: dict[str, Value] = field(default_factory=dict)  # parameters given as tensors: `weight=wte.weight`
    note: str = ""  # why something was chosen: `bn follows`

    @property
    def path(self) -> str:
        return f"{self.owner.path}.{self.name}" if self.owner.path else self.name

    def __repr__(self) -> str:
        return f"<Node {self.path}: {self.op.name}>"


@entity
class Instance:
    """One application of a net, a block or a `seq`.

    Values inside a net or block are its own: `inputs` are formal. A `seq` shares its writer's scope and values.
    `numbered`: a `seq`, or a block written `= a -> b`: an nn.Sequential if its items form one unbranched line.
    """

    kind: Literal["net", "block", "seq", "extern"]
    definition: tree.Block | tree.Extern | None  # none for a `seq`
    site: Span  # of the definition, or of the `seq`
    parent: Instance | None
    name: str
    explicit: bool
    scope: Scope
    args: dict[str, Const]  # parameters in header order
    inputs: tuple[Value, ...]
    frame: Frame | None
    numbered: bool = False
    body: list[Item] = field(default_factory=list)
    outputs: tuple[Value, ...] = ()
    output_names: tuple[str | None, ...] = ()
    train_only: tuple[bool, ...] = ()  # per output: computed only in training
    params: dict[str, Param] = field(default_factory=dict)  # declared by `param`, `buffer`, `const`
    stated: list[dict[str, Const]] = field(default_factory=list)  # by its `init` statements, those of its file last
    first: Instance | None = None  # of a `module` used again: the instance that owns the weights
    via: str | None = None
    facts: dict[str, object] = field(default_factory=dict)  # what an `extern` block says it costs: macs, params, reach
    taken: dict[str, Span] = field(default_factory=dict)  # names of its modules and tensors, and where they were given
    yielding: dict[str, list[Node | Instance | Param]] = field(default_factory=dict)  # who bears a name that std gave
    count: int = 0  # layer steps so far, of a numbered instance
    numbers: dict[str, int] = field(default_factory=dict)  # the last number of each automatic name

    @property
    def path(self) -> str:
        """The PyTorch attribute path, state-dict prefix and ONNX name; empty for the root."""
        if self.parent is None:
            return ""
        above = self.parent.path
        return f"{above}.{self.name}" if above else self.name

    def __repr__(self) -> str:
        return f"<Instance {self.path or self.name}: {self.kind}>"


@entity
class Call:
    """A use of an instance. A `seq` has no values of its own: its `outs` are its instance's outputs."""

    instance: Instance
    inputs: tuple[Value, ...]
    outs: tuple[Value, ...]
    span: Span
    frame: Frame | None

    def __repr__(self) -> str:
        return f"<Call of {self.instance.path}>"


@entity
class If:
    """A decided `if` (or conditional layer): `side` is the index of the branch taken, none if no branch was."""

    site: Span
    conditions: tuple[Const, ...]  # those evaluated, in order
    side: int | None
    sides: int  # how many branches the text has, `else` included
    items: list[Item]
    before: Value | None  # `it` before
    after: Value | None  # `it` after
    names: dict[str, Value] = field(default_factory=dict)  # values named inside that later lines read

    def __repr__(self) -> str:
        return f"<If {self.site}, side {self.side}>"


@entity
class For:
    """An unrolled `for`: one list of items per turn; `carried[k]` is `it` before turn k, the last one after."""

    site: Span
    source: Const
    loops: tuple[tuple[Const, ...], ...]  # the values of the targets, per turn
    scopes: list[Scope]  # per turn: where the loop's names live
    turns: list[list[Item]]
    carried: list[Value | None]

    def __repr__(self) -> str:
        return f"<For {self.site}, {len(self.turns)} turns>"


@entity
class Either:
    """`(a if training else b)`: both sides are kept; `out` stands for whichever is computed."""

    site: Span
    training: list[Item]
    evaluation: list[Item]
    sides: tuple[Value, Value]  # (in training, in evaluation)
    out: Value

    def __repr__(self) -> str:
        return f"<Either {self.site}>"


Item: TypeAlias = Node | Call | If | For | Either


@frozen
class Budget:
    """A limit that the source sets: `macs <= 4.2G`."""

    name: str
    op: str
    limit: int | float
    span: Span
    value: Span | None = None  # where the limit itself is written


@entity
class Model:
    """A finished network: well typed, every value read, all parameters known."""

    name: str
    root: Instance
    params: dict[str, Param]  # by path, in order of first application; each distinct tensor once
    sizes: Sizes
    source: Source
    entry: str  # the net as asked for: `resnet50`
    entry_args: dict[str, Const] = field(default_factory=dict)
    doc: str = ""
    budgets: list[Budget] = field(default_factory=list)
    notes: tuple[Diagnostic, ...] = ()  # warnings and notes of this run
    float: DType = DType.FLOAT32  # what `float` is unless a build asks for another: 16 bits if an input is declared so
    given: dict[str, object] = field(default_factory=dict)  # arguments from outside, as they were given
    asked: dict[str, int] = field(default_factory=dict)  # and default sizes

    def bytes(self, dtype: DType) -> int:
        """Size of one element in a build that asks for no other type."""
        return (self.float if dtype is DType.FLOAT else dtype).bytes

    def __repr__(self) -> str:
        return f"<Model {self.entry}: {len(self.params)} tensors>"
