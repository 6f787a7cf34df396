"""Which cases' numbers no longer need raw timings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from results.damage import REMEDY, UNREADABLE, told
from results.database import DamagedError, PrunedError
from results.record import Measured
from results.rules import STATISTICS_VERSION
from results.summaries import PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from results.record import CaseResult, RunResult
    from results.store import Store
    from results.summary import Summary


def summed(store: Store, run: RunResult, *, dry_run: bool) -> tuple[list[int], tuple[str, ...]]:
    """Return the positions of closed cases that need no raw timings, and lines on damaged ones.

    Those are all but measured cases without a summary that can be read. A summary that is missing
    is made, and but for a `dry_run` stored. Raises StoreError.
    """
    done, problems = [], []
    for start in range(0, len(run.cases), PAGE):
        page = run.cases[start : start + PAGE]
        stored = _stored(store, run, page)
        for case in page:
            try:
                if _is_summed(store, run, case, stored, dry_run=dry_run):
                    done.append(case.record.position)
            except DamagedError as error:
                problems.append(str(error))
    return done, tuple(problems)


def _stored(
    store: Store, run: RunResult, page: Sequence[CaseResult]
) -> Mapping[int, Summary] | None:
    """Return the stored summaries, or None where one of them is damaged."""
    positions = [case.record.position for case in page]
    try:
        return store.summaries(run.record.id, STATISTICS_VERSION, positions)
    except DamagedError:
        return None


def _is_summed(
    store: Store,
    run: RunResult,
    case: CaseResult,
    stored: Mapping[int, Summary] | None,
    *,
    dry_run: bool,
) -> bool:
    if not isinstance(case.outcome, Measured):
        return case.outcome is not None
    run_id, position = run.record.id, case.record.position
    if stored is None:
        stored = store.summaries(run_id, STATISTICS_VERSION, [position])
    summary = stored.get(position)
    if summary is not None and summary.launches == case.launches:
        return True
    try:
        made = _made(store, run_id, case)
    except PrunedError:
        return False
    if not dry_run:
        store.add_summary(run_id, position, made)
    return True


def _made(store: Store, run_id: str, case: CaseResult) -> Summary:
    from results.aggregate import summarise

    position = case.record.position
    launches, telemetry = store.launches(run_id, position), store.telemetry(run_id, position)
    try:
        return summarise(case.record, launches, telemetry)
    except UNREADABLE as error:
        where = f"{store.folder}: run {run_id}, case {position}"
        raise DamagedError(f"{where}: {told(error)}. {REMEDY}") from error
