"""The nodes of an ONNX file with the types they compute in, as far as the file tells.

ONNX Runtime writes no types of intermediate values into the graphs that it optimizes, so they are
followed from the inputs and the weights: a node's outputs have the type of its first
floating-point input, but for those few operators that say another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from engines.ort.protobuf import contents, fields, integer, texts, varint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FLOATS = {1: "fp32", 10: "fp16", 11: "fp64", 16: "bf16"}
"""By their numbers in TensorProto.DataType."""
INT4 = (21, 22)
_INT32 = 6
_LIMITS = np.iinfo(np.int32)
_NO_FLOATS = frozenset(
    (
        "ArgMax",
        "ArgMin",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "IsInf",
        "IsNaN",
        "Less",
        "LessOrEqual",
        "NonZero",
        "QLinearConv",
        "QLinearMatMul",
        "QuantizeLinear",
        "Shape",
        "Size",
    )
)
"""They take floats and give none."""

_GRAPH = 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _OP, _ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH = 1, 3, 5, 6
_TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW = 2, 8, 9
_VALUE_NAME, _VALUE_TYPE, _TYPE_TENSOR, _ELEMENT = 1, 2, 1, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of the graph or of a body inside it.

    `computes` is the type of its first floating-point input, None where that is not known; `reads`
    are the numbers of the inputs' types, 0 where unknown, and `numbers` its integer attributes.
    """

    op: str
    computes: str | None
    reads: tuple[int, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Attributes:
    numbers: dict[str, int] = field(default_factory=dict)
    tensor_type: int = 0
    bodies: list[memoryview] = field(default_factory=list)


def read_nodes(path: Path) -> tuple[Node, ...]:
    """Return the nodes of an ONNX file, those of a body right before the node that has it."""
    graph = next(contents(memoryview(path.read_bytes()), _GRAPH))
    return tuple(_nodes(graph, {}))


def has_full_int32(path: Path) -> bool:
    """Return whether a weight of type int32 has an element at an end of its range.

    Weights in files beside the graph, and in bodies inside it, are not looked at.
    """
    graph = next(contents(memoryview(path.read_bytes()), _GRAPH))
    for tensor in contents(graph, _INITIALIZER):
        if integer(tensor, _TENSOR_TYPE) == _INT32:
            for raw in contents(tensor, _TENSOR_RAW):
                values = np.frombuffer(raw, "<i4")
                if np.isin(values, (_LIMITS.min, _LIMITS.max)).any():
                    return True
    return False


def _nodes(graph: memoryview, types: dict[str, int]) -> Iterator[Node]:
    """Yield the nodes of a graph; the types of its values are added to those from around it."""
    for tensor in contents(graph, _INITIALIZER):
        for name in texts(tensor, _TENSOR_NAME):
            types[name] = integer(tensor, _TENSOR_TYPE)
    types.update(_value_types(graph, _INPUT))
    for node in contents(graph, _NODE):
        given = _attributes(node)
        inputs = [types.get(name, 0) for name in texts(node, _NODE_INPUT)]
        made = [_first_float(inputs)] * len(texts(node, _NODE_OUTPUT))
        op = texts(node, _OP)[0]
        for body in given.bodies:
            inside = dict(types)
            yield from _nodes(body, inside)
            made = _outputs_of(body, inside)
        yield Node(
            op=op,
            computes=FLOATS.get(_first_float(inputs)),
            reads=tuple(inputs),
            numbers=given.numbers,
        )
        made = _said(op, given, inputs, made)
        # a Loop's body gives its condition first, which is no output of the node
        names = texts(node, _NODE_OUTPUT)
        found = zip(names, made[len(made) - len(names) :], strict=False)
        types.update((name, type_) for name, type_ in found if name and type_)


def _said(op: str, given: _Attributes, inputs: list[int], made: list[int]) -> list[int]:
    """Return the types of the outputs where the operator says them, else `made`."""
    if op in _NO_FLOATS:
        return [0] * len(made)
    if op == "DynamicQuantizeLinear":
        return [0, _first_float(inputs), 0]
    if op == "Cast":
        return [given.numbers.get("to", 0)]
    if op == "CastLike":
        return inputs[1:2]
    if op == "DequantizeLinear":
        return [given.numbers.get("output_dtype", 0) or inputs[1]]
    if op in ("Constant", "ConstantOfShape"):
        return [given.tensor_type]
    return made


def _first_float(types: list[int]) -> int:
    return next((type_ for type_ in types if type_ in FLOATS), 0)


def _outputs_of(body: memoryview, types: Mapping[str, int]) -> list[int]:
    return [types.get(texts(value, _VALUE_NAME)[0], 0) for value in contents(body, _OUTPUT)]


def _value_types(graph: memoryview, number: int) -> Iterator[tuple[str, int]]:
    for value in contents(graph, number):
        for type_ in contents(value, _VALUE_TYPE):
            for tensor in contents(type_, _TYPE_TENSOR):
                if element := integer(tensor, _ELEMENT):
                    yield texts(value, _VALUE_NAME)[0], element


def _attributes(node: memoryview) -> _Attributes:
    found = _Attributes()
    for attribute in contents(node, _ATTRIBUTE):
        name = texts(attribute, _ATTRIBUTE_NAME)[0]
        for number, whole, content in fields(attribute):
            if number == _ATTRIBUTE_INT and content is None:
                found.numbers[name] = varint(whole, 1)[0]
            elif number == _ATTRIBUTE_TENSOR and content is not None:
                found.tensor_type = integer(content, _TENSOR_TYPE)
            elif number == _ATTRIBUTE_GRAPH and content is not None:
                found.bodies.append(content)
    return found
