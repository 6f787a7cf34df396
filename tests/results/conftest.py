"""Builders of the values that the store and the statistics work on."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from results.accuracy import AccuracyRecord, ClassScore, OutputParity, TaskScore
from results.aggregate import summarise
from results.effect import Effect, GraphCost
from results.paired import BASELINE, PairRecord, SideBlocks, SideLaunch
from results.record import (
    Block,
    CaseRecord,
    CaseResult,
    Failed,
    LaunchRecord,
    Measured,
    Protocol,
    RunEnd,
    RunRecord,
    RunResult,
)
from results.telemetry import SERIES, TelemetryRecord
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


def _launch(number=0, wall_ns=(1_000_000,) * 10, **changes):
    wall = np.asarray(wall_ns, dtype=np.int64)
    elapsed_ns = int(wall.sum())
    block = Block(
        queries=len(wall),
        elapsed_ns=elapsed_ns,
        cpu_ns=elapsed_ns,
        voluntary_switches=0,
        involuntary_switches=0,
    )
    fields = {
        "number": number,
        "started_at": 1_767_323_050.5 + number,
        "protocol": PROTOCOL,
        "wall_ns": wall,
        "blocks": (block,),
        "start_ns": 90_000_000,
        "open_ns": 3_000_000,
        "first_query_ns": 2_000_000,
        "warmup_ns": 310_000_000,
        "warmup_queries": 300,
        "steady": True,
        "peak_rss_bytes": 1000,
        "facts": {"runtime": "onnxruntime", "notes": []},
        "covariates": {"before": {"load1": 0.5}, "after": {"load1": 0.6}},
    }
    return LaunchRecord(**{**fields, **changes})


def _side(median_ns, *, disturbed=False, queries=100, **changes):
    """Return a side of a pair; a single time or mark is that of all its 20 blocks."""
    medians = np.broadcast_to(np.asarray(median_ns, dtype=np.float64), (20,))
    marks = None if disturbed is None else np.broadcast_to(np.asarray(disturbed, dtype=bool), (20,))
    whole = {name: np.full(20, 50_000_000) for name in ("elapsed_ns", "cpu_ns")}
    blocks = SideBlocks(
        median_ns=medians,
        mean_ns=medians * 1.01,
        p95_ns=medians * 1.1,
        p99_ns=medians * 1.2,
        queries=np.full(20, queries),
        involuntary_switches=np.zeros(20, dtype=np.int64),
        disturbed=marks,
        **whole,
    )
    fields = {
        "protocol": PROTOCOL,
        "blocks": blocks,
        "start_ns": 90_000_000,
        "open_ns": 3_000_000,
        "first_query_ns": 2_000_000,
        "warmup_ns": 310_000_000,
        "warmup_queries": 300,
        "steady": True,
        "p95_ns": float(np.median(medians)) * 1.1,
        "clean_p99_ns": float(np.median(medians)) * 1.2,
        "clean_queries": 20 * queries,
    }
    return SideLaunch(**{**fields, **changes})


def _pair(baseline, candidate, **changes):
    """Return a pair of two sides, or of two sides with these block medians [ns]."""
    sides = (s if isinstance(s, SideLaunch) else _side(s) for s in (baseline, candidate))
    fields = dict(zip(("baseline", "candidate"), sides, strict=True))
    told = {"phase": "look", "number": 0, "started_at": 1_767_323_050.5, "first": BASELINE}
    return PairRecord(**{**told, **fields, **changes})


def _case(position=0, *, model="lstm", batch=2, dims=(("sequence", 16),), **changes):
    case = Case(model=model, backend="onnxruntime-cpu", precision="fp32", batch=batch, dims=dims)
    fields = {
        "position": position,
        "case": case,
        "options": {"threads": 1, "spinning": False},
        "model_sha256": "ab" * 32,
        "inputs_sha256": "cd" * 32,
        "effective_precision": "fp32",
        "build_ns": 41_000_000,
        "engine_bytes": 812_000,
        "facts": {"nodes": 12},
    }
    return CaseRecord(**{**fields, **changes})


def _run(run_id="20260102-030405-1f3a", name="nightly", started_at=1_767_323_045.0):
    return RunRecord(
        id=run_id,
        name=name,
        suite="smoke",
        suite_sha256="ef" * 32,
        dyno_version="0.1.0",
        started_at=started_at,
        seed=7,
        estimate_s=42.0,
        environment={"cpu": {"model": "AMD EPYC", "cores": 2}, "why": None},
    )


def _telemetry(**changes):
    fields = {
        "attempt": 0,
        "started_at": 1_767_323_060.5,
        "elapsed_ns": 5_000_000_000,
        "queries": 5000,
        "device_uuid": "GPU-0123",
        "at_s": (0.05, 0.1),
        "samples": {**dict.fromkeys(SERIES, (90.0, 92.0)), "watts": (200.5, None)},
        "idle_watts": 20.5,
        "energy_joules": 900.0,
        "energy_queries": 4500.0,
        "clock_reasons": {"sw_power_cap": 0.5},
        "other_processes": 3,
        "unknown": {"performance_state": "not supported"},
    }
    return TelemetryRecord(**{**fields, **changes})


def _effect(**changes):
    fields = {
        "nodes": 5,
        "all_nodes": 9,
        "weights": {"int8": 0.99, "fp32": 0.01},
        "flops": {"int8": 0.97, "fp32": 0.03},
        "bytes_before": 1_450_000,
        "bytes_after": 380_000,
        "kept": ("LSTM: its state stays fp32",),
    }
    return Effect(**{**fields, **changes})


def _cost(**changes):
    fields = {
        "flops": 3_000_000,
        "parameter_bytes": 400_000,
        "activation_bytes": 200_000,
        "uncounted": {"Loop": 2},
    }
    return GraphCost(**{**fields, **changes})


def _parity(output="logits", **changes):
    fields = {
        "values": 640,
        "max_abs": 0.017,
        "max_rel": 0.03,
        "cosine": 0.99957,
        "snr_db": 31.2,
        "top1": 0.983,
        "nan": 0,
        "inf": 1,
    }
    return OutputParity(output=output, **{**fields, **changes})


def _task(**changes):
    fields = {
        "dataset": "digits",
        "task": "classification",
        "samples": 360,
        "metrics": {"accuracy": 0.97, "precision": 0.96, "recall": 0.95, "f1": 0.955},
        "classes": (
            ClassScore(label="3", precision=0.97, recall=0.96, f1=0.965, support=37),
            ClassScore(label="8", precision=0.93, recall=0.88, f1=0.904, support=32),
        ),
        "reference": {"accuracy": 0.975, "precision": 0.97, "recall": 0.96, "f1": 0.965},
    }
    return TaskScore(**{**fields, **changes})


def _accuracy(**changes):
    fields = {
        "attempt": 0,
        "started_at": 1_767_323_046.5,
        "reference": "fp32 by onnxruntime-cpu",
        "parity": (_parity(),),
        "task": _task(),
    }
    return AccuracyRecord(**{**fields, **changes})


@pytest.fixture
def make_effect():
    return _effect


@pytest.fixture
def make_cost():
    return _cost


@pytest.fixture
def make_parity():
    return _parity


@pytest.fixture
def make_task():
    return _task


@pytest.fixture
def make_accuracy():
    return _accuracy


@pytest.fixture
def make_launch():
    return _launch


@pytest.fixture
def make_side():
    return _side


@pytest.fixture
def make_pair():
    return _pair


@pytest.fixture
def make_telemetry():
    return _telemetry


@pytest.fixture
def make_case():
    return _case


@pytest.fixture
def make_run():
    return _run


@pytest.fixture
def protocol():
    return PROTOCOL


@pytest.fixture
def mounted(tmp_path):
    """Mount what the arguments of `mount` say on a folder of its own, and return the folder."""
    folder, done = tmp_path / "mounted", []

    def mount(*arguments):
        folder.mkdir(exist_ok=True)
        if shutil.which("mount") is None:
            pytest.skip("there is no mount here")
        command = ["mount", *map(str, arguments), str(folder)]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        if told.returncode:
            pytest.skip(f"mount is not allowed here: {told.stderr.strip()}")
        done.append(folder)
        return folder

    yield mount
    for mounted in done:
        subprocess.run(["umount", "--lazy", str(mounted)], check=True)


UNJUDGED = {
    "parity": "two runs of the fp32 reference differ",
    "task": "the model has no data set with labels",
}
KEPT = "LSTM: its state stays fp32, for there is no Q/DQ inside the operator"
VIOLATED = Failed(
    kind="accuracy",
    message="min_cosine: expected at least 0.98, got 0.9712",
    hint="Lower gate.accuracy.min_cosine, or take another precision.",
)
PEAK = _cost(flops=2 * 1024**3, parameter_bytes=4 << 20, ceiling="compute", uncounted={})
COPY = _cost(flops=16 << 20, parameter_bytes=128 << 20, ceiling="memory", uncounted={})
LSTM = _cost(uncounted={})
TASK = _task()
SCORED = _task(metrics={"accuracy": 0.97222, "f1": 0.9703, "recall": 0.9713})
POOR = _task(metrics={"accuracy": 0.8722, "f1": 0.87, "recall": 0.871})
FP16 = {"fp16": 1.0}
MIXED = {"int8": 0.991, "fp32": 0.009}
INT4 = {"int4": 0.991, "fp32": 0.009}
JUDGED = (
    ("lstm", "fp32", 812e3, LSTM, None, _accuracy(parity=(), task=replace(TASK, reference={}))),
    (
        *("lstm", "fp16", 1400e3, LSTM),
        _effect(weights=FP16, flops=FP16, bytes_after=725_000, kept=()),
        _accuracy(
            parity=(
                _parity("h", cosine=0.9999, max_abs=6.3e-5, snr_db=65.2, top1=None, inf=0),
                _parity(cosine=0.9999998, max_abs=6.3e-4, snr_db=63.2, top1=1.0, inf=0),
            ),
            task=_task(metrics={**TASK.metrics, "accuracy": 0.975}),
        ),
    ),
    (
        *("lstm", "int8", 402e3, _cost(parameter_bytes=100_000)),
        _effect(weights=MIXED, kept=(KEPT,)),
        _accuracy(parity=(_parity(inf=0),), task=SCORED),
    ),
    (
        *("lstm", "int4", None, LSTM),
        _effect(weights=INT4, flops={"fp32": 1.0}, bytes_after=210_000, kept=()),
        _accuracy(parity=(_parity(cosine=0.9712, max_abs=0.17, snr_db=14.2, nan=3),), task=POOR),
    ),
    (
        *("lstm", "int8-dynamic", 500e3, LSTM),
        _effect(weights=MIXED, flops={"int8": 1.0}, bytes_after=360_000, kept=()),
        _accuracy(parity=(), task=None, skipped=UNJUDGED),
    ),
    ("peak", "fp32", 22e6, PEAK, None, None),
    ("peak", "int8", 9e6, PEAK, None, None),
    ("copy", "fp32", 14e6, COPY, None, None),
)
"""A model, a precision, p50, what a query costs, what preparing did, and what answers are worth."""


def _judged(position, model, precision, p50_ns, cost, effect, accuracy):
    made = _case(position, model=model, batch=8, cost=cost, effect=effect)
    case = replace(made.case, precision=precision)
    return CaseResult(
        record=replace(made, case=case, effective_precision=precision),
        outcome=Measured(stopped_by="target") if p50_ns else VIOLATED,
        launches=5 if p50_ns else 0,
        accuracy=accuracy,
    )


@pytest.fixture
def judged_run():
    """A run of several precisions of a model, one of which violates its gate, and of ceilings."""
    cases = tuple(_judged(place, *told) for place, told in enumerate(JUDGED))
    return RunResult(record=_run(), end=RunEnd(ended_at=1_767_323_090.1, state="done"), cases=cases)


@pytest.fixture
def judged_summaries(judged_run):
    found = {}
    for case, (_, _, p50_ns, *_) in zip(judged_run.cases, JUDGED, strict=True):
        if p50_ns:
            walls = (*(int(p50_ns),) * 4, int(1.01 * p50_ns)) * 100
            launches = [_launch(n, walls, started_at=1e9 + 100 * n) for n in range(5)]
            found[case.record.position] = summarise(case.record, launches)
    return found
