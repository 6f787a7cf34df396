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
from engines.precision.edit.constants import as_initializers, constants, drop_unread
from engines.precision.edit.kept import Kept
from engines.precision.edit.names import Names, label
from engines.precision.edit.order import sort_nodes
from engines.precision.edit.start import start
from engines.precision.quantize.operands import Weight
from engines.precision.quantize.products import find_products, require_some
from engines.precision.recipe import Converted

if TYPE_CHECKING:
    from onnx import ModelProto

    from engines.precision.quantize.products import Product
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
    _drop_empty_inputs(model)
    kept = Kept()
    found = find_products(
        model.graph, constants(model.graph), kept, recipe=_RECIPE, operators=_OPERATORS
    )
    products = _with_weight(found, kept)
    require_some(products, kept, model, _RECIPE, operators=_OPERATORS)
    _unshare(model, products)
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


def _drop_empty_inputs(model: ModelProto) -> None:
    """Remove names of absent inputs at a node's end; quantize_dynamic takes them for a bias."""
    for node in model.graph.node:
        while node.input and not node.input[-1]:
            node.input.pop()


def _unshare(model: ModelProto, products: list[Product]) -> None:
    """Give each product weights of its own.

    quantize_dynamic turns the weight of a Gemm in place, under whoever else reads it.
    """
    known, names = constants(model.graph), Names(model)
    replaced: set[str] = set()
    for product in products:
        for factor in product.factors:
            if isinstance(factor, Weight):
                name = product.node.input[factor.position]
                own = model.graph.initializer.add()
                own.CopyFrom(known[name])
                own.name = product.node.input[factor.position] = names.take(f"{name}.own")
                replaced.add(name)
    drop_unread(model, replaced)


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
        except MemoryError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())
            raise EngineError(
                "unsupported-op",
                f"{_RECIPE}: expected a model that onnxruntime.quantization takes, got {said}",
                "Exclude this precision for the model, or ask for int8.",
            ) from error
        quantized = onnx.load(path)
    sort_nodes(quantized.graph)  # quantize_dynamic forgets what bodies read
    onnx.helper.set_model_props(quantized, own)
    return quantized
