"""Putting QuantizeLinear and DequantizeLinear into a graph, one pair a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper, numpy_helper

from engines.contract import EngineError
from engines.precision.quantize.linear import (
    Grid,
    Values,
    along,
    block_length,
    greatest_of_axis,
    greatest_of_blocks,
    over_blocks,
    quantize,
    scale_of,
)

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

    from engines.precision.edit.names import Names


class Pairs:
    """Makes a tensor's quantized stand-in, and remembers it for the next node that reads it.

    `nodes` are those made since they were last taken; they go before the node that asked. Constants
    go into the graph. Methods return the tensor to read instead. With `half`, see `scale_of`.
    """

    def __init__(
        self, graph: GraphProto, grid: Grid, names: Names, *, recipe: str, half: bool = False
    ) -> None:
        self.nodes: list[NodeProto] = []
        self.replaced: set[str] = set()
        self._grid, self._recipe, self._half = grid, recipe, half
        self._names = names
        self._initializers = graph.initializer
        self._made: dict[tuple[object, ...], str] = {}
        self._zeros: dict[tuple[int, ...], str] = {}

    def take(self) -> list[NodeProto]:
        """Return the nodes made since the last call."""
        made, self.nodes = self.nodes, []
        return made

    def activation(self, name: str, greatest: float) -> str:
        """Quantize a computed tensor and back, by one scale."""
        key = ("activation", name)
        if key not in self._made:
            scale = scale_of(np.array(greatest, np.float32), self._grid, half=self._half)
            self._made[key] = self._pair(name, scale, {})
        return self._made[key]

    def weight(self, tensor: TensorProto, name: str, axis: int | None) -> str:
        """Store a constant quantized, by a scale for each place of an axis or by one."""
        key = ("weight", name, axis)
        if key not in self._made:
            values, scale = self._scaled(tensor, name, axis)
            codes = quantize(values, along(scale, axis, values.ndim), self._grid)
            stored = self._store(f"{name}.quantized", codes)
            inputs = (stored, self._store(f"{name}.scale", scale), self._zero(scale))
            self._made[key] = self._dequantize(name, inputs, _axis(axis))
        return self._made[key]

    def float_weight(self, tensor: TensorProto, name: str, axis: int | None) -> str:
        """Leave a constant in floats, and quantize it and back."""
        key = ("float", name, axis)
        if key not in self._made:
            _, scale = self._scaled(tensor, name, axis)
            self._made[key] = self._pair(name, scale, _axis(axis))
        return self._made[key]

    def blocks(
        self, tensor: TensorProto, name: str, axis: int, longest: int | None, *, flat: bool
    ) -> str:
        """Store a constant quantized, by a scale for each block of an axis; None: all of it.

        With `flat` it becomes a matrix [first axis, all others], and then what it was: only so does
        TensorRT-RTX 1.7 take blocks of a convolution's weight.
        """
        key = ("blocks", name, axis, longest)
        if key in self._made:
            return self._made[key]
        values = self._finite(tensor, name)
        shape = values.shape
        matrix = values.reshape(shape[0], -1) if flat else values
        length = matrix.shape[axis]
        size = length if longest is None else block_length(length, longest)
        greatest = greatest_of_blocks(matrix, axis, size)
        scale = scale_of(greatest, self._grid, half=self._half)
        codes = quantize(matrix, over_blocks(scale, axis, size), self._grid)
        blocked = {"axis": axis, "block_size": size} if scale.size > 1 else {}
        scale = scale if blocked else scale.reshape(())
        inputs = (self._store(f"{name}.quantized", codes), self._store(f"{name}.scale", scale))
        made = self._dequantize(name, inputs, blocked)
        self._made[key] = self._reshaped(name, made, shape) if flat else made
        self.replaced.add(name)
        return self._made[key]

    def _scaled(self, tensor: TensorProto, name: str, axis: int | None) -> tuple[Values, Values]:
        values = self._finite(tensor, name)
        self.replaced.add(name)
        greatest = greatest_of_axis(values, axis)
        return values, scale_of(greatest, self._grid, half=self._half)

    def _finite(self, tensor: TensorProto, name: str) -> Values:
        values: Values = numpy_helper.to_array(tensor).astype(np.float32, copy=False)
        if not np.isfinite(values).all():
            raise EngineError(
                "invalid-model",
                f"{self._recipe}: expected finite values of the weight {name!r}, got NaN or Inf",
                "Repair the model's weights.",
            )
        return values

    def _pair(self, name: str, scale: Values, attributes: dict[str, Any]) -> str:
        constants = (self._store(f"{name}.scale", scale), self._zero(scale))
        quantized = self._names.take(f"{name}.quantized")
        self._node("QuantizeLinear", (name, *constants), quantized, attributes)
        return self._dequantize(name, (quantized, *constants), attributes)

    def _dequantize(self, name: str, inputs: Sequence[str], attributes: dict[str, Any]) -> str:
        output = self._names.take(f"{name}.dequantized")
        self._node("DequantizeLinear", inputs, output, attributes)
        return output

    def _reshaped(self, name: str, made: str, shape: Sequence[int]) -> str:
        sizes = self._store(f"{name}.shape", np.array(shape, np.int64))
        output = self._names.take(f"{name}.reshaped")
        self._node("Reshape", (made, sizes), output, {})
        return output

    def _node(
        self, op: str, inputs: Sequence[str], output: str, attributes: dict[str, Any]
    ) -> None:
        name = self._names.take(f"{output}.node")
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=name, **attributes))

    def _store(self, wanted: str, values: Any) -> str:
        name = self._names.take(wanted)
        self._initializers.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def _zero(self, scale: Values) -> str:
        """Return zero points in the shape of the scale; their type is the quantized one."""
        if scale.shape not in self._zeros:
            dtype = helper.tensor_dtype_to_np_dtype(self._grid.element)
            sizes = "x".join(str(size) for size in scale.shape) or "one"
            wanted = f"{self._grid.name}.zero.{sizes}"
            self._zeros[scale.shape] = self._store(wanted, np.zeros(scale.shape, dtype))
        return self._zeros[scale.shape]


def _axis(axis: int | None) -> dict[str, Any]:
    return {} if axis is None else {"axis": axis}
