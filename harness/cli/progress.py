"""Progress of a run on stderr: a line a case, and on a terminal a display of two lines below.

They write only when the runner calls them, which is between launches: no thread redraws while a
launch is timed.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.cli.settled import together
from harness.cli.streams import tell
from results.record import Failed, Skipped
from results.report.units import duration, fraction
from results.report.wording import one_line, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.live import Live

    from harness.observer import Observer
    from harness.plan import Plan
    from harness.rotation import CaseProgress
    from results.record import Outcome
    from suites.case import Case

BAR_WIDTH = 24


@contextmanager
def make_observer() -> Iterator[Observer]:
    """Yield the observer that fits stderr."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield Display(live)


class Lines:
    """A line when the run starts, when engines are ready, and when a case is closed."""

    def __init__(self) -> None:
        self._cases = 0
        self._closed = 0
        self._last: dict[str, CaseProgress] = {}
        self._on_streams: frozenset[str] = frozenset()

    def waiting(self, reason: str) -> None:
        """Print whom the run waits for."""
        self._print(reason)

    def started(self, run_id: str, plan: Plan, *, closed: int | None) -> None:
        """Print what is about to run."""
        self._cases, self._closed = len(plan.cases), closed or 0
        self._on_streams = frozenset(
            each.case.id for each in plan.runnable if each.options.get("streams", 1) != 1
        )
        self._print(started_text(run_id, plan, closed=closed))

    def settled(self, outcomes: Sequence[tuple[Case, Outcome]]) -> None:
        """Print each outcome once, with whose it is."""
        for whose, count, outcome in together(outcomes):
            self._closed += count
            self._print(f"{self._count()} {whose}  {outcome_text(outcome)}")

    def preparing(self, what: str, done: int, total: int) -> None:
        """Print nothing."""

    def prepared(self, ready: int, total: int, *, built: int, cached: int) -> None:
        """Print how many cases are ready, and where their engines are from."""
        if total:
            cases = f"{total} case{'' if total == 1 else 's'}"
            self._print(f"{ready} of {cases} ready{origin_text(built, cached)}")

    def launching(self, case: Case, progress: CaseProgress, *, left_s: float) -> None:
        """Print nothing."""

    def launched(self, case: Case, progress: CaseProgress) -> None:
        """Remember what is known of the case."""
        self._last[case.id] = progress

    def watching(self, case: Case) -> None:
        """Print nothing."""

    def closed(self, case: Case, outcome: Outcome) -> None:
        """Print the case's outcome."""
        self._closed += 1
        last = self._last.get(case.id)
        told = outcome_text(outcome, self._known(case, last), last.launches if last else 0)
        self._print(f"{self._count()} {case.id}  {told}")

    def _known(self, case: Case, progress: CaseProgress | None) -> str:
        known = estimate_text(progress)
        return f"{known} elapsed per query" if known and case.id in self._on_streams else known

    def _count(self) -> str:
        return f"[{self._closed}/{self._cases}]"

    def _print(self, line: str) -> None:
        tell(line)


class Display(Lines):
    """The lines, and below them a bar of launches and the case whose launch is next."""

    def __init__(self, live: Live) -> None:
        super().__init__()
        self._live = live
        self._launches_max = 0
        self._done = 0
        self._total = 0

    def started(self, run_id: str, plan: Plan, *, closed: int | None) -> None:
        """Print what is about to run; no case can need more than its most launches."""
        super().started(run_id, plan, closed=closed)
        self._launches_max = plan.suite.measure.launches_max
        self._total = len(plan.runnable) * self._launches_max

    def preparing(self, what: str, done: int, total: int) -> None:
        """Show how many are done."""
        self._draw(f"preparing {what}: {done} of {total}")

    def launching(self, case: Case, progress: CaseProgress, *, left_s: float) -> None:
        """Show the next launch, what is known of its case, and the time left."""
        launch = f"launch {progress.launches + 1} of {self._launches_max} at most"
        known = self._known(case, progress)
        counts = f"{self._done}/{self._total} launches · {self._closed}/{self._cases} cases"
        self._draw(
            f"{self._bar()} {counts} · about {duration(left_s * 1e9)} left",
            f"{case.id}  {launch}{f' · {known}' if known else ''}",
        )

    def launched(self, case: Case, progress: CaseProgress) -> None:
        """Remember what is known of the case."""
        super().launched(case, progress)
        self._done += 1

    def watching(self, case: Case) -> None:
        """Show whose device is watched."""
        self._draw(f"{case.id}  telemetry")

    def closed(self, case: Case, outcome: Outcome) -> None:
        """Print the outcome; launches that the case did not need are no longer expected."""
        super().closed(case, outcome)
        last = self._last.get(case.id)
        if not isinstance(outcome, Skipped):
            self._total -= self._launches_max - (last.launches if last else 0)

    def _bar(self) -> str:
        filled = BAR_WIDTH * self._done // max(self._total, 1)
        return "━" * filled + "╌" * (BAR_WIDTH - filled)

    def _draw(self, *lines: str) -> None:
        from rich.text import Text

        self._live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)

    def _print(self, line: str) -> None:
        self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)


def started_text(run_id: str, plan: Plan, *, closed: int | None) -> str:
    """Return the line that opens a run."""
    runnable, total = len(plan.runnable), len(plan.cases)
    word = "settled already" if closed is None else "closed"
    settled = f", {total - runnable} of them {word}" if total > runnable else ""
    head = f"run {run_id}{'' if closed is None else ' resumed'}"
    cases = f"{total} case{'' if total == 1 else 's'} of {one_line(plan.suite.name)}"
    return f"{head}: {cases}{settled}, {time_text(plan)}"


def origin_text(built: int, cached: int) -> str:
    """Return `: 2 engines built, 4 from the cache`, without what there is none of."""
    told = [(n, word) for n, word in ((built, "built"), (cached, "from the cache")) if n]
    if not told:
        return ""
    (count, word), *rest = told
    first = f"{count} engine{'' if count == 1 else 's'} {word}"
    return f": {', '.join([first, *(f'{n} {word}' for n, word in rest)])}"


def time_text(plan: Plan) -> str:
    """Return the estimated time, or that there is nothing to spend it on."""
    return f"about {duration(plan.estimate_s * 1e9)}" if plan.runnable else "nothing to run"


def estimate_text(progress: CaseProgress | None) -> str:
    """Return the median over the launches so far and its interval, or nothing."""
    if progress is None or not progress.launches:
        return ""
    interval = progress.interval
    if interval is None:
        return duration(progress.statistics_ns[0])
    centre = (interval.low_ns * interval.high_ns) ** 0.5
    return f"{duration(centre)} ± {fraction(interval.half_width)}"


def outcome_text(outcome: Outcome, known: str = "", count: int = 0) -> str:
    """Return the outcome in a few words; `known` is the estimate, over `count` launches."""
    if isinstance(outcome, Skipped):
        return f"skipped: {one_line(outcome.reason)}"
    if isinstance(outcome, Failed):
        return f"FAILED ({outcome.kind}): {sentences(outcome.message, outcome.hint)}"
    launches = f"{count} launch{'' if count == 1 else 'es'}"
    return f"{known}  ({launches}, stopped by {outcome.stopped_by})"
