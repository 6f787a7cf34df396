"""Names for what a recipe adds to a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.graph.walk import every_graph

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


class Names:
    """The names that a model has, tensors and nodes in all of its graphs together."""

    def __init__(self, model: ModelProto) -> None:
        self._taken: set[str] = set()
        for graph in every_graph(model.graph):
            for node in graph.node:
                self._taken.update((node.name, *node.input, *node.output))
            for values in (graph.input, graph.output, graph.initializer):
                self._taken.update(value.name for value in values)
            self._taken.update(tensor.values.name for tensor in graph.sparse_initializer)

    def take(self, wanted: str) -> str:
        """Return that name, with the first free number behind it where another has it already."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name

    def take_prefix(self, wanted: str) -> str:
        """Return that, or that with a number behind it, such that no other name begins with it."""
        prefix, number = wanted, 1
        while any(name.startswith(prefix) for name in self._taken):
            number += 1
            prefix = f"{wanted}_{number}"
        self._taken.add(prefix)
        return prefix


def label(node: NodeProto) -> str:
    """Return what messages call a node, `node 'name' (Op)`: an output's name where it has none."""
    name = node.name or next(filter(None, node.output), "")
    return f"node {name!r} ({node.op_type})"
