"""What a run tells whoever watches: called between launches only, never while one is timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.plan import Plan
    from harness.rotation import CaseProgress
    from results.record import Outcome
    from suites.case import Case


class Observer(Protocol):
    """Watches a run."""

    def waiting(self, reason: str) -> None:
        """Take note that the run waits for another to leave a device."""

    def started(self, run_id: str, plan: Plan, *, closed: int | None) -> None:
        """Take note that the run has begun.

        `closed` are the cases closed before it was resumed, None for a new run.
        """

    def settled(self, outcomes: Sequence[tuple[Case, Outcome]]) -> None:
        """Take note of the cases that the plan itself has closed, if any."""

    def preparing(self, what: str, done: int, total: int) -> None:
        """Take note that models or engines are made: `done` of `total` are made or have failed."""

    def prepared(self, ready: int, total: int, *, built: int, cached: int) -> None:
        """Take note that `ready` of `total` cases have an engine; cases may share one.

        `built` engines are new, `cached` ones came from the cache.
        """

    def launching(self, case: Case, progress: CaseProgress, *, left_s: float) -> None:
        """Take note of the next launch; `left_s` is a guess of the time until the run ends."""

    def launched(self, case: Case, progress: CaseProgress) -> None:
        """Take note of a launch that is done."""

    def watching(self, case: Case) -> None:
        """Take note that the case's device is about to be watched in a pass of its own."""

    def closed(self, case: Case, outcome: Outcome) -> None:
        """Take note of the outcome of a case that was to be tried."""


class Silent:
    """An observer that does nothing."""

    def waiting(self, reason: str) -> None:
        """Do nothing."""

    def started(self, run_id: str, plan: Plan, *, closed: int | None) -> None:
        """Do nothing."""

    def settled(self, outcomes: Sequence[tuple[Case, Outcome]]) -> None:
        """Do nothing."""

    def preparing(self, what: str, done: int, total: int) -> None:
        """Do nothing."""

    def prepared(self, ready: int, total: int, *, built: int, cached: int) -> None:
        """Do nothing."""

    def launching(self, case: Case, progress: CaseProgress, *, left_s: float) -> None:
        """Do nothing."""

    def launched(self, case: Case, progress: CaseProgress) -> None:
        """Do nothing."""

    def watching(self, case: Case) -> None:
        """Do nothing."""

    def closed(self, case: Case, outcome: Outcome) -> None:
        """Do nothing."""
