"""Callbacks of the rules of items and headers, and the judgement of what each kind of definition may have."""

from __future__ import annotations

from typing import Any

from dslc.record import frozen
from dslc.source import Span
from dslc.syntax import mistakes, tree
from dslc.syntax.build import StatementBuilder
from dslc.syntax.text import Found
from dslc.syntax.tokens import Token

_FACTS = ("macs", "params", "reach")


@frozen
class _Defined:
    """`= value` after a header, with the lines indented under it, after a colon or not."""

    value: tree.Expr
    lines: tree.Suite | None = None
    colon: bool = False


@frozen
class _Header:
    start: int
    end: int
    name: Token
    parameters: tuple[tree.Parameter, ...]
    ports: tuple[tree.Port, ...] | None
    results: tuple[tree.Result, ...] | None


class Builder(StatementBuilder):
    """All callbacks. `doc` is the documentation of the item that is being parsed."""

    doc = ""
    stray = False  # the last item was no definition, and that was reported

    def begin(self, found: Found, doc: str) -> None:
        """Forgets the last item; what is wrong with the next one goes to `found`."""
        self.found = found
        self.doc = doc
        self.losses.clear()
        self.grouped.clear()
        self.open_seqs.clear()
        self.branching.clear()

    def item(self, value: tree.Item | tree.Stmt | tuple[tree.Stmt | None, ...] | None) -> tree.Item | None:
        """The item that a column-0 line made; statements but `let` and `init` are refused, the first of several."""
        if isinstance(value, tuple):
            value = value[0]
        for seq in self.open_seqs:
            self.refuse(mistakes.SeqWithoutSuite(called=False), seq.span.start, seq.span.end)
        if value is None or (isinstance(value, tree.Step) and isinstance(value.value, tree.Lost)):
            return None
        stray, self.stray = self.stray, not isinstance(value, tree.Item | tree.Let | tree.Initial)
        if isinstance(value, tree.Item):
            return value
        if isinstance(value, tree.Let):
            return tree.LetItem(value.span, self.doc, value.target, value.value)
        if isinstance(value, tree.Initial):
            return tree.InitialItem(value.span, self.doc, value.settings)
        if not stray:
            end = self.text.find("\n", value.span.start, value.span.end)
            self.refuse(mistakes.StrayLine(), value.span.start, value.span.end if end < 0 else end)
        return None

    # ---- use

    def use(self, start: int, end: int, kids: list[Any]) -> tree.Use:
        (path, quoted, span), *names = kids
        return tree.Use(self.span(start, end), self.doc, path, span, quoted, tuple(names))

    def dotted_path(self, start: int, end: int, kids: list[Any]) -> tuple[str, bool, object]:
        return ".".join(token.text for token in kids), False, self.span(start, end)

    def quoted_path(self, start: int, end: int, kids: list[Any]) -> tuple[str, bool, object]:
        text = self.string(start, end, kids)
        if any(not isinstance(piece, str) for piece in text.pieces):
            self.refuse(mistakes.DefinitionForm("a path holds no `{expr}`"), start, end)
        return "".join(p for p in text.pieces if isinstance(p, str)), True, self.span(start, end)

    def use_name(self, start: int, end: int, kids: list[Any]) -> tuple[tree.Name, tree.Name]:
        there, here = kids
        first = self.name(there.start, there.end, [there])
        return first, first if here is None else self.name(here.start, here.end, [here])

    # ---- definitions

    def kind(self, start: int, end: int, kids: list[Any]) -> str:
        return str(kids[0].text)

    def defined_as(self, start: int, end: int, kids: list[Any]) -> _Defined:
        return _Defined(kids[0])

    def defined_as_with_suite(self, start: int, end: int, kids: list[Any]) -> _Defined:
        return _Defined(kids[0], kids[1], colon=True)

    def defined_as_with_block(self, start: int, end: int, kids: list[Any]) -> _Defined:
        return _Defined(kids[0], kids[1])

    def definition(self, start: int, end: int, kids: list[Any]) -> tree.Item | None:
        kind, name, parameters, ports, results, tail = kids
        header = _Header(start, end, name, parameters or (), ports, results)
        if isinstance(tail, _Defined) and tail.colon and tail.lines is not None:
            budgets = any(isinstance(statement, tree.Budget) for statement in tail.lines.body)
            if kind != "extern" and not budgets:
                tail = _Defined(self.with_suite(tail.value, tail.lines))
        if kind == "fn":
            return self._fn(header, tail)
        if kind == "extern":
            return self._extern(header, tail)
        if isinstance(tail, tree.Suite):
            self.no_branches(tail)
            return self._block(kind, header, tail, False)
        if kind == "net" and ports is None:
            return self._alias(header, tail)
        if tail.lines is not None:
            self._indented(tail.lines)
        span = self.span(tail.value.span.start, end)
        return self._block(kind, header, tree.Suite(span, (tree.Step(span, tail.value),)), True)

    def _block(self, kind: str, header: _Header, suite: tree.Suite, sequence: bool) -> tree.Block:
        name, span = header.name, self.span(header.start, header.end)
        name_span = self.span(name.start, name.end)
        parameters, ports, results = header.parameters, header.ports, header.results
        return tree.Block(span, self.doc, kind, name.text, name_span, parameters, ports, results, suite, sequence)

    def _alias(self, header: _Header, tail: _Defined) -> tree.NetAlias:
        name = header.name
        value = tail.value
        if not isinstance(value, tree.Name | tree.TickName | tree.Attribute | tree.Call):
            wrong = "after `net name(...) =` stands the one net or block that it is; a chain needs its inputs, `on ...`"
            self._form(wrong, value.span.start, value.span.end)
        if header.results is not None:
            self._form("a net that is another net has that net's results", name.start, name.end)
        budgets = []
        for statement in tail.lines.body if tail.lines is not None else ():
            if isinstance(statement, tree.Budget):
                budgets.append(statement)
            else:
                span = statement.span
                self._form("only `budget` lines stand under a net that is another net", span.start, span.end)
        span = self.span(header.start, header.end)
        name_span = self.span(name.start, name.end)
        return tree.NetAlias(span, self.doc, name.text, name_span, header.parameters, value, tuple(budgets))

    def _fn(self, header: _Header, tail: _Defined | tree.Suite) -> tree.Fn | None:
        name = header.name
        if header.ports is not None or header.results is not None:
            self._form("a `fn` is of compile-time values: it has neither `on` nor `->`", name.start, name.end)
        span = self.span(header.start, header.end)
        name_span = self.span(name.start, name.end)
        if isinstance(tail, _Defined):
            if tail.lines is not None:
                self._indented(tail.lines)
            return tree.Fn(span, self.doc, name.text, name_span, header.parameters, (), tail.value)
        lets = tuple(s for s in tail.body[:-1] if isinstance(s, tree.Let))
        last = tail.body[-1] if tail.body else None
        if isinstance(last, tree.Step) and len(lets) == len(tail.body) - 1:
            return tree.Fn(span, self.doc, name.text, name_span, header.parameters, lets, last.value)
        wrong = [s.span for s in tail.body[:-1] if not isinstance(s, tree.Let)]
        if not isinstance(last, tree.Step):
            wrong.append(name_span if last is None else last.span)
        for place in wrong:
            self._form("a `fn` has `let` lines and then one expression", place.start, place.end)
        return None

    def _extern(self, header: _Header, tail: _Defined | tree.Suite) -> tree.Extern | None:
        name = header.name
        if header.ports is None or header.results is None:
            self._form("an `extern block` states its inputs and results: `on x[...] -> [...]`", name.start, name.end)
            return None
        if not isinstance(tail, _Defined) or not isinstance(tail.value, tree.Text):
            span = tail.span if isinstance(tail, tree.Suite) else tail.value.span
            self._form('an `extern block` ends with `= "package.module:Class"`', span.start, span.end)
            return None
        facts = []
        for statement in tail.lines.body if tail.lines is not None else ():
            target = statement.targets[0] if isinstance(statement, tree.Assign) and statement.targets else None
            if isinstance(statement, tree.Assign) and isinstance(target, tree.Name) and target.name in _FACTS:
                facts.append((target.name, statement.value))
            else:
                wrong = "under an `extern block` stand `macs = ...`, `params = ...` and `reach = ...` only"
                self._form(wrong, statement.span.start, statement.span.end)
        span = self.span(header.start, header.end)
        name_span = self.span(name.start, name.end)
        parameters, ports, results = header.parameters, header.ports, header.results
        return tree.Extern(span, self.doc, name.text, name_span, parameters, ports, results, tail.value, tuple(facts))

    def _form(self, message: str, start: int, end: int) -> None:
        self.refuse(mistakes.DefinitionForm(message), start, end)

    def _indented(self, lines: tree.Suite) -> None:
        first = lines.body[0].span if lines.body else lines.span
        self.refuse(mistakes.UnexpectedIndent(), first.start, first.end)

    def _place(self, name: Token) -> Span:
        return self.span(name.start, name.end)

    # ---- headers

    def parameters(self, start: int, end: int, kids: list[Any]) -> tuple[tree.Parameter, ...]:
        found: dict[str, tree.Parameter] = {}
        for parameter in kids:
            if parameter is None:
                continue
            if parameter.name in found:
                span = parameter.name_span
                self.refuse(mistakes.RepeatedName(parameter.name, "parameter"), span.start, span.end)
            found.setdefault(parameter.name, parameter)
        return tuple(found.values())

    def parameter(self, start: int, end: int, kids: list[Any]) -> tree.Parameter:
        name, type_, default = kids
        return tree.Parameter(self.span(start, end), name.text, self._place(name), type_, default)

    def named_type(self, start: int, end: int, kids: list[Any]) -> tree.TypeExpr:
        name, maybe = kids
        return tree.TypeExpr(self.span(start, end), name.text, optional=maybe is not None)

    def called_type(self, start: int, end: int, kids: list[Any]) -> tree.TypeExpr:
        name, *names, maybe = kids
        calls = tuple(token.text for token in names if token is not None)
        return tree.TypeExpr(self.span(start, end), name.text, (), calls, maybe is not None)

    def list_type(self, start: int, end: int, kids: list[Any]) -> tree.TypeExpr:
        item, maybe = kids
        return tree.TypeExpr(self.span(start, end), "list", (item,), optional=maybe is not None)

    def tuple_type(self, start: int, end: int, kids: list[Any]) -> tree.TypeExpr:
        *items, maybe = kids
        return tree.TypeExpr(self.span(start, end), "tuple", tuple(items), optional=maybe is not None)

    def ports(self, start: int, end: int, kids: list[Any]) -> tuple[tree.Port, ...]:
        return tuple(kids)

    def port(self, start: int, end: int, kids: list[Any]) -> tree.Port:
        many, name, maybe, spec = kids
        if spec is None:
            spec = tree.TensorSpec(self.span(name.start, name.end), None, None)
        span = self.span(start, end)
        return tree.Port(span, name.text, spec, maybe is not None, many is not None, self._place(name))

    def typed_spec(self, start: int, end: int, kids: list[Any]) -> tree.TensorSpec:
        dtype, dims = kids
        return tree.TensorSpec(self.span(dtype.start, end), dtype.text, dims)

    def untyped_spec(self, start: int, end: int, kids: list[Any]) -> tree.TensorSpec:
        return tree.TensorSpec(self.span(start, end), None, kids[0])

    def tensor_spec(self, start: int, end: int, kids: list[Any]) -> tree.TensorSpec:
        dtype, dims = kids
        return tree.TensorSpec(self.span(start, end), None if dtype is None else dtype.text, dims)

    def tensor_dtype(self, start: int, end: int, kids: list[Any]) -> tree.TensorSpec:
        return tree.TensorSpec(self.span(start, end), kids[0].text, None)

    def results(self, start: int, end: int, kids: list[Any]) -> tuple[tree.Result, ...]:
        return tuple(kids)

    def last_result(self, start: int, end: int, kids: list[Any]) -> tree.Result:
        span = self.span(start, end)
        return tree.Result(span, None, tree.TensorSpec(span, None, kids[0]))

    def named_result(self, start: int, end: int, kids: list[Any]) -> tree.Result:
        name, maybe, spec, when = kids
        span = self.span(start, end)
        return tree.Result(span, name.text, spec, maybe is not None, when is not None, self._place(name))

    def dims(self, start: int, end: int, kids: list[Any]) -> tuple[tree.DimSpec, ...]:
        return tuple(kid for kid in kids if kid is not None)

    def dim_value(self, start: int, end: int, kids: list[Any]) -> tree.DimSpec:
        value: tree.Expr = kids[0]
        span = self.span(start, end)
        if isinstance(value, tree.Word) and value.word == "...":
            return tree.DimSpec(span, None, rest=True)
        free = isinstance(value, tree.Name) and value.name == "_"
        return tree.DimSpec(span, None if free else value)

    def dim_default(self, start: int, end: int, kids: list[Any]) -> tree.DimSpec:
        value, default = kids
        self._dim_name(value)
        return tree.DimSpec(self.span(start, end), value, default=default)

    def dim_index(self, start: int, end: int, kids: list[Any]) -> tree.DimSpec:
        value, size = kids
        self._dim_name(value)
        index = value.name if isinstance(value, tree.Name) else None
        return tree.DimSpec(self.span(start, end), size, index=index, name_span=value.span)

    def dim_rest(self, start: int, end: int, kids: list[Any]) -> tree.DimSpec:
        name: Token = kids[0]
        return tree.DimSpec(self.span(start, end), None, rest=True, rest_name=name.text, name_span=self._place(name))

    def _dim_name(self, value: tree.Expr) -> None:
        if not isinstance(value, tree.Name):
            self._form("before `=` or `:` in a shape stands a name", value.span.start, value.span.end)
