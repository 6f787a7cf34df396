"""fp16: all that ONNX defines for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.graph.walk import every_graph
from engines.precision.edit.opset import raise_opset
from engines.precision.half.cast import to_half
from engines.precision.half.half import FP16
from engines.precision.recipe import Converted

if TYPE_CHECKING:
    from onnx import ModelProto

    from engines.precision.recipe import Calibration

_QUANTIZERS = ("QuantizeLinear", "DequantizeLinear")
_QUANTIZERS_OPSET = 19
"""The first with fp16 scales."""


def fp16(model: ModelProto, calibration: Calibration) -> Converted:  # noqa: ARG001
    """Return the graph in fp16."""
    converted, kept = to_fp16(model)
    return Converted(model=converted, kept=kept)


def to_fp16(model: ModelProto) -> tuple[ModelProto, tuple[str, ...]]:
    """Return a graph with all that is fp32 in fp16, and what is kept and why.

    Quantized tensors keep their types. A QuantizeLinear or DequantizeLinear changes with its scale,
    or not at all where that does not fit; the model is raised to an opset in which it can.
    """
    nodes = (node.op_type for graph in every_graph(model.graph) for node in graph.node)
    if any(op in _QUANTIZERS for op in nodes):
        model = raise_opset(model, _QUANTIZERS_OPSET, recipe="fp16")
    return to_half(model, FP16)
