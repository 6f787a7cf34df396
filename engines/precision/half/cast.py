"""The rest of a graph in fp16 or bf16, one pass for both, driven by ONNX's operator definitions.

Why an own one: of the libraries' converters onnxconverter-common and ONNX Runtime's know fp16
only and go by lists of operators, and the latter's result fails ONNX's own checker. The definition
says of every operator, at the model's opset, which inputs and outputs can have the type, so
nothing is listed here. What cannot change stays fp32 between two Casts; what stays side by side
has none in between. Inputs and outputs of the model keep their types.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from onnx import helper, inliner, numpy_helper, shape_inference

from engines.graph.walk import bodies
from engines.precision.edit.names import Names, label
from engines.precision.edit.opset import opsets_of, schema_of
from engines.precision.half.moves import leave_moves
from engines.precision.half.ports import (
    CONTROL_FLOW,
    TYPE_ATTRIBUTES,
    Ports,
    find_ports,
    takes_any_type,
)
from engines.precision.half.readers import Readers
from engines.precision.half.scope import FLOAT, Scope
from engines.precision.half.sizes import find_size_nodes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

    from engines.precision.half.half import Half

_SCALED = ("QuantizeLinear", "DequantizeLinear")
_FIRST_IR_WITHOUT_LISTED_WEIGHTS = 4
_NOTHING: Mapping[str, str] = MappingProxyType({})
_KEEP = {"MeanVarianceNormalization": "ONNX defines it with constants of fp32"}


def to_half(
    model: ModelProto, half: Half, *, keep: Mapping[str, str] = _NOTHING
) -> tuple[ModelProto, tuple[str, ...]]:
    """Return the model with what was fp32 in that type, and what stays fp32 and why.

    `keep` has operators that stay as they are, with the reason.
    """
    if model.functions:
        model = inliner.inline_local_functions(model)
    _settle_weights(model)
    typed = shape_inference.infer_shapes(model)
    halving = _Halving(typed, half, keep)
    halving.convert(typed.graph, None, changes=True)
    return typed, halving.kept


class _Halving:
    """One pass through a model, its graphs from the outside in and their nodes in order."""

    def __init__(self, model: ModelProto, half: Half, keep: Mapping[str, str]) -> None:
        self._half = half
        self._keep = {**_KEEP, **keep}
        self._names = Names(model)
        self._opsets = opsets_of(model)
        self._kept: dict[tuple[str, ...], list[str]] = defaultdict(list)

    @property
    def kept(self) -> tuple[str, ...]:
        """Return the first sentence of each kind, with the number of its others."""
        return tuple(
            first + (f" (and {len(others)} more)" if others else "")
            for first, *others in self._kept.values()
        )

    def convert(self, graph: GraphProto, outer: Scope | None, *, changes: bool) -> None:
        """Change a graph; without `changes` only what it reads from around it."""
        scope = Scope(graph, outer, self._half, self._names)
        inside = self._half.element if changes else FLOAT
        scope.make_inputs(FLOAT if outer is None else inside)
        ports = self._all_ports(graph, scope) if changes else [None] * len(graph.node)
        for node, changing in zip(list(graph.node), ports, strict=True):
            if not scope.is_constant(node):
                self._change(node, scope, changing)
            scope.nodes.append(node)
        scope.finish(FLOAT if outer is None else inside)
        for old, sentence in scope.changed_values():
            self._kept["value", str(old)].append(sentence)

    def _all_ports(self, graph: GraphProto, scope: Scope) -> list[Ports | None]:
        readers = Readers(graph)
        sizes = find_size_nodes(graph, scope.type_of, readers)
        ports = [
            None if scope.is_constant(node) else self._ports(node, scope, number in sizes)
            for number, node in enumerate(graph.node)
        ]
        return leave_moves(graph, ports, readers)

    def _ports(self, node: NodeProto, scope: Scope, is_size: bool) -> Ports | None:
        """Return what of a node changes, None where nothing does; counts why."""
        ports = find_ports(node, schema_of(node, self._opsets), scope.type_of, self._half)
        why = self._why_not(node, scope, ports, is_size)
        if why is None:
            return ports
        if any(scope.type_of(name) == FLOAT for name in (*node.input, *node.output) if name):
            kind = "constant" if why.startswith("'") else why
            self._kept[node.op_type, kind].append(f"{node.op_type} stays fp32: {why}")
        return None

    def _why_not(
        self, node: NodeProto, scope: Scope, ports: Ports | None, is_size: bool
    ) -> str | None:
        if ports is None:
            defined = schema_of(node, self._opsets) is not None
            return "types around it are not known" if defined else "ONNX does not define it"
        if node.op_type in self._keep:
            return self._keep[node.op_type]
        if is_size:
            return f"it computes sizes or positions, which {self._half.name} cannot count"
        if not ports.inputs and not ports.outputs:
            return f"opset {self._opsets.get('', 0)} has it without {self._half.name}"
        return self._misfit(node, scope, ports)

    def _misfit(self, node: NodeProto, scope: Scope, ports: Ports) -> str | None:
        """Return which constant of a node cannot be stored in the type."""
        for position in sorted(ports.inputs):
            constant = scope.constant(node.input[position])
            if constant is None:
                continue
            is_scale = node.op_type in _SCALED and position == 1
            why = self._half.misfit(numpy_helper.to_array(constant), is_scale=is_scale)
            if why is not None:
                return f"{constant.name!r} of {label(node)} does not fit: {why}"
        return None

    def _change(self, node: NodeProto, scope: Scope, ports: Ports | None) -> None:
        """Give a node's inputs, bodies and outputs their types; None leaves them fp32."""
        inputs = ports.inputs if ports else frozenset()
        outputs = ports.outputs if ports else frozenset()
        for position, name in enumerate(node.input):
            if scope.type_of(name) == FLOAT:
                element = self._half.element if position in inputs else FLOAT
                any_type = takes_any_type(node, position)
                node.input[position] = scope.read(name, None if any_type else element)
        changes = ports is not None and node.op_type in CONTROL_FLOW
        for body in bodies(node):
            self.convert(body, scope, changes=changes)
        for position, name in enumerate(node.output):
            if scope.type_of(name) == FLOAT:
                element = self._half.element if position in outputs else FLOAT
                node.output[position] = scope.make(name, element)
        if outputs:
            _state_type(node, self._half)


def _settle_weights(model: ModelProto) -> None:
    """Make constants of weights that the model also lists as inputs; nothing here feeds them."""
    weights = {tensor.name for tensor in model.graph.initializer}
    for value in [value for value in model.graph.input if value.name in weights]:
        model.graph.input.remove(value)
    model.ir_version = max(model.ir_version, _FIRST_IR_WITHOUT_LISTED_WEIGHTS)


def _state_type(node: NodeProto, half: Half) -> None:
    """Set the attribute that gives the output's type, where the operator has one."""
    name = TYPE_ATTRIBUTES.get(node.op_type)
    given = next((a for a in node.attribute if a.name == name), None)
    if name is None or (given is None and node.op_type == "DequantizeLinear"):
        return
    stated: object = half.element
    if node.op_type == "ConstantOfShape":
        values = numpy_helper.to_array(given.t) if given else np.zeros(1, np.float32)
        stated = numpy_helper.from_array(half.rounded(values))
    if given is not None:
        node.attribute.remove(given)
    node.attribute.append(helper.make_attribute(name, stated))
