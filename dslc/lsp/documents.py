"""What the server knows of each open document, and the one thread that finds it out.

The net in focus comes first: the one that is being written, or that leads to the block that is. Then, when no key was
pressed for a while, all nets of the file, with fixes and costs. A key stops whatever runs.
"""

from __future__ import annotations

import gc
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final, Literal

from dslc.analyse import Analysis, Cancelled, Made, analyse
from dslc.analyse.analysis import filled, remember, without_line
from dslc.api import load_program, nets_of
from dslc.diagnostics.model import CompileError, Diagnostic, Sink
from dslc.elaborate.watch import Seen
from dslc.lsp.lens import NetNumbers, numbers_of
from dslc.lsp.remembered import Remembered
from dslc.names.loader import Loader
from dslc.names.resolve import Program
from dslc.record import entity, replace
from dslc.syntax import tree

log = logging.getLogger("dslc.lsp")

QUIET: Final = 0.3
"""Seconds without a key after which all nets are checked."""
IDLE: Final = 5.0
"""Seconds without a key after which all garbage is looked for."""
MOST_YOUNG: Final = 8
"""Analyses after which garbage is looked for though there is more to do: the pause grows with them."""

Stage = Literal["focus", "rest", "whole", "done"]


@entity
class Document:
    """An open document: its text, where somebody writes in it, and what is known of it.

    `focus` is the analysis of the net in focus, of `version` `known`; `whole` that of all nets, which may be older.
    """

    uri: str
    path: Path
    text: str
    version: int = 0  # of what is analysed, which another file may change too
    revision: int | None = None  # of the text, as the client counts
    line: int = 0  # the line that was changed last, from 0
    typed: bool = False  # whether it was changed since it was opened
    net: str | None = None  # the net in focus, if one was chosen
    stage: Stage = "focus"
    changed: float = 0.0
    known: int = -1
    focus: Analysis | None = None
    focused: str | None = None  # the net that `focus` is of
    right: Analysis | None = None  # the last of a text without mistakes
    whole: Analysis | None = None
    costs: dict[str, NetNumbers] = field(default_factory=dict)
    published: set[str] = field(default_factory=set)  # the addresses of files with diagnostics of it
    diagnostics: tuple[Diagnostic, ...] = ()  # the newest that are known, and of other nets those that were
    remembered: Remembered = field(default_factory=Remembered)

    @property
    def program(self) -> Program | None:
        """The text as it was read last."""
        return None if self.focus is None else self.focus.program

    def made(self) -> list[tuple[tree.Stmt, list[Made]]]:
        """What each line leaves, of the net in focus."""
        if self.focus is None or self.focus.source is None:
            return []
        path = self.focus.source.path
        return [pair for shapes in self.focus.shapes.values() for pair in shapes.lines(path)]

    def imports(self, path: Path) -> bool:
        """Whether its program was read with another file, or asked for it and did not get it."""
        program = None if self.focus is None else self.focus.program
        return program is not None and any(each == path for each in (*program.files, *program.loader.read_texts))

    def chosen_net(self, texts: Mapping[Path, str]) -> str | None:
        """The net in focus: the one that was chosen, the one at the changed line, or the first that leads there."""
        last = self.program
        net = self._chosen(last)
        if net is None or re.search(rf"^net[ \t]+{net}\b", texts[self.path], re.MULTILINE) is None:
            net = self._chosen(loaded(self.path, texts))
        return net

    def _chosen(self, program: Program | None) -> str | None:
        if program is None or program.main is None:
            return None
        ready = nets_of(program, complete=True)
        if self.net in ready:
            return self.net
        items = program.nets
        here = next((i for i in program.main.tree.items if _holds(i, self.line + 1)), None)
        name = getattr(here, "name", None)
        if name in ready:
            return str(name)
        if here is not None and program.table is not None:
            led = [n for n in ready if here in program.table.reached(items[n])]
            if self.focused in led:
                return self.focused
            if led:
                return led[0]
        return self.focused if self.focused in ready else next(iter(ready), None)


def loaded(path: Path, texts: Mapping[Path, str]) -> Program | None:
    """A program that is read and not checked; none of a file that cannot be."""
    try:
        return load_program(path, Sink(), Loader(texts=texts))
    except CompileError:
        return None


def _holds(item: tree.Item, line: int) -> bool:
    source = item.span.source
    return item.span.line <= line <= source.position(item.span.end)[0]


Told = Callable[[Document, Stage], None]
"""Called in the worker's thread when a stage of a document is done."""


class Worker:
    """One thread that analyses the documents, the newest key first."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.documents: dict[str, Document] = {}
        self.lock = threading.Condition()
        self.closed = False
        self.running: tuple[Document, int] | None = None
        self.young = 0  # analyses since garbage was looked for
        self.swept = True
        self.checked = False  # whether a net was checked just now
        self.thread = threading.Thread(target=self._run, name="dslc", daemon=True)

    def start(self) -> None:
        """Begin; the collector is called from here alone, when nobody waits."""
        gc.collect()
        gc.disable()
        gc.freeze()
        self.thread.start()

    def close(self) -> None:
        """End the thread."""
        with self.lock:
            self.closed = True
            self.lock.notify_all()

    def put(self, document: Document) -> None:
        """A document is new, or has another text."""
        with self.lock:
            self.documents[document.uri] = document
            document.version += 1
            document.stage = "focus"
            document.changed = time.monotonic()
            self.lock.notify_all()

    def refocus(self, document: Document, net: str | None) -> None:
        """Another net is in focus."""
        document.net = net
        self.put(document)

    def drop(self, uri: str) -> None:
        """A document was closed."""
        with self.lock:
            found = self.documents.pop(uri, None)
            if found is not None:
                found.version += 1
                found.stage = "done"

    def texts(self) -> dict[Path, str]:
        """What the open documents hold."""
        return {d.path: d.text for d in list(self.documents.values())}

    # ---- the thread

    def _run(self) -> None:
        while True:
            with self.lock:
                found = self._next()
                while found is None and not self.closed:
                    if not self._sweep():
                        self.lock.wait(self._patience())
                    found = self._next()
                if self.closed:
                    return
                assert found is not None
                document, version, stage = found[0], found[0].version, found[0].stage
            try:
                done = self._stage(document, version, stage)
            except Cancelled:
                continue
            except Exception:  # a bug: the server lives on, and says so in its log
                log.exception("analysing %s", document.uri)
                document.known, document.whole, done = version, None, "done"
            with self.lock:
                if document.version != version:
                    continue
                document.stage = done
            self.told(document, stage)
            if self.young > MOST_YOUNG:
                gc.collect(0)
                self.young = 0

    def _next(self) -> list[Document] | None:
        """What to do next: the net in focus of the document that changed last, then the rest."""
        waiting = sorted(self.documents.values(), key=lambda d: -d.changed)
        for stage in ("focus", "rest"):
            for document in waiting:
                if document.stage == stage:
                    return [document]
        now = time.monotonic()
        for document in waiting:
            if document.stage == "whole" and now - document.changed >= QUIET:
                return [document]
        return None

    def _patience(self) -> float | None:
        """How long to sleep until something may be due."""
        waits = [QUIET for d in self.documents.values() if d.stage == "whole"]
        return min([*waits, *([] if self.swept else [0.5])], default=None)

    def _stage(self, document: Document, version: int, stage: Stage) -> Stage:
        """One stage of a document; the stage to come."""

        def cancel() -> bool:
            if self.checked:  # the last net is garbage by now; that of many at once would take long to look through
                self.checked = False
                gc.collect(0)
            return document.version != version or (
                stage == "whole" and any(d.stage in ("focus", "rest") for d in list(self.documents.values()))
            )

        texts, line = self.texts(), document.line + 1
        texts[document.path] = document.text
        self.young, self.swept = self.young + 1, False
        if stage == "focus":
            net = document.chosen_net(texts)
            found = analyse(document.path, net, texts=texts, cancel=cancel, lints=False)
            document.focused = net
            if found.ok:
                document.right = found
            elif document.right is not None and document.focused in document.right.shapes:
                remember(found, document.right)
            others = document.remembered.others(found, document.focused, texts[document.path])
            document.diagnostics = (*found.diagnostics, *others)
            document.focus, document.known = found, version
            return "rest" if document.typed and not found.ok else "whole"
        if stage == "rest":
            assert document.focus is not None
            text = without_line(document.focus, line)
            if text is not None:
                texts |= {document.path: text}
                rest = analyse(document.path, document.focused, texts=texts, cancel=cancel, lints=False)
                net = document.focused if document.focused in rest.shapes else next(iter(rest.shapes), None)
                if net is not None:
                    kept = document.focus.shapes[net].kept if net in document.focus.shapes else []
                    document.focus.shapes = filled({net: rest.shapes[net]}, document.focus.shapes, line)
                    document.focus.shapes[net].kept = kept
            return "whole"
        costs: dict[str, NetNumbers] = {}

        def each(seen: Seen) -> None:
            if seen.elaborated is not None:  # one that does not keep its budgets too
                costs[seen.net] = numbers_of(seen.elaborated)
            self.checked = True

        whole = analyse(document.path, texts=texts, cancel=cancel, mend=True, each=each)
        whole.diagnostics = tuple(replace(d, inputs=()) for d in whole.diagnostics)
        document.diagnostics = document.remembered.renew(whole, texts[document.path])
        document.whole, document.costs = whole, costs
        return "done"

    def _sweep(self) -> bool:
        """Look for garbage while nobody waits; whether there was any to look for."""
        idle = time.monotonic() - max((d.changed for d in self.documents.values()), default=0.0)
        if self.young:
            gc.collect(0)
            self.young = 0
            return True
        if self.swept or idle < IDLE:
            return False
        gc.collect()
        self.swept = True
        return True
