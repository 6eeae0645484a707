"""Whether a text that is wrong throughout is one of another language, which is said once and not line by line."""

from __future__ import annotations

import re

_OWN = r"(?m)^(?:net|block|inline block|extern block|fn|let|use)\s+[\w\".]"
_PYTHON = (
    r"(?m)^\s*(?:class \w+.*:|def \w+\s*\(|import [\w.]+|from [\w.]+ import |@\w+|return\b|self\.\w+.*=|if __name__)"
)
_SURE_PYTHON = r"(?m)^\s*(?:class \w+.*:|def \w+\s*\(.*\).*:|import [\w.]+|from [\w.]+ import )"
_YAML = r"^\s*(?:- |[\w./\"'-]+:(?:\s|$)|- ?$|---)"
_CAFFE = r"(?m)^\s*(?:layers?|input_param|convolution_param|\w+_param)\s*\{"


def language_of(text: str) -> str | None:
    """The language of a text that has no definition of ours; none if it may be ours all the same."""
    start = text.lstrip("\ufeff \t\r\n")
    if re.search(_OWN, text):
        return None
    if start[:1] in "{[" and re.match(r"[{\[]\s*(?:[{\[\"\]}]|$)", start) and '"' in start:
        return "JSON"
    if start.startswith("<") and re.match(r"<[?!\w]", start):
        return "XML"
    if len(re.findall(_CAFFE, text)) > 1:
        return "Caffe"
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        return None
    python = len(re.findall(_PYTHON, text))
    if re.search(_SURE_PYTHON, text) and (python > 1 or len(lines) <= 3):
        return "Python"
    yaml = sum(re.match(_YAML, line) is not None for line in lines)
    if len(lines) > 1 and yaml >= 0.8 * len(lines) and any(re.match(r"\s*[\w./-]+:(?:\s|$)", line) for line in lines):
        return "YAML"
    return None
