"""Every rule: its bad program is spoken of exactly where it says, its good one is not, and the catalogue holds it.

A rule's programs lie in `<family>/<file>/`, as its own file does in dslc/lints/. `bad.dl`, and further `bad_*.dl`, say
on the line of the caret what is expected there (`# warning[W1101]: words`, `# note[N1102]: ..`); `good.dl` and further
`good_*.dl` are what the rule must be silent of. A first line `# facts: batch=1 loss=mse` states what the program does
not hold. What is printed of `bad.dl` lies beside it, in `bad.stderr`.
"""

from __future__ import annotations

import re
from inspect import cleandoc
from pathlib import Path

import pytest

from dslc.api import compile_model, nets
from dslc.check import check_file
from dslc.diagnostics.model import Severity
from dslc.diagnostics.render import render
from dslc.lints.base import Lint
from dslc.lints.catalogue import ADVICE, OF_SIGNAL, WARNINGS, rules
from dslc.lints.facts import Facts, facts_of
from dslc.lints.run import Spoken, lint
from dslc.syntax.rewrite import apply_edits
from tests.conftest import Golden
from tests.errors.test_errors import expected_of, line_in

HERE = Path(__file__).resolve().parent
FILES = (*WARNINGS, *ADVICE, *OF_SIGNAL)
RULES = dict(zip(FILES, rules(), strict=True))
FACTS = re.compile(r"# facts: (.*)\n")
COMMENT = re.compile(r"[ \t]*# (?:warning|note)\[[WN]\d{4}\]: .*$", re.MULTILINE)


def programs(kind: str) -> list[tuple[str, Path]]:
    """The programs of all rules: each with the file of its rule."""
    return [(file, path) for file in FILES for path in sorted((HERE / file.replace(".", "/")).glob(f"{kind}*.dl"))]


def stated(path: Path) -> Facts:
    """The facts that a program's first line states."""
    found = FACTS.match(path.read_text(encoding="utf-8"))
    return facts_of(dict(pair.split("=", 1) for pair in found[1].split()) if found else {})


def spoken_of(path: Path, folder: Path, rule: type[Lint]) -> Spoken:
    """What a rule says of all the nets of a program, without the comments of what is expected."""
    bare = folder / path.name
    bare.write_text(COMMENT.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")
    found = Spoken()
    for net in nets(bare, complete=True):
        spoken = lint(compile_model(bare, net), stated(path), [rule])
        assert not spoken.silent, f"state {spoken.silent[rule]} in the first line of {path}"
        for diagnostic in spoken.diagnostics:
            found.add(diagnostic)
    return found


@pytest.mark.parametrize(("file", "path"), programs("bad"), ids=lambda v: str(v) if isinstance(v, str) else v.stem)
def test_a_bad_program_is_spoken_of_where_it_says(file: str, path: Path, tmp_path: Path) -> None:
    expected = expected_of(path.read_text(encoding="utf-8"))
    assert expected
    found = spoken_of(path, tmp_path, RULES[file]).diagnostics
    seen = [(line_in(str(tmp_path / path.name), d), d.severity.value, d.code, d.message) for d in found]
    assert sorted(one[:3] for one in seen) == sorted(one[:3] for one in expected)
    for line, _, code, words in expected:
        assert any((one[0], one[2]) == (line, code) and words in one[3] for one in seen), words


@pytest.mark.parametrize(("file", "path"), programs("bad"), ids=lambda v: str(v) if isinstance(v, str) else v.stem)
def test_what_a_rule_proposes_ends_what_it_says(file: str, path: Path, tmp_path: Path) -> None:
    found = spoken_of(path, tmp_path, RULES[file]).diagnostics
    (tmp_path / "mended").mkdir()
    for diagnostic in found:
        for help in diagnostic.help:
            mended = tmp_path / "mended" / path.name
            mended.write_text(apply_edits(diagnostic.span.source.text, help.edits), encoding="utf-8")
            left = spoken_of(mended, tmp_path, RULES[file]).diagnostics
            assert len(left) < len(found) or not help.edits, help.text


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("attention/key_bias/bad", "bias=false"),
        ("attention/missing_causal/bad_own_attention", "true"),
        ("attention/unscaled/bad_scale_of_one", "1 / sqrt(16)"),
    ],
)
def test_an_argument_is_proposed(program: str, text: str, tmp_path: Path) -> None:
    path = HERE / f"{program}.dl"
    (found,) = spoken_of(path, tmp_path, RULES[path.parent.relative_to(HERE).as_posix().replace("/", ".")]).diagnostics
    assert [edit.text.lstrip(", ") for help in found.help for edit in help.edits] == [text]


@pytest.mark.parametrize(("file", "path"), programs("good"), ids=lambda v: str(v) if isinstance(v, str) else v.stem)
def test_a_good_program_is_not(file: str, path: Path, tmp_path: Path) -> None:
    assert not spoken_of(path, tmp_path, RULES[file]).diagnostics


@pytest.mark.parametrize("file", FILES)
def test_what_is_printed(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden) -> None:
    monkeypatch.chdir(tmp_path)
    folder = HERE / file.replace(".", "/")
    spoken = spoken_of(folder / "bad.dl", Path(), RULES[file])
    golden(folder / "bad.stderr", render(spoken.diagnostics, spoken.counts))


@pytest.mark.parametrize("file", FILES)
def test_a_rule_has_its_programs_and_its_list(file: str) -> None:
    rule = RULES[file]
    folder = HERE / file.replace(".", "/")
    assert (folder / "bad.dl").exists() and (folder / "good.dl").exists()
    advice = rule.severity is Severity.NOTE
    assert file in (OF_SIGNAL if rule.reads_signal else ADVICE if advice else WARNINGS)
    assert set(rule.example) == set(rule.wants)
    page = cleandoc(rule.__doc__ or "")
    assert re.search(r"\b(19|20)\d\d\b", page) or "docs/" in page, "where is it known from?"


def test_every_file_of_a_rule_is_in_the_catalogue() -> None:
    folder = HERE.parents[1] / "dslc" / "lints"
    files = {".".join(path.relative_to(folder).with_suffix("").parts) for path in folder.glob("*/*.py")}
    defining = {file for file in files if "code=" in (folder / f"{file.replace('.', '/')}.py").read_text("utf-8")}
    assert defining == set(FILES) and len(set(FILES)) == len(FILES)


def test_check_tells_of_warnings_and_lint_of_advice_too() -> None:
    path = HERE / "norms/bias_before_norm/bad.dl"
    assert {d.code for d in check_file(path).warnings} == {"W1101"}
    assert {d.code for d in check_file(path, advice=True).warnings} == {"W1101"}


def test_beside_a_mistake_nothing_suspicious_is_told(tmp_path: Path) -> None:
    path = tmp_path / "two.dl"
    path.write_text("net a on x[N, 64]: linear(32) -> linear(10)\n\nnet b on x[N, 64]: linear(32) -> rellu\n", "utf-8")
    assert {d.code for d in check_file(path).diagnostics} == {"E0201"}
    path.write_text(path.read_text("utf-8").replace("rellu", "relu"), "utf-8")
    assert {d.code for d in check_file(path).diagnostics} == {"W1201"}
