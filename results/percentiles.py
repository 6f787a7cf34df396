"""Percentiles over all queries of a case, how many queries they rest on, and how sure they are.

Pure functions on launches as in `results/metrics.py`; every launch weighs the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from results.metrics import CONFIDENCE, launch_estimate, log_half_width
from results.pooling import Pool
from results.summary import Interval, Percentile, TooFewQueries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from results.record import Nanoseconds

BLOCK_NS = 50_000_000
"""Length of the blocks in which exceedances are counted to see how they cluster."""
TAIL = (900, 950, 990, 999)
"""The percentiles told beside the median, in parts per thousand."""


def percentiles(launches: Sequence[Nanoseconds]) -> tuple[Percentile | TooFewQueries, ...]:
    """Return the percentiles of `TAIL`; order statistics, nothing is interpolated."""
    pool = Pool.of(launches)
    blocks = [_blocks(launch) for launch in launches]
    return tuple(_percentile(permille, pool, launches, blocks) for permille in TAIL)


def percentile(launches: Sequence[Nanoseconds], permille: int) -> Percentile | TooFewQueries:
    """Return one percentile, as `percentiles` does."""
    blocks = [_blocks(launch) for launch in launches]
    return _percentile(permille, Pool.of(launches), launches, blocks)


def effective_queries(launches: Sequence[Nanoseconds], permille: int) -> float:
    """Return how many independent queries say as much of the percentile as these do.

    Slow queries come in clusters (a neighbour, a clock step), so n of them know less than n. With
    p the share of queries above the percentile of the pool, and each launch cut into 50 ms blocks,
    p has the variance V = Σ (exceedances of a block − p · its queries)² · weight² over the blocks
    of all launches (batch means); independent queries would need p(1−p) / V to have it, at most
    the size of the pool. Percentile and sum are of all launches together, because a launch of
    fewer than 1000 queries has nothing above its own p99.9, and one without exceedances must not
    vouch for one with a cluster of them.
    """
    pool, blocks = Pool.of(launches), [_blocks(launch) for launch in launches]
    return _effective(launches, blocks, pool, pool.at(Fraction(permille, 1000)))


def needed_queries(permille: int) -> int:
    """Return the smallest n whose greatest value can bound the percentile q from above.

    The greatest of n lies below it with probability q^n, which may be 2.5 % at most: 36 for p90,
    72 for p95, 368 for p99, 3688 for p99.9.
    """
    return math.ceil(math.log((1 - CONFIDENCE) / 2) / math.log(permille / 1000))


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
    permille: int,
    pool: Pool,
    launches: Sequence[Nanoseconds],
    blocks: Sequence[NDArray[np.int64]],
) -> Percentile | TooFewQueries:
    share = Fraction(permille, 1000)
    value = pool.at(share)
    have = max(math.floor(_effective(launches, blocks, pool, value)), 1)
    ranks = order_statistic_ranks(permille, have)
    if ranks is None:
        return TooFewQueries(have=have, need=needed_queries(permille))
    if len(launches) < 2:
        return Percentile(value_ns=float(value), interval=None, have=have)
    low, high = (pool.at(Fraction(rank, have)) for rank in ranks)
    own = [Pool(ordered=(launch,)).at(share) for launch in pool.ordered]
    return Percentile(value_ns=float(value), interval=_wider(value, (low, high), own), have=have)


def _wider(value: int, by_rank: tuple[int, int], own: Sequence[int]) -> Interval:
    """Return the wider of the two intervals, stretched to hold the pooled estimate.

    `own` are the launches' own percentiles: their t-interval knows how launches differ, which the
    ranks of pooled queries do not. A launch too short to have queries beyond the percentile
    stands in with its slowest one.
    """
    centre, half = launch_estimate(own), log_half_width(own)
    low, high = float(max(by_rank[0], 1)), float(max(by_rank[1], 1))
    if 2 * half > math.log(high / low):
        low, high = centre * math.exp(-half), centre * math.exp(half)
    estimate = float(max(value, 1))
    low, high = min(low, estimate), max(high, estimate)
    farther = max(high / estimate - 1, 1 - low / estimate)
    return Interval(low_ns=low, high_ns=high, half_width=farther)


def _effective(
    launches: Sequence[Nanoseconds],
    blocks: Sequence[NDArray[np.int64]],
    pool: Pool,
    percentile_ns: int,
) -> float:
    above = [launch > percentile_ns for launch in launches]
    share = float(np.mean([np.mean(found) for found in above]))
    seen = sum(_clustering(*found, share) for found in zip(above, blocks, strict=True))
    variance = seen / len(launches) ** 2
    size = float(pool.size)
    return min(size, share * (1 - share) / variance) if variance > 0 else size


def _clustering(above: NDArray[np.bool_], blocks: NDArray[np.int64], share: float) -> float:
    """Return Σ (exceedances of a block − share · its queries)² over the launch's queries²."""
    expected = share * np.bincount(blocks)
    seen = np.bincount(blocks, weights=above)
    return float(np.sum((seen - expected) ** 2)) / len(above) ** 2


def _blocks(launch: Nanoseconds) -> NDArray[np.int64]:
    """Return the number of each query's block, by the time at which the query began."""
    marks = (np.cumsum(launch) - launch) // BLOCK_NS
    numbers: NDArray[np.int64] = np.cumsum(np.diff(marks, prepend=marks[:1]) > 0)
    return numbers


def _binomial_quantile(probability: float, trials: int, success: float) -> int:
    """Return the smallest k with P(binomial ≤ k) at least `probability`.

    `bdtrik` solves for a real k; rounded up, it may be one too many.
    """
    from scipy.special import bdtr, bdtrik

    k = max(math.ceil(float(bdtrik(probability, trials, success))), 0)
    return k - 1 if k > 0 and float(bdtr(k - 1, trials, success)) >= probability else k
