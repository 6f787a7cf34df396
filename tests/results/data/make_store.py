"""Writes a store of the present schema into `schema<number>/`; done once for each schema.

    python tests/results/data/make_store.py

What it holds is written out here, so that the test of the file depends on no builder.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from results.accuracy import AccuracyRecord, ClassScore, OutputParity, TaskScore
from results.baseline import Baseline, PinnedCase, Splice
from results.database import newest
from results.effect import Effect, GraphCost
from results.gate_record import Changes, GateRecord
from results.gates import Gates
from results.paired import PairRecord, SideBlocks, SideLaunch
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
from results.summary import TooFewQueries
from results.telemetry import TelemetryRecord
from results.verdict import CaseVerdict, Confirmation, Estimate, TailRatio, Verdict
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


def pinned(position: int, precision: str, splice: Splice | None = None) -> PinnedCase:
    return PinnedCase(
        position=position,
        case=case(position, precision).case,
        options={"cuda_graph": True, "streams": 2},
        model_sha256="ab" * 32,
        inputs_sha256="cd" * 32,
        model={"files": {"model.onnx": "ab" * 32}, "dims": {"x": ["batch", 16]}},
        inputs={"names": ["x"], "dtypes": ["float32"]},
        splice=splice,
    )


FIRST = Baseline(
    id="20260101-000000-aaaa",
    name="main",
    suite="smoke",
    suite_sha256="ef" * 32,
    pinned_at=1767225600.0,
    python="/opt/main/bin/python",
    versions={"python": "3.11.9", "onnxruntime": "1.30.0"},
    devices={"cpu": "AMD EPYC, 2 CPUs"},
    seed=7,
    dyno_version="0.1.0",
    cases=(pinned(0, "fp16"),),
    left_out={"lstm/tensorrt/fp8": "no GPU"},
)
SECOND = replace(
    FIRST,
    id="20260102-000000-bbbb",
    pinned_at=1767312000.0,
    replaces=FIRST.id,
    cases=(pinned(0, "fp16", Splice(log_ratio=-0.01, se=0.002)), pinned(1, "int8")),
)
GATE = GateRecord(
    id="20260103-040506-2b4c",
    kind="gate",
    baseline_id=SECOND.id,
    suite="smoke",
    suite_sha256="ef" * 32,
    started_at=1767413106.0,
    dyno_version="0.1.0",
    threshold=0.02,
    environment={"cpu": {"model": "AMD EPYC", "cores": 2}},
    changes=Changes(new=("lstm/new",), changed={pinned(1, "int8").case.id: "model"}),
    only="batch=8",
)


def side(scale: float, *, told: bool) -> SideLaunch:
    medians = scale * (1e6 + 1e3 * np.arange(4))
    return SideLaunch(
        protocol=replace(PROTOCOL, streams=1),
        blocks=SideBlocks(
            median_ns=medians,
            mean_ns=medians * 1.01,
            p95_ns=medians * 1.1,
            p99_ns=medians * 1.2,
            queries=np.full(4, 50),
            elapsed_ns=np.full(4, 50_500_000),
            cpu_ns=np.full(4, 50_000_000),
            involuntary_switches=np.array([0, 1, 0, 2]),
            disturbed=np.array([False, True, False, False]) if told else None,
        ),
        start_ns=90_000_000,
        open_ns=3_000_000,
        first_query_ns=2_000_000,
        warmup_ns=310_000_000,
        warmup_queries=300,
        steady=True,
        p95_ns=1.1e6 * scale,
        clean_p99_ns=1.2e6 * scale if told else None,
        clean_queries=150 if told else 0,
        gpu_compute_ns=None if told else 5e5,
        facts={"runtime": "tensorrt"},
    )


def pair(phase: str, number: int) -> PairRecord:
    return PairRecord(
        phase=phase,
        number=number,
        started_at=1767413110.0 + number,
        first="candidate" if number % 2 else "baseline",
        baseline=side(1.0, told=True),
        candidate=side(1.03, told=False),
        watched=phase == "confirm",
        covariates={"before": {"load1": 0.5}},
    )


ESTIMATE = Estimate(log_ratio=0.03, se=0.004, df=9.5, pairs=2, low=1.021, high=1.04)
SLOWER = Verdict(
    word="SLOWER",
    reason="×1.030 after 2 pairs, confirmed by 1",
    estimate=ESTIMATE,
    p_value=0.0001,
    disturbed_share=0.25,
    p95=TailRatio(ratio=1.02, low=1.0, high=1.04),
    p99=TooFewQueries(have=300, need=1000),
    confirmation=Confirmation(
        confirmed=True, estimate=replace(ESTIMATE, log_ratio=0.029, pairs=1), p_value=0.001
    ),
    baseline_ns=1e6,
    candidate_ns=1.03e6,
    notes=("levels",),
)
BROKEN = Failed(kind="crash", message="candidate: SIGSEGV", hint="See the log.")


def add_gate(store: Store) -> None:
    gates, cases = Gates(store), SECOND.cases
    gates.add_baseline(FIRST)
    gates.add_baseline(SECOND)
    gates.add_gate(GATE)
    for phase, number in (("look", 0), ("look", 1), ("confirm", 0)):
        gates.add_pair(GATE.id, cases[0].case.id, pair(phase, number))
    for position, outcome in enumerate((SLOWER, BROKEN)):
        case_id = cases[position].case.id
        gates.add_verdict(GATE.id, CaseVerdict(position=position, case_id=case_id, outcome=outcome))
    gates.end_gate(GATE.id, RunEnd(ended_at=1767413200.0, state="done"))


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
    add_gate(store)


if __name__ == "__main__":
    main()
