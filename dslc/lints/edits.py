"""Edits that rules propose. None is made unseen: what a rule speaks of may be meant."""

from __future__ import annotations

import re

from dslc.diagnostics.model import Applicability, Edit, Help
from dslc.ir.walk import Step
from dslc.lints.windows import written
from dslc.source import Span

NAMED = re.compile(r"\s+as (?:\w+|`[^`]*`)$")


def without(span: Span) -> tuple[Help, ...]:
    """The program without a step that stands behind another."""
    before = span.source.text[: span.start].rstrip()
    if not before.endswith("->"):
        return ()
    start = len(before[:-2].rstrip())
    return (proposed("leave it out", Edit(Span(span.source, start, span.end), "")),)


def instead(span: Span | None, text: str) -> tuple[Help, ...]:
    """The program with another text in a place; nothing where there is no such place."""
    return () if span is None else (proposed(f"`{text}`", Edit(span, text)),)


def with_argument(step: Step, text: str) -> tuple[Help, ...]:
    """The program with one more argument of a layer."""
    span = step.node.span
    named = NAMED.search(span.text)
    written = span.text[: named.start()] if named else span.text
    end = span.start + len(written)
    if written.endswith("()"):
        edit = Edit(Span(span.source, end - 1, end - 1), text)
    elif written.endswith(")"):
        edit = Edit(Span(span.source, end - 1, end - 1), f", {text}")
    else:
        edit = Edit(Span(span.source, end, end), f"({text})")
    return (proposed(f"`{text}`", edit),)


def given(step: Step, name: str, value: str) -> tuple[Help, ...]:
    """The program with another value of a layer's argument, written or not."""
    at = written(step, name)
    return with_argument(step, f"{name}={value}") if at is None else instead(at, value)


def proposed(words: str, edit: Edit) -> Help:
    """A proposal of one edit."""
    return Help(words, edits=(edit,), applicability=Applicability.MAYBE)
