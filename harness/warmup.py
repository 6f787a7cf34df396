"""When a session is warm: a pure rule on block medians, and the loop that applies it.

docs/measuring.md explains the rule and its constants. Everything up to the decision is thrown
away; only the first query's time is kept, as a result of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.blocks import block_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.timing import Loop

WINDOW = 4
TOLERANCE = 0.02
SE_OF_MEDIAN = 1.2533 * 1.4826
"""Standard error of a median over a MAD: sqrt(pi/2) times the MAD's normal consistency factor."""
LINE_SHRINKAGE = (WINDOW / (WINDOW - 2)) ** 0.5
"""Residuals about a fitted line are this much smaller than the noise: two of four freedoms go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmupRule:
    """At least `seconds` and `queries`, then steady; given up at `cap_s`."""

    seconds: float
    queries: int
    cap_s: float
    block_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmup:
    """What the warm-up took; `query_ns` is the time of a query at its end.

    `steady` is None where the cap came before there were blocks enough to judge.
    """

    first_query_ns: int
    elapsed_ns: int
    queries: int
    steady: bool | None
    query_ns: float


def is_steady(medians_ns: Sequence[float]) -> bool:
    """Return whether the last eight block medians show no trend.

    The medians of the last four and of the four before differ by less than
    max(2 %, 3 robust standard errors), on logarithms. The standard error comes from the residuals
    about each four's own line: taken about their median it would grow with a trend and excuse it.
    """
    if len(medians_ns) < 2 * WINDOW:
        return False
    windows = np.log(np.asarray(medians_ns[-2 * WINDOW :], dtype=float)).reshape(2, WINDOW)
    spread = np.median(np.abs(_about_lines(windows))) * LINE_SHRINKAGE
    error = SE_OF_MEDIAN * spread * np.sqrt(2 / WINDOW)
    earlier, later = np.median(windows, axis=1)
    return bool(abs(earlier - later) < max(TOLERANCE, 3 * error))


def _about_lines(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each row's residuals about its least-squares line."""
    steps = np.arange(WINDOW) - (WINDOW - 1) / 2
    centred = windows - windows.mean(axis=1, keepdims=True)
    slopes = centred @ steps / (steps @ steps)
    residuals: NDArray[np.float64] = centred - slopes[:, None] * steps
    return residuals


def warm_up(loop: Loop, rule: WarmupRule) -> Warmup:
    """Run blocks of queries until they are steady or the cap is reached.

    The first query runs alone, also where several will be in flight. A query longer than a block is
    a block of its own, so that slow models can be judged too.
    """
    first = loop(1, alone=True)()
    elapsed_ns, queries = first.elapsed_ns, 1
    query_ns = float(first.wall_ns[0])
    medians: list[float] = []
    steady = False
    while not steady and elapsed_ns < rule.cap_s * 1e9:
        block = loop(block_length(rule.block_s, 1, query_ns))()
        medians.append(max(1.0, float(np.median(block.wall_ns))))
        elapsed_ns += block.elapsed_ns
        queries += len(block.wall_ns)
        query_ns = block.elapsed_ns / len(block.wall_ns)
        enough = elapsed_ns >= rule.seconds * 1e9 and queries >= rule.queries
        steady = enough and is_steady(medians)
    return Warmup(
        first_query_ns=int(first.wall_ns[0]),
        elapsed_ns=elapsed_ns,
        queries=queries,
        steady=steady if len(medians) >= 2 * WINDOW else None,
        query_ns=query_ns,
    )
