"""Statistics of raw timings: medians over launches, percentiles, and how sure they are.

Pure functions on arrays of nanoseconds. A launch is one int64 array, shape (queries,), in run
order. Every interval is a 95 % one. `scipy.special` stands in for `scipy.stats`, whose import
takes longer than a report may.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from results.record import Interval, Percentile, TooFewQueries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from results.record import Nanoseconds

CONFIDENCE = 0.95
BLOCK_NS = 50_000_000
"""Length of the blocks in which exceedances are counted to see how they cluster."""
TAIL = (900, 950, 990, 999)
"""The percentiles told beside the median, in parts per thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean, interquartile range [ns] and coefficient of variation of queries pooled."""

    mean_ns: float
    iqr_ns: float
    cv: float | None


def launch_median(wall_ns: Nanoseconds) -> float:
    """Return the median of one launch [ns]; of an even number of queries, the middle two's mean."""
    return float(np.median(wall_ns))


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
    centre, half = launch_estimate(medians_ns), _log_half_width(medians_ns)
    return Interval(
        low_ns=centre * math.exp(-half),
        high_ns=centre * math.exp(half),
        half_width=math.expm1(half),
    )


def percentiles(launches: Sequence[Nanoseconds]) -> tuple[Percentile | TooFewQueries, ...]:
    """Return the percentiles of `TAIL` over all queries of all launches."""
    ordered = [np.sort(launch) for launch in launches]
    blocks = [_blocks(launch) for launch in launches]
    pooled = np.sort(np.concatenate(ordered))
    return tuple(
        _percentile(
            permille,
            pooled=pooled,
            own=[_order_statistic(launch, permille) for launch in ordered],
            have=_effective_queries(launches, ordered, blocks, permille),
        )
        for permille in TAIL
    )


def effective_queries(launch: Nanoseconds, permille: int) -> float:
    """Return how many independent queries say as much of the percentile as this launch does.

    Slow queries come in clusters (a neighbour, a clock step), so n of them know less than n. With
    p the share of queries above the launch's own percentile, and the launch cut into 50 ms blocks:
    n · n·p(1−p) / Σ (exceedances of a block − p · its queries)², at most n. The quotient is the
    variance that independent queries would give over the one seen (batch means). A launch within
    one block shows no clusters and counts in full.
    """
    return _effective(launch, np.sort(launch), _blocks(launch), permille)


def needed_queries(permille: int) -> int:
    """Return the smallest n whose greatest value can bound the percentile q from above.

    The greatest of n lies below it with probability q^n, which may be 2.5 % at most: 36 for p90,
    72 for p95, 368 for p99, 3688 for p99.9.
    """
    return math.ceil(math.log((1 - CONFIDENCE) / 2) / math.log(permille / 1000))


def spread(launches: Sequence[Nanoseconds]) -> Spread:
    """Return mean, interquartile range and coefficient of variation of all queries pooled.

    The quartiles are order statistics; the standard deviation has n − 1, so one query has no cv.
    """
    pooled = np.sort(np.concatenate(launches))
    mean = float(np.mean(pooled))
    iqr = _order_statistic(pooled, 750) - _order_statistic(pooled, 250)
    cv = float(np.std(pooled, ddof=1)) / mean if len(pooled) > 1 and mean > 0 else None
    return Spread(mean_ns=mean, iqr_ns=float(iqr), cv=cv)


def order_statistic_ranks(permille: int, queries: int) -> tuple[int, int] | None:
    """Return the ranks, from 1, between which the percentile lies in 95 % of samples.

    The number of queries at or below the percentile q is binomial(n, q); each tail gets 2.5 % at
    most (David & Nagaraja, Order Statistics, 3rd ed., section 7.1). None where the upper rank
    would lie past the greatest query.
    """
    tail, quantile = (1 - CONFIDENCE) / 2, permille / 1000
    low = _binomial_quantile(tail, queries, quantile)
    high = _binomial_quantile(1 - tail, queries, quantile) + 1
    return (max(low, 1), high) if high <= queries else None


def _percentile(
    permille: int, *, pooled: Nanoseconds, own: Sequence[int], have: int
) -> Percentile | TooFewQueries:
    ranks = order_statistic_ranks(permille, have)
    if ranks is None:
        return TooFewQueries(have=have, need=needed_queries(permille))
    value = _order_statistic(pooled, permille)
    if len(own) < 2:
        return Percentile(value_ns=float(value), interval=None, have=have)
    interval = _wider(value, _at_ranks(pooled, ranks, have), own)
    return Percentile(value_ns=float(value), interval=interval, have=have)


def _wider(value: int, by_rank: tuple[int, int], own: Sequence[int]) -> Interval:
    """Return the wider of the two intervals, stretched to hold the pooled estimate.

    `own` are the launches' own percentiles: their t-interval knows how launches differ, which the
    ranks of pooled queries do not. A launch too short to have queries beyond the percentile
    stands in with its slowest one.
    """
    centre, half = launch_estimate(own), _log_half_width(own)
    low, high = float(max(by_rank[0], 1)), float(max(by_rank[1], 1))
    if 2 * half > math.log(high / low):
        low, high = centre * math.exp(-half), centre * math.exp(half)
    estimate = float(max(value, 1))
    low, high = min(low, estimate), max(high, estimate)
    farther = max(high / estimate - 1, 1 - low / estimate)
    return Interval(low_ns=low, high_ns=high, half_width=farther)


def _at_ranks(pooled: Nanoseconds, ranks: tuple[int, int], have: int) -> tuple[int, int]:
    """Return the pooled values where the ranks among `have` queries lie, rounded outwards."""
    low, high = ranks[0] * len(pooled) // have, -(-ranks[1] * len(pooled) // have)
    return int(pooled[max(low, 1) - 1]), int(pooled[high - 1])


def _effective_queries(
    launches: Sequence[Nanoseconds],
    ordered: Sequence[Nanoseconds],
    blocks: Sequence[NDArray[np.int64]],
    permille: int,
) -> int:
    parts = zip(launches, ordered, blocks, strict=True)
    return max(math.floor(sum(_effective(*part, permille) for part in parts)), 1)


def _effective(
    launch: Nanoseconds, ordered: Nanoseconds, blocks: NDArray[np.int64], permille: int
) -> float:
    above = launch > _order_statistic(ordered, permille)
    share = float(np.mean(above))
    counts = np.bincount(blocks)
    exceedances = np.bincount(blocks, weights=above)
    seen = float(np.sum((exceedances - share * counts) ** 2))
    independent = len(launch) * share * (1 - share)
    return len(launch) * min(1.0, independent / seen) if seen > 0 else float(len(launch))


def _blocks(launch: Nanoseconds) -> NDArray[np.int64]:
    """Return the number of each query's block, by the time at which the query began."""
    marks = (np.cumsum(launch) - launch) // BLOCK_NS
    numbers: NDArray[np.int64] = np.cumsum(np.diff(marks, prepend=marks[:1]) > 0)
    return numbers


def _order_statistic(ordered: Nanoseconds, permille: int) -> int:
    """Return the smallest value with at least that share of the values at or below it.

    No interpolation (definition 1 of Hyndman & Fan, 1996), and whole numbers throughout, so that
    the rank is exact.
    """
    rank = -(-len(ordered) * permille // 1000)
    return int(ordered[max(rank, 1) - 1])


def _logs(times_ns: Sequence[float]) -> NDArray[np.float64]:
    """Return natural logarithms; a time below the clock's step counts as 1 ns."""
    logs: NDArray[np.float64] = np.log(np.maximum(np.asarray(times_ns, dtype=np.float64), 1.0))
    return logs


def _log_half_width(times_ns: Sequence[float]) -> float:
    from scipy.special import stdtrit

    logs = _logs(times_ns)
    critical = float(stdtrit(len(logs) - 1, (1 + CONFIDENCE) / 2))
    return critical * float(np.std(logs, ddof=1)) / math.sqrt(len(logs))


def _binomial_quantile(probability: float, trials: int, success: float) -> int:
    """Return the smallest k with P(binomial ≤ k) at least `probability`.

    `bdtrik` solves for a real k; rounded up, it may be one too many.
    """
    from scipy.special import bdtr, bdtrik

    k = max(math.ceil(float(bdtrik(probability, trials, success))), 0)
    return k - 1 if k > 0 and float(bdtr(k - 1, trials, success)) >= probability else k
