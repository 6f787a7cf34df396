"""What it takes to bring the models of a suite to their precisions.

Bars: preparing the precisions of the suite `precision` uses both cores, and a second run prepares
nothing. Each figure is of one preparation; both cores against one are measured side by side, in
turns, each into a store of its own.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from machine import heading

from engines.cache.cache import EngineCache
from harness.folders import Folders
from harness.plan import Plan, make_plan
from harness.prepare.datasets import load_datasets
from harness.staging import Staging
from harness.vocabulary import installed_vocabulary
from suites.load import load_suite

SUITE = "precision"
ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """One preparation: its wall time, the CPU time of all its processes, and the graphs made."""

    wall_s: float
    cpu_s: float
    made: int

    @property
    def cores(self) -> float:
        """Return how many cores worked on average."""
        return self.cpu_s / self.wall_s


def prepare(plan: Plan, store: Path) -> Preparation:
    """Prepare all models of the plan at all its precisions."""
    cache = EngineCache.make(store / "cache")
    staging = Staging(
        plan=plan,
        data=load_datasets(plan),
        seed=0,
        folders=Folders(store=store, run_id="precision"),
        cache=cache,
        closure=store,
    )
    before = _entries(store)
    cpu_s, start = _cpu_s(), time.perf_counter()
    with cache.in_use():
        staging.prepare_models()
    wall_s = time.perf_counter() - start
    return Preparation(wall_s=wall_s, cpu_s=_cpu_s() - cpu_s, made=_entries(store) - before)


def _entries(store: Path) -> int:
    return sum(1 for _ in (store / "cache").rglob("entry.json"))


def _cpu_s() -> float:
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in found)


def main() -> int:
    """Print the figures; exit code 1 where a bar is missed."""
    print(heading(f"Preparing the precisions of the suite {SUITE}"))
    vocabulary = installed_vocabulary()
    plan = make_plan(load_suite(SUITE, vocabulary), vocabulary)
    cores = sorted(os.sched_getaffinity(0))
    ratios, again = [], None
    for number in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            found = {}
            for name, allowed in (("one core", cores[:1]), ("all cores", cores)):
                os.sched_setaffinity(0, allowed)
                found[name] = prepare(plan, Path(folder) / name)
                _show(f"round {number + 1}, {name}", found[name])
            again = prepare(plan, Path(folder) / "all cores")
            _show(f"round {number + 1}, again", again)
            ratios.append(found["one core"].wall_s / found["all cores"].wall_s)
    gain = statistics.median(ratios)
    print(f"\nall {len(cores)} cores over one: {gain:.2f}x quicker (median of {ROUNDS})")
    print(f"made by a second run: {again.made if again else '?'}")
    return 0 if again is not None and again.made == 0 and gain > 1.2 else 1


def _show(title: str, found: Preparation) -> None:
    print(
        f"  {title:<20} {found.made:3} graphs made, {found.wall_s:6.2f} s, "
        f"{found.cores:.2f} cores busy"
    )


if __name__ == "__main__":
    sys.exit(main())
