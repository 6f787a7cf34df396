"""The store: runs, cases, launches and outcomes, appended as they come and never changed.

One SQLite file, `dyno.db`, in the store's folder. What `add_*` returned from is on disk: a run
killed at any moment loses the launch in flight at most. `results/reader.py` has how it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Insert, Table, insert
from sqlalchemy.dialects.sqlite import insert as insert_or

from results import rows, schema
from results.access import Access, access
from results.accuracy import AccuracyRecord
from results.accuracy_rows import accuracy_row
from results.codec import dump, summary_fields
from results.database import StoreError, connect, connect_reader, translated
from results.reader import FILE, Reader, of_case
from results.record import CaseRecord, LaunchRecord, Outcome, RunEnd, RunRecord, RunResume
from results.summary import Summary
from results.telemetry import TelemetryRecord
from results.telemetry_rows import telemetry_row

__all__ = ["FILE", "Store", "StoreError"]


class Store(Reader):
    """A folder's store. Every method may raise StoreError; any number of processes may share it."""

    def __init__(self, folder: Path, *, create: bool = True, busy_s: float = 30.0) -> None:
        """Open the store; without `create`, one that is not there yet is an error."""
        path = folder / FILE
        if create:
            _make_folder(folder)
        elif not path.exists():
            raise StoreError(
                f"{folder}: expected a store, got no {FILE} there. "
                "Make one with 'dyno run SUITE', or name another folder with --store."
            )
        if create or access(path) is Access.WRITE:
            super().__init__(folder, connect(path, busy_s=busy_s, create=create))
        else:
            super().__init__(folder, connect_reader(path, busy_s=busy_s))

    def add_run(self, record: RunRecord) -> None:
        """Add a run that starts."""
        self._append(schema.run, rows.run_row(record))

    def end_run(self, run_id: str, end: RunEnd) -> None:
        """Add how a run ended; of several ends, the last one counts."""
        fields = {"run_id": run_id, "ended_at": end.ended_at, "state": end.state}
        self._append(schema.run_end, fields)

    def add_resume(self, run_id: str, record: RunResume) -> None:
        """Add a later start of a run."""
        self._append(schema.resume, {"run_id": run_id, **rows.resume_row(record)})

    def add_case(self, run_id: str, record: CaseRecord) -> None:
        """Add a case of a run."""
        self._append(schema.case, {"run_id": run_id, **rows.case_row(record)})

    def add_launch(self, run_id: str, case_position: int, record: LaunchRecord) -> None:
        """Add a launch of a case that was added before."""
        row = {**of_case(run_id, case_position), **rows.launch_row(record)}
        with translated(self._path), self._engine.begin() as connection:
            query = insert(schema.launch).values(row).returning(schema.launch.c.id)
            launch_id = connection.execute(query).scalar_one()
            raw = {"launch_id": launch_id, **rows.timings_row(record)}
            connection.execute(insert(schema.timings).values(raw))

    def add_telemetry(self, run_id: str, case_position: int, record: TelemetryRecord) -> None:
        """Add the telemetry of an attempt at a case; it counts if the case is still open."""
        row = {**of_case(run_id, case_position), **telemetry_row(record)}
        self._append(schema.telemetry, row)

    def add_accuracy(self, run_id: str, case_position: int, record: AccuracyRecord) -> None:
        """Add the accuracy of an attempt at a case that was added before."""
        row = {**of_case(run_id, case_position), **accuracy_row(record)}
        self._append(schema.accuracy, row)

    def add_outcome(self, run_id: str, case_position: int, outcome: Outcome) -> None:
        """Close a case that was added before; a case is closed once."""
        row = {**of_case(run_id, case_position), **rows.outcome_row(outcome)}
        self._append(schema.outcome, row)

    def add_settled(self, run_id: str, cases: Sequence[tuple[CaseRecord, Outcome]]) -> None:
        """Add cases that are closed without a launch, all in one transaction."""
        if not cases:
            return
        made = [{"run_id": run_id, **rows.case_row(record)} for record, _ in cases]
        closed = [
            {**of_case(run_id, record.position), **rows.outcome_row(outcome)}
            for record, outcome in cases
        ]
        with translated(self._path), self._engine.begin() as connection:
            connection.execute(insert(schema.case), made)
            connection.execute(insert(schema.outcome), closed)

    def add_summary(self, run_id: str, case_position: int, summary: Summary) -> None:
        """Add a summary; the same one, made by another process meanwhile, stays as it is."""
        row = {
            **of_case(run_id, case_position),
            "statistics_version": summary.statistics_version,
            "launches": summary.launches,
            "summary": dump(summary_fields(summary)),
        }
        self._write(insert_or(schema.summary).values(row).on_conflict_do_nothing())

    def _append(self, table: Table, row: Mapping[str, Any]) -> None:
        self._write(insert(table).values(dict(row)))

    def _write(self, statement: Insert) -> None:
        with translated(self._path), self._engine.begin() as connection:
            connection.execute(statement)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder}: expected a folder for the store, got {error.strerror!r}. "
            "Name another folder with --store."
        ) from error
