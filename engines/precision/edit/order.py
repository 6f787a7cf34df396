"""The nodes of a graph in an order in which each comes after what it reads, in its bodies too."""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from engines.graph.walk import bodies, every_graph

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto


def sort_nodes(graph: GraphProto) -> None:
    """Sort the graph's own nodes in place; the same graph gives the same order."""
    makers = {name: k for k, node in enumerate(graph.node) for name in node.output if name}
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for k, node in enumerate(graph.node):
        sorter.add(k, *(makers[name] for name in _reads(node) if name in makers))
    nodes = type(graph)(node=[graph.node[k] for k in sorter.static_order()])
    del graph.node[:]
    graph.node.extend(nodes.node)


def _reads(node: NodeProto) -> list[str]:
    """Return all names that are read, those of the bodies' own tensors too."""
    inner = [graph for body in bodies(node) for graph in every_graph(body)]
    return [
        *node.input,
        *(name for graph in inner for each in graph.node for name in each.input),
        *(value.name for graph in inner for value in graph.output),
    ]
