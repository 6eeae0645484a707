"""An exported network: its graph with what the file says about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING

from dslc.backends.onnx.graph import OnnxGraph
from dslc.backends.onnx.wire import ExternalData, model_chunks
from dslc.output import Buffer
from dslc.record import entity

if TYPE_CHECKING:
    import onnx

PRODUCER = "dslc"


@entity
class OnnxModel:
    """A graph, and the metadata that its file carries (`dslc.guards`, `dslc.source`...)."""

    graph: OnnxGraph
    version: str
    metadata: dict[str, str] = field(default_factory=dict)

    def chunks(self, external: ExternalData | None = None) -> Iterator[Buffer]:
        """The bytes of the file in pieces, weights as views; large ones go to `external` if it is given."""
        return model_chunks(self.graph, (PRODUCER, self.version), self.metadata, external)

    def data(self) -> bytes:
        """The bytes of the file."""
        return b"".join(self.chunks())

    def proto(self) -> onnx.ModelProto:
        """The model as onnx's own message."""
        import onnx

        proto: onnx.ModelProto = onnx.ModelProto.FromString(self.data())
        return proto

    @property
    def weight_bytes(self) -> int:
        """Size of all initialisers."""
        return sum(array.nbytes for array in self.graph.initializers.values())
