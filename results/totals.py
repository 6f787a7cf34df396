"""A run in a few numbers: how its cases ended and how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from results.record import CaseResult, Failed, Measured, RunEnd, RunResult, Skipped, Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Cases by outcome, those without one as `open`; no `elapsed_s` for a run without an end."""

    measured: int
    skipped: int
    failed: int
    open: int
    elapsed_s: float | None


def totals(run: RunResult) -> Totals:
    """Return the numbers of a run."""
    kinds = [type(case.outcome) for case in run.cases]
    return Totals(
        measured=kinds.count(Measured),
        skipped=kinds.count(Skipped),
        failed=kinds.count(Failed),
        open=kinds.count(type(None)),
        elapsed_s=run.end.ended_at - run.record.started_at if run.end else None,
    )


def state_word(end: RunEnd | None) -> str:
    """Return `done`, `interrupted`, or `open` for a run that was killed or still goes on."""
    return end.state if end else "open"


def measured(
    run: RunResult, summaries: Mapping[int, Summary]
) -> tuple[tuple[CaseResult, Summary], ...]:
    """Return the cases that have a summary with it, in the order of the suite."""
    return tuple(
        (case, summaries[case.record.position])
        for case in run.cases
        if case.record.position in summaries
    )
