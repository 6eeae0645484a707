"""Classes of generated code before they are text: aligned items of all members, with slots where they may differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Literal, TypeAlias

from dslc.backends.torch.terms import Term
from dslc.ir.model import Call, Instance, Node, Param, Value
from dslc.record import entity, frozen, record
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Const, Scope
from dslc.types.dim import Dim

if TYPE_CHECKING:
    from dslc.backends.torch.forms import Use


class Split(Exception):
    """Members that do not fit one class: `keys` has one entry per row of the aligned lists; unequal ones part."""

    def __init__(self, why: str, keys: Sequence[object]) -> None:
        super().__init__(why)
        self.why = why
        self.keys: list[object] = list(keys)


class CompilerBug(Exception):
    """Generated code would not be the network: never a mistake of the user."""


@record
class Row:
    """One of the things that are aligned: a member, in the turns of the kept loops around."""

    member: int
    turns: tuple[tuple[Scope, int], ...] = ()  # per kept loop: the scope of its turn, and which turn it is


@entity
class Slot:
    """A compile-time value that generated code prints: one constant per row.

    `forward`: printed there, where sizes of tensors can be read; else in `__init__`. `default`: the value at which
    an argument is left out (`...`: never). `inputs`: per row, what a `SizeConst` counts as the op's inputs.
    `term` is what is printed, once chosen; else `shape` is an input and an axis that forward reads it from.
    """

    consts: list[Const]
    rows: list[Row]
    hint: str
    default: object
    forward: bool
    inputs: list[tuple[Value, ...]] | None = None
    loops: int = 0  # kept loops around it
    layer: bool = False  # a layer parameter: values are Factories
    free: bool = False  # nothing that is built depends on it: the program's own words are right for other values too
    term: Term | None = None
    shape: tuple[int, int] | None = None

    @property
    def values(self) -> list[object]:
        return [c.value for c in self.consts]


class Unsaid(CompilerBug):
    """A value that a class has no text for; `symbols` are those of a size that its `forward` would have to read."""

    def __init__(self, slot: Slot, members: Sequence[Instance]) -> None:
        value = slot.values[0]
        super().__init__(f"no text says the value of `{slot.hint}`: {value}")
        self.members = list(members)
        self.symbols = {s.name for s in value.symbols} if isinstance(value, Dim) and slot.forward else set[str]()


SymKind: TypeAlias = Literal["value", "input", "param"]
"""What a symbol stands for."""


@entity
class Sym:
    """A tensor of a class: one value in every row. `path`: of a parameter read, where it is from `self`."""

    id: int
    values: list[Value]
    kind: SymKind = "value"
    name: str | None = None
    path: str = ""
    at: dict[Row, Value] = field(default_factory=dict)  # the value by the row it was made for


@frozen
class Template:
    """A module's name in a kept loop: `before`, the turn plus `base`, `after`."""

    before: str
    base: int
    after: str


@entity
class MNode:
    """One use of an op. `module`: an attribute of the class; else an expression in `forward`."""

    nodes: list[Node]
    rows: list[Row]
    use: Use
    module: bool
    name: str
    ins: tuple[Sym, ...]
    outs: tuple[Sym, ...]
    tied: dict[str, Sym]
    turn: int
    template: Template | None = None
    factory: Slot | None = None  # the layer parameter that makes it
    optional: bool = False  # the factory is none in some members
    filled: bool = False  # and then the module is the identity
    initial: list[tuple[str, str, dict[str, Slot]]] = field(default_factory=list)  # (parameter, kind, numbers)
    again: bool = False  # a `module` applied once more

    @property
    def span(self) -> Span:
        return self.nodes[0].span


@entity
class MCall:
    """One use of a part: an instance of another class."""

    calls: list[Call]
    rows: list[Row]
    target: Class
    slots: dict[str, Slot]
    name: str
    ins: tuple[Sym, ...]
    outs: tuple[Sym, ...]
    turn: int
    again: bool = False
    template: Template | None = None

    @property
    def span(self) -> Span:
        return self.calls[0].span


@entity
class MSeq:
    """A `seq` that is an nn.Sequential of the class it stands in."""

    calls: list[Call]
    rows: list[Row]
    items: list[MItem]
    name: str
    ins: tuple[Sym, ...]
    outs: tuple[Sym, ...]
    turn: int
    again: bool = False
    template: Template | None = None

    @property
    def span(self) -> Span:
        return self.calls[0].span


@entity
class MIf:
    """An `if` whose side is not the same in all members. `joins`: (result, value after `then`, after `other`)."""

    condition: Slot
    then: list[MItem]
    other: list[MItem]
    joins: list[tuple[Sym, Sym, Sym]]
    turn: int

    @property
    def turns(self) -> bool:
        """Whether it stands in a kept loop, so that no attribute can hold its condition."""
        return bool(self.condition.rows[0].turns)


@entity
class MFor:
    """A `for` whose number of turns is not the same in all members; `carried`: before, in, after a turn, after all."""

    count: Slot
    items: list[MItem]
    carried: tuple[Sym, Sym, Sym, Sym] | None
    rows: list[Row]  # of the loop itself
    inner: list[Row]  # of its turns
    turn: int
    variable: str = ""
    children: bool = False  # its modules are all that the class has: forward loops over `self.children()`


@entity
class MEither:
    """`(a if training else b)`."""

    training: list[MItem]
    evaluation: list[MItem]
    sides: tuple[Sym, Sym]
    out: Sym
    turn: int


MItem: TypeAlias = MNode | MCall | MSeq | MIf | MFor | MEither


def regions(item: MItem) -> tuple[list[MItem], ...]:
    """The lists of items inside an item of `forward`."""
    match item:
        case MIf():
            return item.then, item.other
        case MFor():
            return (item.items,)
        case MEither():
            return item.training, item.evaluation
    return ()


def walk(items: list[MItem], inside_sequentials: bool = True) -> Iterator[MItem]:
    """All items in program order, those of regions and Sequentials too."""
    todo = list(reversed(items))
    while todo:
        item = todo.pop()
        yield item
        for region in reversed(regions(item)):
            todo.extend(reversed(region))
        if isinstance(item, MSeq) and inside_sequentials:
            todo.extend(reversed(item.items))


SlotMaker: TypeAlias = Callable[[list[Const], list[Row], str], Slot]


@entity
class Setting:
    """A line of a loop over modules: the tensor, its initialiser with the numbers, and whether a module may lack it."""

    tensor: str
    kind: str
    numbers: dict[str, Slot]
    optional: bool
    stated: bool = True  # by the program; else it is PyTorch's default


@entity
class Loop:
    """What a loop over the modules of a class does with those of some types.

    `computed`: those whose weight `wn` or `sn` computes. `reset`: they have more tensors than the loop sets.
    """

    types: list[str]
    computed: str
    op: str
    settings: list[Setting]
    reset: bool


Kind: TypeAlias = Literal["dim", "given", "new"]


@entity
class Parameter:
    """A parameter of a class's constructor.

    `key` is the name that terms use, `name` the Python one. `kind`: `dim` (a size of an input), `given` (a name of
    the header, or of a group's writer), `new` (a slot that no name says). `constants` has the caller's constant of
    each member.
    """

    key: str
    name: str
    kind: Kind
    type: str
    default: object  # `...`: none
    constants: list[Const]
    place: tuple[int, int] = (0, 0)  # of a dim: input and axis
    stored: str = ""  # the attribute `forward` reads it from


@entity
class Declared:
    """A `param`, `buffer` or `const` of a class: one per member."""

    params: list[Param]
    shape: list[Slot]
    numbers: dict[str, Slot]  # of its initialiser
    index: tuple[tuple[str, ...], Term] | None = None  # of values given by index: its names, and the value there
    reads: list[str] = field(default_factory=list)  # the names of the class that this value reads


@entity
class Class:
    """Instances of one definition as one class.

    `sequential`: it is an nn.Sequential. `lets`: compile-time lines that `__init__` (or `forward`: those in
    `local`) begins with. `why`: what parted it from an earlier class of the same definition.
    """

    kind: Literal["net", "block", "group", "extern"]
    members: list[Instance]
    name: str = ""
    items: list[MItem] = field(default_factory=list)
    inputs: tuple[Sym, ...] = ()
    outputs: tuple[Sym, ...] = ()
    sequential: bool = False
    parameters: dict[str, Parameter] = field(default_factory=dict)
    lets: dict[str, Term] = field(default_factory=dict)
    local: dict[str, Term] = field(default_factory=dict)
    reads: dict[str, tuple[int, int]] = field(default_factory=dict)  # sizes that forward reads: input and axis
    stored: dict[str, str] = field(default_factory=dict)  # key -> attribute that holds it for forward
    declared: dict[str, Declared] = field(default_factory=dict)
    loop: list[Loop] = field(default_factory=list)  # over its modules, in `reset_parameters`
    slots: list[Slot] = field(default_factory=list)
    envs: list[Mapping[str, object]] = field(default_factory=list)
    why: str = ""
    definition: tree.Block | tree.Extern | None = None
    index: dict[int, int] = field(default_factory=dict)  # id of an instance -> its place in members

    @property
    def first(self) -> Instance:
        return self.members[0]
