"""The constants of a graph and of the bodies in it, at the types that an engine keeps them in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.graph.infer import constant_of, tensor_of
from engines.graph.operations import INTEGER_PRODUCTS, VIEWS
from engines.graph.tensors import Tensor, count, is_float, precision_name, size_bytes
from engines.graph.trace import every_step
from engines.graph.walk import every_graph

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

    from engines.graph.tensors import Block

Uses = Mapping[str, Sequence[tuple["NodeProto", int]]]
"""By the name of a tensor the nodes that read it, each with the place; names of bodies pooled."""

_FOLDED = VIEWS | {"Cast", "Concat", "DequantizeLinear", "QuantizeLinear", "Slice", "Split"}
_FOLDED |= {"Transpose"}
_MOVED = VIEWS | {"Transpose"}

PRODUCTS: Mapping[str, tuple[int, ...]] = {
    **INTEGER_PRODUCTS,
    **dict.fromkeys(("MatMul", "Gemm", "Conv", "ConvTranspose", "Einsum"), (0, 1)),
    **dict.fromkeys(("RNN", "GRU", "LSTM", "Attention"), (0, 1, 2)),
}
"""Operators that multiply and add, with the places of what they multiply."""

_TABLES = {"Gather": (0,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A constant as an engine keeps it: what a Cast or a QuantizeLinear makes of it counts.

    `is_weight` marks what a product multiplies with or a Gather looks up, as it is or dequantized,
    cast or moved; biases, scales, shapes and masks are none.
    """

    name: str
    data_type: int
    number: int
    is_weight: bool

    @property
    def size_bytes(self) -> int:
        """Return its bytes, packed where elements are of less than one."""
        return size_bytes(self.number, self.data_type)


def parameters(block: Block) -> tuple[Parameter, ...]:
    """Return all constants: initializers and Constant nodes, those of bodies too, once each."""
    uses, known = readers(block.graph), pooled(block)
    return tuple(
        Parameter(
            name=name,
            data_type=(kept := _kept_type(name, tensor.data_type, uses, known)),
            number=count(tensor),
            is_weight=bool(precision_name(kept)) and _is_multiplied(name, uses, known),
        )
        for name, tensor in _constants(block.graph)
    )


def readers(graph: GraphProto) -> Uses:
    """Return who reads what, in the graph and in the bodies inside it."""
    uses = defaultdict(list)
    for inner in every_graph(graph):
        for node in inner.node:
            for place, name in enumerate(node.input):
                uses[name].append((node, place))
    return uses


def pooled(block: Block) -> dict[str, Tensor]:
    """Return the tensors of the graph and of its bodies by name."""
    known = dict(block.tensors)
    for step in every_step(block):
        for body in step.blocks:
            known |= body.tensors
    return known


def _constants(graph: GraphProto) -> Iterator[tuple[str, Tensor]]:
    for inner in every_graph(graph):
        for tensor in inner.initializer:
            yield tensor.name, tensor_of(tensor)
        for sparse in inner.sparse_initializer:
            yield sparse.values.name, tensor_of(sparse.values)
        for node in inner.node:
            if node.op_type == "Constant":
                yield node.output[0], constant_of(node)


def _kept_type(name: str, own: int, uses: Uses, known: Mapping[str, Tensor]) -> int:
    """Return the type that a constant has once what follows from it alone is computed."""
    nodes = [node for node, _ in uses.get(name, ())]
    operators = {node.op_type for node in nodes}
    if not nodes or not is_float(own) or len(operators) > 1:
        return own
    output = nodes[0].output[0]
    if operators <= {"Cast", "QuantizeLinear"} and nodes[0].input[0] == name:
        return known[output].data_type or own if output in known else own
    if operators <= _MOVED and len(nodes) == 1:
        return _kept_type(output, own, uses, known)
    return own


def _is_multiplied(name: str, uses: Uses, known: Mapping[str, Tensor]) -> bool:
    for node, place in uses.get(name, ()):
        if place in PRODUCTS.get(node.op_type, ()) or place in _TABLES.get(node.op_type, ()):
            return True
        if node.op_type in _FOLDED and (place == 0 or node.op_type == "Concat"):
            outputs = [each for each in node.output if each in known and known[each].constant]
            if any(_is_multiplied(each, uses, known) for each in outputs):
                return True
    return False
