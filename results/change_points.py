"""Where a series of nights moved from one level to another; pure.

Binary segmentation (Vostrikova, 1981) on differences of means within windows of several widths, so
that a short excursion is found as a long one is. Evidence for the threshold: docs/history.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from results.paired import Floats

MIN_NIGHTS = 3
"""On each side of a change."""
MIN_CHANGE = math.log(1.015)
THRESHOLD = 6.0
"""Of the difference of two means in units of its standard error."""
LEAST_NOISE = 0.002
OF_DIFFERENCES = 1.4826 / math.sqrt(2)
"""The noise of a night over the median difference of neighbours, which no step moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """`first` is the place of the first value after it; `before` and `after` are medians."""

    first: int
    before: float
    after: float


def change_points(values: Floats, se: Floats) -> tuple[ChangePoint, ...]:
    """Return where the series changed, in order; the values are finite, and so is the `se` of each.

    A change is of `MIN_CHANGE` at least between the medians of the stretches on its two sides, of
    `MIN_NIGHTS` at least each.
    """
    if len(values) < 2 * MIN_NIGHTS:
        return ()
    noise = np.maximum(max(LEAST_NOISE, _noise(values)), se)
    sums = np.pad(np.cumsum([values, noise**2], axis=1), [(0, 0), (1, 0)])
    edges = _worth(values, sorted(_splits(sums, 0, len(values))))
    medians = _medians(values, edges)
    return tuple(
        ChangePoint(first=edge, before=before, after=after)
        for edge, before, after in zip(edges, medians, medians[1:], strict=False)
    )


def _noise(values: Floats) -> float:
    """Return the standard deviation of a value, from differences of neighbours."""
    return float(OF_DIFFERENCES * np.median(np.abs(np.diff(values))))


def _splits(sums: Floats, low: int, high: int) -> Iterator[int]:
    """Yield where the values from `low` to `high` part.

    `sums` are those of the values, and of their variances, from the first on.
    """
    split = _best(sums, low, high)
    if split is not None:
        yield split
        yield from _splits(sums, low, split)
        yield from _splits(sums, split, high)


def _best(sums: Floats, low: int, high: int) -> int | None:
    """Return the split of the greatest evidence among those great enough, or None."""
    at = np.arange(low + MIN_NIGHTS, high - MIN_NIGHTS + 1)
    best, most = None, THRESHOLD
    width = MIN_NIGHTS
    while len(at):
        first, last = np.maximum(at - width, low), np.minimum(at + width, high)
        before, after = at - first, last - at
        (later, above), (earlier, below) = sums[:, last] - sums[:, at], sums[:, at] - sums[:, first]
        change = np.abs(later / after - earlier / before)
        se = np.sqrt(above / after**2 + below / before**2)
        t = np.where(change >= MIN_CHANGE, change / se, 0.0)
        if t.max() > most:
            best, most = int(at[t.argmax()]), float(t.max())
        if width >= high - low:
            break
        width *= 2
    return best


def _worth(values: Floats, edges: list[int]) -> list[int]:
    """Return the edges without those of too small a change, the smallest left out first."""
    while edges:
        changes = np.abs(np.diff(_medians(values, edges)))
        if changes.min() >= MIN_CHANGE:
            break
        del edges[int(changes.argmin())]
    return edges


def _medians(values: Floats, edges: list[int]) -> list[float]:
    return [float(np.median(part)) for part in np.split(values, edges)]
