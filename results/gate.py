"""From the pairs of a suite's cases to their verdicts, and which case needs another pair; pure.

Nothing is remembered: every answer follows from the pairs so far.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from results.compare import (
    ALPHA,
    LOOKS,
    THETA,
    combine,
    disturbed_share,
    is_same,
    look,
    p_faster,
    p_slower,
    p_towards,
    pair_ratio,
)
from results.reasons import disturbance, left_out, reason, too_few, unsteady
from results.report.ratios import count, times
from results.tails import tails
from results.verdict import FASTER, SAME, SLOWER, UNSURE, Confirmation, Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from results.paired import PairRecord, SideBlocks
    from results.verdict import Estimate, PairRatio

SPARE_PAIRS = 12
"""A case may have so many unusable pairs; with one more it gets no further ones."""
CONFIRM_SHARE = 0.75
"""Fresh pairs confirm a change of this fraction of the smallest one reported: 1.5 % for 2 %."""
_CHANGES = (SLOWER, FASTER)


def benjamini_hochberg(
    p_values: Sequence[float] | NDArray[np.float64], level: float
) -> NDArray[np.bool_]:
    """Return which p-values to keep so that at most `level` of those kept are false on average.

    Benjamini & Hochberg, 1995: the k smallest, for the greatest k whose p is at most level · k / n.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values)
    below = values[order] <= level * np.arange(1, len(values) + 1) / len(values)
    kept = np.zeros(len(values), dtype=np.bool_)
    kept[order[: int(np.max(np.flatnonzero(below), initial=-1)) + 1]] = True
    return kept


def wanting(cases: Mapping[str, Sequence[PairRatio]], *, theta: float) -> frozenset[str]:
    """Return which cases want another pair now, by what their pairs so far say.

    A case between looks wants one, and after a look that found nothing. SAME ends it. One that
    looks changed waits until no other wants a pair; then those that Benjamini–Hochberg does not
    keep among all cases go on to their next look.
    """
    going = {case: ratios for case, ratios in cases.items() if _may_go_on(ratios)}
    open_now = frozenset(case for case, ratios in going.items() if _is_open(ratios, theta))
    return open_now or frozenset(going) & _unkept(cases, theta)


def words(cases: Mapping[str, Sequence[PairRatio]], *, theta: float) -> dict[str, str]:
    """Return SLOWER, FASTER, SAME or UNSURE for each case, with the pairs that it has.

    SLOWER and FASTER are not confirmed yet.
    """
    estimates = _estimates(cases)
    kept = _kept(estimates)
    return {
        case: _word(estimates[case], case in kept, theta) if case in estimates else UNSURE
        for case in cases
    }


def judge(cases: Mapping[str, Sequence[PairRecord]], *, theta: float) -> dict[str, Verdict]:
    """Return the verdict of each case, changes unconfirmed. `theta` as in `compare.look`."""
    ratios = {case: [pair_ratio(pair) for pair in pairs] for case, pairs in cases.items()}
    family = len(_estimates(ratios))
    return {
        case: _verdict(word, cases[case], ratios[case], theta, family)
        for case, word in words(ratios, theta=theta).items()
    }


def wants_fresh(verdict: Verdict, fresh: Sequence[PairRatio]) -> bool:
    """Return whether a verdict needs another fresh pair to be confirmed or not."""
    return (
        verdict.word in _CHANGES
        and verdict.estimate is not None
        and len(_usable(fresh)) < verdict.estimate.pairs
        and _is_sparing(fresh)
    )


def confirmed(verdict: Verdict, pairs: Sequence[PairRecord], *, theta: float = THETA) -> Verdict:
    """Return SLOWER or FASTER as confirmed by as many fresh pairs, or UNSURE with the reason.

    Raises ValueError for any other verdict.
    """
    if verdict.word not in _CHANGES or verdict.estimate is None:
        raise ValueError(f"confirmed: expected SLOWER or FASTER, got {verdict.word!r}")
    ratios = [pair_ratio(pair) for pair in pairs]
    usable, need = len(_usable(ratios)), verdict.estimate.pairs
    if usable < need:
        return _unconfirmed(verdict, f": {too_few(ratios, need=need, kind='fresh ')}")
    estimate = combine(ratios)
    sign = 1 if verdict.word == SLOWER else -1
    p_value = p_slower(estimate) if verdict.word == SLOWER else p_faster(estimate)
    holds = sign * estimate.log_ratio >= math.log1p(CONFIRM_SHARE * theta) and p_value < ALPHA
    found = Confirmation(confirmed=holds, estimate=estimate, p_value=p_value)
    seen = f"by {count(usable, 'fresh ')}: {times(estimate.ratio)}"
    if holds:
        return replace(verdict, confirmation=found, reason=f"{verdict.reason}; confirmed {seen}")
    told = f" {seen}{disturbance(disturbed_share(pairs))}"
    return replace(_unconfirmed(verdict, told), confirmation=found)


def interrupted(verdict: Verdict) -> Verdict:
    """Return the verdict of a case whose gate was interrupted before changes were confirmed."""
    if verdict.word not in _CHANGES:
        return verdict
    return _unconfirmed(verdict, ": the gate was interrupted")


def _unconfirmed(verdict: Verdict, why: str) -> Verdict:
    ratio = f" {times(verdict.estimate.ratio)}" if verdict.estimate else ""
    return replace(verdict, word=UNSURE, reason=f"{verdict.word}{ratio} was not confirmed{why}")


def _usable(ratios: Sequence[PairRatio]) -> list[PairRatio]:
    return [ratio for ratio in ratios if ratio.usable]


def _is_sparing(ratios: Sequence[PairRatio]) -> bool:
    return len(ratios) - len(_usable(ratios)) <= SPARE_PAIRS


def _may_go_on(ratios: Sequence[PairRatio]) -> bool:
    return len(_usable(ratios)) < LOOKS[-1] and _is_sparing(ratios)


def _is_open(ratios: Sequence[PairRatio], theta: float) -> bool:
    return len(_usable(ratios)) not in LOOKS or look(combine(ratios), theta) is None


def _unkept(cases: Mapping[str, Sequence[PairRatio]], theta: float) -> frozenset[str]:
    """Return the cases that look changed and that Benjamini–Hochberg does not keep."""
    estimates = _estimates(cases)
    kept = _kept(estimates)
    return frozenset(
        case
        for case, estimate in estimates.items()
        if case not in kept and look(estimate, theta) in _CHANGES
    )


def _estimates(cases: Mapping[str, Sequence[PairRatio]]) -> dict[str, Estimate]:
    """Return what the pairs say of each case that has enough of them to be judged."""
    return {
        case: combine(ratios) for case, ratios in cases.items() if len(_usable(ratios)) >= LOOKS[0]
    }


def _kept(estimates: Mapping[str, Estimate]) -> frozenset[str]:
    """Return the cases whose change is significant among all, slower and faster apart."""
    if not estimates:
        return frozenset()
    found = estimates.values()
    slower = benjamini_hochberg([p_slower(estimate) for estimate in found], ALPHA)
    faster = benjamini_hochberg([p_faster(estimate) for estimate in found], ALPHA)
    return frozenset(case for case, kept in zip(estimates, slower | faster, strict=True) if kept)


def _word(estimate: Estimate, kept: bool, theta: float) -> str:
    found = look(estimate, theta)
    if found in _CHANGES and not kept:
        return SAME if is_same(estimate, theta) else UNSURE
    return found or UNSURE


def _verdict(
    word: str, pairs: Sequence[PairRecord], ratios: Sequence[PairRatio], theta: float, family: int
) -> Verdict:
    estimate = combine(ratios) if _usable(ratios) else None
    shifted = word == SAME and estimate is not None and not estimate.low <= 1 <= estimate.high
    share = disturbed_share(pairs)
    counted = [pair for pair, ratio in zip(pairs, ratios, strict=True) if ratio.usable] or pairs
    p95, p99 = tails(counted)
    return Verdict(
        word=word,
        reason=reason(word, ratios, estimate, theta=theta, family=family) + disturbance(share),
        estimate=estimate,
        p_value=p_towards(estimate) if estimate else None,
        shifted=shifted,
        disturbed_share=share,
        p95=p95,
        p99=p99,
        baseline_ns=_typical_ns([pair.baseline.blocks for pair in counted]),
        candidate_ns=_typical_ns([pair.candidate.blocks for pair in counted]),
        notes=(*left_out(ratios), *unsteady(counted)),
    )


def _typical_ns(launches: Sequence[SideBlocks]) -> float | None:
    """Return the geometric mean of the launches' medians over blocks [ns], None without any."""
    medians = [max(float(np.median(blocks.median_ns)), 1.0) for blocks in launches]
    return float(np.exp(np.mean(np.log(medians)))) if medians else None
