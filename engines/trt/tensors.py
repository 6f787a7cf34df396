"""The inputs and outputs of an engine: where they are, of which type, and their buffers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.contract import EngineError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_TYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "UINT8": "uint8",
    "BOOL": "bool",
}
_ML_TYPES = {"BF16": "bfloat16", "FP8": "float8_e4m3fn"}
"""Types that numpy lacks and ml_dtypes brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """An input or output; one that is `on_host` is a shape, which the runtime reads there."""

    name: str
    is_input: bool
    on_host: bool
    dtype: np.dtype[Any]


def tensors_of(trt: Any, engine: Any) -> tuple[Tensor, ...]:
    """Return the engine's inputs and outputs in its order. Raises EngineError for unknown types."""
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    return tuple(
        Tensor(
            name=name,
            is_input=engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT,
            on_host=engine.get_tensor_location(name) == trt.TensorLocation.HOST,
            dtype=_dtype(name, engine.get_tensor_dtype(name).name),
        )
        for name in names
    )


def _dtype(tensor: str, name: str) -> np.dtype[Any]:
    if name in _TYPES:
        return np.dtype(_TYPES[name])
    if name in _ML_TYPES:
        import ml_dtypes

        found: np.dtype[Any] = np.dtype(getattr(ml_dtypes, _ML_TYPES[name]))
        return found
    raise EngineError(
        "unsupported-op",
        f"tensor {tensor!r}: expected an input or output of a type that an array can have, "
        f"got {name}",
        "Give the model inputs and outputs of another type.",
    )


def checked_input(tensor: Tensor, arrays: Any) -> Array:
    """Return the input's array, contiguous. Raises EngineError where there is none of its type."""
    if tensor.name not in arrays:
        raise EngineError(
            "invalid-model",
            f"engine: expected an array for input {tensor.name!r}, got {sorted(arrays)}",
            "Give the input's values under the model's `inputs`.",
        )
    array: Array = arrays[tensor.name]
    if array.dtype != tensor.dtype:
        raise EngineError(
            "precision-mismatch",
            f"input {tensor.name!r}: expected {tensor.dtype}, as the plan has it, "
            f"got {array.dtype}",
            "Export the model with that type: the runtime has no other for it.",
        )
    return np.ascontiguousarray(array).reshape(array.shape)


def size_bytes(tensor: Tensor, shape: tuple[int, ...]) -> int:
    """Return the bytes of a buffer, at least one: an address is needed even for no elements."""
    return max(1, prod(shape) * tensor.dtype.itemsize)


def known_shape(tensor: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return an output's shape. Raises EngineError where only the data tells it.

    Its buffer would have to be allocated inside the query, which is then no longer the same work.
    """
    if any(size < 0 for size in shape):
        spelt = ", ".join("?" if size < 0 else str(size) for size in shape)
        raise EngineError(
            "unsupported-op",
            f"output {tensor.name!r}: expected a shape that follows from the inputs' shapes, "
            f"got [{spelt}], which depends on their values",
            "Cut the model before that node, or use onnxruntime.",
        )
    return shape
