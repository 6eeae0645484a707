"""What the warnings of rules say of good networks: each finding is listed in verdicts.toml with a verdict."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from dslc.api import compile_model, nets
from dslc.lints.catalogue import OF_SIGNAL, WARNINGS, rules
from dslc.lints.run import lint

HERE = Path(__file__).resolve().parent
EXAMPLES = sorted((HERE.parents[1] / "examples").glob("*.dl"))
FINDINGS = tomllib.loads((HERE / "verdicts.toml").read_text(encoding="utf-8"))["finding"]
DISPUTED = 5


def listed(names: set[str]) -> set[tuple[str, str]]:
    """Network and code of the findings that are listed, of some networks."""
    return {(net, finding["code"]) for finding in FINDINGS for net in finding["nets"] if net in names}


def warned(path: Path, files: tuple[str, ...]) -> None:
    """What rules warn of in the networks of a file is what is listed of these rules."""
    names, chosen = nets(path, complete=True), list(rules(files))
    found = {(net, d.code) for net in names for d in lint(compile_model(path, net), chosen=chosen).diagnostics}
    codes = {rule.code for rule in chosen}
    assert found == {one for one in listed(set(names)) if one[1] in codes}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_good_networks_are_warned_of_where_it_is_listed(path: Path) -> None:
    warned(path, WARNINGS)


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_so_they_are_by_rules_that_stand_on_signals(path: Path) -> None:
    warned(path, OF_SIGNAL)


def test_few_findings_are_disputed_and_all_say_why() -> None:
    assert all(finding["verdict"] in ("agreed", "disputed") and finding["why"] for finding in FINDINGS)
    assert sum(finding["verdict"] == "disputed" for finding in FINDINGS) <= DISPUTED
    known = {net for path in EXAMPLES for net in nets(path)}
    assert all(net in known or "where" in finding for finding in FINDINGS for net in finding["nets"])
