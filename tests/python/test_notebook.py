"""Notebooks: what they show, and cells of programs. The shell is what `%%dl` needs of IPython's: two methods."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

import dslc
from dslc.python import Network


class Shell:
    def __init__(self) -> None:
        self.names: dict[str, object] = {}
        self.magics: dict[str, Callable[[str, str], Network | None]] = {}
        dslc.load_ipython_extension(self)

    def push(self, names: dict[str, object]) -> None:
        self.names |= names

    def register_magic_function(
        self, function: Callable[[str, str], Network | None], *, magic_kind: str, magic_name: str
    ) -> None:
        assert magic_kind == "cell"
        self.magics[magic_name] = function

    def run(self, cell: str) -> Network | None:
        """A cell as it is written, its first line with the magic."""
        first, _, rest = cell.partition("\n")
        return self.magics[first.split()[0].removeprefix("%%")](first.partition(" ")[2], rest)


def test_a_cell_binds_its_nets() -> None:
    shell = Shell()
    shown = shell.run("%%dl\nnet small on x[N, 8]: linear(4) -> relu")
    assert shown is not None and shown is shell.names["small"] and shown.stats().totals["params"] == 36


def test_several_nets_and_one_that_needs_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()
    cell = (
        "%%dl text\nnet a on x[N, 8]: linear(4)\n\nnet b on x[N, 8]: relu\n\nnet c(width) on x[N, 8]: linear(width)\n"
    )
    assert shell.run(cell) is None
    assert list(shell.names) == ["a", "b", "text"] and "`c` needs arguments" in capsys.readouterr().out
    wide = dslc.compile(str(shell.names["text"]), "c", width=5)
    assert wide.outputs["output"].default == (None, 5)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%dl\nnet f on x[N, 8]:\n    linaer(3)\n", "    ^^^^^^\n  help: did you mean `linear`?"),
        ("%%dl 3x\nnet f on x[N, 8]: relu\n", "`3x` is no name of a variable"),
    ],
)
def test_what_is_wrong_is_said(cell: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the text, with its caret, and without a traceback; nothing is bound."""
    shell = Shell()
    assert shell.run(cell) is None and words in capsys.readouterr().err and not shell.names


def test_what_a_notebook_shows() -> None:
    network = dslc.compile("net f on x[N, 8]:\n    linear(4) as `a` -> relu\n")
    shown = ElementTree.fromstring(network._repr_html_())
    assert [cell.text for cell in shown.iter("td")][:5] == ["a", "linear", "[?, 4]", "36", "32"]
    assert shown.find(".//{http://www.w3.org/2000/svg}svg") is not None
    assert network.stats()._repr_html_() in network._repr_html_()


NASTY = "</title></svg><script>alert(1)</script><img src=x onerror='alert(1)'>&lt;b&gt;"
HOSTILE = f"""## {NASTY}
extern block odd(out: int, tag: str) on x[N, C] -> [N, out] = "a.b:C"

## {NASTY}
block part(out: int, tag: str) on x[N, C]:
    require out >= 1, "{NASTY}"
    odd(out, tag) as `one-{{out}}` -> relu

## {NASTY}
net f(tag: str = "{NASTY}") on x[N, A=2, B=4]:  # {NASTY}
    rearrange("n (a b) c -> n (a b c)", a=2) -> part(4, tag) -> odd(4, "{NASTY}")
"""


class Markup(HTMLParser):
    """The tags, attributes and text of a page, as a browser reads it."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("rect", "path", "line", "polygon", "circle", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_nothing_of_a_program_becomes_markup() -> None:
    tame = Markup(dslc.compile(HOSTILE.replace(NASTY, "tame"))._repr_html_())
    network = dslc.compile(HOSTILE)
    found = Markup(network._repr_html_())
    assert not found.open and {"table", "svg"} <= found.tags and "script" not in found.tags | tame.tags
    assert found.tags == tame.tags and found.attributes == tame.attributes
    assert not any(name.startswith("on") or name in ("src", "href") for name in found.attributes)
    assert ": at least 0 params, 0 MACs" in found.texts
    stats = Markup(network.stats()._repr_html_())
    assert not stats.open and stats.tags < found.tags and "rearrange" in stats.texts


def test_a_large_network_stays_small() -> None:
    shown = dslc.compile("zoo:resnet152")._repr_html_()
    assert "layers more" in shown and len(shown) < 100_000
