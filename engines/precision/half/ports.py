"""Which inputs and outputs of a node can have another type than fp32, by the operator's definition.

What shares a type variable in the definition changes together or not at all, so that a node has
either legal types or its old ones.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnx import TensorProto

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onnx import NodeProto
    from onnx.defs import OpSchema

    from engines.precision.half.half import Half

    TypeOf = Callable[[str], int]

UNKNOWN = TensorProto.UNDEFINED
CONTROL_FLOW = ("If", "Loop", "Scan")
"""Every float that enters or leaves their bodies changes, so that states keep one type."""

TYPE_ATTRIBUTES = {
    "Cast": "to",
    "ConstantOfShape": "value",
    "DequantizeLinear": "output_dtype",
    "EyeLike": "dtype",
    "RandomNormal": "dtype",
    "RandomNormalLike": "dtype",
    "RandomUniform": "dtype",
    "RandomUniformLike": "dtype",
    "Bernoulli": "dtype",
    "BlackmanWindow": "output_datatype",
    "HammingWindow": "output_datatype",
    "HannWindow": "output_datatype",
}
"""By operator, the attribute that gives its output's type where no input does."""

_ONE_TYPE = ("QuantizeLinear", "DequantizeLinear", "LinearAttention")
"""Their floats may differ by definition (from opset 23 on). TensorRT wants those of the first two
the same, and ONNX infers so of LinearAttention where no state goes in.
"""

_ANY_TYPE = ("Cast", "CastLike", "Shape", "Size")
"""Their first input decides no other type: it is taken as it comes, which saves a Cast."""

Port = tuple[bool, int]
"""Whether it is an output, and its position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Positions of a node's inputs and outputs that change their type."""

    inputs: frozenset[int] = frozenset()
    outputs: frozenset[int] = frozenset()


def takes_any_type(node: NodeProto, position: int) -> bool:
    """Return whether an input may have whatever type it comes in."""
    return position == 0 and node.op_type in _ANY_TYPE


def find_ports(
    node: NodeProto, schema: OpSchema | None, type_of: TypeOf, half: Half
) -> Ports | None:
    """Return what can become `half`; None where a type is not known, or not a tensor's."""
    if schema is None or any(type_of(name) == UNKNOWN for name in _names(node)):
        return None
    inputs, outputs = _floats(node.input, type_of), _floats(node.output, type_of)
    if node.op_type in CONTROL_FLOW:
        return Ports(inputs=inputs, outputs=outputs)
    free = _variables(schema, half)
    changing = {
        port
        for variables, ports in _groups(node, schema, inputs, outputs).items()
        if free.issuperset(variables) and _is_decided(node, ports)
        for port in ports
    }
    return Ports(
        inputs=frozenset(position for is_output, position in changing if not is_output),
        outputs=frozenset(position for is_output, position in changing if is_output),
    )


def _groups(
    node: NodeProto, schema: OpSchema, inputs: frozenset[int], outputs: frozenset[int]
) -> dict[frozenset[str], set[Port]]:
    """Return what changes together, by the type variables or fixed types that it has."""
    groups: dict[frozenset[str], set[Port]] = defaultdict(set)
    for is_output, positions, parameters in (
        (False, inputs, schema.inputs),
        (True, outputs, schema.outputs),
    ):
        for position in positions:
            variable = parameters[min(position, len(parameters) - 1)].type_str
            groups[frozenset((variable,))].add((is_output, position))
    if node.op_type not in _ONE_TYPE:
        return groups
    return {frozenset().union(*groups): set().union(*groups.values())}


def _names(node: NodeProto) -> list[str]:
    return [name for name in (*node.input, *node.output) if name]


def _floats(names: Sequence[str], type_of: TypeOf) -> frozenset[int]:
    return frozenset(
        position
        for position, name in enumerate(names)
        if name and type_of(name) == TensorProto.FLOAT
    )


def _variables(schema: OpSchema, half: Half) -> set[str]:
    """Return the type variables that may stand for `half`."""
    wanted = f"tensor({half.onnx_name})"
    return {
        constraint.type_param_str
        for constraint in schema.type_constraints
        if wanted in constraint.allowed_type_strs
    }


def _is_decided(node: NodeProto, ports: set[Port]) -> bool:
    """Return whether an input or an attribute that we set gives the type."""
    return any(not is_output for is_output, _ in ports) or node.op_type in TYPE_ATTRIBUTES
