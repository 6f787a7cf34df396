"""`dyno store verify`: whether everything in a store can be read and agrees with the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from results import rows, schema
from results.accuracy_rows import read_accuracy
from results.codec import encodable
from results.damage import UNREADABLE, lenient
from results.database import driver_connection
from results.record import RunEnd
from results.telemetry_rows import read_telemetry
from results.upkeep.files import file_problems
from results.upkeep.launches import Row, is_pruned, launch_rows, read, stream, unreadable
from results.upkeep.plausible import (
    accuracy_problem,
    case_problem,
    launch_problem,
    summary_problem,
    telemetry_problem,
)
from results.upkeep.recount import recount
from results.upkeep.verify_gates import GateCensus, gate_file_problems, gate_problems

if TYPE_CHECKING:
    from results.record import LaunchRecord
    from results.store import Store

Key = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found: `problems` are whole lines, `pruned` launches have no raw timings."""

    runs: int
    launches: int
    timings: int
    pruned: int
    problems: tuple[str, ...]
    gates: int = 0
    pairs: int = 0


@dataclass(slots=True, kw_only=True)
class _Case:
    """What the last attempt of a case has."""

    attempt: int
    launches: int = 0
    queries: int = 0
    pruned: int = 0
    is_doubtful: bool = False


@dataclass(slots=True, kw_only=True)
class _Census:
    """What was counted so far."""

    runs: int = 0
    launches: int = 0
    timings: int = 0
    pruned: int = 0
    cases: dict[Key, _Case] = field(default_factory=dict)


def verify(store: Store) -> Verified:
    """Return what is in the store and what is wrong with it. Reads all of it. Raises StoreError."""
    census, gates = _Census(), GateCensus()
    with store.connection() as connection:
        # one sight of the store: what a live run adds meanwhile would seem to lack its parts
        connection.exec_driver_sql("BEGIN")
        driver_connection(connection).text_factory = lenient
        problems = list(_database_problems(connection))
        if not problems:
            problems += [*_table_problems(connection, census), *gate_problems(connection, gates)]
    problems += [*file_problems(store.folder), *gate_file_problems(store.folder, gates)]
    return Verified(
        runs=census.runs,
        launches=census.launches,
        timings=census.timings,
        pruned=census.pruned,
        problems=tuple(map(encodable, problems)),
        gates=gates.gates,
        pairs=gates.pairs,
    )


def _database_problems(connection: Connection) -> Iterator[str]:
    for (said,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if said != "ok":
            yield f"dyno.db: {said}"
    for table, number, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"dyno.db: row {number} of table {table!r} has no {parent!r}"


def _table_problems(connection: Connection, census: _Census) -> Iterator[str]:
    for row in stream(connection, select(schema.run)):
        census.runs += 1
        yield from unreadable(f"run {row['id']}", row, rows.read_run)
    for row in stream(connection, select(schema.resume)):
        yield from unreadable(f"run {row['run_id']}, resume {row['number']}", row, rows.read_resume)
    for row in stream(connection, select(schema.run_end)):
        yield from unreadable(f"run {row['run_id']}, its end", row, _read_end)
    for row in stream(connection, select(schema.case)):
        yield from unreadable(_where(row), row, _read_case)
    yield from _launch_problems(connection, census)
    for row in stream(connection, select(schema.telemetry)):
        where = f"{_where(row)}, telemetry of attempt {row['attempt']}"
        yield from unreadable(where, row, _read_telemetry)
    for row in stream(connection, select(schema.accuracy)):
        where = f"{_where(row)}, accuracy of attempt {row['attempt']}"
        yield from unreadable(where, row, _read_accuracy)
    yield from _outcome_problems(connection, census.cases)
    yield from _summary_problems(connection, census.cases)


def _launch_problems(connection: Connection, census: _Census) -> Iterator[str]:
    for key, found in groupby(launch_rows(connection), _key):
        launches: list[LaunchRecord] = []
        for row in found:
            case = census.cases.get(key)
            if case is None or case.attempt != row["attempt"]:
                case = census.cases[key] = _Case(attempt=row["attempt"])
                launches.clear()
            yield from _launch_problem(row, case, census, launches)
        case = census.cases[key]
        if not case.is_doubtful and not case.pruned:
            yield from _recount(connection, key, launches)


def _launch_problem(
    row: Row, case: _Case, census: _Census, launches: list[LaunchRecord]
) -> Iterator[str]:
    where = f"{_where(row)}, launch {row['number']}"
    if row["number"] != case.launches:
        yield f"{where}: expected launch {case.launches} of attempt {row['attempt']}"
    case.launches += 1
    census.launches += 1
    problems = list(unreadable(where, row, partial(_look, case, census, launches)))
    case.is_doubtful |= bool(problems)
    yield from problems


def _look(case: _Case, census: _Census, launches: list[LaunchRecord], row: Row) -> None:
    """Count and keep the launch. Raises ValueError for one that is not plausible."""
    launch, pruned = read(row), is_pruned(row)
    case.queries += sum(block.queries for block in launch.blocks)
    case.pruned += pruned
    census.pruned += pruned
    census.timings += len(launch.wall_ns)
    launches.append(launch)
    if not pruned and (problem := launch_problem(launch)):
        raise ValueError(problem)


def _recount(connection: Connection, key: Key, launches: Sequence[LaunchRecord]) -> Iterator[str]:
    # what cannot be read is told with its own row
    with suppress(*UNREADABLE):
        if problem := recount(connection, *key, launches):
            yield f"run {key[0]}, case {key[1]}, its summary: {problem}"


def _outcome_problems(connection: Connection, cases: Mapping[Key, _Case]) -> Iterator[str]:
    closed = set()
    for row in stream(connection, select(schema.outcome)):
        closed.add(_key(row))
        yield from unreadable(_where(row), row, rows.read_closing)
        if row["outcome"] == "measured" and _key(row) not in cases:
            yield f"{_where(row)}: expected launches of a measured case, got none"
    for (run_id, position), case in cases.items():
        if case.pruned and (run_id, position) not in closed:
            yield f"run {run_id}, case {position}: expected raw timings of an open case, got none"


def _summary_problems(connection: Connection, cases: Mapping[Key, _Case]) -> Iterator[str]:
    complete = set()
    for row in stream(connection, select(schema.summary)):
        case = cases.get(_key(row), _Case(attempt=0))
        where = f"{_where(row)}, summary by version {row['statistics_version']}"
        yield from unreadable(where, row, partial(_read_summary, case))
        if row["launches"] == case.launches:
            complete.add(_key(row))
    for row in stream(connection, select(schema.outcome).filter_by(outcome="measured")):
        pruned = _key(row) in cases and cases[_key(row)].pruned
        if pruned and _key(row) not in complete:
            yield f"{_where(row)}: expected a summary or raw timings, got neither"


def _read_end(row: Row) -> RunEnd:
    end = rows.read_end(row)
    if end.state not in {"done", "interrupted"}:
        raise ValueError(f"expected done or interrupted, got {end.state!r}")
    return end


def _read_case(row: Row) -> None:
    record = rows.read_case(row)
    if encodable(record.id) != row["case_id"]:
        raise ValueError(f"expected the id {record.id!r}, got {row['case_id']!r}")
    if problem := case_problem(record):
        raise ValueError(problem)


def _read_telemetry(row: Row) -> None:
    if problem := telemetry_problem(read_telemetry(row)):
        raise ValueError(problem)


def _read_accuracy(row: Row) -> None:
    if problem := accuracy_problem(read_accuracy(row)):
        raise ValueError(problem)


def _read_summary(case: _Case, row: Row) -> None:
    summary = rows.read_summary_row(row)
    told = (summary.statistics_version, summary.launches)
    if told != (row["statistics_version"], row["launches"]):
        raise ValueError(f"expected what its row says, got version and launches {told}")
    queries = summary.queries if case.is_doubtful else case.queries
    if problem := summary_problem(summary, launches=case.launches, queries=queries):
        raise ValueError(problem)


def _where(row: Row) -> str:
    return f"run {row['run_id']}, case {row['position']}"


def _key(row: Row) -> Key:
    return row["run_id"], row["position"]
