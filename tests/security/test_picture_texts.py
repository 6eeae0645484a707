"""What a program writes stays text in its picture, whatever it says and whatever draws the picture."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dslc.api import compile_model
from dslc.diagnostics.fold import printable
from dslc.diagnostics.model import CompileError
from dslc.reports.graph_text import WRITERS
from dslc.reports.heat import warm
from dslc.reports.picture import Graph

TEXTS = [
    "</script><script>alert(1)</script>",
    "</title></style></svg><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "&lt;script&gt;&#60;b&#62;&",
    "<![CDATA[<b>]]>",
    "<!-- --!> -->",
    "]]>",
    "a\nb",
    "a\\nb\\",
    '\\"',
    ']"]; end %% x',
    '"]\n    click n0 call alert(1)\n    n9["',
    '"];\n} digraph g { a [URL="javascript:alert(1)"',
    "#quot;#60;b#62;",
    "`**bold** [a](javascript:alert(1))`",
    "$$x^2$$",
    "1. one",
    "- one",
    "-->|x|",
    "\u202eabc\u2028",
    "\x1b[2J\x00\ufffe",
    "%%{init: {'securityLevel': 'loose'}}%%",
]

WORDS = "end graph subgraph style click digraph node edge strict default script".split()
"""Names of the language that Mermaid, Graphviz and browsers read as something else."""

SVG_ELEMENTS = {"svg", "title", "style", "g", "rect", "path", "text", "tspan"}
SVG_ATTRIBUTES = set(
    "class width height viewBox font-family font-size font-weight text-anchor transform x y rx fill stroke d "
    "stroke-dasharray".split()
)


PROGRAM = """
block b(words: str, keep: bool = true) on x[N, C]:
    if words == "": relu
    linear(C)

net f(words: str) on x[N, 8]:
    b(words) -> b(words) -> relu -> b(words, false) -> rearrange("n c -> n c")
"""
"""Given from outside, a text may hold what a program's own texts may not: controls, marks of direction."""


def written(text: str) -> str:
    """A text as a string of the language."""
    for letter, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("{", "\\{"), ("}", "\\}")):
        text = text.replace(letter, escape)
    return f'"{text}"'


def words_net(name: str, other: str) -> str:
    return f"net {name} on {other}[N, 8]:\n    linear(8) as {name} -> relu -> linear(8) as `{name}-{{1 + 1}}`\n"


MODELS = [(PROGRAM, {"words": text}) for text in TEXTS] + [
    (words_net(name, other), {}) for name, other in zip(WORDS, WORDS[1:] + WORDS[:1], strict=True)
]


def pictures(source: str, args: dict[str, object], end: str) -> list[tuple[Graph, str]]:
    """The picture with all open, with parts closed, and with numbers."""
    found = []
    for depth, heat in product((None, 1), (None, "params")):
        graph = Graph(compile_model(source, args=args), depth)
        if heat is not None:
            warm(graph, heat)
        found.append((graph, WRITERS[end](graph)))
    return found


@pytest.mark.parametrize(("source", "args"), MODELS)
def test_svg(source: str, args: dict[str, object]) -> None:
    for _, text in pictures(source, args, ".svg"):
        tree = ElementTree.fromstring(text)
        for element in tree.iter():
            assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in SVG_ELEMENTS
            assert set(element.attrib) <= SVG_ATTRIBUTES
        (style,) = tree.iter("{http://www.w3.org/2000/svg}style")
        assert re.fullmatch(r"(\.dslc \.\w \{[a-z0-9#:;. -]+\}\s*)+", style.text or "")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e\u2028\ufffe]", text)


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_there_as_a_text(text: str) -> None:
    """A tooltip has all of it, with letters that nobody sees as their numbers."""
    tree = ElementTree.fromstring(pictures(PROGRAM, {"words": text}, ".svg")[0][1])
    titles = [title.text or "" for title in tree.iter("{http://www.w3.org/2000/svg}title")]
    assert any(printable(text) in title for title in titles)


class Page(HTMLParser):
    """The elements of a page as a browser's parser finds them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.others: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)


@pytest.mark.parametrize(("source", "args"), MODELS)
def test_html(source: str, args: dict[str, object]) -> None:
    for _, text in pictures(source, args, ".html"):
        page = Page(text)
        assert not page.others
        assert {tag for tag, _ in page.elements} <= SVG_ELEMENTS | {"html", "head", "meta", "body", "main", "h1"}
        assert [tag for tag, _ in page.elements].count("style") == 2
        names = {name for _, attrs in page.elements for name, _ in attrs}
        assert names <= {name.lower() for name in SVG_ATTRIBUTES} | {"xmlns", "lang", "charset", "name", "content"}


LABEL = r'"(?:[^"#<>&`|%;\\\n]|#\d+;|<br>)*"'
"""A text of Mermaid in quotes, in which nothing but a line break has a meaning."""

MERMAID = [
    r"flowchart TD",
    rf"( {{4}})+n\d+(\[{LABEL}\]|\(\[{LABEL}\]\))",
    rf"( {{4}})+subgraph g\d+\[{LABEL}\]",
    r"( {4})+end",
    rf"    n\d+ (-->|-\.->)(\|{LABEL}\|)? n\d+",
    r"    style [ng]\d+ fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#000",
]


@pytest.mark.parametrize(("source", "args"), MODELS)
def test_mermaid(source: str, args: dict[str, object]) -> None:
    for graph, text in pictures(source, args, ".mmd"):
        lines = text.rstrip("\n").split("\n")
        for line in lines:
            assert any(re.fullmatch(form, line) for form in MERMAID), line
        assert sum(line.lstrip().startswith("n") and "-->" not in line and "-.->" not in line for line in lines) == len(
            graph.boxes
        )


@pytest.mark.parametrize("text", TEXTS)
def test_mermaid_shows_it_as_it_is(text: str) -> None:
    """Its letters by number are those of the text."""
    label = re.search(r'subgraph g0\["([^"]*)"\]', pictures(PROGRAM, {"words": text}, ".mmd")[0][1])
    assert label is not None
    shown = unescape(re.sub(r"#(\d+);", r"&#\1;", label[1].partition("<br>")[0]))
    assert shown.startswith(f'b("{printable(text)}"'[:40])


STRING = r'"(?:[^"\\\n]|\\["\\n])*"'
DOT = [
    rf"digraph {STRING} {{",
    rf" {{4}}(node|graph) \[(shape=box, style={STRING}, )?fontname={STRING}\];",
    rf" +n\d+ \[label={STRING}, tooltip={STRING}, fillcolor={STRING}, color={STRING}, style={STRING}\];",
    r" +subgraph cluster_\d+ {",
    rf" +label={STRING}; style={STRING}; fillcolor={STRING}; color={STRING};",
    rf" {{4}}n\d+ -> n\d+ \[label={STRING}\];",
    r" *}",
]
"""The lines of a Graphviz file of ours; in a string of that language a quote and a backslash have one before them."""


@pytest.mark.parametrize(("source", "args"), MODELS)
def test_dot(source: str, args: dict[str, object]) -> None:
    for graph, text in pictures(source, args, ".dot"):
        lines = text.rstrip("\n").split("\n")
        for line in lines:
            assert any(re.fullmatch(form, line) for form in DOT), line
        assert sum(re.match(r" +n\d+ \[label=", line) is not None for line in lines) == len(graph.boxes)
        assert "\0" not in text


@pytest.mark.parametrize("end", list(WRITERS))
def test_the_name_of_a_file_is_in_no_picture(tmp_path: Path, end: str) -> None:
    folder = tmp_path / "<img src=x onerror=alert(1)>"
    folder.mkdir()
    (folder / "net.dl").write_text("net f on x[N, 8]: linear(8)\n", "utf-8")
    assert "onerror" not in WRITERS[end](Graph(compile_model(folder / "net.dl")))


@pytest.mark.parametrize("text", [text for text in TEXTS if text.isprintable() or text == "a\nb"])
def test_a_text_of_the_program_is_one_from_outside(text: str) -> None:
    own = PROGRAM.replace("f(words: str)", "f").replace("(words", f"({written(text)}")
    own = own.replace(f"b({written(text)}: str", "b(words: str")
    assert pictures(own, {}, ".svg")[0][1] == pictures(PROGRAM, {"words": text}, ".svg")[0][1]


@pytest.mark.parametrize("name", ["a<b", 'a"b', "a&b", "a;b", "a]b", "a b", "a%%b", "a\\b", "a'b", "a\u202eb"])
def test_names_have_plain_letters(name: str) -> None:
    """Those in back-ticks, too; pictures escape them all the same."""
    with pytest.raises(CompileError) as caught:
        compile_model(f"net f on x[N, 8]:\n    linear(8) as `{name}`\n")
    assert {found.code for found in caught.value.diagnostics} <= {"E0102", "E0111"}
