"""Writing a stretch of a graph whose names all begin alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper


class Section:
    """Collects nodes and constants; `prefix` must begin no other name of the whole model.

    Methods return names of tensors. `name` is what follows the prefix; `output` is a name out of
    the graph around.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def named(self, name: str) -> str:
        """Return the whole name of something in here."""
        return f"{self.prefix}.{name}"

    def node(
        self, op: str, inputs: Sequence[str], name: str, *, output: str = "", **attributes: Any
    ) -> str:
        """Add a node of one output."""
        return self.node_of_many(op, inputs, name, [output or self.named(name)], **attributes)[0]

    def node_of_many(
        self, op: str, inputs: Sequence[str], name: str, outputs: Sequence[str], **attributes: Any
    ) -> Sequence[str]:
        """Add a node with these outputs."""
        self.nodes.append(
            helper.make_node(op, list(inputs), list(outputs), name=self.named(name), **attributes)
        )
        return outputs

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """Add an initializer."""
        whole = self.named(name)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), whole))
        return whole

    def integers(self, name: str, *values: int) -> str:
        """Add an int64 vector: axes, sizes or indices."""
        return self.constant(name, np.array(values, np.int64))

    def split(self, x: str, sizes: Sequence[int], names: Sequence[str]) -> list[str]:
        """Cut the last axis into parts of these sizes."""
        outputs = [self.named(name) for name in names]
        lengths = self.integers(f"{names[0]}.sizes", *sizes)
        return list(self.node_of_many("Split", [x, lengths], f"{names[0]}.split", outputs, axis=-1))

    def body(
        self, inputs: Sequence[tuple[str, int]], outputs: Sequence[tuple[str, int]]
    ) -> GraphProto:
        """Return all of it as the body of a loop over float rows [batch, width]."""
        return helper.make_graph(
            self.nodes,
            self.prefix,
            [_rows(name, width) for name, width in inputs],
            [_rows(name, width) for name, width in outputs],
            self.constants,
        )


def _rows(name: str, width: int) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
