"""Whether `kill -9` at random moments loses a launch that was stored, or keeps a resume from it.

    python benchmarks/kills.py [--parents 100] [--workers 50] [--seed 0]

Every run goes into one store. A run whose dyno is killed is resumed, and must then have the cases
and outcomes of an uninterrupted one; a run whose worker is killed must end by itself, with that
worker's cases failed as crashes.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from machine import heading

from harness.observer import Silent
from harness.start import starting
from harness.vocabulary import installed_vocabulary
from results.record import Failed, Measured
from results.store import Store
from suites.load import parse_suite

if TYPE_CHECKING:
    from harness.plan import Plan
    from harness.rotation import CaseProgress
    from suites.case import Case

SUITE = {
    "suite": "kills",
    "models": {"tiny": {"builtin": "mlp"}, "small": {"builtin": "lstm", "hidden": 16}},
    "matrix": {
        "model": ["tiny", "small"],
        "backend": ["fake", "onnxruntime-cpu"],
        "batch": [1],
        "sequence": [4],
    },
    "exclude": [{"model": "small", "backend": "onnxruntime-cpu", "reason": "one is enough"}],
    "measure": {"launches": 2, "launch_s": 0.05},
}


class Told(Silent):
    """Writes the run's id, and each launch once it is stored, as lines to a pipe."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def started(self, run_id: str, plan: Plan, *, closed: int | None) -> None:
        """Tell the run."""
        del plan, closed
        os.write(self._fd, f"run {run_id}\n".encode())

    def launched(self, case: Case, progress: CaseProgress) -> None:
        """Tell the launch."""
        del progress
        os.write(self._fd, f"launch {case.id}\n".encode())


def child(store: Path, fd: int, resume: str | None) -> None:
    """Run the suite in this process."""
    vocabulary = installed_vocabulary()
    suite = parse_suite(
        SUITE, where="kills", base=Path(), sha256="0" * 64, path=None, vocabulary=vocabulary
    )
    with starting(suite, vocabulary, store=store, resume=resume, observer=Told(fd)) as runner:
        runner.execute()


class Running:
    """A child that runs the suite."""

    def __init__(self, store: Path, resume: str | None = None) -> None:
        read_fd, write_fd = os.pipe()
        more = [] if resume is None else [f"--resume={resume}"]
        self.process = subprocess.Popen(
            [sys.executable, __file__, f"--store={store}", f"--fd={write_fd}", *more],
            pass_fds=[write_fd],
            start_new_session=True,
        )
        os.close(write_fd)
        self._fd = read_fd

    def kill_after(self, seconds: float) -> None:
        """Kill the child, which takes its workers with it."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.wait()

    def kill_worker_after(self, seconds: float) -> bool:
        """Kill one of the child's own children, and let the child go on."""
        time.sleep(seconds)
        while self.process.poll() is None:
            listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            try:
                os.kill(int(listed.read_text().split()[0]), signal.SIGKILL)
            except (OSError, IndexError):
                time.sleep(0.005)
                continue
            return True
        return False

    def told(self) -> tuple[str | None, Counter[str]]:
        """Return the run's id and the launches told as stored, once the child has ended."""
        self.process.wait()
        with os.fdopen(self._fd, "rb") as pipe:
            lines = pipe.read().decode().splitlines()
        runs = [line.removeprefix("run ") for line in lines if line.startswith("run ")]
        launches = Counter(
            line.removeprefix("launch ") for line in lines if line.startswith("launch ")
        )
        return (runs[0] if runs else None), launches


def stored(store: Path, run_id: str) -> Counter[str]:
    """Return the launches that the database has of the run, all attempts, by case id."""
    query = (
        'SELECT case_id, COUNT(*) FROM launch JOIN "case" USING (run_id, position) '
        "JOIN timings ON launch_id = launch.id WHERE run_id = ? GROUP BY case_id"
    )
    with closing(sqlite3.connect(store / "dyno.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return Counter(dict(connection.execute(query, (run_id,)).fetchall()))


def outcomes(store: Path, run_id: str) -> dict[str, str]:
    """Return each case's outcome by id."""
    run = Store(store).read_run(run_id)
    assert run.end is not None, run_id
    assert run.end.state == "done", (run_id, run.end)
    return {case.record.id: type(case.outcome).__name__ for case in run.cases}


def kill_parent(store: Path, after_s: float, wanted: dict[str, str]) -> str:
    """Kill a run's dyno, check what it told, resume it; return in which state the kill met it."""
    running = Running(store)
    running.kill_after(after_s)
    run_id, launches = running.told()
    if run_id is None:
        return "before the run was stored"
    kept = stored(store, run_id)
    assert not launches - kept, f"{run_id}: lost {launches - kept}"
    ended = Store(store).read_run(run_id).end
    if ended is not None and ended.state == "done":
        return "after its end"
    resumed = Running(store, run_id)
    assert resumed.process.wait() == 0, run_id
    again, more = resumed.told()
    assert again == run_id
    assert not launches + more - stored(store, run_id), run_id
    assert outcomes(store, run_id) == wanted, run_id
    return "in launches" if launches else "while preparing and building"


def kill_worker(store: Path, after_s: float, wanted: dict[str, str]) -> str:
    """Kill a run's worker, check that the run ends with the same cases; return what it met."""
    running = Running(store)
    killed = running.kill_worker_after(after_s)
    assert running.process.wait() == 0
    run_id, launches = running.told()
    assert run_id is not None
    assert not launches - stored(store, run_id), run_id
    run = Store(store).read_run(run_id)
    assert [case.record.id for case in run.cases] == list(wanted), run_id
    failed = [case.outcome for case in run.cases if isinstance(case.outcome, Failed)]
    assert all("SIGKILL" in failure.message for failure in failed), failed
    measured = sum(isinstance(case.outcome, Measured) for case in run.cases)
    skipped = len(wanted) - measured - len(failed)
    assert skipped == sum(word == "Skipped" for word in wanted.values()), run_id
    return f"{len(failed)} failed" if killed else "no worker was left"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parents", type=int, default=100)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--resume", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.store is not None:
        child(asked.store, asked.fd, asked.resume)
        return
    print(heading("kill -9"))
    moments = random.Random(asked.seed)  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        began = time.monotonic()
        whole = Running(store)
        assert whole.process.wait() == 0
        whole_s = time.monotonic() - began
        run_id, _ = whole.told()
        assert run_id is not None
        wanted = outcomes(store, run_id)
        print(f"  uninterrupted run: {whole_s:.1f} s, {len(wanted)} cases")
        for title, count, kill in (
            ("dyno", asked.parents, kill_parent),
            ("a worker", asked.workers, kill_worker),
        ):
            met = Counter(kill(store, moments.uniform(0, whole_s), wanted) for _ in range(count))
            listed = ", ".join(f"{number} × {state}" for state, number in met.most_common())
            print(f"  {count} kills of {title}: nothing lost, all complete ({listed})")
        left = sorted(path.name for path in store.iterdir())
        print(
            f"  the store holds {', '.join(left)}; tmp: {len(list(store.glob('**/.new-*')))} left"
        )


if __name__ == "__main__":
    main()
