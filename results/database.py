"""Opening the store's SQLite file: its pragmas, its schema, and its failures in one line each."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from results import schema
from results.upgrades import UPGRADES

if TYPE_CHECKING:
    from sqlite3 import Connection as SqliteConnection


class StoreError(Exception):
    """One line: where, what was expected, what was found, what to do."""


_ELSEWHERE = "name another folder with --store"
_FAILURES = {
    "SQLITE_NOTADB": (
        "a dyno store, got a file that is no SQLite database",
        f"Move it away, or {_ELSEWHERE}.",
    ),
    "SQLITE_CORRUPT": (
        "a whole database, got a damaged one",
        f"Recover it with 'sqlite3 dyno.db .recover', or {_ELSEWHERE}.",
    ),
    "SQLITE_READONLY": (
        "a folder to write to, got a read-only one",
        f"Change its permissions, or {_ELSEWHERE}.",
    ),
    "SQLITE_CANTOPEN": (
        "a file to open, got none that SQLite can open",
        f"Change its permissions, or {_ELSEWHERE}.",
    ),
    "SQLITE_FULL": ("room on the disk, got none", f"Free space, or {_ELSEWHERE}."),
    "SQLITE_BUSY": (
        "a turn to write, got none: another process holds the store",
        "Wait for it to end, then start again.",
    ),
    "SQLITE_IOERR": ("a disk that works, got an I/O error", f"Check the disk, or {_ELSEWHERE}."),
}


def connect(path: Path, *, busy_s: float) -> Engine:
    """Return an engine on the database, made or upgraded to the present schema.

    A writer waits up to `busy_s` for its turn. Raises StoreError.
    """
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        poolclass=NullPool,
        connect_args={"timeout": busy_s},
    )
    event.listen(engine, "connect", _prepare)
    with _alone_in(path.parent), translated(path), engine.connect() as connection:
        _bring_up(connection, path)
    return engine


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's own errors into StoreError."""
    try:
        yield
    except DBAPIError as error:
        name = str(getattr(error.orig, "sqlite_errorname", ""))
        known = [texts for code, texts in _FAILURES.items() if name.startswith(code)]
        if not known:
            raise
        expected, remedy = known[0]
        raise StoreError(f"{path}: expected {expected}. {remedy}") from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two first runs must not make the tables, or upgrade, at once."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StoreError(
            f"{folder}: expected a folder to open, got {error.strerror!r}. "
            "Change its permissions, or name another folder with --store."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _prepare(connection: SqliteConnection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _bring_up(connection: Connection, path: Path) -> None:
    """Make the tables of a new file; upgrade those of an older schema; refuse anything else."""
    mark, found = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    if (mark, found) == (0, 0) and not inspect(connection).get_table_names():
        _make(connection)
        return
    if mark != schema.APPLICATION_ID:
        raise StoreError(
            f"{path}: expected a dyno store, got another program's database. "
            "Move it away, or name another folder with --store."
        )
    if not 1 <= found <= newest():
        raise StoreError(
            f"{path}: expected a store of schema 1 to {newest()}, got schema {found}. "
            "Use the dyno that made it or a newer one, or name another folder with --store."
        )
    if found < newest():
        _upgrade(connection, found)


def newest() -> int:
    """Return the schema that this code writes, that of `results/schema.py`."""
    return 1 + len(UPGRADES)


def _make(connection: Connection) -> None:
    connection.rollback()
    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    with _transaction(connection):
        schema.metadata.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA application_id = {schema.APPLICATION_ID}")


def _upgrade(connection: Connection, found: int) -> None:
    connection.rollback()
    with _transaction(connection):
        for upgrade in UPGRADES[found - 1 :]:
            upgrade(connection)


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    """Write all or nothing, the schema's number last; the driver alone would commit each table."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    yield
    connection.exec_driver_sql(f"PRAGMA user_version = {newest()}")
    connection.commit()


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
