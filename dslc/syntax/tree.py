"""The syntax tree. Nodes are frozen; `span` is the text they were read from."""

from __future__ import annotations

from typing import TypeAlias

from dslc.record import record
from dslc.source import Source, Span

# ---- expressions


@record
class Expr:
    span: Span


@record
class Number(Expr):
    """An int or float; SI suffixes are already multiplied in."""

    value: int | float


@record
class SizeLiteral(Expr):
    """`3x3`, `1x7`, `3x3x3`."""

    sides: tuple[int, ...]


@record
class Text(Expr):
    """A string, or a back-tick name: literal pieces and interpolated expressions in order."""

    pieces: tuple[str | Expr, ...]


@record
class Word(Expr):
    """`true`, `false`, `none`, `training` or `...`."""

    word: str


@record
class Name(Expr):
    """A plain name."""

    name: str


@record
class TickName(Expr):
    """A back-tick name used as an expression; its text may hold interpolations."""

    text: Text


@record
class It(Expr):
    """The current value."""


@record
class Tuple(Expr):
    """Values in brackets with a comma, or a bare comma list at the head of a line."""

    items: tuple[Expr, ...]


@record
class List(Expr):
    items: tuple[Expr, ...]


@record
class Clause:
    """One `for targets in source` or `if condition` of a comprehension (`targets` empty: an `if`)."""

    span: Span
    targets: tuple[Name, ...]
    value: Expr


@record
class Comprehension(Expr):
    """`[item for a, b in xs if c]`."""

    item: Expr
    clauses: tuple[Clause, ...]


@record
class Unary(Expr):
    """`-x` or `not x`."""

    op: str
    value: Expr


@record
class Binary(Expr):
    """Arithmetic `+ - * / // % @ **` and the logical `and`, `or`."""

    op: str
    left: Expr
    right: Expr


@record
class Compare(Expr):
    """`a < b <= c`: comparison operators (`== != < <= > >= in`, `not in`) between neighbouring values."""

    values: tuple[Expr, ...]
    ops: tuple[str, ...]


@record
class Conditional(Expr):
    """`then if condition else other`."""

    condition: Expr
    then: Expr
    other: Expr


@record
class Argument:
    """One argument of a call: `x`, `name=x` or `*x`."""

    span: Span
    name: str | None
    name_span: Span | None
    value: Expr
    star: bool = False


@record
class Call(Expr):
    """`target(arguments)`; `suite` is a trailing suite (or the branches of one), only at the end of a line."""

    target: Expr
    arguments: tuple[Argument, ...]
    suite: Suite | None = None
    bare: bool = False  # written without brackets: `residual: ...`


@record
class Attribute(Expr):
    """`value.name`."""

    value: Expr
    name: str
    name_span: Span


@record
class Slice(Expr):
    """`start:stop:step` inside index brackets."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None


@record
class Index(Expr):
    """`value[a, b:c, ..., none]`."""

    value: Expr
    items: tuple[Expr, ...]


@record
class As(Expr):
    """`layer as name`: the module's name. `name` is a Name or a TickName."""

    value: Expr
    name: Name | TickName


@record
class Chain(Expr):
    """`a -> b -> c`, at least two steps."""

    steps: tuple[Expr, ...]


@record
class Seq(Expr):
    """`seq: suite` and `seq as name: suite` (the latter is an `As` around this)."""

    suite: Suite


@record
class Lost(Expr):
    """What could not be read, as a line of its own or the condition of an `if`: a mistake tells why."""

    names: tuple[str, ...]  # those that it may have given
    moves: bool  # it may have moved the chain
    suite: Suite | None = None  # the lines indented under it


@record
class TypeExpr:
    """`int`, `layer(out, s)`, `[int]`, `(int, int)`, `T?`: `kind` is a name, `list` or `tuple`."""

    span: Span
    kind: str
    items: tuple[TypeExpr, ...] = ()
    calls: tuple[str, ...] | None = None  # `layer(out, s)`: what it is called with
    optional: bool = False


@record
class DimSpec:
    """One size in brackets: `C`, `3`, `H=224`, `4 * out`, `i: T`, `_`, `...`.

    `value` is none for `_` and `...`; `index` is the index name of `i: T`; `default` that of `H=224`; `name_span` the
    place of `i` or `S`.
    """

    span: Span
    value: Expr | None
    rest: bool = False  # `...` or `*S`
    index: str | None = None
    default: Expr | None = None
    rest_name: str | None = None  # `*S`
    name_span: Span | None = None


@record
class TensorSpec:
    """`int64[N, T=128]`; `dims` none: a tensor of any shape."""

    span: Span
    dtype: str | None
    dims: tuple[DimSpec, ...] | None


@record
class Parameter:
    """One parameter of a header: `name: type = default`."""

    span: Span
    name: str
    name_span: Span
    type: TypeExpr | None
    default: Expr | None


@record
class Port:
    """An input: `x[N, C]`, `ids: int64[N]`, `mask?[N]`, `*xs[N, _]`."""

    span: Span
    name: str
    spec: TensorSpec
    optional: bool = False
    many: bool = False
    name_span: Span | None = None  # none of the input that a header leaves out


@record
class Result:
    """A result: `[N, C]` (the last value), `p3`, `aux1?`, `aux1 when training`, `p3[N, C]`."""

    span: Span
    name: str | None
    spec: TensorSpec | None
    optional: bool = False
    when_training: bool = False
    name_span: Span | None = None


@record
class Stmt:
    span: Span


@record
class Suite:
    """Statements of an indented suite, or one on the header's line."""

    span: Span
    body: tuple[Stmt, ...]


@record
class Step(Stmt):
    """A line without `=`: moves the chain."""

    value: Expr


@record
class Assign(Stmt):
    """`name = line`, `q, k, v = line`: names values; targets are Name or TickName."""

    targets: tuple[Name | TickName, ...]
    value: Expr


@record
class Let(Stmt):
    """`let name = expr`."""

    target: Name
    value: Expr


@record
class Grow(Stmt):
    """`xs += [it]`."""

    target: Name
    value: Expr


@record
class ModuleDef(Stmt):
    """`module head = layer`: makes a module without applying it."""

    target: Name | TickName
    value: Expr


@record
class TensorDef(Stmt):
    """`param pos: [1, T, D] = init`, `buffer ...`, `const ...`; `kind` is the keyword."""

    kind: str
    target: Name
    spec: TensorSpec
    value: Expr | None


@record
class If(Stmt):
    """`if`/`elif`/`else`: (condition, suite) pairs, the last condition none for `else`."""

    branches: tuple[tuple[Expr | None, Suite], ...]


@record
class For(Stmt):
    targets: tuple[Name, ...]
    source: Expr
    suite: Suite


@record
class Branch(Stmt):
    """`| chain` with the lines indented under it."""

    value: Expr
    more: Suite | None


@record
class Require(Stmt):
    """`require condition, "message"`."""

    condition: Expr
    message: Text | None


@record
class Budget(Stmt):
    """`budget macs <= 4.2G, params <= 26M`: comparisons of a quantity's name and a value."""

    limits: tuple[Compare, ...]


@record
class Setting:
    """`conv = zeros`, `linear.bias = zeros`: `target` is a name, `part` what follows its point, or empty."""

    span: Span
    target: Name
    part: str
    part_span: Span | None
    value: Expr


@record
class Initial(Stmt):
    """`init conv = kaiming_normal, bias = zeros`: initialisers of the layers of a body, or of a file's nets."""

    settings: tuple[Setting, ...]


@record
class Item:
    span: Span
    doc: str  # the text of the `##` lines before it


@record
class Use(Item):
    """`use std.conv: cba, dw as depthwise`: `path` is a dotted name or a quoted file."""

    path: str
    path_span: Span
    quoted: bool
    names: tuple[tuple[Name, Name], ...]  # (name there, name here)


@record
class LostItem(Item):
    """A definition or `use` that could not be read, with the names that it may have given."""

    names: tuple[str, ...]


@record
class LetItem(Item):
    target: Name
    value: Expr


@record
class InitialItem(Item):
    settings: tuple[Setting, ...]


@record
class Fn(Item):
    """`fn name(params) = expr`, or lets and a last expression."""

    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    lets: tuple[Let, ...]
    value: Expr


@record
class Block(Item):
    """`block`, `inline block` and `net` with a body; `sequence` marks `= a -> b`."""

    kind: str  # "block" | "inline" | "net"
    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    ports: tuple[Port, ...] | None
    results: tuple[Result, ...] | None
    suite: Suite
    sequence: bool = False


@record
class NetAlias(Item):
    """`net name(params) = other(args)`, with budgets."""

    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    value: Expr
    budgets: tuple[Budget, ...]


@record
class Extern(Item):
    """`extern block ... = "package.module:Class"` with optional cost expressions."""

    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    ports: tuple[Port, ...]
    results: tuple[Result, ...]
    target: Text
    facts: tuple[tuple[str, Expr], ...]  # macs, params, reach

    @property
    def path(self) -> str:
        """`package.module:Class`, as it is written; a target that holds `{..}` is refused before anyone reads this."""
        return "".join(piece for piece in self.target.pieces if isinstance(piece, str))


@record
class Comment:
    """A comment, kept for the formatter: its text with the `#`, and whether it had the line for itself."""

    span: Span
    text: str
    own_line: bool


@record
class File:
    source: Source
    items: tuple[Item, ...]
    comments: tuple[Comment, ...]
    whole: bool = True  # false: so much is wrong that the rest was not read


Definition: TypeAlias = LetItem | Fn | Block | NetAlias | Extern
