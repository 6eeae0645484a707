"""What stands above each net: `25.6 M params, 4.1 GMACs, 3 lints`, with what can be made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from dslc.analysis.metrics import QUANTITIES
from dslc.analysis.quantities import Numbers
from dslc.ir.model import Budget, Model
from dslc.lsp.commands import OUTPUTS
from dslc.lsp.places import range_of
from dslc.record import entity
from dslc.reports.numbers import bytes_text, short
from dslc.suspicions import suspicions

if TYPE_CHECKING:
    from dslc.lsp.documents import Document


@entity
class NetNumbers:
    """The numbers of a net that compiled, and what its budgets leave."""

    params: int
    macs: int
    lints: int
    budgets: list[tuple[Budget, str]]

    @property
    def text(self) -> str:
        """`25.6 M params, 4.1 GMACs, 3 lints`."""
        macs = short(self.macs, 1)
        unit = f"{macs}MACs" if macs[-1].isalpha() else f"{macs} MACs"
        lints = f", {self.lints} lint{'s' * (self.lints != 1)}" if self.lints else ""
        return f"{short(self.params, 1)} params, {unit}{lints}"


def numbers_of(model: Model) -> NetNumbers:
    """The numbers of a net, its lints and the meters of its budgets."""
    numbers = Numbers(model)
    cost = numbers.cost
    meters = [(budget, text) for budget in model.budgets if (text := meter(budget, numbers))]
    return NetNumbers(cost.count.params, cost.macs, len(suspicions(model, numbers=numbers)), meters)


def meter(budget: Budget, numbers: Numbers) -> str:
    """`4.1 G, 97 %`: the quantity of a budget, and how much of the limit that is."""
    quantity = QUANTITIES.get(budget.name)
    value = None if quantity is None else quantity.value(numbers)
    if quantity is None or value is None:
        return ""
    shown = bytes_text(int(value)) if quantity.unit == "B" else short(int(value), 1)
    share = f", {float(value) / budget.limit:.0%}" if budget.limit > 0 else ""
    return f"{shown or '0'}{share.replace('%', ' %')}"


def lenses(document: Document, encoding: str, own: bool) -> list[lsp.CodeLens]:
    """The lenses of a document's nets: numbers first, which choose the net to show shapes of, then commands.

    `own`: the client has commands `dslc.build` and so on, which open what they make; else the server runs them.
    """
    if document.focus is None or document.focus.program is None:
        return []
    found = []
    for name, item in document.focus.program.nets.items():
        place = range_of(item.name_span, encoding)
        numbers = document.costs.get(name)
        if numbers is not None:
            shown = " (shown)" if name == document.focused else ""
            title = numbers.text + shown
            found.append(lsp.CodeLens(place, lsp.Command(title, "dslc.focus", arguments=[document.uri, name])))
        found += [
            lsp.CodeLens(place, _command(word, document.uri, name, own)) for word in OUTPUTS if numbers is not None
        ]
    return found


def _command(word: str, uri: str, net: str, own: bool) -> lsp.Command:
    if own:
        return lsp.Command(word, f"dslc.{word}", arguments=[uri, net])
    return lsp.Command(word, "dslc.run", arguments=[word, uri, net])
