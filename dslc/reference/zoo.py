"""The list of the zoo: what each network costs and where it comes from, kept as data: listing compiles nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from dslc.analysis.metrics import QUANTITIES
from dslc.analysis.quantities import Numbers
from dslc.api import compile_program, load_program, nets_of
from dslc.diagnostics.model import Sink
from dslc.names import zoo
from dslc.names.resolve import Program
from dslc.reports.terminal import port_text
from dslc.reports.zoo import DATA, Entry

CITED = re.compile(r"arXiv:\d{4}\.\d+|\b(?:19|20)\d\d\b")
SENTENCE = re.compile(r"(?<!al\.)(?<!Proc\.)(?<=\.) (?=[A-Z`])")


def zoo_text() -> str:
    """The file of the list: a line for each network."""
    lines = (json.dumps(entry.data(), ensure_ascii=False) for path in zoo.files().values() for entry in entries(path))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def entries(path: Path, few: bool = False) -> Iterator[Entry]:
    """The networks of a file that need no argument, at their default sizes; `few`: the first alone."""
    sink = Sink()
    program = sink.finish(load_program(path, sink))
    for name in nets_of(program, complete=True)[: 1 if few else None]:
        model = compile_program(program, name)
        numbers = Numbers(model)
        params, macs = (QUANTITIES[quantity].value(numbers) for quantity in ("params", "macs"))
        assert isinstance(params, int) and isinstance(macs, int)
        ports = ", ".join(f"{v.name or 'input'}{port_text(v.type, model.sizes)}" for v in model.root.inputs)
        yield Entry(name, path.name, ports, params, macs, origin(program, name))


def origin(program: Program, net: str) -> str:
    """Where a network comes from: the sentence that cites, in the nearest comment at or above its header."""
    names = list(program.nets)
    above = [program.nets[name].doc for name in names[names.index(net) :: -1]]
    docs = [" ".join(doc.split()) for doc in above if doc]
    cited = (text for doc in docs for text in SENTENCE.split(doc) if CITED.search(text))
    return next(cited, docs[0] if docs else "").rstrip(".")


def write() -> None:
    """Write the list."""
    DATA.write_text(zoo_text(), encoding="utf-8")
