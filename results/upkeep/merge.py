"""`dyno store merge`: the runs of another store copied into this one, each in one transaction.

Every row of a run is written once and never changed, so of two copies of a run one is an earlier
state of the other, or they are two different runs that share an id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, FromClause, Select, Table, and_, exists, func, insert, select

from results import schema
from results.database import translated
from results.store import FILE, Store
from results.upkeep.attach import OTHER, attached
from results.upkeep.files import Named, copy_logs, copy_named

_KEYS = {
    "run": ("id",),
    "resume": ("run_id", "number"),
    "run_end": ("run_id", "ended_at", "state"),
    "case": ("run_id", "position"),
    "launch": ("run_id", "position", "attempt", "number"),
    "telemetry": ("run_id", "position", "attempt"),
    "accuracy": ("run_id", "position", "attempt"),
    "outcome": ("run_id", "position"),
    "summary": ("run_id", "position", "statistics_version", "launches"),
}
"""What makes a row the same in two stores, tables in the order of their foreign keys."""
_COMPARED = tuple(name for name in _KEYS if name != "summary")
"""Summaries are derived: another dyno's may differ."""


class Fate(StrEnum):
    """What became of a run of the other store."""

    ADDED = "added"
    EXTENDED = "extended"
    SAME = "same"
    LONGER_HERE = "longer here"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A run of the other store, and the rows of it that came new; `reason` says why it did not."""

    run_id: str
    run_name: str
    fate: Fate
    cases: int = 0
    launches: int = 0
    outcomes: int = 0
    reason: str = ""


def merge(store: Store, folder: Path, *, live: Collection[str] = ()) -> Iterator[Merged]:
    """Copy the runs of the store in `folder`, oldest first, and yield each when it is on disk.

    `live` are the ids of runs that go on in this store. Raises StoreError, and OSError that names
    the file that cannot be copied.
    """
    with attached(store, folder) as connection:
        for run_id, name in _runs(connection, folder / FILE):
            _copy_files(connection, store.folder, folder, run_id, live)
            with _turn(connection):
                merged = _merge(connection, run_id, name, live)
            yield merged


def _runs(connection: Connection, path: Path) -> list[tuple[str, str]]:
    run = OTHER["run"]
    query = select(run.c.id, run.c.name).order_by(run.c.started_at, run.c.id)
    with translated(path):
        return [(row.id, row.name) for row in connection.execute(query)]


def _copy_files(
    connection: Connection, here: Path, there: Path, run_id: str, live: Collection[str]
) -> None:
    """Bring the run's files before its rows: where a merge is cut off, the next one goes on.

    No writer waits meanwhile; the run is judged again in the turn to write.
    """
    connection.rollback()
    fate, _ = _judge(connection, run_id, live)
    if fate is Fate.REFUSED:
        return
    copy_named(there, here, _named(connection, run_id))
    if fate in {Fate.ADDED, Fate.EXTENDED}:
        copy_logs(there, here, run_id)


@contextmanager
def _turn(connection: Connection) -> Iterator[None]:
    """Have the turn to write in this store, and one sight of the other."""
    connection.rollback()
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    yield
    connection.commit()


def _merge(connection: Connection, run_id: str, name: str, live: Collection[str]) -> Merged:
    fate, reason = _judge(connection, run_id, live)
    added = dict.fromkeys(_KEYS, 0) if reason else _copy(connection, run_id)
    return Merged(
        run_id=run_id,
        run_name=name,
        fate=fate,
        cases=added["case"],
        launches=added["launch"],
        outcomes=added["outcome"],
        reason=reason,
    )


def _judge(connection: Connection, run_id: str, live: Collection[str]) -> tuple[Fate, str]:
    """Return what is to become of the run, and why it is refused if it is."""
    here = select(schema.run.c.id).where(schema.run.c.id == run_id)
    if connection.execute(here).first() is None:
        return Fate.ADDED, ""
    only_here = [part for part in _COMPARED if _lacks(connection, run_id, part, here=False)]
    only_there = [part for part in _COMPARED if _lacks(connection, run_id, part, here=True)]
    if only_here and only_there:
        differing = ", ".join(part for part in _COMPARED if part in {*only_here, *only_there})
        return Fate.REFUSED, f"another run has this id here: they differ in {differing}"
    if _timings_differ(connection, run_id):
        return Fate.REFUSED, "another run has this id here: they differ in raw timings"
    if only_there and run_id in live:
        return Fate.REFUSED, "the other store has more of it, and it goes on here"
    if only_there:
        return Fate.EXTENDED, ""
    return (Fate.LONGER_HERE if only_here else Fate.SAME), ""


def _lacks(connection: Connection, run_id: str, name: str, *, here: bool) -> bool:
    """Return whether one store lacks a row of the run that the other has."""
    mine, theirs = schema.metadata.tables[name], OTHER[name]
    having, lacking = (theirs, mine) if here else (mine, theirs)
    query = _content(having, run_id).except_(_content(lacking, run_id))
    return connection.execute(query.limit(1)).first() is not None


def _content(table: Table, run_id: str) -> Select[Any]:
    """Select all that a table says of a run; the numbers of rows are each store's own."""
    return select(*_columns(table)).where(_of_run(table) == run_id)


def _columns(table: Table) -> list[Any]:
    return [column for column in table.c if column.name != "id" or table.name == "run"]


def _of_run(table: Table) -> Any:
    return table.c.id if table.name == "run" else table.c.run_id


def _same_row(mine: FromClause, theirs: FromClause, keys: Sequence[str]) -> Any:
    return and_(*(mine.c[key] == theirs.c[key] for key in keys))


def _timings_differ(connection: Connection, run_id: str) -> bool:
    """Return whether a launch of both stores has raw timings in both that are not the same."""
    mine, theirs = schema.launch.alias("mine"), OTHER["launch"].alias("theirs")
    raw, their_raw = schema.timings.alias("raw"), OTHER["timings"].alias("their_raw")
    same = [raw.c[name].is_not_distinct_from(their_raw.c[name]) for name in _raw_names()]
    query = (
        select(raw.c.launch_id)
        .join(mine, mine.c.id == raw.c.launch_id)
        .join(theirs, _same_row(mine, theirs, _KEYS["launch"]))
        .join(their_raw, their_raw.c.launch_id == theirs.c.id)
        .where(mine.c.run_id == run_id, ~and_(*same))
    )
    return connection.execute(query.limit(1)).first() is not None


def _copy(connection: Connection, run_id: str) -> dict[str, int]:
    """Copy the rows that are missing here, launches in the order they came; count them by table."""
    last = connection.execute(select(func.coalesce(func.max(schema.launch.c.id), 0))).scalar_one()
    added = {}
    for name, keys in _KEYS.items():
        mine, theirs = schema.metadata.tables[name], OTHER[name]
        columns = _columns(theirs)
        names = [column.name for column in columns]
        if name == "launch":
            names, columns = [*names, "id"], [*columns, theirs.c.id + last]
        here = exists().where(_same_row(mine, theirs, keys))
        missing = select(*columns).where(_of_run(theirs) == run_id, ~here)
        order = theirs.c.id if "id" in theirs.c else theirs.c[keys[-1]]
        query = insert(mine).from_select(names, missing.order_by(order))
        added[name] = connection.execute(query).rowcount
    _copy_timings(connection, run_id, last)
    return added


def _copy_timings(connection: Connection, run_id: str, last: int) -> None:
    """Copy the raw timings of the launches that came new: those after `last`."""
    theirs, launch = OTHER["timings"], schema.launch
    columns = [launch.c.id, *(theirs.c[name] for name in _raw_names())]
    found = select(*columns).join(theirs, theirs.c.launch_id == launch.c.id - last)
    new = found.where(launch.c.run_id == run_id, launch.c.id > last)
    connection.execute(insert(schema.timings).from_select(["launch_id", *_raw_names()], new))


def _raw_names() -> list[str]:
    return [column.name for column in schema.timings.c if column.name != "launch_id"]


def _named(connection: Connection, run_id: str) -> Named:
    case = OTHER["case"]
    found = connection.execute(
        select(case.c.model_sha256, case.c.inputs_sha256).where(case.c.run_id == run_id)
    ).all()
    return Named(
        models=frozenset(row[0] for row in found if row[0]),
        inputs=frozenset(row[1] for row in found if row[1]),
    )
