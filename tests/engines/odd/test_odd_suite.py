"""One suite of all odd models, run as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from results.record import Measured, Skipped
from results.store import Store

pytest.importorskip("onnxruntime")
DYNO = str(Path(sys.executable).with_name("dyno"))


@pytest.fixture
def suite(tmp_path, odd_models):
    """Write the models and their suite, batch 8, and return its path."""
    for odd in odd_models:
        onnx.save(odd.model, tmp_path / f"{odd.name}.onnx")
    common = {"backend": "onnxruntime-cpu", "batch": 8, "s": 4}
    own = {odd.name: odd.entry["precision"] for odd in odd_models if "precision" in odd.entry}
    document = {
        "suite": "odd",
        "models": {odd.name: odd.source for odd in odd_models},
        "matrix": {"model": [odd.name for odd in odd_models if odd.name not in own], **common},
        "include": [{"model": name, "precision": own[name], "batch": 8} for name in own],
        "measure": {"launches": 1, "launch_s": 0.02},
    }
    path = tmp_path / "odd.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_run_measures_all_but_the_static_batch(suite, odd_models, tmp_path):
    done = subprocess.run(
        [DYNO, "run", suite.name, "--store", "store"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    store = Store(tmp_path / "store")
    run = store.read_run(store.find_run(None))
    kinds = {case.record.case.model: type(case.outcome) for case in run.cases}
    skipped = {odd.name for odd in odd_models if "skip" in odd.entry}
    assert kinds == {odd.name: Skipped if odd.name in skipped else Measured for odd in odd_models}
    report = " ".join(done.stdout.split())
    assert "output shapes vary; outputs are allocated anew for each query" in report
