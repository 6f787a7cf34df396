"""`dyno store export --parquet`: what is known of runs and gates, as Parquet files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results import schema
from results.accuracy_rows import read_accuracy
from results.codec import dump
from results.damage import of_row, reading
from results.frame import column_types, flat_rows
from results.store import FILE
from results.summaries import glances, paired
from results.telemetry import SERIES
from results.telemetry_rows import read_telemetry
from results.upkeep.launches import Row, attempt_rows, is_pruned, launch_rows, read
from results.upkeep.parquet import (
    CLOCKS,
    fresh_files,
    require_pyarrow,
    write_rows,
    write_timings,
)
from results.upkeep.verdicts import VERDICT, verdict_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from results.frame_columns import Value
    from results.record import LaunchRecord, RunResult
    from results.store import Store

_TABLES = ("runs", "cases", "launches", "timings", "telemetry", "accuracy", "verdicts")
FILES = tuple(f"{name}.parquet" for name in _TABLES)
RUNS, CASES, LAUNCHES, TIMINGS, TELEMETRY, ACCURACY, VERDICTS = FILES
_RUN = {
    **dict.fromkeys(("run_id", "name", "suite", "suite_sha256", "dyno_version"), "string"),
    "started_at": "double",
    "ended_at": "double",
    "state": "string",
    "resumes": "int32",
    "seed": "int64",
    "estimate_s": "double",
    **dict.fromkeys(("only", "measure_json", "environment_json"), "string"),
}
_LAUNCH = {
    "run_id": "string",
    **dict.fromkeys(("position", "attempt", "launch"), "int32"),
    "started_at": "double",
    **dict.fromkeys(("protocol", "clock"), "string"),
    **dict.fromkeys(("start_ns", "open_ns", "first_query_ns", "warmup_ns"), "int64"),
    "warmup_queries": "int64",
    "steady": "bool",
    "peak_rss_bytes": "int64",
    **dict.fromkeys(("blocks", "queries", "elapsed_ns", "cpu_ns"), "int64"),
    **dict.fromkeys(("voluntary_switches", "involuntary_switches"), "int64"),
    "has_timings": "bool",
    **dict.fromkeys(("protocol_json", "blocks_json", "facts_json", "covariates_json"), "string"),
}
_SAMPLE = {
    "run_id": "string",
    **dict.fromkeys(("position", "attempt"), "int32"),
    "device_uuid": "string",
    **dict.fromkeys(("at_s", *SERIES), "double"),
}
_ACCURACY = {
    "run_id": "string",
    **dict.fromkeys(("position", "attempt"), "int32"),
    "started_at": "double",
    **dict.fromkeys(("reference", "parity_json", "task_json", "skipped_json"), "string"),
}
_OF_RECORD = ("started_at", "start_ns", "open_ns", "first_query_ns", "warmup_ns", "warmup_queries")
_UNTIMED = dict.fromkeys(CLOCKS)
_SUMS = ("queries", "elapsed_ns", "cpu_ns", "voluntary_switches", "involuntary_switches")


def export(
    store: Store, folder: Path, run_ids: Sequence[str], gate_ids: Sequence[str] = ()
) -> dict[str, int]:
    """Write the runs and gates into the folder and return the rows of each file by its name.

    The folder is made where it is missing; a file that is there is left as it is, and an error.
    All of it is as the store was at one moment. Runs and their cases are held in memory, launches,
    timings and telemetry are not. Raises StoreError.
    """
    require_pyarrow()
    for run_id in run_ids:
        # what is missing is made before the one sight of the store, in which nothing is stored
        glances(store, store.read_run(run_id))
    with (
        fresh_files(folder, FILES) as paths,
        store.view() as connection,
    ):
        runs = [store.read_run(run_id) for run_id in run_ids]
        launches = partial(_launch_rows, connection, run_ids)
        attempts = partial(attempt_rows, connection, run_ids=run_ids)
        return {
            RUNS: write_rows(paths[RUNS], map(_run, runs), _RUN),
            CASES: write_rows(paths[CASES], _cases(store, runs), column_types(runs)),
            LAUNCHES: write_rows(
                paths[LAUNCHES], map(partial(_launch, store), launches()), _LAUNCH
            ),
            TIMINGS: write_timings(paths[TIMINGS], _timed(store, launches())),
            TELEMETRY: write_rows(
                paths[TELEMETRY], _samples(store, attempts(schema.telemetry)), _SAMPLE
            ),
            ACCURACY: write_rows(
                paths[ACCURACY],
                map(partial(_accuracy, store), attempts(schema.accuracy)),
                _ACCURACY,
            ),
            VERDICTS: write_rows(
                paths[VERDICTS], verdict_rows(store, connection, gate_ids), VERDICT
            ),
        }


def _run(run: RunResult) -> dict[str, Any]:
    record = run.record
    same = ("name", "suite", "suite_sha256", "dyno_version", "started_at", "seed", "only")
    return {
        "run_id": record.id,
        **{name: getattr(record, name) for name in same},
        "ended_at": run.end.ended_at if run.end else None,
        "state": run.end.state if run.end else None,
        "resumes": len(run.resumes),
        "estimate_s": record.estimate_s,
        "measure_json": dump(record.measure),
        "environment_json": dump(record.environment),
    }


def _cases(store: Store, runs: Sequence[RunResult]) -> Iterator[dict[str, Any]]:
    for run in runs:
        for row in flat_rows(run, paired(store, run)):
            yield {name: _text(name, value) for name, value in row.items()}


def _text(name: str, value: Value) -> Value:
    """Return the value, that of an option as text: what is no text as JSON."""
    if not name.startswith("option_") or value is None or isinstance(value, str):
        return value
    return dump(value)


def _launch_rows(connection: Connection, run_ids: Sequence[str]) -> Iterator[Row]:
    for run_id in run_ids:
        yield from launch_rows(connection, run_id)


def _timed(store: Store, found: Iterable[Row]) -> Iterator[tuple[Row, LaunchRecord]]:
    for row in found:
        if not is_pruned(row):
            yield row, _read(store, row)


def _read(store: Store, row: Row) -> LaunchRecord:
    return reading(store.folder / FILE, of_row(row), row, read)


def _launch(store: Store, row: Row) -> dict[str, Any]:
    launch = _read(store, {**row, **_UNTIMED})
    sums = {name: sum(getattr(block, name) for block in launch.blocks) for name in _SUMS}
    return {
        "run_id": row["run_id"],
        "position": row["position"],
        "attempt": launch.attempt,
        "launch": launch.number,
        **{name: getattr(launch, name) for name in _OF_RECORD},
        "protocol": launch.protocol.fingerprint,
        "clock": launch.protocol.clock,
        "steady": launch.steady,
        "peak_rss_bytes": launch.peak_rss_bytes,
        "blocks": len(launch.blocks),
        **sums,
        "has_timings": not is_pruned(row),
        **{f"{name}_json": row[name] for name in ("protocol", "blocks", "facts", "covariates")},
    }


def _accuracy(store: Store, row: Row) -> dict[str, Any]:
    reading(store.folder / FILE, of_row(row), row, read_accuracy)
    same = ("run_id", "position", "attempt", "started_at", "reference")
    return {
        **{name: row[name] for name in same},
        **{f"{name}_json": row[name] for name in ("parity", "task", "skipped")},
    }


def _samples(store: Store, found: Iterable[Row]) -> Iterator[dict[str, Any]]:
    for row in found:
        record = reading(store.folder / FILE, of_row(row), row, read_telemetry)
        whose = {name: row[name] for name in ("run_id", "position", "attempt", "device_uuid")}
        for place, at_s in enumerate(record.at_s):
            told = {name: series[place] for name, series in record.samples.items()}
            yield {**whose, "at_s": at_s, **told}
