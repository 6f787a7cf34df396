"""`dyno store export --parquet`: runs, cases, launches and raw timings as four Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.codec import dump
from results.frame import flat_rows, frame_of
from results.summaries import paired
from results.upkeep.launches import Row, is_pruned, launch_rows, read
from results.upkeep.parquet import fresh_files, require_pyarrow, write_rows, write_timings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from results.record import LaunchRecord, RunResult
    from results.store import Store

RUNS, CASES, LAUNCHES, TIMINGS = (
    f"{name}.parquet" for name in ("runs", "cases", "launches", "timings")
)
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
_OF_RECORD = ("started_at", "start_ns", "open_ns", "first_query_ns", "warmup_ns", "warmup_queries")
_SUMS = ("queries", "elapsed_ns", "cpu_ns", "voluntary_switches", "involuntary_switches")


def export(store: Store, folder: Path, run_ids: Sequence[str]) -> dict[str, int]:
    """Write the runs into the folder and return the rows of each file by its name.

    The folder is made where it is missing; a file that is there is left as it is, and an error.
    Cases are held in memory, launches and timings are not. Raises StoreError, OSError.
    """
    require_pyarrow()
    runs = [store.read_run(run_id) for run_id in run_ids]
    with fresh_files(folder, (RUNS, CASES, LAUNCHES, TIMINGS)) as paths:
        frame = frame_of([row for run in runs for row in flat_rows(run, paired(store, run))])
        frame.to_parquet(paths[CASES], index=False)
        with store.connection() as connection:
            return {
                RUNS: write_rows(paths[RUNS], map(_run, runs), _RUN),
                CASES: len(frame),
                LAUNCHES: write_rows(paths[LAUNCHES], _launches(connection, run_ids), _LAUNCH),
                TIMINGS: write_timings(paths[TIMINGS], _read(connection, run_ids)),
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


def _read(connection: Connection, run_ids: Sequence[str]) -> Iterator[tuple[Row, LaunchRecord]]:
    for run_id in run_ids:
        for row in launch_rows(connection, run_id):
            yield row, read(row)


def _launches(connection: Connection, run_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    for row, launch in _read(connection, run_ids):
        yield _launch(row, launch)


def _launch(row: Row, launch: LaunchRecord) -> dict[str, Any]:
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
