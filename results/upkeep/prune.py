"""`dyno store prune`: what can go without a report losing a number it can show."""

from __future__ import annotations

import functools
import json
import operator
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select

from results import schema
from results.database import driver_connection
from results.record import Measured, RunOverview, RunResult
from results.rules import STATISTICS_VERSION
from results.store import FILE, Store
from results.summaries import glances
from results.upkeep.attach import COPY
from results.upkeep.files import INPUTS, LOGS, MODELS, UNFINISHED, hashed, remove, total_bytes

_DAY_S = 86400.0
"""Younger files may belong to a run that is just starting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What went, or would go: raw timings of launches, and files; `kept_cases` are still open."""

    runs: int
    launches: int
    timings_bytes: int
    kept_cases: int
    files: int
    files_bytes: int


def prune(
    store: Store,
    *,
    raw_older_than_s: float | None,
    live: Collection[str],
    dry_run: bool = False,
) -> Pruned:
    """Remove raw timings and logs of runs older than that, and files that nothing needs.

    A run is as old as its last sign of life; those in `live` are left alone. The raw timings of a
    measured case go once its summary is stored, those of an open case stay. Raises StoreError.
    """
    old = () if raw_older_than_s is None else tuple(_old(store, raw_older_than_s, live))
    runs = launches = timings_bytes = kept = 0
    for run in old:
        positions = _closed(store, run, dry_run=dry_run)
        with store.connection() as connection:
            count, size = connection.execute(_size(run.record.id, positions)).all()[0]
            if count and not dry_run:
                _delete(connection, run.record.id, positions)
        runs, launches, timings_bytes = runs + bool(count), launches + count, timings_bytes + size
        kept += sum(case.outcome is None and case.launches > 0 for case in run.cases)
    files = [*_leftovers(store, live), *_old_logs(store.folder, old)]
    files_bytes = total_bytes(files)
    for path in () if dry_run else files:
        remove(path)
    return Pruned(
        runs=runs,
        launches=launches,
        timings_bytes=timings_bytes,
        kept_cases=kept,
        files=len(files),
        files_bytes=files_bytes,
    )


def compact(store: Store) -> int:
    """Give the room of removed rows back to the disk; return the bytes. Raises StoreError.

    Takes as much room again while it works, and keeps every writer waiting.
    """
    path = store.folder / FILE
    before = path.stat().st_size
    with store.connection() as connection:
        if connection.exec_driver_sql("PRAGMA freelist_count").scalar_one():
            connection.rollback()
            driver_connection(connection).execute("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return before - path.stat().st_size


def _old(store: Store, older_than_s: float, live: Collection[str]) -> Iterator[RunResult]:
    limit = time.time() - older_than_s
    for overview in store.runs():
        if overview.record.id not in live and _started(overview) < limit:
            run = store.read_run(overview.record.id)
            if all(resume.resumed_at < limit for resume in run.resumes):
                yield run


def _started(overview: RunOverview) -> float:
    return overview.end.ended_at if overview.end else overview.record.started_at


def _closed(store: Store, run: RunResult, *, dry_run: bool) -> list[int]:
    """Return the closed cases whose numbers need no raw timings; missing summaries are made."""
    closed = [case for case in run.cases if case.outcome is not None]
    if not dry_run:
        glances(store, run)
        stored = store.glances(run.record.id, STATISTICS_VERSION)
        counted = {position: glance.launches for position, glance in stored.items()}
        closed = [
            case
            for case in closed
            if not isinstance(case.outcome, Measured)
            or counted.get(case.record.position) == case.launches
        ]
    return [case.record.position for case in closed]


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


def _leftovers(store: Store, live: Collection[str]) -> Iterator[Path]:
    """Yield files over a day old that nothing needs; none of those that a live run may use."""
    limit = time.time() - _DAY_S
    beside = [*store.folder.glob("tmp/*"), *store.folder.glob(f"{COPY}*")]
    yield from (path for path in beside if path.name not in live and _is_older(path, limit))
    if live:
        return
    for kind, named in ((MODELS, "model_sha256"), (INPUTS, "inputs_sha256")):
        with store.connection() as connection:
            known = set(connection.execute(select(schema.case.c[named]).distinct()).scalars())
        unnamed = [path for name, path in hashed(store.folder, kind) if name not in known]
        unfinished = (store.folder / kind[0]).glob(f"{UNFINISHED}*")
        yield from (path for path in (*unnamed, *unfinished) if _is_older(path, limit))


def _old_logs(store: Path, runs: Collection[RunResult]) -> list[Path]:
    folders = [store / LOGS / run.record.id for run in runs]
    return [folder for folder in folders if folder.is_dir()]


def _is_older(path: Path, limit: float) -> bool:
    return path.lstat().st_mtime < limit
