"""NVIDIA GPUs as NVML tells of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from harness.machine.reading import Facts, UnknownFactError, collect

_INSTALL = "nvidia-ml-py is not installed. Install dyno with the 'gpu' extra"


def read_gpus(nvml: Any = None) -> tuple[list[Facts], str | None]:
    """Return each GPU's facts, and why there are none. `nvml` is pynvml or what stands in for it.

    Clocks are MHz, power watts, temperature °C, memory bytes.
    """
    nvml = nvml or _import_nvml()
    if nvml is None:
        return [], _INSTALL
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return [], f"NVML did not start: {error}"
    try:
        return [_read_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount())], None
    except nvml.NVMLError as error:
        return [], f"NVML does not count devices: {error}"
    finally:
        with suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def _import_nvml() -> Any:
    try:
        return importlib.import_module("pynvml")
    except ImportError:
        return None


def _read_gpu(nvml: Any, index: int) -> Facts:
    def ask(function: str, *arguments: Any) -> Any:
        return _ask(nvml, function, *arguments)

    def of(function: str, *arguments: Any) -> Any:
        return ask(function, ask("nvmlDeviceGetHandleByIndex", index), *arguments)

    return collect({**_identity(ask, of), **_state(nvml, of)})


def _identity(ask: Callable[..., Any], of: Callable[..., Any]) -> dict[str, Callable[[], Any]]:
    return {
        "uuid": lambda: _text(of("nvmlDeviceGetUUID")),
        "name": lambda: _text(of("nvmlDeviceGetName")),
        "pci": lambda: _text(of("nvmlDeviceGetPciInfo").busId),
        "compute_capability": lambda: _dotted(of("nvmlDeviceGetCudaComputeCapability")),
        "driver": lambda: _text(ask("nvmlSystemGetDriverVersion")),
        "cuda": lambda: _cuda(ask("nvmlSystemGetCudaDriverVersion_v2")),
        "memory_bytes": lambda: of("nvmlDeviceGetMemoryInfo").total,
    }


def _state(nvml: Any, of: Callable[..., Any]) -> dict[str, Callable[[], Any]]:
    return {
        "memory_used_bytes": lambda: of("nvmlDeviceGetMemoryInfo").used,
        "power_cap_watts": lambda: of("nvmlDeviceGetEnforcedPowerLimit") / 1000,
        "default_power_cap_watts": lambda: of("nvmlDeviceGetPowerManagementDefaultLimit") / 1000,
        "ecc": lambda: bool(of("nvmlDeviceGetEccMode")[0]),
        "ecc_after_reboot": lambda: bool(of("nvmlDeviceGetEccMode")[1]),
        "mig": lambda: bool(of("nvmlDeviceGetMigMode")[0]),
        "persistence": lambda: bool(of("nvmlDeviceGetPersistenceMode")),
        "sm_mhz": lambda: of("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_SM),
        "memory_mhz": lambda: of("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_MEM),
        "max_sm_mhz": lambda: of("nvmlDeviceGetMaxClockInfo", nvml.NVML_CLOCK_SM),
        "max_memory_mhz": lambda: of("nvmlDeviceGetMaxClockInfo", nvml.NVML_CLOCK_MEM),
        "temperature_c": lambda: of("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU),
        "clock_reasons": lambda: _clock_reasons(nvml, of),
        "compute_processes": lambda: len(of("nvmlDeviceGetComputeRunningProcesses")),
        "compute_pids": lambda: [p.pid for p in of("nvmlDeviceGetComputeRunningProcesses")],
    }


def _clock_reasons(nvml: Any, of: Callable[..., Any]) -> int:
    """Return the bits of nvmlClocksEventReasons, which older drivers call throttle reasons."""
    newer = "nvmlDeviceGetCurrentClocksEventReasons"
    older = "nvmlDeviceGetCurrentClocksThrottleReasons"
    try:
        return int(of(newer))
    except UnknownFactError:
        if not hasattr(nvml, older):
            raise
        return int(of(older))


def _ask(nvml: Any, function: str, *arguments: Any) -> Any:
    """Return what the NVML function does. Raises UnknownFactError, also where it is not there."""
    call = getattr(nvml, function, None)
    if call is None:
        raise UnknownFactError(f"this nvidia-ml-py has no {function}")
    try:
        return call(*arguments)
    except nvml.NVMLError as error:
        raise UnknownFactError(f"{function}: {error}") from error


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _cuda(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
