"""Linear quantization of an array: q = round(x / s) + z, saturating, and back x = (q − z) · s.

The operator specification of ONNX's QuantizeLinear; Jacob et al. 2018 (arXiv:1712.05877). Every
recipe here is symmetric: z = 0, and s = the greatest magnitude over the greatest code, so that 0 is
exact and products need no correction (Wu et al. 2020, arXiv:2004.09602, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

Values = NDArray[np.float32]
Codes = NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The codes of a quantized type, used from -`largest` to `largest`.

    `element` is ONNX's number of the type; `even` says that codes are integers.
    """

    name: str
    element: int
    largest: float
    even: bool = True


INT8 = Grid(name="int8", element=TensorProto.INT8, largest=127)
INT4 = Grid(name="int4", element=TensorProto.INT4, largest=7)
FP8 = Grid(name="fp8", element=TensorProto.FLOAT8E4M3FN, largest=448, even=False)
"""E4M3 without infinities (Micikevicius et al. 2022, arXiv:2209.05433)."""
_MOST_SATURATED = 0.99
"""Of the greatest magnitude, where a scale is rounded down."""


def scale_of(greatest: Values, grid: Grid, *, half: bool = False) -> Values:
    """Return the scale of each greatest magnitude; 1 where that is 0, which any scale holds.

    With `half` the scales are numbers of fp16, in float32 still: what is quantized by them loses
    nothing when the graph around becomes fp16. Where those lie far apart, which is below 1e-5, they
    are rounded up, so that nothing saturates.
    """
    limits = np.finfo(np.float16 if half else np.float32)
    least = limits.smallest_subnormal if half else limits.tiny
    scale = np.clip(greatest / np.float32(grid.largest), np.float32(least), np.float32(limits.max))
    scale = np.where(greatest == 0, np.float32(1), scale)
    nearest = scale.astype(limits.dtype)
    above = np.nextafter(nearest, limits.max)
    return np.where(nearest < scale * _MOST_SATURATED, above, nearest).astype(np.float32)


def quantize(values: Values, scale: Values, grid: Grid) -> Codes:
    """Return the codes of `values`; `scale` broadcasts to their shape.

    Rounds half to even, as ONNX does.
    """
    codes = values / scale
    if grid.even:
        codes = np.rint(codes)
    codes = np.clip(codes, -grid.largest, grid.largest)
    quantized: Codes = codes.astype(helper.tensor_dtype_to_np_dtype(grid.element))
    return quantized


def greatest_of_axis(values: Values, axis: int | None) -> Values:
    """Return the greatest magnitude at each place of an axis, or of all where it is None."""
    others = None if axis is None else tuple(k for k in range(values.ndim) if k != axis)
    greatest: Values = np.max(np.abs(values), axis=others)
    return greatest


def block_length(length: int, longest: int) -> int:
    """Return the longest block that an axis divides into, all of it where only short ones fit.

    TensorRT takes a block to be the axis' length over the number of scales, so that it would
    misread a last block that is shorter.
    """
    fitting = (size for size in range(longest, longest // 2 - 1, -1) if length % size == 0)
    return next(fitting, length)


def greatest_of_blocks(values: Values, axis: int, size: int) -> Values:
    """Return the greatest magnitude of each block of an axis."""
    starts = np.arange(0, values.shape[axis], size)
    greatest: Values = np.maximum.reduceat(np.abs(values), starts, axis=axis)
    return greatest


def along(scale: Values, axis: int | None, rank: int) -> Values:
    """Return scales of an axis in a shape that broadcasts to arrays of that rank."""
    if axis is None:
        return scale
    shape = [1] * rank
    shape[axis] = -1
    return scale.reshape(shape)


def over_blocks(scale: Values, axis: int, size: int) -> Values:
    """Return scales of blocks, each repeated over its block."""
    return np.repeat(scale, size, axis=axis)
