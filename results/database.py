"""Opening the store's SQLite file: its pragmas, its schema, and its failures in one line each."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from results import schema
from results.access import Access, access, is_full, readable, uri
from results.upgrades import UPGRADES


class StoreError(Exception):
    """One line: where, what was expected, what was found, what to do."""


class PrunedError(StoreError):
    """Raw timings are wanted that were pruned."""


class DamagedError(StoreError):
    """What is stored cannot be read."""


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
    "damaged text": (
        "text, got bytes that are not UTF-8",
        "List all that is damaged with 'dyno store verify', and measure again.",
    ),
    "damaged JSON": (
        "JSON, got a text that is none",
        "List all that is damaged with 'dyno store verify', and measure again.",
    ),
    "SQLITE_READONLY": (
        "a folder to write to, got a read-only one",
        f"Change its permissions, or {_ELSEWHERE}.",
    ),
    "SQLITE_CANTOPEN": (
        "a file to open, got none that SQLite can open",
        f"Change its permissions, or {_ELSEWHERE}.",
    ),
    "no inodes": (
        "room for one more file, got no free inode",
        f"Remove files, or {_ELSEWHERE}.",
    ),
    "SQLITE_FULL": ("room on the disk, got none", f"Free space, or {_ELSEWHERE}."),
    "SQLITE_BUSY": (
        "a turn to write, got none: another process holds the store",
        "Wait for it to end, then start again.",
    ),
    "SQLITE_IOERR": ("a disk that works, got an I/O error", f"Check the disk, or {_ELSEWHERE}."),
}
_OF_ROOM = ("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_READONLY")
"""What a full disk may be the cause of; on one, a store that is only read is opened read-only."""
_DAMAGE = ("SQLITE_CORRUPT", "damaged text", "damaged JSON")
_WORDS = {"Could not decode to UTF-8": "damaged text", "malformed JSON": "damaged JSON"}
"""How an error begins that the driver tells without a code of its own."""


def connect(path: Path, *, busy_s: float, create: bool = True) -> Engine:
    """Return an engine on the database, upgraded to the present schema; `create` makes a new one.

    A writer waits up to `busy_s` for its turn. Without `create`, a full disk is no reason not to
    read. Raises StoreError.
    """
    how = (lambda: Access.WRITE) if create else (lambda: readable(path))
    engine = open_engine(path, how, busy_s=busy_s)
    with _alone_in(path.parent), translated(path), engine.connect() as connection:
        _bring_up(connection, path, create=create)
    return engine


def connect_reader(path: Path, *, busy_s: float) -> Engine:
    """Return an engine on a database that cannot be written where it is. Raises StoreError."""
    engine = open_engine(path, lambda: access(path), busy_s=busy_s)
    with translated(path), engine.connect() as connection:
        found = found_schema(connection, path)
    if found != newest():
        raise StoreError(
            f"{path}: expected a store of schema {newest()}, got schema {found} in a read-only "
            "folder, where it cannot be upgraded. Copy the folder to where you may write, and name "
            "the copy with --store."
        )
    return engine


def open_engine(path: Path, how: Callable[[], Access], *, busy_s: float) -> Engine:
    """Return an engine on the database as it is; `how` is asked before each connection."""

    def connection() -> sqlite3.Connection:
        return sqlite3.connect(uri(path, how()), timeout=busy_s, uri=True)

    engine = create_engine("sqlite+pysqlite://", poolclass=NullPool, creator=connection)
    event.listen(engine, "connect", _prepare)
    return engine


def driver_connection(connection: Connection) -> sqlite3.Connection:
    """Return the connection of Python's own module, for what SQLAlchemy does not know."""
    found = connection.connection.driver_connection
    if not isinstance(found, sqlite3.Connection):
        raise TypeError(f"expected a connection of sqlite3, got {found!r}")
    return found


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's own errors into StoreError."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        original = error.orig if isinstance(error, DBAPIError) else error
        name = _cause(_name(original), path)
        known = [texts for code, texts in _FAILURES.items() if name.startswith(code)]
        if not known:
            raise
        expected, remedy = known[0]
        kind = DamagedError if name.startswith(_DAMAGE) else StoreError
        raise kind(f"{path}: expected {expected}. {remedy}") from error


def is_undecodable(error: DBAPIError) -> bool:
    """Return whether a text of the database is not UTF-8."""
    return _name(error.orig) == "damaged text"


def _name(error: BaseException | None) -> str:
    """Return SQLite's code of an error, or what of ours stands for it."""
    said = [name for words, name in _WORDS.items() if str(error).startswith(words)]
    return said[0] if said else str(getattr(error, "sqlite_errorname", ""))


def _cause(name: str, path: Path) -> str:
    """Return SQLite's code, or a plainer one: it tells a full disk in several ways."""
    if not name.startswith(_OF_ROOM):
        return name
    try:
        disk, full = os.statvfs(path.parent), is_full(path.parent)
    except OSError:
        return name
    if name.startswith("SQLITE_READONLY"):
        return "SQLITE_FULL" if full and os.access(path.parent, os.W_OK) else name
    if disk.f_files and not disk.f_favail:
        return "no inodes"
    if full:
        return "SQLITE_FULL"
    unwritable = name.startswith("SQLITE_CANTOPEN") and not os.access(path.parent, os.W_OK)
    return "SQLITE_READONLY" if unwritable else name


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


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _bring_up(connection: Connection, path: Path, *, create: bool) -> None:
    """Make the tables of a new file; upgrade those of an older schema; refuse anything else."""
    mark, found = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    if create and (mark, found) == (0, 0) and not inspect(connection).get_table_names():
        _make(connection)
    elif found_schema(connection, path) < newest():
        _upgrade(connection, found)


def found_schema(connection: Connection, path: Path) -> int:
    """Return the schema of a store. Raises StoreError for one that this code does not know."""
    if not _pragma(connection, "page_count"):
        raise StoreError(
            f"{path}: expected a dyno store, got an empty file. Remove it, or {_ELSEWHERE}."
        )
    if _pragma(connection, "application_id") != schema.APPLICATION_ID:
        raise StoreError(
            f"{path}: expected a dyno store, got another program's database. "
            f"Move it away, or {_ELSEWHERE}."
        )
    found = _pragma(connection, "user_version")
    if not 1 <= found <= newest():
        raise StoreError(
            f"{path}: expected a store of schema 1 to {newest()}, got schema {found}. "
            f"{_maker(connection)}"
        )
    return found


def _maker(connection: Connection) -> str:
    """Return which dyno can read a store that this one cannot."""
    try:
        last = "SELECT dyno_version FROM run ORDER BY started_at DESC LIMIT 1"
        made = connection.exec_driver_sql(last).scalar()
    except DBAPIError:
        made = None
    return f"Use dyno {made} or a newer one." if made else "Use the dyno that made it."


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
