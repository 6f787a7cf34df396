"""Statistics of raw timings: medians over launches, and how sure they are; the spread of queries.

Pure functions on arrays of nanoseconds. A launch is one int64 array, shape (queries,), in run
order. Every interval is a 95 % one. `scipy.special` stands in for `scipy.stats`, whose import
takes longer than a report may.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from results.pooling import Pool
from results.summary import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from results.record import LaunchRecord, Nanoseconds

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean, interquartile range [ns] and coefficient of variation of queries pooled."""

    mean_ns: float
    iqr_ns: float
    cv: float | None


def launch_median(wall_ns: Nanoseconds) -> float:
    """Return the median of one launch [ns]; of an even number of queries, the middle two's mean."""
    return float(np.median(wall_ns))


def time_per_query(launch: LaunchRecord) -> float:
    """Return the elapsed time of the launch's blocks over their queries [ns]."""
    elapsed_ns = sum(block.elapsed_ns for block in launch.blocks)
    return elapsed_ns / sum(block.queries for block in launch.blocks)


def launch_statistic(launch: LaunchRecord) -> float:
    """Return the time of a launch that the stopping rule and the interval are about [ns].

    It is the median wall time of a query; with several streams the time per query, because there
    a query's own time grows with those it shares the device with.
    """
    if launch.protocol.streams > 1:
        return time_per_query(launch)
    return launch_median(launch.wall_ns)


def launch_estimate(medians_ns: Sequence[float]) -> float:
    """Return the geometric mean of the launches' medians [ns], the centre of `launch_interval`."""
    return float(np.exp(np.mean(_logs(medians_ns))))


def launch_interval(medians_ns: Sequence[float]) -> Interval | None:
    """Return the t-interval of the median over fresh launches, or None for fewer than two.

    On the logs, because launches differ by factors (address layout, clocks), and symmetric there:
    the half-width is e^h − 1. Its freedom is launches − 1, never the number of queries: nominal
    95 % intervals from within one process covered 0–23 %. It holds for the hour and the machine
    that the launches sampled.
    """
    if len(medians_ns) < 2:
        return None
    centre, half = launch_estimate(medians_ns), log_half_width(medians_ns)
    return Interval(
        low_ns=centre * math.exp(-half),
        high_ns=centre * math.exp(half),
        half_width=math.expm1(half),
    )


def log_half_width(times_ns: Sequence[float]) -> float:
    """Return half the width of the t-interval over the logs of two or more launches' times."""
    from scipy.special import stdtrit

    logs = _logs(times_ns)
    critical = float(stdtrit(len(logs) - 1, (1 + CONFIDENCE) / 2))
    return critical * float(np.std(logs, ddof=1)) / math.sqrt(len(logs))


def spread(launches: Sequence[Nanoseconds]) -> Spread:
    """Return mean, interquartile range and coefficient of variation, launches weighing the same.

    The quartiles are order statistics. The variance is divided by 1 − Σ weight², which is
    (n − 1) / n where launches have equally many queries; so one query has no cv.
    """
    pool = Pool.of(launches)
    mean = float(np.mean([np.mean(launch) for launch in launches]))
    iqr = pool.at(Fraction(3, 4)) - pool.at(Fraction(1, 4))
    return Spread(mean_ns=mean, iqr_ns=float(iqr), cv=_variation(launches, mean, float(pool.size)))


def _variation(launches: Sequence[Nanoseconds], mean_ns: float, size: float) -> float | None:
    if size <= 1 or mean_ns <= 0:
        return None
    variance = float(np.mean([np.mean((launch - mean_ns) ** 2) for launch in launches]))
    return math.sqrt(variance / (1 - 1 / size)) / mean_ns


def _logs(times_ns: Sequence[float]) -> NDArray[np.float64]:
    """Return natural logarithms; a time below the clock's step counts as 1 ns."""
    logs: NDArray[np.float64] = np.log(np.maximum(np.asarray(times_ns, dtype=np.float64), 1.0))
    return logs
