"""The store: runs, cases, launches and outcomes, appended as they come and never changed.

One SQLite file, `dyno.db`, in the store's folder. What `add_*` returned from is on disk: a run
killed at any moment loses the launch in flight at most.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Insert, Select, Table, func, insert, select
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.exc import DBAPIError

from results import queries, rows, schema
from results.access import Access, access, caution
from results.codec import dump, summary_fields
from results.damage import REMEDY, UNREADABLE, check_text, lenient, of_row, reading, told
from results.database import (
    DamagedError,
    PrunedError,
    StoreError,
    connect,
    connect_reader,
    driver_connection,
    is_undecodable,
    translated,
)
from results.lookup import choose
from results.ranking import Glance, read_glance
from results.record import (
    CaseRecord,
    CaseResult,
    LaunchRecord,
    Outcome,
    PastResult,
    RunEnd,
    RunOverview,
    RunRecord,
    RunResult,
    RunResume,
)
from results.summary import Summary

__all__ = ["Store", "StoreError"]

FILE = "dyno.db"
T = TypeVar("T")


class Store:
    """A folder's store. Every method may raise StoreError; any number of processes may share it."""

    def __init__(self, folder: Path, *, create: bool = True, busy_s: float = 30.0) -> None:
        """Open the store; without `create`, one that is not there yet is an error."""
        self.folder = folder
        self._path = folder / FILE
        self._view: Connection | None = None
        if create:
            _make_folder(folder)
        elif not self._path.exists():
            raise StoreError(
                f"{folder}: expected a store, got no {FILE} there. "
                "Make one with 'dyno run SUITE', or name another folder with --store."
            )
        if create or access(self._path) is Access.WRITE:
            self._engine = connect(self._path, busy_s=busy_s, create=create)
        else:
            self._engine = connect_reader(self._path, busy_s=busy_s)

    @property
    def caution(self) -> str | None:
        """Return what a reader must know where the store's folder cannot be written, or None."""
        return caution(self._path)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Yield a connection for work on the store as a whole (`results/upkeep/`)."""
        with translated(self._path), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def view(self) -> Iterator[Connection]:
        """Have one sight of the store: all is read as it was when the body began."""
        with self.connection() as connection:
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("SELECT 1 FROM run LIMIT 1")
            self._view = connection
            try:
                yield connection
            finally:
                self._view = None

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
        row = {**_key(run_id, case_position), **rows.launch_row(record)}
        with translated(self._path), self._engine.begin() as connection:
            query = insert(schema.launch).values(row).returning(schema.launch.c.id)
            launch_id = connection.execute(query).scalar_one()
            raw = {"launch_id": launch_id, **rows.timings_row(record)}
            connection.execute(insert(schema.timings).values(raw))

    def add_outcome(self, run_id: str, case_position: int, outcome: Outcome) -> None:
        """Close a case that was added before; a case is closed once."""
        self._append(schema.outcome, {**_key(run_id, case_position), **rows.outcome_row(outcome)})

    def add_settled(self, run_id: str, cases: Sequence[tuple[CaseRecord, Outcome]]) -> None:
        """Add cases that are closed without a launch, all in one transaction."""
        if not cases:
            return
        made = [{"run_id": run_id, **rows.case_row(record)} for record, _ in cases]
        closed = [
            {**_key(run_id, record.position), **rows.outcome_row(outcome)}
            for record, outcome in cases
        ]
        with translated(self._path), self._engine.begin() as connection:
            connection.execute(insert(schema.case), made)
            connection.execute(insert(schema.outcome), closed)

    def add_summary(self, run_id: str, case_position: int, summary: Summary) -> None:
        """Add a summary; the same one, made by another process meanwhile, stays as it is."""
        row = {
            **_key(run_id, case_position),
            "statistics_version": summary.statistics_version,
            "launches": summary.launches,
            "summary": dump(summary_fields(summary)),
        }
        self._write(insert_or(schema.summary).values(row).on_conflict_do_nothing())

    def runs(self) -> tuple[RunOverview, ...]:
        """Return all runs, newest first."""
        run = schema.run
        ended = self._read(queries.ends())
        ends = {row["run_id"]: self._reading(row, rows.read_end) for row in ended}
        cases, closed = self._case_counts(), self._outcome_counts()
        query = select(run).order_by(run.c.started_at.desc(), run.c.id.desc())
        return tuple(
            _overview(
                self._reading(row, rows.read_run),
                ends.get(row["id"]),
                cases=cases.get(row["id"], 0),
                closed=closed.get(row["id"], {}),
            )
            for row in self._read(query)
        )

    def find_run(self, text: str | None = None) -> str:
        """Return the id of the run meant by its id, the start of its id, or its name.

        A name stands for its newest run, None for the newest of all.
        """
        records = [overview.record for overview in self.runs()]
        return choose(records, text, where=str(self.folder))

    def has_run(self, run_id: str) -> bool:
        """Return whether a run of that whole id is stored."""
        return bool(self._read(select(schema.run.c.id).where(schema.run.c.id == run_id)))

    def read_run(self, run_id: str) -> RunResult:
        """Return a run by its whole id, without raw timings."""
        found = self._read(select(schema.run).where(schema.run.c.id == run_id))
        if not found:
            raise StoreError(
                f"{self.folder}: expected the id of a run, got {run_id!r}. "
                "List them with 'dyno runs'."
            )
        ended = select(schema.run_end).filter_by(run_id=run_id).order_by("id")
        resumes = select(schema.resume).filter_by(run_id=run_id).order_by("number")
        last = self._read(queries.ends().filter_by(run_id=run_id))
        return RunResult(
            record=self._reading(found[0], rows.read_run),
            end=self._reading(last[-1], rows.read_end) if last else None,
            cases=self._cases(run_id),
            resumes=tuple(self._reading(row, rows.read_resume) for row in self._read(resumes)),
            ends=tuple(self._reading(row, rows.read_end) for row in self._read(ended)),
        )

    def launches(self, run_id: str, case_position: int) -> tuple[LaunchRecord, ...]:
        """Return the launches of a case's last attempt with their raw timings, as they came."""
        launch, timings = schema.launch, schema.timings
        query = (
            select(launch, *queries.raw_columns())
            .outerjoin(timings)
            .filter_by(**_key(run_id, case_position))
        )
        found = self._read(query.order_by(launch.c.id))
        last = max((row["attempt"] for row in found), default=0)
        try:
            return tuple(rows.read_launch(row) for row in found if row["attempt"] == last)
        except rows.PrunedError as error:
            raise PrunedError(
                f"{self._path}: run {run_id}, case {case_position}: {error}. Measure again."
            ) from error
        except UNREADABLE as error:
            raise DamagedError(
                f"{self._path}: run {run_id}, case {case_position}: {told(error)}. "
                "Use the dyno that wrote it or a newer one, or measure again."
            ) from error

    def summaries(
        self, run_id: str, statistics_version: int, positions: Collection[int] | None = None
    ) -> dict[int, Summary]:
        """Return the stored summaries of that version by position, those of most launches.

        `positions` are those of some cases, a thousand at most.
        """
        found = self._read(queries.summaries(run_id, statistics_version, positions))
        return {row["position"]: self._reading(row, rows.read_summary_row) for row in found}

    def last_summary(self, run_id: str, case_position: int, launches: int) -> Summary | None:
        """Return the case's summary of that many launches by the newest rules that made one."""
        table = schema.summary
        columns = (table.c.run_id, table.c.position, table.c.summary)
        query = select(*columns).filter_by(**_key(run_id, case_position), launches=launches)
        found = self._read(query.order_by(table.c.statistics_version.desc()).limit(1))
        return self._reading(found[0], rows.read_summary_row) if found else None

    def glances(self, run_id: str, statistics_version: int) -> dict[int, Glance]:
        """Return what ranks the cases with a stored summary of that version, by position."""
        found = self._read(queries.glances(run_id, statistics_version))
        return {row["position"]: self._reading(row, _read_glance) for row in found}

    def history(self, case_id: str) -> tuple[PastResult, ...]:
        """Return what each run that measured the case found, oldest first.

        Of several summaries that of the newest rules counts; a run without any is left out.
        """
        last = {row["id"]: row for row in self._read(queries.history(case_id))}
        return tuple(self._reading(row, rows.read_past) for row in last.values())

    def _cases(self, run_id: str) -> tuple[CaseResult, ...]:
        case, launch = schema.case, schema.launch
        count = select(launch.c.position, launch.c.attempt, func.count().label("n"))
        counted = count.filter_by(run_id=run_id).group_by("position", "attempt").order_by("attempt")
        launches = {row["position"]: row["n"] for row in self._read(counted)}
        closings = self._read(select(schema.outcome).filter_by(run_id=run_id))
        outcomes = {row["position"]: self._reading(row, rows.read_closing) for row in closings}
        return tuple(
            CaseResult(
                record=self._reading(row, rows.read_case),
                outcome=outcomes.get(row["position"]),
                launches=launches.get(row["position"], 0),
            )
            for row in self._read(select(case).filter_by(run_id=run_id).order_by("position"))
        )

    def _case_counts(self) -> dict[str, int]:
        query = select(schema.case.c.run_id, func.count().label("n")).group_by("run_id")
        return {row["run_id"]: row["n"] for row in self._read(query)}

    def _outcome_counts(self) -> dict[str, dict[str, int]]:
        closed = schema.outcome
        query = select(closed.c.run_id, closed.c.outcome, func.count().label("n"))
        found: dict[str, dict[str, int]] = {}
        for row in self._read(query.group_by("run_id", "outcome")):
            found.setdefault(row["run_id"], {})[row["outcome"]] = row["n"]
        return found

    def _append(self, table: Table, row: Mapping[str, Any]) -> None:
        self._write(insert(table).values(dict(row)))

    def _write(self, statement: Insert) -> None:
        with translated(self._path), self._engine.begin() as connection:
            connection.execute(statement)

    def _read(self, query: Select[Any]) -> list[dict[str, Any]]:
        with translated(self._path), self._reader() as connection:
            try:
                return _rows(connection, query)
            except DBAPIError as error:
                if is_undecodable(error):
                    self._tell_undecodable(connection, query)
                raise
            except (TypeError, ValueError) as error:
                raise DamagedError(f"{self._path}: {told(error)}. {REMEDY}") from error

    def _tell_undecodable(self, connection: Connection, query: Select[Any]) -> None:
        """Raise DamagedError for the first row with a text that is not UTF-8."""
        driver_connection(connection).text_factory = lenient
        for row in _rows(connection, query):
            self._reading(row, check_text)

    def _reading(self, row: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T]) -> T:
        return reading(self._path, of_row(row), row, read)

    @contextmanager
    def _reader(self) -> Iterator[Connection]:
        if self._view is not None:
            yield self._view
            return
        with self._engine.connect() as connection:
            yield connection


def _rows(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _read_glance(row: Mapping[str, Any]) -> Glance:
    return read_glance(row["glance"])


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder}: expected a folder for the store, got {error.strerror!r}. "
            "Name another folder with --store."
        ) from error


def _key(run_id: str, position: int) -> dict[str, Any]:
    return {"run_id": run_id, "position": position}


def _overview(
    record: RunRecord, end: RunEnd | None, *, cases: int, closed: Mapping[str, int]
) -> RunOverview:
    return RunOverview(
        record=record,
        end=end,
        measured=closed.get("measured", 0),
        skipped=closed.get("skipped", 0),
        failed=closed.get("failed", 0),
        open=cases - sum(closed.values()),
    )
