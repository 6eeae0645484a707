"""What is said of a line when all of it is known: words of other libraries together, then names that nothing defines.

Names are met one by one, inside out; `nn.Conv2d(3, 16, 3)` is one mistake of its line, and not one of `nn`. So unknown
names wait until the expression of the line is done. An argument that is taken out or renamed with its value is told by
that alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING

from dslc.bind.mistakes import UnknownName
from dslc.diagnostics.model import Diagnostic, Help, Label, Mistake
from dslc.record import entity
from dslc.source import Span
from dslc.syntax import tree

if TYPE_CHECKING:
    from dslc.foreign.rewrite import KindOf


@entity
class Unknown:
    """A name that nothing defines, the call or attribute that it begins, and what is known at its place."""

    name: tree.Name
    around: tree.Expr
    kind_of: KindOf
    names: Callable[[], list[str]]


@entity
class Line:
    """The expression that is being bound: `base` expressions stand around it, and `whole` of a line is its own.

    `told`: places where something is said already, which an edit replaces. `asked`: a tensor's attribute was met.
    """

    base: int = 0
    whole: bool = False
    unknown: list[Unknown] = field(default_factory=list)
    told: list[Span] = field(default_factory=list)
    asked: KindOf | None = None

    def finish(
        self, expr: tree.Expr, file: tree.File, definition: tree.Definition | None, known: set[str]
    ) -> tuple[list[Diagnostic], list[tree.Expr]]:
        """What is wrong with the names of the expression, and what has no value because of it; forgets all.

        `known`: names of the definition that are told already, and need no more words.
        """
        from dslc.bind.elsewhere import told as told_elsewhere
        from dslc.bind.mistakes_scope import OfAnother
        from dslc.bind.near_words import likely_name
        from dslc.bind.owners import whose
        from dslc.bind.unread import unread_lets
        from dslc.foreign.tell import (
            foreign,
            names_of_values,
            near_name,
        )  # other libraries' words are for programs with mistakes only

        found: list[Diagnostic] = []
        failed: list[tree.Expr] = []
        unknown, told, kind_of = self.unknown, self.told, self.asked or self.unknown[0].kind_of
        self.unknown, self.told, self.asked = [], [], None
        for mistake in foreign(expr, kind_of, file, self.whole, told):
            found.append(mistake.mistake.at(mistake.span, help=mistake.help))
            failed += mistake.covers
        covered = [*(expr.span for expr in failed), *told]
        numbers = names_of_values(expr)
        for each in unknown:
            span = each.name.span
            if any(c.start <= span.start and span.end <= c.end for c in covered):
                failed.append(each.name)
                continue
            if each.name.name in known:
                failed.append(each.name)
                continue
            failed.append(each.name)
            given: tuple[Mistake, Label, tuple[Help, ...]] | None = None
            help: tuple[Help, ...] = ()
            if definition is not None:
                given = told_elsewhere(each.name, definition) or whose(each.name, definition, file)
            if given is None:
                idle = unread_lets(definition, each.name) if each.name in numbers else None
                help = near_name(each.name, each.around, each.kind_of, each.names(), file, idle)
                if not help and definition is not None:
                    help = likely_name(each.name, definition, each.names())
                if not help and definition is not None:
                    given = whose(each.name, definition, file, far=True)
            if given is None:
                found.append(UnknownName(each.name.name).at(span, help=help))
                continue
            mistake_, label, proposals = given
            known |= {each.name.name, *(mistake_.others if isinstance(mistake_, OfAnother) else ())}
            found.append(mistake_.at(span, None, (label,), proposals))
        return found, failed

    @property
    def waits(self) -> bool:
        return bool(self.unknown) or self.asked is not None
