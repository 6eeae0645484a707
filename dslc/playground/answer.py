"""`answer`: all that a page shows of a program, from its text alone, as JSON.

It runs where there is Python and nothing else (Pyodide in a browser), so it needs neither numpy, click nor torch, and
it reads no file but those of dslc.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dslc.api import compile_model, load_program, nets_of
from dslc.check import check_file
from dslc.diagnostics.export import Json, diagnostic_record
from dslc.diagnostics.model import CompileError, Diagnostic, Failure, Sink
from dslc.names.loader import Loader
from dslc.names.zoo import files

if TYPE_CHECKING:
    from dslc.ir.model import Model

PATH: Final = Path("/playground/net.dl")
"""Where the program would be; a file there is not read."""

MAX_OPS: Final = 20_000
"""Layers of one network, at most: a page waits for its answer."""


def answer(text: str, net: str | None = None, sizes: Mapping[str, int] | None = None) -> str:
    """What is known of a program, as JSON. Raises for no text.

    `net` is shown, where the text has one of that name, else its first that has defaults for all its parameters;
    `sizes` replace default sizes of its inputs; those that it has not are left out, as a page keeps them while the text
    changes.

    - `diagnostics`: as `dslc check --format json` has them, with their edits; `problems`: what has no place in the text
    - `nets`: the names of the nets that can be shown; `net`: the one that is; `sizes`: its sizes with their values
    - `report`: what `dslc stats` prints; `table`: its `headings` and `rows` of texts, each row with its `path`
    - `svg`: what `dslc picture` draws; `depth`: at which parts are closed for it to fit, none where all are open
    - `torch`: the PyTorch module that `dslc build` writes

    What is of a net is none where the program has an error.
    """
    found: Json = dict.fromkeys(("net", "sizes", "report", "table", "svg", "depth", "torch"))
    found |= {"diagnostics": [], "problems": [], "nets": []}
    text = text.encode("utf-8", "replace").decode("utf-8")
    try:
        _fill(found, _loader(text), net, dict(sizes or {}))
    except CompileError as error:
        _tell(found, error.mended)
    except Failure as failure:
        found["problems"] = [mistake.message for mistake in failure.mistakes]
    return json.dumps(found, ensure_ascii=False)


def examples() -> str:
    """The programs of the zoo to start from, as JSON: their texts by name."""
    return json.dumps({name: path.read_text("utf-8") for name, path in files().items()}, ensure_ascii=False)


def _loader(text: str) -> Loader:
    return Loader(texts={PATH.absolute(): text}, shown={PATH: PATH.name}, sealed=True)


def _tell(found: Json, diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> None:
    found["diagnostics"] = [diagnostic_record(diagnostic) for diagnostic in diagnostics]


def _fill(found: Json, loader: Loader, net: str | None, sizes: dict[str, int]) -> None:
    program = load_program(PATH, Sink(), loader)
    names = nets_of(program, complete=True)
    found["nets"] = names
    net = net if net in nets_of(program) else next(iter(names), None)
    if not _checked(found, loader, net, {}) or net is None:
        return
    model = compile_model(PATH, net, loader=loader, max_ops=MAX_OPS, budgets=None)
    sizes = {name: size for name, size in sizes.items() if name in map(str, model.sizes.default)}
    if sizes:
        if not _checked(found, loader, net, sizes):
            return
        model = compile_model(PATH, net, sizes=sizes, loader=loader, max_ops=MAX_OPS, budgets=None)
    found["net"] = net
    _show(found, model)


def _checked(found: Json, loader: Loader, net: str | None, sizes: dict[str, int]) -> bool:
    """Tells what is wrong with a program, and whether it has no error."""
    findings = check_file(PATH, net, sizes=sizes or None, loader=loader, max_ops=MAX_OPS)
    _tell(found, findings.diagnostics)
    return findings.ok


def _show(found: Json, model: Model) -> None:
    """Numbers, picture and PyTorch of a network."""
    from dslc.backends.torch.emit import emit
    from dslc.reports.columns import View, shown_columns
    from dslc.reports.picture import MOST_BOXES, Graph, fitting_depth
    from dslc.reports.rendered import chosen_sections, rendered
    from dslc.reports.stats import Stats
    from dslc.reports.svg import svg
    from dslc.reports.table import Layout, chosen, texts

    stats = Stats(model)
    view, layout = View(stats), Layout(shown_columns(stats), idle=False)
    lines = chosen(view, layout)
    heading, *rows = texts(lines, view, layout)
    found["sizes"] = {str(size): value for size, value in model.sizes.default.items()}
    found["report"] = rendered(stats, chosen_sections(stats))
    found["table"] = {
        "headings": heading,
        "rows": [{"path": line.row.path, "texts": row} for line, row in zip(lines, rows, strict=True)],
    }
    found["depth"] = depth = fitting_depth(model, MOST_BOXES)
    found["svg"] = svg(Graph(model, depth))
    found["torch"] = emit(model)
