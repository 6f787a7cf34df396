"""A constructed run: two models, every kind of outcome, every note."""

from dataclasses import replace

import pytest

from results.record import (
    CaseRecord,
    CaseResult,
    Failed,
    Measured,
    Protocol,
    RunEnd,
    RunRecord,
    RunResult,
    Skipped,
)
from results.summary import (
    ColdPath,
    DeviceTimes,
    Interval,
    Latency,
    Load,
    Percentile,
    Rates,
    Summary,
    TooFewQueries,
    Utilization,
)
from suites.case import Case

PROTOCOL = Protocol(
    clock="perf_counter_ns",
    loop="blocking",
    transfers="bound",
    streams=1,
    queue_depth=1,
    cuda_graph=False,
    sync="none",
    l2="n/a",
    block_s=0.05,
    block_queries=3,
    warmup_s=0.3,
    warmup_queries=10,
    warmup_cap_s=5.0,
    launch_s=0.5,
    launches_min=5,
    launches_max=12,
    target=0.02,
    case_s=30.0,
)
MACHINE = "AMD EPYC 7B13, 2 cores, Linux 6.1, Python 3.11.7, onnxruntime 1.23.1"


def percentile(value_ns, half_width=0.02, have=5000):
    return Percentile(value_ns=value_ns, interval=interval(value_ns, half_width), have=have)


def interval(value_ns, half_width):
    return Interval(
        low_ns=value_ns / (1 + half_width),
        high_ns=value_ns * (1 + half_width),
        half_width=half_width,
    )


def latency(p50_ns, half_width=0.012, **changes):
    made = Latency(
        p50_ns=p50_ns,
        p50_interval=interval(p50_ns, half_width),
        p90=percentile(p50_ns * 1.04),
        p95=percentile(p50_ns * 1.09),
        p99=percentile(p50_ns * 1.4, 0.09),
        p99_9=TooFewQueries(have=1200, need=3688),
        mean_ns=p50_ns * 1.02,
        iqr_ns=p50_ns * 0.03,
        cv=0.08,
    )
    return replace(made, **changes)


def summary(p50_ns, *, batch=1, sequence=None, half_width=0.012, notes=(), remarks=(), **changes):
    queries_per_s = 1e9 / (p50_ns * 1.02)
    steps_per_s = queries_per_s * batch * sequence if sequence else None
    made = Summary(
        statistics_version=1,
        protocol=PROTOCOL,
        precision="fp32",
        launches=5,
        queries=31250,
        steady_share=1.0,
        own_time_share=0.11,
        latency=latency(p50_ns, half_width),
        rates=Rates(
            queries_per_s=queries_per_s,
            samples_per_s=queries_per_s * batch,
            steps_per_s=steps_per_s,
        ),
        cold=ColdPath(start_ns=98e6, build_ns=41_000_000, open_ns=3.1e6, first_query_ns=p50_ns * 9),
        device=DeviceTimes(enqueue_ns=None, gpu_compute_ns=None, h2d_ns=None, d2h_ns=None),
        load=Load(
            cpu_percent=99.6,
            peak_rss_bytes=13_100_000,
            disturbed_share=0.02,
            involuntary_switches_per_s=4.2,
        ),
        notes=notes,
        remarks=remarks,
    )
    return replace(made, **changes)


def case_result(position, case, outcome, *, launches=0):
    record = CaseRecord(
        position=position,
        case=case,
        options={"threads": 1, "spinning": False},
        model_sha256="ab" * 32,
        inputs_sha256="cd" * 32,
        effective_precision="fp32",
        build_ns=41_000_000,
        engine_bytes=812_000,
        facts={},
    )
    return CaseResult(record=record, outcome=outcome, launches=launches)


def lstm(batch, sequence, precision="fp32", backend="onnxruntime-cpu"):
    return Case(
        model="lstm",
        backend=backend,
        precision=precision,
        batch=batch,
        dims=(("sequence", sequence),),
    )


def cnn(batch, name="cnn [x]"):
    return Case(model=name, backend="onnxruntime-cpu", precision="fp32", batch=batch)


CASES = (
    case_result(0, lstm(1, 16), Measured(stopped_by="target"), launches=5),
    case_result(1, lstm(8, 16), Measured(stopped_by="target"), launches=6),
    case_result(2, lstm(8, 128), Measured(stopped_by="launches"), launches=12),
    case_result(
        3,
        lstm(1, 16, "fp16"),
        Skipped(reason="excluded by the suite: If branches cannot be quantised"),
    ),
    case_result(4, cnn(1), Measured(stopped_by="time"), launches=2),
    case_result(
        5,
        cnn(32),
        Failed(
            kind="crash",
            message="the runtime died of \x1b[31mSIGSEGV\x1b[0m\nwhile opening the engine",
            hint="See the log of the launch.",
        ),
        launches=1,
    ),
    case_result(6, cnn(64), None, launches=3),
)
SUMMARIES = {
    0: summary(80_300.0, sequence=16, latency=latency(80_300.0, p99_9=percentile(230_000.0, 0.2))),
    1: summary(
        212_000.0,
        batch=8,
        sequence=16,
        steady_share=None,
        notes=("warm-up-not-judged", "disturbed"),
        launches=6,
        load=Load(
            cpu_percent=91.2,
            peak_rss_bytes=None,
            disturbed_share=0.14,
            involuntary_switches_per_s=61.0,
        ),
    ),
    2: summary(
        1_640_000.0,
        batch=8,
        sequence=128,
        half_width=0.034,
        launches=12,
        steady_share=0.75,
        notes=("no-steady-state", "wide-interval"),
    ),
    4: summary(
        12_300_000.0,
        half_width=0.21,
        launches=2,
        own_time_share=0.93,
        notes=(
            "few-queries",
            "few-launches",
            "consecutive",
            "wide-interval",
            "precision",
        ),
        precision="bf16",
        remarks=("2 of 9 nodes run on another provider",),
        latency=latency(
            12_300_000.0,
            0.21,
            p95=TooFewQueries(have=60, need=72),
            p99=TooFewQueries(have=60, need=368),
        ),
    ),
}


@pytest.fixture
def run():
    return RunResult(
        record=RunRecord(
            id="20260102-030405-1f3a",
            name="nightly",
            suite="smoke",
            suite_sha256="ef" * 32,
            dyno_version="0.1.0",
            started_at=1_767_323_045.0,
            seed=0,
            estimate_s=42.0,
            environment={"cpu": {"model": "AMD EPYC 7B13"}},
        ),
        end=RunEnd(ended_at=1_767_323_090.1, state="done"),
        cases=CASES,
    )


@pytest.fixture
def summaries():
    return dict(SUMMARIES)


@pytest.fixture
def machine():
    return MACHINE


ON_DEVICE = replace(PROTOCOL, loop="device-stamped", transfers="copied", sync="spin", l2="hot")
UNSUPPORTED = "nvmlDeviceGetPowerUsage: Not Supported"
COUNTERLESS = "nvmlDeviceGetTotalEnergyConsumption: Not Supported"


def utilization(**changes):
    made = Utilization(
        sm_percent=92.4,
        memory_percent=41.0,
        memory_used_bytes=1_640_000_000,
        process_memory_bytes=1_120_000_000,
        watts=212.4,
        idle_watts=23.1,
        joules_per_sample=0.0021,
        sm_mhz=1740.0,
        sm_mhz_least=1710.0,
        memory_mhz=9501.0,
        temperature_c=67.0,
        pcie_rx_bytes_per_s=1.2e9,
        pcie_tx_bytes_per_s=3.4e8,
        other_processes=0,
    )
    return replace(made, **changes)


def gpu_summary(p50_ns, *, enqueue_ns=40_000.0, copy_ns=12_000.0, **changes):
    compute_ns = 0.9 * p50_ns
    device = DeviceTimes(
        enqueue_ns=enqueue_ns,
        gpu_compute_ns=compute_ns,
        h2d_ns=copy_ns,
        d2h_ns=copy_ns / 2,
        host_latency_ns=compute_ns + 1.5 * copy_ns,
        gpu_compute_p99=percentile(1.1 * compute_ns),
        enqueue_share=enqueue_ns / compute_ns,
    )
    return summary(p50_ns, **{"device": device, "protocol": ON_DEVICE, **changes})


def gpu_case(position, backend, precision, batch, **options):
    case = replace(lstm(batch, 64, precision, backend), options=tuple(options.items()))
    return case_result(position, case, Measured(stopped_by="target"), launches=5)


def streams_summary():
    one = gpu_summary(825_000.0)
    return replace(
        one,
        latency=None,
        protocol=replace(ON_DEVICE, streams=4),
        rates=replace(one.rates, per_query=interval(206_000.0, 0.031)),
        device=replace(one.device, host_latency_ns=None, gpu_compute_p99=None),
        utilization=utilization(other_processes=2),
        notes=("wide-interval", "streams", "shared-gpu"),
    )


GPU_CASES = (
    gpu_case(0, "onnxruntime-cuda", "fp16", 1),
    gpu_case(1, "onnxruntime-cuda", "fp16", 8),
    gpu_case(2, "tensorrt", "int8-fp16", 32),
    gpu_case(3, "tensorrt", "fp16", 32, streams=4),
)
GPU_SUMMARIES = {
    0: gpu_summary(
        180_000.0, enqueue_ns=150_000.0, utilization=utilization(), notes=("enqueue-bound",)
    ),
    1: gpu_summary(
        412_000.0,
        utilization=utilization(
            watts=None,
            idle_watts=None,
            joules_per_sample=None,
            throttling={"sw_power_cap": 0.4},
            unknown={
                "watts": UNSUPPORTED,
                "idle_watts": UNSUPPORTED,
                "energy_joules": COUNTERLESS,
                "energy_queries": COUNTERLESS,
            },
        ),
        load=replace(summary(1).load, throttling={"hw_slowdown": 0.2}, shared_share=0.4),
        notes=("throttled", "shared-gpu"),
    ),
    2: gpu_summary(25_000.0, copy_ns=40_000.0, notes=("transfer-bound",)),
    3: streams_summary(),
}


@pytest.fixture
def gpu_run(run):
    return replace(run, cases=GPU_CASES)


@pytest.fixture
def gpu_summaries():
    return dict(GPU_SUMMARIES)
