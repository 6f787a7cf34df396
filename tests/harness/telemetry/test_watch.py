import sys

import pytest

from engines.contract import Device
from harness.telemetry import watch as watch_module
from harness.telemetry.watch import read_idle, watching


@pytest.fixture(autouse=True)
def short_idle(monkeypatch):
    monkeypatch.setattr(watch_module, "IDLE_S", 0.01)


def test_nvml_is_open_for_the_time_of_the_run(pynvml, device):
    with watching([device], idle=True, module=pynvml) as watches:
        assert pynvml.users() == 1
        (watch,) = watches.values()
        assert watches.keys() == {"cuda"}
        assert watch.gpu.uuid == device.uuid
        assert watch.idle.values == {"idle_watts": 70.0}
        assert watch.idle.unknown == {}
    assert pynvml.users() == 0


def test_nvml_is_shut_when_the_run_is_interrupted(pynvml, device):
    with pytest.raises(KeyboardInterrupt), watching([device], idle=False, module=pynvml):
        raise KeyboardInterrupt
    assert pynvml.users() == 0


def test_other_devices_than_nvidias_are_not_watched(pynvml):
    devices = [Device(kind="cpu"), Device(kind="fake")]
    with watching(devices, idle=True, module=pynvml) as watches:
        assert watches == {}
        assert pynvml.users() == 0


@pytest.mark.parametrize(
    ("told", "uuid", "reason"),
    [
        (
            {"refuse": "nvmlInit=DRIVER_NOT_LOADED"},
            "GPU-x",
            "NVML did not start: Driver Not Loaded",
        ),
        (
            {"refuse": "nvmlInit=LIBRARY_NOT_FOUND"},
            "GPU-x",
            "NVML did not start: NVML Shared Library Not Found",
        ),
        ({}, "GPU-x", "nvmlDeviceGetHandleByUUID: Not Found"),
    ],
)
def test_a_device_that_cannot_be_asked_has_one_reason(pynvml, told, uuid, reason):
    pynvml.restart(**told)
    device = Device(kind="cuda", uuid=uuid)
    with watching([device], idle=True, module=pynvml) as watches:
        watch = watches["cuda"]
    assert (watch.gpu, watch.reason) == (None, reason)
    assert watch.idle.unknown == {"idle_watts": reason}
    assert watch.processes() == frozenset()


def test_without_pynvml_there_is_one_reason(monkeypatch, device):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with watching([device], idle=True) as watches:
        assert watches["cuda"].reason == (
            "nvidia-ml-py is not installed. Install dyno with the 'gpu' extra"
        )


def test_a_device_that_somebody_uses_is_not_idle(gpu):
    idle = read_idle(gpu(others="4711,12"), pause=lambda _: None)
    assert idle.values == {"idle_watts": None}
    assert idle.unknown == {"idle_watts": "pid 12, 4711 had the idle device open"}


@pytest.mark.parametrize(
    ("busy_percent", "unknown"),
    [(5, {}), (6, {"idle_watts": "the idle device was busy for 6 % of the time"})],
)
def test_a_device_that_is_busy_for_somebody_hidden_is_not_idle(gpu, busy_percent, unknown):
    idle = read_idle(gpu(idle_sm_percent=busy_percent), pause=lambda _: None)
    assert idle.unknown == unknown


def test_idle_power_without_a_reading_of_utilization_is_told(gpu):
    idle = read_idle(gpu(refuse="nvmlDeviceGetUtilizationRates"), pause=lambda _: None)
    assert (idle.values, idle.unknown) == ({"idle_watts": 70.0}, {})


def test_a_device_that_tells_neither_processes_nor_utilization_is_not_known_to_be_idle(gpu):
    hidden = "nvmlDeviceGetUtilizationRates,nvmlDeviceGetComputeRunningProcesses=NO_PERMISSION"
    idle = read_idle(gpu(refuse=hidden), pause=lambda _: None)
    assert idle.values == {"idle_watts": None}
    assert idle.unknown == {
        "idle_watts": "nvmlDeviceGetComputeRunningProcesses: Insufficient Permissions"
    }


def test_idle_power_that_is_not_told_has_its_reason(gpu):
    idle = read_idle(gpu(refuse="nvmlDeviceGetPowerUsage"), pause=lambda _: None)
    assert idle.unknown == {"idle_watts": "nvmlDeviceGetPowerUsage: Not Supported"}


def test_a_driver_that_hides_processes_has_nobody_listed(pynvml, device):
    pynvml.restart(refuse="nvmlDeviceGetComputeRunningProcesses=NO_PERMISSION")
    with watching([device], idle=False, module=pynvml) as watches:
        assert watches["cuda"].processes() == frozenset()
