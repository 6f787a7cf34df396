from types import SimpleNamespace

import pytest

from harness.doctor.checks import nvidia
from harness.doctor.finding import Level

CHECKS = (
    nvidia.processes,
    nvidia.persistence,
    nvidia.ecc,
    nvidia.power_cap,
    nvidia.mig,
    nvidia.throttle,
)
QUIET = {"nvmlDeviceGetComputeRunningProcesses": [], "nvmlDeviceGetEccMode": [0, 0]}


@pytest.fixture
def asked(observed, nvml):
    """Ask a check about a GPU that answers so."""

    def ask(check, **answers):
        nvml.answer(**{**QUIET, **answers})
        return check(observed("doctor-vm", nvml=nvml))

    return ask


def test_a_gpu_that_nothing_holds_is_ok(asked):
    found = [each for check in CHECKS for each in asked(check)]
    assert [(each.id, each.level.value, each.finding) for each in found] == [
        ("gpu-processes", "ok", "none"),
        ("gpu-persistence", "ok", "on"),
        ("gpu-ecc", "ok", "off"),
        ("gpu-power-cap", "ok", "700 W"),
        ("gpu-mig", "ok", "off"),
        ("gpu-throttle", "ok", "none"),
    ]


@pytest.mark.parametrize(
    ("check", "answers", "finding", "command"),
    [
        (
            nvidia.persistence,
            {"nvmlDeviceGetPersistenceMode": 0},
            "off",
            "sudo nvidia-smi -pm 1",
        ),
        (
            nvidia.power_cap,
            {"nvmlDeviceGetEnforcedPowerLimit": 350_000},
            "350 W, by default 700 W",
            "sudo nvidia-smi -pl 700",
        ),
        (nvidia.mig, {"nvmlDeviceGetMigMode": [1, 1]}, "on", "sudo nvidia-smi -mig 0"),
        (
            nvidia.throttle,
            {
                "nvmlDeviceGetCurrentClocksEventReasons": 0x4C,
                "nvmlDeviceGetTemperature": 91,
            },
            "hardware slowdown, hardware thermal slowdown, power cap at 91 °C",
            "nvidia-smi -q -d PERFORMANCE,CLOCK,POWER,TEMPERATURE",
        ),
        (
            nvidia.processes,
            {
                "nvmlDeviceGetComputeRunningProcesses": [
                    SimpleNamespace(pid=11743),
                    SimpleNamespace(pid=99999),
                ]
            },
            "python3 (pid 11743), pid 99999 compute on it",
            "nvidia-smi",
        ),
    ],
)
def test_what_spoils_numbers_is_a_warning(asked, check, answers, finding, command):
    (found,) = asked(check, **answers)
    assert (found.level, found.finding) == (Level.WARNING, finding)
    assert found.command == command
    assert found.effect
    assert found.remedy


def test_dynos_own_processes_may_compute(asked):
    own = [SimpleNamespace(pid=11702), SimpleNamespace(pid=11744)]
    (found,) = asked(nvidia.processes, nvmlDeviceGetComputeRunningProcesses=own)
    assert (found.level, found.finding) == (Level.OK, "none")


@pytest.mark.parametrize(
    ("modes", "finding"),
    [
        ([1, 1], "on"),
        ([1, 0], "on, off after the next reboot"),
        ([0, 1], "off, on after the next reboot"),
    ],
)
def test_error_correction_is_a_note(asked, modes, finding):
    (found,) = asked(nvidia.ecc, nvmlDeviceGetEccMode=modes)
    assert (found.level, found.finding) == (Level.NOTE, finding)


@pytest.mark.parametrize(
    ("bits", "finding"),
    [(0x02, "application clocks"), (0x04, "power cap"), (0x11, "sync boost")],
)
def test_a_clock_held_by_a_setting_is_a_note(asked, bits, finding):
    (found,) = asked(nvidia.throttle, nvmlDeviceGetCurrentClocksEventReasons=bits)
    assert (found.level, found.finding) == (Level.NOTE, finding)


def test_a_gpu_without_a_feature_has_nothing_to_mend(observed, nvml):
    nvml.refuse("nvmlDeviceGetMigMode", "nvmlDeviceGetEccMode")
    seen = observed("doctor-vm", nvml=nvml)
    found = [*nvidia.mig(seen), *nvidia.ecc(seen)]
    assert [each.level for each in found] == [Level.OK, Level.OK]


def test_what_a_driver_does_not_tell_is_unknown(observed, nvml):
    nvml.refuse("nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetComputeRunningProcesses")
    seen = observed("doctor-vm", nvml=nvml)
    found = [*nvidia.power_cap(seen), *nvidia.processes(seen)]
    assert [(each.level, each.finding) for each in found] == [
        (Level.UNKNOWN, "nvmlDeviceGetEnforcedPowerLimit: Not Supported"),
        (Level.UNKNOWN, "nvmlDeviceGetComputeRunningProcesses: Not Supported"),
    ]


def test_gpus_are_told_apart_where_there_are_several(observed, nvml):
    nvml.answer(nvmlDeviceGetCount=3)
    nvml.nvmlDeviceGetHandleByIndex = lambda index: index
    nvml.nvmlDeviceGetPersistenceMode = lambda handle: int(handle == 1)
    found = nvidia.persistence(observed("doctor-vm", nvml=nvml))
    assert [(each.level, each.finding) for each in found] == [
        (Level.WARNING, "GPU 0, 2: off"),
        (Level.OK, "GPU 1: on"),
    ]


@pytest.mark.parametrize(
    ("check", "function", "bad", "good", "command"),
    [
        (nvidia.persistence, "PersistenceMode", 0, 1, "sudo nvidia-smi -i 0,2 -pm 1"),
        (nvidia.ecc, "EccMode", [1, 1], [0, 0], "sudo nvidia-smi -i 0,2 -e 0"),
        (
            nvidia.power_cap,
            "EnforcedPowerLimit",
            350_000,
            700_000,
            "sudo nvidia-smi -i 0,2 -pl 700",
        ),
        (nvidia.mig, "MigMode", [1, 1], [0, 0], "sudo nvidia-smi -i 0,2 -mig 0"),
    ],
)
def test_a_command_is_for_the_gpus_concerned(observed, nvml, check, function, bad, good, command):
    nvml.answer(nvmlDeviceGetCount=3)
    nvml.nvmlDeviceGetHandleByIndex = lambda index: index
    setattr(nvml, f"nvmlDeviceGet{function}", lambda handle: good if handle == 1 else bad)

    found = check(observed("doctor-vm", nvml=nvml))

    assert [each.command for each in found] == [command, ""]


def test_the_gpus_are_named_once(observed, nvml):
    nvml.answer(nvmlDeviceGetCount=2)
    (found,) = nvidia.gpu(observed("doctor-vm", nvml=nvml))
    assert (found.level, found.finding) == (Level.OK, "NVIDIA H200")


def test_a_machine_without_gpus_has_one_line_for_them(observed):
    seen = observed("doctor-vm")
    (found,) = nvidia.gpu(seen)
    assert (found.level, found.finding) == (Level.OK, "no NVIDIA driver here")
    assert [each for check in CHECKS for each in check(seen)] == []


def test_a_driver_that_nvml_cannot_ask_is_unknown(observed, nvml):
    nvml.refuse("nvmlInit")
    files = {"proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX"}
    (found,) = nvidia.gpu(observed("doctor-vm", files=files, nvml=nvml))
    assert (found.level, found.finding) == (Level.UNKNOWN, "NVML did not start: Not Supported")


def test_a_driver_without_devices_is_unknown(observed):
    (found,) = nvidia.gpu(observed("doctor-vm", files={"dev/nvidiactl": ""}))
    assert found.level is Level.UNKNOWN
    assert found.finding == "the driver is there, but NVML shows no device"
