"""Progress of a run: a live display on a terminal, plain lines elsewhere, both on stderr.

They write only when the runner calls them, which is between launches: no thread redraws while a
launch is timed.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from results.record import Failed, Skipped
from results.report.units import duration, fraction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

    from harness.observer import Observer
    from harness.plan import Plan
    from harness.rotation import CaseProgress
    from results.record import Outcome
    from suites.case import Case


@contextmanager
def make_observer() -> Iterator[Observer]:
    """Yield the observer that fits stderr."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        yield Live(progress)


class Lines:
    """A line when the run starts, and one a case when it is closed."""

    def __init__(self) -> None:
        self._closed = 0
        self._total = 0
        self._last: dict[str, CaseProgress] = {}

    def started(self, run_id: str, plan: Plan) -> None:
        """Print what is about to run."""
        self._total = len(plan.cases)
        self._print(started_text(run_id, plan))

    def preparing(self, what: str, done: int, total: int) -> None:
        """Print when the last of them is ready."""
        if total and done == total:
            self._print(f"{total} {what} ready")

    def launching(self, case: Case, progress: CaseProgress, *, left_s: float) -> None:
        """Print nothing."""

    def launched(self, case: Case, progress: CaseProgress) -> None:
        """Remember what is known of the case."""
        self._last[case.id] = progress

    def closed(self, case: Case, outcome: Outcome) -> None:
        """Print the case's outcome."""
        self._closed += 1
        count = f"[{self._closed}/{self._total}]"
        self._print(f"{count} {case.id}  {outcome_text(outcome, self._last.get(case.id))}")

    def _print(self, line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


class Live:
    """A bar of closed cases, and under it the case whose launch is next."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._cases = progress.add_task("cases", total=None, note="")
        self._current = progress.add_task("", total=None, note="", visible=False)
        self._last: dict[str, CaseProgress] = {}

    def started(self, run_id: str, plan: Plan) -> None:
        """Print what is about to run, and size the bar."""
        self._progress.console.print(started_text(run_id, plan), markup=False, highlight=False)
        self._progress.update(self._cases, total=len(plan.cases))
        self._progress.update(self._current, total=plan.suite.measure.launches_max)
        self._progress.refresh()

    def preparing(self, what: str, done: int, total: int) -> None:
        """Show how many are ready."""
        self._progress.update(self._cases, note=f"preparing {what}: {done} of {total}")
        self._progress.refresh()

    def launching(self, case: Case, progress: CaseProgress, *, left_s: float) -> None:
        """Show the next case, what is known of it, and the time left."""
        self._progress.update(self._cases, note=f"about {duration(left_s * 1e9)} left")
        self._progress.update(
            self._current,
            description=case.id,
            completed=progress.launches,
            note=f"launches  {estimate_text(progress)}",
            visible=True,
        )
        self._progress.refresh()

    def launched(self, case: Case, progress: CaseProgress) -> None:
        """Remember what is known of the case."""
        self._last[case.id] = progress

    def closed(self, case: Case, outcome: Outcome) -> None:
        """Move the bar; print the outcomes that are no measurement."""
        if isinstance(outcome, Failed):
            line = f"{case.id}  {outcome_text(outcome, None)}"
            self._progress.console.print(line, markup=False, highlight=False)
        self._progress.advance(self._cases)
        self._progress.refresh()


def started_text(run_id: str, plan: Plan) -> str:
    """Return the line that opens a run."""
    runnable, total = len(plan.runnable), len(plan.cases)
    skipped = f", {total - runnable} of them settled already" if total > runnable else ""
    about = duration(plan.estimate_s * 1e9)
    return f"run {run_id}: {total} cases of {plan.suite.name}{skipped}, about {about}"


def estimate_text(progress: CaseProgress | None) -> str:
    """Return the median over the launches so far and its interval, or nothing."""
    if progress is None or not progress.launches:
        return ""
    interval = progress.interval
    if interval is None:
        return duration(progress.medians_ns[0])
    centre = (interval.low_ns * interval.high_ns) ** 0.5
    return f"{duration(centre)} ± {fraction(interval.half_width)}"


def outcome_text(outcome: Outcome, progress: CaseProgress | None) -> str:
    """Return the outcome in a few words."""
    if isinstance(outcome, Skipped):
        return f"skipped: {outcome.reason}"
    if isinstance(outcome, Failed):
        return f"FAILED ({outcome.kind}): {outcome.message.rstrip('.')}. {outcome.hint}"
    launches = progress.launches if progress else 0
    return f"{estimate_text(progress)}  ({launches} launches, stopped by {outcome.stopped_by})"
