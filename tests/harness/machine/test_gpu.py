import sys

import pytest

from harness.environment import capture
from harness.machine.gpu import read_gpus


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
        "ecc_after_reboot": True,
        "mig": False,
        "persistence": True,
        "sm_mhz": 345,
        "memory_mhz": 3201,
        "max_sm_mhz": 1980,
        "max_memory_mhz": 3201,
        "temperature_c": 31,
        "clock_reasons": ["gpu_idle"],
        "compute_processes": 1,
        "compute_pids": [7],
    }
    assert nvml.started == ["init", "shutdown"]


def test_a_gpu_that_refuses_every_question_has_a_reason_for_each(nvml, tmp_path):
    nvml.refuse(*nvml.questions, "nvmlShutdown")
    nvml.answer(nvmlDeviceGetHandleByIndex="handle")
    environment = capture(root=tmp_path, nvml=nvml)
    assert set(environment["gpus"][0].values()) == {None}
    assert environment["unknown"]["gpus.0.mig"] == "nvmlDeviceGetMigMode: Not Supported"


def test_an_older_nvml_lacks_functions(nvml):
    del nvml.nvmlDeviceGetMigMode
    gpus, _ = read_gpus(nvml)
    assert gpus[0].unknown == {"mig": "this nvidia-ml-py has no nvmlDeviceGetMigMode"}


def test_an_older_driver_calls_clock_event_reasons_throttle_reasons(nvml):
    nvml.refuse("nvmlDeviceGetCurrentClocksEventReasons")
    nvml.answer(nvmlDeviceGetCurrentClocksThrottleReasons=0x40)
    gpus, _ = read_gpus(nvml)
    assert gpus[0].values["clock_reasons"] == ["hw_thermal_slowdown"]


def test_a_driver_without_either_says_so(nvml):
    nvml.refuse("nvmlDeviceGetCurrentClocksEventReasons")
    gpus, _ = read_gpus(nvml)
    assert gpus[0].unknown == {
        "clock_reasons": "nvmlDeviceGetCurrentClocksEventReasons: Not Supported"
    }


def test_a_driver_that_does_not_start_means_no_gpus(nvml):
    nvml.refuse("nvmlInit")
    assert read_gpus(nvml) == ([], "NVML did not start: Not Supported")


def test_devices_that_cannot_be_counted_mean_no_gpus(nvml):
    nvml.refuse("nvmlDeviceGetCount")
    assert read_gpus(nvml) == ([], "nvmlDeviceGetCount: Not Supported")
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
