"""`dyno store prune`: what can go without a report losing a number it can show."""

from __future__ import annotations

import functools
import json
import operator
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select

from results import schema
from results.database import DamagedError, driver_connection
from results.record import RunResult
from results.store import FILE, Store
from results.upkeep.files import remove, total_bytes
from results.upkeep.leftovers import last_signs, leftovers, log_folders, old_gates
from results.upkeep.summed import summed

_CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What went, or would go: raw timings of launches, and files; `kept_cases` are still open.

    `problems` are lines on cases that keep their raw timings, for their numbers cannot be read.
    """

    runs: int
    launches: int
    timings_bytes: int
    kept_cases: int
    files: int
    files_bytes: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    """The raw timings of a run that went, or would go."""

    launches: int
    timings_bytes: int
    problems: tuple[str, ...]


def prune(
    store: Store,
    *,
    raw_older_than_s: float | None,
    live: Collection[str],
    dry_run: bool = False,
) -> Pruned:
    """Remove raw timings and logs of runs older than that, and files that nothing needs.

    A run is as old as its last sign of life; those in `live` are left alone. The raw timings of a
    measured case go once its summary is stored, those of an open case stay. Files go first: on a
    full disk removing rows takes room too. Raises StoreError.
    """
    unread: list[str] = []
    old: list[RunResult] = []
    if raw_older_than_s is not None:
        old, unread = _old(store, raw_older_than_s, live)
    files = [*leftovers(store, live), *log_folders(store.folder, [run.record.id for run in old])]
    if raw_older_than_s is not None:
        gates = old_gates(store, time.time() - raw_older_than_s)
        files += log_folders(store.folder, [gate_id for gate_id in gates if gate_id not in live])
    files_bytes = total_bytes(files)
    for path in () if dry_run else files:
        remove(path)
    gone = [_prune_raw(store, run, dry_run=dry_run) for run in old]
    return Pruned(
        runs=sum(bool(raw.launches) for raw in gone),
        launches=sum(raw.launches for raw in gone),
        timings_bytes=sum(raw.timings_bytes for raw in gone),
        kept_cases=sum(c.outcome is None and c.launches > 0 for run in old for c in run.cases),
        files=len(files),
        files_bytes=files_bytes,
        problems=(*unread, *(line for raw in gone for line in raw.problems)),
    )


def _prune_raw(store: Store, run: RunResult, *, dry_run: bool) -> _Raw:
    positions, problems = summed(store, run, dry_run=dry_run)
    with store.connection() as connection:
        launches, size = connection.execute(_size(run.record.id, positions)).all()[0]
        if launches and not dry_run:
            _delete(connection, run.record.id, positions)
    return _Raw(launches=launches, timings_bytes=size, problems=problems)


def compact(store: Store) -> int | None:
    """Give the room of removed rows back to the disk; return the bytes, None where a reader waits.

    Takes as much room again while it works, and keeps every writer waiting. Raises StoreError.
    """
    path = store.folder / FILE
    with store.connection() as connection:
        connection.rollback()
        driver = driver_connection(connection)
        driver.execute(_CHECKPOINT)
        before = path.stat().st_size
        if not driver.execute("PRAGMA freelist_count").fetchone()[0]:
            return 0
        driver.execute("VACUUM")
        kept, _, _ = driver.execute(_CHECKPOINT).fetchone()
    return None if kept else max(0, before - path.stat().st_size)


def _old(
    store: Store, older_than_s: float, live: Collection[str]
) -> tuple[list[RunResult], list[str]]:
    """Return the runs whose last sign of life is older, and lines on those that are damaged."""
    limit = time.time() - older_than_s
    runs, problems = [], []
    for run_id, seen in _last_signs(store):
        if run_id not in live and isinstance(seen, float) and seen < limit:
            try:
                runs.append(store.read_run(run_id))
            except DamagedError as error:
                problems.append(str(error))
    return runs, problems


def _last_signs(store: Store) -> list[tuple[str, Any]]:
    """Return each run and when something of it was last stored, newest run first."""
    run, end, resume, launch = schema.run, schema.run_end, schema.resume, schema.launch
    return last_signs(
        store,
        select(run.c.id.label("id"), run.c.started_at.label("at")),
        select(end.c.run_id, end.c.ended_at),
        select(resume.c.run_id, resume.c.resumed_at),
        select(launch.c.run_id, launch.c.started_at),
        select(schema.telemetry.c.run_id, schema.telemetry.c.started_at),
        select(schema.accuracy.c.run_id, schema.accuracy.c.started_at),
    )


def _of_cases(run_id: str, positions: Collection[int]) -> Select[Any]:
    """Select the launches of the cases; as JSON any number of positions is one parameter."""
    listed = func.json_each(json.dumps(list(positions))).table_valued("value")
    wanted = schema.launch.c.position.in_(select(listed.c.value))
    return select(schema.launch.c.id).where(schema.launch.c.run_id == run_id, wanted)


def _size(run_id: str, positions: Collection[int]) -> Select[Any]:
    raw = schema.timings
    columns = [column for column in raw.c if column.name != "launch_id"]
    sizes = [func.coalesce(func.sum(func.length(column)), 0) for column in columns]
    total = functools.reduce(operator.add, sizes)
    return select(func.count(), total).where(raw.c.launch_id.in_(_of_cases(run_id, positions)))


def _delete(connection: Connection, run_id: str, positions: Collection[int]) -> None:
    raw = schema.timings
    connection.rollback()
    connection.execute(delete(raw).where(raw.c.launch_id.in_(_of_cases(run_id, positions))))
    connection.commit()
