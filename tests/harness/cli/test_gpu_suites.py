"""The shipped suites of an NVIDIA GPU, where there is none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engines import registry
from engines.contract import Device

DYNO = str(Path(sys.executable).with_name("dyno"))
BACKENDS = ("onnxruntime-cuda", "tensorrt", "tensorrt-rtx")
BUILT = """
suite: ahead
models: {lstm: {builtin: lstm, hidden: 32}}
matrix: {backend: tensorrt-rtx, batch: [1, 2]}
"""


@pytest.fixture
def dyno(tmp_path, monkeypatch):
    """Run dyno where no CUDA device is visible, whatever this machine has."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def call(*arguments):
        return subprocess.run(
            [DYNO, *arguments],
            cwd=tmp_path,
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.mark.parametrize("suite", ["rnn-gpu", "vision-gpu", "transformer-gpu", "streams"])
def test_without_a_gpu_every_case_is_skipped_with_what_its_backend_lacks(dyno, suite):
    missing = {name: registry.get(name).unavailable() for name in BACKENDS}
    told = dyno("run", suite, "--no-telemetry")
    assert told.returncode == 4, told.stderr
    lines = told.stderr.splitlines()[1:]
    assert [line.partition("  skipped: ")[2] for line in lines] == [
        f"{name}: {reason}" for name, reason in missing.items()
    ]
    cases = json.loads(dyno("report", "--format", "json").stdout)["cases"]
    assert {case["case"]["backend"] for case in cases} == set(BACKENDS)
    for case in cases:
        backend = case["case"]["backend"]
        reason = f"{backend}: {missing[backend]}"
        assert case["outcome"] == {"outcome": "skipped", "reason": reason}


def test_a_plan_tells_a_reason_to_skip_once_with_how_many_cases_it_is_of(dyno):
    told = dyno("plan", "rnn-gpu", "--only", "model=lstm,cuda_graph=false")
    assert told.stdout.splitlines() == [
        *(
            f"  skip  lstm/{name}/fp32/b1/sequence=64/cuda_graph=false and 3 more  {name}: "
            f"{registry.get(name).unavailable()}"
            for name in BACKENDS
        ),
        "rnn-gpu: 12 cases, 0 to run, 12 settled; nothing to run",
    ]


def test_a_device_that_is_asked_for_and_is_not_there_is_one_line(dyno):
    told = dyno("plan", "streams", "--device", "0")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("--device: expected a CUDA device, got '0': ")
    assert told.stderr.count("\n") == 1


@pytest.mark.slow
def test_plans_are_built_ahead_for_devices_that_are_not_here(dyno, tmp_path):
    pytest.importorskip("tensorrt_rtx")
    (tmp_path / "ahead.yaml").write_text(BUILT)
    first = dyno("build", "ahead.yaml", "--target", "sm86,sm90,sm120")
    assert first.returncode == 0, first.stdout + first.stderr
    lines = first.stdout.splitlines()
    assert sorted(line.split("  ")[:2] for line in lines if line.startswith("built")) == [
        [f"built lstm/tensorrt-rtx/fp32/b{batch}/sequence=32", sm]
        for batch in (1, 2)
        for sm in ("sm120", "sm86")
    ]
    assert lines[-2:] == [
        "skip  2 cases  sm90  tensorrt-rtx: "
        + registry.get("tensorrt-rtx").cannot_build(Device(kind="cuda", sm="sm90")),
        "4 of 6 cases with an engine: 4 built, 0 from the cache; 2 skipped, 0 failed",
    ]
    again = dyno("build", "ahead.yaml", "--target", "sm120")
    assert again.stdout.splitlines()[-1] == (
        "2 of 2 cases with an engine: 0 built, 2 from the cache; 0 skipped, 0 failed"
    )
