"""Alignment: the instances of one definition as the members of one class.

Members of a definition ran the same statements, so their bodies are walked in parallel; no search is needed. Tensors
are matched as they are made: each value stands for the symbols it may be, because where an `if` was not taken the
value before it is also the value after it. What does not fit raises `Split` with one key per row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dslc.backends.torch.declared import declared
from dslc.backends.torch.forms import SizeConst, Use, merge_uses
from dslc.backends.torch.groups import Groups
from dslc.backends.torch.merged import (
    Class,
    CompilerBug,
    MCall,
    MEither,
    MFor,
    MIf,
    MItem,
    MNode,
    MSeq,
    Row,
    Slot,
    Split,
    Sym,
    SymKind,
)
from dslc.backends.torch.rows import (
    alike,
    common_name,
    distinct_names,
    length,
    require_same,
    steady_names,
    variable,
)
from dslc.backends.torch.starting import Starts
from dslc.backends.torch.terms import Factory
from dslc.backends.torch.writer import is_attribute
from dslc.ir.model import Call, Either, For, If, Instance, Item, Node, Param, Value
from dslc.ops.identity import Identity
from dslc.types.const import Const, literal

Lists = list[list[Item]]


@dataclass(slots=True)
class Aligner:
    """Makes the items of one class of its members."""

    groups: Groups
    made: dict[int, Class]  # the class of each instance that is a part
    members: list[Instance]
    target: Class
    starts: Starts
    factory: Callable[[Node], str | None]
    known: dict[int, tuple[Sym, ...]] = field(default_factory=dict)
    params: dict[int, Sym] = field(default_factory=dict)
    paths: dict[str, Sym] = field(default_factory=dict)
    same: dict[int, Value] = field(default_factory=dict)  # what the identity passes on, by the id of its result
    rows: list[Row] = field(default_factory=list)  # those now aligned
    left: set[int] = field(default_factory=set)  # ids of values made in the turns of kept loops now past
    count: int = 0
    turn: int = 0
    partial: int = 0  # optional parts and kept loops around

    def run(self) -> None:
        """Fill in the class's inputs, items, outputs and declared tensors."""
        first = self.members[0]
        rows = self.rows = [Row(i) for i in range(len(self.members))]
        inputs = [self.inputs(m) for m in self.members]
        require_same("they have other inputs", [len(i) for i in inputs])
        names = [i.name for i in first.inputs] if first.kind != "seq" else [None] * len(inputs[0])
        self.target.inputs = tuple(
            self.make([i[k] for i in inputs], "input", names[k] if k < len(names) else None)
            for k in range(len(inputs[0]))
        )
        sequential = all(id(m) in self.groups.linear for m in self.members) and first.kind == "block"
        self.target.sequential = sequential
        self.target.declared = declared(self.members, self.slot, rows)
        self.target.loop = self.starts.loop(self.members, self.slot, rows)
        self.target.items = self.align([m.body for m in self.members], rows, sequential)
        if sequential:
            steady_names(self.target.items, rows)
        distinct_names(self.target.items, rows)
        outputs = [self.outputs(m) for m in self.members]
        require_same("they have other results", [len(o) for o in outputs])
        self.target.outputs = tuple(self.sym([o[k] for o in outputs]) for k in range(len(outputs[0])))

    def inputs(self, member: Instance) -> list[Value]:
        """The tensors that a class's `forward` takes: formal ones, or those that a group reads from outside."""
        if member.kind != "seq":
            return [*member.inputs, *self.groups.lent.get(id(member), {}).values()]
        free = self.groups.free[id(member)]
        main = [v for v in member.inputs if id(v) in free]
        return list({id(v): v for v in (*main, *free.values())}.values())

    def outputs(self, member: Instance) -> list[Value]:
        """What `forward` returns."""
        if member.kind != "seq":
            return list(member.outputs)
        results = self.groups.results[id(member)]
        main = [v for v in member.outputs if id(v) in results]
        return list({id(v): v for v in (*main, *results.values())}.values())

    # ---- symbols

    def make(
        self, values: list[Value], kind: SymKind = "value", name: str | None = None, rows: list[Row] | None = None
    ) -> Sym:
        """A new symbol for a value of each row, of those now aligned or the ones given."""
        names = {v.name for v in values}
        sym = Sym(self.count, values, kind, name if name or len(names) > 1 else next(iter(names)))
        sym.at = dict(zip(rows or self.rows, (self.same.get(id(v), v) for v in values), strict=True))
        self.count += 1
        for value in values:
            self.known[id(value)] = (*self.known.get(id(value), ()), sym)
        return sym

    def of(self, value: Value) -> tuple[Sym, ...]:
        """The symbols that a value may be."""
        found = self.known.get(id(value))
        if found is None and isinstance(value.producer, Param):
            return (self.read(value.producer, value),)
        if found is None:
            raise CompilerBug(f"a tensor of {value.type} is read in a class that does not make it")
        return found

    def sym(self, values: Sequence[Value], rows: list[Row] | None = None) -> Sym:
        """The one symbol that the values of all rows are; the latest, where several are the same tensor.

        A symbol that was made for a row stands there for that row's value alone: what a loop carries is its input
        in the first turn only.
        """
        if any(id(v) in self.left and id(v) not in self.known for v in values):
            raise Split("a list keeps what a loop makes", ["a list"] * len(values))
        first = self.of(values[0])
        if len(values) == 1:
            return first[-1]
        common = dict.fromkeys(first)
        for value in values[1:]:
            here = self.of(value)
            if here is not first:
                common = {s: None for s in common if s in here}
        for row, value in zip(rows or self.rows, values, strict=True):
            real = self.same.get(id(value), value)
            common = {s: None for s in common if s.at.get(row, real) is real}
        if not common:
            raise Split("their steps are connected in other ways", [tuple(s.id for s in self.of(v)) for v in values])
        return max(common, key=lambda s: s.id)

    def read(self, param: Param, value: Value) -> Sym:
        """The symbol of a parameter read; the same for the members' parameters of one path."""
        found = self.params.get(id(param))
        if found is None:
            path = self.path(param)
            found = self.paths.get(path)
            if found is None:
                found = self.paths[path] = Sym(self.count, [value], "param", None, path)
                self.count += 1
            self.params[id(param)] = found
        return found

    def path(self, param: Param) -> str:
        """Where a parameter is, from `self`."""
        parts = [param.name]
        holder: Instance | None
        if isinstance(param.owner, Node):
            parts.append(param.owner.name)
            holder = param.owner.owner
        else:
            holder = param.owner
        while holder is not None and id(holder) not in self.target.index:
            parts.append(holder.name)
            holder = holder.parent
        if holder is None:
            raise CompilerBug(f"`{param.name}` is read outside of the part that owns it")
        return ".".join(reversed(parts))

    # ---- slots

    def slot(
        self,
        consts: list[Const],
        rows: list[Row],
        hint: str,
        default: object = ...,
        forward: bool = False,
        inputs: list[tuple[Value, ...]] | None = None,
    ) -> Slot:
        """A slot of the class."""
        slot = Slot(consts, rows, hint, default, forward, inputs, len(rows[0].turns))
        self.target.slots.append(slot)
        return slot

    # ---- items

    def align(self, lists: Lists, rows: list[Row], sequential: bool) -> list[MItem]:
        """The merged items of aligned lists."""
        around, self.rows = self.rows, rows
        try:
            return self.aligned(lists, rows, sequential)
        finally:
            self.rows = around

    def aligned(self, lists: Lists, rows: list[Row], sequential: bool) -> list[MItem]:
        """The merged items of aligned lists, whose rows are the current ones."""
        if len(lists) > 1:
            require_same("they have other steps", [len(items) for items in lists])
        found: list[MItem] = []
        for k in range(len(lists[0])):
            column = [items[k] for items in lists]
            if len(lists) > 1:
                require_same("they have other steps", [type(i).__name__ for i in column])
            match column[0]:
                case Node():
                    found += self.node(alike(column, Node), rows, sequential)
                case Call():
                    found += self.call(alike(column, Call), rows, sequential)
                case If():
                    found += self.choice(alike(column, If), rows, sequential)
                case For():
                    found += self.loop(alike(column, For), rows, sequential)
                case Either():
                    found += self.either(alike(column, Either), rows)
        return found

    def node(self, nodes: list[Node], rows: list[Row], sequential: bool) -> list[MItem]:
        """One use of an op in every row; nothing where it is the identity in all."""
        uses = [self.groups.use(n) for n in nodes]
        ops = {type(n.op) for n in nodes}
        first = nodes[0]
        require_same("their steps take other numbers of tensors", [(len(n.inputs), len(n.outs)) for n in nodes])
        if all(issubclass(kind, Identity) for kind in ops):
            for node in nodes:
                self.alias(node.outs[0], node.inputs[0])
            return []
        layer = self.layer(nodes, uses) if len(nodes) > 1 else None
        if len(ops) > 1 and layer is None:
            raise Split("they have other ops", [n.op.name for n in nodes])
        if not sequential and any(id(n.owner) not in self.target.index for n in nodes):
            raise CompilerBug(f"`{first.name}` is a module of another part than the one that applies it")
        owns = any(p.spec.kind != "const" for n in nodes for p in n.params.values())
        module = sequential or layer is not None or uses[0].function is None or owns or uses[0].stateful
        module = module or (any(n.explicit for n in nodes) and uses[0].module is not None)
        name, template = first.name, None
        if len(nodes) > 1:
            if module:
                names = [None if sequential and isinstance(n.op, Identity) else n.name for n in nodes]
                name, template = common_name(names, rows, sequential)
            require_same("a module is used again in some", [n.first is not None for n in nodes])
            require_same("other tensors are tied", [tuple(n.tied) for n in nodes])
        ins = tuple(self.sym([n.inputs[k] for n in nodes]) for k in range(len(first.inputs)))
        tied = {name: self.sym([n.tied[name] for n in nodes]) for name in first.tied}
        item = MNode(nodes, rows, uses[0], module, name, ins, (), tied, self.turn, template)
        item.again = first.first is not None
        if layer is not None:
            consts = [self.layer_const(n, layer, row) for n, row in zip(nodes, rows, strict=True)]
            item.factory = self.slot(consts, rows, layer, "own")
            item.factory.layer = True
            item.use = Use(uses[0].module, None, None, (), uses[0].stateful, None)
            item.optional = any(c.value == Factory(None) for c in consts)
            if item.optional and not sequential and (template is not None or not is_attribute(name)):
                item.optional, item.filled = False, True
        else:
            item.use = self.use(nodes, uses, rows, module)
            item.initial = self.starts.initial(item, self.slot, self.partial > 0 and len(self.members) > 1)
        item.outs = tuple(self.make([n.outs[k] for n in nodes]) for k in range(len(first.outs)))
        return [item]

    def use(self, nodes: list[Node], uses: list[Use], rows: list[Row], module: bool) -> Use:
        """The aligned text of what is printed: the module's, or the function's."""
        shown = [
            Use(
                u.module if module else None,
                None if module and not u.both else u.function,
                u.arguments if module else None,
                u.helpers,
                u.stateful,
                u.unpack,
                u.both,
            )
            for u in uses
        ]
        inputs = [n.inputs for n in nodes]
        hints = {id(c): name for n in nodes for name, c in n.consts.items()}

        def named(const: Const) -> str:
            return hints.get(id(const), "channels" if isinstance(const, SizeConst) else nodes[0].op.core.name)

        def constructor(consts: list[Const], hint: str, default: object) -> Slot:
            return self.slot(consts, rows, hint or named(consts[0]), default, False, inputs)

        def expression(consts: list[Const], hint: str, default: object) -> Slot:
            return self.slot(consts, rows, hint or named(consts[0]), default, True, inputs)

        why = f"`{nodes[0].op.name}` is written in other ways"
        made = merge_uses(
            [Use(u.module, None, None, u.helpers, u.stateful, u.unpack, u.both) for u in shown], constructor, why
        )
        run = merge_uses([Use(None, u.function, u.arguments, (), False, None) for u in shown], expression, why)
        return Use(made.module, run.function, run.arguments, made.helpers, made.stateful, made.unpack, made.both)

    def layer(self, nodes: list[Node], uses: list[Use]) -> str | None:
        """The layer parameter that makes a module of other kinds in other members, none of which owns weights."""
        via = {n.via for n in nodes}
        name = next(iter(via))
        if len(via) != 1 or name is None or any(n.params or n.first for n in nodes):
            return None
        if any(u.module is None or u.both or u.arguments is not None or u.unpack is not None for u in uses):
            return None
        texts = {self.factory(n) for n in nodes}
        same_op = len({type(n.op) for n in nodes}) == 1
        return name if len(texts) > 1 and not (same_op and Identity in {type(n.op) for n in nodes}) else None

    def layer_const(self, node: Node, layer: str, row: Row) -> Const:
        """A layer parameter's value as a Factory, with the words of the caller."""
        value = Factory(None if isinstance(node.op, Identity) else self.factory(node))
        return Const(value, None, None, node.span)

    def alias(self, value: Value, known: Value) -> None:
        self.known[id(value)] = self.of(known)
        self.same[id(value)] = self.same.get(id(known), known)

    def call(self, calls: list[Call], rows: list[Row], sequential: bool) -> list[MItem]:
        """One use of a part, or a Sequential of this class."""
        first = calls[0].instance
        name, template = common_name([c.instance.name for c in calls], rows, sequential)
        require_same("a module is used again in some", [c.instance.first is not None for c in calls])
        again = first.first is not None
        if first.kind == "seq" and id(first) in self.groups.linear:
            found = self.sequential(calls, rows, again)
            for group in found:
                assert isinstance(group, MSeq)
                group.name, group.template = name, template
            return found
        targets = [self.made.get(id(c.instance)) for c in calls]
        require_same(f"their parts `{first.name}` are not one class", [id(t) for t in targets])
        target = targets[0]
        if target is None:
            raise CompilerBug(f"the class of `{first.path}` is not made yet")
        given = [list(c.inputs) + self.groups.given.get(id(c.instance), []) for c in calls]
        reads = [self.inputs(c.instance) for c in calls] if first.kind == "seq" else given
        outs = [self.outputs(c.instance) if first.kind == "seq" else list(c.outs) for c in calls]
        ins = tuple(self.sym([r[k] for r in reads]) for k in range(len(reads[0])))
        slots = {}
        for parameter in target.parameters.values():
            consts = [parameter.constants[target.index[id(c.instance)]] for c in calls]
            inputs = [tuple(r) for r in reads]
            slot = self.slot(consts, rows, parameter.name, parameter.default, False, inputs)
            slot.layer = any(isinstance(c.value, Factory) for c in consts)
            slots[parameter.name] = slot
        item = MCall(calls, rows, target, slots, name, ins, (), self.turn, again, template)
        item.outs = tuple(self.make([o[k] for o in outs]) for k in range(len(outs[0])))
        return [item]

    def sequential(self, calls: list[Call], rows: list[Row], again: bool) -> list[MItem]:
        """A `seq` whose steps are one line of modules."""
        ins = (self.sym([c.inputs[0] for c in calls]),)
        items = self.align([c.instance.body for c in calls], rows, True)
        steady_names(items, rows)
        item = MSeq(calls, rows, items, calls[0].instance.name, ins, (), self.turn, again)
        if all(c.outs[0] is c.inputs[0] for c in calls):
            return [item] if items else []
        for call in calls:
            self.known.pop(id(call.outs[0]), None)
        item.outs = (self.make([c.outs[0] for c in calls]),)
        return [item]

    # ---- regions

    def choice(self, ifs: list[If], rows: list[Row], sequential: bool) -> list[MItem]:
        """An `if`: its items where all rows took the same side, else an optional part."""
        sides = [i.side for i in ifs]
        if len(set(sides)) == 1:
            return self.align([i.items for i in ifs], rows, sequential)
        order = sorted(set(sides), key=lambda s: len(ifs[0].conditions) + 99 if s is None else s)
        outcomes = max(i.sides + (len(i.conditions) == i.sides and i.side is None) for i in ifs)
        if len(order) > 2 or outcomes > 2 or order[0] is None:
            raise Split("an `if` of more than two sides goes other ways", [str(s) for s in sides])
        taken = [k for k, s in enumerate(sides) if s == order[0]]
        rest = [k for k, s in enumerate(sides) if s != order[0]]
        conditions = [literal(s == order[0], i.site) for i, s in zip(ifs, sides, strict=True)]
        conditions = [
            Const(c.value, i.conditions[order[0]].origin, i.conditions[order[0]].scope, i.site)
            for c, i in zip(conditions, ifs, strict=True)
        ]
        slot = self.slot(conditions, rows, "flag")
        then = self.part(ifs, rows, taken, sequential)
        other = self.part(ifs, rows, rest, sequential)
        joins = []
        after = [i.after for i in ifs if i.after is not None]
        if len(after) == len(ifs):
            joins += self.join(after, taken, rest)
        for name in ifs[taken[0]].names:
            if all(name in i.names for i in ifs):
                joins += self.join([i.names[name] for i in ifs], taken, rest)
        if not then and not other and not joins:
            return []
        return [MIf(slot, then, other, joins, self.turn)]

    def part(self, ifs: list[If], rows: list[Row], members: list[int], sequential: bool) -> list[MItem]:
        """One side of an `if`. A Split there is one of all rows, with those of the other side kept together."""
        self.partial += 1
        try:
            return self.align([ifs[k].items for k in members], [rows[k] for k in members], sequential)
        except Split as split:
            keys: list[object] = ["the other side"] * len(ifs)
            for k, key in zip(members, split.keys, strict=True):
                keys[k] = key
            raise Split(split.why, keys) from None
        finally:
            self.partial -= 1

    def join(self, values: list[Value], taken: list[int], rest: list[int]) -> list[tuple[Sym, Sym, Sym]]:
        """The value after an `if`, as one symbol; nothing where it is the same tensor on both sides."""
        parts = [[self.rows[k] for k in side] for side in (taken, rest)]
        sides = self.sym([values[k] for k in taken], parts[0]), self.sym([values[k] for k in rest], parts[1])
        return [] if sides[0] is sides[1] else [(self.make(values), *sides)]

    def loop(self, loops: list[For], rows: list[Row], sequential: bool) -> list[MItem]:
        """A `for`: unrolled where all rows have the same number of turns, else kept as a loop."""
        counts = [len(f.turns) for f in loops]
        found: list[MItem] = []
        if len(set(counts)) == 1:
            outer = self.turn
            for k in range(counts[0]):
                self.turn = self.count = self.count + 1
                found += self.align([f.turns[k] for f in loops], rows, sequential)
            self.turn = outer
            return found
        inner = [
            Row(row.member, (*row.turns, (scope, k)))
            for f, row in zip(loops, rows, strict=True)
            for k, scope in enumerate(f.scopes)
        ]
        where = [k for k, f in enumerate(loops) for _ in f.turns]
        consts = [Const(len(f.turns), length(f.source.origin), f.source.scope, f.source.span) for f in loops]
        slot = self.slot(consts, rows, "depth")
        carried: tuple[Sym, Sym, Sym, Sym] | None = None
        self.partial += 1
        outside = set(self.known)
        try:
            moving = [[v for v in f.carried if v is not None] for f in loops]
            before = inside = None
            if all(len(values) == len(f.carried) for values, f in zip(moving, loops, strict=True)):
                before = self.sym([values[0] for values in moving])
                inside = self.make([v for values in moving for v in values[:-1]], rows=inner)
            items = self.align([turn for f in loops for turn in f.turns], inner, sequential)
            if before is not None and inside is not None:
                after = self.sym([v for values in moving for v in values[1:]], inner)
                for value in (v for values in moving for v in values):  # past the loop nothing is inside it
                    self.known[id(value)] = tuple(s for s in self.known[id(value)] if s is not inside)
                self.leave(outside)
                if after is not inside:
                    carried = (before, inside, after, self.make([values[-1] for values in moving]))
            else:
                self.leave(outside)
        except Split as split:
            keys: list[list[object]] = [[] for _ in loops]
            for k, key in zip(where, split.keys, strict=True):
                keys[k].append(key)
            texts = [repr(key) for key in keys]
            if len(set(texts)) == 1:
                texts = [str(c) for c in counts]
            raise Split(split.why, texts) from None
        finally:
            self.partial -= 1
        return [MFor(slot, items, carried, rows, inner, self.turn, variable(loops))]

    def leave(self, outside: set[int]) -> None:
        """Past a kept loop: what its turns made has no name there."""
        for inside in set(self.known) - outside:
            del self.known[inside]
            self.left.add(inside)

    def either(self, choices: list[Either], rows: list[Row]) -> list[MItem]:
        """A choice by `training`: both sides are kept."""
        training = self.align([c.training for c in choices], rows, False)
        evaluation = self.align([c.evaluation for c in choices], rows, False)
        sides = self.sym([c.sides[0] for c in choices]), self.sym([c.sides[1] for c in choices])
        out = self.make([c.out for c in choices])
        return [MEither(training, evaluation, sides, out, self.turn)]
