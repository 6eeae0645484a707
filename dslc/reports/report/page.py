"""The pages of `dslc report` and of `dslc diff --html`: one file each, which loads nothing and sends nothing.

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

SHARED = (
    "dom", "format", "sizes", "arena", "memory", "roofline", "network", "layered", "layout", "scopes", "graph",
    "charts", "field", "details", "notes", "controls", "view",
)  # fmt: skip
PAGES = {"report": (*SHARED, "table", "report"), "diff": (*SHARED, "changes", "diff")}
"""The modules of each page, in the order in which they need each other; its text is the file of its name."""

IMPORT = re.compile(r'^import (\{.*\}) from "\./(\w+)\.mjs";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
FOOTER = "made by dslc {version}; numbers are those of <code>dslc stats</code> at the sizes above"


def page(document: dict[str, object], title: str, version: str, name: str = "report") -> str:
    """The text of the file; `document` is what the functions of `dslc.report` make, `name` a key of `PAGES`."""
    script, style = f'"use strict";\n{scripts(name)}', part("style.css")
    policy = f"default-src 'none'; script-src '{digest(script)}'; style-src '{digest(style)}'"
    values = {
        "policy": policy,
        "title": escape(title),
        "style": style,
        "script": script,
        "document": data(document),
        "footer": FOOTER.format(version=escape(version)),
    }
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], part(f"{name}.html"))


def data(document: dict[str, object]) -> str:
    """JSON that no text in it can end: HTML knows no `<` within."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def scripts(name: str) -> str:
    """All modules of a page as one script."""
    return "\n".join(scope(module, part(f"{module}.mjs")) for module in PAGES[name])


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
