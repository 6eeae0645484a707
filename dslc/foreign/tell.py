"""What is said of foreign words in a program: one mistake a line, with edits that write all of it as it is here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dslc.diagnostics.codes import distance, nearest
from dslc.diagnostics.model import Edit, Help, Mistake
from dslc.foreign.arguments import said_of
from dslc.foreign.forms import rewriter, rows
from dslc.foreign.mistakes import DotChain, ForeignWords
from dslc.foreign.piece import Piece
from dslc.foreign.rewrite import KindOf, Rewriter, bracketed, meant
from dslc.foreign.uses import needed, use_edits
from dslc.foreign.values import Unsaid
from dslc.record import record, replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.vocabulary import table
from dslc.vocabulary.std import homes


@record
class Told:
    """A mistake at a place, its proposals, and the expressions of which no more needs to be said."""

    mistake: Mistake
    span: Span
    help: tuple[Help, ...]
    covers: tuple[tree.Expr, ...]


@record
class _Found:
    expr: tree.Expr
    piece: Piece | None
    why: str = ""


def foreign(
    line: tree.Expr, kind_of: KindOf, file: tree.File, whole: bool = False, told: Sequence[Span] = ()
) -> tuple[Told, ...]:
    """What is foreign in an expression, all that can be rewritten as one mistake; nothing if nothing is.

    `whole`: the expression is all of a line, or what a line names. `told`: places of which something is said already.
    """
    r = rewriter(kind_of)
    row = _row(r, line) if whole else None
    if row is not None:
        said, unsaid = [row], list[_Found]()
    else:
        found = [each for each in _all(r, line, None) if not any(_within(each.expr.span, span) for span in told)]
        numbers = names_of_values(line)
        found = [each for each in found if not (each.expr in numbers and _is_layer(each))]
        said = [each for each in found if each.piece is not None]
        unsaid = [each for each in found if each.piece is None]
    first = [_rewritten(said, kind_of, file)] if said else []
    return (*first, *(_words(r, each) for each in unsaid))


def names_of_values(line: tree.Expr) -> set[tree.Expr]:
    """Plain names where a layer of the language wants a number, as `conv(squeeze, 1)`: no layer is meant by them.

    Words and initialisers stand there too; constants and classes of other languages begin with a capital.
    """
    found: set[tree.Expr] = set()
    waiting: list[object] = [line]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Suite):
            continue
        if isinstance(node, tree.Call) and isinstance(node.target, tree.Name) and table.layer(node.target.name):
            inner = [a.value for a in node.arguments]
            while inner:
                value = inner.pop()
                if isinstance(value, tree.Binary):
                    inner += (value.left, value.right)
                elif isinstance(value, tree.Name) and value.name[:1].islower() and not value.name.endswith("_"):
                    found.add(value)
        waiting += meant(node)
    return found


def _is_layer(found: _Found) -> bool:
    if found.piece is None:
        return isinstance(found.expr, tree.Name) and table.python(found.expr.name) is None
    return table.layer(found.piece.here) is not None


def _all(r: Rewriter, node: object, parent: object) -> Iterable[_Found]:
    """The outermost foreign expressions, in the order of the text."""
    if isinstance(node, tree.Suite):
        return  # its lines are asked for one by one
    if isinstance(node, tree.Text):
        for inner in node.pieces:
            if isinstance(inner, tree.Expr):
                yield from _all(r, inner, node)
        return
    if isinstance(node, tree.Expr):
        try:
            piece = r.rewrite(node)
        except Unsaid as unsaid:
            yield _Found(unsaid.at or node, None, str(unsaid))
            return
        if piece is not None:
            text = bracketed(piece.text, parent)
            yield _Found(node, replace(piece, text=text))
            return
    for kid in sorted(meant(node), key=_start):
        yield from _all(r, kid, node)


def _within(span: Span, outer: Span) -> bool:
    return outer.start <= span.start and span.end <= outer.end


def _start(node: object) -> int:
    span = getattr(node, "span", None)
    return span.start if isinstance(span, Span) else 0


def _row(r: Rewriter, line: tree.Expr) -> _Found | None:
    """A line that is `nn.Sequential(a, b)`, perhaps with a name: `seq: a -> b`."""
    call, name = (line.value, f" as {line.name.span.text}") if isinstance(line, tree.As) else (line, "")
    if not isinstance(call, tree.Call):
        return None
    try:
        found = rows(r, call)
    except Unsaid:
        return None
    return _Found(line, Piece(f"seq{name}: {' -> '.join(found)}", here="seq")) if found else None


def _rewritten(found: Sequence[_Found], kind_of: KindOf, file: tree.File) -> Told:
    """One mistake at the first place, whose edit rewrites all of them."""
    pieces = [(each.expr.span, each.piece) for each in found if each.piece is not None]
    (span, first), *rest = pieces
    names = [name for _, piece in pieces for name in needed(piece.text, kind_of)]
    edits = (*(Edit(s, p.text) for s, p in rest), *use_edits(file, names))
    texts = dict.fromkeys(piece.text for _, piece in pieces)
    shown = ", ".join(f"`{text}`" for text in texts if len(text) < 60)
    help = f"write {shown or f'`{first.text}`'}"
    if names:
        help += f" with {' and '.join(f'`use {homes()[name]}: {name}`' for name in dict.fromkeys(names))}"
    more = tuple(dict.fromkeys((s.text, p.text) for s, p in rest if (s.text, p.text) != (span.text, first.text)))
    if first.dot is not None:
        where = Span(span.source, *first.dot)
        own = (Edit(span, first.text), *edits)
        return Told(DotChain(), where, (Help(help, None, own),), tuple(each.expr for each in found))
    mistake = ForeignWords(span.text, first.library, first.text, "", more)
    helps = [Help(help, first.text, edits)]
    if any(piece.other for _, piece in pieces):
        other = [Edit(s, p.other or p.text) for s, p in rest]
        texts = dict.fromkeys(piece.other for _, piece in pieces if piece.other)
        shown = ", ".join(f"`{text}`" for text in texts)
        said = f"write {shown}, if PyTorch's order is meant: channels that come in, those that go out, kernel"
        helps.append(Help(said, first.other or first.text, (*other, *use_edits(file, names))))
    return Told(mistake, span, tuple(helps), tuple(each.expr for each in found))


def _words(r: Rewriter, found: _Found) -> Told:
    """A mistake without an edit."""
    target = found.expr.target if isinstance(found.expr, tree.Call) else found.expr
    while isinstance(target, tree.Call):
        target = target.target
    name = r.dotted(target)
    entries = r.entries(name) if name is not None else ()
    if not entries and isinstance(target, tree.Attribute):
        entry = table.method(target.name)
        entries = (entry,) if entry is not None else ()
    library, here = (entries[0].library, entries[0].here) if entries else (table.library(name or ""), "")
    entries = entries or ((table.Entry("", ""),) if library else ())
    shown = target.span.text if entries else (name or target.span.text).split(".")[0]
    plain = here if here.replace("_", "").isalnum() else ""
    span = target.span if entries else Span(target.span.source, target.span.start, target.span.start + len(shown))
    return Told(ForeignWords(shown, library, plain, found.why), span, (), (found.expr,))


# ---- names that nothing defines


def near_name(
    name: tree.Name,
    around: tree.Expr,
    kind_of: KindOf,
    names: Iterable[str],
    file: tree.File,
    idle: Sequence[tree.Name] | None = None,
) -> tuple[Help, ...]:
    """What an unknown name may have been meant to be: a name of std, a near one, or a misspelt one of another library.

    `around` is the call of the name, or the name itself; `names` are those known at the place. `idle`: where a number
    is wanted, and so no layer, the `let` values above that nothing reads.
    """
    written = name.name
    if idle is not None:
        known = nearest(written, [n for n in names if table.layer(n) is None])
        if known is not None:
            return (Help(f"did you mean `{known}`?", None, (Edit(name.span, known),)),)
        if len(idle) != 1:
            return ()
        likely = idle[0]
        said = f"did you mean `{likely.name}` of line {likely.span.line}, which nothing reads?"
        return (Help(said, None, (Edit(name.span, likely.name),)),)
    if written in homes():
        return (_std(name, written, file, False),)
    known = nearest(written, names)
    slips = distance(written.lower(), known.lower(), len(written)) if known is not None else len(written)
    std = nearest(written, homes())
    if std is not None and distance(written.lower(), std.lower(), len(written)) < slips:
        return (_std(name, std, file, True),)
    entry = table.near(written)
    if entry is not None and entry.here and _slips(written, entry) < slips:
        r = rewriter(kind_of)
        r.guessed[written] = entry
        help = f"did you mean `{entry.here}`? (`{entry.name}` is `{entry.here}` here)"
        try:
            piece = r.rewrite(around)
        except Unsaid:
            return (Help(help),) if entry.here.isidentifier() else ()
        if piece is None or entry.here == known:
            return (Help(f"did you mean `{entry.here}`?", None, (Edit(name.span, entry.here),)),) if known else ()
        edits = (Edit(around.span, piece.text), *use_edits(file, needed(piece.text, kind_of)))
        return (Help(help, None, edits),)
    return (Help(f"did you mean `{known}`?", None, (Edit(name.span, known),)),) if known is not None else ()


def _slips(written: str, entry: table.Entry) -> int:
    return distance(table.folded(written), table.folded(entry.name), len(written))


def _std(name: tree.Name, meant: str, file: tree.File, misspelt: bool) -> Help:
    use = f"`use {homes()[meant]}: {meant}`"
    edits = use_edits(file, (meant,))
    if misspelt:
        return Help(f"did you mean `{meant}`? it is in std: {use}", None, (Edit(name.span, meant), *edits))
    return Help(f"it is in std: {use}", None, edits)


# ---- arguments that a layer does not have


def argument_help(owner: str, argument: tree.Argument, call: tree.Call, known: Sequence[str]) -> tuple[Help, ...]:
    """What an argument that `owner` does not have is called here, or why it is left out; its value is written so too.

    `known` are the arguments (and inputs) that `owner` has. Nothing if no more is known than that.
    """
    return said_of(owner, argument, call, known)
