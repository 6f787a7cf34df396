"""Builders of the values that the store and the statistics work on."""

import shutil
import subprocess

import numpy as np
import pytest

from results.record import Block, CaseRecord, LaunchRecord, Protocol, RunRecord
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


@pytest.fixture
def make_launch():
    return _launch


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
