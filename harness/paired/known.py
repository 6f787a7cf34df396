"""What is known of a gate before any pair: cases failed, gone, new, on another device or input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.baseline.changes import other_device, other_inputs
from harness.paired.sides import refused
from results.paired import CANDIDATE
from results.record import Failed, Skipped
from results.report.wording import sentence
from results.verdict import INCOMPARABLE, Verdict

if TYPE_CHECKING:
    from harness.plan import Plan, PlannedCase
    from harness.staging import Supplies
    from results.baseline import Baseline
    from results.gate_record import Changes

    Outcomes = dict[str, Verdict | Failed]

_GONE = "the suite no longer has a case of this id"


def known(baseline: Baseline, plan: Plan, found: Changes, supplies: Supplies) -> Outcomes:
    """Return the cases, by id, that are decided before anything is built."""
    pinned = {case.case.id: case for case in baseline.cases}
    outcomes: Outcomes = {}
    for planned in plan.cases:
        outcome: Verdict | Failed | None
        if planned.case.id not in pinned:
            outcome = _unpinned(planned, baseline)
        elif planned.outcome is not None:
            outcome = refused(CANDIDATE, planned.outcome)
        else:
            device = other_device(baseline, plan, planned)
            reason = device or other_inputs(pinned[planned.case.id], planned, supplies)
            outcome = Verdict(word=INCOMPARABLE, reason=reason) if reason else None
        if outcome is not None:
            outcomes[planned.case.id] = outcome
    return outcomes | {case_id: Verdict(word=INCOMPARABLE, reason=_GONE) for case_id in found.gone}


def _unpinned(planned: PlannedCase, baseline: Baseline) -> Verdict | Failed:
    """Return what a case is that the baseline lacks; skipped here too, it is no failure."""
    if isinstance(planned.outcome, Failed):
        return refused(CANDIDATE, planned.outcome)
    if isinstance(planned.outcome, Skipped):
        return Verdict(word=INCOMPARABLE, reason=f"skipped here: {planned.outcome.reason}")
    left_out = baseline.left_out.get(planned.case.id)
    why = "it is new since the pin" if left_out is None else f"not pinned: {left_out}"
    repin = f"Have it pinned with 'dyno baseline rebase {baseline.name} SUITE'"
    return Verdict(word=INCOMPARABLE, reason=f"{sentence(why)} {repin}")
