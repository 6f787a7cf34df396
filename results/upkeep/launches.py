"""All launches and passes of a store in turn, of earlier attempts and without timings too."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, Table, select

from results import queries, rows, schema
from results.damage import UNREADABLE, check_text, told
from results.timings import encode

if TYPE_CHECKING:
    from results.record import LaunchRecord

Row = Mapping[str, Any]
_ROWS = 100


def stream(connection: Connection, query: Select[Any]) -> Iterator[Row]:
    """Yield the rows of a query, holding few at a time."""
    for row in connection.execution_options(yield_per=_ROWS).execute(query).mappings():
        yield dict(row)


def launch_rows(connection: Connection, run_id: str | None = None) -> Iterator[Row]:
    """Yield each launch joined with its raw timings, by run, case and attempt as they came."""
    launch, timings = schema.launch, schema.timings
    query = select(launch, *queries.raw_columns()).outerjoin(timings)
    if run_id is not None:
        query = query.where(launch.c.run_id == run_id)
    order = (launch.c.run_id, launch.c.position, launch.c.attempt, launch.c.id)
    return stream(connection, query.order_by(*order))


def attempt_rows(connection: Connection, table: Table, run_ids: Sequence[str]) -> Iterator[Row]:
    """Yield each row of the runs in a table of a row an attempt, by case and attempt."""
    for run_id in run_ids:
        query = select(table).filter_by(run_id=run_id)
        yield from stream(connection, query.order_by(table.c.position, table.c.attempt))


def unreadable(where: str, row: Row, read: Callable[[Row], object]) -> Iterator[str]:
    """Yield why the row cannot be read, if so, with `where` it is."""
    try:
        check_text(row)
        read(row)
    except UNREADABLE as error:
        yield f"{where}: {told(error)}"


def is_pruned(row: Row) -> bool:
    """Return whether a launch has no raw timings any more."""
    return row["wall_ns"] is None


def read(row: Row) -> LaunchRecord:
    """Return the launch, with no timings where they were pruned. Raises ValueError."""
    return rows.read_launch({**row, "wall_ns": _nothing()} if is_pruned(row) else row)


@functools.cache
def _nothing() -> bytes:
    import numpy as np

    return encode(np.array([], dtype=np.int64))
