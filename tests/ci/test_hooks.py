"""What other repositories take from this one, tried on a small one: the hooks of pre-commit, the action of GitHub."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in ACTION["runs"]["steps"]}

NET = """\
## A small one.
net small(width: int = 16) on image[N, 3, H=32, W=32]:
    conv(width, 3) -> bn -> relu
    gap -> flatten -> linear(10)
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two programs, of which one takes a block from the other, and its first commit `base`."""
    folder = tmp_path / "repository"
    (folder / "nets").mkdir(parents=True)
    (folder / "nets" / "small.dl").write_text(NET, encoding="utf-8")
    (folder / "nets" / "parts.dl").write_text(
        "## A unit.\nblock unit(out: int) on x[N, C, H, W]: conv(out, 3) -> bn -> relu\n", encoding="utf-8"
    )
    (folder / "nets" / "user.dl").write_text(
        'use "./parts.dl": unit\n\n## Uses it.\nnet user on image[N, 3, H=32, W=32]:\n    unit(8) -> gap -> flatten\n',
        encoding="utf-8",
    )
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -qm first", "tag base"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables as GitHub sets them, and `dslc` and `python` of this environment first on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, words in {"dslc": f"{sys.executable} -m dslc", "python": sys.executable}.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    files = {f"GITHUB_{name}": str(tmp_path / name.lower()) for name in ("OUTPUT", "STEP_SUMMARY", "PATH")}
    path = f"{programs}:{os.environ['PATH']}"
    return {**os.environ, **files, "PYTHONPATH": str(ROOT), "PATH": path, "RUNNER_TEMP": str(tmp_path)}


def step(name: str, repository: Path, environment: dict[str, str], **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does, with defaults for the inputs that are not given."""
    given = {key.replace("_", "-"): value for key, value in inputs.items()}
    values = {key: given.get(key, str(of["default"])) for key, of in ACTION["inputs"].items()}

    def filled(text: str) -> str:
        text = text.replace("${{ github.action_path }}", str(ROOT))
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], text)

    own = {key: filled(text) for key, text in STEPS[name].get("env", {}).items()}
    assert "${{" not in "".join(own.values()) + STEPS[name]["run"], "an expression in the shell, or one not known here"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]],
        cwd=repository,
        env={**environment, **own},
        capture_output=True,
        text=True,
        check=False,
    )


def outputs(environment: dict[str, str]) -> dict[str, str]:
    """What steps have told the workflow."""
    lines = Path(environment["GITHUB_OUTPUT"]).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


# ---- hooks


def hook(name: str, repository: Path, environment: dict[str, str], *files: str) -> subprocess.CompletedProcess[str]:
    found = next(each for each in HOOKS if each["id"] == name)
    assert found["language"] == "python", "pre-commit installs this project, whose script `dslc` is the entry"
    assert all(re.search(found["files"], file) for file in files)
    command = [*shlex.split(found["entry"]), *found.get("args", ()), *files]
    return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)


def test_hooks_pass_and_fail(repository: Path, environment: dict[str, str]) -> None:
    good = "nets/small.dl", "nets/user.dl"
    for name in ("dslc-fmt", "dslc-check", "dslc-lint"):
        done = hook(name, repository, environment, *good)
        assert done.returncode == 0, done.stdout + done.stderr
    bad = repository / "nets" / "bad.dl"
    bad.write_text(NET.replace("bn", "bm"), encoding="utf-8")
    done = hook("dslc-check", repository, environment, *good, "nets/bad.dl")
    assert done.returncode == 1 and "error[E0201]: unknown name `bm`" in done.stdout + done.stderr
    bad.write_text(NET.replace(" -> bn", "->bn"), encoding="utf-8")
    hook("dslc-fmt", repository, environment, "nets/bad.dl")
    assert bad.read_text(encoding="utf-8") == NET, "a hook that changed a file makes pre-commit fail"
    bad.write_text(NET.replace("width, 3)", "width, 3, bias=true)"), encoding="utf-8")
    done = hook("dslc-lint", repository, environment, "nets/bad.dl")
    assert done.returncode == 0 and "bias-before-norm" in done.stdout + done.stderr


# ---- the action


def test_every_step_is_run_here() -> None:
    assert list(STEPS) == ["install", "check", "lint", "sarif", "comment"]
    assert all(of["shell"] == "bash" for of in STEPS.values())
    for output in ACTION["outputs"].values():
        found = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", output["value"])
        assert found is not None and f'"{found[2]}=' in STEPS[found[1]]["run"].replace("echo ", "")


def test_a_good_repository(repository: Path, environment: dict[str, str]) -> None:
    for name in ("check", "lint", "sarif"):
        done = step(name, repository, environment)
        assert done.returncode == 0, done.stdout + done.stderr
    done = step("comment", repository, environment, base="base")
    assert done.returncode == 0, done.stderr
    assert (repository / outputs(environment)["comment"]).read_text(encoding="utf-8") == ""
    report = json.loads((repository / outputs(environment)["sarif"]).read_text(encoding="utf-8"))
    assert report["version"] == "2.1.0" and len(report["runs"]) == 1


def test_a_bad_repository(repository: Path, environment: dict[str, str]) -> None:
    """A wrong program fails the check, at its line; the findings are still written, and other networks compared."""
    (repository / "nets" / "bad.dl").write_text(NET.replace("bn", "bm"), encoding="utf-8")
    done = step("check", repository, environment)
    assert done.returncode == 1
    assert "::error title=E0201,file=nets/bad.dl,line=3,col=" in done.stdout
    assert step("sarif", repository, environment).returncode == 0
    report = json.loads((repository / outputs(environment)["sarif"]).read_text(encoding="utf-8"))
    assert "E0201" in [result["ruleId"] for result in report["runs"][0]["results"]]
    assert step("comment", repository, environment, base="base").returncode == 0


def test_budgets_and_denied_warnings(repository: Path, environment: dict[str, str]) -> None:
    done = step("check", repository, environment, budget="macs <= 100K, params <= 1M")
    assert done.returncode == 1 and "E0701" in done.stdout and "`macs`" in done.stdout
    assert step("check", repository, environment, budget="macs <= 1M").returncode == 0
    (repository / "nets" / "small.dl").write_text(NET.replace("width, 3)", "width, 3, bias=true)"), encoding="utf-8")
    assert step("lint", repository, environment).returncode == 0
    assert step("lint", repository, environment, deny="warnings").returncode == 1
    assert step("lint", repository, environment, deny="warnings", paths="nets/user.dl nets/parts.dl").returncode == 0


def test_the_comment_names_what_changed(repository: Path, environment: dict[str, str]) -> None:
    """A network whose own file changed, one that takes a block from it, and a new one; not one that is the same."""
    parts = repository / "nets" / "parts.dl"
    parts.write_text(parts.read_text(encoding="utf-8").replace("conv(out, 3)", "conv(out, 5)"), encoding="utf-8")
    (repository / "nets" / "new.dl").write_text(NET.replace("net small", "net fresh"), encoding="utf-8")
    done = step("comment", repository, environment, base="base", output="out")
    assert done.returncode == 0, done.stderr
    text = (repository / "out" / "comment.md").read_text(encoding="utf-8")
    assert "### user" in text and "conv(8, 3 -\\> 5)" in text
    assert "A new network: `fresh`" in text and "small" not in text
    assert Path(environment["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8") == text


def test_a_base_that_is_not_there_is_said(repository: Path, environment: dict[str, str]) -> None:
    done = step("comment", repository, environment, base="0123456")
    assert done.returncode == 2 and "fetch-depth" in done.stderr


def test_names_with_shell_in_them_stay_words(repository: Path, environment: dict[str, str]) -> None:
    done = step("check", repository, environment, budget="macs <= 1; touch pwned", paths="nets $(touch pwned)")
    assert done.returncode == 2 and not (repository / "pwned").exists()


def test_the_install_step(repository: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """It makes an environment of its own and installs this checkout there; what pip would fetch is not tried here."""
    called = tmp_path / "called"
    python = tmp_path / "bin" / "python3"
    python.write_text(
        f'#!/bin/sh\necho "$@" >> {called}\nmkdir -p "$3/bin" && cp {python} "$3/bin/python" && : \n', encoding="utf-8"
    )
    python.chmod(0o755)
    done = step("install", repository, environment)
    assert done.returncode == 0, done.stderr
    first, second = called.read_text(encoding="utf-8").splitlines()
    assert first == f"-m venv {tmp_path}/dslc"
    assert second.startswith("-m pip install") and second.endswith(f"-c {ROOT}/constraints.txt {ROOT}")
    assert Path(environment["GITHUB_PATH"]).read_text(encoding="utf-8") == f"{tmp_path}/dslc/bin\n"


# ---- the page


def test_the_page_names_what_there_is() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    fences = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    hooks = [each["id"] for fence in fences for repo in fence.get("repos", ()) for each in repo["hooks"]]
    assert sorted(hooks) == sorted(each["id"] for each in HOOKS)
    steps = [each for fence in fences for job in fence.get("jobs", {}).values() for each in job["steps"]]
    used = next(each for each in steps if "dslc@" in each.get("uses", ""))
    assert used["with"].keys() <= ACTION["inputs"].keys()
    for name in ACTION["inputs"]:
        assert f"| `{name}` |" in page
    outside = re.findall(r"steps\.dslc\.outputs\.(\w+)", page)
    assert set(outside) == set(ACTION["outputs"])
    jsonschema.validate(HOOKS, {"type": "array", "items": {"required": ["id", "name", "entry", "language"]}})
