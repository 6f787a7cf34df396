"""NVML: the one place that asks it, and every answer may be missing."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from harness.machine.reading import UnknownFactError

_INSTALL = "nvidia-ml-py is not installed. Install dyno with the 'gpu' extra"
_REASONS = {
    "GpuIdle": "gpu_idle",
    "ApplicationsClocksSetting": "applications_clocks_setting",
    "SwPowerCap": "sw_power_cap",
    "HwSlowdown": "hw_slowdown",
    "SyncBoost": "sync_boost",
    "SwThermalSlowdown": "sw_thermal_slowdown",
    "HwThermalSlowdown": "hw_thermal_slowdown",
    "HwPowerBrakeSlowdown": "hw_power_brake_slowdown",
    "DisplayClockSetting": "display_clock_setting",
    "BoardLimit": "board_limit",
    "Reliability": "reliability",
}
"""What nvidia-ml-py's constants call the reasons for a clock, and what nvidia-smi does."""
CLOCK_REASONS = tuple(_REASONS.values())
_CONSTANTS = ("nvmlClocksEventReason", "nvmlClocksThrottleReason")


@dataclass(frozen=True, slots=True)
class Nvml:
    """NVML while it is open; `module` is pynvml."""

    module: Any

    def ask(self, function: str, *arguments: Any) -> Any:
        """Return what the function does. Raises UnknownFactError, also where it is not there."""
        call = getattr(self.module, function, None)
        if call is None:
            raise UnknownFactError(f"this nvidia-ml-py has no {function}")
        try:
            return call(*arguments)
        except self.module.NVMLError as error:
            raise UnknownFactError(f"{function}: {error}") from error

    def clock_reasons(self, handle: Any) -> list[str]:
        """Return what holds the device's clocks now, by name. Raises UnknownFactError."""
        bits = self._reason_bits(handle)
        known = {bit: name for bit, name in self._reasons().items() if bits & bit}
        rest = bits & ~sum(known)
        return [*known.values(), *([f"unlisted_{rest:#x}"] if rest else [])]

    def _reason_bits(self, handle: Any) -> int:
        """Return the bits of the event reasons, which older drivers call throttle reasons."""
        newer = "nvmlDeviceGetCurrentClocksEventReasons"
        older = "nvmlDeviceGetCurrentClocksThrottleReasons"
        try:
            return int(self.ask(newer, handle))
        except UnknownFactError:
            if not hasattr(self.module, older):
                raise
            return int(self.ask(older, handle))

    def _reasons(self) -> dict[int, str]:
        """Return the name of each bit that this nvidia-ml-py has a constant for."""
        found: dict[int, str] = {}
        for suffix, name in _REASONS.items():
            bits = [getattr(self.module, f"{prefix}{suffix}", 0) for prefix in _CONSTANTS]
            if any(bits):
                found[next(filter(None, bits))] = name
        return found


@contextmanager
def opened(module: Any = None) -> Iterator[Nvml]:
    """Yield NVML for the time of the body. Raises UnknownFactError where it does not start.

    `module` is pynvml or what stands in for it.
    """
    module = module or _import()
    if module is None:
        raise UnknownFactError(_INSTALL)
    try:
        module.nvmlInit()
    except module.NVMLError as error:
        raise UnknownFactError(f"NVML did not start: {error}") from error
    try:
        yield Nvml(module)
    finally:
        with suppress(module.NVMLError):
            module.nvmlShutdown()


def _import() -> Any:
    try:
        return importlib.import_module("pynvml")
    except ImportError:
        return None
