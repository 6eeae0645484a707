"""A name that has no meaning where it is read, and is another definition's: whose, and how to hand it over.

Also names of the same definition that are no value there: that of a layer by `as`, and a parameter later in the header.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from dslc.bind.mistakes_scope import LaterParameter, NamesLayer, OfAnother
from dslc.bind.scopes import given_names
from dslc.bind.signatures import Headed
from dslc.diagnostics.model import Applicability, Edit, Help, Label, Mistake
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import nodes

Answer = tuple[Mistake, Label, tuple[Help, ...]]


def whose(name: tree.Name, definition: tree.Definition, file: tree.File, far: bool = False) -> Answer | None:
    """What the name is elsewhere; none if it is nothing there either.

    Of other definitions those that use this one count, and if `far` the only one that has such a parameter.
    """
    return (
        _of_another(name, definition, file, far)
        if far
        else _layer(name, definition) or _of_another(name, definition, file, far)
    )


# ---- in the same definition


def later_parameter(name: tree.Name, reads: tree.Parameter, header: tuple[tree.Parameter, ...]) -> Answer | None:
    """A default that uses a parameter after its own: the two change places."""
    later = next((q for q in header[header.index(reads) + 1 :] if q.name == name.name), None)
    if later is None:
        return None
    help = Help(
        f"`{later.name}` goes before `{reads.name}`",
        None,
        (Edit(reads.span, later.span.text), Edit(later.span, reads.span.text)),
        applicability=Applicability.MAYBE,
    )
    return LaterParameter(name.name, reads.name), Label(later.name_span, "it stands here"), (help,)


def _layer(name: tree.Name, definition: tree.Definition) -> Answer | None:
    """A layer has the name by `as`: its tensor is named by a line of its own."""
    for line, found in _named_layers(definition).get(name.name, ()):
        if line.span.end <= name.span.start:
            free = _free(f"{name.name}_out", definition)
            label = Label(found.name.span, "it names a layer, for its weights")
            return NamesLayer(name.name, found.span.line), label, _kept(name, line, found, free)
    return None


@lru_cache(maxsize=4)  # each of many unknown names in a text asks for its definition
def _named_layers(definition: tree.Definition) -> dict[str, list[tuple[tree.Step, tree.As]]]:
    """The steps of lines that have a name by `as`, by that name, each with its line."""
    found: dict[str, list[tuple[tree.Step, tree.As]]] = {}
    for line in nodes(definition):
        if isinstance(line, tree.Step) and not isinstance(line.value, tree.Lost):
            for step in line.value.steps if isinstance(line.value, tree.Chain) else (line.value,):
                if isinstance(step, tree.As) and isinstance(step.name, tree.Name):
                    found.setdefault(step.name.name, []).append((line, step))
    return found


def _kept(name: tree.Name, line: tree.Step, found: tree.As, free: str) -> tuple[Help, ...]:
    """A line below that names what the chain has become there."""
    text = name.span.source.text
    start = text.rfind("\n", 0, line.span.start) + 1
    indent = text[start : line.span.start]
    said = f"`{free} = it` below line {line.span.line} names the tensor"
    if indent.strip():
        return (Help(said),)
    end = line.span.end
    while end < len(text) and text[end] != "\n":
        end += 1
    edit = Edit(Span(name.span.source, end, end), f"\n{indent}{free} = it")
    return (Help(f"{said}: `{free}`", free, (edit,), applicability=Applicability.MAYBE),)


def _free(wanted: str, definition: tree.Definition) -> str:
    taken = given_names(definition) | {n.name.name for n in _as(definition) if isinstance(n.name, tree.Name)}
    while wanted in taken:
        wanted += "_"
    return wanted


def _as(definition: tree.Definition) -> Iterator[tree.As]:
    return (node for node in nodes(definition) if isinstance(node, tree.As))


# ---- in another definition


def _of_another(name: tree.Name, definition: tree.Definition, file: tree.File, far: bool) -> Answer | None:
    """A parameter, an input or a size of another definition; one that uses this block can hand it over."""
    homes = [
        (item, *found)
        for item in file.items
        if isinstance(item, Headed) and item is not definition and (found := _in_header(item, name.name)) is not None
    ]
    users = [home for home in homes if _calls(home[0], definition)]
    if far:
        users = homes if len(homes) == 1 and homes[0][1] == "parameter" else []
    if not users or isinstance(definition, tree.LetItem):
        return None
    home, kind, span = users[0]
    own = definition.kind if isinstance(definition, tree.Block) else "definition"
    owner = home.kind if isinstance(home, tree.Block) else "net"
    both = _parameters_of(home, definition, file) if kind == "parameter" else []
    others = tuple(q.name for q in both if q.name != name.name)
    mistake = OfAnother(name.name, kind, owner, home.name, span.line, own, definition.name, others)
    label = Label(span, f"the {kind} of `{home.name}`")
    handed = None
    if isinstance(definition, tree.Block) and definition.kind != "net" and isinstance(home, tree.Block):
        handed = _handed(both, definition, home, file)
    if handed is None and kind != "parameter":
        handed = Help(f"`{definition.name}` names its own sizes and inputs in its header, after `on`")
    return mistake, label, () if handed is None else (handed,)


def _parameters_of(home: Headed, definition: tree.Definition, file: tree.File) -> list[tree.Parameter]:
    """The parameters of another definition that this one's text reads and does not have, in the order of the text."""
    lets = {item.target.name for item in file.items if isinstance(item, tree.LetItem)}
    known = lets | {item.name for item in file.items if isinstance(item, Headed)} | given_names(definition)
    read = [n for n in nodes(definition) if isinstance(n, tree.Name) and n.name not in known]
    names = dict.fromkeys(n.name for n in sorted(read, key=lambda n: n.span.start))
    of = {q.name: q for q in home.parameters}
    return [of[name] for name in names if name in of and _in_header(definition, name) is None]


def _in_header(item: tree.Item, name: str) -> tuple[str, Span] | None:
    """What a header's name is: `parameter`, `input` or `size`, and where it stands."""
    if not isinstance(item, Headed):
        return None
    for parameter in item.parameters:
        if parameter.name == name:
            return "parameter", parameter.name_span
    for port in (item.ports or ()) if isinstance(item, tree.Block | tree.Extern) else ():
        if port.name == name:
            return "input", port.name_span or port.span
        for dim in port.spec.dims or ():
            if isinstance(dim.value, tree.Name) and dim.value.name == name:
                return "size", dim.value.span
    return None


def _calls(item: tree.Item, definition: tree.Definition) -> list[tree.Name]:
    """The names by which a definition's text uses another."""
    if isinstance(definition, tree.LetItem):
        return []
    found = [n for n in nodes(item) if isinstance(n, tree.Name) and n.name == definition.name]
    return sorted(found, key=lambda n: n.span.start)


def _handed(parameters: list[tree.Parameter], block: tree.Block, home: tree.Block, file: tree.File) -> Help | None:
    """One edit: the parameters in the block's header, and in every use of the block."""
    kinds = [_type(parameter) for parameter in parameters]
    others = [i for i in file.items if i is not home and i is not block and not isinstance(i, tree.Use)]
    if not kinds or None in kinds or any(_calls(item, block) for item in (*others, block)):
        return None
    header = ", ".join(f"{q.name}: {kind}" for q, kind in zip(parameters, kinds, strict=True))
    given = ", ".join(f"{q.name}={q.name}" for q in parameters)
    edits = [_declared(block, header)]
    shown: list[str] = []
    calls = {node.target: node for node in nodes(home) if isinstance(node, tree.Call)}
    for use in _calls(home, block):
        call = calls.get(use)
        texts = ", ".join([*(a.span.text for a in call.arguments), given] if call is not None else [given])
        shown.append(f"{block.name}({texts})")
        if call is None or call.bare:
            edits.append(Edit(_end(use.span), f"({given})"))
        elif call.arguments:
            edits.append(Edit(_end(call.arguments[-1].span), f", {given}"))
        else:
            opening = use.span.source.text.index("(", use.span.end)
            edits.append(Edit(Span(use.span.source, opening + 1, opening + 1), given))
    said = f"hand it over: `{header}` in the header of `{block.name}`, and `{shown[0]}`" if shown else ""
    return Help(said, None, tuple(edits)) if shown else None


def _type(parameter: tree.Parameter) -> str | None:
    if parameter.type is not None:
        return parameter.type.span.text
    match parameter.default:
        case tree.Number(value=value):
            return "int" if isinstance(value, int) else "float"
        case tree.Word(word="true" | "false"):
            return "bool"
    return None


def _declared(block: tree.Block, header: str) -> Edit:
    """One more parameter at the end of a block's header."""
    if block.parameters:
        return Edit(_end(block.parameters[-1].span), f", {header}")
    return Edit(_end(block.name_span), f"({header})")


def _end(span: Span) -> Span:
    return Span(span.source, span.end, span.end)
