"""The exit codes of dyno, and those that the outcomes of a run, or builds, earn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from results.record import Failed, Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from results.record import Outcome

OK = 0
CASE_FAILED = 1
USAGE = 2
NOTHING_MEASURED = 4
INTERRUPTED = 130


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """Return 1 if any case failed, else 4 if none was measured, else 0."""
    if any(isinstance(outcome, Failed) for outcome in outcomes):
        return CASE_FAILED
    if not any(isinstance(outcome, Measured) for outcome in outcomes):
        return NOTHING_MEASURED
    return OK


def build_code(*, ready: int, failed: int) -> int:
    """Return 1 if any of the builds failed, else 4 if no case has an engine, else 0."""
    if failed:
        return CASE_FAILED
    return OK if ready else NOTHING_MEASURED
