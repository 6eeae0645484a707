"""What is installed, what it can do, and what is in its way."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

BASE = ("click", "rich", "numpy", "ml_dtypes", "onnx")
OPTIONAL = {
    "torch": "torch",
    "onnxruntime": "cpu",
    "onnxruntime-gpu": "gpu",
    "pillow": "image",
    "resvg-py": "picture",
}
"""Optional packages and the extra that brings each."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `problem` findings make `dslc doctor` exit with 1."""

    name: str
    text: str
    problem: bool = False


def installed(package: str) -> str | None:
    """The version of an installed package, without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def examine(
    installed: Callable[[str], str | None] = installed,
    providers: Callable[[], list[str]] | None = None,
    folder: Path | None = None,
) -> list[Finding]:
    """The report; with a `folder`, of the builds in it too.

    The other arguments stand for the environment, so that tests can describe another one.
    """
    found = [Finding("dslc", installed("dslc") or "not installed (run from a checkout)")]
    found.append(Finding("python", platform.python_version()))
    for package in BASE:
        present = installed(package)
        found.append(Finding(package, present or "missing: reinstall dslc", problem=present is None))
    for package, extra in OPTIONAL.items():
        present = installed(package)
        found.append(Finding(package, present or f"not installed (pip install 'dslc[{extra}]')"))
    if installed("onnxruntime") and installed("onnxruntime-gpu"):
        found.append(Finding("conflict", CONFLICT, problem=True))
    if installed("onnxruntime") or installed("onnxruntime-gpu"):
        found.append(runtime_finding(providers or onnxruntime_providers))
    if folder is not None:
        found += build_findings(folder)
    return found


def build_findings(folder: Path) -> list[Finding]:
    """Whether the files of each network that was built into a folder are of one build."""
    from dslc.stamp import apart, builds

    found = []
    for name, paths in builds(folder).items():
        wrong = apart(paths)
        words = (
            f"{', '.join(path.name for path in paths)}: of one build" if len(paths) > 1 else f"{paths[0].name} alone"
        )
        found.append(Finding(f"{folder / name}", wrong or words, problem=bool(wrong)))
    return found or [Finding(str(folder), "no files of a build", problem=True)]


CONFLICT = (
    "onnxruntime and onnxruntime-gpu install the same files over each other, and the last one wins: "
    "pip uninstall both, then install one"
)


def runtime_finding(providers: Callable[[], list[str]]) -> Finding:
    """Which execution providers onnxruntime offers; a package left hollow by an uninstall is a problem."""
    try:
        names = providers()
    except (ImportError, AttributeError, OSError) as error:
        reason = f"cannot be used: {error}; pip uninstall onnxruntime onnxruntime-gpu, then install one"
        return Finding("providers", reason, problem=True)
    return Finding("providers", f"{', '.join(names)} (listed is not loadable: `dslc run --device cuda` tries)")


def onnxruntime_providers() -> list[str]:
    """The providers onnxruntime was built with; they may still lack their libraries on this machine."""
    import onnxruntime

    names: list[str] = onnxruntime.get_available_providers()
    return names
