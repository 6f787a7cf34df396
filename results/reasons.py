"""Why a verdict is what it is, in words; no sentence ends with a full stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from results.compare import EQ_MARGIN, LOOKS, look, p_towards
from results.report.ratios import bounds, count, times
from results.rules import DISTURBED_SHARE
from results.verdict import FASTER, SAME, SLOWER, UNSURE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from results.paired import PairRecord
    from results.verdict import Estimate, PairRatio


def reason(
    word: str,
    ratios: Sequence[PairRatio],
    estimate: Estimate | None,
    *,
    theta: float,
    family: int,
) -> str:
    """Return why the pairs of a case come to this word, among `family` cases that were judged."""
    if estimate is None or estimate.pairs < LOOKS[0]:
        return too_few(ratios, need=LOOKS[0])
    if word == SAME:
        leaves = "" if estimate.low <= 1 <= estimate.high else ", but it leaves 1 out"
        return f"the 95 % interval lies within ±{percent(theta + EQ_MARGIN)}{leaves}"
    p_value = f"p = {p_towards(estimate):.1g}"
    among = "" if family == 1 else f" among {family} cases"
    if word != UNSURE:
        return f"{p_value} after {count(estimate.pairs)}, significant{among}"
    seen = f"{times(estimate.ratio)} ({bounds(estimate.low, estimate.high)})"
    if look(estimate, theta) in (SLOWER, FASTER):
        why = f"{p_value} is not significant{among}"
    else:
        why = f"neither a change of {percent(theta)} nor its absence is shown"
    return f"{seen} after {count(estimate.pairs)}: {why}"


def too_few(ratios: Sequence[PairRatio], *, need: int, kind: str = "") -> str:
    """Return how many pairs there are, and how many usable ones there must be."""
    usable = sum(ratio.usable for ratio in ratios)
    if usable == len(ratios):
        return f"{count(usable, kind)}, {need} are needed"
    return (
        f"{usable} of {count(len(ratios), kind)} were calm enough to count, "
        f"{need} such pairs are needed"
    )


def disturbance(share: float | None) -> str:
    """Return what to add to a reason where more of the blocks were disturbed than usual."""
    if share is None or share <= DISTURBED_SHARE:
        return ""
    return f"; {100 * share:.0f} % of the blocks were disturbed"


def left_out(ratios: Sequence[PairRatio]) -> tuple[str, ...]:
    """Return a note where pairs were too disturbed or noisy to count."""
    left = sum(not ratio.usable for ratio in ratios)
    if not left:
        return ()
    return (f"{left} of {count(len(ratios))} did not count: too disturbed or too noisy",)


def unsteady(pairs: Sequence[PairRecord]) -> tuple[str, ...]:
    """Return a note where sides were still not steady at the cap of their warm-up."""
    ends = [side.steady for pair in pairs for side in (pair.baseline, pair.candidate)]
    moving = ends.count(False)
    if not moving:
        return ()
    return (f"{moving} of {len(ends)} launches reached no steady state in their warm-up",)


def percent(share: float) -> str:
    """Return a fraction as `2 %`."""
    return f"{100 * share:g} %"
