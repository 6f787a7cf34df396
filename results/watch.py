"""The alarm, night after night, for all cases at once: which series have left their level.

A two-sided CUSUM (Page, "Continuous inspection schemes", Biometrika 41, 1954) that also asks for a
drift which a reader would call one. What it says of a night depends on that night and those before
it (but for the noise of a case, which is of all). docs/history.md has the evidence for the numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from results.change_points import OF_DIFFERENCES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from results.nights import Nights
    from results.paired import Floats, Integers

    Flags = NDArray[np.bool_]

ALLOWANCE = 0.5
"""k: what of each night's z does not count."""
ALARM_SUM = 5.0
"""h: the sum that an alarm needs."""
MOST_Z = 3.0
"""More than this does not count of a night: one that is far out must not fill the sum."""
LEAST_SE = 0.002
MEDIAN_NIGHTS = 5
LEAST_DRIFT = math.log(1.01)
"""Of the median of the last five nights from the level, for an alarm to stand."""
DRIFT_NOISE = 4.0
"""The drift is also to be this many times the noise of the case's nights, and for an alarm to begin
this many times the usual standard error of the last five, and of those that the level is of."""
LEVEL_NIGHTS = (3, 10)
"""A level is of the first half of the nights: so many at least, and at most."""
DIRECTIONS = np.array([[1.0], [-1.0]])
"""Slower, faster."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Watched:
    """What is known after each night, of each of `DIRECTIONS` (n, 2, c) and of both (n, c).

    `began` is the night since which a sum has grown, `drift` the median of the last nights over the
    level.
    """

    stands: Flags
    began: Integers
    drift: Floats
    level: Floats


@dataclass(slots=True, kw_only=True, eq=False)
class _State:
    """What the nights against one baseline have come to so far, for c cases."""

    cases: int
    first: Floats = field(init=False)
    first_se: Floats = field(init=False)
    last: Floats = field(init=False)
    last_se: Floats = field(init=False)
    seen: Integers = field(init=False)
    level: Floats = field(init=False)
    level_se: Floats = field(init=False)
    total: Floats = field(init=False)
    began: Integers = field(init=False)
    stands: Flags = field(init=False)
    settled: Flags = field(init=False)

    def __post_init__(self) -> None:
        self.first = np.full((LEVEL_NIGHTS[1], self.cases), np.inf)
        self.first_se = self.first.copy()
        self.last = np.full((MEDIAN_NIGHTS, self.cases), np.nan)
        self.last_se = self.last
        self.seen = np.zeros(self.cases, np.int64)
        self.level = np.full(self.cases, np.nan)
        self.level_se = self.level.copy()
        self.total = np.zeros((2, self.cases))
        self.began = np.zeros((2, self.cases), np.int64)
        self.stands = np.zeros((2, self.cases), np.bool_)
        self.settled = np.zeros(self.cases, np.bool_)

    def take(self, value: Floats, se: Floats, has: Flags) -> None:
        """Take the values among the last ones and, as long as it is not settled, into the level."""
        self.last = np.where(has, np.vstack([self.last[1:], value]), self.last)
        self.last_se = np.where(has, np.vstack([self.last_se[1:], se]), self.last_se)
        early = np.flatnonzero(has & (self.seen < len(self.first)))
        self.first[self.seen[early], early] = value[early]
        self.first_se[self.seen[early], early] = se[early]
        self.seen += has
        moves = has & ~self.settled & (self.seen <= 2 * LEVEL_NIGHTS[1])
        self.level[moves] = _medians(self.first[:, moves], self.seen[moves])
        self.level_se[moves] = _medians(self.first_se[:, moves], self.seen[moves])

    def bounds(self, least: Floats) -> Floats:
        """Return the drift that an alarm needs (2, c): noisy nights begin none and end none."""
        noise = np.maximum(np.median(self.last_se, axis=0), self.level_se)
        return np.where(self.stands, least, np.maximum(least, DRIFT_NOISE * noise))

    def judge(self, night: int, z: Floats, drifted: Flags, has: Flags) -> None:
        """Move the sums and the alarms; those without a value stay as they are.

        Where an alarm ends its sum begins anew: else two odd nights would bring it back after a
        fix. Where one begins the level is settled: else the change would become the level.
        """
        self.began = np.where(has & (self.total == 0), night, self.began)
        grown = np.maximum(0.0, self.total + DIRECTIONS * z - ALLOWANCE)
        self.total = np.where(has, grown, self.total)
        now = np.where(has, (self.total > ALARM_SUM) & drifted, self.stands)
        self.total[self.stands & ~now] = 0.0
        self.stands = now
        self.settled |= now.any(axis=0)


def watch(nights: Nights) -> Watched:
    """Return what was known after each night; each baseline begins anew, with its own level."""
    count, cases = nights.log_ratio.shape
    stands, began = np.zeros((count, 2, cases), np.bool_), np.zeros((count, 2, cases), np.int64)
    drift, level = np.full((count, cases), np.nan), np.full((count, cases), np.nan)
    least = np.maximum(LEAST_DRIFT, DRIFT_NOISE * _noise(nights))
    fresh = np.diff(nights.generation, prepend=-1) != 0
    state = _State(cases=cases)
    for night, value in enumerate(nights.log_ratio):
        if fresh[night]:
            state = _State(cases=cases)
        has = np.isfinite(value)
        state.take(value, nights.own_se[night], has)
        z = (value - state.level) / np.maximum(nights.own_se[night], LEAST_SE)
        level[night] = state.level
        drift[night] = np.median(state.last, axis=0) - state.level
        drifted = DIRECTIONS * drift[night] > state.bounds(least)
        state.judge(night, np.clip(z, -MOST_Z, MOST_Z), drifted, has)
        stands[night], began[night] = state.stands, state.began
    return Watched(stands=stands, began=began, drift=drift, level=level)


def _medians(first: Floats, seen: Integers) -> Floats:
    """Return the medians of the first nights, infinite where there is none yet, that count."""
    taken = np.minimum(np.clip(seen // 2, *LEVEL_NIGHTS), seen)
    counted = np.where(np.arange(len(first))[:, None] < taken, first, np.inf)
    ordered, columns = np.sort(counted, axis=0), np.arange(first.shape[1])
    low, high = ordered[(taken - 1) // 2, columns], ordered[taken // 2, columns]
    return np.asarray((low + high) / 2)


def _noise(nights: Nights) -> Floats:
    """Return each case's noise (c,): its usual standard error, or what its nights differ by."""
    found = np.zeros(len(nights.cases))
    differences = np.abs(np.diff(nights.log_ratio, axis=0))
    for values, factor in ((nights.own_se, 1.0), (differences, OF_DIFFERENCES)):
        has = np.isfinite(values).any(axis=0)
        usual = factor * np.nanmedian(values[:, has], axis=0)
        found[has] = np.maximum(found[has], usual)
    return found
