"""A big store with synthetic timings: one run of 10 000 cases, and many runs of one of them.

The timings are seeded noise of a steady model (a body, a slow drift, clusters of slow queries), and
cases share 64 lots of them; rows, bytes and summaries are what a real run stores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import insert

from harness.environment import capture, readings
from harness.protocol import resolve_protocol, warmup_rule
from results import rows, schema
from results.accuracy import AccuracyRecord, ClassScore, OutputParity, TaskScore
from results.accuracy_rows import accuracy_row
from results.aggregate import summarise
from results.codec import dump, summary_fields
from results.database import connect
from results.effect import Effect, GraphCost
from results.record import Block, CaseRecord, Failed, LaunchRecord, Measured, RunRecord
from results.store import Store
from suites.case import Case
from suites.suite import Measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from results.record import Nanoseconds, Outcome
    from results.summary import Summary

LAUNCHES, QUERIES, BLOCKS = 5, 6000, 10
POOL = 64
NIGHTS = 365
STARTED_AT = 1_767_323_045.0
RUN_ID = "20260102-030405-1f3a"
PROTOCOL = resolve_protocol(
    measure=Measure(), options={}, rule=warmup_rule("cpu"), loop="blocking", clock="perf_counter_ns"
)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Five launches as rows of `launch` and `timings`, and their summary at batch 1."""

    launches: tuple[Row, ...]
    timings: tuple[Row, ...]
    summary: Summary


def steady(rng: np.random.Generator, level_ns: float) -> Nanoseconds:
    """Return timings of one launch: 1 % of noise, a drift of 0.5 %, clusters of slow queries."""
    body = rng.normal(1, 0.01, QUERIES) + 0.005 * np.sin(np.linspace(0, 6, QUERIES))
    for start in rng.integers(0, QUERIES - 8, 5):
        body[start : start + rng.integers(1, 8)] *= rng.uniform(1.2, 2)
    return np.asarray(level_ns * body, dtype=np.int64)


def launch(number: int, wall_ns: Nanoseconds, around: Row) -> LaunchRecord:
    parts = wall_ns.reshape(BLOCKS, -1).sum(axis=1)
    return LaunchRecord(
        number=number,
        started_at=STARTED_AT + 100 * number,
        protocol=PROTOCOL,
        wall_ns=wall_ns,
        blocks=tuple(
            Block(
                queries=QUERIES // BLOCKS,
                elapsed_ns=int(elapsed_ns),
                cpu_ns=int(elapsed_ns * 0.995),
                voluntary_switches=0,
                involuntary_switches=2,
            )
            for elapsed_ns in parts
        ),
        start_ns=123_000_000,
        open_ns=12_500_000,
        first_query_ns=421_000,
        warmup_ns=410_000_000,
        warmup_queries=5000,
        steady=True,
        peak_rss_bytes=17_000_000,
        facts={
            "runtime": "onnxruntime",
            "runtime_version": "1.31.1",
            "device": "cpu",
            "options": {"threads": 1, "spinning": False, "graph_optimization": "all"},
            "placement": [{"provider": "CPUExecutionProvider", "nodes": 7, "examples": []}],
            "notes": [],
        },
        covariates={"before": around, "after": around},
    )


def samples() -> tuple[Sample, ...]:
    """Return the pool; its levels lie between 40 µs and 4 ms, its launches 1 % apart."""
    rng, around = np.random.default_rng(0), readings()
    made = []
    for level_ns in np.geomspace(40e3, 4e6, POOL):
        spread = rng.uniform(0.002, 0.02)
        launches = [
            launch(number, steady(rng, level_ns * rng.normal(1, spread)), around)
            for number in range(LAUNCHES)
        ]
        made.append(
            Sample(
                launches=tuple(rows.launch_row(record) for record in launches),
                timings=tuple(rows.timings_row(record) for record in launches),
                summary=summarise(case(0, Case(**CORE, batch=1)), launches),
            )
        )
    return tuple(made)


EFFECT = Effect(
    nodes=5,
    all_nodes=9,
    weights={"fp16": 0.99, "fp32": 0.01},
    flops={"fp16": 0.97, "fp32": 0.03},
    bytes_before=1_450_000,
    bytes_after=740_000,
    kept=("LSTM: its state stays fp32",),
)
COST = GraphCost(flops=25_600_000, parameter_bytes=740_000, activation_bytes=220_000)
METRICS = {"accuracy": 0.972, "precision": 0.971, "recall": 0.97, "f1": 0.9705}
ACCURACY = AccuracyRecord(
    attempt=0,
    started_at=STARTED_AT,
    reference="fp32 by onnxruntime-cpu",
    parity=(
        OutputParity(
            output="logits",
            values=640,
            max_abs=6.3e-4,
            max_rel=1.2e-3,
            cosine=0.999998,
            snr_db=63.2,
            top1=1.0,
            nan=0,
            inf=0,
        ),
    ),
    task=TaskScore(
        dataset="digits",
        task="classification",
        samples=360,
        metrics=METRICS,
        classes=tuple(
            ClassScore(label=str(digit), precision=0.97, recall=0.96, f1=0.965, support=36)
            for digit in range(10)
        ),
        reference=METRICS,
    ),
)
CORE: Row = {"model": "m0", "backend": "onnxruntime-cpu", "precision": "fp32"}


def cases() -> Iterator[tuple[CaseRecord, Outcome]]:
    """Yield 10 000 measured cases of ten models, and 100 that failed."""
    models = [f"m{number}" for number in range(10)]
    axes = product(models, ("fp32", "fp16"), (1, 2, 4, 8, 16), range(16, 176, 16), range(1, 11))
    for place, (model, precision, batch, sequence, threads) in enumerate(axes):
        point = Case(
            model=model,
            backend="onnxruntime-cpu",
            precision=precision,
            batch=batch,
            dims=(("sequence", sequence),),
            options=(("threads", threads),),
        )
        yield case(place, point), Measured(stopped_by="target")
    for place in range(100):
        point = Case(**{**CORE, "precision": "int8"}, batch=place + 1)
        message = f"SIGSEGV in '{('open', 'build')[place % 2]}'. The runtime said nothing"
        outcome = Failed(kind="crash", message=message, hint="See the log of the launch.")
        yield case(10_000 + place, point), outcome


def case(position: int, point: Case) -> CaseRecord:
    return CaseRecord(
        position=position,
        case=point,
        options={"threads": dict(point.options).get("threads", 1), "spinning": False},
        model_sha256="ab" * 32,
        inputs_sha256="cd" * 32,
        effective_precision=point.precision,
        build_ns=17_100_000,
        engine_bytes=812_000,
        facts={"nodes:CPUExecutionProvider": 7},
        effect=EFFECT if point.precision != "fp32" else None,
        cost=COST,
    )


@cache
def environment() -> Row:
    return capture()


def run(run_id: str, started_at: float) -> RunRecord:
    return RunRecord(
        id=run_id,
        name="nightly",
        suite="many",
        suite_sha256="ef" * 32,
        dyno_version="0.1.0",
        started_at=started_at,
        seed=0,
        estimate_s=40_000.0,
        environment=environment(),
    )


def build(folder: Path) -> None:
    """Make the store, by the rows that `Store` would write, many to a transaction."""
    Store(folder)
    pool = samples()
    nights = [f"{20250101 + night}-030405-{night:04x}" for night in range(NIGHTS)]
    whole = list(cases())
    fill(folder, run(RUN_ID, STARTED_AT), whole, pool)
    for night, run_id in enumerate(nights):
        record = run(run_id, STARTED_AT - 86_400 * (NIGHTS - night))
        fill(folder, record, whole[:1], pool[night % POOL :])


def fill(
    folder: Path,
    record: RunRecord,
    found: Sequence[tuple[CaseRecord, Outcome]],
    pool: Sequence[Sample],
) -> None:
    engine = connect(folder / "dyno.db", busy_s=30)
    with engine.begin() as connection:
        connection.execute(insert(schema.run), rows.run_row(record))
        end = {"ended_at": record.started_at + 40_000, "state": "done"}
        connection.execute(insert(schema.run_end), {"run_id": record.id, **end})
    for start in range(0, len(found), 200):
        with engine.begin() as connection:
            for place, (each, outcome) in enumerate(found[start : start + 200], start):
                key = {"run_id": record.id, "position": each.position}
                connection.execute(insert(schema.case), {**key, **rows.case_row(each)})
                if isinstance(outcome, Measured):
                    add_sample(connection, key, each, pool[place % len(pool)])
                connection.execute(insert(schema.outcome), {**key, **rows.outcome_row(outcome)})


def add_sample(connection: Any, key: Row, each: CaseRecord, sample: Sample) -> None:
    for row, raw in zip(sample.launches, sample.timings, strict=True):
        query = insert(schema.launch).returning(schema.launch.c.id)
        launch_id = connection.execute(query, {**row, **key}).scalar_one()
        connection.execute(insert(schema.timings), {"launch_id": launch_id, **raw})
    connection.execute(insert(schema.accuracy), {**key, **accuracy_row(ACCURACY)})
    rates = sample.summary.rates
    at_batch = replace(rates, samples_per_s=rates.queries_per_s * each.case.batch)
    summary = replace(sample.summary, rates=at_batch)
    extra = {"statistics_version": summary.statistics_version, "launches": LAUNCHES}
    text = dump(summary_fields(summary))
    connection.execute(insert(schema.summary), {**key, **extra, "summary": text})
