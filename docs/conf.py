"""The documentation as a site, from docs/: `sphinx-build -W --keep-going -q docs build/site`."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import ClassVar

from pygments.lexer import RegexLexer, bygroups, using
from pygments.lexers import BashLexer
from pygments.token import Generic
from sphinx.application import Sphinx
from sphinx.errors import SphinxError

from dslc.highlight.lexer import DslcLexer
from dslc.playground.serve import SITE, built

ROOT = Path(__file__).resolve().parent.parent

project = "dslc"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
html_title = f"dslc {version}"
copyright = "the authors of dslc, Apache-2.0"

extensions = ["myst_parser"]
myst_heading_anchors = 4  # links to headings are those of GitHub
html_theme = "furo"
pygments_dark_style = "a11y-high-contrast-dark"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_css_files = ["site.css"]

ELSEWHERE = re.compile(r'<(?:script|img|link rel="stylesheet")[^>]*(?:src|href)="(?:https?:)?//')


class SessionLexer(RegexLexer):
    """What a page shows of a terminal: commands behind `$`, and what they print, which may hold any quote."""

    name = "session"
    tokens: ClassVar = {
        "root": [
            (r"^(\$ )([^\n]*)", bygroups(Generic.Prompt, using(BashLexer))),
            (r"^error\[\w+\]:[^\n]*", Generic.Error),
            (r"^(?:warning|note)\[\w+\]:[^\n]*", Generic.Strong),
            (r"[^\n]+|\n", Generic.Output),
        ]
    }


def refuse_what_is_elsewhere(app: Sphinx, failure: Exception | None) -> None:
    """The site works without a network, its search too: no page may ask for a script, style or picture elsewhere."""
    pages = [] if failure else sorted(Path(app.outdir).rglob("*.html"))
    found = [page.name for page in pages if ELSEWHERE.search(page.read_text(encoding="utf-8"))]
    if found:
        raise SphinxError(f"pages that need a network: {', '.join(found)}")


def bring_the_playground(app: Sphinx, failure: Exception | None) -> None:
    """The playground is part of the site where it was built."""
    if not failure and built():
        shutil.copytree(SITE, Path(app.outdir) / "playground", dirs_exist_ok=True)


def setup(app: Sphinx) -> None:
    """Programs are coloured by the lexer of this checkout, installed or not."""
    app.add_lexer("dl", DslcLexer)
    app.add_lexer("console", SessionLexer)
    app.connect("build-finished", bring_the_playground)
    app.connect("build-finished", refuse_what_is_elsewhere)
