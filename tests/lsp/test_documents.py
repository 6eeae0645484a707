"""What is found out of a document, and in which order."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import pytest

from dslc.ir.model import Node
from dslc.lsp.documents import Document, Stage, Worker

EXAMPLES = Path(__file__).parents[2] / "examples"

TEXT = """net open(width: int) on x[N, 8]:
    linear(width)

net a on x[N, 8]:
    linear(4)

block unit(out: int) on x[N, C]:
    linear(out) -> relu

net b on x[N, 8]:
    unit(16)

net c on x[N, 8]:
    linear(4) -> conv(2, 3)
"""


def opened(text: str, path: Path = Path("/work/f.dl")) -> tuple[Worker, Document]:
    worker = Worker(lambda document, stage: None)
    document = Document("file:///work/f.dl", path, text)
    worker.documents[document.uri] = document
    return worker, document


def until(worker: Worker, document: Document, stage: Stage = "done") -> None:
    while document.stage != stage:
        document.stage = worker._stage(document, document.version, document.stage)


def typed(worker: Worker, document: Document, text: str, line: int) -> None:
    document.text, document.line, document.typed, document.stage = text, line, True, "focus"
    document.stage = worker._stage(document, document.version, "focus")


def shown(document: Document) -> list[str]:
    """The nets that have shapes."""
    assert document.focus is not None
    return list(document.focus.shapes)


def test_the_first_look_is_at_one_net_and_then_at_all() -> None:
    worker, document = opened(TEXT)
    document.stage = worker._stage(document, 0, "focus")
    assert shown(document) == ["a"] and document.focused == "a" and not document.diagnostics and not document.costs
    until(worker, document)
    assert [d.span.line for d in document.diagnostics if d.code.startswith("E")] == [14]
    assert list(document.costs) == ["a", "b"] and document.whole is not None and not document.whole.shapes


@pytest.mark.parametrize(
    ("old", "new", "focus"),
    [
        ("    linear(4)\n", "    linear(4) ->\n", "a"),
        ("    unit(16)", "    unit(1", "b"),
        ("    linear(out)", "    linear(out) -> lin", "b"),  # the block that `b` leads to
        ("    linear(width)", "    linear(widt)", "a"),  # it needs an argument
        ("net b on", "net bb on", "bb"),
        ("net b on", "net  on", "a"),
    ],
)
def test_the_net_that_is_written_is_in_focus(old: str, new: str, focus: str) -> None:
    worker, document = opened(TEXT)
    until(worker, document)
    typed(worker, document, TEXT.replace(old, new, 1), TEXT[: TEXT.index(old)].count("\n"))
    assert document.focused == focus


def test_networks_are_freed_one_by_one() -> None:
    worker, document = opened((EXAMPLES / "resnet.dl").read_text("utf-8"), EXAMPLES / "resnet.dl")
    document.stage = worker._stage(document, 0, "focus")
    gc.collect()
    held = nodes()
    gc.disable()
    try:
        until(worker, document)
        gc.collect(0)
        left = nodes()
    finally:
        gc.enable()
    assert len(document.costs) > 5 and left == held, "none is left but those of the net in focus"


def nodes() -> int:
    return sum(type(each) is Node for each in gc.get_objects())


def test_a_key_costs_a_part_of_what_a_check_of_the_file_does() -> None:
    worker, document = opened((EXAMPLES / "resnet.dl").read_text("utf-8"), EXAMPLES / "resnet.dl")
    until(worker, document)
    times: dict[str, list[float]] = {"focus": [], "whole": []}
    for _ in range(5):
        document.stage = "focus"
        for stage in times:
            start = time.process_time()
            document.stage = worker._stage(document, document.version, document.stage)
            times[stage].append(time.process_time() - start)
    assert min(times["focus"]) < 0.2 * min(times["whole"])
