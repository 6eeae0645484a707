"""What changed between two networks, for Python: what `Network.diff()` gives."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from dslc.analysis.amounts import whole, words
from dslc.analysis.compare import Comparison, Total, Weights
from dslc.reports.diff import COLUMNS, SHOWN, markdown_diff, render_diff
from dslc.reports.diff_data import diff_csv, diff_json


class NetworkDiff:
    """What changed from one network to another; true where anything did.

    - `differ`: whether anything differs but the names of the nets
    - `totals`: by quantity, each with `a`, `b`, `delta` and `percent`
    - `weights`: whether a state dict of the first loads into the second: `load`, `missing`, `unexpected`, `reshaped`,
      `renamed`, `fitting`

    `str()` is the text that `dslc diff` prints.

    ```python
    before = dslc.compile("net.dl", net="small")
    change = before.diff(dslc.compile("net.dl", net="small", classes=100))
    print(change.totals["params"].delta, change.weights.reshaped)
    ```
    """

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self.differ: bool = comparison.differ
        self.totals: dict[str, Total] = {total.name: total for total in comparison.totals}
        self.weights: Weights = comparison.weights

    def __bool__(self) -> bool:
        return self.differ

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        a, b = self._comparison.a.model.entry, self._comparison.b.model.entry
        return f"<NetworkDiff of {a} and {b}: {'different' if self.differ else 'no difference'}>"

    def text(
        self,
        *,
        columns: str | Collection[str] = SHOWN,
        only_changed: bool = False,
        every: bool = False,
        depth: int | None = None,
        markdown: bool = False,
    ) -> str:
        """The report as `dslc diff` prints it.

        - `columns`: what to count by layer, of `params`, `macs`, `flops`, `acts`, `buffers`
        - `only_changed`: leave out layers and numbers that are the same
        - `every`: a line for every layer, nothing folded
        - `depth`: how deep to go into parts; none: to the end
        - `markdown`: as Markdown, for a pull request

        Raises `ValueError` for an unknown column.
        """
        shown = words("columns", columns, COLUMNS)
        levels = None if depth is None else whole("depth", depth)
        render = markdown_diff if markdown else render_diff
        return render(self._comparison, columns=shown, only_changed=only_changed, every=every, levels=levels)

    def to_json(self, *, only_changed: bool = False) -> str:
        """The document of `dslc diff --format json`.

        - `only_changed`: leave out layers that are the same
        """
        return diff_json(self._comparison, only_changed=only_changed)

    def to_csv(self, *, only_changed: bool = False) -> str:
        """The table of `dslc diff --format csv`.

        - `only_changed`: leave out layers that are the same
        """
        return diff_csv(self._comparison, only_changed=only_changed)

    def to_records(self, *, only_changed: bool = False) -> list[dict[str, Any]]:
        """A dict for each layer, as in the JSON document.

        - `only_changed`: leave out layers that are the same
        """
        layers: list[dict[str, Any]] = json.loads(self.to_json(only_changed=only_changed))["layers"]
        return layers
