"""Tensors of the types that ONNX Runtime has and numpy lacks, which ml_dtypes brings."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnxruntime as ort
    from numpy.typing import NDArray

    Array = NDArray[Any]

_ONNX_TYPES = {
    "bfloat16": 16,
    "float8_e4m3fn": 17,
    "float8_e4m3fnuz": 18,
    "float8_e5m2": 19,
    "float8_e5m2fnuz": 20,
    "uint4": 21,
    "int4": 22,
    "float4_e2m1fn": 23,
    "float8_e8m0fnu": 24,
    "uint2": 25,
    "int2": 26,
}
"""The number of each type in onnx.proto, by its name in ml_dtypes."""

_NUMPY_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
}
"""The name in numpy of each type that it has, by its number in onnx.proto."""

_STRING = 8
_NAMES = {number: name for name, number in _ONNX_TYPES.items()}
_BITS = {"uint4": 4, "int4": 4, "float4_e2m1fn": 4, "uint2": 2, "int2": 2}
"""Types of which a byte holds several, the first one in its lowest bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTensor:
    """An array as the runtime takes it. `onnx_type` is None where numpy has the type."""

    data: Array
    shape: tuple[int, ...]
    onnx_type: int | None


def laid_out(array: Array) -> HostTensor:
    """Return the array in the runtime's layout; no copy but of types smaller than a byte."""
    name = array.dtype.name
    number, data = _ONNX_TYPES.get(name), array
    if name in _BITS:
        data = _packed(array, _BITS[name])
    elif number is not None:
        data = np.ascontiguousarray(array)
    return HostTensor(data=data, shape=array.shape, onnx_type=number)


def _packed(array: Array, bits: int) -> Array:
    places = np.arange(0, 8, bits, dtype=np.uint8)
    flat = array.reshape(-1).view(np.uint8) & np.uint8(2**bits - 1)
    rows = np.pad(flat, (0, -flat.size % places.size)).reshape(-1, places.size)
    shifted: Array = rows << places
    whole: Array = shifted.sum(axis=1, dtype=np.uint8)
    return whole


def read(value: ort.OrtValue) -> Array | None:
    """Return a copy of a tensor in host memory, or None where nothing here can hold its type.

    Types that numpy lacks need ml_dtypes, which an environment with a runtime may be without.
    """
    number = value.element_type()
    if number == _STRING:
        return None
    if number not in _NAMES:
        known: Array = value.numpy()
        return known
    raw = np.frombuffer(ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes()), np.uint8)
    return from_bytes(raw, number, value.shape())


def from_bytes(raw: NDArray[np.uint8], onnx_type: int, shape: Sequence[int]) -> Array | None:
    """Return the bytes of a tensor as an array; None where nothing here can hold its type."""
    if onnx_type in _NUMPY_TYPES:
        return raw.view(_NUMPY_TYPES[onnx_type]).reshape(shape)
    try:
        import ml_dtypes
    except ImportError:
        return None
    name = _NAMES[onnx_type]
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    if name in _BITS:
        raw = _unpacked(raw, _BITS[name])[: int(np.prod(shape))]
    return raw.view(dtype).reshape(shape)


def _unpacked(raw: Array, bits: int) -> Array:
    """Return one byte a value, its upper bits empty, as ml_dtypes has them."""
    places = np.arange(0, 8, bits, dtype=np.uint8)
    values: Array = (raw[:, None] >> places) & np.uint8(2**bits - 1)
    return values.reshape(-1)
