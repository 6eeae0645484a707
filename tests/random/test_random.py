"""Random programs: check, PyTorch, ONNX, onnxruntime, the numbers and `fmt` agree on each.

`python -m tests.random` runs more.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from textwrap import dedent

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from dslc.api import compile_model
from dslc.diagnostics.model import CompileError
from dslc.ir.model import Node
from dslc.ir.walk import flatten
from dslc.ops.base import REGISTRY
from dslc.types.tensor import DType
from tests.random.case import NET, Case, Fault, Refused, drawn, seeded
from tests.random.choices import Drawn
from tests.random.oracles import check
from tests.random.reduce import reduced
from tests.random.worker import Worker

PARTS = 10
PROGRAMS = 30
"""Of each part."""

NEVER: dict[str, str] = {}
"""Ops that are not generated, with the reason."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors: threads only cost."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.set_num_threads(before)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    return drawn(Drawn(draw))


@pytest.mark.parametrize("part", range(PARTS))
def test_programs(part: int) -> None:
    @seed(part)
    @settings(
        max_examples=PROGRAMS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def program(case: Case) -> None:
        try:
            check(case)
        except Refused:
            pass
        except BaseException as error:
            error.add_note(f"# {case.dtype.value}\n{case.text}")
            raise

    program()


def test_every_op_is_generated() -> None:
    found: set[str] = set()
    for number in range(700):
        try:
            model = compile_model(seeded(number).text, NET)
        except CompileError:
            continue
        names = [step.node.op.name for step in flatten(model, training=True).steps if isinstance(step.node, Node)]
        found |= {name.partition("(")[0] for name in names}  # `wn(conv)`
        if found >= set(REGISTRY) - set(NEVER):
            break
    assert found == set(REGISTRY) - set(NEVER)


def test_few_are_refused() -> None:
    """What the generator believes valid is valid, or the checks see nothing."""
    assert sum(refused(seeded(number).text) for number in range(300)) <= 3


def refused(text: str) -> bool:
    """Whether a program is refused with a diagnostic."""
    try:
        compile_model(text, NET)
    except CompileError:
        return True
    return False


def test_one_seed_is_one_program() -> None:
    assert seeded(7) == seeded(7) != seeded(8)


# ---- that faults are found, and made small


PLAIN = Case("net main_net on x[N, 4, H=6, W=5]:\n    conv(4, 3) -> bn -> relu\n    maxpool(2) -> gap -> flatten\n")
HALF = Case(PLAIN.text, DType.FLOAT16)


def test_a_case_agrees() -> None:
    assert check(PLAIN) == check(HALF) == "open sizes"


def spoilt(monkeypatch: pytest.MonkeyPatch, op: str, rule: str, made: Callable[..., object]) -> str:
    """Who is to blame for an op with a wrong rule."""
    monkeypatch.setattr(REGISTRY[op], rule, made)
    with pytest.raises(Fault) as caught:
        check(PLAIN)
    return caught.value.who


def test_a_wrong_onnx_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def onnx(self: object, g: object, x: tuple[str, ...], *rest: object) -> object:
        return g.op("Neg", [x[0]])  # type: ignore[attr-defined]

    assert spoilt(monkeypatch, "relu", "onnx", onnx) == "outputs"


def test_a_wrong_shape_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def infer(self: object, c: object, x: object) -> object:
        return x.with_dims((*x.dims[:1], 5), 1)  # type: ignore[attr-defined]

    assert spoilt(monkeypatch, "flatten", "infer", infer) == "shape"


def test_wrong_multiply_adds_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spoilt(monkeypatch, "conv", "macs", lambda *_: ()) == "multiply-adds"


def test_a_crash_and_a_hang_are_faults() -> None:
    worker = Worker(timeout=100)
    assert worker.ask(PLAIN)["result"] == "agreed"
    worker.ready().kill()
    assert worker.ask(PLAIN)["who"] == "died"
    worker.timeout = 0
    assert worker.ask(PLAIN)["who"] == "timeout"
    assert worker.process is None


def test_a_fault_is_made_small() -> None:
    text = """
        block part(c: int) on x[N, C, H, W] -> a, b:
            a = conv(c, 3) -> relu
            b = conv(c, 1)
        net main_net on x0[N, 4, H=6, W=6] -> r1, r2:
            u, v = part(3)
            bn -> tanh -> relu
            r1 = u * 0.5
            r2 = it + 1
            _unused = v
    """

    def fails(smaller: str) -> bool:
        return "tanh" in smaller and not refused(smaller)

    small = reduced(dedent(text), fails)
    assert small == "net main_net on x0[N, 4, H=6, W=6]:\n    tanh\n"
