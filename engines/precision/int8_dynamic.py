"""int8-dynamic: weights in 8 bits ahead, activations at run time, for ONNX Runtime's CPU alone.

By `onnxruntime.quantization.quantize_dynamic` with its defaults: Conv, MatMul and Gemm become
integer products, LSTM becomes an operator of ONNX Runtime's own. RNN and GRU have no such form.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from engines.contract import EngineError
from engines.precision.constants import as_initializers, constants
from engines.precision.kept import Kept
from engines.precision.names import label
from engines.precision.operands import Weight
from engines.precision.products import find_products, require_some
from engines.precision.recipe import Converted
from engines.precision.start import start

if TYPE_CHECKING:
    from onnx import ModelProto

    from engines.precision.products import Product
    from engines.precision.recipe import Calibration

_RECIPE = "int8-dynamic"
_OPSET = 13
_OPERATORS = ("Conv", "MatMul", "Gemm", "LSTM")


def int8_dynamic(model: ModelProto, _: Calibration) -> Converted:
    """Return the graph with integer products; looks at no sample. Raises EngineError."""
    if find_spec("onnxruntime") is None:
        raise EngineError(
            "environment",
            f"{_RECIPE}: expected onnxruntime, whose recipe it is, got none",
            "Install dyno with the 'cpu' extra.",
        )
    model = start(model, _RECIPE, _OPSET)
    as_initializers(model)  # quantize_dynamic takes no other weights
    kept = Kept()
    found = find_products(
        model.graph, constants(model.graph), kept, recipe=_RECIPE, operators=_OPERATORS
    )
    products = _with_weight(found, kept)
    require_some(products, kept, model, _RECIPE, operators=_OPERATORS)
    return Converted(model=_quantized(model), kept=kept.sentences())


def _with_weight(products: list[Product], kept: Kept) -> list[Product]:
    """Return the products whose second factor is constant; the others stay."""
    held = []
    for product in products:
        if isinstance(product.factors[1], Weight):
            held.append(product)
        else:
            kept.add("its second factor is computed", label(product.node))
    return held


def _quantized(model: ModelProto) -> ModelProto:
    import onnx
    from onnxruntime.quantization import quantize_dynamic
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    own = {prop.key: prop.value for prop in model.metadata_props}
    add_pre_process_metadata(model)  # else it logs a warning
    with TemporaryDirectory() as folder:
        path = Path(folder) / "quantized.onnx"
        try:
            quantize_dynamic(model, path, op_types_to_quantize=list(_OPERATORS))
        except Exception as error:
            said = " ".join(str(error).split())
            raise EngineError(
                "unsupported-op",
                f"{_RECIPE}: expected a model that onnxruntime.quantization takes, got {said}",
                "Exclude this precision for the model, or ask for int8.",
            ) from error
        quantized = onnx.load(path)
    onnx.helper.set_model_props(quantized, own)
    return quantized
