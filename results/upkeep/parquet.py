"""Parquet files that are written in parts: bounded memory, and whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.database import StoreError
from results.upkeep.files import UNFINISHED

if TYPE_CHECKING:
    from results.record import LaunchRecord

ROWS = 1 << 18
"""Timings of one row group: some 20 MB in memory."""
_PAGE = 500
CLOCKS = ("wall_ns", "enqueue_ns", "gpu_compute_ns", "h2d_ns", "d2h_ns")
_OF_LAUNCH = {"run_id": "string", "position": "int32", "attempt": "int32", "launch": "int32"}


def require_pyarrow() -> None:
    """Raise StoreError where there is no pyarrow."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise StoreError(
            "store export: expected the package pyarrow, got none. "
            "Install dyno with the 'parquet' extra."
        ) from error


@contextmanager
def fresh_files(folder: Path, names: Sequence[str]) -> Iterator[Mapping[str, Path]]:
    """Yield a path for each name, renamed to it once all are written. Raises StoreError."""
    there = [name for name in names if (folder / name).exists()]
    if there:
        raise StoreError(
            f"{folder}: expected a folder without files of an export, got {', '.join(there)}. "
            "Name another folder, or remove them."
        )
    paths = {name: folder / f"{UNFINISHED}{name}" for name in names}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield paths
        for name, path in paths.items():
            path.replace(folder / name)
    except OSError as error:
        found = os.strerror(error.errno) if error.errno else str(error)
        raise StoreError(
            f"{folder}: expected a folder to write Parquet files to, got {found!r}. "
            "Name another folder with --parquet, or mend this one."
        ) from error
    finally:
        for path in paths.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], types: Mapping[str, str]) -> int:
    """Write rows with columns of these types; return how many they were."""
    import pyarrow as pa

    schema, count = _schema(types), 0
    waiting: list[Mapping[str, Any]] = []
    with _writer(path, schema) as writer:
        for row in rows:
            waiting.append(row)
            if len(waiting) == _PAGE:
                writer.write_table(pa.Table.from_pylist(waiting, schema))
                count, waiting = count + len(waiting), []
        if waiting:
            writer.write_table(pa.Table.from_pylist(waiting, schema))
    return count + len(waiting)


def write_timings(path: Path, launches: Iterable[tuple[Mapping[str, Any], LaunchRecord]]) -> int:
    """Write a row a query, of launches and their rows in the store; return how many they were."""
    import pyarrow as pa

    schema = _schema({**_OF_LAUNCH, "query": "int32", **dict.fromkeys(CLOCKS, "int64")})
    count, waiting = 0, 0
    batches: list[Any] = []
    with _writer(path, schema) as writer:
        for row, launch in launches:
            batches.append(_batch(row, launch, schema))
            waiting += len(launch.wall_ns)
            if waiting >= ROWS:
                writer.write_table(pa.Table.from_batches(batches, schema))
                count, waiting, batches = count + waiting, 0, []
        if batches:
            writer.write_table(pa.Table.from_batches(batches, schema))
    return count + waiting


def _batch(row: Mapping[str, Any], launch: LaunchRecord, schema: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    count = len(launch.wall_ns)
    whose = (row["run_id"], row["position"], launch.attempt, launch.number)
    named = zip(whose, _OF_LAUNCH.values(), strict=True)
    columns = [pa.repeat(pa.scalar(value, _type(kind)), count) for value, kind in named]
    columns.append(pa.array(np.arange(count, dtype=np.int32)))
    for name in CLOCKS:
        found = getattr(launch, name)
        columns.append(pa.nulls(count, pa.int64()) if found is None else pa.array(found))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _schema(types: Mapping[str, str]) -> Any:
    import pyarrow as pa

    return pa.schema([(name, _type(kind)) for name, kind in types.items()])


def _type(name: str) -> Any:
    import pyarrow as pa

    return pa.type_for_alias(name)


def _writer(path: Path, schema: Any) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(path, schema, compression="zstd")
