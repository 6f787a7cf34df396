"""What a device tells just before and just after the timed part of a launch, untimed itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.machine.reading import collect
from harness.telemetry.gpu import others, worker_among

if TYPE_CHECKING:
    from harness.telemetry.watch import Watch


class Around:
    """Reads a launch's covariates of its device. Made before the worker is."""

    def __init__(self, watch: Watch | None) -> None:
        self._gpu = watch.gpu if watch else None
        self._before = watch.processes() if watch else frozenset[int]()

    def read(self, pid: int) -> dict[str, Any]:
        """Return `gpu` with clocks, temperature, power and the like; nothing without a device.

        The worker has just run queries, so the clocks are those of a busy device. `pid` is the
        worker's; what NVML does not tell is None.
        """
        gpu = self._gpu
        if gpu is None:
            return {}
        worker = worker_among(pid, self._before)
        pids = collect({"other_pids": lambda: others(gpu.processes(), worker)}).values
        found = pids["other_pids"]
        count = {"other_processes": None if found is None else len(found)}
        return {"gpu": collect(gpu.state()).values | pids | count}
