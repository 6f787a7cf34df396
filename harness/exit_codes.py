"""The exit codes of dyno, and those that outcomes, builds or verdicts earn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from results.record import Failed, Measured
from results.verdict import FASTER, INCOMPARABLE, SAME, SLOWER, UNSURE, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from results.record import Outcome
    from results.verdict import CaseVerdict

OK = 0
CASE_FAILED = 1
USAGE = 2
REGRESSED = 3
NOTHING_MEASURED = 4
NOTHING_JUDGED = NOTHING_MEASURED
INTERRUPTED = 130
_GRAVEST = (INTERRUPTED, REGRESSED, USAGE, CASE_FAILED, NOTHING_MEASURED, OK)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """Return 1 if any case failed, else 4 if none was measured, else 0."""
    if any(isinstance(outcome, Failed) for outcome in outcomes):
        return CASE_FAILED
    if not any(isinstance(outcome, Measured) for outcome in outcomes):
        return NOTHING_MEASURED
    return OK


def worst(codes: Sequence[int]) -> int:
    """Return the code that says most of what went wrong where several steps make one command."""
    return min(codes, key=_GRAVEST.index)


def build_code(*, ready: int, failed: int) -> int:
    """Return 1 if any of the builds failed, else 4 if no case has an engine, else 0."""
    if failed:
        return CASE_FAILED
    return OK if ready else NOTHING_MEASURED


def gate_code(cases: Sequence[CaseVerdict], *, alarms: int = 0) -> int:
    """Return 3 if any case is SLOWER or the history alarms, else 1 if any failed.

    Else 4 if there is no verdict on any, else 0.
    """
    words = [case.outcome.word for case in cases if isinstance(case.outcome, Verdict)]
    if alarms or SLOWER in words:
        return REGRESSED
    if len(words) < len(cases):
        return CASE_FAILED
    return OK if {SAME, FASTER} & set(words) else NOTHING_JUDGED


def compare_code(outcome: Verdict | Failed) -> int:
    """Return 1 if a side failed, 4 if there is no verdict, else 0: a comparison gates nothing."""
    if isinstance(outcome, Failed):
        return CASE_FAILED
    return OK if outcome.word in (SLOWER, SAME, FASTER) else NOTHING_JUDGED


def conclusion(cases: Sequence[CaseVerdict], *, alarms: int = 0) -> str:
    """Return what a gate came to, such as `1 confirmed SLOWER`: why `gate_code` is what it is."""
    words = [case.outcome.word for case in cases if isinstance(case.outcome, Verdict)]
    slower, failed = words.count(SLOWER), len(cases) - len(words)
    open_ones = words.count(UNSURE) + words.count(INCOMPARABLE)
    reasons = {
        REGRESSED: " and ".join(
            [
                *([f"{slower} confirmed SLOWER"] if slower else []),
                *([f"{alarms} history alarm{'' if alarms == 1 else 's'}"] if alarms else []),
            ]
        ),
        CASE_FAILED: f"{failed} case{'' if failed == 1 else 's'} FAILED",
        NOTHING_JUDGED: "nothing could be judged",
        OK: "no case is SLOWER" + (f", {open_ones} could not be judged" if open_ones else ""),
    }
    return reasons[gate_code(cases, alarms=alarms)]
