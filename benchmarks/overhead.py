"""What the timing loop adds to a query, and what it makes of a real model's median.

1. A 1-element Add session: the loop's cost over a bare `for` loop around the same call, per query;
   median of 20 ABBA blocks. Bar: at most 100 ns.
2. A model of 80 µs or more: the median that dyno reports over the median that a bare loop with two
   clock reads sees, ABBA in one process, with a 95 % interval. Bar: at most 1.005.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from machine import heading
from onnx import TensorProto, helper
from scipy import stats

from engines.backends.onnxruntime_cpu import OnnxRuntimeCpu
from engines.contract import Device, PreparedModel, Site
from harness.timing import make_loop
from suites.case import Case
from suites.models.builtin import get, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from engines.contract import Arrays, Session

SITE = Site(device=Device(kind="cpu"), scratch=Path("unused"))
CASE = Case(model="m", backend="onnxruntime-cpu", precision="fp32", batch=1)
ADD_QUERIES = 20_000
MODEL_QUERIES = 200
QUADS = 20


def add_model() -> onnx.ModelProto:
    shape = [1]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "add",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def with_session(
    model: onnx.ModelProto, inputs: Arrays, work: Callable[[Session], None], folder: Path
) -> None:
    path = folder / "model.onnx"
    onnx.save(model, path)
    backend = OnnxRuntimeCpu()
    prepared = PreparedModel(path=path, sha256="0" * 64)
    engine = backend.build(prepared, CASE, folder / "engine", SITE)
    with backend.open(engine, CASE, inputs, SITE) as session:
        work(session)


def bare_seconds(session: Session, queries: int) -> float:
    """Return the time of a loop with nothing in it but the call."""
    run = session.enqueue[0]
    start = time.perf_counter_ns()
    for _ in range(queries):
        run()
    return float(time.perf_counter_ns() - start)


def overhead_per_query(session: Session) -> None:
    loop = make_loop(session)
    loop(ADD_QUERIES)
    extra_ns, bare_ns = [], []
    for quad in range(QUADS):
        order = "ABBA" if quad % 2 == 0 else "BAAB"
        taken: dict[str, list[float]] = {"A": [], "B": []}
        for side in order:
            ns = (
                bare_seconds(session, ADD_QUERIES)
                if side == "A"
                else float(loop(ADD_QUERIES)().elapsed_ns)
            )
            taken[side].append(ns / ADD_QUERIES)
        extra_ns.append(np.mean(taken["B"]) - np.mean(taken["A"]))
        bare_ns.append(np.mean(taken["A"]))
    low, high = np.percentile(extra_ns, [25, 75])
    print("1-element Add, 20 ABBA blocks of 20 000 queries a side")
    print(f"  bare loop       {np.median(bare_ns):8.0f} ns a query")
    added = np.median(extra_ns)
    print(f"  dyno adds       {added:8.0f} ns a query (quartiles {low:.0f}…{high:.0f})")
    print("  bar             at most 100 ns")


def bare_median_ns(session: Session, queries: int) -> float:
    run, clock, taken = session.enqueue[0], time.perf_counter_ns, []
    for _ in range(queries):
        start = clock()
        run()
        taken.append(clock() - start)
    return float(np.median(taken))


def reported_over_bare(session: Session) -> None:
    loop = make_loop(session)
    loop(MODEL_QUERIES)
    logs, bare = [], []
    for quad in range(2 * QUADS):
        order = "ABBA" if quad % 2 == 0 else "BAAB"
        taken: dict[str, list[float]] = {"A": [], "B": []}
        for side in order:
            median_ns = (
                bare_median_ns(session, MODEL_QUERIES)
                if side == "A"
                else float(np.median(loop(MODEL_QUERIES)().wall_ns))
            )
            taken[side].append(math.log(median_ns))
        logs.append(float(np.mean(taken["B"]) - np.mean(taken["A"])))
        bare.append(float(np.mean(taken["A"])))
    error = 1.2533 * stats.median_abs_deviation(logs, scale="normal") / math.sqrt(len(logs))
    half = stats.t.ppf(0.975, len(logs) - 1) * error
    ratio = math.exp(float(np.median(logs)))
    print(f"lstm, {math.exp(np.median(bare)) / 1e3:.0f} µs a query, {2 * QUADS} ABBA blocks")
    print(
        f"  reported / bare {ratio:.4f} (95 % {math.exp(np.median(logs) - half):.4f}…"
        f"{math.exp(np.median(logs) + half):.4f})"
    )
    print("  bar             at most 1.005")


def main() -> None:
    print(heading("Overhead of the timing loop"))
    lstm = get("lstm")
    rows = np.random.default_rng(0).standard_normal((1, 32, 64)).astype(np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with_session(add_model(), {"x": np.ones(1, np.float32)}, overhead_per_query, folder)
        made = lstm.build(resolve(lstm, {}))
        first = made.graph.input[0]
        features = first.type.tensor_type.shape.dim[2].dim_value
        inputs = {first.name: np.resize(rows, (1, 32, features))}
        with_session(made, inputs, reported_over_bare, folder)


if __name__ == "__main__":
    sys.exit(main())
