"""What one binding of a program works with: the place a line stands at, names looked up and declared, what is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING

from dslc.bind import language, static
from dslc.bind.lines import Line, Unknown
from dslc.bind.mistakes import UnknownArgument, UnknownName
from dslc.bind.mistakes_body import ReservedName
from dslc.bind.scopes import MEANINGS, Scope, given_names, overlap, plain, spelled
from dslc.bind.signatures import Filled, Given, Signatures, signature_of_op
from dslc.bind.static import LAYER, UNKNOWN, VALUE, Static
from dslc.bind.table import Body, Call, Kind, Role, Signature, Symbol, Table, Use
from dslc.bind.values import UNSAID, literal, missing_arguments
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Diagnostic, Help, Label, Mistake, Reject, did_you_mean
from dslc.names.errors import BoundTwice
from dslc.names.reserved import reserved
from dslc.names.resolve import is_core, lookup
from dslc.ops.base import REGISTRY
from dslc.ops.initialisers import INITIALISERS, initialiser
from dslc.record import entity, replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.lost import ANY
from dslc.types import const

if TYPE_CHECKING:
    from dslc.bind.again import Chained
    from dslc.foreign.rewrite import KindOf


@entity
class Place:
    """Where a line stands: the file's names, those around it, and what the current value is (none: there is none).

    `deferred`: it is carried out later, when names below it may have their meaning. `apart`: the value of a `let`, an
    argument or a default, which is not applied where it stands. `indexed`: in a tensor's value by
    index, or in a `fn`, which such a value may call.
    """

    file: const.Scope
    scope: Scope
    it: Static | None = None
    deferred: bool = False
    apart: bool = False
    seq: bool = False  # in the suite of a `seq`
    indexed: bool = False

    def inside(self, scope: Scope) -> Place:
        """The same place in another scope."""
        return replace(self, scope=scope)

    def suite(self) -> Place:
        """The inside of a layer's suite."""
        return replace(
            self,
            scope=Scope("suite", self.scope),
            it=static.TENSORS,
            deferred=self.deferred or self.apart,
            apart=False,
            seq=False,
        )


@entity
class Binder:
    """The state of one binding. `around` are the expressions that the present one stands in, outermost first.

    `quiet`: what is looked at is not what is to be checked, such as a `fn` for the sake of its result.
    """

    table: Table
    signatures: Signatures
    evaluate: Callable[[Binder, tree.Expr, Place], Static]
    execute_suite: Callable[[Binder, tree.Suite, Place], Static | None]
    found: list[Diagnostic] = field(default_factory=list)
    body: Body | None = None
    around: list[tree.Expr] = field(default_factory=list)
    line: Line = field(default_factory=Line)
    file: tree.File | None = None
    quiet: int = 0
    later: list[tuple[tree.Name, Role]] = field(default_factory=list)  # names read before they are given
    elsewhere: set[str] = field(default_factory=set)  # names of the body that are told to be read out of their place
    again: Chained | None = None  # the body as a chain, where its lines give names again
    words: dict[str, Symbol] = field(default_factory=dict)  # the names of the language
    aliases: dict[const.Binding, Symbol] = field(default_factory=dict)  # names by `as` of `use`
    homes: dict[tree.Definition, const.Scope] = field(default_factory=dict)
    results: dict[tree.Definition, Static] = field(default_factory=dict)

    @property
    def definition(self) -> tree.Definition | None:
        """The definition whose text is being bound."""
        return None if self.body is None else self.body.definition

    def execute(self, suite: tree.Suite, p: Place) -> Static | None:
        """Bind the lines of a suite; the current value after them."""
        return self.execute_suite(self, suite, p)

    # ---- what is found

    def report(
        self,
        mistake: Mistake,
        span: Span,
        related: tuple[Label, ...] = (),
        expr: tree.Expr | None = None,
        help: tuple[Help, ...] = (),
    ) -> None:
        """A mistake; `expr` is what has no value because of it."""
        if self.quiet:
            return
        self.found.append(mistake.at(span, None, related, help))
        if expr is not None and self.body is not None:
            self.body.failed.add(expr)

    def use(self, span: Span | None, symbol: Symbol, role: Role) -> None:
        """Note that a symbol is named."""
        if span is not None and not self.quiet:
            (self.table.loose if self.body is None else self.body.uses).append(Use(span, symbol, role))

    def record(self, filled: Filled) -> None:
        """Keep a call with its arguments, and say what is wrong with them."""
        call = filled.call
        if self.quiet or self.body is None:
            return
        self.body.calls[call.expr] = call
        for argument in call.expr.arguments:
            if call.target is not None and argument.name is not None and argument.name_span is not None:
                symbol = self.signatures.argument(call.target, argument.name)
                if symbol is not None:
                    self.use(argument.name_span, symbol, "argument")
        function = call.target is not None and call.target.kind in ("fn", "alias")
        for mistake, span in filled.wrong:
            help = self._argument(mistake, call) if isinstance(mistake, UnknownArgument) else ()
            self.report(mistake, span, expr=call.expr if function else None, help=help)

    def _argument(self, mistake: UnknownArgument, call: Call) -> tuple[Help, ...]:
        """What an argument that a layer does not have may have been meant to be; its value is told by that."""
        from dslc.foreign.tell import argument_help

        argument = next(a for a in call.expr.arguments if a.name == mistake.name)
        ports = call.target.ports if call.target is not None else ()
        found = argument_help(mistake.layer, argument, call.expr, (*mistake.known, *ports))
        value = argument.value.span
        if any(e.span.start <= value.start and value.end <= e.span.end for help in found[:1] for e in help.edits):
            self.line.told.append(value)
        return found

    def missing(self, signature: Signature, names: tuple[str, ...], span: Span, expr: tree.Expr | None = None) -> None:
        """The mistake of a layer applied, or a function called, before it is complete."""
        mistake, labels = missing_arguments(signature, names, span)
        self.report(mistake, span, tuple(labels), expr)

    def module_name(self, name: str, span: Span) -> None:
        """A name by `as` becomes an attribute of a generated module."""
        why = reserved(name)
        if why is not None:
            self.report(ReservedName(name, why), span)

    def initialiser(self, name: str, arguments: Given, expr: tree.Call) -> None:
        """The arguments of an initialiser: their names and number, and where all are literals what torch refuses."""
        if any(a.star for a, _ in arguments):
            return
        values: list[tuple[str | None, object]] = [(a.name, literal(a.value)) for a, _ in arguments]
        known = INITIALISERS[name]
        try:
            if all(value is not UNSAID for _, value in values):
                initialiser(name, [v for k, v in values if k is None], {k: v for k, v in values if k is not None})
            for key, _ in values:
                if key is not None and key not in known:
                    initialiser(name, [], {key: 0})
            if sum(key is None for key, _ in values) > len(known):
                initialiser(name, [0] * len(values), {})
        except Reject as reject:
            self.report(reject.mistake, expr.span)

    # ---- names

    def declare(self, name: str, span: Span, kind: Kind, p: Place, value: Static = UNKNOWN) -> Symbol:
        """Give a name a meaning in the scope of a place; says so where it has one already."""
        scope = p.scope
        before = scope.others.get(name) or (scope.names[name] if name in scope.maybe else None)
        if before is not None:
            before.static = static.joined((before.static or UNKNOWN, value))
            scope.names[name] = before
            scope.maybe.discard(name)
            self.use(span, before, "bind")
            return before
        symbol = Symbol(kind, name, span, self.definition, static=value)
        if self.free(name, span, p):
            scope.names[name] = symbol
            if self.body is not None and not self.quiet:
                self.body.symbols.append(symbol)
        self.use(span, symbol, "bind")
        return symbol

    def family(self, target: tree.TickName, kind: Kind, scope: Scope, value: Static) -> Symbol:
        """Give all names that a name in back-ticks may become a meaning."""
        for known in scope.families:
            if known.family is not None and overlap(known.family, target.text):
                known.static = static.joined((known.static or UNKNOWN, value))
                self.use(target.span, known, "bind")
                return known
        symbol = Symbol(kind, spelled(target.text), target.span, self.definition, static=value, family=target.text)
        scope.families.append(symbol)
        if self.body is not None and not self.quiet:
            self.body.symbols.append(symbol)
        self.use(target.span, symbol, "bind")
        return symbol

    def given_again(self, target: tree.Name, scope: Scope, value: Static) -> bool:
        """Whether a line gives a tensor's name again in a body that was meant as a chain: told once, and read so."""
        home = scope.home(target.name)
        found = home.names[target.name] if home is not None and target.name not in home.maybe else None
        if self.again is None or not self.again.help or home is None or found is None or found.kind != "tensor":
            return False
        if not self.again.told:
            self.again.told = True
            related = () if found.span is None else (Label(found.span, "it is bound here"),)
            mistake = BoundTwice(target.name, MEANINGS["tensor"], self.again.count)
            self.report(mistake, target.span, related, help=self.again.help)
        if self.body is not None:
            self.body.failed.add(target)
        symbol = home.names[target.name] = Symbol("tensor", target.name, target.span, self.definition, static=value)
        self.use(target.span, symbol, "bind")
        return True

    def free(self, name: str, span: Span, p: Place) -> bool:
        """Whether a name may be given here; says so if it has another meaning."""
        home = p.scope.home(name)
        if home is not None:
            if name in home.maybe:
                return True
            found = home.names[name]
            related = () if found.span is None else (Label(found.span, "it is bound here"),)
            self.report(BoundTwice(name, MEANINGS[found.kind]), span, related)
            return False
        binding = p.file.find(name)
        if binding is not None and not is_core(binding):
            self.report(BoundTwice(name, MEANINGS["definition"]), span, (Label(binding.span, "it is bound here"),))
            return False
        if name in REGISTRY and name not in language.UNNAMED:
            self.report(BoundTwice(name, "a layer"), span)
            return False
        return True

    def resolve(self, expr: tree.Name, p: Place, role: Role) -> Symbol | None:
        """What a plain name means; none where that is a mistake, told here or elsewhere."""
        symbol = self._named(expr.name, p)
        if symbol is not None:
            self.use(expr.span, symbol, role)
            if p.apart and role == "read" and symbol.item is not None:
                self.table.passed.add(self.table.defined[symbol.item])
        elif not self._known(expr.name, p):
            self._unknown(expr, p)
        elif not self.quiet:
            self.later.append((expr, role))
        return symbol

    def settle_later(self, scope: Scope) -> None:
        """The end of a body: names that were read before the lines that give them."""
        for expr, role in self.later:
            symbol = scope.names.get(expr.name)
            if symbol is not None:
                self.use(expr.span, symbol, role)
        self.later.clear()

    def _unknown(self, name: tree.Name, p: Place) -> None:
        """A name that nothing defines waits for the end of its line, which may be written as in another library."""
        if self.quiet:
            return
        whole: tree.Expr = name
        for outer in reversed(self.around):
            if (isinstance(outer, tree.Call) and outer.target is whole) or (
                isinstance(outer, tree.Attribute) and outer.value is whole
            ):
                whole = outer
            elif outer is not whole:
                break
        self.line.unknown.append(Unknown(name, whole, self.kind_of(p), lambda: self._names(p)))

    def foreign_attribute(self, p: Place) -> None:
        """An attribute of a tensor is met, which may be a method of another library's."""
        if not self.quiet and self.line.asked is None:
            self.line.asked = self.kind_of(p)

    def kind_of(self, p: Place) -> KindOf:
        """What names are at a place: `tensor`, another word, or nothing."""
        q = replace(p)
        definition = self.definition

        def of(name: str) -> str | None:
            symbol = self._named(name, q)
            if symbol is None:
                own = definition is not None and name in given_names(definition)  # wherever it is read
                return "value" if own or self._known(name, q) else None
            return "tensor" if symbol.kind == "tensor" or self.value(symbol).kind == "tensor" else symbol.kind

        return of

    def finish_line(self, expr: tree.Expr) -> None:
        """The expression of a line is done: what is wrong with its names is told."""
        if self.line.waits and self.file is not None:
            found, failed = self.line.finish(expr, self.file, self.definition, self.elsewhere)
            self.found += found
            if self.body is not None:
                self.body.failed.update(failed)

    def resolve_ticked(self, expr: tree.TickName, p: Place) -> list[Symbol]:
        """The symbols that a name in back-ticks may mean; none after a mistake."""
        name = plain(expr.text)
        exact = self._named(name, p) if name is not None else None
        found = [exact] if exact is not None else p.scope.matching(expr.text)
        if found:
            self.use(expr.span, found[0], "read")
            for symbol in found[1:]:
                self.table.perhaps.add(symbol)
        elif not p.deferred and (name is None or not self._known(name, p)):
            from dslc.bind.elsewhere import told

            given = told(expr, self.definition) if name is not None and self.definition is not None else None
            if given is not None:
                mistake, label, help = given
                self.report(mistake, expr.span, (label,), expr, help)
                return found
            shown = name or spelled(expr.text)
            near = nearest(shown, self._names(p))
            help = did_you_mean(near if near is None or "`" in expr.span.text else None)
            self.report(UnknownName(shown), expr.span, expr=expr, help=help)
        return found

    def of_language(self, name: str, p: Place) -> bool:
        """Whether a name means one of the language at a place."""
        symbol = self._named(name, p)
        return symbol is not None and symbol.kind == "language"

    def _named(self, name: str, p: Place) -> Symbol | None:
        symbol = p.scope.find(name) or p.scope.of_family(name)
        return symbol or self.global_name(name, p.file)

    def global_name(self, name: str, file: const.Scope) -> Symbol | None:
        """What a name means outside of bodies: a definition of the file, an import, or a name of the language."""
        binding = file.find(name)
        if binding is not None:
            return self.imported(name, binding)
        if language.kind_of(name) is None:
            return None
        known = self.words.get(name)
        if known is None:
            known = self.words[name] = Symbol("language", name, None, static=self._of_language(name))
        return known

    def imported(self, name: str, binding: const.Binding) -> Symbol | None:
        """The definition behind a name of a file; under another name it is a symbol of its own."""
        target = lookup(binding)
        if target is None:
            return None
        item, scope = target
        symbol = self.defined(item, scope)
        if symbol.name == name:
            return symbol
        alias = self.aliases.get(binding)
        if alias is None:
            alias = self.aliases[binding] = Symbol("definition", name, binding.span, None, item, symbol.doc)
            self.table.aliases.setdefault(item, []).append(alias)
        return alias

    def defined(self, item: tree.Definition, scope: const.Scope) -> Symbol:
        """The symbol of a definition of a file whose names are `scope`."""
        known = self.table.defined.get(item)
        if known is None:
            if isinstance(item, tree.LetItem):
                name, span = item.target.name, item.target.span
            else:
                name, span = item.name, item.name_span
            known = self.table.defined[item] = Symbol("definition", name, span, None, item, item.doc)
            self.homes[item] = scope
        return known

    def _known(self, name: str, p: Place) -> bool:
        """Whether a name without a meaning here is told elsewhere, or gets its meaning before this is carried out."""
        if p.file.find(name) is not None or p.file.find(ANY) is not None or p.scope.find(ANY) is not None:
            return True
        definition = self.definition
        return p.deferred and definition is not None and name in given_names(definition)

    def _names(self, p: Place) -> list[str]:
        """All names that have a meaning at a place, the inner ones first."""
        known = language.names()
        names: const.Scope | None = p.file
        while names is not None:
            known = [*names.names, *known]
            names = names.parent
        return [*p.scope.all_names(), *known]

    # ---- what names stand for

    def value(self, symbol: Symbol) -> Static:
        """What is known of what a symbol stands for."""
        if symbol.static is None:
            symbol.static = UNKNOWN  # of a definition that leads back to itself
            if symbol.item is not None:
                symbol.static = self._of_definition(symbol.item)
        return symbol.static

    def _of_language(self, name: str) -> Static:
        kind = language.kind_of(name)
        if kind == "layer":
            return replace(LAYER, signature=signature_of_op(REGISTRY[name]))
        return {"word": Static("str"), "initialiser": Static("init"), "element type": Static("dtype")}.get(
            str(kind), VALUE
        )

    def _of_definition(self, item: tree.Definition) -> Static:
        match item:
            case tree.Block() | tree.Extern():
                return replace(LAYER, signature=self.signatures.of(item))
            case tree.Fn() | tree.NetAlias(parameters=(_, *_)):
                return Static("fn", self.signatures.of(item))
            case tree.LetItem() | tree.NetAlias():
                return self._silently(item, item.value, {})
        raise AssertionError(type(item))

    def result(self, signature: Signature | None) -> Static:
        """What a call of a function or alias gives."""
        item = None if signature is None else signature.item
        if not isinstance(item, tree.Fn | tree.NetAlias):
            return UNKNOWN
        found = self.results.get(item)
        if found is None:
            self.results[item] = UNKNOWN  # of one that calls itself
            names = dict(self.signatures.header(item))
            for parameter in item.parameters:
                names[parameter.name].static = static.of_parameter(parameter)
            found = self.results[item] = self._silently(item, item.value, names, getattr(item, "lets", ()))
        return found

    def _silently(
        self, item: tree.Definition, value: tree.Expr, names: dict[str, Symbol], lets: tuple[tree.Let, ...] = ()
    ) -> Static:
        self.quiet += 1
        p = Place(self.homes[item], Scope("fn", None, names), indexed=isinstance(item, tree.Fn))
        for line in lets:
            names[line.target.name] = Symbol(
                "let", line.target.name, None, item, static=self.evaluate(self, line.value, p)
            )
        found = self.evaluate(self, value, p)
        self.quiet -= 1
        return found
