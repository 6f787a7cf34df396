"""Writes a store of the present schema into `schema<number>/`; done once for each schema.

    python tests/results/data/make_store.py

What it holds is written out here, so that the test of the file depends on no builder.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from results.accuracy import AccuracyRecord, ClassScore, OutputParity, TaskScore
from results.database import newest
from results.effect import Effect, GraphCost
from results.record import (
    Block,
    CaseRecord,
    Failed,
    LaunchRecord,
    Measured,
    Protocol,
    RunEnd,
    RunRecord,
    RunResume,
    Skipped,
)
from results.store import Store
from results.summaries import summaries
from results.telemetry import TelemetryRecord
from suites.case import Case

FOLDER = Path(__file__).parent / f"schema{newest()}"
RUN = RunRecord(
    id="20260102-030405-1f3a",
    name="golden",
    suite="smoke",
    suite_sha256="ef" * 32,
    dyno_version="0.1.0",
    started_at=1767323045.0,
    seed=7,
    estimate_s=42.0,
    environment={"cpu": {"model": "AMD EPYC", "cores": 2}},
    only="batch=8",
    measure={"launches_min": 2, "launches_max": 2},
)
RESUME = RunResume(number=1, resumed_at=1767323100.0, environment={"cpu": {"cores": 2}})
PROTOCOL = Protocol(
    clock="perf_counter_ns",
    loop="device-stamped",
    transfers="copied",
    streams=2,
    queue_depth=2,
    cuda_graph=True,
    sync="spin",
    l2="hot",
    block_s=0.05,
    block_queries=3,
    warmup_s=1.0,
    warmup_queries=50,
    warmup_cap_s=20.0,
    launch_s=0.5,
    launches_min=2,
    launches_max=2,
    target=0.02,
    case_s=30.0,
)


def case(position: int, precision: str) -> CaseRecord:
    return CaseRecord(
        position=position,
        case=Case(
            model="lstm",
            backend="tensorrt",
            precision=precision,
            batch=8,
            dims=(("sequence", 16), ("features", 64)),
            options=(("cuda_graph", True),),
        ),
        options={"cuda_graph": True, "streams": 2},
        model_sha256="ab" * 32,
        inputs_sha256="cd" * 32,
        effective_precision=precision,
        build_ns=41_000_000,
        engine_bytes=812_000,
        engine_key="12" * 32,
        engine_cached=precision == "int8",
        facts={"layers": 12},
        effect=None if precision == "fp32" else EFFECT,
        cost=COST,
    )


EFFECT = Effect(
    nodes=5,
    all_nodes=9,
    weights={"int8": 0.99, "fp32": 0.01},
    flops={"int8": 0.97, "fp32": 0.03},
    bytes_before=1_450_000,
    bytes_after=380_000,
    kept=("LSTM: its state stays fp32",),
)
COST = GraphCost(
    flops=25_600_000,
    parameter_bytes=380_000,
    activation_bytes=220_000,
    uncounted={"Loop": 2},
    ceiling="compute",
)
ACCURACY = AccuracyRecord(
    attempt=0,
    started_at=1767323046.5,
    reference="fp32 by onnxruntime-cpu",
    parity=(
        OutputParity(
            output="logits",
            values=640,
            max_abs=0.017,
            max_rel=0.03,
            cosine=0.99957,
            snr_db=None,
            top1=0.983,
            nan=0,
            inf=1,
        ),
    ),
    task=TaskScore(
        dataset="digits",
        task="classification",
        samples=360,
        metrics={"accuracy": 0.97},
        classes=(ClassScore(label="8", precision=0.93, recall=0.88, f1=0.904, support=32),),
        reference={"accuracy": 0.975},
    ),
)
UNJUDGED = AccuracyRecord(attempt=0, started_at=1767323047.5, skipped={"parity": "no reference"})
TELEMETRY = TelemetryRecord(
    attempt=0,
    started_at=1767323060.5,
    elapsed_ns=5_000_000_000,
    queries=5000,
    device_uuid="GPU-0123",
    at_s=(0.05, 0.1),
    samples={"sm_percent": (90.0, 92.0), "watts": (200.5, None), "memory_used_bytes": (2.0e9, 2e9)},
    idle_watts=20.5,
    energy_joules=900.0,
    energy_queries=4500.0,
    clock_reasons={"sw_power_cap": 0.5},
    other_processes=0,
    unknown={"temperature_c": "not supported"},
)


def launch(number: int, attempt: int = 0, streams: int = 2) -> LaunchRecord:
    wall = np.arange(1_000_000, 1_000_100, dtype=np.int64) + 1000 * number
    return LaunchRecord(
        number=number,
        attempt=attempt,
        started_at=1767323050.5 + number,
        protocol=replace(PROTOCOL, streams=streams),
        wall_ns=wall,
        enqueue_ns=wall // 10,
        gpu_compute_ns=wall // 2,
        h2d_ns=wall // 20,
        d2h_ns=None,
        blocks=(
            Block(
                queries=100,
                elapsed_ns=100_000_000,
                cpu_ns=99_000_000,
                voluntary_switches=1,
                involuntary_switches=2,
            ),
        ),
        start_ns=90_000_000,
        open_ns=3_000_000,
        first_query_ns=2_000_000,
        warmup_ns=310_000_000,
        warmup_queries=300,
        steady=True if number == 0 else None,
        peak_rss_bytes=1000 + number,
        facts={"runtime": "tensorrt", "notes": ["golden"]},
        covariates={"before": {"load1": 0.5}},
    )


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    store = Store(FOLDER)
    store.add_run(RUN)
    outcomes = (
        Measured(stopped_by="launches"),
        Skipped(reason="excluded by the suite"),
        Failed(kind="crash", message="SIGSEGV", hint="See the log."),
    )
    for position, precision in enumerate(("fp16", "int8", "fp8", "fp32", "bf16")):
        store.add_case(RUN.id, case(position, precision))
    for number in range(2):
        store.add_launch(RUN.id, 0, launch(number, streams=1))
    store.add_telemetry(RUN.id, 0, TELEMETRY)
    store.add_accuracy(RUN.id, 0, ACCURACY)
    store.add_accuracy(RUN.id, 2, UNJUDGED)
    for position, outcome in enumerate(outcomes):
        store.add_outcome(RUN.id, position, outcome)
    store.add_launch(RUN.id, 4, launch(0))
    store.end_run(RUN.id, RunEnd(ended_at=1767323090.1, state="interrupted"))
    store.add_resume(RUN.id, RESUME)
    for number in range(2):
        store.add_launch(RUN.id, 4, launch(number, attempt=1))
    store.add_outcome(RUN.id, 4, Measured(stopped_by="target"))
    store.end_run(RUN.id, RunEnd(ended_at=1767323190.1, state="done"))
    summaries(store, store.read_run(RUN.id))


if __name__ == "__main__":
    main()
