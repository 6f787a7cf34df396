"""A stand-in for nvidia-ml-py: NVML of the simulated machine.

It has the functions that dyno asks, under the real names, with the real constants, error classes
and texts. Time is the host's clock, or what `now_ns` is replaced by. A device computes when a
process is on it: `pids` says which, by default the children of this process that are workers.

Variables for child processes, or keywords of `restart`: SIMULATED_NVML_… and the fields of Nvml.
`refuse` lists what fails, `nvmlDeviceGetPowerUsage=NO_PERMISSION,…`, a function alone is
NOT_SUPPORTED; nvmlInit may be refused too. `lacks` lists what the driver's library has not.
"""

# ruff: noqa: A002, N816, PLW0603, RUF012 - the names are the real module's

import functools
import os
import time
from dataclasses import dataclass, fields
from pathlib import Path
from types import SimpleNamespace

from simulated.script import Script

NVML_CLOCK_SM = 1
NVML_CLOCK_MEM = 2
NVML_TEMPERATURE_GPU = 0
NVML_PCIE_UTIL_TX_BYTES = 0
NVML_PCIE_UTIL_RX_BYTES = 1
NVML_ERROR_UNINITIALIZED = 1
NVML_ERROR_INVALID_ARGUMENT = 2
NVML_ERROR_NOT_SUPPORTED = 3
NVML_ERROR_NO_PERMISSION = 4
NVML_ERROR_NOT_FOUND = 6
NVML_ERROR_DRIVER_NOT_LOADED = 9
NVML_ERROR_LIBRARY_NOT_FOUND = 12
NVML_ERROR_FUNCTION_NOT_FOUND = 13
NVML_ERROR_GPU_IS_LOST = 15
NVML_ERROR_UNKNOWN = 999
nvmlClocksEventReasonGpuIdle = 0x1
nvmlClocksEventReasonApplicationsClocksSetting = 0x2
nvmlClocksEventReasonSwPowerCap = 0x4
nvmlClocksEventReasonHwSlowdown = 0x8
nvmlClocksEventReasonSyncBoost = 0x10
nvmlClocksEventReasonSwThermalSlowdown = 0x20
nvmlClocksEventReasonHwThermalSlowdown = 0x40
nvmlClocksEventReasonHwPowerBrakeSlowdown = 0x80
nvmlClocksEventReasonDisplayClockSetting = 0x100
nvmlClocksThrottleReasonBoardLimit = 0x200
nvmlClocksThrottleReasonReliability = 0x400

now_ns = time.perf_counter_ns


class NVMLError(Exception):
    """Errors of one code are instances of the code's class, as in the real module."""

    _texts = {
        NVML_ERROR_UNINITIALIZED: "Uninitialized",
        NVML_ERROR_INVALID_ARGUMENT: "Invalid Argument",
        NVML_ERROR_NOT_SUPPORTED: "Not Supported",
        NVML_ERROR_NO_PERMISSION: "Insufficient Permissions",
        NVML_ERROR_NOT_FOUND: "Not Found",
        NVML_ERROR_DRIVER_NOT_LOADED: "Driver Not Loaded",
        NVML_ERROR_LIBRARY_NOT_FOUND: "NVML Shared Library Not Found",
        NVML_ERROR_FUNCTION_NOT_FOUND: "Function Not Found",
        NVML_ERROR_GPU_IS_LOST: "GPU is lost",
        NVML_ERROR_UNKNOWN: "Unknown Error",
    }
    _classes = {}

    def __new__(cls, value):
        made = Exception.__new__(cls._classes.get(value, cls) if cls is NVMLError else cls)
        made.value = value
        return made

    def __str__(self):
        return self._texts[self.value]


def _error_class(name, value):
    def new(cls):
        made = NVMLError.__new__(cls, value)
        made.args = (value,)
        return made

    words = "".join(word.capitalize() for word in name.removeprefix("NVML_ERROR_").split("_"))
    made = type(f"NVMLError_{words}", (NVMLError,), {"__new__": new})
    NVMLError._classes[value] = made
    return made


for _name, _value in {k: v for k, v in globals().items() if k.startswith("NVML_ERROR_")}.items():
    _class = _error_class(_name, _value)
    globals()[_class.__name__] = _class


@dataclass(frozen=True, slots=True, kw_only=True)
class Nvml:
    """What the simulated devices tell. Two devices that compute would tell the same."""

    watts: float = 300.0
    idle_watts: float = 70.0
    renewal_ms: float = 20.0
    """The energy counter is renewed this often."""
    sm_percent: int = 90
    idle_sm_percent: int = 0
    """While no process is listed."""
    memory_percent: int = 40
    memory_used_mib: int = 1024
    process_mib: int = 512
    """-1: NVML does not tell it."""
    temperature_c: int = 55
    sm_mhz: int = 1980
    idle_sm_mhz: int = 345
    memory_mhz: int = 2619
    reasons: int = nvmlClocksEventReasonSwPowerCap
    pcie_rx_kb: int = 1000
    pcie_tx_kb: int = 500
    mig: str = ""
    """The UUID of a MIG instance of the first device."""
    others: str = ""
    """Pids of other processes on every device, with commas between them."""
    refuse: str = ""
    lacks: str = ""

    @classmethod
    def from_environment(cls):
        named = {field.name: f"SIMULATED_NVML_{field.name.upper()}" for field in fields(cls)}
        types = {field.name: field.type for field in fields(cls)}
        found = {name: os.environ[key] for name, key in named.items() if key in os.environ}
        return cls(**{name: types[name](text) for name, text in found.items()})

    def refusal(self, function):
        """Return the code that the function fails with, or None."""
        given = dict(each.partition("=")[::2] for each in filter(None, self.refuse.split(",")))
        if function not in given:
            return None
        return globals()[f"NVML_ERROR_{given[function] or 'NOT_SUPPORTED'}"]


@dataclass(frozen=True, slots=True)
class _Handle:
    index: int
    is_mig: bool = False


_nvml = Nvml.from_environment()
_machine = Script.from_environment()
_users = 0
_began_ns = now_ns()
_seen = (0.0, ())
_LOOK_S = 0.02


def restart(**told):
    """Make the simulated NVML tell that from now on; nobody has it open then."""
    global _nvml, _users, _began_ns
    _nvml, _users, _began_ns = Nvml(**told), 0, now_ns()


def users():
    """Return how often NVML is open."""
    return _users


def workers():
    """Return the pids of this process's children that are workers."""
    global _seen
    if time.monotonic() - _seen[0] > _LOOK_S:
        stats = (_text(path / "stat") for path in Path("/proc").glob("[0-9]*"))
        told = [(text.partition(" ")[0], text.rpartition(")")[2].split()) for text in stats]
        children = [int(pid) for pid, rest in told if rest[1:2] == [str(os.getpid())]]
        found = tuple(p for p in children if "harness.worker" in _text(Path(f"/proc/{p}/cmdline")))
        _seen = (time.monotonic(), found)
    return _seen[1]


pids = workers
"""Returns the pids that compute; tests may put something else in its place."""


def _text(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _asked(*, of_mig=True):
    """Make a function refuse what the real one refuses, and what is scripted."""

    def make(function):
        @functools.wraps(function)
        def ask(*arguments):
            if _users == 0:
                raise NVMLError(NVML_ERROR_UNINITIALIZED)
            if function.__name__ in _nvml.lacks.split(","):
                raise NVMLError(NVML_ERROR_FUNCTION_NOT_FOUND)
            if (code := _nvml.refusal(function.__name__)) is not None:
                raise NVMLError(code)
            if not of_mig and arguments[0].is_mig:
                raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
            return function(*arguments)

        return ask

    return make


def nvmlInit():
    global _users
    if (code := _nvml.refusal("nvmlInit")) is not None:
        raise NVMLError(code)
    _users += 1


@_asked()
def nvmlShutdown():
    global _users
    _users -= 1


@_asked()
def nvmlDeviceGetCount():
    return _machine.devices


@_asked()
def nvmlSystemGetDriverVersion():
    return _machine.driver


@_asked()
def nvmlSystemGetCudaDriverVersion_v2():
    return _machine.cuda_driver


@_asked()
def nvmlDeviceGetHandleByIndex(index):
    if not 0 <= index < _machine.devices:
        raise NVMLError(NVML_ERROR_INVALID_ARGUMENT)
    return _Handle(index)


@_asked()
def nvmlDeviceGetHandleByUUID(uuid):
    if _nvml.mig and uuid == _nvml.mig:
        return _Handle(0, is_mig=True)
    for index in range(_machine.devices):
        if uuid == _uuid(index):
            return _Handle(index)
    raise NVMLError(NVML_ERROR_NOT_FOUND)


@_asked()
def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(migDevice):
    if not migDevice.is_mig:
        raise NVMLError(NVML_ERROR_INVALID_ARGUMENT)
    return _Handle(migDevice.index)


@_asked()
def nvmlDeviceGetUUID(handle):
    return _nvml.mig if handle.is_mig else _uuid(handle.index)


@_asked()
def nvmlDeviceGetName(handle):
    return _machine.name


@_asked()
def nvmlDeviceGetPciInfo(handle):
    return SimpleNamespace(busId=f"00000000:{handle.index + 1:02X}:00.0")


@_asked()
def nvmlDeviceGetCudaComputeCapability(handle):
    number = int(_machine.sm.removeprefix("sm"))
    return (number // 10, number % 10)


@_asked()
def nvmlDeviceGetMemoryInfo(handle):
    used = _nvml.memory_used_mib << 20
    return SimpleNamespace(
        total=_machine.memory_bytes, used=used, free=_machine.memory_bytes - used
    )


@_asked(of_mig=False)
def nvmlDeviceGetEnforcedPowerLimit(handle):
    return 700_000


@_asked(of_mig=False)
def nvmlDeviceGetPowerManagementDefaultLimit(handle):
    return 700_000


@_asked()
def nvmlDeviceGetEccMode(handle):
    return [1, 1]


@_asked()
def nvmlDeviceGetMigMode(device):
    return [int(bool(_nvml.mig))] * 2


@_asked()
def nvmlDeviceGetPersistenceMode(handle):
    return 1


@_asked(of_mig=False)
def nvmlDeviceGetClockInfo(handle, type):
    if type == NVML_CLOCK_MEM:
        return _nvml.memory_mhz
    return _nvml.sm_mhz if _is_busy() else _nvml.idle_sm_mhz


@_asked(of_mig=False)
def nvmlDeviceGetMaxClockInfo(handle, type):
    return _nvml.memory_mhz if type == NVML_CLOCK_MEM else _nvml.sm_mhz


@_asked(of_mig=False)
def nvmlDeviceGetTemperature(handle, sensor):
    return _nvml.temperature_c


@_asked(of_mig=False)
def nvmlDeviceGetCurrentClocksEventReasons(handle):
    return _nvml.reasons if _is_busy() else nvmlClocksEventReasonGpuIdle


@_asked(of_mig=False)
def nvmlDeviceGetPerformanceState(handle):
    return 0 if _is_busy() else 8


@_asked(of_mig=False)
def nvmlDeviceGetPowerUsage(handle):
    return round(1000 * (_nvml.watts if _is_busy() else _nvml.idle_watts))


@_asked(of_mig=False)
def nvmlDeviceGetTotalEnergyConsumption(handle):
    """Return the millijoules at the last renewal, as if the device had always been busy."""
    renewal_ns = round(_nvml.renewal_ms * 1e6)
    passed_ns = (now_ns() - _began_ns) // renewal_ns * renewal_ns
    return round(_nvml.watts * passed_ns / 1e6)


@_asked(of_mig=False)
def nvmlDeviceGetUtilizationRates(handle):
    busy = _is_busy()
    return SimpleNamespace(
        gpu=_nvml.sm_percent if busy else _nvml.idle_sm_percent,
        memory=_nvml.memory_percent if busy else 0,
    )


@_asked(of_mig=False)
def nvmlDeviceGetPcieThroughput(device, counter):
    return _nvml.pcie_rx_kb if counter == NVML_PCIE_UTIL_RX_BYTES else _nvml.pcie_tx_kb


@_asked()
def nvmlDeviceGetComputeRunningProcesses(handle):
    held = None if _nvml.process_mib < 0 else _nvml.process_mib << 20
    return [SimpleNamespace(pid=pid, usedGpuMemory=held) for pid in (*pids(), *_others())]


def _others():
    return tuple(int(pid) for pid in filter(None, _nvml.others.split(",")))


def _is_busy():
    return bool(pids() or _others())


def _uuid(index):
    return f"GPU-{index:08x}-5171-4a7e-8000-00000000c0de"
