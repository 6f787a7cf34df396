"""Nodes that only move what nodes in fp32 read: they stay fp32 with them.

Half a type there would cost a second rounding and buy nothing; and TensorRT-RTX 1.7 refuses a Cast
between a Transpose and a recurrent operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import GraphProto

    from engines.precision.half.ports import Ports
    from engines.precision.half.readers import Readers

_MOVES = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Slice")


def leave_moves(
    graph: GraphProto, ports: Sequence[Ports | None], readers: Readers
) -> list[Ports | None]:
    """Return what of each node changes, given what of it could; None where nothing does."""
    left = list(ports)
    for number in reversed(range(len(left))):
        node = graph.node[number]
        if left[number] is not None and node.op_type in _MOVES:
            readings = readers.of(node.output)
            if readings and all(left[reader] is None for reader, _ in readings):
                left[number] = None
    return left
