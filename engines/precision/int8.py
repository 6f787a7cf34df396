"""int8: both factors of every product in 8 bits, the rest in fp32 or in fp16.

Static and symmetric, a scale for each output channel of a weight and one for an activation, as
TensorRT takes it: z = 0 everywhere and no pair on a bias.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.precision.edit.start import start
from engines.precision.quantize.bias import split_biases
from engines.precision.quantize.linear import INT8
from engines.precision.quantize.products import quantize_products
from engines.precision.recipe import Converted

if TYPE_CHECKING:
    from onnx import ModelProto

    from engines.precision.recipe import Calibration

_CHANNEL_SCALES_OPSET = 13
_HALF_SCALES_OPSET = 19


def int8(model: ModelProto, calibration: Calibration) -> Converted:
    """Return the graph with int8 products. Raises EngineError."""
    model = start(model, "int8", _CHANNEL_SCALES_OPSET)
    split_biases(model)
    return quantize_products(model, calibration, INT8, recipe="int8")


def int8_fp16(model: ModelProto, calibration: Calibration) -> Converted:
    """Return the graph with int8 products and all else in fp16. Raises EngineError."""
    from engines.precision.fp16 import to_fp16

    model = start(model, "int8-fp16", _HALF_SCALES_OPSET)
    split_biases(model)
    found = quantize_products(model, calibration, INT8, recipe="int8-fp16", half=True)
    model, kept = to_fp16(found.model)
    return Converted(model=model, kept=(*found.kept, *kept))
