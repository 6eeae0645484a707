"""`answer`: all that a page shows of a program, from its text alone, as JSON; `complete`: what can be written in it.

It runs where there is Python and nothing else (Pyodide in a browser), so it needs neither numpy, click nor torch, and
it reads no file but those of dslc.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from dslc.api import load_program, nets_of
from dslc.check import Findings, check_file
from dslc.diagnostics.export import Json, diagnostic_record
from dslc.diagnostics.model import CompileError, Diagnostic, Failure, Sink
from dslc.elaborate.watch import Watch
from dslc.ir.model import Model
from dslc.names.loader import Loader
from dslc.names.zoo import files
from dslc.record import frozen

PATH: Final = Path("/playground/net.dl")
"""Where the program would be; a file there is not read."""

VIEWS: Final = ("picture", "table", "torch", "onnx")
"""What can be made of a network."""

MAX_OPS: Final = 20_000
"""Layers of one network, at most: a page waits for its answer."""


def answer(
    text: str, net: str | None = None, sizes: Mapping[str, int] | None = None, views: Collection[str] = VIEWS
) -> str:
    """What is known of a program, as JSON. Raises for no text.

    `net` is shown, where the text has one of that name, else its first that has defaults for all its parameters;
    `sizes` replace default sizes of its inputs; those that it has not are left out, as a page keeps them while the text
    changes. Of `views` only those named are made, the others are none; the network is compiled once for all that is
    asked of one text.

    - `diagnostics`: as `dslc check --format json` has them, with their edits; `problems`: what has no place in the text
    - `nets`: the names of the nets that can be shown; `net`: the one that is; `sizes`: its sizes with their values
    - with `table`: `report` is what `dslc stats` prints, `table` its `headings` and `rows` of texts, each row with its
      `path`
    - with `picture`: `svg` is what `dslc picture` draws, `depth` at which parts are closed for it to fit, none where
      all are open
    - with `torch`: `torch` is the PyTorch module that `dslc build` writes
    - with `onnx`: `onnx` is the graph that it writes, as text, with shapes and initialisers in place of weights; where
      a layer has no form in ONNX, what is said of that

    What is of a net is none where the program has an error, but that a budget is not kept.
    """
    found: Json = dict.fromkeys(("net", "sizes", "report", "table", "svg", "depth", "torch", "onnx"))
    found |= {"diagnostics": [], "problems": [], "nets": []}
    text = text.encode("utf-8", "replace").decode("utf-8")
    try:
        made = _made(text, net, tuple((sizes or {}).items()))
        found |= {"nets": list(made.nets), "diagnostics": [diagnostic_record(each) for each in made.diagnostics]}
        if made.model is not None:
            found |= {"net": made.net, "sizes": {str(k): v for k, v in made.model.sizes.default.items()}}
            for view in views:
                found |= MAKERS[view](made.model)
    except CompileError as error:
        found["diagnostics"] = [diagnostic_record(each) for each in error.mended]
    except Failure as failure:
        found["problems"] = [mistake.message for mistake in failure.mistakes]
    return json.dumps(found, ensure_ascii=False)


def complete(text: str, offset: int) -> str:
    """What can be written at an offset of a program, as JSON, what stands nearest first. Raises for no text.

    Each has its `name`, `kind`, `detail` (its signature), `doc` and `rank`; a name of std that the program does not use
    yet its `home` and in `use` the change that brings it, `at` an offset a `text`.
    """
    from dslc.analyse.completion import words

    text = text.encode("utf-8", "replace").decode("utf-8")
    try:
        program = load_program(PATH, Sink(), _loader(text))
    except (CompileError, Failure):
        program = None
    found = [
        {
            "name": word.name,
            "kind": word.kind,
            "detail": word.detail,
            "doc": word.doc.split("\n\n")[0],
            "rank": word.rank,
            "home": word.home,
            "use": None if word.use is None else {"at": word.use[0], "text": word.use[1]},
        }
        for word in words(text, min(max(offset, 0), len(text)), program)
    ]
    return json.dumps(found, ensure_ascii=False)


def examples() -> str:
    """The programs of the zoo to start from, as JSON: their texts by name."""
    return json.dumps({name: path.read_text("utf-8") for name, path in files().items()}, ensure_ascii=False)


def _loader(text: str) -> Loader:
    return Loader(texts={PATH.absolute(): text}, shown={PATH: PATH.name}, sealed=True)


@frozen
class Made:
    """What a text is: what there is to say of it, its nets, the one that is shown, and the network."""

    nets: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    net: str | None
    model: Model | None


@lru_cache(maxsize=1)
def _made(text: str, net: str | None, sizes: tuple[tuple[str, int], ...]) -> Made:
    """A text's network, kept for the next view of it."""
    loader, given = _loader(text), dict(sizes)
    program = load_program(PATH, Sink(), loader)
    names = nets_of(program, complete=True)
    net = net if net in nets_of(program) else next(iter(names), None)
    findings, model = _checked(loader, net, given)
    if given and any(mistake.span.source.kind == "option" for mistake in findings.errors):  # those of another text
        _, plain = _checked(loader, net, {})
        known = () if plain is None else map(str, plain.sizes.default)
        findings, model = _checked(loader, net, {name: given[name] for name in known if name in given})
    return Made(tuple(names), tuple(findings.diagnostics), net, model)


def _checked(loader: Loader, net: str | None, sizes: dict[str, int]) -> tuple[Findings, Model | None]:
    """What there is to say of a net, and the network, where it has no mistake but that it keeps no budget."""
    watch = Watch()
    findings = check_file(PATH, net, sizes=sizes or None, loader=loader, max_ops=MAX_OPS, watch=watch)
    seen = watch.nets.get(net) if net is not None else None
    return findings, None if seen is None else seen.elaborated


def _table(model: Model) -> Json:
    """The numbers of a network, as a page and as the text of a terminal."""
    from dslc.reports.columns import View, shown_columns
    from dslc.reports.rendered import chosen_sections, rendered
    from dslc.reports.stats import Stats
    from dslc.reports.table import Layout, chosen, texts

    stats = Stats(model)
    view, layout = View(stats), Layout(shown_columns(stats), idle=False)
    lines = chosen(view, layout)
    heading, *rows = texts(lines, view, layout)
    table = {
        "headings": heading,
        "rows": [{"path": line.row.path, "texts": row} for line, row in zip(lines, rows, strict=True)],
    }
    return {"report": rendered(stats, chosen_sections(stats)), "table": table}


def _picture(model: Model) -> Json:
    """The picture of a network."""
    from dslc.reports.picture import MOST_BOXES, Graph, fitting_depth
    from dslc.reports.svg import svg

    depth = fitting_depth(model, MOST_BOXES)
    return {"depth": depth, "svg": svg(Graph(model, depth))}


def _torch(model: Model) -> Json:
    """The PyTorch module of a network."""
    from dslc.backends.torch.emit import emit

    return {"torch": emit(model)}


def _onnx(model: Model) -> Json:
    """The ONNX graph of a network, as text."""
    from dslc.backends.onnx.text import onnx_text

    try:
        return {"onnx": onnx_text(model)}
    except CompileError as error:
        return {"onnx": "".join(f"# {each.message}\n" for each in error.diagnostics)}


MAKERS: Final[dict[str, Callable[[Model], Json]]] = {
    "picture": _picture,
    "table": _table,
    "torch": _torch,
    "onnx": _onnx,
}
