"""Who reads a graph's tensors."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from engines.graph.walk import bodies, every_graph

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnx import GraphProto

Reading = tuple[int, int]
"""The number of a node in its graph, and the position of one of its inputs."""


class Readers:
    """The nodes of one graph by what they read."""

    def __init__(self, graph: GraphProto) -> None:
        self._nodes: dict[str, list[Reading]] = defaultdict(list)
        for number, node in enumerate(graph.node):
            for position, name in enumerate(node.input):
                self._nodes[name].append((number, position))
        self._elsewhere = {value.name for value in graph.output}
        for node in graph.node:
            for body in bodies(node):
                self._elsewhere |= _read_in(body)

    def of(self, names: Iterable[str]) -> list[Reading] | None:
        """Return who reads any of these; None where outputs or bodies do too, or nobody does."""
        wanted = list(names)
        if not self._elsewhere.isdisjoint(wanted):
            return None
        return [reading for name in wanted for reading in self._nodes.get(name, ())] or None


def _read_in(body: GraphProto) -> set[str]:
    read = {value.name for graph in every_graph(body) for value in graph.output}
    return read | {name for g in every_graph(body) for node in g.node for name in node.input}
