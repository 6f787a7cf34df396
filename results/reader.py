"""Reading a store: runs, cases, launches, outcomes and summaries, as the records they were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, func, select
from sqlalchemy.exc import DBAPIError

from results import queries, rows, schema
from results.access import caution
from results.accuracy import AccuracyRecord
from results.accuracy_rows import read_accuracy
from results.damage import REMEDY, UNREADABLE, check_text, lenient, of_row, reading, told
from results.database import (
    DamagedError,
    PrunedError,
    StoreError,
    driver_connection,
    is_undecodable,
    translated,
)
from results.lookup import choose
from results.ranking import Glance, read_glance
from results.record import (
    CaseResult,
    LaunchRecord,
    PastResult,
    RunEnd,
    RunOverview,
    RunRecord,
    RunResult,
)
from results.summary import Summary
from results.telemetry import TelemetryRecord
from results.telemetry_rows import read_telemetry

FILE = "dyno.db"
T = TypeVar("T")


class Reader:
    """A store to read from. Every method may raise StoreError."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        """Read the store in `folder`, whose database is open."""
        self.folder = folder
        self._engine = engine
        self._path = folder / FILE
        self._view: Connection | None = None

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
            .filter_by(**of_case(run_id, case_position))
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

    def telemetry(self, run_id: str, case_position: int) -> TelemetryRecord | None:
        """Return the telemetry of a case, that of the newest attempt which has any."""
        table = schema.telemetry
        query = select(table).filter_by(**of_case(run_id, case_position))
        found = self._read(query.order_by(table.c.attempt.desc()).limit(1))
        return self._reading(found[0], read_telemetry) if found else None

    def accuracy(self, run_id: str, case_position: int) -> AccuracyRecord | None:
        """Return the newest accuracy of a case; not one of an attempt before its launches'."""
        return self.accuracies(run_id, [case_position]).get(case_position)

    def accuracies(
        self, run_id: str, positions: Collection[int] | None = None
    ) -> dict[int, AccuracyRecord]:
        """Return the accuracy of each case that has any, by position.

        `positions` are those of some cases, a thousand at most.
        """
        found = self._read(queries.accuracies(run_id, positions))
        return {row["position"]: self._reading(row, read_accuracy) for row in found}

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
        query = select(*columns).filter_by(**of_case(run_id, case_position), launches=launches)
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


def of_case(run_id: str, position: int) -> dict[str, Any]:
    """Return the columns that say which case of which run a row is of."""
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
