"""What a big store weighs, and how soon it answers.

One run of 10 000 cases × 5 launches × 6000 queries, and 365 runs of one of its cases; what of it is
synthetic stands in `synthetic_store.py`. Bars: `dyno report` at most 3 s from start to exit; the
history of a case at most 0.05 s.

    python benchmarks/store_size.py [FOLDER]    the store is made there, or used if it is there
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import heading
from synthetic_store import QUERIES, RUN_ID, build, cases

from results.database import connect
from results.store import Store


def timed(folder: Path, *arguments: str) -> tuple[float, float, float]:
    """Return seconds to the first output and to the exit of a fresh dyno, and its peak RSS, MiB."""
    program = "import sys; from harness.cli.main import run; sys.argv[0] = 'dyno'; run()"
    command = [sys.executable, "-P", "-c", program, "report", RUN_ID, *arguments]
    variables = {**os.environ, "COLUMNS": "140", "DYNO_STORE": str(folder)}
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=variables) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        first_s = time.perf_counter() - start
        while process.stdout.read(1 << 20):
            pass
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: expected exit code 0, got {process.returncode}")
    return first_s, time.perf_counter() - start, usage.ru_maxrss / 1024


def tell_reports(folder: Path) -> None:
    for arguments, turns, bar in (
        ((), 5, "; bar 3 s"),
        (("--only", "model=m3,batch=4,threads=2"), 3, ""),
        (("--all",), 1, ""),
        (("--format", "csv"), 1, ""),
        (("--format", "json"), 1, ""),
    ):
        found = [timed(folder, *arguments) for _ in range(turns)]
        first_s, exit_s, peak_mib = (
            statistics.median(column) for column in zip(*found, strict=True)
        )
        words = " ".join(("dyno report", *arguments))
        print(
            f"  {words:<48}{exit_s:6.2f} s to exit, {first_s:.2f} s to the first line, "
            f"peak RSS {peak_mib:.0f} MiB, median of {turns}{bar}"
        )


def tell_history(folder: Path) -> None:
    known = [record.id for record, _ in cases()]
    store = Store(folder, create=False)
    for case_id in (known[0], known[5000]):
        taken = []
        for _ in range(9):
            start = time.perf_counter()
            found = store.history(case_id)
            taken.append((time.perf_counter() - start) * 1e3)
        runs = f"{len(found)} run{'s' if len(found) > 1 else ''}"
        print(
            f"  history of a case, {runs + ':':<10}{statistics.median(taken):6.1f} ms, the first "
            f"{taken[0]:.1f} ms, median of {len(taken)}; bar 50 ms"
        )


def tell_size(folder: Path) -> None:
    with connect(folder / "dyno.db", busy_s=30).connect() as connection:
        query = "SELECT count(*), sum(length(wall_ns)) FROM timings"
        launches, packed = connection.exec_driver_sql(query).one()
    size = (folder / "dyno.db").stat().st_size
    queries = launches * QUERIES
    print(
        f"  size: {size / 1e9:.2f} GB for {queries / 1e6:.0f} million queries: "
        f"{size / queries:.2f} bytes a query, raw timings alone {packed / queries:.2f}"
    )


def measure(folder: Path) -> None:
    if not (folder / "dyno.db").exists():
        start = time.perf_counter()
        build(folder)
        print(f"  made in {time.perf_counter() - start:.0f} s")
    tell_size(folder)
    tell_reports(folder)
    tell_history(folder)


def main() -> None:
    print(heading("A store of 10 000 cases × 30 000 queries (synthetic timings)"))
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]))
        return
    folder = tempfile.mkdtemp()
    try:
        measure(Path(folder))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
