"""What every quantizing recipe does first: refuse quantized models, inline, raise, fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import EngineError
from engines.graph.walk import every_graph
from engines.precision.edit.fold import fold_moves
from engines.precision.edit.names import label
from engines.precision.edit.opset import raise_opset

if TYPE_CHECKING:
    from onnx import ModelProto

_QUANTIZERS = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")


def start(model: ModelProto, recipe: str, opset: int) -> ModelProto:
    """Return the model with no functions of its own, an opset of at least that, and plain weights.

    Raises EngineError for a graph that has quantized parts, in a body too, and where ONNX cannot
    convert the model.
    """
    from onnx.helper import find_min_ir_version_for
    from onnx.inliner import inline_local_functions

    if model.functions:
        model = inline_local_functions(model)
    for graph in every_graph(model.graph):
        for node in graph.node:
            if node.op_type in _QUANTIZERS:
                raise EngineError(
                    "invalid-model",
                    f"{recipe}: {label(node)}: expected a graph that is not quantized, "
                    f"got a {node.op_type} in {graph.name!r}",
                    "Start from the fp32 model.",
                )
    model = raise_opset(model, opset, recipe=recipe)
    fold_moves(model)
    needed = find_min_ir_version_for(list(model.opset_import), ignore_unknown=True)
    model.ir_version = max(model.ir_version, needed)
    return model
