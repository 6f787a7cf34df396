"""How large the weights of a graph are, wherever they are kept."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from engines.graph.walk import every_graph

if TYPE_CHECKING:
    from onnx import ModelProto


MOST_INSIDE_BYTES = 1 << 30
"""Larger weights go beside the graph: protocol buffers end at 2 GiB, and a runtime holds the file
beside what it makes of it.
"""


def weights_bytes(model: ModelProto) -> int:
    """Return the bytes of all initializers, external data included, by their types and shapes.

    Types of less than a byte count as one; text counts nothing.
    """
    from onnx import TensorProto
    from onnx.helper import tensor_dtype_to_np_dtype

    return sum(
        prod(tensor.dims) * tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        for graph in every_graph(model.graph)
        for tensor in graph.initializer
        if tensor.data_type not in (TensorProto.STRING, TensorProto.UNDEFINED)
    )
