"""What every slot of a class prints: an origin, a literal, a parameter, a rule of a loop, or a new parameter.

Nothing is chosen that was not evaluated for every member and found to be that member's value.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import field
from itertools import pairwise

from dslc.backends.torch import terms
from dslc.backends.torch.forms import SizeConst
from dslc.backends.torch.guards import size_term
from dslc.backends.torch.merged import Class, CompilerBug, MFor, Row, Slot, Split, Unsaid, walk
from dslc.backends.torch.origins import Origins, Reader, literal_default, own_scopes, writer_of
from dslc.backends.torch.reading import Env, symbol_name
from dslc.backends.torch.terms import Lit, NoValue, Term, Var
from dslc.ir.model import Call, Value
from dslc.names.reserved import local_name
from dslc.record import entity
from dslc.syntax import tree
from dslc.types.const import Binding, Const
from dslc.types.dim import Dim, Size

MAX_CANDIDATES = 32
"""Origins of one slot that are tried: members whose origins differ this much have no common one."""

OWN = "own"
"""Default of a slot that is a layer parameter of this class itself, applied here."""

WORDS = {"k": "kernel_size", "s": "stride", "p": "padding", "d": "dilation", "g": "groups", "": "value"}
"""Names of new parameters for attributes of the language that have another name in torch."""


@entity
class Resolver:
    """Chooses the texts of one class's slots, and from them its constructor."""

    target: Class
    origins: Origins
    calls: Mapping[int, Call]
    inputs: list[list[Value]]  # per member, the tensors that forward takes
    reduce: Callable[[Size], Size]
    by_value: bool = False
    bare: frozenset[str] = frozenset()  # by value: parameters that may still be printed by name
    kept: dict[int, str] = field(default_factory=dict)
    new: dict[str, Slot] = field(default_factory=dict)
    lets: dict[str, Term] = field(default_factory=dict)
    values: dict[tuple[str, int], object] = field(default_factory=dict)
    kinds: dict[str, bool] = field(default_factory=dict)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    factories: dict[str, list[Const]] = field(default_factory=dict)
    loops: dict[str, Slot] = field(default_factory=dict)  # the number of turns of each kept loop
    risen: list[Term] = field(default_factory=list)
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        own: set[int] = set()
        for member in self.target.members:
            own |= own_scopes(member)
        self._name_loops()
        self.reader = Reader(self.origins, {id(writer_of(m)) for m in self.target.members}, own, self.kept)
        self.reader.fold = self.by_value
        self.reader.fixed = self._unset()
        self._find_places()
        for slot in self.target.slots:
            if slot.layer and slot.default == OWN and len(slot.consts) == len(self.target.members):
                self.factories.setdefault(slot.hint, slot.consts)

    def _name_loops(self) -> None:
        """Every kept loop has a name that counts its turns."""
        number = 0
        for item in walk(self.target.items):
            if isinstance(item, MFor):
                if not item.variable:
                    item.variable = f"@turn{number}"
                    number += 1
                self.loops[item.variable] = item.count
                for row in item.inner:
                    self.kept[id(row.turns[-1][0])] = item.variable

    def _unset(self) -> set[str]:
        """The options of a part of the standard library that every member leaves at their defaults."""
        definition = self.target.definition
        if self.target.kind != "block" or definition is None or not definition.span.source.path.startswith("std/"):
            return set()
        found = set()
        for declared in definition.parameters:
            default = literal_default(declared)
            members = range(len(self.target.members))
            if default is not ... and all(terms.same(self.value(declared.name, m), default) for m in members):
                found.add(declared.name)
        return found

    def _find_places(self) -> None:
        """The inputs and axes at which the block's sizes stand; counted from the end where ranks differ."""
        for index, value in enumerate(self.inputs[0]):
            for axis, word in enumerate(value.type.words):
                name = word.origin.name if word is not None and isinstance(word.origin, tree.Name) else None
                found = None if name is None or name in self.places else self.binding(name, 0)
                if name is None or found is None or found.kind != "dim":
                    continue
                for place in (axis, axis - value.type.rank):
                    if all(self._stands(name, m, index, place) for m in range(len(self.inputs))):
                        self.places[name] = (index, place)
                        break

    def _stands(self, name: str, member: int, index: int, axis: int) -> bool:
        dims = self.inputs[member][index].type.dims
        return -len(dims) <= axis < len(dims) and terms.same(self.value(name, member), dims[axis])

    # ---- what names mean

    def binding(self, name: str, member: int) -> Binding | None:
        return self.target.members[member].scope.find(name)

    def value(self, name: str, member: int) -> object:
        """The value of a name of the class for a member. KeyError if it has none."""
        key = (name, member)
        if key not in self.values:
            self.values[key] = self._value(name, member)
        return self.values[key]

    def _value(self, name: str, member: int) -> object:
        if name in self.new:
            slot = self.new[name]
            found = (c.value for c, r in zip(slot.consts, slot.rows, strict=True) if r.member == member)
            return next(found, slot.consts[0].value)  # a member without the part does not care
        if name.startswith("@"):
            index, _, axis = name[1:].partition(".")
            return self.inputs[member][int(index)].type.dims[int(axis)]
        if name in self.factories:
            return self.factories[name][member].value
        binding = self.binding(name, member)
        if binding is None or not isinstance(binding.value, Const):
            raise KeyError(name)
        return binding.value.value

    def known(self, name: str, forward: bool) -> bool:
        """Whether `__init__` (or `forward`) can compute a name."""
        key = f"{name} {forward}"
        if key not in self.kinds:
            self.kinds[key] = False  # a let that needs itself
            self.kinds[key] = self._known(name, forward)
        return self.kinds[key]

    def _known(self, name: str, forward: bool) -> bool:
        if name in self.kept.values() or name in self.new:
            return True
        if name.startswith("@"):
            return not forward and self._numbers(name)
        binding = self.binding(name, 0)
        if binding is None:
            return False
        if binding.kind == "let" and self.target.kind != "group":
            term = self.let(name)
            return term is not None and all(self.known(n, forward) for n in terms.free(term))
        if binding.kind == "dim" and (name in self.places):
            return forward or self._numbers(name)
        return self._numbers(name)

    def _numbers(self, name: str) -> bool:
        """Whether a name has a value that can be written, in all members."""
        try:
            return all(terms.printable(self.value(name, m)) for m in range(len(self.target.members)))
        except KeyError:
            return False

    def let(self, name: str) -> Term | None:
        """The term of a `let` of the block, right for all members."""
        if name in self.lets:
            return self.lets[name]
        rows = [Row(m) for m in range(len(self.target.members))]
        consts = []
        for row in rows:
            binding = self.binding(name, row.member)
            if binding is None or not isinstance(binding.value, Const):
                return None
            consts.append(binding.value)
        slot = Slot(consts, rows, name, ..., True)
        for term in self.candidates(slot):
            if name not in terms.free(term) and self.right(term, slot):
                self.lets[name] = term
                return term
        return None

    # ---- choosing

    def resolve(self) -> None:
        """Choose every slot's text. Split where the members need more than one class."""
        for slot in self.target.slots:
            if slot.layer and len(slot.consts) == len(self.target.members) and len(set(slot.values)) > 1:
                names = set(map(self._layer_name, slot.consts, slot.rows))
                if len(names) == 1 and (name := names.pop()) is not None:  # before parts that only some members have
                    self.factories.setdefault(name, slot.consts)
        for slot in self.target.slots:
            self.choose(slot)

    def choose(self, slot: Slot) -> None:
        """Fill in `term` (or `shape`) of one slot."""
        if slot.layer:
            self._choose_layer(slot)
            return
        symbolic = slot.forward and any(isinstance(v, Dim) for v in slot.values)
        for term in self.candidates(slot) if not self.by_value or self.bare or symbolic else ():
            if self.by_value and not (isinstance(term, Var) and term.name in self.bare):
                if not (slot.free or symbolic):
                    continue
                term = self._with_numbers(term, self.bare if slot.free else self.places)
            if self.fits(term, slot):
                slot.term = term
                return
        values = slot.values
        if slot.forward and self._shape(slot):
            return
        if terms.printable(values[0]) and all(terms.same(v, values[0]) for v in values[1:]):
            slot.term = Lit(values[0])
            return
        slot.term = self._parameter(slot) or self._turns(slot) or self._new(slot)

    def _with_numbers(self, term: Term, kept: Container[str]) -> Term:
        """A term with all other names replaced by their values."""
        values = {}
        for name in terms.free(term):
            if name not in kept and self._numbers(name):
                values[name] = Lit(self.value(name, 0))
        return terms.substitute(term, values)

    def _said(self, const: Const) -> Term | None:
        """The term of a constant, with lets that the class cannot compute replaced by what they stand for."""
        while True:
            term = self.reader.term(const)
            if term is None or self.target.kind == "group":
                return term
            lets = [n for n in terms.free(term) if self._is_let(n) and self.let(n) is None]
            if not lets:
                return term
            self.reader.unknown.update(lets)
            self.reader.memo.clear()

    def _is_let(self, name: str) -> bool:
        binding = None if name.startswith(("@", "+")) else self.binding(name, 0)
        return binding is not None and binding.kind == "let"

    def candidates(self, slot: Slot) -> list[Term]:
        """The origins of all rows as terms, shortest first."""
        found: dict[Term, int] = {}
        seen: set[int] = set()
        if self.by_value and not (slot.forward or slot.free or isinstance(slot.consts[0].origin, tree.Name)):
            return []
        for at, const in enumerate(slot.consts):
            term: Term | None = None
            if const.origin is not None:
                if id(const.origin) in seen and const.scope is not None and len(slot.rows[at].turns) == 0:
                    continue
                seen.add(id(const.origin))
                term = self._said(const)
            if term is None and isinstance(const, SizeConst) and slot.inputs is not None:
                term = self._formal(const, slot.inputs[at], slot.rows[at].member)
            if term is not None:
                found.setdefault(term, len(terms.text(term, str)))
                if len(found) >= MAX_CANDIDATES:
                    break
        return sorted(found, key=lambda t: found[t])

    def _formal(self, const: SizeConst, inputs: Sequence[Value], member: int) -> Term | None:
        """The size of an input of the class, by its place."""
        for index, value in enumerate(self.inputs[member]):
            if value is inputs[const.index]:
                return Var(f"@{index}.{const.axis}")
        return None

    def fits(self, term: Term, slot: Slot) -> bool:
        """Whether a term can be computed where the slot stands, and is right for every row."""
        names = terms.free(term)
        if not names and not (terms.printable(slot.values[0])):
            return False
        return all(self.known(n, slot.forward) for n in names) and self.right(term, slot)

    def right(self, term: Term, slot: Slot) -> bool:
        """Whether a term has the value of every row."""
        names = terms.free(term)
        memo: dict[tuple[object, ...], object] = {}
        for const, row in zip(slot.consts, slot.rows, strict=True):
            env = Env(self, row)
            try:
                key = tuple(terms.key(env[n]) for n in names)
                if key not in memo:
                    memo[key] = terms.evaluate(term, env)
                if not self.same(memo[key], const.value):
                    return False
            except (KeyError, NoValue):
                return False
        return True

    def same(self, a: object, b: object) -> bool:
        """Whether two values are the same; symbolic sizes in their shortest form."""
        if isinstance(a, Dim) and isinstance(b, Dim) and a is not b:
            return self.reduce(a) is self.reduce(b)
        return terms.same(a, b)

    def _choose_layer(self, slot: Slot) -> None:
        """A layer parameter goes by value where all agree, else by its name."""
        values = slot.values
        for name in self._layer_names(slot):
            if name not in self.factories and len(slot.consts) == len(self.target.members) and len(set(values)) > 1:
                self.factories[name] = slot.consts
            if name in self.factories and self.right(Var(name), slot):
                slot.term = Var(name)
                self.kinds[f"{name} False"] = self.kinds[f"{name} True"] = True
                return
        slot.term = Lit(values[0]) if len(set(values)) == 1 else self._new(slot)

    def _layer_names(self, slot: Slot) -> list[str]:
        """The layer parameters of this class that a slot's value came through."""
        found: dict[str | None, None] = {slot.hint: None} if slot.default == OWN else {}
        found |= dict.fromkeys(map(self._layer_name, slot.consts, slot.rows))
        return [name for name in found if name is not None]

    def _layer_name(self, const: Const, row: Row) -> str | None:
        """The layer parameter of this class that a value came through."""
        if not isinstance(const.origin, tree.Name) or const.scope is None:
            return None
        binding = const.scope.find(name := const.origin.name)
        own = binding is not None and binding.kind == "parameter" and binding is self.binding(name, row.member)
        return name if own else None

    # ---- the other rules

    def _shape(self, slot: Slot) -> bool:
        """A symbolic size is read from an input of the op that has it."""
        if slot.inputs is None or not any(isinstance(v, Dim) for v in slot.values):
            return False
        first = slot.consts[0]
        places = [(first.index, first.axis)] if isinstance(first, SizeConst) else []
        places += [(i, a) for i, v in enumerate(slot.inputs[0]) for a in range(v.type.rank)]
        for index, axis in places:
            if all(
                index < len(inputs) and axis < inputs[index].type.rank and inputs[index].type.dims[axis] is c.value
                for c, inputs in zip(slot.consts, slot.inputs, strict=True)
            ):
                slot.shape = (index, axis)
                return True
        for index, value in enumerate(self.inputs[0]):
            for axis in range(value.type.rank):
                if all(
                    self.inputs[r.member][index].type.dims[axis] is c.value
                    for c, r in zip(slot.consts, slot.rows, strict=True)
                ):
                    name = f"@{index}.{axis}"
                    slot.term = Var(name)
                    self._read(name, (index, axis))
                    return True
        return self._by_symbols(slot)

    def _read(self, name: str, place: tuple[int, int]) -> None:
        """Let forward read a size of an input that has no name."""
        self.places[name] = place
        self.kinds[f"{name} True"] = True

    def _by_symbols(self, slot: Slot) -> bool:
        """A symbolic size in terms of inputs whose sizes are single symbols."""
        value = slot.values[0]
        if not isinstance(value, Dim):
            return False
        places: dict[str, tuple[int, int]] = {}
        for index, tensor in enumerate(self.inputs[slot.rows[0].member]):
            for axis in range(tensor.type.rank):
                name = symbol_name(tensor.type.dims[axis])
                if name is not None:
                    places.setdefault(name, (index, axis))
        if {s.name for s in value.symbols} - set(places):
            return False
        names = {s: f"@{i}.{a}" for s, (i, a) in places.items()}
        term = terms.substitute(size_term(value), {s: Var(n) for s, n in names.items()})
        if not self.right(term, slot):
            return False
        for symbol, name in names.items():
            if name in terms.free(term):
                self._read(name, places[symbol])
        slot.term = term
        return True

    def _parameter(self, slot: Slot) -> Term | None:
        """An existing parameter that has the value in all rows."""
        if self.by_value:
            return None
        names = [*self.new, *(p.name for p in self._declared()), *self.places, *self._channels()]
        for name in names:
            term = Var(name)
            if not name.startswith("@turn") and self.fits(term, slot):
                return term
        return next((t for t in self.risen if self.fits(t, slot)), None)

    def _declared(self) -> Sequence[tree.Parameter]:
        definition = self.target.definition
        return () if definition is None or self.target.kind == "group" else definition.parameters

    def _channels(self) -> list[str]:
        """The sizes of the inputs' channel axes, by place."""
        found = []
        for index, value in enumerate(self.inputs[0]):
            if value.type.channel is not None:
                found.append(f"@{index}.{value.type.channel}")
        return found

    def _turns(self, slot: Slot) -> Term | None:
        """In a kept loop: a value that grows by a step each turn, or differs in the first turn only."""
        if not slot.rows[0].turns:
            return None
        heads: dict[tuple[object, ...], int] = {}
        groups: dict[tuple[object, ...], list[int]] = {}
        for at, row in enumerate(slot.rows):
            key = (row.member, *(k for _, k in row.turns[:-1]))
            groups.setdefault(key, []).append(at)
            heads.setdefault(key, at)
        turn = Var(self.kept[id(slot.rows[0].turns[-1][0])])
        head = {at: heads[key] for key, places in groups.items() for at in places}
        first = self._part(slot, [slot.consts[head[at]] for at in range(len(slot.rows))], range(len(slot.rows)))
        return self._rising(slot, groups, first, turn) or self._later(slot, groups, first, turn)

    def _part(self, slot: Slot, consts: list[Const], places: Sequence[int]) -> Slot:
        inputs = None if slot.inputs is None else [slot.inputs[at] for at in places]
        part = Slot(consts, [slot.rows[at] for at in places], slot.hint, ..., slot.forward, inputs, slot.loops - 1)
        for term in self.candidates(part):
            if self.fits(term, part):
                part.term = term
                return part
        values = part.values
        if terms.printable(values[0]) and all(terms.same(v, values[0]) for v in values):
            part.term = Lit(values[0])
        else:
            part.term = self._parameter(part)
        return part

    def _rising(self, slot: Slot, groups: dict[tuple[object, ...], list[int]], first: Slot, turn: Var) -> Term | None:
        if first.term is None:
            return None
        values = slot.values
        steps = set()
        for places in groups.values():
            for a, b in pairwise(places):
                left, right = values[a], values[b]
                if not isinstance(left, int) or not isinstance(right, int):
                    return None
                steps.add(right - left)
        for step in self._steps(slot, steps):
            term = terms.infix("+", first.term, terms.infix("*", step, turn))
            if self.fits(term, slot):
                count = self.loops[turn.name].term
                if count is not None:  # what it has grown to after the loop
                    self.risen.append(terms.substitute(term, {turn.name: count}))
                return term
        return None

    def _steps(self, slot: Slot, steps: set[int]) -> list[Term]:
        """What the step may be: names in the origins of the turns, the parameters, then the number."""
        names = dict.fromkeys(n for t in self.candidates(slot) for n in terms.free(t))
        names |= dict.fromkeys(p.name for p in self._declared())
        found: list[Term] = [Var(n) for n in names]
        return [*found, *(Lit(s) for s in sorted(steps)[:1])]

    def _later(self, slot: Slot, groups: dict[tuple[object, ...], list[int]], first: Slot, turn: Var) -> Term | None:
        places = [at for group in groups.values() for at in group[1:]]
        if first.term is None or not places:
            return None
        rest = self._part(slot, [slot.consts[at] for at in places], places)
        if rest.term is None:
            return None
        term = terms.Choice(terms.Comparison((turn, Lit(0)), ("==",)), first.term, rest.term)
        return term if self.fits(term, slot) else None

    def _new(self, slot: Slot) -> Term:
        """A new parameter of the class."""
        values: dict[int, object] = {}
        for value, row in zip(slot.values, slot.rows, strict=True):
            if row.member in values and not terms.same(values[row.member], value):
                raise Split(f"`{slot.hint}` has no rule by the turn of a loop", self._counts(slot))
            values[row.member] = value
        if not all(map(terms.printable, values.values())):
            if len(values) > 1:
                raise Split(f"no text says `{slot.hint}` for all", [str(v) for v in values.values()])
            raise Unsaid(slot, self.target.members)
        if self.by_value or len(self.target.members) == 1:
            raise CompilerBug(f"`{slot.hint}` has two values in one member")
        base = local_name(WORDS.get(slot.hint, slot.hint))
        name, number = f"+{base}", 1
        while name in self.new:
            number += 1
            name = f"+{base}_{number}"
        self.new[name] = slot
        return Var(name)

    def _counts(self, slot: Slot) -> list[object]:
        """A key per member that tells apart how often a loop runs."""
        counts = [0] * len(self.target.members)
        for row in slot.rows:
            counts[row.member] += 1
        return list(counts)
