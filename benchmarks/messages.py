"""What dslc, PyTorch, torch.onnx.export and Keras say of the same forty mistakes; docs/messages.md.

    pip install --target /tmp/keras --no-deps keras absl-py namex optree h5py rich markdown-it-py mdurl pygments \\
        onnxscript onnx_ir
    PYTHONPATH=/tmp/keras python -m benchmarks.messages --run        # all tools again (some minutes), then the page
    python -m benchmarks.messages --run dslc                         # dslc alone, the others as recorded
    python -m benchmarks.messages                                    # the page from what is recorded

mistakes/cases.txt has the programs; mistakes/said.json what each tool printed; mistakes/judged.json the marks that need
a reader. A tool's program is a file that is run as a user runs it, in a process of its own; of what is printed only
frames in the library's own files and lines of a log are left out, which are counted.

Four marks, as `1101`:

- line: the place that is named is one of the lines on which the mistake can be said to stand (`#!` in cases.txt). Of
  dslc the first message's line; of Python the last line of the program in a traceback, or in one that it was caused by,
  or a SyntaxError's. Mechanical.
- cause: the message says what is wrong in words of the program (the layer, the argument, the sizes that meet), not of
  an internal function. Judged.
- fix: the text to write is given, and the program with it runs. Of dslc mechanical: the proposals' edits, applied as
  they are written, give a program that checks. Of Python, whose messages have no edits: a name, an argument or a value
  to write that is said in words (`Did you mean: 'BatchNorm2d'?`). Judged, generously.
- quiet: nothing beside it is wrong or leads astray. Of dslc mechanical: it is the only message. Of Python judged;
  tracebacks through the library's own files are not counted against it.

A tool that says nothing has `0000`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from dslc.check import check_file
from dslc.diagnostics.model import Diagnostic, Edit
from dslc.diagnostics.render import render

HERE = Path(__file__).resolve().parent
CASES, SAID, JUDGED = (HERE / "mistakes" / name for name in ("cases.txt", "said.json", "judged.json"))
PAGE = HERE.parent / "docs" / "messages.md"

TOOLS = {"dslc": "dl", "PyTorch": "torch", "torch.onnx.export": "torch", "Keras": "keras"}
"""Each tool, and the language of its programs."""

BEGIN = {
    "torch": "import torch; import torch.nn.functional as F; from torch import nn\n",
    "keras": "import keras; from keras import layers\n",
}
END = {
    "PyTorch": "\nnet.eval()(*inputs)\n",
    "torch.onnx.export": '\ntorch.onnx.export(net.eval(), inputs, "net.onnx")\n',
    "Keras": "",
}
MARK = re.compile(r" *#!$", re.MULTILINE)
FRAME = re.compile(r'^ *File "[^"]*net\.py", line (\d+)', re.MULTILINE)
LIBRARY = re.compile(r'^( +)File "(?![^"]*net\.py").*\n(?:\1 .*\n)*', re.MULTILINE)
LOG = re.compile(r"^[EWI]\d{4} [\d:.]+ .*\n", re.MULTILINE)
CAUSED = "The above exception was the direct cause"
SHOWN = 200
"""Letters of a message on the page."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in the languages it can be made in."""

    name: str
    texts: dict[str, str]

    def program(self, tool: str) -> str:
        """What is run."""
        kind = TOOLS[tool]
        return BEGIN.get(kind, "") + MARK.sub("", self.texts[kind]) + END.get(tool, "")

    def lines(self, tool: str) -> set[int]:
        """Lines of that on which the mistake can be said to stand."""
        text = BEGIN.get(TOOLS[tool], "") + self.texts[TOOLS[tool]]
        return {n for n, line in enumerate(text.split("\n"), 1) if line.endswith("#!")}


def mistakes() -> list[Mistake]:
    found = []
    for part in re.split(r"^=== ", CASES.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name, _, rest = part.partition("\n")
        pieces = re.split(r"^--- (\w+)\n", rest, flags=re.MULTILINE)
        texts = {kind: text.rstrip("\n") + "\n" for kind, text in zip(pieces[1::2], pieces[2::2], strict=True)}
        found.append(Mistake(name, texts))
    return found


# ---- running


def said_by_python(mistake: Mistake, tool: str, folder: Path) -> str:
    """What a run of the program prints on stderr; in a fork, after the imports that take most of the time."""
    path, out = folder / "net.py", folder / "said.txt"
    path.write_text(mistake.program(tool), encoding="utf-8")
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        with out.open("w", encoding="utf-8") as file:
            os.dup2(file.fileno(), 2)
            os.dup2(file.fileno(), 1)
            try:
                exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {"__name__": "__main__"})
            except BaseException as error:  # as the interpreter shows it, without this file's own frames
                trace = error.__traceback__
                while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
                    trace = trace.tb_next
                sys.__excepthook__(type(error), error.with_traceback(trace), trace)
            sys.stderr.flush()
            sys.stdout.flush()
            os._exit(0)
    os.waitpid(child, 0)
    return shortened(out.read_text(encoding="utf-8").replace(str(path), "net.py"))


def shortened(said: str) -> str:
    """What was printed without colours, frames of the library and lines of a log; how many were left out is said."""
    text = re.sub(r"\x1b\[[\d;]*m", "", said)
    text, logged = LOG.subn("", text)
    text, frames = LIBRARY.subn("", text)
    text = re.sub(r"(?<![\w.])/[^\s:]*/(?=[\w.]+\.py:\d+: )", "", text).strip()  # of a warning's file the name
    left = [
        f"{count} {what}" for count, what in ((frames, "frames of the library"), (logged, "lines of a log")) if count
    ]
    return f"{text}\n(left out: {', '.join(left)})" if left else text


def run(tools: list[str]) -> None:
    """Run the programs of some tools and keep what they print."""
    said = json.loads(SAID.read_text(encoding="utf-8")) if SAID.exists() else {"versions": {}}
    if {"PyTorch", "torch.onnx.export"} & set(tools):
        import_module("torch").set_num_threads(1)
        import_module("onnxscript")
    if "Keras" in tools:
        os.environ["KERAS_BACKEND"] = "torch"
        import_module("keras")
    with tempfile.TemporaryDirectory() as name:
        for mistake in mistakes():
            entry = said.setdefault(mistake.name, {})
            for tool in tools:
                if TOOLS[tool] in mistake.texts:
                    entry[tool] = dslc_says(mistake) if tool == "dslc" else said_by_python(mistake, tool, Path(name))
    for tool, package in (("dslc", "dslc"), ("PyTorch", "torch"), ("torch.onnx.export", "torch"), ("Keras", "keras")):
        if tool in tools:
            said["versions"][tool] = version(package)
    SAID.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def checked(text: str) -> list[Diagnostic]:
    """What a check says of a program."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.dl"
        path.write_text(text, encoding="utf-8")
        before = Path.cwd()
        os.chdir(folder)
        try:
            return check_file("net.dl").without_notes
        finally:
            os.chdir(before)


def dslc_says(mistake: Mistake) -> str:
    return render(checked(mistake.program("dslc")))


# ---- marks


def mended(text: str, found: list[Diagnostic]) -> str | None:
    """The program with each message's first proposal that has edits; none where one has no such."""
    edits: list[Edit] = []
    for diagnostic in found:
        own = [
            (*([Edit(diagnostic.span, h.replace)] if h.replace is not None else []), *h.edits) for h in diagnostic.help
        ]
        first = next((some for some in own if some), ())
        if not first:
            return None
        edits += first
    for edit in sorted(set(edits), key=lambda e: -e.span.start):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def dslc_marks(mistake: Mistake, cause: bool) -> str:
    """The marks of our own message; all but `cause` are found here."""
    text = mistake.program("dslc")
    found = checked(text)
    if not found:
        return "0000"
    fixed = mended(text, found)
    fix = fixed is not None and not checked(fixed)
    return marks(found[0].span.line in mistake.lines("dslc"), cause, fix, len(found) == 1)


def python_marks(mistake: Mistake, tool: str, said: str, judged: str) -> str:
    """`judged` has the marks cause, fix and quiet."""
    if not judged:
        return "0000"
    last = [places[-1] for part in said.split(CAUSED) if (places := FRAME.findall(part))]
    cause, fix, quiet = (mark == "1" for mark in judged)
    return marks(not mistake.lines(tool).isdisjoint(map(int, last)), cause, fix, quiet)


def marks(*each: bool) -> str:
    return "".join("1" if mark else "0" for mark in each)


def all_marks() -> dict[str, dict[str, str]]:
    said = json.loads(SAID.read_text(encoding="utf-8"))
    judged = json.loads(JUDGED.read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = {}
    for mistake in mistakes():
        row = found[mistake.name] = {}
        for tool, kind in TOOLS.items():
            if kind in mistake.texts:
                judgement = judged[mistake.name][tool]
                if tool == "dslc":
                    row[tool] = dslc_marks(mistake, judgement == "1")
                else:
                    row[tool] = python_marks(mistake, tool, said[mistake.name][tool], judgement)
    return found


# ---- the page


def first_words(tool: str, said: str) -> str:
    """The message proper: of dslc the first line, of Python the exception's."""
    lines = said.split("\n")
    if tool == "dslc":
        text = re.sub(r"^(error|warning)\[\w+\]: ", "", lines[0])
    else:
        starts = [n for n, line in enumerate(lines) if re.match(r"^[\w.]*(Error|Exception|Warning)\w*\b", line)]
        text = " ".join(lines[starts[-1] :] if starts else lines)
        text = re.sub(r" ?\(left out: .*\)$", "", text)
        if summary := re.search(
            r"## Exception summary (.*?)(?: \(Refer|$)", text
        ):  # of an export the cause, after much else
            text = f"{text.partition(': ')[0].rpartition('.')[2]} .. {summary[1]}"
    text = " ".join(text.split()).replace("|", "\\|")
    return text if len(text) <= SHOWN else text[:SHOWN].rsplit(" ", 1)[0] + " .."


def help_words(said: str) -> str:
    found = re.search(r"^ +help: (.*)$", said, re.MULTILINE)
    return f" *help: {' '.join(found[1].split())}*".replace("|", "\\|") if found else ""


def page() -> Iterator[str]:
    said, given = json.loads(SAID.read_text(encoding="utf-8")), all_marks()
    doc = (__doc__ or "").partition("Four marks, as `1101`:")[2]
    yield "# Messages compared\n"
    versions = said["versions"]
    yield (
        f"What is said of {len(given)} mistakes, each written in the way of the tool: dslc {versions['dslc']}, "
        f"PyTorch {versions['PyTorch']} run eagerly, `torch.onnx.export` of the same module, Keras {versions['Keras']} "
        "on PyTorch.\nThe programs are in `benchmarks/mistakes/cases.txt`, all that was printed in `said.json` beside "
        "it, and `python -m benchmarks.messages` writes this page.\nWhoever wrote dslc's messages chose the mistakes "
        "and judged; the judgements are in `judged.json`, to be disagreed with.\n"
    )
    yield "| | " + " | ".join(TOOLS) + " |\n|---" * 1 + "|---" * len(TOOLS) + "|"
    names = ("line", "cause", "fix", "quiet")
    for at, name in enumerate(names):
        yield f"| {name} | " + " | ".join(share(given, tool, at) for tool in TOOLS) + " |"
    yield "| all four | " + " | ".join(share(given, tool, None) for tool in TOOLS) + " |\n"
    yield "How it was scored. Four marks, as `1101`:" + doc.rstrip() + "\n"
    for name, row in given.items():
        yield f"## {name[0].upper()}{name[1:]}\n\n| tool | marks | says |\n|---|---|---|"
        for tool, mark in row.items():
            text = said[name][tool]
            words = first_words(tool, text) if text and mark != "0000" else "nothing"
            yield f"| {tool} | `{mark}` | {words}{help_words(text) if tool == 'dslc' else ''} |"
        yield ""


def share(given: dict[str, dict[str, str]], tool: str, at: int | None) -> str:
    """How many have a mark, of those in which the tool's users can make the mistake."""
    rows = [row[tool] for row in given.values() if tool in row]
    count = sum(mark == "1111" if at is None else mark[at] == "1" for mark in rows)
    return f"{count} of {len(rows)} ({count / len(rows):.0%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", nargs="*", metavar="TOOL", help="run these tools again; without a name all")
    given = parser.parse_args()
    if given.run is not None:
        run(given.run or list(TOOLS))
    PAGE.write_text("\n".join(page()), encoding="utf-8")


if __name__ == "__main__":
    main()
