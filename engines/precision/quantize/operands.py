"""Which inputs of which nodes are quantized: the factors of matrix products and convolutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from onnx import TensorProto

from engines.precision.edit.constants import Constants
from engines.precision.edit.opset import is_onnx

if TYPE_CHECKING:
    from onnx import NodeProto


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """An input that is computed: one scale for the whole tensor."""

    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """A constant input.

    `channels` is the axis whose places each have a scale, those of the output's channels; None
    gives one scale to the whole tensor. `summed` is the first of the axes that the product sums
    over. A `kernel` sums over all axes but one; `recurrent` weights are multiplied at each step.
    """

    position: int
    channels: int | None
    summed: int
    kernel: bool = False
    recurrent: bool = False


Operand = Activation | Weight


_MATRIX = 2


class UnfitError(Exception):
    """A node of an operator that can be quantized cannot be itself; the message is the reason."""


def operands(node: NodeProto, constants: Constants) -> tuple[Operand, ...]:
    """Return the factors of a node's product, none where its operator has no such product.

    Raises UnfitError.
    """
    if not is_onnx(node) or node.op_type not in _FACTORS:
        return ()
    found = _FACTORS[node.op_type](node, constants)
    for operand in found:
        if isinstance(operand, Weight):
            _require_floats(constants[node.input[operand.position]])
    return found


def _require_floats(weight: TensorProto) -> None:
    if weight.data_type != TensorProto.FLOAT:
        raise UnfitError(f"its weight is {TensorProto.DataType.Name(weight.data_type).lower()}")
    if not prod(weight.dims):
        raise UnfitError("its weight is empty")


def _conv(node: NodeProto, constants: Constants) -> tuple[Operand, ...]:
    _require_constant(node, (1,), constants)
    return Activation(position=0), Weight(position=1, channels=0, summed=1, kernel=True)


def _conv_transpose(node: NodeProto, constants: Constants) -> tuple[Operand, ...]:
    _require_constant(node, (1,), constants)
    return Activation(position=0), Weight(position=1, channels=1, summed=0, kernel=True)


def _matmul(node: NodeProto, constants: Constants) -> tuple[Operand, ...]:
    """Return both factors; a stack of matrices has one scale.

    ONNX Runtime 1.31 refuses a stack with a scale for each column.
    """
    found: list[Operand] = []
    for position, name in enumerate(node.input):
        if name not in constants:
            found.append(Activation(position=position))
            continue
        rank = len(constants[name].dims)
        if rank < _MATRIX:
            raise UnfitError("its weight is no matrix")
        channels = position if rank == _MATRIX else None
        found.append(Weight(position=position, channels=channels, summed=rank - 1 - position))
    _require_activation(found)
    return tuple(found)


def _gemm(node: NodeProto, constants: Constants) -> tuple[Operand, ...]:
    found: list[Operand] = []
    for position, name in enumerate(node.input[:2]):
        turned = any(a.name == ("transA", "transB")[position] and a.i for a in node.attribute)
        summed = position if turned else 1 - position
        if name in constants:
            found.append(Weight(position=position, channels=1 - summed, summed=summed))
        else:
            found.append(Activation(position=position))
    _require_activation(found)
    return tuple(found)


def _recurrent(node: NodeProto, constants: Constants) -> tuple[Operand, ...]:
    """Return the input and both weights [direction, row, column].

    The initial states stay: they are often zero, and zero has no scale.
    """
    _require_constant(node, (1, 2), constants)
    weights = (Weight(position=k, channels=1, summed=2, recurrent=True) for k in (1, 2))
    return Activation(position=0), *weights


def _require_constant(node: NodeProto, positions: tuple[int, ...], constants: Constants) -> None:
    if any(node.input[position] not in constants for position in positions):
        raise UnfitError("its weight is computed")


def _require_activation(found: list[Operand]) -> None:
    if not any(isinstance(operand, Activation) for operand in found):
        raise UnfitError("both of its factors are constant")


_FACTORS: Mapping[str, Callable[[NodeProto, Constants], tuple[Operand, ...]]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MatMul": _matmul,
    "Gemm": _gemm,
    "RNN": _recurrent,
    "GRU": _recurrent,
    "LSTM": _recurrent,
}
PRODUCTS = tuple(_FACTORS)
"""The operators that the recipes quantize."""
