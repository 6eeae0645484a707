"""Files of weights that are damaged, hostile or of other types: read as torch reads them, or an error with the name."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.torch
import torch

from dslc.api import compile_model
from dslc.ir.model import Instance, Param
from dslc.ops.base import Init, ParamSpec
from dslc.output import write_all
from dslc.types.tensor import DType
from dslc.weights import checkpoint, sources, store
from dslc.weights.errors import WeightsError
from dslc.weights.memory import Array
from tests.cli.running import run
from tests.weights.reading import load

FLOATS = {
    "F64": torch.float64,
    "F32": torch.float32,
    "BF16": torch.bfloat16,
    "F16": torch.float16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E8M0": torch.float8_e8m0fnu,
}
INTEGERS = {
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "U16": torch.uint16,
    "U32": torch.uint32,
    "BOOL": torch.bool,
}


OWNER = compile_model("net f on x[N, 2]:\n    relu\n").root


def wanted(*shape: int, dtype: DType = DType.FLOAT32, kind: str = "param", least: float | None = None) -> ParamSpec:
    return ParamSpec("w", shape, Init("zeros"), kind, dtype, least)


def params(**specs: ParamSpec) -> dict[str, Param]:
    named = {name.replace("__", "."): spec for name, spec in specs.items()}
    return {n: Param(n, n, s, OWNER) for n, s in named.items()}


def written(path: Path, header: object, data: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def entry(shape: list[int], start: int, end: int, dtype: object = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def messages(error: pytest.ExceptionInfo[WeightsError]) -> list[str]:
    return [f"{m.code} {m.message}" for m in error.value.mistakes]


# ---- element types


@pytest.mark.parametrize("code", FLOATS)
def test_floats_of_every_width_are_what_torch_makes_of_them(tmp_path: Path, code: str) -> None:
    kind = FLOATS[code]
    numbers = torch.tensor([1.0, 2.0, 0.5, 4.0]) if code == "F8_E8M0" else torch.tensor([1.0, -2.5, 0.1, 448.0])
    tensor = numbers.to(kind)
    safetensors.torch.save_file({"w": tensor}, tmp_path / "x.safetensors")
    assert f'"{code}"'.encode() in (tmp_path / "x.safetensors").read_bytes()
    found = checkpoint.read(tmp_path / "x.safetensors", params(w=wanted(4))).state["w"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, tensor.float().numpy())


@pytest.mark.parametrize("code", [c for c, kind in FLOATS.items() if kind.itemsize <= 2])
def test_every_narrow_number(tmp_path: Path, code: str) -> None:
    """All patterns of 8 or 16 bits, NaN and infinities included."""
    kind = FLOATS[code]
    bits = torch.arange(256**kind.itemsize).to(torch.uint8 if kind.itemsize == 1 else torch.uint16).view(kind)
    safetensors.torch.save_file({"w": bits}, tmp_path / "x.safetensors")
    found = load(tmp_path / "x.safetensors")["w"]
    np.testing.assert_array_equal(found.astype(np.float32), bits.float().numpy())


@pytest.mark.parametrize("code", INTEGERS)
def test_integers_of_every_width(tmp_path: Path, code: str) -> None:
    tensor = torch.tensor([0, 1, 1, 0]).to(INTEGERS[code])
    safetensors.torch.save_file({"w": tensor}, tmp_path / "x.safetensors")
    found = checkpoint.read(tmp_path / "x.safetensors", params(w=wanted(4, dtype=DType.INT64))).state["w"]
    assert found.dtype == np.int64
    assert found.tolist() == [0, 1, 1, 0]


def test_integers_that_do_not_fit() -> None:
    cases: list[tuple[DType, Array, str]] = [
        (
            DType.INT64,
            np.array([1, 2**63], np.uint64),
            "E0616 `w` has 9,223,372,036,854,775,808, more than int64 holds",
        ),
        (DType.INT32, np.array([1, -(2**31) - 1]), "E0616 `w` has -2,147,483,649, more than int32 holds"),
        (DType.BOOL, np.array([0, 2], np.uint8), "E0614 `w` is bool in the network and uint8 in the weights"),
    ]
    for kind, array, message in cases:
        with pytest.raises(WeightsError) as caught:
            store.fit({"w": array}, params(w=wanted(2, dtype=kind)))
        assert messages(caught) == [message]


def test_types_of_the_file_stay_where_it_is_only_rewritten(tmp_path: Path) -> None:
    tensors = {str(k): torch.ones(3).to(kind) for k, kind in enumerate((*FLOATS.values(), *INTEGERS.values()))}
    safetensors.torch.save_file(tensors, tmp_path / "a.safetensors")
    write_all([store.output(tmp_path / "b.safetensors", load(tmp_path / "a.safetensors"))])
    again = safetensors.torch.load_file(tmp_path / "b.safetensors")
    assert {n: t.dtype for n, t in again.items()} == {n: t.dtype for n, t in tensors.items()}
    assert all(torch.equal(again[n].float(), tensors[n].float()) for n in tensors)


NET = """
net f on x[N, 3, 8, 8]:
    conv(4, 3) as c1 -> bn as b1 -> relu
    gap -> flatten -> linear(2) as head
"""


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.float64])
def test_a_network_is_built_from_narrow_weights(tmp_path: Path, kind: torch.dtype) -> None:
    (tmp_path / "f.dl").write_text(NET, encoding="utf-8")
    assert run("build", tmp_path / "f.dl", "-o", tmp_path).exit_code == 0
    state = safetensors.torch.load_file(tmp_path / "f.safetensors")
    narrow = {n: t.to(kind) if t.is_floating_point() else t for n, t in state.items()}
    safetensors.torch.save_file(narrow, tmp_path / "narrow.safetensors")
    widened = {n: t.float() if t.is_floating_point() else t for n, t in narrow.items()}
    safetensors.torch.save_file(widened, tmp_path / "wide.safetensors")
    graphs = []
    for name in ("narrow", "wide"):
        done = run("build", tmp_path / "f.dl", "-o", tmp_path / name, "--weights", tmp_path / f"{name}.safetensors")
        assert done.exit_code == 0, done.output
        graphs.append((tmp_path / name / "f.onnx").read_bytes())
    assert graphs[0] == graphs[1]


# ---- numbers


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, math.nan], "E0618 `b1.weight` has nan at [1]"),
        ([-math.inf, 1], "E0618 `b1.weight` has -inf at [0]"),
        ([math.inf, math.nan], "E0618 `b1.weight` has inf at [0], and 2 of its 2 numbers are not finite"),
        ([1e39, 0], "E0616 `b1.weight` has 1e+39, more than float32 holds"),
        ([-3.5e38, 0], "E0616 `b1.weight` has -3.5e+38, more than float32 holds"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_numbers_that_no_network_has(values: list[float], message: str) -> None:
    with pytest.raises(WeightsError) as caught:
        store.fit({"b1.weight": np.array(values)}, params(b1__weight=wanted(2)))
    (found,) = messages(caught)
    assert found.startswith(message)


@pytest.mark.parametrize("kind", [ml_dtypes.bfloat16, ml_dtypes.float8_e5m2, np.float16, np.float32])
def test_nan_of_every_type_is_found(kind: type) -> None:
    with pytest.raises(WeightsError, match="`w` has nan at \\[1\\]"):
        store.fit({"w": np.array([1, math.nan], kind)}, params(w=wanted(2)))


def test_the_largest_numbers_are_kept() -> None:
    most = float(np.finfo(np.float32).max)
    found = store.fit({"w": np.array([most, -most, 1e-300, most * (1 + 1e-9)])}, params(w=wanted(4)))["w"]
    assert found.tolist() == [most, -most, 0.0, most]


def test_a_mask_of_the_programs_own_may_hold_infinities() -> None:
    owner = object.__new__(Instance)
    mask = Param("mask", "mask", wanted(2, kind="buffer"), owner)
    assert store.fit({"mask": np.array([0, -math.inf])}, {"mask": mask})["mask"].tolist() == [0, -math.inf]
    with pytest.raises(WeightsError, match="`mask` has nan at"):
        store.fit({"mask": np.array([-math.inf, math.nan])}, {"mask": mask})


@pytest.mark.parametrize("least", [-0.5, -1e-12])
def test_negative_variances(tmp_path: Path, least: float) -> None:
    (tmp_path / "f.dl").write_text(NET, encoding="utf-8")
    run("build", tmp_path / "f.dl", "-o", tmp_path)
    state = safetensors.torch.load_file(tmp_path / "f.safetensors")
    state["b1.running_var"][2] = least
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    done = run("build", tmp_path / "f.dl", "-o", tmp_path, "--weights", tmp_path / "w.safetensors")
    assert done.exit_code == 1
    assert f"error[E0619]: `b1.running_var` has {least:g} at [2], and must be at least 0" in done.stderr


# ---- files that claim what is not so


def test_headers_of_gigabytes(tmp_path: Path) -> None:
    for length in (2**62, 2**64 - 1, 10**9, 200):
        with pytest.raises(WeightsError, match="its header would have"):
            load(written(tmp_path / "x", {}, bytes(100), length))
    big = tmp_path / "big"
    with open(big, "wb") as file:  # sparse: all zeros after the length
        file.write((2**31).to_bytes(8, "little"))
        file.truncate(2**32)
    with pytest.raises(WeightsError, match="its header would have 2,147,483,648 bytes"):
        load(big)


SHAPES: dict[str, tuple[object, str]] = {
    "beyond the file": (entry([100], 0, 400), "it would end at byte `400`, and 16 follow the header"),
    "far beyond": (entry([2**60], 0, 2**62), "it would end at byte `4611686018427387904`, and 16"),
    "fewer bytes": (entry([2], 0, 16), "`[2]` of F32 takes `8` bytes, not 16"),
    "backwards": (entry([2], 16, 8), "`[2]` of F32 takes `8` bytes, not -8"),
    "shape of terabytes": (entry([2**31, 2**31], 0, 16), "takes `18446744073709551616` bytes, not 16"),
    "shape beyond 64 bits": (entry([2**62, 0, 2**62], 0, 0), "its shape is"),
    "many axes": (entry([1] * 65, 0, 4), "its shape is"),
    "negative side": (entry([-1, -4], 0, 16), "its shape is `[-1, -4]`"),
    "half a side": (entry([1.5], 0, 6), "its shape is `[1.5]`"),  # type: ignore[list-item]
    "a truth value": (entry([True], 0, 4), "its shape is `[True]`"),
    "negative offset": (entry([2], -8, 0), "its offsets are `[-8, 0]`"),
    "one offset": ({"dtype": "F32", "shape": [2], "data_offsets": [0]}, "its offsets are `[0]`"),
    "unknown type": (entry([4], 0, 16, "F3"), "its element type `'F3'` is none of U64"),
    "4 bits": (entry([4], 0, 2, "F4"), "its element type `'F4'` is none of"),
    "complex": (entry([2], 0, 16, "C64"), "its element type `'C64'` is none of"),
    "no type": (entry([4], 0, 16, None), "its element type `None`"),
    "a list": ([1, 2], "its line of the header has not just"),
    "one more word": ({**entry([4], 0, 16), "more": 1}, "its line of the header has not just"),
    "no shape": ({"dtype": "F32", "data_offsets": [0, 16]}, "its line of the header has not just"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_tensors_that_cannot_be(tmp_path: Path, name: str) -> None:
    line, reason = SHAPES[name]
    with pytest.raises(WeightsError) as caught:
        load(written(tmp_path / "x", {"a.weight": line}, bytes(16)))
    (mistake,) = caught.value.mistakes
    assert mistake.code == "E0617"
    assert mistake.message.startswith(f"cannot read `a.weight` of `{tmp_path / 'x'}`: ")
    assert reason in mistake.message
    assert len(mistake.message) < 400


def test_overlaps_and_holes(tmp_path: Path) -> None:
    table = {"a": entry([2], 0, 8), "b": entry([2], 4, 12), "c": entry([1], 12, 16)}
    with pytest.raises(WeightsError, match=r"cannot read `b` of .*: its bytes overlap those of `a`"):
        load(written(tmp_path / "x", table, bytes(16)))
    table = {"a": entry([2], 0, 8), "c": entry([1], 12, 16), "empty": entry([0, 3], 16, 16)}
    with pytest.raises(WeightsError, match="its tensors have 12 bytes, and 16 follow the header"):
        load(written(tmp_path / "x", table, bytes(16)))


def test_a_name_that_is_there_twice(tmp_path: Path) -> None:
    one = json.dumps(entry([1], 0, 4))
    header = f'{{"a": {one}, "a": {one}}}'.encode()
    with pytest.raises(WeightsError, match=r"cannot read `a` of .*: it is there twice"):
        load(written(tmp_path / "x", header, bytes(4)))


@pytest.mark.parametrize(
    "header",
    [b"", b"{", b"[]", b"1", b"null", b"\xff\xfe{}", b'{"a": 1}}', b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5000],
    ids=["empty", "open", "list", "number", "null", "no text", "tail", "deep list", "deep table", "digits"],
)
def test_headers_that_are_no_header(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(WeightsError, match=r"E0610|E0617"):
        load(written(tmp_path / "x", header))


def test_every_way_to_cut_a_file_off(tmp_path: Path) -> None:
    whole = written(tmp_path / "x", {"a": entry([2, 2], 0, 16)}, bytes(16)).read_bytes()
    for length in range(len(whole)):
        (tmp_path / "cut").write_bytes(whole[:length])
        with pytest.raises(WeightsError):
            load(tmp_path / "cut")
    (tmp_path / "cut").write_bytes(whole + b"\0")
    with pytest.raises(WeightsError, match="its tensors have 16 bytes, and 17 follow"):
        load(tmp_path / "cut")


@pytest.mark.parametrize("bits", range(0, 8 * 60, 7))
def test_a_flipped_bit_is_read_or_refused(tmp_path: Path, bits: int) -> None:
    whole = bytearray(written(tmp_path / "x", {"a": entry([2, 2], 0, 16)}, bytes(16)).read_bytes())
    whole[bits // 8] ^= 1 << bits % 8
    (tmp_path / "x").write_bytes(whole)
    try:
        found = load(tmp_path / "x")
    except WeightsError:
        return
    assert sum(array.nbytes for array in found.values()) == 16


def test_metadata_is_passed_over(tmp_path: Path) -> None:
    table = {"__metadata__": {"format": "pt"}, "a": entry([1], 0, 4)}
    assert load(written(tmp_path / "x", table, bytes(4)))["a"].tolist() == [0.0]


@pytest.mark.parametrize("path", [p for p in ("/dev/zero", "/dev/null") if os.path.exists(p)])
def test_devices(path: str) -> None:
    with pytest.raises(WeightsError, match="it is a device or a pipe"):
        load(path)


def test_a_pipe_and_a_growing_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WeightsError, match="it is a device or a pipe"):
        load(tmp_path / "pipe")
    path = written(tmp_path / "x", {"a": entry([1], 0, 4)}, bytes(4))
    from dslc.weights.file import opened

    with pytest.raises(WeightsError, match="it changed from"), opened(path) as file:
        file.read("a")
        with open(path, "ab") as other:
            other.write(b"more")
    path = written(tmp_path / "x", {"a": entry([1], 0, 4), "b": entry([4096], 4, 16388)}, bytes(16388))
    for length in (0, 8, 5000):
        written(path, {"a": entry([1], 0, 4), "b": entry([4096], 4, 16388)}, bytes(16388))
        with pytest.raises(WeightsError, match="it changed from"), opened(path) as file:
            file.read("a")
            os.truncate(path, length)
            file.read("b")


def test_arrays_are_the_files_pages_and_writing_to_them_changes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file({"a": torch.arange(10.0), "b": torch.arange(3)}, path)
    whole = path.read_bytes()
    found = load(path)
    with sources.opened(path) as parts:
        again, other = parts[""].read("a"), parts[""].read("a")
    assert np.shares_memory(again, other), "mapped once"
    found["a"][:] = 7
    assert found["a"].tolist() == [7.0] * 10 and again.tolist() == [*range(10)]
    assert path.read_bytes() == whole


def test_a_header_of_any_length(tmp_path: Path) -> None:
    """Elements that lie at no multiple of their size, as headers without padding leave them."""
    for spaces in range(9):
        text = json.dumps({"a": entry([3], 0, 12), "b": entry([2], 12, 28, "I64")}).encode() + b" " * spaces
        data = np.arange(3, dtype="<f4").tobytes() + np.arange(2, dtype="<i8").tobytes()
        found = load(written(tmp_path / "x", text, data))
        assert found["a"].tolist() == [0, 1, 2] and found["b"].tolist() == [0, 1]
        assert all(array.flags.aligned for array in found.values())


def test_a_checkpoint_under_the_name_of_safetensors_is_not_opened(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="it is a PyTorch checkpoint under the name of another") as caught:
        load(tmp_path / "x.safetensors")
    assert "name it `.pth`" in caught.value.mistakes[0].help[0].text
