"""Which nodes compute sizes and positions in floats, which half of the digits would falsify.

fp16 counts without gaps up to 2048, bf16 up to 256. Exporters write floor(length × 0.5) and the
like as Cast, Mul, Floor, Cast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto

from engines.precision.half.ports import CONTROL_FLOW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnx import GraphProto, NodeProto

    from engines.precision.half.ports import TypeOf
    from engines.precision.half.readers import Readers

_READS_SIZES = {("Resize", 2), ("Upsample", 1), ("Range", 0), ("Range", 1), ("Range", 2)}
_READS_SHAPE_ONLY = ("Shape", "Size")
_INTEGERS = frozenset(
    TensorProto.DataType.Value(f"{sign}INT{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64)
)


def find_size_nodes(graph: GraphProto, type_of: TypeOf, readers: Readers) -> frozenset[int]:
    """Return numbers of nodes whose floats come of integers and constants and end as sizes.

    Such an end is a Cast to integers, a Resize's scales or a Range. Bodies are not looked into.
    """
    counted = _counted(graph, type_of)
    found: set[int] = set()
    for number in reversed(range(len(graph.node))):
        outputs = _floats(graph.node[number].output, type_of)
        if outputs and counted.issuperset(outputs):
            readings = readers.of(outputs)
            if readings and all(
                reader in found or _ends_as_size(graph.node[reader], position, type_of)
                for reader, position in readings
            ):
                found.add(number)
    return frozenset(found)


def _counted(graph: GraphProto, type_of: TypeOf) -> set[str]:
    """Return the floats that follow from integers and constants."""
    counted = {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type not in CONTROL_FLOW and counted.issuperset(_floats(node.input, type_of)):
            counted.update(_floats(node.output, type_of))
    return counted


def _floats(names: Iterable[str], type_of: TypeOf) -> list[str]:
    return [name for name in names if name and type_of(name) == TensorProto.FLOAT]


def _ends_as_size(node: NodeProto, position: int, type_of: TypeOf) -> bool:
    if node.op_type == "Cast":
        return type_of(node.output[0]) in _INTEGERS
    return node.op_type in _READS_SHAPE_ONLY or (node.op_type, position) in _READS_SIZES
