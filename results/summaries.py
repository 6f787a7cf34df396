"""The summaries of a run: the stored ones, and those that are missing or out of date made anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from results.damage import REMEDY, UNREADABLE, told
from results.database import DamagedError, PrunedError, StoreError
from results.ranking import Glance
from results.record import Measured
from results.rules import STATISTICS_VERSION

if TYPE_CHECKING:
    from results.record import CaseRecord, CaseResult, RunResult
    from results.store import Store
    from results.summary import Summary

PAGE = 1000
"""Cases whose summaries are held at a time where all of a big run are wanted one by one."""


def summaries(store: Store, run: RunResult) -> dict[int, Summary]:
    """Return the summary of each measured case by its position, and of open ones so far.

    Reads raw timings, and imports what computes on them, only for cases whose stored summary is of
    another version of the statistics or of fewer launches, and for open ones, whose summary is
    never stored. Raises StoreError.
    """
    positions = [case.record.position for case in run.cases] if len(run.cases) <= PAGE else None
    stored = store.summaries(run.record.id, STATISTICS_VERSION, positions)
    return {
        case.record.position: _present(stored, case) or _made(store, run, case)
        for case in run.cases
        if isinstance(case.outcome, Measured) or (case.outcome is None and case.launches)
    }


def with_accuracy(store: Store, run: RunResult) -> RunResult:
    """Return the run, its cases with their accuracy as far as there is any. Raises StoreError."""
    positions = [case.record.position for case in run.cases] if len(run.cases) <= PAGE else None
    found = store.accuracies(run.record.id, positions)
    if not found:
        return run
    cases = (replace(case, accuracy=found.get(case.record.position)) for case in run.cases)
    return replace(run, cases=tuple(cases))


def paired(store: Store, run: RunResult) -> Iterator[tuple[CaseResult, Summary | None]]:
    """Yield each case and its summary, if it has one, reading `PAGE` of them at a time.

    The cases come with their accuracy.
    """
    for start in range(0, len(run.cases), PAGE):
        page = with_accuracy(store, replace(run, cases=run.cases[start : start + PAGE]))
        found = summaries(store, page)
        yield from ((case, found.get(case.record.position)) for case in page.cases)


def glances(store: Store, run: RunResult) -> dict[int, Glance]:
    """Return what ranks each measured case, by its position.

    A summary that is missing or out of date is made and stored, as for `summaries`.
    """
    stored = store.glances(run.record.id, STATISTICS_VERSION)
    measured = [case for case in run.cases if isinstance(case.outcome, Measured)]
    found: dict[int, Glance] = {}
    lacking: list[CaseResult] = []
    for case in measured:
        glance = stored.get(case.record.position)
        if glance is not None and glance.launches == case.launches:
            found[case.record.position] = glance
        else:
            lacking.append(case)
    for case, summary in paired(store, replace(run, cases=tuple(lacking))):
        if summary is not None:
            found[case.record.position] = Glance.of(summary)
    return found


def close(store: Store, run_id: str, record: CaseRecord) -> None:
    """Store the summary of a case that has just been measured, so that no report has to make it.

    One that cannot be made is left to the report, which then says why. Raises StoreError.
    """
    from results.aggregate import summarise

    launches = store.launches(run_id, record.position)
    telemetry = store.telemetry(run_id, record.position)
    try:
        summary = summarise(record, launches, telemetry)
    except (ValueError, ArithmeticError):
        return
    store.add_summary(run_id, record.position, summary)


def _present(stored: dict[int, Summary], case: CaseResult) -> Summary | None:
    summary = stored.get(case.record.position)
    return summary if summary is not None and summary.launches == case.launches else None


def _made(store: Store, run: RunResult, case: CaseResult) -> Summary:
    """Return a summary made now, or where raw timings were pruned one by older rules, noted so."""
    from results.aggregate import summarise

    run_id, position = run.record.id, case.record.position
    try:
        launches = store.launches(run_id, position)
    except PrunedError:
        older = store.last_summary(run_id, position, case.launches)
        if older is None:
            raise
        return replace(older, notes=(*older.notes, "older-statistics"))
    telemetry = store.telemetry(run_id, position)
    try:
        summary = summarise(case.record, launches, telemetry)
    except UNREADABLE as error:
        where = f"{store.folder}: run {run_id}, case {position}"
        raise DamagedError(f"{where}: {told(error)}. {REMEDY}") from error
    if case.outcome is not None:
        _store(store, run_id, position, summary)
    return summary


def _store(store: Store, run_id: str, position: int, summary: Summary) -> None:
    # what is derived may stay unstored: a report must not fail on a read-only or a full disk
    with suppress(StoreError):
        store.add_summary(run_id, position, summary)
