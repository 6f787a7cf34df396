"""The slow queries of two sides: p95 and p99 of a launch, and their ratios over pairs; pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from results.compare import critical
from results.percentiles import needed_queries
from results.summary import TooFewQueries
from results.verdict import TailRatio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from results.paired import PairRecord, SideLaunch
    from results.record import Nanoseconds

P95 = 950
P99 = 990
"""In parts per thousand."""


def tail_of(
    blocks: Sequence[Nanoseconds], disturbed: NDArray[np.bool_] | None
) -> tuple[float, float | None, int]:
    """Return p95 of all queries, p99 of those in undisturbed blocks, and how many those are.

    `blocks` are one side's, each the times of its queries [ns]. Both are order statistics, nothing
    is interpolated. Where nothing tells of disturbance all blocks count, where all are disturbed
    the p99 is None. Raises ValueError for blocks without a query, or marks that are not one a
    block.
    """
    if not sum(map(len, blocks)):
        raise ValueError(f"tail: expected blocks with queries, got none in {len(blocks)} blocks")
    flags = np.zeros(len(blocks), dtype=np.bool_) if disturbed is None else disturbed
    if len(flags) != len(blocks):
        raise ValueError(
            f"tail: expected a mark of disturbance a block, got {len(flags)} of {len(blocks)}"
        )
    clean = [block for block, flag in zip(blocks, flags, strict=True) if not flag]
    count = sum(map(len, clean))
    p99 = _order_statistic(np.concatenate(clean), P99) if count else None
    return _order_statistic(np.concatenate(blocks), P95), p99, count


def tails(
    pairs: Sequence[PairRecord],
) -> tuple[TailRatio | TooFewQueries, TailRatio | TooFewQueries]:
    """Return candidate over baseline at p95, and at p99 of undisturbed blocks.

    The mean of the pairs' log ratios; there is one where each side has the queries that the
    percentile needs in all pairs together. Of the p99, pairs count in which both sides have one.
    """
    clean = [pair for pair in pairs if all(side.clean_queries for side in _sides(pair))]
    return (
        _tail(pairs, P95, lambda side: side.p95_ns, lambda side: int(side.blocks.queries.sum())),
        _tail(clean, P99, lambda side: side.clean_p99_ns, lambda side: side.clean_queries),
    )


def _tail(
    pairs: Sequence[PairRecord],
    permille: int,
    time_ns: Callable[[SideLaunch], float | None],
    queries: Callable[[SideLaunch], int],
) -> TailRatio | TooFewQueries:
    counts = [[queries(side) for side in _sides(pair)] for pair in pairs]
    have = min((sum(side) for side in zip(*counts, strict=True)), default=0)
    need = needed_queries(permille)
    if have < need:
        return TooFewQueries(have=have, need=need)
    times = [[max(time_ns(side) or 1.0, 1.0) for side in _sides(pair)] for pair in pairs]
    logs = np.array([math.log(candidate / baseline) for baseline, candidate in times])
    centre = float(np.mean(logs))
    if len(logs) < 2:
        return TailRatio(ratio=math.exp(centre), low=None, high=None)
    half = critical(len(logs) - 1) * float(np.std(logs, ddof=1)) / math.sqrt(len(logs))
    return TailRatio(
        ratio=math.exp(centre), low=math.exp(centre - half), high=math.exp(centre + half)
    )


def _sides(pair: PairRecord) -> tuple[SideLaunch, SideLaunch]:
    return pair.baseline, pair.candidate


def _order_statistic(times_ns: Nanoseconds, permille: int) -> float:
    """Return the smallest time with at least that share of the times at or below it."""
    rank = -(-len(times_ns) * permille // 1000)
    return float(np.partition(times_ns, rank - 1)[rank - 1])
