import sys
from types import SimpleNamespace

import pytest

from harness.environment import capture
from harness.machine.gpu import read_gpus


class NVMLError(Exception):
    pass


ANSWERS = {
    "nvmlDeviceGetHandleByIndex": "handle",
    "nvmlDeviceGetUUID": "GPU-5f3c",
    "nvmlDeviceGetName": b"NVIDIA H200",
    "nvmlDeviceGetPciInfo": SimpleNamespace(busId="00000000:3B:00.0"),
    "nvmlDeviceGetCudaComputeCapability": (9, 0),
    "nvmlSystemGetDriverVersion": "580.95.05",
    "nvmlSystemGetCudaDriverVersion_v2": 13020,
    "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=150_754_820_096, used=1_048_576),
    "nvmlDeviceGetEnforcedPowerLimit": 700_000,
    "nvmlDeviceGetPowerManagementDefaultLimit": 700_000,
    "nvmlDeviceGetEccMode": [1, 1],
    "nvmlDeviceGetMigMode": [0, 0],
    "nvmlDeviceGetPersistenceMode": 1,
    "nvmlDeviceGetTemperature": 31,
    "nvmlDeviceGetComputeRunningProcesses": [SimpleNamespace(pid=7)],
}
CLOCKS = {
    "nvmlDeviceGetClockInfo": {1: 345, 2: 3201},
    "nvmlDeviceGetMaxClockInfo": {1: 1980, 2: 3201},
}


def answer(value):
    return lambda *_: value


@pytest.fixture
def nvml():
    """A pynvml with one device that answers everything."""
    started = []
    return SimpleNamespace(
        NVMLError=NVMLError,
        NVML_CLOCK_SM=1,
        NVML_CLOCK_MEM=2,
        NVML_TEMPERATURE_GPU=0,
        started=started,
        nvmlInit=lambda: started.append("init"),
        nvmlShutdown=lambda: started.append("shutdown"),
        nvmlDeviceGetCount=lambda: 1,
        **{name: answer(value) for name, value in ANSWERS.items()},
        **{name: lambda _, kind, by=by: by[kind] for name, by in CLOCKS.items()},
    )


def test_a_gpu_tells_everything(nvml):
    gpus, reason = read_gpus(nvml)
    assert reason is None
    assert [gpu.unknown for gpu in gpus] == [{}]
    assert gpus[0].values == {
        "uuid": "GPU-5f3c",
        "name": "NVIDIA H200",
        "pci": "00000000:3B:00.0",
        "compute_capability": "9.0",
        "driver": "580.95.05",
        "cuda": "13.2",
        "memory_bytes": 150_754_820_096,
        "memory_used_bytes": 1_048_576,
        "power_cap_watts": 700.0,
        "default_power_cap_watts": 700.0,
        "ecc": True,
        "mig": False,
        "persistence": True,
        "sm_mhz": 345,
        "memory_mhz": 3201,
        "max_sm_mhz": 1980,
        "max_memory_mhz": 3201,
        "temperature_c": 31,
        "compute_processes": 1,
    }
    assert nvml.started == ["init", "shutdown"]


def fail(*_):
    raise NVMLError("Not Supported")


def test_a_gpu_that_refuses_every_question_has_a_reason_for_each(nvml, tmp_path):
    for name in [*ANSWERS, *CLOCKS, "nvmlShutdown"]:
        setattr(nvml, name, fail)
    nvml.nvmlDeviceGetHandleByIndex = answer("handle")
    environment = capture(root=tmp_path, nvml=nvml)
    assert set(environment["gpus"][0].values()) == {None}
    assert environment["unknown"]["gpus.0.mig"] == "nvmlDeviceGetMigMode: Not Supported"


def test_an_older_nvml_lacks_functions(nvml):
    del nvml.nvmlDeviceGetMigMode
    gpus, _ = read_gpus(nvml)
    assert gpus[0].unknown == {"mig": "this nvidia-ml-py has no nvmlDeviceGetMigMode"}


def test_a_driver_that_does_not_start_means_no_gpus(nvml):
    nvml.nvmlInit = fail
    assert read_gpus(nvml) == ([], "NVML did not start: Not Supported")


def test_devices_that_cannot_be_counted_mean_no_gpus(nvml):
    nvml.nvmlDeviceGetCount = fail
    assert read_gpus(nvml) == ([], "NVML does not count devices: Not Supported")
    assert nvml.started == ["init", "shutdown"]


def test_without_nvml_the_environment_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    environment = capture(root=tmp_path)
    assert environment["gpus"] == []
    assert environment["unknown"]["gpus"] == (
        "nvidia-ml-py is not installed. Install dyno with the 'gpu' extra"
    )


@pytest.mark.gpu
def test_a_real_gpu_tells_who_it_is():
    pynvml = pytest.importorskip("pynvml")
    gpus, reason = read_gpus(pynvml)
    if not gpus:
        pytest.skip(reason)
    assert gpus[0].values["uuid"].startswith("GPU-")
    assert gpus[0].values["driver"]
