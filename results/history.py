"""Which cases have left their level, and when each series changed; pure on arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from results.change_points import change_points
from results.verdict import FASTER, SLOWER
from results.watch import watch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from results.nights import Nights
    from results.paired import Floats, Integers
    from results.watch import Watched

    Flags = NDArray[np.bool_]


SPLICE_SES = 4.0
"""Of the splice, that a step is to be above where a baseline was rebased: less may be its error."""


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
    watched = watch(nights)
    counts = np.isfinite(nights.log_ratio).sum(axis=0)
    return tuple(
        CaseHistory(
            case_id=case_id,
            nights=int(counts[place]),
            log_level=_last(watched.level[:, place]),
            alarms=_alarms(nights, watched, place),
            steps=tuple(_steps(nights, place)),
        )
        for place, case_id in enumerate(nights.cases)
    )


def alarms_tonight(nights: Nights) -> dict[str, Alarm]:
    """Return the alarms that stand after the last night, of the cases which that night was of."""
    watched = watch(nights)
    places = np.flatnonzero(watched.stands[-1].any(axis=0) & (nights.words[-1] != ""))
    found = {nights.cases[place]: _alarms(nights, watched, place) for place in places.tolist()}
    return {case_id: alarms[-1] for case_id, alarms in found.items()}


def _alarms(nights: Nights, watched: Watched, place: int) -> tuple[Alarm, ...]:
    """Return the alarms of a case, oldest first."""
    found: list[Alarm] = []
    for way, word in enumerate((SLOWER, FASTER)):
        stands = watched.stands[:, way, place]
        if stands.any():
            began, drift = watched.began[:, way, place], watched.drift[:, place]
            found += _episodes(word, nights.started_at, stands, began, drift)
    return tuple(sorted(found, key=lambda alarm: alarm.since))


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
    splice_se = _splice_se(nights, place)
    scale = np.where(np.isfinite(values), nights.segment[nights.generation, place], -1)
    for segment in np.unique(scale[scale >= 0]):
        at = np.flatnonzero(scale == segment)
        for point in change_points(values[at], nights.own_se[at, place]):
            if abs(point.after - point.before) > SPLICE_SES * splice_se[at[point.first]]:
                yield Step(
                    at=float(nights.started_at[at[point.first]]),
                    log_before=point.before,
                    log_after=point.after,
                )


def _splice_se(nights: Nights, place: int) -> Floats:
    """Return the standard error of what was spliced between each night (n,) and the one before."""
    has = np.flatnonzero(np.isfinite(nights.log_ratio[:, place]))
    spliced = nights.se[has, place] ** 2 - nights.own_se[has, place] ** 2
    found = np.zeros(len(nights.gates))
    found[has[1:]] = np.sqrt(np.maximum(0.0, np.diff(spliced)))
    return found
