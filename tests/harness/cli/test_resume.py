"""Going on with a run, and waiting for a device, as a user does."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engines.lock import Lock
from harness.rotation import round_order

DYNO = str(Path(sys.executable).with_name("dyno"))
SEED = next(seed for seed in range(99) if round_order((0, 1), seed=seed, number=0) == (0, 1))
SUITE = f"""
suite: stuck
models:
  tiny: {{builtin: mlp}}
matrix:
  model: tiny
  backend: fake
  batch: 1
  failure: [none, hang]
measure: {{launches: 1, launch_s: 0.05}}
seed: {SEED}
"""


@pytest.fixture
def start(tmp_path):
    (tmp_path / "stuck.yaml").write_text(SUITE)

    def call(*arguments):
        return subprocess.Popen(
            [DYNO, *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return call


def interrupt(process, after):
    """Interrupt a process once a line of its stderr begins so; return that line and the rest."""
    with process:
        line = next(line for line in process.stderr if line.startswith(after))
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    assert process.returncode == 130, rest
    return line, rest


def refused(process):
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    return err


@pytest.mark.parametrize("spelled", [["--resume"], ["--resume", "stuck"], ["--resume=stuck"]])
def test_an_interrupted_run_goes_on_with_the_cases_that_are_open(start, spelled):
    line, _ = interrupt(start("run", "stuck.yaml"), "[1/2]")
    assert line.startswith("[1/2] tiny/fake/fp32/b1/failure=none  ")

    line, rest = interrupt(start("run", "stuck.yaml", *spelled), "run ")

    assert " resumed: 2 cases of stuck, 1 of them closed, about " in line
    assert "failure=none" not in rest


def test_a_bare_resume_may_stand_before_other_options(start):
    told = refused(start("run", "stuck.yaml", "--resume", "--quick"))
    assert told == (
        ".dyno: expected an unfinished run of suite 'stuck', got none. "
        "Start a run without --resume.\n"
    )


def test_a_busy_device_is_a_usage_error_that_says_who_has_it(start):
    folder = Path(os.environ["DYNO_LOCKS"])
    folder.mkdir(parents=True)
    lock = Lock.take(folder / "cpu.lock", holder="suite 'nightly' into /s, pid 7")

    told = refused(start("bench", "mlp", "--backend", "onnxruntime-cpu"))

    assert told == (
        "cpu: expected to measure alone, got suite 'nightly' into /s, pid 7. "
        "Wait for it with --wait, or end it.\n"
    )
    lock.release()


def test_a_run_that_waits_says_so_and_starts_when_the_device_is_free(start):
    folder = Path(os.environ["DYNO_LOCKS"])
    folder.mkdir(parents=True)
    lock = Lock.take(folder / "cpu.lock", holder="suite 'nightly' into /s, pid 7")
    process = start("bench", "mlp", "--backend", "onnxruntime-cpu", "--wait")
    with process:
        first = process.stderr.readline()
        lock.release()
        second = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert first == "cpu: waiting for suite 'nightly' into /s, pid 7\n"
    assert second.startswith("run ")
