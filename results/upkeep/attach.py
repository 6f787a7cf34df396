"""Another store beside this one, on one connection: read in place, or as an upgraded copy."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, MetaData

from results import schema
from results.access import Access, caution, readable, uri
from results.database import (
    DamagedError,
    StoreError,
    connect,
    driver_connection,
    found_schema,
    newest,
    open_engine,
    translated,
)
from results.store import FILE, Store

COPY = ".merge-"
"""How the name of the folder begins that holds the upgraded copy of an older store."""
_BUSY_S = 30.0
_other = MetaData()
OTHER = {
    table.name: table.to_metadata(_other, schema="other") for table in schema.metadata.sorted_tables
}
"""The tables of the other store on a connection that `attached` yields."""


@contextmanager
def attached(store: Store, folder: Path) -> Iterator[Connection]:
    """Yield a connection to `store` on which `OTHER` are the tables of the store in `folder`.

    The other store is never changed. Raises StoreError for one that is missing, damaged or newer.
    """
    path = folder / FILE
    check_source(folder)
    if path.samefile(store.folder / FILE):
        raise StoreError(
            f"{path.parent}: expected another store to merge, got the one to merge into. "
            "Name another folder."
        )
    with ExitStack() as stack:
        source = stack.enter_context(_current(path, store.folder))
        connection = stack.enter_context(store.connection())
        how = readable(source)
        address = uri(source, Access.READ if how is Access.WRITE else how)
        connection.exec_driver_sql("ATTACH ? AS other", (address,))
        yield connection


def check_source(folder: Path) -> None:
    """Raise StoreError where there is no store to merge from."""
    path = folder / FILE
    if not path.exists():
        raise StoreError(
            f"{path.parent}: expected a store to merge, got no {FILE} there. "
            "Name the folder of a store."
        )
    if (lacking := caution(path)) is not None:
        raise StoreError(lacking)


@contextmanager
def _current(path: Path, beside: Path) -> Iterator[Path]:
    """Yield the path of the store in the present schema: itself, or a copy upgraded in `beside`.

    A connection that may write stays open meanwhile: the last such one takes the files of the log
    with it, which one that only reads would leave.
    """
    engine = open_engine(path, lambda: readable(path), busy_s=_BUSY_S)
    with translated(path), engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        found = found_schema(connection, path)
        _check_whole(connection, path)
        if found == newest():
            yield path
            return
        with tempfile.TemporaryDirectory(dir=beside, prefix=COPY) as folder:
            copy = Path(folder) / FILE
            with closing(sqlite3.connect(copy)) as target:
                driver_connection(connection).backup(target)
            connect(copy, busy_s=_BUSY_S)
            yield copy


def _check_whole(connection: Connection, path: Path) -> None:
    said = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
    if said != "ok":
        raise DamagedError(
            f"{path}: expected a whole database, got a damaged one ({' '.join(said.split())}). "
            "Recover it with 'sqlite3 dyno.db .recover'."
        )
