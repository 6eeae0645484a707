"""A compact text of a syntax tree, for tests and for looking at one.

Expressions are lists in round brackets with the operator first, statements are lines, suites are indented under the
line that has them.
"""

from __future__ import annotations

from collections.abc import Iterable

from dslc.syntax import tree

_INDENT = "  "


def dump(node: tree.File | tree.Item | tree.Stmt | tree.Suite | tree.Expr) -> str:
    """The text of a tree or a part of one, without a newline at the end."""
    if isinstance(node, tree.File):
        return "\n".join(dump(item) for item in node.items)
    if isinstance(node, tree.Expr):
        head, suites = _expression(node)
        return "\n".join([head, *_suites(suites)])
    if isinstance(node, tree.Suite):
        return "\n".join(_suite(node, 0))
    return "\n".join(_statement(node) if isinstance(node, tree.Stmt) else _item(node))


# ---- expressions


def _expression(node: tree.Expr) -> tuple[str, list[tree.Suite]]:
    suites: list[tree.Suite] = []
    return _text(node, suites), suites


def _text(node: tree.Expr | None, suites: list[tree.Suite]) -> str:
    def many(*nodes: tree.Expr | None) -> str:
        return " ".join(_text(each, suites) for each in nodes)

    match node:
        case None:
            return "_"
        case tree.Number():
            return repr(node.value)
        case tree.SizeLiteral():
            return "x".join(map(str, node.sides))
        case tree.Text():
            return f'"{_pieces(node, suites)}"'
        case tree.Word():
            return f":{node.word}"
        case tree.Name():
            return node.name
        case tree.TickName():
            return f"`{_pieces(node.text, suites)}`"
        case tree.It():
            return ":it"
        case tree.Tuple():
            return f"(tuple {many(*node.items)})" if node.items else "(tuple)"
        case tree.List():
            return f"(list {many(*node.items)})" if node.items else "(list)"
        case tree.Comprehension():
            clauses = (_clause(clause, suites) for clause in node.clauses)
            return f"(list-of {many(node.item)} {' '.join(clauses)})"
        case tree.Unary():
            return f"({node.op} {many(node.value)})"
        case tree.Binary():
            return f"({node.op} {many(node.left, node.right)})"
        case tree.Compare():
            rest = (f"{op} {many(v)}" for op, v in zip(node.ops, node.values[1:], strict=True))
            return f"(compare {many(node.values[0])} {' '.join(rest)})"
        case tree.Conditional():
            return f"(if {many(node.condition, node.then, node.other)})"
        case tree.Call():
            words = [many(node.target), *(_argument(argument, suites) for argument in node.arguments)]
            if node.suite is not None:
                suites.append(node.suite)
                words.append("..." if node.bare else "(...)")
            return f"(call {' '.join(words)})"
        case tree.Attribute():
            return f"(. {many(node.value)} {node.name})"
        case tree.Slice():
            return f"(slice {many(node.start, node.stop, node.step)})"
        case tree.Index():
            return f"(index {many(node.value, *node.items)})"
        case tree.As():
            return f"(as {many(node.value, node.name)})"
        case tree.Chain():
            return f"(-> {many(*node.steps)})"
        case tree.Lost():
            if node.suite is not None:
                suites.append(node.suite)
            return " ".join(["lost", *node.names])
        case tree.Seq():
            suites.append(node.suite)
            return "(seq ...)"
    raise TypeError(f"no dump of {type(node).__name__}")


def _pieces(text: tree.Text, suites: list[tree.Suite]) -> str:
    shown = (
        p.encode("unicode_escape").decode() if isinstance(p, str) else f"{{{_text(p, suites)}}}" for p in text.pieces
    )
    return "".join(shown)


def _argument(argument: tree.Argument, suites: list[tree.Suite]) -> str:
    mark = "*" if argument.star else "" if argument.name is None else f"{argument.name}="
    return mark + _text(argument.value, suites)


def _clause(clause: tree.Clause, suites: list[tree.Suite]) -> str:
    value = _text(clause.value, suites)
    return f"(for {' '.join(t.name for t in clause.targets)} {value})" if clause.targets else f"(where {value})"


# ---- statements


def _suites(suites: Iterable[tree.Suite]) -> list[str]:
    return [line for suite in suites for line in _suite(suite, 1)]


def _suite(suite: tree.Suite, depth: int) -> list[str]:
    return [_INDENT * depth + line for statement in suite.body for line in _statement(statement)]


def _line(word: str, *nodes: tree.Expr | None) -> list[str]:
    suites: list[tree.Suite] = []
    texts = [_text(node, suites) for node in nodes if node is not None]
    return [" ".join([word, *texts]), *_suites(suites)]


def _statement(node: tree.Stmt) -> list[str]:
    match node:
        case tree.Step():
            return _line("step", node.value)
        case tree.Assign():
            return _line("name", *node.targets, node.value)
        case tree.Let():
            return _line("let", node.target, node.value)
        case tree.Grow():
            return _line("grow", node.target, node.value)
        case tree.ModuleDef():
            return _line("module", node.target, node.value)
        case tree.TensorDef():
            head = f"{node.kind} {node.target.name} {_spec(node.spec)}"
            return _line(head, node.value)
        case tree.If():
            lines = []
            for i, (condition, suite) in enumerate(node.branches):
                lines += _line("else" if condition is None else "elif" if i else "if", condition)
                lines += _suite(suite, 1)
            return lines
        case tree.For():
            return [*_line("for", *node.targets, node.source), *_suite(node.suite, 1)]
        case tree.Branch():
            more = [] if node.more is None else [_INDENT + "more", *_suite(node.more, 2)]
            return [*_line("branch", node.value), *more]
        case tree.Require():
            return _line("require", node.condition, node.message)
        case tree.Budget():
            return _line("budget", *node.limits)
        case tree.Initial():
            return _settings(node.settings)
    raise TypeError(f"no dump of {type(node).__name__}")


def _settings(settings: tuple[tree.Setting, ...]) -> list[str]:
    lines = ["init"]
    for setting in settings:
        part = f".{setting.part}" if setting.part else ""
        lines += [_INDENT + line for line in _line(f"{setting.target.name}{part} =", setting.value)]
    return lines


# ---- items


def _item(node: tree.Item) -> list[str]:
    doc = [f"doc {node.doc!r}"] if node.doc else []
    match node:
        case tree.Use():
            path = f'"{node.path}"' if node.quoted else node.path
            names = (a.name if a is b else f"{a.name}={b.name}" for a, b in node.names)
            return [*doc, f"use {path} {' '.join(names)}"]
        case tree.LostItem():
            return [" ".join(["lost", *node.names])]
        case tree.LetItem():
            return [*doc, *_line("let", node.target, node.value)]
        case tree.InitialItem():
            return [*doc, *_settings(node.settings)]
        case tree.Fn():
            lets = [_INDENT + line for let in node.lets for line in _statement(let)]
            body = [_INDENT + line for line in _line("value", node.value)]
            return [*doc, f"fn {node.name}{_parameters(node.parameters)}", *lets, *body]
        case tree.Block():
            kind = f"{node.kind} sequence" if node.sequence else node.kind
            head = f"{kind} {node.name}{_parameters(node.parameters)}{_ports(node.ports)}{_results(node.results)}"
            return [*doc, head, *_suite(node.suite, 1)]
        case tree.NetAlias():
            head = f"net {node.name}{_parameters(node.parameters)} ="
            budgets = [_INDENT + line for budget in node.budgets for line in _statement(budget)]
            return [*doc, *_line(head, node.value), *budgets]
        case tree.Extern():
            ports, results = _ports(node.ports), _results(node.results)
            head = f"extern {node.name}{_parameters(node.parameters)}{ports}{results} ="
            facts = [_INDENT + line for name, value in node.facts for line in _line(name, value)]
            return [*doc, *_line(head, node.target), *facts]
    raise TypeError(f"no dump of {type(node).__name__}")


def _one(node: tree.Expr | None) -> str:
    return _text(node, [])


def _parameters(parameters: tuple[tree.Parameter, ...]) -> str:
    return "".join(f" ({_parameter(parameter)})" for parameter in parameters)


def _parameter(parameter: tree.Parameter) -> str:
    type_ = "" if parameter.type is None else f": {_type(parameter.type)}"
    default = "" if parameter.default is None else f" = {_one(parameter.default)}"
    return parameter.name + type_ + default


def _type(type_: tree.TypeExpr) -> str:
    calls = "" if type_.calls is None else f"({' '.join(type_.calls)})"
    items = "" if not type_.items else f"<{' '.join(map(_type, type_.items))}>"
    return type_.kind + calls + items + ("?" if type_.optional else "")


def _ports(ports: tuple[tree.Port, ...] | None) -> str:
    if ports is None:
        return ""
    return " on" + "".join(f" {'*' * p.many}{p.name}{'?' * p.optional}{_spec(p.spec)}" for p in ports)


def _results(results: tuple[tree.Result, ...] | None) -> str:
    return "" if results is None else " ->" + "".join(f" {_result(result)}" for result in results)


def _result(result: tree.Result) -> str:
    spec = "" if result.spec is None else _spec(result.spec)
    return f"{result.name or ''}{'?' * result.optional}{spec}{' training' * result.when_training}"


def _spec(spec: tree.TensorSpec) -> str:
    dims = "" if spec.dims is None else f"[{' '.join(map(_dim, spec.dims))}]"
    return (f":{spec.dtype}" if spec.dtype is not None else "") + dims


def _dim(dim: tree.DimSpec) -> str:
    if dim.rest:
        return f"*{dim.rest_name}" if dim.rest_name is not None else "..."
    index = "" if dim.index is None else f"{dim.index}: "
    return index + _one(dim.value) + ("" if dim.default is None else f"={_one(dim.default)}")
