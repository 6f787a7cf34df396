"""A run in a few numbers: how its cases ended, in what state it is, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from results.record import CaseResult, Failed, Measured, RunEnd, RunResult, Skipped
from results.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Cases by outcome, those without one as `open`, and the time that the run's starts took.

    `elapsed_s` is the sum over the `timed_starts`, those whose end is known, without the gaps
    between them; None where no start has one.
    """

    measured: int
    skipped: int
    failed: int
    open: int
    elapsed_s: float | None
    starts: int
    timed_starts: int


def totals(run: RunResult) -> Totals:
    """Return the numbers of a run."""
    kinds = [type(case.outcome) for case in run.cases]
    spans = list(_spans_s(run))
    return Totals(
        measured=kinds.count(Measured),
        skipped=kinds.count(Skipped),
        failed=kinds.count(Failed),
        open=kinds.count(type(None)),
        elapsed_s=sum(spans) if spans else None,
        starts=1 + len(run.resumes),
        timed_starts=len(spans),
    )


def state_word(end: RunEnd | None, *, live: bool) -> str:
    """Return `running`, `done`, `interrupted`, or `killed` for a run that has no end."""
    if live:
        return "running"
    return end.state if end else "killed"


def measured(
    run: RunResult, summaries: Mapping[int, Summary]
) -> tuple[tuple[CaseResult, Summary], ...]:
    """Return the cases that have a summary with it, in the order of the suite."""
    return tuple(
        (case, summaries[case.record.position])
        for case in run.cases
        if case.record.position in summaries
    )


def _spans_s(run: RunResult) -> Iterator[float]:
    """Yield how long each start took that has an end before the next one."""
    ends = [*run.ends] or ([run.end] if run.end else [])
    starts = [run.record.started_at, *(resume.resumed_at for resume in run.resumes)]
    for start, following in pairwise([*starts, float("inf")]):
        within = [end.ended_at for end in ends if start <= end.ended_at < following]
        if within:
            yield within[-1] - start
