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


def change_points(values: Floats) -> tuple[ChangePoint, ...]:
    """Return where the series changed, in order; the values are finite.

    A change is of `MIN_CHANGE` at least between the medians of the stretches on its two sides, of
    `MIN_NIGHTS` at least each.
    """
    if len(values) < 2 * MIN_NIGHTS:
        return ()
    noise = max(LEAST_NOISE, _noise(values))
    total = np.concatenate([[0.0], np.cumsum(values)])
    edges = sorted(_splits(total, noise, 0, len(values)))
    edges = _worth(values, edges)
    medians = _medians(values, edges)
    return tuple(
        ChangePoint(first=edge, before=before, after=after)
        for edge, before, after in zip(edges, medians, medians[1:], strict=False)
    )


def _noise(values: Floats) -> float:
    """Return the standard deviation of a value, from differences of neighbours."""
    return float(OF_DIFFERENCES * np.median(np.abs(np.diff(values))))


def _splits(total: Floats, noise: float, low: int, high: int) -> Iterator[int]:
    """Yield where the values from `low` to `high` part; `total` are their sums from the first."""
    split = _best(total, noise, low, high)
    if split is not None:
        yield split
        yield from _splits(total, noise, low, split)
        yield from _splits(total, noise, split, high)


def _best(total: Floats, noise: float, low: int, high: int) -> int | None:
    """Return the split of the greatest evidence among those great enough, or None."""
    at = np.arange(low + MIN_NIGHTS, high - MIN_NIGHTS + 1)
    best, most = None, THRESHOLD
    width = MIN_NIGHTS
    while len(at):
        first, last = np.maximum(at - width, low), np.minimum(at + width, high)
        before, after = at - first, last - at
        change = np.abs((total[last] - total[at]) / after - (total[at] - total[first]) / before)
        t = np.where(change >= MIN_CHANGE, change / noise / np.sqrt(1 / before + 1 / after), 0.0)
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
