"""One GPU, or a MIG instance of one, as NVML tells of it while a worker runs on it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from harness.machine.nvml import Nvml
from harness.machine.reading import Facts, UnknownFactError, collect

_MIG = "MIG-"
_HIDDEN = "NVML does not list the worker's process"
Picks = Callable[[Mapping[int, int | None]], int | None]
"""Returns the worker's pid out of those that compute on a device, or None."""
_KILO = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """What NVML is asked about. `handle` is the device's own, `card` that of the whole GPU.

    They differ for a MIG instance: clocks and temperature are then those of the card that it is a
    part of; power, utilization and PCIe are not told of a part.
    """

    nvml: Nvml
    uuid: str
    handle: Any
    card: Any

    @property
    def is_mig(self) -> bool:
        """Return whether the device is a part of a GPU."""
        return self.uuid.startswith(_MIG)

    def sample(self, worker: Picks) -> Facts:
        """Return what is true now: the values of a telemetry sample, clock reasons and others.

        `worker` picks the worker's own pid out of those that compute on the device. Clocks are
        MHz, memory bytes, PCIe bytes/s (NVML's KB taken for 1000). PCIe alone takes 40 ms.
        """
        utilization, processes = cache(self._utilization), cache(self.processes)
        readers = self.state() | {
            "sm_percent": lambda: utilization().gpu,
            "memory_percent": lambda: utilization().memory,
            "process_memory_bytes": lambda: _held(processes(), worker),
            "pcie_rx_bytes_per_s": lambda: self._pcie("NVML_PCIE_UTIL_RX_BYTES"),
            "pcie_tx_bytes_per_s": lambda: self._pcie("NVML_PCIE_UTIL_TX_BYTES"),
            "other_processes": lambda: len(others(processes(), worker)),
        }
        return collect(readers)

    def state(self) -> dict[str, Callable[[], Any]]:
        """Return what reads the device's state; all of them together take a few milliseconds."""
        clock, pynvml = "nvmlDeviceGetClockInfo", self.nvml.module
        ask, card = self.nvml.ask, self.card
        return {
            "memory_used_bytes": lambda: ask("nvmlDeviceGetMemoryInfo", self.handle).used,
            "watts": self.watts,
            "temperature_c": lambda: ask(
                "nvmlDeviceGetTemperature", card, pynvml.NVML_TEMPERATURE_GPU
            ),
            "sm_mhz": lambda: ask(clock, card, pynvml.NVML_CLOCK_SM),
            "memory_mhz": lambda: ask(clock, card, pynvml.NVML_CLOCK_MEM),
            "clock_reasons": lambda: self.nvml.clock_reasons(card),
            "performance_state": lambda: f"P{ask('nvmlDeviceGetPerformanceState', card)}",
        }

    def watts(self) -> float:
        """Return the power drawn; newer GPUs tell the mean of the last second.

        Raises UnknownFactError.
        """
        self._need_whole("power reading")
        return float(self.nvml.ask("nvmlDeviceGetPowerUsage", self.handle)) / _KILO

    def millijoules(self) -> int:
        """Return the counter of energy since the driver was loaded; it is renewed every 20–100 ms.

        Raises UnknownFactError.
        """
        self._need_whole("energy counter")
        return int(self.nvml.ask("nvmlDeviceGetTotalEnergyConsumption", self.handle))

    def processes(self) -> dict[int, int | None]:
        """Return the pids that compute on the device, with the bytes that each holds there.

        NVML has the host's pids, also in a container. Raises UnknownFactError.
        """
        listed = self.nvml.ask("nvmlDeviceGetComputeRunningProcesses", self.handle)
        return {process.pid: process.usedGpuMemory for process in listed}

    def sm_percent(self) -> int:
        """Return the percentage of the last 1/6–1 s in which any kernel ran, however small.

        Raises UnknownFactError.
        """
        return int(self._utilization().gpu)

    def _utilization(self) -> Any:
        self._need_whole("utilization")
        return self.nvml.ask("nvmlDeviceGetUtilizationRates", self.handle)

    def _pcie(self, direction: str) -> int:
        self._need_whole("PCIe counter")
        counter = getattr(self.nvml.module, direction)
        return int(self.nvml.ask("nvmlDeviceGetPcieThroughput", self.handle, counter)) * _KILO

    def _need_whole(self, what: str) -> None:
        if self.is_mig:
            raise UnknownFactError(f"a MIG instance has no {what} of its own")


def find_gpu(nvml: Nvml, uuid: str) -> Gpu:
    """Return the GPU or MIG instance of that UUID. Raises UnknownFactError."""
    if not uuid:
        raise UnknownFactError("the device's UUID is not known, so NVML cannot be asked about it")
    handle = nvml.ask("nvmlDeviceGetHandleByUUID", uuid)
    is_mig = uuid.startswith(_MIG)
    card = nvml.ask("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", handle) if is_mig else handle
    return Gpu(nvml=nvml, uuid=uuid, handle=handle, card=card)


def worker_among(pid: int, before: Collection[int]) -> Picks:
    """Return what picks the worker out of the pids that compute on a device.

    In a container NVML knows the worker by another pid than `pid`: then it is the only one that
    was not there `before`, or None.
    """

    def pick(listed: Mapping[int, int | None]) -> int | None:
        if pid in listed:
            return pid
        came = set(listed) - set(before)
        return came.pop() if len(came) == 1 else None

    return pick


def others(listed: Mapping[int, int | None], worker: Picks) -> list[int]:
    """Return the pids that are not the worker's, sorted.

    Raises UnknownFactError where nobody is listed, not even the worker: others are hidden then too.
    """
    if not listed:
        raise UnknownFactError(_HIDDEN)
    own = worker(listed)
    return sorted(pid for pid in listed if pid != own)


def _held(listed: Mapping[int, int | None], worker: Picks) -> int:
    """Return the device memory that the worker holds [bytes]. Raises UnknownFactError."""
    pid = worker(listed)
    if pid is None:
        raise UnknownFactError(_HIDDEN)
    held = listed[pid]
    if held is None:
        raise UnknownFactError("NVML does not tell how much memory a process holds here")
    return held
