"""Memory in reports: the lines of the terminal and the records of JSON."""

from __future__ import annotations

import json
from pathlib import Path

from dslc.analysis.emitted.plan import emitted_memory
from dslc.analysis.memory import inference_memory
from dslc.analysis.training import training
from dslc.api import compile_model
from dslc.ir.model import Model
from dslc.ir.walk import flatten
from dslc.reports.memory import amount, exact_amount, memory_lines, memory_record
from dslc.reports.training import training_lines, training_record
from tests.analysis.nets import compiled

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


def resnet50() -> Model:
    return compile_model(EXAMPLES / "resnet.dl", "resnet50")


def test_amounts() -> None:
    assert [amount(n) for n in (0, 512, 1000, 7_225_344)] == ["0 B", "512 B", "1.000 kB", "7.225 MB"]
    assert [exact_amount(n) for n in (512, 24 * 10**9, 2**30)] == ["512 B", "24 GB", "1 GiB"]


def test_lines_of_inference() -> None:
    model = resnet50()
    flat = flatten(model)
    lines = memory_lines(inference_memory(model, flat), emitted_memory(model, flat), model.sizes, symbolic=True)
    assert lines == [
        "activations  45.271 MB in 56 buffers = 902*H*W + 12,192 at multiples of 32",
        "ideal peak   7.225 MB at `layer1.0.downsample.0`: layer1.0.conv3 3.211 MB + layer1.0.downsample.0 3.211 MB"
        " + maxpool 802.816 kB",
        "             = 144*H*W at multiples of 32",
        "arena        11.039 MB, 1.53 times the ideal peak (greedy best fit)",
        "onnx peak    5.218 MB at `layer2.0.conv2` in onnxruntime on a CPU, 0.72 times the ideal peak",
    ]
    assert inference_memory(model, flatten(model)).total == 902 * 224 * 224 + 12_192


def test_lower_bounds_say_so() -> None:
    model = compiled("""
        extern block mine(width: int) on x[N, D] -> [N, width] = "tests.user:Mine"

        net f on x[N, 8]:
            linear(8) -> mine(4) -> relu
    """)
    flat = flatten(model)
    lines = memory_lines(inference_memory(model, flat), emitted_memory(model, flat), model.sizes)
    assert all("at least " in line for line in lines[:3])
    assert lines[-1].strip() == "what these need inside is not known: `mine`"
    assert memory_record(inference_memory(model, flat), emitted_memory(model, flat), model.sizes)["unknown"] == ["mine"]
    found = training_lines(training(model, flat))
    assert found[0].startswith("training memory, at least")
    assert "  what these keep is not known: `mine`" in found


def test_lines_of_training() -> None:
    model = compiled("net f on x[N, 100]:\n    linear(1000) -> relu -> linear(10)\n")
    lines = training_lines(training(model, flatten(model)), batch=32, fit=10**7, optimizers=("sgd", "adam"))
    # 101,000 + 10,010 weights; a sample keeps its 100 numbers and 1,000 after relu
    assert lines == [
        "training memory, batch 32; a sample takes 4.400 kB (fp32), 2.200 kB (mixed)",
        "  optimiser  precision   weights  gradients    master     state     saved     total  largest batch in 10 MB",
        "  sgd        fp32       444.0 kB   444.0 kB                      140.8 kB    1.0 MB   2,070 (3.920 kB left)",
        "  adam       fp32       444.0 kB   444.0 kB            888.1 kB  140.8 kB    1.9 MB      1,869 (240 B left)",
        "  sgd        mixed      222.0 kB   222.0 kB  444.0 kB             70.4 kB  958.5 kB   4,141 (1.720 kB left)",
        "  adam       mixed      222.0 kB   222.0 kB  444.0 kB  888.1 kB   70.4 kB    1.8 MB      3,738 (240 B left)",
        "  besides: gradients of activations while they pass, workspaces, the loss, the allocator's rounding",
    ]


def test_fit_says_what_is_missing() -> None:
    model = compiled("net f on x[N, 100]:\n    linear(1000) -> relu -> linear(10)\n")
    (row,) = training_lines(training(model, flatten(model)), fit=1000, optimizers=("sgd",), precisions=("fp32",))[2:3]
    assert row.endswith("none (891.480 kB short)")
    fixed = compiled("net f on x[16, 100]:\n    linear(10)\n")
    lines = training_lines(training(fixed, flatten(fixed)), fit=10**6, optimizers=("sgd",), precisions=("fp32",))
    assert lines[0] == "training memory, batch as the source fixes it"
    assert "any (" in lines[2]


def test_records_are_plain_data() -> None:
    model = resnet50()
    flat = flatten(model)
    record = json.loads(
        json.dumps(memory_record(inference_memory(model, flat), emitted_memory(model, flat), model.sizes))
    )
    assert record["peak"]["value"] == 7_225_344
    assert record["peak"]["at"] == "layer1.0.downsample.0"
    assert record["peak"]["expr"] == "144*H*W at multiples of 32"
    assert sum(buffer["bytes"] for buffer in record["peak"]["live"]) == 7_225_344
    assert record["activations"]["value"] == 902 * 224 * 224 + 12_192
    assert record["activations"]["expr"].endswith(" + 12,192")
    found = json.loads(json.dumps(training_record(training(model, flat), batch=2, fit=24 * 10**9)))
    assert [(c["optimizer"], c["precision"]) for c in found["choices"]][:2] == [("sgd", "fp32"), ("momentum", "fp32")]
    adam = found["choices"][2]
    assert adam["state"] == 2 * adam["weights"] == 2 * adam["gradients"]
    statistics = 2 * 4 * 26_560  # mean and deviation of each of the channels that are normalised, whatever the batch
    assert adam["saved"] == found["saved"]["fp32"]["value"] == 2 * adam["per_sample"] + statistics
    assert adam["total"] == adam["fixed"] + 2 * adam["per_sample"]
    assert adam["fit"]["batch"] * adam["per_sample"] + adam["fixed"] + adam["fit"]["left"] == 24 * 10**9
    assert "N" in found["saved"]["fp32"]["expr"]
