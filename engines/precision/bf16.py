"""bf16: all that ONNX defines for it from opset 22 on, the first in which recurrent ops have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.precision.edit.opset import raise_opset
from engines.precision.half.cast import to_half
from engines.precision.half.half import BF16
from engines.precision.recipe import Converted

if TYPE_CHECKING:
    from onnx import ModelProto

    from engines.precision.recipe import Calibration

_OPSET = 22
_KEEP = {
    "GRU": "TensorRT mixes fp32 and bf16 where it takes one apart, and refuses it",
    "ConvTranspose": "TensorRT cannot tell the type of its output",
}
"""As TensorRT-RTX 1.7 does."""


def bf16(model: ModelProto, calibration: Calibration) -> Converted:  # noqa: ARG001
    """Return the graph in bf16. Raises EngineError where ONNX cannot raise its opset to 22."""
    raised = raise_opset(model, _OPSET, recipe="bf16")
    converted, kept = to_half(raised, BF16, keep=_KEEP)
    return Converted(model=converted, kept=kept)
