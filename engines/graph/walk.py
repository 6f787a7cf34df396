"""Going through a graph with the bodies of its If, Loop and Scan nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto


def bodies(node: NodeProto) -> Iterator[GraphProto]:
    """Return the graphs among a node's attributes."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def every_graph(graph: GraphProto) -> Iterator[GraphProto]:
    """Return the graph and every graph inside it, outer ones first."""
    yield graph
    for node in graph.node:
        for body in bodies(node):
            yield from every_graph(body)
