"""How outputs agree with the reference on the same inputs, in float64 whatever their type.

Sums go chunk by chunk, so that a large output needs little memory beside itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from results.accuracy import OutputParity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Floats = NDArray[np.float64]

CHUNK_VALUES = 1 << 20
LEAST_MAGNITUDE = float(np.finfo(np.float32).tiny)
"""What stands for the greatest magnitude of a reference that is all zeros: nothing is infinite."""
_LARGEST = float(np.finfo(np.float64).max)


class ParityError(Exception):
    """Two sets of outputs cannot be compared; the text says why."""


def parity(
    reference: Mapping[str, NDArray[np.generic]], found: Mapping[str, NDArray[np.generic]]
) -> tuple[OutputParity, ...]:
    """Return how each output of the reference was met; see OutputParity for the figures.

    NaN in both is no difference. `top1` is None for outputs of one dimension, whose only row would
    go across the samples. Raises ParityError: an output is missing, has another shape, or is no
    array of real numbers.
    """
    for name, expected in reference.items():
        _require_comparable(name, expected, found)
    with np.errstate(over="ignore", invalid="ignore"):
        return tuple(_compare(name, array, found[name]) for name, array in reference.items())


def _require_comparable(name: str, expected: Array, found: Mapping[str, Array]) -> None:
    if name not in found:
        raise ParityError(f"output {name!r}: expected one of {sorted(found)}, as the case has them")
    got = found[name]
    if got.shape != expected.shape:
        raise ParityError(
            f"output {name!r}: expected shape {list(expected.shape)}, as the reference has it, "
            f"got {list(got.shape)}"
        )
    for array in (expected, got):
        if array.dtype.kind in "cOSU":
            raise ParityError(f"output {name!r}: expected real numbers, got {array.dtype}")


@dataclass(slots=True)
class _Extremes:
    """The first pass: what is finite in both, and how great it gets."""

    finite: int = 0
    nan: int = 0
    inf: int = 0
    expected: float = 0.0
    found: float = 0.0
    apart: float = 0.0

    def add(self, expected: Floats, found: Floats) -> None:
        self.nan += int((np.isnan(found) & ~np.isnan(expected)).sum())
        self.inf += int((np.isinf(found) & (found != expected)).sum())
        left, right = _finite(expected, found)
        self.finite += left.size
        self.expected = max(self.expected, float(np.abs(left).max(initial=0.0)))
        self.found = max(self.found, float(np.abs(right).max(initial=0.0)))
        apart = float(np.abs(left - right).max(initial=0.0))
        self.apart = max(self.apart, min(apart, _LARGEST))


@dataclass(slots=True)
class _Sums:
    """The second pass: sums of squares, each scaled by its extreme so that none overflows."""

    extremes: _Extremes
    expected: float = 0.0
    found: float = 0.0
    product: float = 0.0
    apart: float = 0.0

    def add(self, expected: Floats, found: Floats) -> None:
        left, right = _finite(expected, found)
        apart = np.clip(left - right, -_LARGEST, _LARGEST) / (self.extremes.apart or 1.0)
        left /= self.extremes.expected or 1.0
        right /= self.extremes.found or 1.0
        self.expected += float(left @ left)
        self.found += float(right @ right)
        self.product += float(left @ right)
        self.apart += float(apart @ apart)

    @property
    def cosine(self) -> float:
        """Return 1 for equal values, zeros included, and 0 where only one side is all zeros."""
        if self.extremes.apart == 0.0:
            return 1.0
        if self.expected == 0.0 or self.found == 0.0:
            return 0.0
        cosine = self.product / (sqrt(self.expected) * sqrt(self.found))
        return min(1.0, max(-1.0, cosine))

    @property
    def snr_db(self) -> float | None:
        if self.extremes.apart == 0.0:
            return None
        magnitude = max(self.extremes.expected, LEAST_MAGNITUDE)
        scale_db = 20 * (log10(magnitude) - log10(self.extremes.apart))
        return scale_db + 10 * (log10(self.expected or 1.0) - log10(self.apart))


def _compare(name: str, expected: Array, found: Array) -> OutputParity:
    extremes = _Extremes()
    for pair in _chunks(expected, found):
        extremes.add(*pair)
    sums = _Sums(extremes)
    for pair in _chunks(expected, found):
        sums.add(*pair)
    is_empty = extremes.finite == 0
    return OutputParity(
        output=name,
        values=expected.size,
        max_abs=None if is_empty else extremes.apart,
        max_rel=None if is_empty else extremes.apart / max(extremes.expected, LEAST_MAGNITUDE),
        cosine=None if is_empty else sums.cosine,
        snr_db=None if is_empty else sums.snr_db,
        top1=_top1(expected, found),
        nan=extremes.nan,
        inf=extremes.inf,
    )


def _finite(expected: Floats, found: Floats) -> tuple[Floats, Floats]:
    both = np.isfinite(expected) & np.isfinite(found)
    return expected[both], found[both]


def _chunks(expected: Array, found: Array) -> Iterator[tuple[Floats, Floats]]:
    left, right = expected.reshape(-1), found.reshape(-1)
    for start in range(0, left.size, CHUNK_VALUES):
        part = slice(start, start + CHUNK_VALUES)
        yield left[part].astype(np.float64), right[part].astype(np.float64)


def _top1(expected: Array, found: Array) -> float | None:
    """Return the fraction of rows whose greatest entry, of equal ones the first, is the same."""
    if expected.ndim < 2 or expected.shape[-1] < 2 or not expected.size:
        return None
    width = expected.shape[-1]
    left, right = expected.reshape(-1, width), found.reshape(-1, width)
    step, same = max(1, CHUNK_VALUES // width), 0
    for start in range(0, len(left), step):
        rows = slice(start, start + step)
        best = (side[rows].astype(np.float64).argmax(axis=1) for side in (left, right))
        same += int(np.equal(*best).sum())
    return same / len(left)
