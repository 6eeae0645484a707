"""`dslc doctor` on environments that are described, not installed."""

from __future__ import annotations

from collections.abc import Callable

from dslc.doctor import BASE, CONFLICT, Finding, examine

GOOD = dict.fromkeys(("dslc", *BASE), "1.0")


def report(packages: dict[str, str], providers: Callable[[], list[str]] | None = None) -> dict[str, Finding]:
    """The findings of an environment that has these packages, by name."""
    found = examine(packages.get, providers or (lambda: ["CPUExecutionProvider"]))
    return {f.name: f for f in found}


def test_a_base_install_is_in_order_and_says_what_more_there_is() -> None:
    found = report(GOOD)
    assert not any(f.problem for f in found.values())
    assert found["torch"].text == "not installed (pip install 'dslc[torch]')"
    assert found["onnxruntime-gpu"].text.endswith("(pip install 'dslc[gpu]')")
    assert "providers" not in found


def test_a_missing_base_package_is_a_problem() -> None:
    packages = {k: v for k, v in GOOD.items() if k != "onnx"}
    assert report(packages)["onnx"].problem


def test_both_onnxruntimes_are_a_conflict() -> None:
    found = report(GOOD | {"onnxruntime": "1.30.0", "onnxruntime-gpu": "1.31.1"})
    assert found["conflict"] == Finding("conflict", CONFLICT, problem=True)
    assert "conflict" not in report(GOOD | {"onnxruntime": "1.30.0"})
    assert "conflict" not in report(GOOD | {"onnxruntime-gpu": "1.30.0"})


def test_a_package_left_hollow_is_a_problem() -> None:
    """Uninstalling one of two that were installed together leaves an importable folder without its classes."""

    def hollow() -> list[str]:
        raise AttributeError("module 'onnxruntime' has no attribute 'get_available_providers'")

    found = report(GOOD | {"onnxruntime-gpu": "1.31.1"}, hollow)
    assert found["providers"].problem and "get_available_providers" in found["providers"].text


def test_providers_are_listed() -> None:
    found = report(GOOD | {"onnxruntime": "1.30.0"}, lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    assert found["providers"].text.startswith("CUDAExecutionProvider, CPUExecutionProvider")
