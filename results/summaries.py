"""The summaries of a run: the stored ones, and those that are missing or out of date made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from results.record import Measured
from results.rules import STATISTICS_VERSION

if TYPE_CHECKING:
    from results.record import CaseResult, RunResult, Summary
    from results.store import Store


def summaries(store: Store, run: RunResult) -> dict[int, Summary]:
    """Return the summary of each measured case by its position, and of open ones so far.

    Reads raw timings, and imports what computes on them, only for cases whose stored summary is of
    another version of the statistics or of fewer launches, and for open ones, whose summary is
    never stored. Raises StoreError.
    """
    stored = store.summaries(run.record.id, STATISTICS_VERSION)
    return {
        case.record.position: _present(stored, case) or _made(store, run, case)
        for case in run.cases
        if isinstance(case.outcome, Measured) or (case.outcome is None and case.launches)
    }


def _present(stored: dict[int, Summary], case: CaseResult) -> Summary | None:
    summary = stored.get(case.record.position)
    return summary if summary is not None and summary.launches == case.launches else None


def _made(store: Store, run: RunResult, case: CaseResult) -> Summary:
    from results.aggregate import summarise

    position = case.record.position
    summary = summarise(case.record, store.launches(run.record.id, position))
    if case.outcome is not None:
        store.add_summary(run.record.id, position, summary)
    return summary
