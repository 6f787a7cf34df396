"""From exec to the first timed query, beside a bare script that opens the same session.

Both sides are started in turns, ABBA. The bare script imports numpy and onnxruntime, opens the same
engine file with the same session options, binds the same input, and runs once.
Bar: the worker takes at most twice as long.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from machine import heading
from overhead import CASE, SITE

from engines.backends.onnxruntime_cpu import OnnxRuntimeCpu
from engines.contract import PreparedModel
from harness.child import Child
from harness.closure import copy_closure
from suites.models.builtin import get, resolve

STARTS = 20
BARE = """
import sys
import numpy as np
import onnxruntime as ort
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
with np.load(sys.argv[2]) as stored:
    rows = stored["input0"]
binding = session.io_binding()
binding.bind_cpu_input(session.get_inputs()[0].name, rows)
binding.bind_output(session.get_outputs()[0].name, "cpu")
session.run_with_iobinding(binding)
sys.stdout.write("done\\n")
sys.stdout.flush()
sys.stdin.read()
"""


def bare_seconds(engine: Path, inputs: Path) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-c", BARE, engine, inputs]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout is None or process.stdout.readline() != b"done\n":
            raise RuntimeError("bare script: expected it to run")
        return time.perf_counter() - start


def worker_seconds(engine: Path, inputs: Path, name: str, folder: Path) -> float:
    """Return the time to the answer of a one-query warm-up, its reply included."""
    start = time.perf_counter()
    log = folder / "log"
    with Child("harness.worker", path=copy_closure(folder), log=log) as child:
        child.ask("describe", timeout_s=60, backend="onnxruntime-cpu")
        child.ask(
            "open",
            timeout_s=60,
            case=CASE.to_dict(),
            engine=str(engine),
            facts={},
            inputs={"path": str(inputs), "names": [name], "dtypes": ["float32"]},
            site={"device": {"kind": "cpu"}, "scratch": str(folder / "scratch")},
            cuda_graph=False,
        )
        rule = {"seconds": 0, "queries": 1, "cap_s": 0, "block_s": 0}
        child.ask("warm", timeout_s=60, rule=rule)
        taken = time.perf_counter() - start
        child.ask("close", timeout_s=60)
    return taken


def main() -> None:
    print(heading("Start of a worker"))
    lstm = get("lstm")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = lstm.build(resolve(lstm, {}))
        onnx.save(model, folder / "model.onnx")
        prepared = PreparedModel(path=folder / "model.onnx", sha256="0" * 64)
        engine = OnnxRuntimeCpu().build(prepared, CASE, folder / "engine", SITE).path
        spec = model.graph.input[0]
        features = spec.type.tensor_type.shape.dim[2].dim_value
        inputs = folder / "inputs.npz"
        np.savez(inputs, input0=np.zeros((1, 32, features), np.float32))
        taken: dict[str, list[float]] = {"A": [], "B": []}
        for turn in range(STARTS // 2):
            for side in "ABBA" if turn % 2 == 0 else "BAAB":
                taken[side].append(
                    bare_seconds(engine, inputs)
                    if side == "A"
                    else worker_seconds(engine, inputs, spec.name, folder)
                )
    bare, worker = (float(np.median(taken[side][2:])) for side in "AB")
    print(f"  bare script  {bare * 1e3:6.0f} ms to its first query, median of {STARTS - 2}")
    print(f"  worker       {worker * 1e3:6.0f} ms to its first query, median of {STARTS - 2}")
    print(f"  ratio        {worker / bare:6.2f}   bar: at most 2")


if __name__ == "__main__":
    sys.exit(main())
