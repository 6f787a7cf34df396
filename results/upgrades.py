"""The way from each older schema of a store to the next one."""

from __future__ import annotations

import json
from collections.abc import Callable

from sqlalchemy import Connection, text

from suites.case import Case

_TIMINGS = "wall_ns, enqueue_ns, gpu_compute_ns, h2d_ns, d2h_ns"
_TO_2 = (
    "ALTER TABLE run ADD COLUMN \"only\" TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE run ADD COLUMN measure TEXT NOT NULL DEFAULT '{}'",
    (
        "CREATE TABLE resume (run_id TEXT NOT NULL REFERENCES run (id), number INTEGER NOT NULL, "
        "resumed_at FLOAT NOT NULL, environment TEXT NOT NULL, PRIMARY KEY (run_id, number))"
    ),
    "ALTER TABLE \"case\" ADD COLUMN case_id TEXT NOT NULL DEFAULT ''",
    'ALTER TABLE "case" ADD COLUMN engine_key TEXT',
    'ALTER TABLE "case" ADD COLUMN engine_cached INTEGER',
    'CREATE INDEX case_of_id ON "case" (case_id)',
    "ALTER TABLE launch ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0",
    "DROP INDEX launch_of_case",
    "CREATE INDEX launch_of_case ON launch (run_id, position, attempt)",
    (
        "CREATE TABLE timings (launch_id INTEGER NOT NULL PRIMARY KEY REFERENCES launch (id), "
        "wall_ns BLOB NOT NULL, enqueue_ns BLOB, gpu_compute_ns BLOB, h2d_ns BLOB, d2h_ns BLOB)"
    ),
    f"INSERT INTO timings (launch_id, {_TIMINGS}) SELECT id, {_TIMINGS} FROM launch",  # noqa: S608
    *(f"ALTER TABLE launch DROP COLUMN {name}" for name in _TIMINGS.split(", ")),
)


def _to_2(connection: Connection) -> None:
    """Give raw timings a table of their own, cases their id, runs what a resume must know."""
    for statement in _TO_2:
        connection.exec_driver_sql(statement)
    found = connection.execute(text('SELECT rowid, * FROM "case"')).mappings().all()
    for row in found:
        dims, options = json.loads(row["dims"]), json.loads(row["given_options"])
        case_id = Case.from_dict({**row, "dims": dims, "options": options}).id
        connection.execute(
            text('UPDATE "case" SET case_id = :case_id WHERE rowid = :rowid'),
            {"case_id": case_id, "rowid": row["rowid"]},
        )


def _to_3(connection: Connection) -> None:
    """Give telemetry a table."""
    connection.exec_driver_sql(
        "CREATE TABLE telemetry (run_id TEXT NOT NULL, position INTEGER NOT NULL, "
        "attempt INTEGER NOT NULL, started_at FLOAT NOT NULL, elapsed_ns INTEGER NOT NULL, "
        "queries INTEGER NOT NULL, device_uuid TEXT NOT NULL, readings TEXT NOT NULL, "
        "samples TEXT NOT NULL, PRIMARY KEY (run_id, position, attempt), "
        'FOREIGN KEY(run_id, position) REFERENCES "case" (run_id, position))'
    )


def _to_4(connection: Connection) -> None:
    """Give accuracy a table, and cases what preparing did to their graph and what it costs."""
    connection.exec_driver_sql('ALTER TABLE "case" ADD COLUMN effect TEXT')
    connection.exec_driver_sql('ALTER TABLE "case" ADD COLUMN cost TEXT')
    connection.exec_driver_sql(
        "CREATE TABLE accuracy (run_id TEXT NOT NULL, position INTEGER NOT NULL, "
        "attempt INTEGER NOT NULL, started_at FLOAT NOT NULL, reference TEXT NOT NULL, "
        "parity TEXT NOT NULL, task TEXT, skipped TEXT NOT NULL, "
        "PRIMARY KEY (run_id, position, attempt), "
        'FOREIGN KEY(run_id, position) REFERENCES "case" (run_id, position))'
    )


_TO_5 = (
    (
        "CREATE TABLE baseline (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, "
        "suite TEXT NOT NULL, suite_sha256 TEXT NOT NULL, pinned_at FLOAT NOT NULL, "
        "python TEXT NOT NULL, versions TEXT NOT NULL, devices TEXT NOT NULL, "
        "seed INTEGER NOT NULL, dyno_version TEXT NOT NULL, replaces TEXT NOT NULL, "
        "left_out TEXT NOT NULL)"
    ),
    (
        "CREATE TABLE pinned (baseline_id TEXT NOT NULL REFERENCES baseline (id), "
        "case_id TEXT NOT NULL, position INTEGER NOT NULL, pinned TEXT NOT NULL, "
        "PRIMARY KEY (baseline_id, case_id))"
    ),
    (
        "CREATE TABLE gate (id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, "
        "baseline_id TEXT NOT NULL REFERENCES baseline (id), suite TEXT NOT NULL, "
        "suite_sha256 TEXT NOT NULL, started_at FLOAT NOT NULL, dyno_version TEXT NOT NULL, "
        "threshold FLOAT NOT NULL, environment TEXT NOT NULL, changes TEXT NOT NULL, "
        '"only" TEXT NOT NULL)'
    ),
    "CREATE INDEX ix_gate_baseline_id ON gate (baseline_id)",
    (
        "CREATE TABLE gate_end (gate_id TEXT NOT NULL PRIMARY KEY REFERENCES gate (id), "
        "ended_at FLOAT NOT NULL, state TEXT NOT NULL)"
    ),
    (
        "CREATE TABLE pair (gate_id TEXT NOT NULL REFERENCES gate (id), case_id TEXT NOT NULL, "
        "phase TEXT NOT NULL, number INTEGER NOT NULL, started_at FLOAT NOT NULL, "
        "first TEXT NOT NULL, watched INTEGER NOT NULL, baseline TEXT NOT NULL, "
        "candidate TEXT NOT NULL, covariates TEXT NOT NULL, blocks BLOB NOT NULL, "
        "PRIMARY KEY (gate_id, case_id, phase, number))"
    ),
    (
        "CREATE TABLE verdict (gate_id TEXT NOT NULL REFERENCES gate (id), "
        "case_id TEXT NOT NULL, position INTEGER NOT NULL, word TEXT NOT NULL, "
        "log_ratio FLOAT, se FLOAT, detail TEXT NOT NULL, PRIMARY KEY (gate_id, case_id))"
    ),
    "CREATE INDEX verdict_of_case ON verdict (case_id)",
)


def _to_5(connection: Connection) -> None:
    """Give baselines, gates, pairs and verdicts their tables."""
    for statement in _TO_5:
        connection.exec_driver_sql(statement)


UPGRADES: tuple[Callable[[Connection], None], ...] = (_to_2, _to_3, _to_4, _to_5)
"""UPGRADES[k] takes a store of schema k + 1 to schema k + 2, within one transaction for all."""
