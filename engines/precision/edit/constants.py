"""The constant tensors of a graph: initializers, and the values of Constant nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from onnx import TensorProto

from engines.graph.walk import every_graph

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

Constants = Mapping[str, TensorProto]
"""By name."""


def constants(graph: GraphProto) -> dict[str, TensorProto]:
    """Return the graph's own constants by name, those of bodies left out.

    An initializer that is an input too, as old files have them, counts: it is what the model runs
    with.
    """
    found = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            tensors = [attribute.t for attribute in node.attribute if attribute.name == "value"]
            found.update((node.output[0], tensor) for tensor in tensors)
    return found


def as_initializers(model: ModelProto) -> None:
    """Make initializers of the graph's Constant nodes that hold a tensor."""
    graph = model.graph
    for node in [node for node in graph.node if node.op_type == "Constant"]:
        for attribute in node.attribute:
            if attribute.name == "value":
                graph.initializer.add().CopyFrom(attribute.t)
                graph.initializer[-1].name = node.output[0]
                graph.node.remove(node)


def drop_unread(model: ModelProto, names: set[str]) -> None:
    """Remove those constants of the graph that nothing reads any more."""
    graph = model.graph
    read = {value.name for value in graph.output}
    for inner in every_graph(graph):
        read.update(value.name for value in inner.output)
        for node in inner.node:
            read.update(node.input)
    gone = names - read
    for tensor in [tensor for tensor in graph.initializer if tensor.name in gone]:
        graph.initializer.remove(tensor)
    for value in [value for value in graph.input if value.name in gone]:
        graph.input.remove(value)
    idle = [n for n in graph.node if n.op_type == "Constant" and set(n.output) <= gone]
    for node in idle:
        graph.node.remove(node)
