"""The bias of a Gemm as an Add of its own.

ONNX Runtime 1.31 computes a Gemm between Q/DQ pairs in integers on a CPU, but not one with an fp32
bias. Of MatMul and Add it makes such a Gemm where they are matrices. To TensorRT all are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import helper

from engines.precision.edit.names import Names
from engines.precision.edit.opset import is_onnx

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_BIAS = 2


def split_biases(model: ModelProto) -> None:
    """Rewrite the Gemm nodes of the graph whose bias is added as it is, in place."""
    graph, names = model.graph, Names(model)
    nodes: list[NodeProto] = []
    for node in graph.node:
        nodes.append(node)
        if _has_plain_bias(node):
            bias, output = node.input[_BIAS], node.output[0]
            del node.input[_BIAS:]
            node.output[0] = names.take(f"{output}.product")
            called = names.take(f"{node.name or output}.bias")
            nodes.append(helper.make_node("Add", [node.output[0], bias], [output], name=called))
    added = type(graph)(node=nodes)
    del graph.node[:]
    graph.node.extend(added.node)


def _has_plain_bias(node: NodeProto) -> bool:
    is_gemm = node.op_type == "Gemm" and is_onnx(node)
    is_scaled = any(a.name == "beta" and a.f != 1 for a in node.attribute)
    return is_gemm and not is_scaled and any(node.input[_BIAS:])
