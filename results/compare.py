"""What pairs say of two sides: a ratio per pair, the estimate over pairs, and what one look finds.

Pure functions on arrays. Ratios are candidate over baseline and kept as logs: above 0 the candidate
is slower. Percentiles are in `results/tails.py`. `scipy.special` stands in for `scipy.stats`, whose
import takes longer than a report may. The constants are those of an A/A study: 102 paired launches
of three models on two noisy cores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from results.metrics import CONFIDENCE
from results.verdict import FASTER, SAME, SLOWER, Estimate, PairRatio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from results.paired import Floats, PairRecord

    Flags = NDArray[np.bool_]

QUADS = 10
"""Quads of a pair. More within one pair of processes buy nothing: the next pair differs more."""
LOOKS = (5, 8, 12)
"""Usable pairs after which a case may be decided."""
S0 = 0.004
"""Expected standard deviation between pairs of one case, as a log ratio: 0.2–0.5 % in A/A pairs."""
D0 = 3
"""How many degrees of freedom that expectation weighs."""
REFUTED = 0.01
"""Pairs that differ by more than this, twice what any A/A pairs did, refute that expectation."""
THETA = 0.02
"""The smallest change reported, a fraction, where the suite does not say."""
EQ_MARGIN = 0.01
"""SAME allows this fraction more than the smallest change reported, either way."""
ALPHA = 0.01
"""One-sided error of a case, shared by its looks; and the false discovery rate over a suite."""
CLEAN_QUADS = 5
"""With fewer undisturbed quads, those disturbed count as well, or the pair does not."""
NOISY = 0.015
"""A pair whose own standard error is larger, as a log ratio, does not count: it would drown those
that can tell. In the A/A pairs of the study it was 0.65 % at most, but 50 of 92 on a crowded host
were larger: without them +3 % was found in 80–96 % of resampled cases instead of 58–73 %."""
_BLOCKS_A_QUAD = 2
_TRIMMABLE_PAIRS = 5
_TRIM_VARIANCE = 0.25
"""The extremes go only where the variance without them is below this fraction of the raw one."""
_MEDIAN_SE = 1.2533
"""Standard error of a median over that of a mean, of normal values: the root of π/2."""
_MAD_SD = 1.4826
"""Standard deviation of normal values over their median absolute deviation."""


def pair_ratio(pair: PairRecord) -> PairRatio:
    """Return what one pair says. Raises as `pair_ratio_of` does."""
    baseline, candidate = pair.baseline.blocks, pair.candidate.blocks
    return pair_ratio_of(
        baseline.median_ns,
        candidate.median_ns,
        baseline.disturbed,
        candidate.disturbed,
        watched=pair.watched,
    )


def pair_ratio_of(
    baseline_ns: Floats,
    candidate_ns: Floats,
    baseline_disturbed: Flags | None,
    candidate_disturbed: Flags | None,
    *,
    watched: bool,
) -> PairRatio:
    """Return what two sides' block times say: arrays of shape (blocks,) in run order, two a quad.

    The median over quads of the sides' mean log times apart, and its standard error by the median
    absolute deviation. A quad is clean where none of its four blocks was disturbed; only clean
    quads count where there are `CLEAN_QUADS`. With fewer a watched pair is not usable, and any
    other takes all; nor is one usable that is `NOISY`. A time below the clock's step counts as
    1 ns. Raises ValueError for blocks that are no whole quads or differ in number, and for a time
    that is none.
    """
    _check(baseline_ns, candidate_ns)
    apart = _by_quad(candidate_ns) - _by_quad(baseline_ns)
    clean = _clean(baseline_disturbed, len(apart)) & _clean(candidate_disturbed, len(apart))
    clean_quads = int(np.count_nonzero(clean))
    enough = clean_quads >= CLEAN_QUADS
    used = apart[clean] if enough else apart
    centre = float(np.median(used))
    deviation = float(np.median(np.abs(used - centre)))
    se = _MEDIAN_SE * _MAD_SD * deviation / math.sqrt(len(used))
    return PairRatio(
        log_ratio=centre,
        se=se,
        quads=len(apart),
        clean_quads=clean_quads,
        usable=(enough or not watched) and se <= NOISY,
    )


def combine(ratios: Sequence[PairRatio]) -> Estimate:
    """Return what the usable pairs say together. Raises ValueError where there is none.

    The variance between pairs is moderated: it weighs against an expected one (`S0`, `D0`), as five
    pairs know little of their own (Smyth, 2004, limma), and is never below the variance within
    pairs. So a single pair has a standard error too, and equal ones do not have 0. Pairs that
    refute the expectation (`REFUTED`) are judged by their own variance and its degrees of freedom:
    moderated, five pairs of identical code that differ by 25 % look changed in 11 of 100 cases.
    """
    used = [ratio for ratio in ratios if ratio.usable]
    if not used:
        raise ValueError(f"combine: expected a usable pair, got none among {len(ratios)}")
    pairs = len(used)
    log_ratio, variance, df = _centre(np.array([ratio.log_ratio for ratio in used]))
    within = float(np.median([ratio.se for ratio in used])) ** 2
    se = math.sqrt(max(variance, within) / pairs)
    half = critical(df) * se
    return Estimate(
        log_ratio=log_ratio,
        se=se,
        df=df,
        pairs=pairs,
        low=math.exp(log_ratio - half),
        high=math.exp(log_ratio + half),
    )


def critical(df: float) -> float:
    """Return the half-width of the 95 % t-interval in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 + CONFIDENCE) / 2))


def p_slower(estimate: Estimate) -> float:
    """Return the one-sided p-value of the candidate being slower."""
    return _p_below(estimate, -1)


def p_faster(estimate: Estimate) -> float:
    """Return the one-sided p-value of the candidate being faster."""
    return _p_below(estimate, 1)


def p_towards(estimate: Estimate) -> float:
    """Return the one-sided p-value towards the side of 1 on which the ratio lies."""
    return p_slower(estimate) if estimate.log_ratio >= 0 else p_faster(estimate)


def look(estimate: Estimate, theta: float) -> str | None:
    """Return SLOWER, FASTER or SAME by the rule of one look, or None: more pairs are needed.

    `theta` is the smallest change reported (0.02 = 2 %).
    """
    least, level = math.log1p(theta), ALPHA / len(LOOKS)
    if estimate.log_ratio >= least and p_slower(estimate) < level:
        return SLOWER
    if estimate.log_ratio <= -least and p_faster(estimate) < level:
        return FASTER
    return SAME if is_same(estimate, theta) else None


def is_same(estimate: Estimate, theta: float) -> bool:
    """Return whether the 95 % interval lies within ±(`theta` + `EQ_MARGIN`)."""
    most = 1 + theta + EQ_MARGIN
    return 1 / most < estimate.low and estimate.high < most


def disturbed_share(pairs: Sequence[PairRecord]) -> float | None:
    """Return the fraction of both sides' blocks that were disturbed, None where nothing tells."""
    sides = (side.blocks.disturbed for pair in pairs for side in (pair.baseline, pair.candidate))
    told = [flags for flags in sides if flags is not None]
    return float(np.mean(np.concatenate(told))) if told else None


def _check(baseline_ns: Floats, candidate_ns: Floats) -> None:
    counts = len(baseline_ns), len(candidate_ns)
    if counts[0] != counts[1] or not counts[0] or counts[0] % _BLOCKS_A_QUAD:
        raise ValueError(
            "pair: expected two blocks of each side a quad, "
            f"got {counts[0]} of the baseline and {counts[1]} of the candidate"
        )
    for name, times in (("baseline", baseline_ns), ("candidate", candidate_ns)):
        wrong = times[~(np.isfinite(times) & (times >= 0))]
        if len(wrong):
            raise ValueError(f"pair: expected times of the {name} in ns, got {float(wrong[0])!r}")


def _by_quad(times_ns: Floats) -> Floats:
    """Return the mean log time of each quad, shape (quads,)."""
    quads: Floats = np.log(np.maximum(times_ns, 1.0)).reshape(-1, _BLOCKS_A_QUAD).mean(axis=1)
    return quads


def _clean(disturbed: Flags | None, quads: int) -> Flags:
    """Return which quads had no disturbed block of this side; all of them where nothing tells."""
    if disturbed is None:
        return np.ones(quads, dtype=np.bool_)
    if len(disturbed) != quads * _BLOCKS_A_QUAD:
        raise ValueError(
            f"pair: expected {quads * _BLOCKS_A_QUAD} marks of disturbance, got {len(disturbed)}"
        )
    marks = np.asarray(disturbed, dtype=np.bool_).reshape(-1, _BLOCKS_A_QUAD)
    clean: Flags = np.logical_not(marks.any(axis=1))
    return clean


def _centre(log_ratios: Floats) -> tuple[float, float, float]:
    """Return mean, variance between pairs and its degrees of freedom, of all but wild extremes.

    The winsorised variance is scaled to that of the trimmed mean's, which has two degrees of
    freedom less (Tukey & McLaughlin, 1963).
    """
    pairs = len(log_ratios)
    raw = float(np.var(log_ratios, ddof=1)) if pairs > 1 else 0.0
    centre, variance, df = float(np.mean(log_ratios)), raw, pairs - 1
    if pairs >= _TRIMMABLE_PAIRS:
        ordered = np.sort(log_ratios)
        inner = ordered[1:-1]
        winsorised = float(np.var(np.clip(ordered, inner[0], inner[-1]), ddof=1))
        scaled = winsorised * (pairs - 1) / (pairs - 3) * pairs / (pairs - 2)
        if scaled < _TRIM_VARIANCE * raw:
            centre, variance, df = float(np.mean(inner)), scaled, pairs - 3
    if raw > REFUTED**2:
        return centre, max(variance, S0**2), float(df)
    moderated = (D0 * S0**2 + (pairs - 1) * variance) / (D0 + pairs - 1)
    return centre, moderated, float(D0 + pairs - 1)


def _p_below(estimate: Estimate, sign: int) -> float:
    from scipy.special import stdtr

    return float(stdtr(estimate.df, sign * estimate.log_ratio / estimate.se))
