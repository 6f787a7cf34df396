"""int4: weights of products in 4 bits by blocks, the products themselves in fp32.

A block is at most 32 values along the axis that the product sums over, with a scale of its own, as
in ONNX's DequantizeLinear of opset 21. A recurrent weight has a block a row: TensorRT-RTX 1.7's
builder dies on shorter ones.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from engines.precision.edit.constants import constants
from engines.precision.edit.kept import Kept
from engines.precision.edit.names import Names, label
from engines.precision.edit.start import start
from engines.precision.quantize.linear import INT4
from engines.precision.quantize.operands import Weight
from engines.precision.quantize.products import find_products, require_some, rewrite
from engines.precision.quantize.qdq import Pairs
from engines.precision.recipe import Converted

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

    from engines.precision.edit.constants import Constants
    from engines.precision.quantize.products import Product
    from engines.precision.recipe import Calibration

BLOCK = 32
_OPSET = 21


def int4(model: ModelProto, _: Calibration) -> Converted:
    """Return the graph with int4 weights; looks at no sample. Raises EngineError."""
    model = start(model, "int4", _OPSET)
    kept, known = Kept(), constants(model.graph)
    found = find_products(model.graph, known, kept, recipe="int4")
    products = _with_weight(found, known, kept)
    require_some(products, kept, model, "int4")
    pairs = Pairs(model.graph, INT4, Names(model), recipe="int4")
    rewrite(model, products, pairs, lambda product: _quantize(product, known, pairs))
    return Converted(model=model, kept=kept.sentences())


def _with_weight(products: list[Product], known: Constants, kept: Kept) -> list[Product]:
    """Return the products with constant weights that TensorRT-RTX 1.7 takes in 4 bits."""
    held = []
    for product in products:
        weights = [factor for factor in product.factors if isinstance(factor, Weight)]
        sizes = [_size(weight, known[product.node.input[weight.position]]) for weight in weights]
        if any(values % 2 for values, _ in sizes):
            kept.add("its weight has an odd number of values", label(product.node))
        elif any(length == 1 for _, length in sizes):
            kept.add("its weight sums over one value", label(product.node))
        elif weights:
            held.append(product)
    return held


def _size(weight: Weight, tensor: TensorProto) -> tuple[int, int]:
    """Return how many values a weight has, and how many of them a block has at most."""
    values, length = prod(tensor.dims), tensor.dims[weight.summed]
    return values, values // tensor.dims[0] if weight.kernel and weight.summed else length


def _quantize(product: Product, known: Constants, pairs: Pairs) -> None:
    for factor in product.factors:
        if isinstance(factor, Weight):
            name = product.node.input[factor.position]
            longest = None if factor.recurrent else BLOCK
            made = pairs.blocks(known[name], name, factor.summed, longest, flat=factor.kernel)
            product.node.input[factor.position] = made
