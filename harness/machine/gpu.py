"""NVIDIA GPUs as NVML tells of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.machine.nvml import Nvml, opened
from harness.machine.reading import Facts, UnknownFactError, collect


def read_gpus(module: Any = None) -> tuple[list[Facts], str | None]:
    """Return each GPU's facts, and why there are none. `module` is pynvml or stands in for it.

    Clocks are MHz, power watts, temperature °C, memory bytes.
    """
    try:
        with opened(module) as nvml:
            count = nvml.ask("nvmlDeviceGetCount")
            return [_read_gpu(nvml, index) for index in range(count)], None
    except UnknownFactError as error:
        return [], str(error)


def _read_gpu(nvml: Nvml, index: int) -> Facts:
    def handle() -> Any:
        return nvml.ask("nvmlDeviceGetHandleByIndex", index)

    def of(function: str, *arguments: Any) -> Any:
        return nvml.ask(function, handle(), *arguments)

    return collect({**_identity(nvml, of), **_state(nvml, handle, of)})


def _identity(nvml: Nvml, of: Callable[..., Any]) -> dict[str, Callable[[], Any]]:
    return {
        "uuid": lambda: _text(of("nvmlDeviceGetUUID")),
        "name": lambda: _text(of("nvmlDeviceGetName")),
        "pci": lambda: _text(of("nvmlDeviceGetPciInfo").busId),
        "compute_capability": lambda: _dotted(of("nvmlDeviceGetCudaComputeCapability")),
        "driver": lambda: _text(nvml.ask("nvmlSystemGetDriverVersion")),
        "cuda": lambda: _cuda(nvml.ask("nvmlSystemGetCudaDriverVersion_v2")),
        "memory_bytes": lambda: of("nvmlDeviceGetMemoryInfo").total,
    }


def _state(
    nvml: Nvml, handle: Callable[[], Any], of: Callable[..., Any]
) -> dict[str, Callable[[], Any]]:
    pynvml = nvml.module
    return {
        "memory_used_bytes": lambda: of("nvmlDeviceGetMemoryInfo").used,
        "power_cap_watts": lambda: of("nvmlDeviceGetEnforcedPowerLimit") / 1000,
        "default_power_cap_watts": lambda: of("nvmlDeviceGetPowerManagementDefaultLimit") / 1000,
        "ecc": lambda: bool(of("nvmlDeviceGetEccMode")[0]),
        "ecc_after_reboot": lambda: bool(of("nvmlDeviceGetEccMode")[1]),
        "mig": lambda: bool(of("nvmlDeviceGetMigMode")[0]),
        "persistence": lambda: bool(of("nvmlDeviceGetPersistenceMode")),
        "sm_mhz": lambda: of("nvmlDeviceGetClockInfo", pynvml.NVML_CLOCK_SM),
        "memory_mhz": lambda: of("nvmlDeviceGetClockInfo", pynvml.NVML_CLOCK_MEM),
        "max_sm_mhz": lambda: of("nvmlDeviceGetMaxClockInfo", pynvml.NVML_CLOCK_SM),
        "max_memory_mhz": lambda: of("nvmlDeviceGetMaxClockInfo", pynvml.NVML_CLOCK_MEM),
        "temperature_c": lambda: of("nvmlDeviceGetTemperature", pynvml.NVML_TEMPERATURE_GPU),
        "clock_reasons": lambda: nvml.clock_reasons(handle()),
        "compute_processes": lambda: len(of("nvmlDeviceGetComputeRunningProcesses")),
        "compute_pids": lambda: [p.pid for p in of("nvmlDeviceGetComputeRunningProcesses")],
    }


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _cuda(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
