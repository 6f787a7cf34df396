"""What the NVIDIA backends do on a device, and whether their numbers hold.

Runs the suite beside this file, then reads its raw timings. Bars: event and wall time agree within
3 % at depth 1 from 200 µs on; throughput is at least 0.98 of a bare loop over the same session;
energy per sample varies by at most 5 % over 5 repeats; all within 8 minutes. Writes figures.json,
report.md, report.csv and the store to the folder that it is given. --quick takes one small model
and two repeats. With --simulate the stand-ins of tests/stand_in take the device's place: the
figures then say nothing and no bar is judged, the way to them is the same.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from bare_replay import throughput_over_bare
from cli_speed import dyno
from machine import heading
from rtx_on_device import plans_that_open

from results import summaries
from results.record import Measured
from results.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from results.record import CaseResult, RunResult

HERE = Path(__file__).resolve().parent
SUITE = HERE / "gpu.yaml"
ENERGY = HERE / "gpu_energy.yaml"
STAND_IN = HERE.parent / "tests" / "stand_in"
BACKENDS = ("onnxruntime-cuda", "tensorrt", "tensorrt-rtx")
LONG_NS = 200_000
WITHIN = 0.03
REPEATS = 5
MINUTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured figure; `holds` is None where there is no bar.

    A bar that nothing could be held against is missed, with `value` None.
    """

    name: str
    value: float | None
    unit: str
    bar: str = ""
    holds: bool | None = None


def main() -> int:
    arguments = _arguments()
    if arguments.simulate and os.environ.get("PYTHONPATH") != str(STAND_IN):
        return _simulated()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    started_s = time.monotonic()
    print(heading("NVIDIA backends" + (" (simulated)" if arguments.simulate else "")))
    part = ("--only", "model=lstm,batch=1") if arguments.quick else ()
    _dyno("run", str(SUITE), "--store", str(out), "--name", "gpu", *part)
    store = Store(out)
    run = store.read_run(store.find_run("gpu"))
    figures = [
        *_opened(run),
        *_plans(),
        *_event_over_wall(store, run),
        *_graph_over_plain(store, run),
        *_energy(out, store, quick=arguments.quick),
        *_bare(_measured_backends(run), quick=arguments.quick),
    ]
    minutes = (time.monotonic() - started_s) / 60
    figures.append(_judged("time", minutes, "min", f"at most {MINUTES}", minutes <= MINUTES))
    if arguments.simulate:
        figures = [replace(figure, holds=None) for figure in figures]
    _write(out, figures)
    return 0 if all(figure.holds is not False for figure in figures) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of figures and raw data")
    parser.add_argument("--quick", action="store_true", help="one model, two repeats")
    parser.add_argument("--simulate", action="store_true", help="use the stand-ins, not a device")
    return parser.parse_args()


def _simulated() -> int:
    environment = {
        "SIMULATED_SM": "sm89",
        **os.environ,
        "PYTHONPATH": str(STAND_IN),
        "DYNO_LOCKS": os.environ.get("DYNO_LOCKS") or tempfile.mkdtemp(prefix="dyno-locks-"),
    }
    return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode


def _dyno(*arguments: str) -> None:
    """Run dyno and show what it prints; a case that failed or was skipped is no end of this."""
    done = subprocess.run([dyno(), *arguments], check=False)
    if done.returncode not in (0, 1, 4):
        raise RuntimeError(f"dyno {arguments[0]}: expected it to end, got exit {done.returncode}")


def _opened(run: RunResult) -> Iterator[Figure]:
    """Yield how many cases each backend measured, of all that it has."""
    for backend in BACKENDS:
        cases = [case for case in run.cases if case.record.case.backend == backend]
        measured = sum(isinstance(case.outcome, Measured) for case in cases)
        yield Figure(name=f"{backend}: cases measured of {len(cases)}", value=measured, unit="")


def _measured_backends(run: RunResult) -> tuple[str, ...]:
    found = {case.record.case.backend for case in run.cases if isinstance(case.outcome, Measured)}
    return tuple(name for name in BACKENDS if name in found)


def _event_over_wall(store: Store, run: RunResult) -> Iterator[Figure]:
    """Yield the median of GPU compute over wall time of each case that is long enough."""
    judged = 0
    for case in _measured(run):
        launches = store.launches(run.record.id, case.record.position)
        events = [launch.gpu_compute_ns for launch in launches]
        if any(event is None for event in events):
            continue
        wall = np.concatenate([launch.wall_ns for launch in launches])
        event = np.concatenate([event for event in events if event is not None])
        if np.median(wall) < LONG_NS:
            continue
        ratio = float(np.median(event / wall))
        holds = abs(ratio - 1) <= WITHIN
        judged += 1
        yield _judged(f"event / wall, {case.record.id}", ratio, "", "within 3 % of 1", holds)
    if not judged:
        yield _judged("event / wall", None, "", "within 3 % of 1", False)


def _graph_over_plain(store: Store, run: RunResult) -> Iterator[Figure]:
    """Yield the median with a CUDA graph over the one without, a case each."""
    found = summaries.summaries(store, run)
    plain: dict[str, float] = {}
    for graph in (False, True):
        for case in _measured(run):
            record = case.record
            if bool(dict(record.case.options).get("cuda_graph", False)) is not graph:
                continue
            name = record.id.replace("/cuda_graph=true", "")
            p50_ns = found[record.position].latency.p50_ns
            if not graph:
                plain[name] = p50_ns
            elif name in plain:
                yield Figure(name=f"graph / plain, {name}", value=p50_ns / plain[name], unit="")


def _plans() -> Iterator[Figure]:
    """Yield whether TensorRT-RTX opens a plan here, by the plan's target."""
    for target, opens in plans_that_open().items():
        yield Figure(name=f"tensorrt-rtx opens a plan, target {target}", value=opens, unit="")


def _energy(out: Path, store: Store, *, quick: bool) -> Iterator[Figure]:
    """Yield the spread of energy per sample over repeated runs of one case."""
    found: list[float] = []
    repeats, batch = (2, 1) if quick else (REPEATS, 256)
    for repeat in range(repeats):
        name = f"energy-{repeat}"
        part = ("--only", f"batch={batch}")
        _dyno("run", str(ENERGY), "--store", str(out), "--name", name, *part)
        run = store.read_run(store.find_run(name))
        for summary in summaries.summaries(store, run).values():
            used = summary.utilization
            if used is not None and used.joules_per_sample is not None:
                found.append(used.joules_per_sample)
    is_whole = len(found) == repeats
    middle = float(np.median(found)) if is_whole else None
    spread = (max(found) - min(found)) / middle if middle else None
    energy_mj = None if middle is None else 1e3 * middle
    percent = None if spread is None else 100 * spread
    holds = spread is not None and spread <= 0.05
    yield Figure(name="energy per sample", value=energy_mj, unit="mJ")
    yield _judged(f"its range over {repeats} runs", percent, "%", "at most 5", holds)


def _bare(backends: Sequence[str], *, quick: bool) -> Iterator[Figure]:
    batch, quads = (1, 2) if quick else (16, 10)
    if not backends:
        yield _judged("throughput / bare loop", None, "", "at least 0.98", False)
    for backend, depth in itertools.product(backends, (1, 2)):
        ratio = throughput_over_bare(backend, queue_depth=depth, batch=batch, quads=quads)
        name = f"throughput / bare loop, {backend}, depth {depth}"
        yield _judged(name, ratio, "", "at least 0.98", ratio >= 0.98)


def _measured(run: RunResult) -> Sequence[CaseResult]:
    return [case for case in run.cases if isinstance(case.outcome, Measured)]


def _judged(name: str, value: float | None, unit: str, bar: str, holds: bool) -> Figure:
    return Figure(name=name, value=value, unit=unit, bar=bar, holds=holds)


def _write(out: Path, figures: Sequence[Figure]) -> None:
    """Print the figures and write them and the reports."""
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        value = "n/a" if figure.value is None else f"{figure.value:.4g}"
        state = {True: "ok", False: "MISSED", None: ""}[figure.holds]
        print(
            f"  {figure.name:{width}}  {value:>8} {figure.unit:3} {figure.bar:16} {state}".rstrip()
        )
    text = json.dumps([asdict(figure) for figure in figures], indent=1)
    (out / "figures.json").write_text(text + "\n", encoding="utf-8")
    for form, suffix in (("markdown", "md"), ("csv", "csv")):
        report = subprocess.run(
            [dyno(), "report", "gpu", "--store", str(out), "--format", form, "--all"],
            check=True,
            stdout=subprocess.PIPE,
        )
        (out / f"report.{suffix}").write_bytes(report.stdout)


if __name__ == "__main__":
    sys.exit(main())
