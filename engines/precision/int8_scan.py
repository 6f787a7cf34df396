"""int8-scan: recurrences written as Scans, whose states go through int8 at every step too.

int8 alone quantizes what goes into an RNN, GRU or LSTM, and never the state that goes round inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engines.contract import EngineError
from engines.graph.walk import bodies, every_graph
from engines.precision.edit.constants import constants
from engines.precision.edit.names import Names, label
from engines.precision.edit.start import start
from engines.precision.quantize.bias import split_biases
from engines.precision.quantize.calibration import Wanted, ranges
from engines.precision.quantize.linear import INT8
from engines.precision.quantize.products import quantize_products
from engines.precision.quantize.qdq import Pairs
from engines.precision.recipe import Calibration, Converted
from engines.precision.scan.as_scan import Scanned, as_scan, is_recurrent

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

_RECIPE = "int8-scan"
_CHANNEL_SCALES_OPSET = 13
_STATE_BOUND = 1.0
"""|h| stays below: it is a tanh, that times a sigmoid, or a mean of that and the state before."""


def int8_scan(model: ModelProto, calibration: Calibration) -> Converted:
    """Return the graph with Scans for recurrent operators and int8 products. Raises EngineError.

    Operators that a Scan here cannot express are quantized as `int8` does it. Where all are such,
    the error's kind is `unsupported-op`; without any recurrence it is `precision-mismatch`.
    """
    model = start(model, _RECIPE, _CHANNEL_SCALES_OPSET)
    scanned = as_scan(model)
    if not scanned.initial_h:
        raise _nothing_scanned(model, scanned)
    split_biases(model)
    _quantize_states(model, _state_bounds(model, scanned, calibration))
    found = quantize_products(model, calibration, INT8, recipe=_RECIPE)
    left = tuple(
        f"{each.node} stays one operator, its state in fp32: {each.reason}" for each in scanned.left
    )
    return Converted(model=found.model, kept=(*left, *found.kept))


def _nothing_scanned(model: ModelProto, scanned: Scanned) -> EngineError:
    nodes = (node for graph in every_graph(model.graph) for node in graph.node)
    inside = next(filter(is_recurrent, nodes), None)
    if inside is None:
        problem = f"{_RECIPE}: expected an RNN, GRU or LSTM node, got none"
        return EngineError("precision-mismatch", problem, "Ask for int8.")
    if scanned.left:
        problem = f"{scanned.left[0].node}: {scanned.left[0].reason}"
        hint = "Ask for int8, which quantizes what goes into the operator."
    else:
        problem = f"{label(inside)}: expected a node of the graph itself, got one inside another"
        hint = "Export the model without that branch or loop, or ask for fp16."
    return EngineError("unsupported-op", f"{_RECIPE}: {problem}", hint)


def _state_bounds(
    model: ModelProto, scanned: Scanned, calibration: Calibration
) -> dict[str, float]:
    """Return, for each Scan, what no magnitude of its state h exceeds, over all samples."""
    everything = Calibration(samples=calibration.samples, method="minmax")
    wanted = [
        Wanted(tensor=name, reader=f"initial state of {scan!r}")
        for scan, name in scanned.initial_h.items()
        if name
    ]
    found = ranges(model, everything, wanted, _RECIPE)
    return {
        scan: max(_STATE_BOUND, found.get(name, 0.0)) for scan, name in scanned.initial_h.items()
    }


def _quantize_states(model: ModelProto, bounds: Mapping[str, float]) -> None:
    names = Names(model)
    for node in model.graph.node:
        if node.name in bounds:
            for body in bodies(node):
                _quantize_body(body, bounds[node.name], names)


def _quantize_body(body: GraphProto, bound: float, names: Names) -> None:
    """Put both factors of each product of a step through Q/DQ.

    Codes and scales are the body's own: ONNX Runtime computes in integers by no others.
    """
    known, nodes, pairs = constants(body), [], Pairs(body, INT8, names, recipe=_RECIPE)
    for node in body.node:
        if node.op_type == "MatMul":
            state, weight = node.input
            node.input[:] = [
                pairs.activation(state, bound),
                pairs.weight(known[weight], weight, axis=1),
            ]
        nodes += [*pairs.take(), node]
    tensors = [tensor for tensor in body.initializer if tensor.name not in pairs.replaced]
    del body.node[:], body.initializer[:]
    body.node.extend(nodes)
    body.initializer.extend(tensors)
