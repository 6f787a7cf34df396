"""Weights that a graph moves before it uses them, moved once and for all.

Exporters write the weight of a linear layer as a Transpose of what was trained, tied ones above
all, and those of recurrent operators as Slice and Concat of its gates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, numpy_helper

from engines.precision.edit.constants import constants, drop_unread
from engines.precision.edit.opset import is_onnx

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

    from engines.precision.edit.constants import Constants

_MOVES = ("Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Slice", "Concat")


def fold_moves(model: ModelProto) -> None:
    """Replace such nodes of the graph by fp32 constants, in place; its opset is 13 at least."""
    from onnx.reference import ReferenceEvaluator

    graph = model.graph
    known, given_out = constants(graph), {value.name for value in graph.output}
    gone: set[str] = set()
    for node in list(graph.node):
        if not _is_move(node, known) or node.output[0] in given_out:
            continue
        inputs = {name: numpy_helper.to_array(known[name]) for name in node.input if name}
        [moved] = ReferenceEvaluator(node).run(None, inputs)
        tensor = numpy_helper.from_array(np.asarray(moved), node.output[0])
        graph.initializer.append(tensor)
        known[tensor.name] = tensor
        gone |= inputs.keys()
        graph.node.remove(node)
    drop_unread(model, gone)


def _is_move(node: NodeProto, known: Constants) -> bool:
    names = [name for name in node.input if name]
    return (
        node.op_type in _MOVES
        and is_onnx(node)
        and all(name in known for name in names)
        and bool(names)
        and known[names[0]].data_type == TensorProto.FLOAT
    )
