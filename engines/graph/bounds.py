"""How large the integers of an input may be: the length of what they index.

An input's values are followed through operators that keep them as they are, into the bodies of
If, Loop and Scan nodes by name, to the indices of Gather.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engines.graph.walk import bodies

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

_KEEP_VALUES = {"Cast", "Identity", "Reshape", "Unsqueeze", "Squeeze", "Transpose", "Flatten"}
_KEEP_SHAPE = {"Cast", "Identity", "DequantizeLinear"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """What names mean inside a graph: the input whose values they hold, and known shapes."""

    origins: MutableMapping[str, str]
    shapes: MutableMapping[str, tuple[int, ...]]
    bounds: dict[str, int] = field(default_factory=dict)

    def inner(self) -> _Scope:
        """Return the scope of a body: its names hide nothing outside it."""
        return _Scope(
            origins=ChainMap({}, self.origins), shapes=ChainMap({}, self.shapes), bounds=self.bounds
        )


def index_bounds(graph: GraphProto, inputs: Iterable[str]) -> dict[str, int]:
    """Return the exclusive upper bound of each input that indexes something of known length."""
    scope = _Scope(origins={name: name for name in inputs}, shapes={})
    _visit(graph, scope)
    return scope.bounds


def _visit(graph: GraphProto, scope: _Scope) -> None:
    for value in (*graph.value_info, *graph.input):
        dims = value.type.tensor_type.shape.dim
        scope.shapes[value.name] = tuple(dim.dim_value for dim in dims)
    for tensor in graph.initializer:
        scope.shapes[tensor.name] = tuple(tensor.dims)
    for node in graph.node:
        if node.output:
            _step(node, scope)
        for body in bodies(node):
            _visit(body, scope.inner())


def _step(node: NodeProto, scope: _Scope) -> None:
    if node.op_type == "Constant":
        for attribute in node.attribute:
            if attribute.name == "value":
                scope.shapes[node.output[0]] = tuple(attribute.t.dims)
    if not node.input:
        return
    if node.op_type == "Gather" and len(node.input) == 2:
        _bound(node, scope)
    if node.op_type in _KEEP_VALUES and node.input[0] in scope.origins:
        scope.origins[node.output[0]] = scope.origins[node.input[0]]
    if node.op_type in _KEEP_SHAPE and node.input[0] in scope.shapes:
        scope.shapes[node.output[0]] = scope.shapes[node.input[0]]


def _bound(node: NodeProto, scope: _Scope) -> None:
    data, indices = node.input
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
    shape, origin = scope.shapes.get(data, ()), scope.origins.get(indices)
    if origin is None or not -len(shape) <= axis < len(shape) or shape[axis] < 1:
        return
    scope.bounds[origin] = min(shape[axis], scope.bounds.get(origin, shape[axis]))
