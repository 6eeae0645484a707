"""What a program may hold and how long it may take: every program ends soon, with an error at the place."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dslc.api import compile_model
from dslc.bounds import held
from dslc.check import check_file
from dslc.diagnostics.model import CompileError
from dslc.names.errors import FileProblem
from tests.elaborate.programs import errors

BODY = "net f on x[N, 3, H=8, 8]:\n"
DOUBLED = "".join(f"let a{i} = a{i - 1} + a{i - 1}\n" for i in range(1, 60))
NESTED = "".join(f"let a{i} = [a{i - 1}, a{i - 1}]\n" for i in range(1, 60))
TEXTS = "".join(f'let a{i} = "{{a{i - 1}}}{{a{i - 1}}}"\n' for i in range(1, 60))
BLOCKS = "".join(f"block r{i} on x:\n    seq:\n        r{i + 1}\n        r{i + 1}\n\n" for i in range(60))
FUNCTIONS = "".join(f"fn g{k}(i: int): g{k - 1}(i) + g{k - 1}(i) + g{k - 1}(i)\n" for k in range(1, 16))


# ---- numbers


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 3.4028235e38, -3.4028235e38, 0.0, 1e-300])
def test_numbers_that_are_held(number: float) -> None:
    assert held(number)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 3.4028236e38, float("inf"), float("-inf"), float("nan")])
def test_numbers_that_are_not(number: float) -> None:
    """Float32 rounds everything from half a step above its largest number to infinity."""
    assert not held(number)


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("conv(2**10**10, 1)", "E0113", "`2 ** 10000000000` is beyond what a whole number of 64 bits holds"),
        ("conv(9**9**9, 1)", "E0113", "whole number of 64 bits"),
        ("conv(2**63, 1)", "E0113", "`9223372036854775808` is beyond"),
        ("conv(2**62 * 4, 1)", "E0113", "`18446744073709551616` is beyond"),
        ("conv(2**62 + 2**62, 1)", "E0113", "`9223372036854775808` is beyond"),
        ("conv(sum([2**62, 2**62]), 1)", "E0113", "`9223372036854775808` is beyond"),
        ("conv(abs(0 - 2**62 - 2**62) + 8, 1)", "E0113", "is beyond"),
        ("conv(int(1e30), 1)", "E0113", "`1000000000000000019884624838656` is beyond"),
        ("conv(18446744073709551619, 1)", "E0113", "`18446744073709551619` is beyond"),
        ("let big = 2**62 * H\n    let more = big * 4\n    relu", "E0113", "`18446744073709551616` is beyond"),
        ("require H <= 2**70", "E0113", "whole number of 64 bits"),
        ("budget macs <= 10**30", "E0113", "whole number of 64 bits"),
        ("(it * 1e39)", "E0113", "`1e39` is beyond what a float of 32 bits holds"),
        ("(it * (1e30 * 1e30))", "E0113", "beyond what a float of 32 bits holds"),
        ("(it * 10.0**400)", "E0113", "`10.0 ** 400` is beyond what a float"),
        ("(it * 2.0**2**40)", "E0113", "beyond what a float"),
        ("conv(3, 1, init=normal(1e39))", "E0113", "`1e39` is beyond"),
        ("clamp(min=1e400)", "E0113", "`1e400` is beyond"),
        ('(it * float("nan"))', "E0369", "`float` is not defined for the text"),
        ("(it * (-8)**0.5)", "E0421", "no real number"),
        ("(it * log(3, 1))", "E0369", "`log` is not defined"),
        ("conv(round(5, -10**18), 1)", "E0369", "`round` is not defined"),
        ("for i in range(10**18): relu", "E0428", "1,000,000,000,000,000,000 items is too long"),
        ("for i in range(10**20): relu", "E0113", "whole number of 64 bits"),
        ("conv(len(range(-2**62, 2**62)), 1)", "E0428", "9,223,372,036,854,775,808 items is too long"),
        ("conv(8, 2**62, p=half)", "E0306", ""),
        ("pad(2**40)", "E0389", "has more bytes than can be addressed"),
        ("upsample(2**40)", "E0389", "has more bytes than can be addressed"),
        ("upsample(1e30)", "E0113", "whole number of 64 bits"),
        ("conv(10**15, 3) -> conv(10**15, 3)", "E0389", "[1000000000000000, 1000000000000000, 3, 3] has more bytes"),
        ("flatten -> linear(2**61)", "E0389", "a tensor [N, 2305843009213693952] has more bytes"),
        ("reshape(N, 3, H, 8" + ", 1" * 61 + ")", "E0389", "a tensor of 65 axes; 64 are the most"),
        ("buffer b: int64[i: 8] = 2**62 * i\n    (it + b)", "E0464", "`9223372036854775808` is beyond"[1:20]),
        ("buffer b: [i: 8] = 1e38 * i\n    (it + b)", "E0464", "4e+38 is beyond what a float"),
        ("buffer b: int32[i: 8] = 2**30 * i\n    (it + b)", "E0446", "beyond what a whole number of 32 bits holds"),
        ("(cast(int32) -> (it * 2**40))", "E0446", "1099511627776 is beyond what a whole number of 32 bits"),
        ("cast(int32) -> where(it > 0, it, 2**31)", "E0446", "2147483648 is beyond what a whole number of 32 bits"),
    ],
)  # fmt: skip
def test_numbers_are_in_range_or_refused(line: str, code: str, words: str) -> None:
    found = errors(f"{BODY}    {line}\n")
    assert [c for c, _, _ in found][:1] == [code], found
    assert words in found[0][2]


@pytest.mark.parametrize(
    "port", ["x[N, 3, H=2**62, W=2**62]", "x[N, 3, 2**62, 2**62]", "x[N, 3, 18446744073709551619, 8]"]
)
def test_inputs_can_be_addressed(port: str) -> None:
    assert errors(f"net f on {port}:\n    relu\n")[0][0] in ("E0389", "E0113")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e39, 2**64 + 3, [1, [2**64]], -(2**63) - 1])
def test_arguments_from_outside(value: object) -> None:
    with pytest.raises(CompileError) as caught:
        compile_model("net f(a=1) on x[N, 3]:\n    relu\n", args={"a": value})
    said = str(caught.value)
    assert "`a`: " in said and (" is beyond " in said or "is no number" in said)


@pytest.mark.parametrize("size", [2**64 + 3, 2**63, 0, -1])
def test_sizes_from_outside(size: int) -> None:
    with pytest.raises(CompileError, match=r"E0226\]: `H`: "):
        compile_model("net f on x[N, 3, H=8]:\n    relu\n", sizes={"H": size})


def test_large_counts_are_numbers_not_tensors() -> None:
    """Parameters and multiply-adds are counted as far as they go."""
    model = compile_model("net f on x[N, 1000000000]:\n    linear(1000000000) -> linear(1000000000)\n")
    assert len(model.params) == 4


# ---- work


@pytest.mark.parametrize(
    "program",
    [
        f"let a0 = 1\n{DOUBLED}\n{BODY}    conv(a59 // a58, 1)\n",
        BODY + "    let a0 = 1\n" + "".join(f"    {line}\n" for line in DOUBLED.splitlines()) + "    conv(a3, 1)\n",
        "net f0 on x[N, 3, 8, 8]: conv(3, 1)\n" + "".join(f"net f{i} = f{i - 1}\n" for i in range(1, 50)),
    ],
)
def test_a_let_is_evaluated_once(program: str) -> None:
    """Sums of sums, each of which is read twice: 2**59 of them where each reading computed it anew."""
    name = "f49" if "f49" in program else "f"
    assert compile_model(program, name).params


def test_lets_of_a_file_that_make_tensors_make_them_where_they_are_read() -> None:
    header = "let a = ones(8)\n\nblock b on x[N, C, T]: (it + a[none, none])\n\nnet f on x[N, 3, 8]:\n"
    assert compile_model(f"{header}    b -> b\n    (it * a[none, none])\n").root.outputs


@pytest.mark.parametrize(
    "program",
    [
        f"let a0 = [1]\n{DOUBLED}\n{BODY}    conv(len(a59), 1)\n",
        f"let a0 = [1]\n{NESTED}\n{BODY}    conv(a59, 1)\n",
        f'let a0 = "aa"\n{DOUBLED}\n{BODY}    conv(3, 1) as `{{a59}}`\n',
        f'let a0 = "a"\n{TEXTS}\n{BODY}    conv(3, 1) as `{{a59}}`\n',
        f"{BODY}    let l = [1]\n    for i in range(100): l += [l]\n    conv(len(l), 1)\n",
        f"{BODY}    let l = [1]\n    for i in range(100): l += l\n    conv(len(l), 1)\n",
        f"let a = [0] * 1000000\n\n{BODY}    let b = [sum(a) for i in range(100000)]\n    relu\n",
        f"let a = [0] * 1000000\n\n{BODY}    let b = [a == a + [] for i in range(100000)]\n    relu\n",
        f"let a = [0] * 1000000\n\nblock b(w: [int]) on x: id\n\n{BODY}    for i in range(100000): b(a)\n    relu\n",
        f"fn g(n: int): [g(n - 1), g(n - 1)] if n > 0 else [1]\n\n{BODY}    let a = g(50)\n    relu\n",
        "net f(w: [int] = [i for i in range(10**4) for j in range(10**4)]) on x[N, 3]:\n    linear(len(w))\n",
        "net f on x[N, 3, len([i for i in range(10**4) for j in range(10**4)])]:\n    relu\n",
        "net g(w: int) on x[N, 3]: linear(w)\n\nnet f = g(len([i for i in range(10**4) for j in range(10**4)]))\n",
    ],
)  # fmt: skip
def test_lists_and_texts_that_would_not_end(program: str) -> None:
    assert errors(program, "f")[0][0] in ("E0428", "E0385")


@pytest.mark.parametrize(
    "program",
    [
        f"inline block r on x: r -> r\n\n{BODY}    r\n",
        f"inline block r(n: int) on x:\n    if n > 0: r(n - 1) -> r(n - 1)\n\n{BODY}    r(60)\n",
        f"block r(n: int) on x:\n    if n > 0: r(n - 1) -> r(n - 1)\n\n{BODY}    r(60)\n",
        f"let a0 = id\n{DOUBLED.replace(' + ', ' -> ')}\n{BODY}    a59\n",
        f"{BLOCKS}block r60 on x: id\n\n{BODY}    r0\n",
        "net f on x[N, 8, 4]:\n    lstm(8, layers=10**9)\n",
        "net f on x[N, 8, 4]:\n    gru(8, layers=10**7)\n",
        "net f on x[N, 1000000000, 4]:\n    chunk(10**9, axis=1)\n",
        "net f on x[N, T=1000000000, 4]:\n    chunk(10**9, axis=1)\n",
        "net f on x[N, 1000000000, 4]:\n    split(1, axis=1)\n",
        f"fn g0(i: int): i\n{FUNCTIONS}\n{BODY}    buffer b: [i: 8] = g15(i)\n    (it + b)\n",
    ],
)  # fmt: skip
def test_work_without_ops_ends(program: str) -> None:
    assert errors(program)[0][0] in ("E0385", "E0378")


def test_ops_earn_their_steps() -> None:
    """A network of many blocks is as long as it is: only what makes no ops is stopped short of `max_ops`."""
    text = "block b on x: relu -> id\n\nnet f on x[N, 3]:\n    for i in range(60):\n        for j in range(150): b\n"
    assert len(compile_model(text).root.body) == 1


@pytest.mark.parametrize(
    "value", ["(" * 150 + "i" + ")" * 150, "-" * 250 + "i", "+".join(["i"] * 900)]
)  # fmt: skip
def test_expressions_of_indices_are_nested_as_deeply_as_python_reads(value: str) -> None:
    found = errors(f"{BODY}    buffer b: [i: 8] = {value}\n    (it + b)\n")
    assert {c for c, _, _ in found} <= {"E0380", "E0382", "E0125", "E0126"}


def test_a_list_grows_for_those_who_read_it_later() -> None:
    """What has read a `let` list keeps the list it read."""
    text = """block b(w: [int]) on x: conv(len(w), 1)

net f on x[N, 3, 8, 8]:
    let l = [1]
    let m = [l, l]
    b(l)
    l += [2]
    b(l)
    conv(len(m[0]), 1)
"""
    shapes = [p.spec.shape[0] for p in compile_model(text).params.values() if len(p.spec.shape) == 4]
    assert shapes == [1, 2, 1]


@pytest.mark.parametrize("name", ["a" * 201, "a" * 100_000])
def test_names_have_a_length(name: str) -> None:
    assert {c for c, _, _ in errors(f"net f on x[N, 3, 8, 8]:\n    {name} = conv(3, 1)\n    ({name} + it)\n")} == {
        "E0114"
    }
    assert [c for c, _, _ in errors(f'let n = "{name}"\n\n{BODY}    conv(3, 1) as `{{n}}`\n')] == ["E0114"]


# ---- files


def device(folder: Path) -> Path:
    return Path("/dev/zero")


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.dl")
    return folder / "pipe.dl"


def folder(folder: Path) -> Path:
    return folder


def huge(folder: Path) -> Path:
    with open(folder / "huge.dl", "wb") as file:
        file.truncate(20_000_000_000)  # has no blocks on disk
    return folder / "huge.dl"


def nowhere(folder: Path) -> Path:
    return folder / "a\0b.dl"


@pytest.mark.parametrize("make", [device, pipe, folder, huge, nowhere])
def test_programs_are_regular_files(make: Callable[[Path], Path], tmp_path: Path) -> None:
    """A device, a pipe to which nobody writes, a folder and a file of gigabytes are refused at once."""
    found: list[str] = []
    work = threading.Thread(target=lambda: found.extend(d.code for d in check_file(make(tmp_path)).diagnostics))
    work.daemon = True
    work.start()
    work.join(20)
    assert found == [FileProblem.__dict__["code"]]


def test_an_import_is_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "part.dl")
    (tmp_path / "main.dl").write_text('use "part.dl" (a)\n\nnet f on x[N, 3]: a\n')
    assert len(check_file(tmp_path / "main.dl").errors) == 1
