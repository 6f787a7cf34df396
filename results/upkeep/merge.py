"""`dyno store merge`: runs, baselines and gates of another store, each in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, and_, insert, select

from results import schema
from results.database import translated
from results.queries import pinned_hash
from results.store import FILE, Store
from results.upkeep.attach import OTHER, attached
from results.upkeep.family import (
    BASELINES,
    GATES,
    RUNS,
    Family,
    Fate,
    copy,
    judge,
    last_launch,
    members,
    same_row,
)
from results.upkeep.files import Named, copy_logs, copy_named, copy_pinned, named

__all__ = ["Fate", "Merged", "merge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A run, baseline or gate of the other store; `reason` says why it did not come.

    `new` counts the rows that came, by the word for them (`Family.told`).
    """

    kind: str
    id: str
    name: str
    fate: Fate
    new: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""


def merge(store: Store, folder: Path, *, live: Collection[str] = ()) -> Iterator[Merged]:
    """Copy what the store in `folder` has, oldest first, and yield each when it is on disk.

    `live` are the ids of runs and gates that go on in this store. Raises StoreError, and OSError
    that names the file that cannot be copied.
    """
    with attached(store, folder) as connection:
        for family in (RUNS, BASELINES, GATES):
            with translated(folder / FILE):
                found = members(connection, family)
            for its_id, name in found:
                _copy_files(connection, store.folder, folder, family, its_id, live)
                with _turn(connection):
                    merged = _merge(connection, family, its_id, name, live)
                yield merged


def _copy_files(
    connection: Connection,
    here: Path,
    there: Path,
    family: Family,
    its_id: str,
    live: Collection[str],
) -> None:
    """Bring its files before its rows: where a merge is cut off, the next one goes on.

    No writer waits meanwhile; it is judged again in the turn to write.
    """
    connection.rollback()
    fate, _ = _judge(connection, family, its_id, live)
    if fate is Fate.REFUSED:
        return
    if family is RUNS:
        copy_named(there, here, _named(connection, its_id))
    if family is BASELINES:
        copy_pinned(there, here, _pinned(connection, its_id))
    if fate in {Fate.ADDED, Fate.EXTENDED}:
        copy_logs(there, here, its_id)


@contextmanager
def _turn(connection: Connection) -> Iterator[None]:
    """Have the turn to write in this store, and one sight of the other."""
    connection.rollback()
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    yield
    connection.commit()


def _merge(
    connection: Connection, family: Family, its_id: str, name: str, live: Collection[str]
) -> Merged:
    fate, reason = _judge(connection, family, its_id, live)
    added = dict.fromkeys(family.keys, 0)
    if not reason:
        last = last_launch(connection)
        added = copy(connection, family, its_id)
        _copy_timings(connection, its_id, last)
    new = {word: added[table] for table, word in family.told.items()}
    return Merged(kind=family.kind, id=its_id, name=name, fate=fate, new=new, reason=reason)


def _judge(
    connection: Connection, family: Family, its_id: str, live: Collection[str]
) -> tuple[Fate, str]:
    fate, reason = judge(connection, family, its_id, live)
    if family is RUNS and fate is not Fate.ADDED and _timings_differ(connection, its_id):
        return Fate.REFUSED, reason or "another run has this id here: they differ in raw timings"
    is_coming = fate in {Fate.ADDED, Fate.EXTENDED}
    if family is GATES and is_coming and (other := _refused_baseline(connection, its_id)):
        return Fate.REFUSED, f"its baseline {other} is another one here"
    return fate, reason


def _refused_baseline(connection: Connection, gate_id: str) -> str | None:
    """Return the baseline of a gate of the other store if that was refused."""
    gate = OTHER["gate"]
    query = select(gate.c.baseline_id).where(gate.c.id == gate_id)
    baseline_id = str(connection.execute(query).scalar_one())
    fate, _ = judge(connection, BASELINES, baseline_id, ())
    return None if fate is Fate.SAME else baseline_id


def _timings_differ(connection: Connection, run_id: str) -> bool:
    """Return whether a launch of both stores has raw timings in both that are not the same."""
    mine, theirs = schema.launch.alias("mine"), OTHER["launch"].alias("theirs")
    raw, their_raw = schema.timings.alias("raw"), OTHER["timings"].alias("their_raw")
    same = [raw.c[name].is_not_distinct_from(their_raw.c[name]) for name in _raw_names()]
    query = (
        select(raw.c.launch_id)
        .join(mine, mine.c.id == raw.c.launch_id)
        .join(theirs, same_row(mine, theirs, RUNS.keys["launch"]))
        .join(their_raw, their_raw.c.launch_id == theirs.c.id)
        .where(mine.c.run_id == run_id, ~and_(*same))
    )
    return connection.execute(query.limit(1)).first() is not None


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
    return named(
        connection.execute(
            select(case.c.model_sha256, case.c.inputs_sha256).where(case.c.run_id == run_id)
        )
    )


def _pinned(connection: Connection, baseline_id: str) -> Named:
    theirs = OTHER["pinned"]
    hashes = [pinned_hash(theirs, name) for name in ("model_sha256", "inputs_sha256")]
    return named(connection.execute(select(*hashes).where(theirs.c.baseline_id == baseline_id)))
