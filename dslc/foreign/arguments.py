"""An argument by the name that it has elsewhere: what it is called here, with an edit of the whole argument."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Applicability, Edit, Help
from dslc.foreign.calls import value_text, windows
from dslc.foreign.forms import rewriter
from dslc.foreign.values import Unsaid, words
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.vocabulary import table
from dslc.vocabulary.table import Taken


def said_of(owner: str, argument: tree.Argument, call: tree.Call, known: Sequence[str]) -> tuple[Help, ...]:
    """The proposal for one argument of a call; see `tell.argument_help`."""
    name = argument.name
    assert name is not None
    how, ours = table.argument(owner, name, known)
    if how == "after":
        return (_after(argument, call),)
    if name == "name" and how == "none":
        return _named(argument, call)
    if how == "is":
        return (_renamed(owner, argument, call, ours),)
    if how == "leave":
        return (Help(f"`{name}`: {ours}", None, (without(call, argument),)),)
    if how == "say":
        return (Help(ours),)
    near = nearest(name, known)
    if near is None:
        return _misspelt(owner, argument, call, known)
    if any(other.name == near for other in call.arguments):
        return ()
    assert argument.name_span is not None
    return (Help(f"did you mean `{near}`?", None, (Edit(argument.name_span, near),)),)


def _misspelt(owner: str, argument: tree.Argument, call: tree.Call, known: Sequence[str]) -> tuple[Help, ...]:
    """A slip in a name that the argument has elsewhere: `strde=2` is `stride=2`, and that `s=2` here."""
    assert argument.name is not None
    near = table.near_argument(owner, argument.name, known)
    how, ours = table.argument(owner, near, known) if near is not None else ("none", "")
    if near is None or (how == "is" and _is_given(owner, call, ours)):
        return ()
    meant = replace(argument, name=near)
    whole = replace(call, arguments=tuple(meant if each is argument else each for each in call.arguments))
    help = said_of(owner, meant, whole, known)
    return tuple(replace(each, text=f"did you mean `{near}`? {each.text}") for each in help)


def _is_given(owner: str, call: tree.Call, ours: str) -> bool:
    """Whether a call has an argument already, by its name or by its place."""
    layer = table.layer(owner)
    placed = sum(other.name is None and not other.star for other in call.arguments)
    by_place = [] if layer is None else [each.name for each in layer.arguments[:placed]]
    return ours in by_place or any(other.name == ours for other in call.arguments)


def meant(owner: str, name: str, known: Sequence[str]) -> str | None:
    """The argument of `owner` that one by another name is likely meant to be."""
    how, ours = table.argument(owner, name, known)
    if how != "none":
        return ours if how == "is" else None
    near = nearest(name, known)
    elsewhere = table.near_argument(owner, name, known) if near is None else None
    return near if elsewhere is None else meant(owner, elsewhere, known)


def _after(argument: tree.Argument, call: tree.Call) -> Help:
    """An activation is a further step: `activation="relu"` is `-> relu` after the layer."""
    text = words(argument.value)
    name = argument.value.name if isinstance(argument.value, tree.Name) else None
    found = table.activation(text.lower()) if text is not None else name
    said = "an activation is a step of its own"
    if found is None:
        return Help(f"{said}: `-> relu`")
    edits = () if not _is_step(call) else (without(call, argument), _insert(call, f" -> {found}" if found else ""))
    return Help(f"{said}: `-> {found}`" if found else f"{said}, and a linear one none", None, edits)


def _named(argument: tree.Argument, call: tree.Call) -> tuple[Help, ...]:
    """The name of a module stands after it: `name="stem"` is `as stem`."""
    text = words(argument.value)
    if text is None:
        return (Help("the name of a module stands after it, by `as`"),)
    good = text.isidentifier() and _is_step(call)
    edits = (without(call, argument), _insert(call, f" as {text}")) if good else ()
    return (Help(f"the name of a module stands after it: `as {text}`", None, edits),)


def _insert(call: tree.Call, text: str) -> Edit:
    return Edit(Span(call.span.source, call.span.end, call.span.end), text)


_BEFORE = re.compile(r"(?:^|->|[(,:=|]|\belse|\[)\s*$")
_BEHIND = re.compile(r"\s*(?:$|->|[),#\]]|\n)")


def _is_step(call: tree.Call) -> bool:
    """Whether what stands around a call leaves room for a further step after it."""
    text, span = call.span.source.text, call.span
    line = text.rfind("\n", 0, span.start) + 1
    return bool(_BEFORE.search(text[line : span.start])) and bool(_BEHIND.match(text, span.end))


def _renamed(owner: str, argument: tree.Argument, call: tree.Call, ours: str) -> Help:
    assert argument.name_span is not None and argument.name is not None
    layer = table.layer(owner)
    declared = layer.argument(ours) if layer is not None else None
    if _is_given(owner, call, ours):
        said = f"`{argument.name}` would be `{ours}` here, which is given already: leave it out"
        return Help(said, None, (without(call, argument),), applicability=Applicability.MAYBE)
    said = f"`{argument.name}` is `{ours}` here"
    if layer is None or declared is None or declared.kind not in ("padding", "sides"):
        return Help(said, None, (Edit(argument.name_span, ours),))
    given = windows(owner, call, layer)
    try:
        r = rewriter(lambda name: "value")
        text = value_text(r, Taken(argument.name, ">", ours), argument.value, declared, given, owner)
    except Unsaid as unsaid:
        return Help(f"{said}; {unsaid}" if str(unsaid) else said)
    if text is None:
        why = "the default, keeps the size: leave it out" if declared.default == "half" else "leave it out"
        return Help(f"{said}, and `{declared.default}`, {why}", None, (without(call, argument),))
    return Help(f"{said}: `{ours}={text}`", None, (Edit(argument.span, f"{ours}={text}"),))


def without(call: tree.Call, argument: tree.Argument) -> Edit:
    """The edit that takes an argument out of its call, with a comma; the brackets too, if nothing is left in them."""
    source = argument.span.source
    if len(call.arguments) == 1:
        return Edit(Span(source, call.target.span.end, call.span.end), "")
    index = call.arguments.index(argument)
    if index:
        return Edit(Span(source, call.arguments[index - 1].span.end, argument.span.end), "")
    return Edit(Span(source, argument.span.start, call.arguments[1].span.start), "")
