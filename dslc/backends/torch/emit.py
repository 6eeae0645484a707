"""The generated PyTorch file of a network: one class per definition, readable, importing torch alone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

from dslc.backends.torch import layout, verify
from dslc.backends.torch.classes import Aligner
from dslc.backends.torch.constructor import construct
from dslc.backends.torch.groups import Groups, group
from dslc.backends.torch.lending import Lent, lend
from dslc.backends.torch.merged import Class, CompilerBug, Parameter, Split, Unsaid
from dslc.backends.torch.origins import Origins
from dslc.backends.torch.root import free_parameters, unsaid
from dslc.backends.torch.slots import Resolver
from dslc.backends.torch.starting import Starts
from dslc.backends.torch.tables import resolve_tables
from dslc.backends.torch.terms import Fn
from dslc.backends.torch.text import File, class_lines, function_lines
from dslc.collector import paused
from dslc.ir.model import Instance, Model, Node
from dslc.names.resolve import lookup
from dslc.record import entity
from dslc.source import Texts
from dslc.syntax import tree


@dataclass(slots=True)
class Generated:
    """A file's text; `bugs` are failed checks of the compiler's own, for which merging was turned off."""

    text: str
    bugs: tuple[str, ...] = ()
    classes: tuple[Class, ...] = ()


class MergeFailed(UserWarning):
    """A check of generated code failed, so that a definition was written once per instance."""


def emit(model: Model, merge: bool = True, stamp: str = "", embed: Texts | None = None) -> str:
    """The text of the file, which bears the `stamp` of a build. `merge=False` writes one class per instance, for
    comparison. `embed` is the program's text, for the file to carry.
    """
    made = generate(model, merge, stamp, embed)
    for bug in made.bugs:
        warnings.warn(
            f"a bug in dslc: {bug}; please report it (the generated code is right)", MergeFailed, stacklevel=2
        )
    return made.text


def generate(model: Model, merge: bool = True, stamp: str = "", embed: Texts | None = None) -> Generated:
    """The text of the file and what was found while it was made. CompilerBug if no text passes the checks."""
    with paused():
        return _generate(model, merge, stamp, embed)


def _generate(model: Model, merge: bool, stamp: str, embed: Texts | None) -> Generated:
    bugs: list[str] = []
    apart: set[object] = set()
    lent: Lent = {}
    tries = 0
    while tries < 8:
        maker = Maker(model, merge, apart, lent)
        try:
            maker.make()
            verify.replay(maker.root, maker.of)
            return Generated(maker.text(stamp, embed), tuple(bugs), tuple(maker.classes))
        except Unsaid as unsaid:
            if not lend(model.root, unsaid, maker.fellows(unsaid.members[0]), lent):
                raise CompilerBug(str(unsaid)) from unsaid
            continue
        except Broken as broken:
            if broken.definition in apart or not merge:
                raise CompilerBug(str(broken)) from broken
            apart.add(broken.definition)
            bugs.append(str(broken))
        except verify.Mismatch as mismatch:
            if id(mismatch.target.definition) in apart or not merge:
                raise CompilerBug(str(mismatch)) from mismatch
            apart.add(id(mismatch.target.definition))
            bugs.append(str(mismatch))
        tries += 1
    raise CompilerBug("; ".join(bugs))


class Broken(Exception):
    """A class could not be made: its definition is tried without merging."""

    def __init__(self, definition: object, why: str) -> None:
        super().__init__(why)
        self.definition = definition


@entity
class Maker:
    """Makes the classes of one network, parts first."""

    model: Model
    merge: bool
    apart: set[object]
    lent: Lent
    groups: Groups = field(init=False)
    origins: Origins = field(init=False)
    starts: Starts = field(init=False)
    classes: list[Class] = field(default_factory=list)
    of: dict[int, Class] = field(default_factory=dict)
    resolvers: dict[int, Resolver] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groups = group(self.model.root, self.lent)
        self.starts = Starts(self.model.root, self.groups)
        self.origins = Origins(lookup, taken=self.local_names())

    def local_names(self) -> set[str]:
        """Names of the program's parameters, sizes and tensors, which no printed function may bear."""
        scopes = {id(i.scope): i.scope for members in self.groups.order for i in members}
        return {n for scope in scopes.values() for n in (*scope.names, *(k.lower() for k in scope.names))}

    @property
    def root(self) -> Class:
        return self.of[id(self.model.root)]

    def make(self) -> None:
        """Make all classes."""
        for members in self.groups.order:
            key = id(members[0].definition) if members[0].definition is not None else id(members[0].site.source)
            if members[0] is self.model.root:
                self.make_root()
            elif not self.merge or key in self.apart:
                for member in members:
                    self.made(self.one([member], self.merge), "")
            else:
                self.parted(members, "")

    def parted(self, members: list[Instance], why: str) -> None:
        """One class for the members, or several where they do not fit one."""
        todo = [(members, why)]
        while todo:
            group_, reason = todo.pop(0)
            try:
                self.made(self.one(group_, True), reason)
            except Split as split:
                parts: dict[str, list[Instance]] = {}
                for member, key in zip(group_, split.keys, strict=True):
                    parts.setdefault(str(key), []).append(member)
                if len(parts) == 1:
                    parts = {str(k): [m] for k, m in enumerate(group_)}
                ordered = list(parts.values())
                todo[:0] = [(ordered[0], reason), *((p, split.why) for p in ordered[1:])]

    def fellows(self, member: Instance) -> list[Instance]:
        """The instances of the class that one is a member of, were it one class."""
        return next(members for members in self.groups.order if member in members)

    def made(self, target: Class, why: str) -> None:
        target.why = why
        self.classes.append(target)
        for member in target.members:
            self.of[id(member)] = target

    def one(self, members: list[Instance], merge: bool, bare: frozenset[str] = frozenset()) -> Class:
        """The class of some members. Split if they do not fit one."""
        first = members[0]
        kind = "group" if first.kind == "seq" else first.kind
        target = Class(kind, members, definition=first.definition)
        target.index = {id(m): k for k, m in enumerate(members)}
        aligner = Aligner(self.groups, self.of, members, target, self.starts, self.factory)
        if kind == "extern":
            return self.extern(target)
        try:
            aligner.run()
            inputs = [aligner.inputs(m) for m in members]
            by_value = not merge or first is self.model.root
            resolver = Resolver(
                target, self.origins, self.groups.calls, inputs, self.model.sizes.reduce, by_value, bare
            )
            resolver.resolve()
            resolve_tables(resolver)
            construct(resolver)
        except Unsaid:
            raise
        except (CompilerBug, Split) as bug:
            if isinstance(bug, Split) and len(members) > 1:
                raise
            if len(members) == 1 and not merge:
                raise CompilerBug(str(bug)) from bug
            raise Broken(id(first.definition), str(bug)) from bug
        self.resolvers[id(target)] = resolver
        return target

    def extern(self, target: Class) -> Class:
        """A user's module: its constructor takes the header's parameters by name."""
        assert isinstance(target.definition, tree.Extern)
        for declared in target.definition.parameters:
            consts = [m.args[declared.name] for m in target.members]
            target.parameters[declared.name] = Parameter(declared.name, declared.name, "given", "", ..., consts)
        return target

    def make_root(self) -> None:
        """The root's class: by value, with the parameters that nothing but bare names depends on."""
        bare = free_parameters(self.model) if self.merge else frozenset()
        while True:
            target = self.one([self.model.root], self.merge, bare)
            pinned = unsaid(target, bare & set(target.parameters), self.groups, self.of)
            if not pinned:
                break
            bare -= pinned
        self.made(target, "")

    def factory(self, node: Node) -> str | None:
        """Python text of what makes a module without arguments: `nn.ReLU`, `partial(nn.LeakyReLU, 0.2)`."""
        module = self.groups.use(node).module
        if module is None:
            return None
        return factory_text(module)

    def text(self, stamp: str, embed: Texts | None) -> str:
        """The whole file."""
        functions = self.functions()
        file = File(self.model, self.classes, self.groups.helpers, {f.name for f in functions}, stamp, embed)
        file.name_classes()
        bodies = [class_lines(c, self.resolvers[id(c)], file) for c in self.classes if c.kind != "extern"]
        return file.assemble([function_lines(f) for f in functions], bodies)

    def functions(self) -> list[Fn]:
        """The `fn`s that the printed texts call, those that others call first."""
        from dslc.backends.torch.terms import functions

        found: dict[Fn, None] = {}
        for target in self.classes:
            printed = [s.term for s in target.slots if s.term is not None]
            tables = [d.index[1] for d in target.declared.values() if d.index is not None]
            for term in (*printed, *tables, *target.lets.values(), *target.local.values()):
                found.update(dict.fromkeys(functions(term)))
        return list(found)


def factory_text(module: object) -> str | None:
    """Text of a layer parameter's value; the leaves are constants known by value."""
    from dslc.backends.torch import terms
    from dslc.backends.torch.forms import Tree
    from dslc.types.const import Const

    assert isinstance(module, Tree)
    args = []
    keys = module.keys or (None,) * len(module.kids)
    defaults = module.defaults or (...,) * len(module.kids)
    for kid, key, default in zip(module.kids, keys, defaults, strict=True):
        if kid.kind != "leaf" or not isinstance(kid.leaf, Const) or not terms.printable(kid.leaf.value):
            return None
        if default is not ... and kid.leaf.value == default:
            continue
        text = terms.literal(kid.leaf.value)[0]
        args.append(text if key is None else f"{key}={text}")
    return f"partial({module.text}, {', '.join(args)})" if args else module.text


__all__: Sequence[str] = ("CompilerBug", "Generated", "MergeFailed", "emit", "generate", "layout")
