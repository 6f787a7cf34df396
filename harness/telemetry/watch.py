"""The devices of a run that NVML tells of, from before its first launch to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.machine.nvml import opened
from harness.machine.reading import Facts, UnknownFactError, collect
from harness.telemetry.gpu import Gpu, find_gpu
from harness.telemetry.sampling import sampling
from harness.timing import stopwatch

if TYPE_CHECKING:
    from engines.contract import Device

KIND = "cuda"
PERIOD_S = 0.05
IDLE_S = 1.0
BUSY_PERCENT = 5
"""A display takes less of an idle device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A device that NVML is asked about. `gpu` is None where it cannot be, for `reason`.

    `idle` has `idle_watts`, read when nothing ran, or why not.
    """

    device: Device
    gpu: Gpu | None = None
    reason: str = ""
    idle: Facts

    def processes(self) -> frozenset[int]:
        """Return the pids that compute on the device, as far as NVML tells."""
        try:
            return frozenset(self.gpu.processes()) if self.gpu else frozenset()
        except UnknownFactError:
            return frozenset()


@contextmanager
def watching(
    devices: Iterable[Device], *, idle: bool, module: Any = None
) -> Iterator[dict[str, Watch]]:
    """Yield a watch of each NVIDIA device by its kind, NVML being open meanwhile.

    With `idle`, reads for IDLE_S what each draws: once, before anything of the run is on it. After
    a launch the power's mean and the clocks take seconds to fall. `module` stands in for pynvml.
    """
    watched = [device for device in devices if device.kind == KIND]
    with ExitStack() as stack:
        yield {device.kind: _watch(device, stack, idle=idle, module=module) for device in watched}


def _watch(device: Device, stack: ExitStack, *, idle: bool, module: Any) -> Watch:
    try:
        gpu = find_gpu(stack.enter_context(opened(module)), device.uuid)
    except UnknownFactError as error:
        reason = str(error)
        return Watch(device=device, reason=reason, idle=_unread(reason))
    if not idle:
        return Watch(device=device, gpu=gpu, idle=_unread("it was not asked for"))
    return Watch(device=device, gpu=gpu, idle=read_idle(gpu))


def _unread(reason: str) -> Facts:
    return Facts(values={"idle_watts": None}, unknown={"idle_watts": reason})


def read_idle(gpu: Gpu, pause: Callable[[float], None] = time.sleep) -> Facts:
    """Return `idle_watts`: the median over IDLE_S, unknown where somebody is on the device.

    A container may not see who that is, but the device is busy then. Unknown too where neither
    processes nor utilization are told: nothing says then that the device is idle.
    """

    def read() -> Facts:
        pids = {"pids": lambda: list(gpu.processes())}
        return collect({"watts": gpu.watts, "sm_percent": gpu.sm_percent, **pids})

    with sampling(read, period_s=PERIOD_S, clock=stopwatch()) as readings:
        pause(IDLE_S)
    return collect({"idle_watts": lambda: _quiet_median([each.facts for each in readings])})


def _quiet_median(readings: list[Facts]) -> float:
    there = sorted({pid for facts in readings for pid in facts.values["pids"] or ()})
    if there:
        raise UnknownFactError(f"pid {', '.join(map(str, there))} had the idle device open")
    told = [facts.values["sm_percent"] for facts in readings if "sm_percent" not in facts.unknown]
    if not told:
        readings[-1].known("pids")
    elif (busy := median(told)) > BUSY_PERCENT:
        raise UnknownFactError(f"the idle device was busy for {busy:g} % of the time")
    return float(median(facts.known("watts") for facts in readings))
