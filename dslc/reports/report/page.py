"""The page of `dslc report`: its parts in one file, which loads nothing and sends nothing.

Scripts of the page are modules of `page/`; each becomes a function's scope here. The policy in the page's head names
the scripts and styles by their hashes, so that nothing else is run, whatever a program's names and texts are.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files

MODULES = (
    "dom", "format", "sizes", "arena", "memory", "roofline", "network", "layered", "layout", "scopes", "graph",
    "charts", "field", "details", "table", "controls", "main",
)  # fmt: skip
"""In the order in which they need each other."""

IMPORT = re.compile(r'^import (\{.*\}) from "\./(\w+)\.mjs";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
FOOTER = "made by dslc {version}; numbers are those of <code>dslc stats</code> at the sizes above"


def page(document: dict[str, object], title: str, version: str) -> str:
    """The text of the file; `document` is what `document.py` makes."""
    script, style = f'"use strict";\n{scripts()}', part("style.css")
    policy = f"default-src 'none'; script-src '{digest(script)}'; style-src '{digest(style)}'"
    values = {
        "policy": policy,
        "title": escape(title),
        "style": style,
        "script": script,
        "document": data(document),
        "footer": FOOTER.format(version=escape(version)),
    }
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], part("page.html"))


def data(document: dict[str, object]) -> str:
    """JSON that no text in it can end: HTML knows no `<` within."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def scripts() -> str:
    """All modules as one script."""
    return "\n".join(scope(name, part(f"{name}.mjs")) for name in MODULES)


def scope(name: str, text: str) -> str:
    """A module as a function's scope, named by what it gives to others."""
    given = EXPORT.findall(text)
    body = EXPORT.sub("", IMPORT.sub(r"const \1 = \2_module;", text))
    return f"const {name}_module = (() => {{\n{body}return {{ {', '.join(given)} }};\n}})();"


def part(name: str) -> str:
    """The text of a file of the page."""
    return (files("dslc.reports.report") / "page" / name).read_text("utf-8")


def digest(text: str) -> str:
    """What a policy names an inline script or style by."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
