"""fp8: both factors of every product in E4M3, the rest in fp32 or in fp16.

One scale a tensor, weights too: the greatest magnitude becomes 448, the greatest of the type.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engines.precision.edit.start import start
from engines.precision.quantize.linear import FP8
from engines.precision.quantize.products import quantize_products
from engines.precision.recipe import Converted

if TYPE_CHECKING:
    from onnx import ModelProto

    from engines.precision.recipe import Calibration

_OPSET = 19
"""The first whose QuantizeLinear knows the type."""


def fp8(model: ModelProto, calibration: Calibration) -> Converted:
    """Return the graph with fp8 products. Raises EngineError."""
    return _convert(model, calibration, recipe="fp8", half=False)


def fp8_fp16(model: ModelProto, calibration: Calibration) -> Converted:
    """Return the graph with fp8 products and all else in fp16. Raises EngineError."""
    from engines.precision.fp16 import to_fp16

    found = _convert(model, calibration, recipe="fp8-fp16", half=True)
    model, kept = to_fp16(found.model)
    return Converted(model=model, kept=(*found.kept, *kept))


def _convert(model: ModelProto, calibration: Calibration, *, recipe: str, half: bool) -> Converted:
    """Quantize by the greatest magnitudes: clipping gains nothing where steps grow with values."""
    model = start(model, recipe, _OPSET)
    widest = replace(calibration, method="minmax")
    return quantize_products(model, widest, FP8, recipe=recipe, per_channel=False, half=half)
