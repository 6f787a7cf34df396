"""The tables of a store; `results/upgrades.py` has the way to them from older ones.

Nothing is ever updated: what a table says of a case is its rows in the order of their coming. Only
`timings` loses rows, to `dyno store prune`. Nested values are JSON, raw timings the bytes of
`results/timings.py`, blocks of pairs those of `results/pair_rows.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

APPLICATION_ID = 0x64796E6F
"""The file's mark in SQLite's header: `dyno` in ASCII."""

metadata = MetaData()

run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("suite", Text, nullable=False),
    Column("suite_sha256", Text, nullable=False),
    Column("dyno_version", Text, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("estimate_s", Float, nullable=False),
    Column("environment", Text, nullable=False),
    Column("only", Text, nullable=False, server_default=""),
    Column("measure", Text, nullable=False, server_default="{}"),
)

resume = Table(
    "resume",
    metadata,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("resumed_at", Float, nullable=False),
    Column("environment", Text, nullable=False),
)

run_end = Table(
    "run_end",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("run.id"), nullable=False, index=True),
    Column("ended_at", Float, nullable=False),
    Column("state", Text, nullable=False),
)

case = Table(
    "case",
    metadata,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("backend", Text, nullable=False),
    Column("precision", Text, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("dims", Text, nullable=False),
    Column("given_options", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("model_sha256", Text),
    Column("inputs_sha256", Text),
    Column("effective_precision", Text),
    Column("build_ns", Integer),
    Column("engine_bytes", Integer),
    Column("facts", Text, nullable=False),
    Column("case_id", Text, nullable=False, server_default=""),
    Column("engine_key", Text),
    Column("engine_cached", Integer),
    Column("effect", Text),
    Column("cost", Text),
    Index("case_of_id", "case_id"),
)


def _of_case() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["run_id", "position"], ["case.run_id", "case.position"])


launch = Table(
    "launch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("blocks", Text, nullable=False),
    Column("start_ns", Integer, nullable=False),
    Column("open_ns", Integer, nullable=False),
    Column("first_query_ns", Integer, nullable=False),
    Column("warmup_ns", Integer, nullable=False),
    Column("warmup_queries", Integer, nullable=False),
    Column("steady", Integer),
    Column("peak_rss_bytes", Integer),
    Column("facts", Text, nullable=False),
    Column("covariates", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    _of_case(),
    Index("launch_of_case", "run_id", "position", "attempt"),
)

timings = Table(
    "timings",
    metadata,
    Column("launch_id", ForeignKey("launch.id"), primary_key=True),
    Column("wall_ns", LargeBinary, nullable=False),
    Column("enqueue_ns", LargeBinary),
    Column("gpu_compute_ns", LargeBinary),
    Column("h2d_ns", LargeBinary),
    Column("d2h_ns", LargeBinary),
)

telemetry = Table(
    "telemetry",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("started_at", Float, nullable=False),
    Column("elapsed_ns", Integer, nullable=False),
    Column("queries", Integer, nullable=False),
    Column("device_uuid", Text, nullable=False),
    Column("readings", Text, nullable=False),
    Column("samples", Text, nullable=False),
    _of_case(),
)

accuracy = Table(
    "accuracy",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("started_at", Float, nullable=False),
    Column("reference", Text, nullable=False),
    Column("parity", Text, nullable=False),
    Column("task", Text),
    Column("skipped", Text, nullable=False),
    _of_case(),
)

outcome = Table(
    "outcome",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False),
    _of_case(),
)

summary = Table(
    "summary",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("statistics_version", Integer, primary_key=True),
    Column("launches", Integer, primary_key=True),
    Column("summary", Text, nullable=False),
    _of_case(),
)

baseline = Table(
    "baseline",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("suite", Text, nullable=False),
    Column("suite_sha256", Text, nullable=False),
    Column("pinned_at", Float, nullable=False),
    Column("python", Text, nullable=False),
    Column("versions", Text, nullable=False),
    Column("devices", Text, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("dyno_version", Text, nullable=False),
    Column("replaces", Text, nullable=False),
    Column("left_out", Text, nullable=False),
)

pinned = Table(
    "pinned",
    metadata,
    Column("baseline_id", ForeignKey("baseline.id"), primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("pinned", Text, nullable=False),
)

gate = Table(
    "gate",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("baseline_id", ForeignKey("baseline.id"), nullable=False, index=True),
    Column("suite", Text, nullable=False),
    Column("suite_sha256", Text, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("dyno_version", Text, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("environment", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Column("only", Text, nullable=False),
)

gate_end = Table(
    "gate_end",
    metadata,
    Column("gate_id", ForeignKey("gate.id"), primary_key=True),
    Column("ended_at", Float, nullable=False),
    Column("state", Text, nullable=False),
)

pair = Table(
    "pair",
    metadata,
    Column("gate_id", ForeignKey("gate.id"), primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("phase", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("started_at", Float, nullable=False),
    Column("first", Text, nullable=False),
    Column("watched", Integer, nullable=False),
    Column("baseline", Text, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("covariates", Text, nullable=False),
    Column("blocks", LargeBinary, nullable=False),
)

verdict = Table(
    "verdict",
    metadata,
    Column("gate_id", ForeignKey("gate.id"), primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("word", Text, nullable=False),
    Column("log_ratio", Float),
    Column("se", Float),
    Column("detail", Text, nullable=False),
    Index("verdict_of_case", "case_id"),
)
