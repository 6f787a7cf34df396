"""The benchmark that runs on a device, over the stand-ins: the same table and the same files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engines.cuda import driver
from results.store import Store

ROOT = Path(__file__).resolve().parent.parent
BACKENDS = ("onnxruntime-cuda", "tensorrt", "tensorrt-rtx")
TARGETS = ("none", "SM120", "SM121", "SM75", "SM80", "SM86", "SM89")
CASES = [f"lstm/{name}/fp32/b1/sequence=32" for name in BACKENDS]
NAMES = [
    *(f"{name}: cases measured of 2" for name in BACKENDS),
    *(f"tensorrt-rtx opens a plan, target {target}" for target in TARGETS),
    *(f"event / wall, {case}{graph}" for graph in ("", "/cuda_graph=true") for case in CASES),
    *(f"graph / plain, {case}" for case in CASES),
    "energy per sample",
    "its range over 2 runs",
    *(f"throughput / bare loop, {name}, depth {depth}" for name in BACKENDS for depth in (1, 2)),
    "time",
]


def run(*options):
    command = [sys.executable, ROOT / "benchmarks" / "gpu.py", "--quick", *options]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.skipif(driver.missing() is None, reason="there is a GPU here")
def test_a_bar_without_a_figure_is_missed(tmp_path):
    done = run("--out", tmp_path)
    assert done.returncode == 1, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    missed = [figure["name"] for figure in figures if figure["holds"] is False]
    assert missed == ["event / wall", "its range over 2 runs", "throughput / bare loop"]
    assert done.stdout.count("n/a") >= 3
    assert done.stdout.count(" MISSED\n") == 3


@pytest.mark.slow
def test_it_prints_its_table_and_brings_its_files_home(tmp_path):
    pytest.importorskip("onnxruntime")
    done = run("--simulate", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    figures = {
        figure["name"]: figure
        for figure in json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    }
    assert list(figures) == NAMES
    table = done.stdout[done.stdout.rindex("  onnxruntime-cuda: cases measured") :]
    assert [line.strip().split("  ")[0] for line in table.splitlines()] == NAMES
    assert [figures[f"{name}: cases measured of 2"]["value"] for name in BACKENDS] == [2, 2, 2]
    assert figures["energy per sample"]["value"] > 0
    assert {figure["holds"] for figure in figures.values()} == {None}
    assert "| lstm/tensorrt" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert len((tmp_path / "report.csv").read_text(encoding="utf-8").splitlines()) == 7
    assert len(Store(tmp_path).runs()) == 3
