"""The graph as text: what onnx prints of the file that is written, and reads, made without numpy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.text import onnx_text
from dslc.weights.init import initial

ROOT = Path(__file__).resolve().parents[2]
NETS = {
    "lenet": "lenet",
    "resnet": "resnet18",
    "repvgg": "repvgg_a0",
    "text_lstm": "text_lstm",
    "gpt2": "gpt2",
    "unet": "unet",
    "swin": "swin_t",
    "mobilenet_v3": "mobilenet_v3_small",
    "dcgan": "dcgan_generator",
    "video_resnet": "r3d_18",
}


@pytest.mark.parametrize(("file", "net"), NETS.items())
@pytest.mark.parametrize("fold", [True, False])
def test_nodes_and_tensors_are_those_of_the_file(file: str, net: str, fold: bool) -> None:
    model = compile_model(f"zoo:{file}", net, budgets=None)
    proto = emit(model, initial(model.params), fold=fold).proto()
    for tensor in proto.graph.initializer:
        tensor.ClearField("raw_data")
    texts = (onnx.printer.to_text(proto), onnx_text(model, fold=fold))
    printed, mine = (text[text.index("\n{\n") :].split() for text in texts)
    assert mine == printed
    read = onnx.parser.parse_model(onnx_text(model, fold=fold)).graph
    assert [plain(node) for node in read.node] == [plain(node) for node in proto.graph.node]
    held = {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in read.value_info}
    held |= {tensor.name: tuple(tensor.dims) for tensor in read.initializer}
    assert held == {tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer}
    assert [port.SerializeToString() for port in (*read.input, *read.output)] == [
        port.SerializeToString() for port in (*proto.graph.input, *proto.graph.output)
    ]


def plain(node: onnx.NodeProto) -> bytes:
    """A node without what its metadata says of origins; the parser states the domain, which is none."""
    node.ClearField("metadata_props")
    if not node.domain:
        node.ClearField("domain")
    return bytes(node.SerializeToString())


def test_open_sizes_are_names() -> None:
    model = compile_model("zoo:resnet", "resnet18", budgets=None)
    text = onnx_text(model, dynamic=("N", "H", "W"))
    assert "(float[N,3,H,W] image)" in text
    assert onnx.parser.parse_model(text).graph.input[0].type.tensor_type.shape.dim[2].dim_param == "H"


def test_words_say_where_weights_come_from() -> None:
    program = (
        "net f on x[N, 3, 8, 8]:\n    buffer scale: [3, 1, 1] = ones\n"
        "    (it * scale) -> conv(4, 3, init=kaiming_normal)\n"
    )
    text = onnx_text(compile_model(program, budgets=None))
    assert 'float[4,3,3,3] "conv.weight",  # kaiming_normal' in text
    assert "float[3,1,1] scale" in text


def test_numpy_and_onnx_are_not_needed() -> None:
    code = (
        "import sys\nfor name in ('numpy', 'onnx', 'ml_dtypes', 'torch'):\n    sys.modules[name] = None\n"
        "from dslc.api import compile_model\nfrom dslc.backends.onnx.text import onnx_text\n"
        "for net in ('resnet18', 'text_lstm', 'gpt2', 'swin_t', 'repvgg_a0'):\n"
        "    print(len(onnx_text(compile_model(f'zoo:{net}', budgets=None))) > 1000)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True"] * 5
