"""The language server, asked over the protocol: one server for all tests."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import PyglsError

from dslc.lsp.documents import Document
from dslc.lsp.server import make
from tests.lsp.client import Client, applied, at

NET = """use std.attention: encoder

## A stage of two convolutions.
block stage(out: int, s: int = 1) on x[N, C, H, W]:
    conv(out, 3, s=s) -> bn -> relu
    conv(out, 3) -> relu

## A small network.
net small(classes: int = 10) on image[N, 3, H=32, W=32] -> [N, classes]:
    budget params <= 100K
    stage(16) -> stage(32, s=2)
    gap -> flatten -> linear(classes)
"""


EVERYWHERE = lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0))


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    found = Client()
    yield found
    found.close()


def test_mistakes_are_told_where_they_are_and_a_fix_mends_them(client: Client, tmp_path: Path) -> None:
    wrong = NET.replace("relu\n    conv", "rleu\n    conv").replace("## A stage", "## \U0001d538 stage")
    doc = client.open(tmp_path / "wrong.dl", wrong)
    found = client.told(doc, "`rleu`")
    assert found.code and found.severity is lsp.DiagnosticSeverity.Error
    assert found.range == lsp.Range(at(wrong, "rleu"), at(wrong, "rleu", 4))
    actions = client.done(
        client.ask.text_document_code_action_async(
            lsp.CodeActionParams(doc, found.range, lsp.CodeActionContext([found]))
        )
    )
    assert actions
    first = actions[0]
    assert isinstance(first, lsp.CodeAction) and first.edit is not None and first.edit.changes is not None
    assert applied(wrong, list(first.edit.changes[doc.uri])) == wrong.replace("rleu", "relu")
    client.change(doc, wrong.replace("rleu", "relu").replace("use std.attention: encoder\n", ""))
    client.silent(doc)


def test_columns_count_utf_16_units(client: Client, tmp_path: Path) -> None:
    text = "net f on x[N, 8]:\n    linear(3)\n"
    wide = 'net f on x[N, 8]:\n    require "\U0001d538" == rleu, "x"\n    linear(3)\n'
    doc = client.open(tmp_path / "wide.dl", text)
    client.change(doc, wide)
    found = client.told(doc, "`rleu`")
    assert found.range == lsp.Range(at(wide, "rleu"), at(wide, "rleu", 4))


def test_hover_has_signature_page_shape_and_costs(client: Client, tmp_path: Path) -> None:
    doc = client.open(tmp_path / "hover.dl", NET)
    found = client.done(client.ask.text_document_hover_async(lsp.HoverParams(doc, at(NET, "conv(out, 3, s=s)", 1))))
    assert found is not None and isinstance(found.contents, lsp.MarkupContent)
    text = found.contents.value
    for part in ("conv(", "[N, out, ceil(H / s), ceil(W / s)]", "[1, 16, 32, 32]", "params", "MACs", "3 x 3"):
        assert part in text, text
    found = client.done(client.ask.text_document_hover_async(lsp.HoverParams(doc, at(NET, "stage(16)", 1))))
    assert found is not None and isinstance(found.contents, lsp.MarkupContent)
    assert "A stage of two convolutions." in found.contents.value
    assert "block stage(out: int, s: int = 1) on x[N, C, H, W]" in found.contents.value


def test_shapes_stand_after_lines_of_the_range(client: Client, tmp_path: Path) -> None:
    doc = client.open(tmp_path / "hints.dl", NET)
    found = client.done(client.ask.text_document_inlay_hint_async(lsp.InlayHintParams(doc, EVERYWHERE)))
    labels = {hint.position.line: hint.label for hint in found or ()}
    lines = NET.split("\n")
    assert labels[lines.index("    conv(out, 3, s=s) -> bn -> relu")] == "[N, out, ceil(H / s), ceil(W / s)]"
    assert labels[lines.index("    gap -> flatten -> linear(classes)")] == "[N, 10]"
    few = lsp.Range(lsp.Position(10, 0), lsp.Position(10, 5))
    found = client.done(client.ask.text_document_inlay_hint_async(lsp.InlayHintParams(doc, few)))
    assert [hint.position.line for hint in found or ()] == [10]


def test_a_line_that_is_being_written_takes_no_other_shape_away(client: Client, tmp_path: Path) -> None:
    doc = client.open(tmp_path / "typing.dl", NET)
    client.change(doc, NET.replace("    gap", "    con\n    gap"))
    found = client.done(client.ask.text_document_inlay_hint_async(lsp.InlayHintParams(doc, EVERYWHERE)))
    labels = [hint.label for hint in found or () if str(hint.label).startswith("[")]
    assert labels[-1] == "[N, 10]" and len(labels) == 4


def test_a_lens_has_the_numbers_of_a_net(client: Client, tmp_path: Path) -> None:
    doc = client.open(tmp_path / "lens.dl", NET)
    titles: list[str] = []
    for _ in range(200):
        lenses = client.done(client.ask.text_document_code_lens_async(lsp.CodeLensParams(doc)))
        titles = [lens.command.title for lens in lenses or () if lens.command is not None]
        if titles:
            break
        time.sleep(0.05)
    assert titles[0].startswith("17.2 k params, 5.6 M") or "params" in titles[0]
    assert titles[1:] == ["build", "picture", "report"]
    found = client.done(client.ask.text_document_inlay_hint_async(lsp.InlayHintParams(doc, EVERYWHERE)))
    assert any("%" in str(hint.label) for hint in found or ()), "the budget has a meter"


def test_completion_brings_the_use_that_a_name_needs(client: Client, tmp_path: Path) -> None:
    text = NET.replace("use std.attention: encoder\n\n", "").replace("    gap", "    res\n    gap")
    doc = client.open(tmp_path / "complete.dl", text)
    found = client.done(client.ask.text_document_completion_async(lsp.CompletionParams(doc, at(text, "    res", 7))))
    assert isinstance(found, lsp.CompletionList)
    items = {item.label: item for item in found.items}
    assert {"conv", "residual", "stage", "let", "encoder"} <= items.keys()
    assert not items["residual"].additional_text_edits and items["conv"].detail
    edits = items["encoder"].additional_text_edits
    assert edits and applied(text, list(edits)).startswith("use std.")
    inside = text.replace("stage(16)", "stage(16, ")
    client.change(doc, inside)
    found = client.done(
        client.ask.text_document_completion_async(
            lsp.CompletionParams(doc, at(inside, "stage(16, ", len("stage(16, ")))
        )
    )
    assert isinstance(found, lsp.CompletionList)
    assert {"s="} <= {item.label for item in found.items}
    help = client.done(
        client.ask.text_document_signature_help_async(
            lsp.SignatureHelpParams(doc, at(inside, "stage(16, ", len("stage(16, ")))
        )
    )
    assert help is not None and help.signatures[0].label == "stage(out, s=1)" and help.active_parameter == 1


def test_completion_and_the_call_know_what_is_meant(client: Client, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "part.dl").write_text("## It.\nblock part(out: int, k: int = 3) on x[N, C, H, W]:\n    conv(out, k)\n")
    right = 'use "part.dl": part as piece\n' + NET
    doc = client.open(tmp_path / "meant.dl", right)

    def labels(line: str) -> list[str]:
        """What can be written at the end of a line, the first first."""
        text = right.replace("    gap", f"{line}\n    gap") if line[0] == " " else f"{line}\n{right}"
        client.change(doc, text)
        place = at(text, f"{line}\n", len(line))
        found = client.done(client.ask.text_document_completion_async(lsp.CompletionParams(doc, place)))
        assert isinstance(found, lsp.CompletionList)
        return [item.label for item in sorted(found.items, key=lambda item: item.sort_text or "")]

    assert labels("net sm") == labels("inline block ") == labels("    # not") == []
    assert labels("    stem.we") == ["weight", "bias"] or set(labels("    stem.")) == {"weight", "bias"}
    assert labels("    piece(16, ")[:2] == ["k=", "out="]
    assert {"H", "image"} <= set(labels("    conv(")) and not {"H", "image"} & set(labels("    it -> "))
    text = right.replace("    gap", "    piece(16, \n    gap")
    client.change(doc, text)
    place = at(text, "piece(16, ", len("piece(16, "))
    help = client.done(client.ask.text_document_signature_help_async(lsp.SignatureHelpParams(doc, place)))
    assert help is not None and help.signatures[0].label == "part(out, k=3)" and help.active_parameter == 1


def test_a_budget_says_what_is_needed_kept_or_not(client: Client, tmp_path: Path) -> None:
    text = NET.replace("params <= 100K", "params <= 100K, macs <= 1M")
    doc = client.open(tmp_path / "budget.dl", text)
    client.told(doc, "the budget says")
    until = time.monotonic() + 20
    shown = ""
    while "needs" not in shown and time.monotonic() < until:
        found = client.done(client.ask.text_document_hover_async(lsp.HoverParams(doc, at(text, "macs <=", 2))))
        shown = found.contents.value if found and isinstance(found.contents, lsp.MarkupContent) else ""
        time.sleep(0.02)
    assert shown == "`macs <= 1M`: `small` needs 6.3 M, 634 %"
    found = client.done(client.ask.text_document_hover_async(lsp.HoverParams(doc, at(text, "small(", 1))))
    assert found is not None and isinstance(found.contents, lsp.MarkupContent)
    assert "k params, 6.3 MMACs" in found.contents.value and "A small network." in found.contents.value
    lenses = client.done(client.ask.text_document_code_lens_async(lsp.CodeLensParams(doc)))
    assert lenses and lenses[0].command is not None and "6.3 MMACs" in lenses[0].command.title


def test_what_an_argument_or_parameter_is(client: Client, tmp_path: Path) -> None:
    doc = client.open(tmp_path / "what.dl", NET)
    for word, inside, shown in (
        ("s=s)", 0, "```dl\ns=1\n```\n\nan attribute of `conv`"),
        ("out: int", 0, "```dl\nout: int  # parameter of stage\n```"),
        ("H=32", 0, "```dl\nH  # size of small\n```"),
    ):
        found = client.done(client.ask.text_document_hover_async(lsp.HoverParams(doc, at(NET, word, inside))))
        assert found is not None and isinstance(found.contents, lsp.MarkupContent) and found.contents.value == shown
    found = client.done(client.ask.text_document_hover_async(lsp.HoverParams(doc, at(NET, "gap ->"))))
    assert found is not None and isinstance(found.contents, lsp.MarkupContent)
    assert "\n\n`[N, C, *S]" in found.contents.value and found.contents.value.count("```") % 2 == 0


def test_names_lead_to_their_definitions_and_to_all_places(client: Client, tmp_path: Path) -> None:
    text = NET.replace("    gap", "    flatten_map = it\n    flatten_map -> gap").replace("encoder", "attention")
    doc = client.open(tmp_path / "names.dl", text)
    found = client.done(client.ask.text_document_definition_async(lsp.DefinitionParams(doc, at(text, "stage(32", 2))))
    assert isinstance(found, lsp.Location) and found.uri == doc.uri and found.range.start == at(text, "stage(out")
    spots = client.done(
        client.ask.text_document_references_async(
            lsp.ReferenceParams(lsp.ReferenceContext(True), doc, at(text, "stage(32", 2))
        )
    )
    assert len(spots or ()) == 3
    edit = client.done(client.ask.text_document_rename_async(lsp.RenameParams(doc, at(text, "out: int"), "width")))
    assert edit is not None and edit.changes is not None
    new = applied(text, list(edit.changes[doc.uri]))
    assert "stage(width: int" in new and "conv(width, 3, s=s)" in new and "conv(width, 3)" in new
    for word, name in (
        ("conv(out", "kernel"),
        ("out: int", "s"),
        ("out: int", "relu"),
        ("out: int", "1x"),
        ("s: int", "C"),
    ):
        edit = client.done(client.ask.text_document_rename_async(lsp.RenameParams(doc, at(text, word), name)))
        assert edit is None
        until = time.monotonic() + 5
        said = "conv" if word == "conv(out" else name
        while not (client.messages and client.messages[-1].startswith(f"`{said}`")) and time.monotonic() < until:
            time.sleep(0.005)
        assert client.messages[-1].startswith(f"`{said}`"), client.messages


def test_definitions_of_std_are_found(client: Client, tmp_path: Path) -> None:
    text = "net f on x[N, 3, H=8, W=8]:\n    residual: conv(3, 3)\n"
    doc = client.open(tmp_path / "std.dl", text)
    found = client.done(client.ask.text_document_definition_async(lsp.DefinitionParams(doc, at(text, "residual", 2))))
    assert isinstance(found, lsp.Location) and found.uri.endswith(".dl") and found.uri != doc.uri


def test_text_is_formatted_folded_and_outlined(client: Client, tmp_path: Path) -> None:
    text = NET.replace("stage(16) -> stage", "stage( 16 )  ->  stage")
    doc = client.open(tmp_path / "style.dl", text)
    edits = client.done(
        client.ask.text_document_formatting_async(lsp.DocumentFormattingParams(doc, lsp.FormattingOptions(4, True)))
    )
    assert edits and applied(text, list(edits)) == NET
    folds = client.done(client.ask.text_document_folding_range_async(lsp.FoldingRangeParams(doc)))
    assert [(f.start_line, f.end_line) for f in folds or ()] == [(3, 5), (8, 11)]
    symbols = client.done(client.ask.text_document_document_symbol_async(lsp.DocumentSymbolParams(doc)))
    assert [s.name for s in symbols or ()] == ["stage", "small"]
    tokens = client.done(client.ask.text_document_semantic_tokens_full_async(lsp.SemanticTokensParams(doc)))
    assert tokens is not None and len(tokens.data) % 5 == 0 and len(tokens.data) > 50
    found = client.done(client.ask.workspace_symbol_async(lsp.WorkspaceSymbolParams("smal")))
    assert any(s.name == "small" for s in found or ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\r\r\n\u2028",
        "\ufeffnet",
        "net f on x[N, 3]:\r\n    linear(3\r\n",
        "\U0001d538" * 50,
        "((((",
        "\x00\x0c",
        "def f(x):\n  pass",
    ],
)
def test_any_text_and_any_place_are_answered(client: Client, tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.dl"
    doc = client.open(path, text)
    for line, column in ((0, 0), (0, 7), (1, 3), (10**6, 10**6)):
        place = lsp.Position(line, column)
        client.done(client.ask.text_document_hover_async(lsp.HoverParams(doc, place)))
        client.done(client.ask.text_document_completion_async(lsp.CompletionParams(doc, place)))
        client.done(client.ask.text_document_definition_async(lsp.DefinitionParams(doc, place)))
        client.done(client.ask.text_document_signature_help_async(lsp.SignatureHelpParams(doc, place)))
    client.done(client.ask.text_document_semantic_tokens_full_async(lsp.SemanticTokensParams(doc)))
    client.done(client.ask.text_document_folding_range_async(lsp.FoldingRangeParams(doc)))
    client.ask.text_document_did_close(lsp.DidCloseTextDocumentParams(doc))


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "vscode-vfs://host/net.dl", "file:///no%20where/n%C3%A9t.dl"])
def test_a_document_need_not_be_a_file(client: Client, uri: str) -> None:
    doc = client.open_at(uri, NET.replace("relu\n    conv", "rleu\n    conv"))
    assert client.told(doc, "`rleu`").range.start.line == 4
    client.change(doc, NET)
    client.told(doc, "does not use `encoder`")
    client.ask.text_document_did_close(lsp.DidCloseTextDocumentParams(doc))


def test_a_file_that_vanishes_is_told_where_it_is_imported(client: Client, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    other = tmp_path / "part.dl"
    other.write_text("block part on x[N, C]:\n    linear(C)\n")
    text = 'use "part.dl": part\n\nnet f on x[N, 8]:\n    part\n'
    doc = client.open(tmp_path / "main.dl", text)
    client.silent(doc)
    other.unlink()
    client.ask.text_document_did_save(lsp.DidSaveTextDocumentParams(doc))
    client.told(doc, "part.dl")


def hints(client: Client, doc: lsp.TextDocumentIdentifier) -> dict[int, str]:
    """The shapes by line."""
    found = client.done(client.ask.text_document_inlay_hint_async(lsp.InlayHintParams(doc, EVERYWHERE)))
    return {hint.position.line: str(hint.label) for hint in found or () if str(hint.label).startswith("[")}


def test_the_cursors_line_has_no_shape_and_settings_say_which(client: Client, tmp_path: Path) -> None:
    doc = client.open(tmp_path / "cursor.dl", NET)
    line = NET.split("\n").index("    gap -> flatten -> linear(classes)")
    assert hints(client, doc)[line] == "[N, 10]"
    client.ask.protocol.notify("dslc/cursor", {"uri": doc.uri, "line": line})
    assert line not in hints(client, doc)
    for given, shown in (
        ({"cursorLine": True}, "[N, 10]"),
        ({"hints": "default"}, "[1, 10]"),
        ({"hints": "off"}, None),
        ({"hints": 3, "other": 1}, None),  # what is no setting changes nothing
        ({"hints": "words", "cursorLine": False}, None),
    ):
        client.ask.workspace_did_change_configuration(lsp.DidChangeConfigurationParams({"dslc": given}))
        assert hints(client, doc).get(line) == shown, given


def test_another_net_comes_into_focus(client: Client, tmp_path: Path) -> None:
    text = NET + "\nnet large = small(classes=20)\n"
    doc = client.open(tmp_path / "focus.dl", text)
    line = text.split("\n").index("    gap -> flatten -> linear(classes)")
    assert hints(client, doc)[line] == "[N, 10]"
    asked = lsp.ExecuteCommandParams("dslc.focus", [doc.uri, "large"])
    client.done(client.ask.workspace_execute_command_async(asked))
    assert hints(client, doc)[line] == "[N, 20]"


@pytest.mark.parametrize(("word", "file", "begin"), [("picture", "small.svg", "<svg"), ("report", "small.html", "<!")])
def test_a_lens_writes_where_the_program_lies(client: Client, tmp_path: Path, word: str, file: str, begin: str) -> None:
    path = tmp_path / "drawn.dl"
    path.write_text(NET, "utf-8")
    doc = client.open(path, NET)
    asked = lsp.ExecuteCommandParams("dslc.run", [word, doc.uri, "small"])
    assert client.done(client.ask.workspace_execute_command_async(asked)) == str(tmp_path / file)
    assert (tmp_path / file).read_text("utf-8").startswith(begin)
    client.messages.clear()
    asked = lsp.ExecuteCommandParams("dslc.run", [word, doc.uri, "other"])
    assert client.done(client.ask.workspace_execute_command_async(asked)) is None
    assert any("other" in message for message in client.messages)


def test_keys_one_after_the_other_end_with_what_stands_there(client: Client, tmp_path: Path) -> None:
    doc = client.open(tmp_path / "keys.dl", NET)
    line = "    conv(out, 3) -> batchnorm"
    for end in range(5, len(line) + 1):
        client.change(doc, NET.replace("    conv(out, 3) -> relu", line[:end]))
    found = client.told(doc, "`batchnorm`")
    assert found.range.start.line == 5
    client.change(doc, NET)
    client.told(doc, "does not use `encoder`")


def test_what_another_net_has_wrong_stays_while_one_is_written(client: Client, tmp_path: Path) -> None:
    other = "\nnet other on image[N, 3, H=32, W=32]:\n    conv(8, 3)\n    stage(0)\n"
    doc = client.open(tmp_path / "two.dl", NET + other)
    wrong = client.told(doc, "must be at least 1")
    for end in ("    ga", "    gap -> flatten(", "    gap\n    flat"):
        text = NET.replace("    gap", end + "\n    gap") + other
        client.change(doc, text)
        moved = wrong.range.start.line + text.count("\n") - (NET + other).count("\n")
        for _ in range(4):
            client.done(client.ask.text_document_hover_async(lsp.HoverParams(doc, lsp.Position(0, 0))))
            time.sleep(0.12)
            assert moved in [d.range.start.line for d in client.diagnostics[doc.uri]], end


def test_it_ends_when_it_is_told_to_whatever_it_does(tmp_path: Path) -> None:
    """Right after a key, while a net is checked, and when what was found is about to be sent."""
    text = (Path(__file__).parents[2] / "examples" / "swin.dl").read_text("utf-8")
    for pause in (0.0, 0.12):
        own = Client()
        doc = own.open(tmp_path / "swin.dl", text)
        own.done(own.ask.text_document_hover_async(lsp.HoverParams(doc, lsp.Position(12, 5))))
        own.change(doc, text + "\n")
        time.sleep(pause)
        start = time.monotonic()
        own.close()
        assert time.monotonic() - start < 20 and not own.log, own.log


class Closed:
    """What is written to after the client has gone."""

    def __init__(self) -> None:
        self.tried = 0

    def write(self, data: bytes) -> None:
        self.tried += 1
        raise ValueError("I/O operation on closed file")

    def close(self) -> None:
        pass


def test_nothing_is_sent_to_a_client_that_has_gone(tmp_path: Path) -> None:
    server, gone = make(), Closed()
    server.protocol.set_writer(gone)
    document = Document("file:///f.dl", tmp_path / "f.dl", NET)
    server.worker.documents[document.uri] = document
    server.report_server_error(ValueError("closed"), PyglsError)
    assert gone.tried == 0, "what cannot be sent is not told of by sending"
    server.worker.close()
    server.publish(document, "focus", document.version)
    assert gone.tried == 0


def test_without_its_packages_it_says_which_extra() -> None:
    code = (
        "import sys; sys.modules['pygls'] = None\nfrom dslc.cli.main import main\nmain(['lsp'], standalone_mode=False)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'dslc[lsp]'" in done.stderr and "Traceback" not in done.stderr
