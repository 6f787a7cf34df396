"""Eight processes that make one store and write to it at once must lose nothing.

1. Eight `dyno run` of a suite of short launches on the simulated device, which takes no lock.
2. Eight writers that append launches as fast as the disk lets them, and tell each one that the
   store acknowledged.

Bars: every acknowledged launch is there, no "database is locked", the store verifies as whole.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from cli_speed import dyno
from machine import heading

from harness.protocol import resolve_protocol, warmup_rule
from results.record import Block, CaseRecord, LaunchRecord, RunRecord
from results.store import Store
from results.upkeep.verify import verify
from suites.case import Case
from suites.suite import Measure

PROCESSES = 8
WRITES = 200
SUITE = """
suite: crowd
models:
  tiny: {builtin: mlp}
matrix: {model: tiny, backend: fake, batch: [1, 2], latency_ns: [1000000, 2000000]}
measure: {launches: 4, launch_s: 0.01}
"""
PROTOCOL = resolve_protocol(
    measure=Measure(), options={}, rule=warmup_rule("cpu"), loop="blocking", clock="simulated"
)


def case_record(run_id: str) -> CaseRecord:
    return CaseRecord(
        position=0,
        case=Case(model=run_id, backend="fake", precision="fp32", batch=1),
    )


def run_record(run_id: str) -> RunRecord:
    return RunRecord(
        id=run_id,
        name="crowd",
        suite="crowd",
        suite_sha256="0" * 64,
        dyno_version="0",
        started_at=time.time(),
        seed=0,
        estimate_s=0.0,
        environment={},
    )


def launch_record(number: int) -> LaunchRecord:
    wall_ns = np.random.default_rng(number).integers(90_000, 110_000, 5000)
    elapsed_ns = int(wall_ns.sum())
    block = Block(
        queries=len(wall_ns),
        elapsed_ns=elapsed_ns,
        cpu_ns=elapsed_ns,
        voluntary_switches=0,
        involuntary_switches=0,
    )
    return LaunchRecord(
        number=number,
        started_at=time.time(),
        protocol=PROTOCOL,
        wall_ns=wall_ns,
        blocks=(block,),
        start_ns=1,
        open_ns=1,
        first_query_ns=1,
        warmup_ns=1,
        warmup_queries=1,
        steady=True,
    )


def write(folder: Path, run_id: str) -> None:
    """Append launches, and print the number and time [ns] of each one once it is acknowledged."""
    store = Store(folder)
    store.add_run(run_record(run_id))
    store.add_case(run_id, case_record(run_id))
    for number in range(WRITES):
        record = launch_record(number)
        start = time.perf_counter_ns()
        store.add_launch(run_id, 0, record)
        print(number, time.perf_counter_ns() - start, flush=True)


def at_once(commands: list[list[str]]) -> list[subprocess.CompletedProcess[str]]:
    with ThreadPoolExecutor(len(commands)) as pool:
        return list(
            pool.map(
                lambda command: subprocess.run(
                    command, capture_output=True, text=True, check=False
                ),
                commands,
            )
        )


def check(done: list[subprocess.CompletedProcess[str]], folder: Path) -> int:
    """Print what went wrong, and return how often."""
    wrong = [line for process in done for line in process.stderr.splitlines() if "expected" in line]
    wrong += [f"exit code {process.returncode}" for process in done if process.returncode]
    wrong += verify(Store(folder, create=False)).problems
    for line in wrong:
        print(f"  WRONG           {line}")
    return len(wrong)


def stored_launches(folder: Path) -> dict[str, int]:
    store = Store(folder, create=False)
    runs = [store.read_run(overview.record.id) for overview in store.runs()]
    return {run.record.id: sum(case.launches for case in run.cases) for run in runs}


def runs_at_once(folder: Path) -> int:
    suite = folder / "crowd.yaml"
    suite.write_text(SUITE)
    store, start = folder / "runs", time.monotonic()
    done = at_once([[dyno(), "run", str(suite), "--store", str(store)]] * PROCESSES)
    told = [
        int(number)
        for process in done
        for number in re.findall(r"\((\d+) launches", process.stderr)
    ]
    stored = stored_launches(store)
    print(f"{PROCESSES} × dyno run, {time.monotonic() - start:.1f} s")
    print(
        f"  launches        {sum(told)} told, {sum(stored.values())} stored in {len(stored)} runs"
    )
    return check(done, store) + (sum(told) != sum(stored.values())) + (len(stored) != PROCESSES)


def writers_at_once(folder: Path) -> int:
    store, start = folder / "writes", time.monotonic()
    names = [f"writer-{number}" for number in range(PROCESSES)]
    done = at_once([[sys.executable, __file__, str(store), name] for name in names])
    took_s = time.monotonic() - start
    lines = [process.stdout.splitlines() for process in done]
    stored = stored_launches(store)
    took_ms = [int(line.split()[1]) / 1e6 for told in lines for line in told]
    count = sum(len(told) for told in lines)
    print(f"{PROCESSES} writers of {WRITES} launches of 5000 queries, {took_s:.1f} s")
    print(f"  launches        {count} acknowledged, {sum(stored.values())} stored")
    print(f"  one write       median {np.median(took_ms):.1f} ms, longest {max(took_ms):.0f} ms")
    told = {name: len(found) for name, found in zip(names, lines, strict=True)}
    return check(done, store) + (told != stored)


def main() -> int:
    print(heading("Eight processes on one store"))
    with tempfile.TemporaryDirectory() as name:
        wrong = writers_at_once(Path(name)) + runs_at_once(Path(name))
    print("  bar             nothing lost, nothing locked:", "missed" if wrong else "met")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write(Path(sys.argv[1]), sys.argv[2])
    else:
        sys.exit(main())
