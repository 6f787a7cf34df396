"""What is known of a tensor before a query runs: its type, its shape, and sometimes its value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

UNKNOWN_TYPE = 0
"""TensorProto.UNDEFINED, and what a value has that is no tensor."""

_BITS = {"INT4": 4, "UINT4": 4, "FLOAT4E2M1": 4, "INT2": 2, "UINT2": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A tensor at the sizes of one query; `data_type` is TensorProto's.

    `shape` is None where it is not known. `value` is that of small ones where it follows from
    weights and sizes. `constant` tells that all of it does: runtimes compute it once, not in each
    query.
    """

    data_type: int = UNKNOWN_TYPE
    shape: tuple[int, ...] | None = None
    value: TensorProto | None = None
    constant: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node with its operands, '' among them as None.

    `blocks` are the bodies that it may run: If one of them, Loop and Scan theirs `trips` times,
    None where only a query tells how often.
    """

    node: NodeProto
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor | None, ...]
    blocks: tuple[Block, ...] = ()
    trips: int | None = 1

    @property
    def constant(self) -> bool:
        """Return whether no query runs it."""
        return all(tensor is None or tensor.constant for tensor in self.outputs)

    @property
    def known(self) -> bool:
        """Return whether all operands and results have a shape."""
        tensors = (*self.inputs, *self.outputs)
        return all(tensor is None or tensor.shape is not None for tensor in tensors)

    def has(self, place: int) -> bool:
        """Return whether there is an operand at a place."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def shape(self, place: int) -> tuple[int, ...]:
        """Return an operand's shape, () for one that is not there or not known."""
        tensor = self.inputs[place] if place < len(self.inputs) else None
        return () if tensor is None or tensor.shape is None else tensor.shape

    def attributes(self) -> dict[str, Any]:
        """Return the node's attributes by name."""
        from onnx.helper import get_attribute_value

        return {each.name: get_attribute_value(each) for each in self.node.attribute}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A graph or a body with what is known of it; `tensors` are those named inside it."""

    graph: GraphProto
    steps: tuple[Step, ...]
    tensors: Mapping[str, Tensor]

    def outputs(self, outer: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Return what the body gives; it may give something of the graph around it."""
        unknown = Tensor()
        names = [value.name for value in self.graph.output]
        return tuple(self.tensors.get(name, outer.get(name, unknown)) for name in names)


@cache
def bits(data_type: int) -> int:
    """Return how many bits an element takes where elements are packed; 0 for text and no tensor."""
    from onnx import TensorProto
    from onnx.helper import tensor_dtype_to_np_dtype

    if data_type in (TensorProto.UNDEFINED, TensorProto.STRING):
        return 0
    name = type_name(data_type)
    return _BITS.get(name) or 8 * tensor_dtype_to_np_dtype(data_type).itemsize


@cache
def type_name(data_type: int) -> str:
    """Return ONNX's name of a type."""
    from onnx import TensorProto

    return str(TensorProto.DataType.Name(data_type))


@cache
def precision_name(data_type: int) -> str:
    """Return what a type is called as a precision, or "" for one that nothing is computed in."""
    name = type_name(data_type)
    for start, precision in _PRECISIONS:
        if name.startswith(start):
            return precision
    return ""


_PRECISIONS = (
    ("FLOAT8", "fp8"),
    ("FLOAT4", "fp4"),
    ("FLOAT16", "fp16"),
    ("FLOAT", "fp32"),
    ("BFLOAT16", "bf16"),
    ("DOUBLE", "fp64"),
    ("INT8", "int8"),
    ("UINT8", "int8"),
    ("INT4", "int4"),
    ("UINT4", "int4"),
    ("INT16", "int16"),
    ("UINT16", "int16"),
)


def is_float(data_type: int) -> bool:
    """Return whether it is one of the floating-point types."""
    return type_name(data_type).startswith(("FLOAT", "BFLOAT", "DOUBLE"))


def count(tensor: Tensor | None) -> int:
    """Return how many elements it has, 0 where that is not known."""
    return 0 if tensor is None or tensor.shape is None else prod(tensor.shape)


def size_bytes(number: int, data_type: int) -> int:
    """Return the bytes of that many elements, packed, the last byte whole."""
    return -(-number * bits(data_type) // 8)
