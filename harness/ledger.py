"""What a run leaves in the store: its start and end, its cases, and what was found of each."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from results import summaries
from results.record import Measured, RunEnd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.resume import Earlier
    from results.accuracy import AccuracyRecord
    from results.record import CaseRecord, LaunchRecord, Outcome, RunRecord
    from results.store import Store
    from results.telemetry import TelemetryRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Stores one run. Methods raise StoreError; what is found of a case is of this attempt.

    `earlier` is None but where the run is resumed; `records` takes the open cases by position.
    """

    store: Store
    run: RunRecord
    earlier: Earlier | None
    records: dict[int, CaseRecord]

    def start(self) -> None:
        """Store that the run has started, or goes on."""
        if self.earlier is None:
            self.store.add_run(self.run)
        else:
            self.store.add_resume(self.run.id, self.earlier.resume)

    def end(self, state: str) -> None:
        """Store the end, never before the start: the clock may have been set back meanwhile."""
        began_at = self.earlier.resume.resumed_at if self.earlier else self.run.started_at
        end = RunEnd(ended_at=max(time.time(), began_at), state=state)
        self.store.end_run(self.run.id, end)

    def settle(self, cases: Sequence[tuple[CaseRecord, Outcome]]) -> None:
        """Store cases that are closed before anything of them runs."""
        self.store.add_settled(self.run.id, cases)

    def add_case(self, record: CaseRecord) -> None:
        """Store an open case, unless an earlier attempt has."""
        known = self.earlier.records.get(record.position) if self.earlier else None
        self.records[record.position] = known or record
        if known is None:
            self.store.add_case(self.run.id, record)

    def add_accuracy(self, position: int, record: AccuracyRecord) -> None:
        """Store what the answers of a case are worth."""
        self.store.add_accuracy(self.run.id, position, replace(record, attempt=self._attempt))

    def add_launch(self, position: int, record: LaunchRecord) -> None:
        """Store a launch of a case."""
        self.store.add_launch(self.run.id, position, replace(record, attempt=self._attempt))

    def add_telemetry(self, position: int, record: TelemetryRecord) -> None:
        """Store a case's telemetry pass."""
        self.store.add_telemetry(self.run.id, position, replace(record, attempt=self._attempt))

    def close(self, position: int, outcome: Outcome) -> None:
        """Store a case's outcome, and the summary of one that is measured."""
        self.store.add_outcome(self.run.id, position, outcome)
        if isinstance(outcome, Measured):
            summaries.close(self.store, self.run.id, self.records[position])

    @property
    def _attempt(self) -> int:
        return self.earlier.resume.number if self.earlier else 0
