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


def test_a_document_is_looked_at_again_where_it_imports_what_changed(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "part.dl").write_text("block part on x[N, C]:\n    relu\n", "utf-8")
    worker, document = opened('use "part.dl": part\n\nnet f on x[N, 8]:\n    part\n', tmp_path / "main.dl")
    assert not document.imports(tmp_path / "part.dl")
    document.stage = worker._stage(document, 0, "focus")
    assert document.imports(tmp_path / "part.dl") and not document.imports(tmp_path / "other.dl")
    typed(worker, document, document.text.replace("part.dl", "other.dl"), 0)
    assert document.imports(tmp_path / "other.dl") and not document.imports(tmp_path / "part.dl")
    other = Document("file:///other.dl", tmp_path / "part.dl", "block part on x[N, C]:\n    rleu\n")
    worker.documents[other.uri] = other
    typed(worker, document, document.text.replace("other.dl", "part.dl"), 0)
    assert document.imports(tmp_path / "part.dl") and any("rleu" in d.message for d in document.diagnostics)


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


def known(document: Document) -> dict[int, list[tuple[str | None, str]]]:
    """The shapes that are shown, by line."""
    assert document.focus is not None and document.focus.source is not None
    position = document.focus.source.position
    lines = [(line, made) for line, made in document.made() if made and all(each.known for each in made)]
    return {position(line.span.end)[0]: [(each.words, each.default) for each in made] for line, made in lines}


@pytest.mark.parametrize(("file", "line"), [("resnet.dl", 4), ("unet.dl", 17), ("vgg.dl", 14), ("mobilenet_v2.dl", 6)])
def test_the_shapes_of_other_lines_stay_while_one_is_typed(file: str, line: int) -> None:
    """Of every prefix of a line: at least 85 % of what a fresh check of the other lines knows, and nothing else."""
    text = (EXAMPLES / file).read_text("utf-8")
    worker, document = opened(text, EXAMPLES / file)
    until(worker, document)
    lines = text.split("\n")
    typing = lines[line - 1]
    shares = []
    for end in range(len(typing) - len(typing.lstrip()), len(typing) + 1):
        before, after = lines[: line - 1], lines[line:]
        typed(worker, document, "\n".join([*before, typing[:end], *after]), line - 1)
        until(worker, document, "whole")
        other = "\n".join([*before, typing[:end] if document.focus is not None and document.focus.ok else "", *after])
        fresh_worker, fresh = opened(other, EXAMPLES / file)
        fresh.net = document.focused
        fresh.stage = fresh_worker._stage(fresh, 0, "focus")
        wanted, shown = known(fresh), known(document)
        wanted.pop(line, None)
        shown.pop(line, None)
        assert all(shown[at] == wanted[at] for at in shown.keys() & wanted.keys()), typing[:end]
        shares.append(len(shown.keys() & wanted.keys()) / max(len(wanted), 1))
    assert min(shares) >= 0.85 and len(shares) > 10
