"""Quantizing the factors of products by a graph's ranges: what int8 and fp8 share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto
from onnx.numpy_helper import to_array

from engines.contract import EngineError
from engines.graph.walk import bodies, every_graph
from engines.precision.edit.constants import Constants, constants, drop_unread
from engines.precision.edit.kept import Kept
from engines.precision.edit.names import Names, label
from engines.precision.half.half import FP16
from engines.precision.quantize.calibration import Wanted, ranges
from engines.precision.quantize.operands import (
    PRODUCTS,
    Activation,
    Operand,
    UnfitError,
    Weight,
    operands,
)
from engines.precision.quantize.qdq import Pairs
from engines.precision.recipe import Converted

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

    from engines.precision.quantize.linear import Grid
    from engines.precision.recipe import Calibration

_TABLE_RANK = 2
"""From this rank on a reader would call constants weights and expect them quantized."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A node whose factors are quantized."""

    node: NodeProto
    factors: tuple[Operand, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Return what no other node of the graph shares."""
        return tuple(self.node.output)

    def activations(self) -> list[str]:
        """Return the computed factors' names."""
        return [self.node.input[f.position] for f in self.factors if isinstance(f, Activation)]


def quantize_products(
    model: ModelProto,
    calibration: Calibration,
    grid: Grid,
    *,
    recipe: str,
    per_channel: bool = True,
    half: bool = False,
) -> Converted:
    """Put both factors of every product of the main graph through Q/DQ pairs.

    Constant weights are stored quantized; those of recurrent operators stay floats before a pair,
    since TensorRT-RTX 1.7 builds no GRU otherwise. Biases stay. Changes the model. Raises
    EngineError, of kind `precision-mismatch` where there is nothing to quantize.
    """
    kept, known = Kept(), constants(model.graph)
    products = find_products(model.graph, known, kept, recipe=recipe)
    found = _ranges(model, calibration, products, recipe)
    products = _in_range(products, found, kept)
    if half:
        products = _in_fp16(products, found, known, kept)
    require_some(products, kept, model, recipe)
    pairs = Pairs(model.graph, grid, Names(model), recipe=recipe, half=half)

    def quantize(product: Product) -> None:
        _quantize(product, found, known, pairs, per_channel=per_channel)

    rewrite(model, products, pairs, quantize)
    return Converted(model=model, kept=kept.sentences())


def find_products(
    graph: GraphProto,
    known: Constants,
    kept: Kept,
    *,
    recipe: str,
    operators: Sequence[str] = PRODUCTS,
) -> list[Product]:
    """Return the nodes to quantize, and tell `kept` of those that stay though they look so."""
    found = []
    for node in graph.node:
        _note_bodies(node, kept, operators)
        try:
            factors = operands(node, known) if node.op_type in operators else ()
        except UnfitError as reason:
            kept.add(str(reason), label(node))
            continue
        if factors:
            found.append(Product(node=node, factors=factors))
        elif node.op_type not in operators and _reads_table(node, known):
            kept.add(f"{recipe} does not quantize the operator", label(node))
    return found


def _note_bodies(node: NodeProto, kept: Kept, operators: Sequence[str]) -> None:
    """Note the products in a node's bodies, but for those that a recipe quantized before."""
    inner = [n for body in bodies(node) for graph in every_graph(body) for n in graph.node]
    quantized = {n.output[0] for n in inner if n.op_type == "DequantizeLinear"}
    for found in inner:
        if found.op_type in operators and not quantized.intersection(found.input):
            kept.add(f"it is in a body of {label(node)}", label(found))


def _reads_table(node: NodeProto, known: Constants) -> bool:
    tensors = [known[name] for name in node.input if name in known]
    return any(
        tensor.data_type == TensorProto.FLOAT
        and sum(size > 1 for size in tensor.dims) >= _TABLE_RANK
        and prod(tensor.dims) > 0
        for tensor in tensors
    )


def _ranges(
    model: ModelProto, calibration: Calibration, products: list[Product], recipe: str
) -> dict[str, float]:
    """Return the range of every computed factor that is float32."""
    wanted = {
        name: Wanted(tensor=name, reader=label(product.node))
        for product in products
        for name in product.activations()
    }
    return ranges(model, calibration, list(wanted.values()), recipe)


def _in_range(products: list[Product], found: Mapping[str, float], kept: Kept) -> list[Product]:
    """Return the products whose computed factors have a range each."""
    held = []
    for product in products:
        factors = [found.get(name) for name in product.activations()]
        if None in factors:
            kept.add("a factor is no float32 tensor", label(product.node))
        elif 0 in factors:
            kept.add("a factor was 0 in all calibration samples", label(product.node))
        else:
            held.append(product)
    return held


def _in_fp16(
    products: list[Product], found: Mapping[str, float], known: Constants, kept: Kept
) -> list[Product]:
    """Return the products whose factors fp16 holds once they are dequantized in it."""
    held = []
    for product in products:
        reach = [found[name] for name in product.activations()]
        weights = [product.node.input[f.position] for f in product.factors if isinstance(f, Weight)]
        reach += [float(np.abs(to_array(known[name])).max()) for name in weights]
        if any(value > FP16.largest for value in reach):
            kept.add(f"a factor reaches beyond {FP16.largest:g}", label(product.node))
        else:
            held.append(product)
    return held


def require_some(
    products: list[Product],
    kept: Kept,
    model: ModelProto,
    recipe: str,
    *,
    operators: Sequence[str] = PRODUCTS,
) -> None:
    """Raise EngineError where there are no products."""
    if products:
        return
    present = sorted({node.op_type for node in model.graph.node})
    reasons = "; ".join(kept.sentences())
    raise EngineError(
        "precision-mismatch",
        f"{recipe}: expected one of {', '.join(operators)} that it can quantize, "
        f"got {', '.join(present) or 'no node'}" + (f" ({reasons})" if reasons else ""),
        "Exclude this precision for the model, or ask for fp16.",
    )


def _quantize(
    product: Product,
    found: Mapping[str, float],
    known: Constants,
    pairs: Pairs,
    *,
    per_channel: bool,
) -> None:
    node = product.node
    for factor in product.factors:
        name = node.input[factor.position]
        if isinstance(factor, Activation):
            node.input[factor.position] = pairs.activation(name, found[name])
            continue
        axis = factor.channels if per_channel else None
        make = pairs.float_weight if factor.recurrent else pairs.weight
        node.input[factor.position] = make(known[name], name, axis)


def rewrite(
    model: ModelProto,
    products: list[Product],
    pairs: Pairs,
    quantize: Callable[[Product], None],
) -> None:
    """Quantize each product in the graph's order, what `pairs` makes for it going before it.

    Constants that nothing reads any more go.
    """
    chosen = {product.key: product for product in products}
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        product = chosen.get(tuple(node.output))
        if product is not None:
            quantize(product)
        nodes += [*pairs.take(), node]
    graph = type(model.graph)(node=nodes)
    del model.graph.node[:]
    model.graph.node.extend(graph.node)
    drop_unread(model, pairs.replaced)
