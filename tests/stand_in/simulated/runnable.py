"""A graph in bf16 as one that the CPU runs: ONNX Runtime has no bf16 kernels there."""

import onnx
from onnx import TensorProto, numpy_helper

BF16, FP32 = TensorProto.BFLOAT16, TensorProto.FLOAT


def is_bf16(proto):
    return any(tensor.data_type == BF16 for graph in graphs(proto.graph) for tensor in held(graph))


def widened(proto):
    """Return a copy that computes in fp32 with the weights' bf16 values; outputs are not rounded.

    A model whose inputs or outputs are bf16 comes back as it is.
    """
    ends = [*proto.graph.input, *proto.graph.output]
    if any(value.type.tensor_type.elem_type == BF16 for value in ends) or not is_bf16(proto):
        return proto
    wide = onnx.ModelProto()
    wide.CopyFrom(proto)
    for graph in graphs(wide.graph):
        for value in (*graph.input, *graph.output, *graph.value_info):
            if value.type.tensor_type.elem_type == BF16:
                value.type.tensor_type.elem_type = FP32
        for tensor in held(graph):
            if tensor.data_type == BF16:
                array = numpy_helper.to_array(tensor).astype("float32")
                tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        for node in graph.node:
            for attribute in node.attribute:
                if node.op_type == "Cast" and attribute.name == "to" and attribute.i == BF16:
                    attribute.i = FP32
    return wide


def graphs(graph):
    """Yield a graph and those inside it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from graphs(attribute.g)


def held(graph):
    """Return the tensors that a graph has by itself: initializers, and those of Constant nodes."""
    given = (attribute for node in graph.node for attribute in node.attribute)
    return [*graph.initializer, *(each.t for each in given if each.HasField("t"))]
