"""The tensors of a graph while its types change: in which types each of them is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from engines.precision.half.ports import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onnx import GraphProto, NodeProto, ValueInfoProto

    from engines.precision.edit.names import Names
    from engines.precision.half.half import Half

FLOAT: int = TensorProto.FLOAT


class Scope:
    """One graph, inside that of `outer`, whose tensors it sees.

    `nodes` collects the graph's new nodes, in order. A tensor is made in a second type where it is
    first asked for: a constant is rounded, another gets a Cast.
    """

    def __init__(self, graph: GraphProto, outer: Scope | None, half: Half, names: Names) -> None:
        self.nodes: list[NodeProto] = []
        self.rounded: dict[str, TensorProto] = {}
        self._graph = graph
        self._outer = outer
        self._half = half
        self._names = names
        self._types = dict(_types(graph))
        self._kept_names = {value.name for value in graph.output} if outer is None else set()
        self._constants = {tensor.name: tensor for tensor in _constants(graph)}
        self._read: set[str] = set()
        self._made = {name: {FLOAT: name} for name in self._constants}
        for tensor in graph.sparse_initializer:
            self._made[tensor.values.name] = {FLOAT: tensor.values.name}

    def type_of(self, name: str) -> int:
        """Return a tensor's original type, UNKNOWN where ONNX inferred none."""
        return next((s._types[name] for s in self._outward() if name in s._types), UNKNOWN)

    def is_constant(self, node: NodeProto) -> bool:
        """Return whether a node is a Constant of this graph, of fp32."""
        return node.op_type == "Constant" and node.output[0] in self._constants

    def constant(self, name: str) -> TensorProto | None:
        """Return an original fp32 constant, of this graph or one around it."""
        return next((s._constants[name] for s in self._outward() if name in s._constants), None)

    def make_inputs(self, element: int) -> None:
        """Give the graph's fp32 inputs that type."""
        for value in self._graph.input:
            if self.type_of(value.name) == FLOAT:
                value.type.tensor_type.elem_type = element
                self._made[value.name] = {element: value.name}

    def make(self, name: str, element: int) -> str:
        """Return the name for a tensor that a node now makes in that type."""
        is_free = element == FLOAT or name not in self._kept_names
        self._made[name] = {element: name if is_free else self._names.take(self._called(name))}
        return self._made[name][element]

    def read(self, name: str, element: int | None) -> str:
        """Return the name of an fp32 tensor in that type, made where it is not there yet.

        None stands for any type that it is there in.
        """
        owner = next((s for s in self._outward() if name in s._made), None)
        if owner is None:
            return name
        if element is None:
            element = next(iter(owner._made[name]))
        if element == FLOAT:
            owner._read.add(name)
        for scope in self._outward():
            if element in scope._made.get(name, {}):
                return scope._made[name][element]
        if name in owner._constants:
            return owner._round(name)
        return self._cast(name, next(iter(owner._made[name].values())), element)

    def finish(self, element: int) -> None:
        """Write the nodes, constants and types into the graph; its fp32 outputs get that type."""
        for value in self._graph.output:
            if self.type_of(value.name) == FLOAT:
                value.name = self.read(value.name, element)
                value.type.tensor_type.elem_type = element
        initializers = [
            tensor for old in self._graph.initializer for tensor in self._versions(old.name, old)
        ]
        _replace(self._graph.initializer, initializers)
        _replace(self._graph.node, [new for node in self.nodes for new in self._renewed(node)])
        _replace(self._graph.value_info, [v for v in self._graph.value_info if self._retyped(v)])

    def changed_values(self) -> Iterator[tuple[float, str]]:
        """Return constants that became another number than rounding makes, with a sentence."""
        for name, tensor in self.rounded.items():
            old = numpy_helper.to_array(self._constants[name])
            new = numpy_helper.to_array(tensor).astype(np.float32)
            if old.size == 1 and self._half.is_out_of_range(old.item()):
                change = f"{name!r} is {new.item():g} instead of {old.item():g}"
                yield old.item(), f"{change}: {self._half.name} has nothing nearer"

    def _outward(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope._outer

    def _called(self, name: str, element: int | None = None) -> str:
        return f"{name}_{'fp32' if element == FLOAT else self._half.name}"

    def _round(self, name: str) -> str:
        values = numpy_helper.to_array(self._constants[name])
        rounded = self._names.take(self._called(name))
        self.rounded[name] = numpy_helper.from_array(self._half.rounded(values), rounded)
        self._made[name][self._half.element] = rounded
        return rounded

    def _cast(self, name: str, source: str, element: int) -> str:
        """Add a Cast; an output of the model gets its fp32 by its own name."""
        output = self._called(name, element)
        is_output = element == FLOAT and name in self._kept_names
        output = name if is_output else self._names.take(output)
        called = self._names.take(f"{source}_to_{self._called('', element)[1:]}")
        self.nodes.append(helper.make_node("Cast", [source], [output], name=called, to=element))
        self._made.setdefault(name, {})[element] = output
        return output

    def _versions(self, name: str, old: TensorProto) -> list[TensorProto]:
        """Return a constant in the types that are read; as it was where none is."""
        if name not in self.rounded:
            return [old]
        return [old, self.rounded[name]] if name in self._read else [self.rounded[name]]

    def _renewed(self, node: NodeProto) -> list[NodeProto]:
        """Return a node, a Constant once for each type that it is read in."""
        name = node.output[0] if node.output else ""
        if node.op_type != "Constant" or name not in self.rounded:
            return [node]
        rounded = self.rounded[name]
        new = helper.make_node("Constant", [], [rounded.name], name=rounded.name, value=rounded)
        return [node, new] if name in self._read else [new]

    def _retyped(self, value: ValueInfoProto) -> bool:
        """Give what is declared of a tensor its type now; False where there is no such tensor."""
        if self._types.get(value.name) != FLOAT:
            return True
        made = self._made.get(value.name, {})
        for element, name in made.items():
            if name == value.name:
                value.type.tensor_type.elem_type = element
                return True
        return False


def _replace(field: Any, values: Iterable[Any]) -> None:
    kept = list(values)
    del field[:]
    field.extend(kept)


def _types(graph: GraphProto) -> Iterator[tuple[str, int]]:
    for tensor in graph.initializer:
        yield tensor.name, tensor.data_type
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, sparse.values.data_type
    for value in (*graph.input, *graph.value_info, *graph.output):
        if value.type.HasField("tensor_type"):
            yield value.name, value.type.tensor_type.elem_type


def _constants(graph: GraphProto) -> Iterator[TensorProto]:
    """Return fp32 initializers, and values of Constant nodes by the names of their tensors."""
    yield from (tensor for tensor in graph.initializer if tensor.data_type == FLOAT)
    for node in graph.node:
        if node.op_type == "Constant":
            yield from _value(node)


def _value(node: NodeProto) -> Iterator[TensorProto]:
    for attribute in node.attribute:
        if attribute.name == "value" and attribute.t.data_type == FLOAT:
            values = numpy_helper.to_array(attribute.t)
        elif attribute.name in ("value_float", "value_floats"):
            values = np.array(helper.get_attribute_value(attribute), np.float32)
        else:
            continue
        yield numpy_helper.from_array(values, node.output[0])
