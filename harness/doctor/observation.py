"""What the checks judge: the machine's settings, and two samples of what it does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.machine.activity import read_counters, read_memory
from harness.machine.cpu import read_cpu
from harness.machine.gpu import read_gpus
from harness.machine.processes import TICKS_PER_S, Process, family, own_pid, read_processes
from harness.machine.reading import Facts, Tree, UnknownFactError

WINDOW_S = 0.5
"""Between the two samples: 50 ticks a CPU, so a share is told to 2 %."""
_BUSY_THREAD = 0.5
"""Of a CPU: threads that spin beside others on the same CPUs do not get a whole one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The counters and processes of one moment."""

    counters: Facts
    processes: Mapping[int, Process]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process used between the samples; each of `busy_threads` had most of a CPU."""

    pid: int
    name: str
    cpus: float
    busy_threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A machine, looked at for a moment. `no_gpus` says why `gpus` is empty where it is."""

    tree: Tree
    cpu: Facts
    memory: Facts
    before: Sample
    after: Sample
    gpus: tuple[Facts, ...]
    no_gpus: str | None
    variables: Mapping[str, str]

    def grown(self, counter: str) -> float:
        """Return by how much the counter grew. Raises UnknownFactError."""
        growth: float = self.after.counters.known(counter) - self.before.counters.known(counter)
        return growth

    @property
    def elapsed_s(self) -> float:
        """Return the time between the samples. Raises UnknownFactError where none passed."""
        elapsed = self.grown("uptime_s")
        if elapsed <= 0:
            raise UnknownFactError("/proc/uptime: no time passed between two readings")
        return elapsed

    @property
    def family(self) -> frozenset[int]:
        """Return dyno's own processes. Raises UnknownFactError."""
        return family(self.after.processes, own_pid(self.tree))

    def others(self) -> tuple[Usage, ...]:
        """Return what the processes that are not dyno's used, the heaviest first.

        Raises UnknownFactError where not all processes can be seen.
        """
        if 1 not in self.after.processes:
            raise UnknownFactError("/proc shows no process 1: it hides those of other users")
        elapsed_s, own = self.elapsed_s, self.family
        found = (
            _usage(self.before.processes.get(process.pid), process, elapsed_s)
            for process in self.after.processes.values()
            if process.pid not in own
        )
        return tuple(sorted(found, key=lambda usage: usage.cpus, reverse=True))


def observe(
    *,
    root: Path = Path("/"),
    nvml: Any = None,
    variables: Mapping[str, str] = os.environ,
    pause: Callable[[float], None] = time.sleep,
) -> Observation:
    """Return what is to be judged; takes WINDOW_S, which `pause` waits.

    `nvml` stands in for pynvml, `root` for the real `/`.
    """
    tree = Tree(root=root)
    before = _sample(tree)
    pause(WINDOW_S)
    after = _sample(tree)
    gpus, no_gpus = read_gpus(nvml)
    return Observation(
        tree=tree,
        cpu=read_cpu(tree),
        memory=read_memory(tree),
        before=before,
        after=after,
        gpus=tuple(gpus),
        no_gpus=no_gpus,
        variables=variables,
    )


def _sample(tree: Tree) -> Sample:
    try:
        processes = read_processes(tree)
    except UnknownFactError:
        processes = {}
    return Sample(counters=read_counters(tree), processes=processes)


def _usage(before: Process | None, after: Process, elapsed_s: float) -> Usage:
    """Return the CPU time between; of a process that was not there before, all that it has."""
    known = before if before and before.started == after.started else None
    ticks = after.ticks - (known.ticks if known else 0)
    threads = known.threads if known else {}
    least = _BUSY_THREAD * elapsed_s * TICKS_PER_S
    busy = [tid for tid, now in after.threads.items() if now - threads.get(tid, 0) >= least]
    return Usage(
        pid=after.pid,
        name=after.name,
        cpus=max(ticks, 0) / TICKS_PER_S / elapsed_s,
        busy_threads=len(busy),
    )
