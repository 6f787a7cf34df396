"""Which cases have left their level, and when each series changed; pure on arrays.

The alarm is a two-sided CUSUM (Page, "Continuous inspection schemes", Biometrika 41, 1954) of each
case's log ratio against the level of its first nights; `results/change_points.py` has the steps.
docs/history.md has the evidence for the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from results.change_points import OF_DIFFERENCES, change_points
from results.verdict import FASTER, SLOWER

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
"""The drift is also to be this many times the noise of the case's nights."""
LEVEL_NIGHTS = (3, 10)
"""A level is of the first half of the nights: so many at least, and at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A case left its level. Times are those of nights, in seconds since the epoch, UTC.

    `since` is the first night that it stood, `began` the one where the sum began to rise, `until`
    the first one that it stood no more, None while it stands. `log_change` is the median of five
    nights over the level, at the last night that it stood.
    """

    word: str
    since: float
    began: float
    until: float | None
    log_change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A series moved from one level to another, log ratios both; `at` is its first night there."""

    at: float
    log_before: float
    log_after: float

    @property
    def change(self) -> float:
        """Return how much slower the case became (0.02 = 2 %)."""
        return math.expm1(self.log_after - self.log_before)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHistory:
    """What the nights of a case say. `nights` are those with a number.

    `log_level` is that of the newest baseline with such a night, on the scale of the log ratios;
    None where there is none. `alarms` are all there ever were, oldest first.
    """

    case_id: str
    nights: int
    log_level: float | None
    alarms: tuple[Alarm, ...]
    steps: tuple[Step, ...]

    @property
    def alarm(self) -> Alarm | None:
        """Return the alarm that stands."""
        return _standing(self.alarms)


def judge(nights: Nights) -> tuple[CaseHistory, ...]:
    """Return what the nights say of each case, in their order."""
    levels = level(nights)
    alarms = _alarms(nights, levels)
    counts = np.isfinite(nights.log_ratio).sum(axis=0)
    return tuple(
        CaseHistory(
            case_id=case_id,
            nights=int(counts[place]),
            log_level=_last(levels[:, place]),
            alarms=alarms[place],
            steps=tuple(_steps(nights, place)),
        )
        for place, case_id in enumerate(nights.cases)
    )


def alarms_tonight(nights: Nights) -> dict[str, Alarm]:
    """Return the alarms that stand after the last night, of the cases which that night was of."""
    found = zip(nights.cases, nights.words[-1], _alarms(nights, level(nights)), strict=True)
    standing = ((case_id, _standing(alarms)) for case_id, word, alarms in found if word)
    return {case_id: alarm for case_id, alarm in standing if alarm}


def level(nights: Nights) -> Floats:
    """Return each case's level against each baseline (generations, c), NaN without a night.

    It is the median of the first min(10, max(3, half)) nights that the case has against it.
    """
    found = np.full((len(nights.lineage.baselines), len(nights.cases)), np.nan)
    for number in range(len(nights.lineage.baselines)):
        values = nights.log_ratio[nights.generation == number]
        order = np.cumsum(np.isfinite(values), axis=0)
        total = np.isfinite(values).sum(axis=0)
        first = np.where(order <= np.clip(total // 2, *LEVEL_NIGHTS), values, np.nan)
        found[number, total > 0] = np.nanmedian(first[:, total > 0], axis=0)
    return found


def _alarms(nights: Nights, levels: Floats) -> list[tuple[Alarm, ...]]:
    """Return the alarms of each case, oldest first."""
    fresh = np.diff(nights.generation, prepend=-1) != 0
    off = nights.log_ratio - levels[nights.generation]
    z = np.clip(off / np.maximum(nights.own_se, LEAST_SE), -MOST_Z, MOST_Z)
    drift = _drift(off, fresh)
    least = np.maximum(LEAST_DRIFT, DRIFT_NOISE * _noise(nights))
    found: list[list[Alarm]] = [[] for _ in nights.cases]
    for word, sign in ((SLOWER, 1), (FASTER, -1)):
        stands, began = _watched(sign * z, sign * drift > least, fresh)
        for place in np.flatnonzero(stands.any(axis=0)).tolist():
            sides = stands[:, place], began[:, place], drift[:, place]
            found[place] += _episodes(word, nights.started_at, *sides)
    return [tuple(sorted(alarms, key=lambda alarm: alarm.since)) for alarms in found]


def _drift(off: Floats, fresh: Flags) -> Floats:
    """Return the median of the last five numbers against each night's baseline, else NaN."""
    found = np.empty_like(off)
    last = np.empty((MEDIAN_NIGHTS, off.shape[1]))
    for night, value in enumerate(off):
        if fresh[night]:
            last[:] = np.nan
        last = np.where(np.isfinite(value), np.vstack([last[1:], value]), last)
        found[night] = np.median(last, axis=0)
    return found


def _noise(nights: Nights) -> Floats:
    """Return each case's noise (c,): its usual standard error, or what its nights differ by."""
    found = np.zeros(len(nights.cases))
    differences = np.abs(np.diff(nights.log_ratio, axis=0))
    for values, factor in ((nights.own_se, 1.0), (differences, OF_DIFFERENCES)):
        has = np.isfinite(values).any(axis=0)
        usual = factor * np.nanmedian(values[:, has], axis=0)
        found[has] = np.maximum(found[has], usual)
    return found


def _watched(z: Floats, drifted: Flags, fresh: Flags) -> tuple[Flags, Integers]:
    """Return whether an alarm stands after each night (n, c), and where the sum began to rise.

    Nights without a number change nothing. The sum begins anew with each baseline, which has a
    level of its own, and where an alarm ends: else two odd nights would bring back one that a fix
    has ended.
    """
    stands, began = np.zeros(z.shape, np.bool_), np.zeros(z.shape, np.int64)
    total, start = np.zeros(z.shape[1]), np.zeros(z.shape[1], np.int64)
    standing = np.zeros(z.shape[1], np.bool_)
    for night, value in enumerate(z):
        if fresh[night]:
            total, standing = np.zeros_like(total), np.zeros_like(standing)
        has = np.isfinite(value)
        start = np.where(has & (total == 0), night, start)
        total = np.where(has, np.maximum(0.0, total + value - ALLOWANCE), total)
        now = np.where(has, (total > ALARM_SUM) & drifted[night], standing)
        total[standing & ~now] = 0.0
        standing = stands[night] = now
        began[night] = start
    return stands, began


def _episodes(
    word: str, started_at: Floats, stands: Flags, began: Integers, drift: Floats
) -> Iterator[Alarm]:
    """Yield the alarms of one direction of a case."""
    edges = np.flatnonzero(np.diff(stands, prepend=False, append=False)).tolist()
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        yield Alarm(
            word=word,
            since=float(started_at[first]),
            began=float(started_at[began[first]]),
            until=float(started_at[end]) if end < len(started_at) else None,
            log_change=float(drift[end - 1]),
        )


def _standing(alarms: tuple[Alarm, ...]) -> Alarm | None:
    return next((alarm for alarm in alarms if alarm.until is None), None)


def _last(levels: Floats) -> float | None:
    known = levels[np.isfinite(levels)]
    return float(known[-1]) if len(known) else None


def _steps(nights: Nights, place: int) -> Iterator[Step]:
    """Yield the steps within each stretch of nights that are on one scale."""
    values = nights.log_ratio[:, place]
    scale = np.where(np.isfinite(values), nights.segment[nights.generation, place], -1)
    for segment in np.unique(scale[scale >= 0]):
        at = np.flatnonzero(scale == segment)
        for point in change_points(values[at]):
            yield Step(
                at=float(nights.started_at[at[point.first]]),
                log_before=point.before,
                log_after=point.after,
            )
