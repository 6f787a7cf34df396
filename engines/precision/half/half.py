"""The two types of half the width of fp32, and how its constants become theirs."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[Any]


_SCALE_ERROR = 2**-8
"""As a fraction: what bf16, the coarser of both, rounds any number by at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """A type that takes fp32's place: its name here, in operator definitions, and in tensors.

    `largest` is the largest finite value, `smallest` the smallest above zero.
    """

    name: str
    onnx_name: str
    element: int
    dtype: Any
    largest: float
    smallest: float

    def misfit(self, values: Values, *, is_scale: bool) -> str | None:
        """Return why values cannot be stored in this type, or None.

        A weight must not turn infinite. A scale, which divides, must not move by more than
        _SCALE_ERROR either. What has one element is no weight: see `rounded`.
        """
        finite = values[np.isfinite(values)]
        if is_scale:
            return self._scale_misfit(finite)
        reach = np.abs(finite).max(initial=0)
        if values.size > 1 and reach > self.largest:
            return f"it reaches {reach:g}, {self.name} {self.largest:g}"
        return None

    def _scale_misfit(self, scales: Values) -> str | None:
        with np.errstate(over="ignore"):
            held = scales.astype(self.dtype).astype(np.float32)
        wrong = np.flatnonzero(~(np.abs(held - scales) <= np.abs(scales) * _SCALE_ERROR))
        if not wrong.size:
            return None
        scale, nearest = (values.flat[wrong[0]] for values in (scales, held))
        return f"it has {scale:g}, {self.name} {nearest:g}"

    def is_out_of_range(self, value: float) -> bool:
        """Return whether a finite value would round to infinity or to zero."""
        return self.largest < abs(value) < inf or 0 < abs(value) < self.smallest

    def rounded(self, values: Values) -> Values:
        """Return values in this type, halves to even, as IEEE 754 rounds.

        What is finite stays so, and what is one element stays apart from zero: such are masks
        (-1e9 before a softmax) and guards (1e-12 below a fraction line), of which only the order of
        magnitude is meant.
        """
        finite = np.isfinite(values)
        within = np.where(finite, np.clip(values, -self.largest, self.largest), values)
        if values.size == 1 and 0 < abs(values.item()) < self.smallest:
            within = np.copysign(np.full_like(values, self.smallest), values)
        return within.astype(self.dtype)


FP16 = Half(
    name="fp16",
    onnx_name="float16",
    element=TensorProto.FLOAT16,
    dtype=np.float16,
    largest=65504,
    smallest=2**-24,
)
"""binary16 of IEEE 754, with 11 significant bits."""

BF16 = Half(
    name="bf16",
    onnx_name="bfloat16",
    element=TensorProto.BFLOAT16,
    dtype=ml_dtypes.bfloat16,
    largest=(2 - 2**-7) * 2.0**127,
    smallest=2**-133,
)
"""The upper half of an fp32: its range, with 8 significant bits."""
