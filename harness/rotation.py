"""The order of launches, and when a case has had enough: pure state, no clock, no process.

Launch k of every open case comes before launch k+1 of any, in an order shuffled by the run's seed:
consecutive launches of one case would all see one mood of the machine (docs/measuring.md).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from results.metrics import launch_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from results.summary import Interval
    from suites.suite import Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseProgress:
    """An open case: the statistic of each launch (`metrics`) and the time they took together."""

    position: int
    statistics_ns: tuple[float, ...] = ()
    spent_s: float = 0.0

    @property
    def launches(self) -> int:
        """Return how many launches the case has had."""
        return len(self.statistics_ns)

    @property
    def interval(self) -> Interval | None:
        """Return the interval over the launches so far; None below two."""
        return launch_interval(self.statistics_ns)

    def after(self, statistic_ns: float, spent_s: float) -> CaseProgress:
        """Return the progress with one more launch."""
        statistics = (*self.statistics_ns, statistic_ns)
        return replace(self, statistics_ns=statistics, spent_s=self.spent_s + spent_s)


def round_order(positions: Sequence[int], *, seed: int, number: int) -> tuple[int, ...]:
    """Return the positions in the order of round `number`; the same for the same seed."""
    order = sorted(positions)
    random.Random(f"{seed}/{number}").shuffle(order)  # noqa: S311 - an order, not a secret
    return tuple(order)


def stopped_by(progress: CaseProgress, measure: Measure) -> str | None:
    """Return the rule that closes the case now (target, launches or time), or None."""
    if progress.launches >= measure.launches_max:
        return "launches"
    interval = progress.interval
    enough = progress.launches >= measure.launches_min
    if enough and interval is not None and interval.half_width <= measure.target:
        return "target"
    if progress.launches and progress.spent_s >= measure.case_s:
        return "time"
    return None


def seconds_left(cases: Sequence[CaseProgress], measure: Measure, *, launch_s: float) -> float:
    """Return a guess of the time until all are closed.

    A case is taken to need what it has had plus half of what it still may have, and a launch to
    take what this case's took so far, else `launch_s`.
    """
    return sum(_launches_left(case, measure) * _mean_s(case, launch_s) for case in cases)


def _launches_left(case: CaseProgress, measure: Measure) -> float:
    at_least = max(measure.launches_min - case.launches, 1)
    at_most = max(measure.launches_max - case.launches, 1)
    return (at_least + at_most) / 2


def _mean_s(case: CaseProgress, default_s: float) -> float:
    return case.spent_s / case.launches if case.launches else default_s
