import pytest

from harness.machine.nvml import CLOCK_REASONS, opened
from harness.machine.reading import UnknownFactError, collect
from harness.telemetry.gpu import find_gpu, others, worker_among

MIG = "MIG-5f3c0000-0000-0000-0000-000000000001"


def test_a_sample_has_everything_with_its_unit(gpu, pynvml):
    device = gpu(process_mib=512, others="7,8")
    pynvml.computing(4711)
    sample = device.sample(worker_among(4711, {7, 8}))
    assert sample.unknown == {}
    assert sample.values == {
        "sm_percent": 90,
        "memory_percent": 40,
        "memory_used_bytes": 1 << 30,
        "process_memory_bytes": 512 << 20,
        "watts": 300.0,
        "temperature_c": 55,
        "sm_mhz": 1980,
        "memory_mhz": 2619,
        "pcie_rx_bytes_per_s": 1_000_000,
        "pcie_tx_bytes_per_s": 500_000,
        "clock_reasons": ["sw_power_cap"],
        "performance_state": "P0",
        "other_processes": 2,
    }


def test_a_mig_instance_has_the_clocks_of_its_card_and_no_power_of_its_own(gpu, pynvml):
    device = gpu(MIG, mig=MIG)
    pynvml.computing(4711)
    sample = device.sample(worker_among(4711, ()))
    assert sample.values["sm_mhz"] == 1980
    assert sample.values["temperature_c"] == 55
    assert sample.values["clock_reasons"] == ["sw_power_cap"]
    assert sample.values["process_memory_bytes"] == 512 << 20
    assert sample.unknown == {
        "watts": "a MIG instance has no power reading of its own",
        "sm_percent": "a MIG instance has no utilization of its own",
        "memory_percent": "a MIG instance has no utilization of its own",
        "pcie_rx_bytes_per_s": "a MIG instance has no PCIe counter of its own",
        "pcie_tx_bytes_per_s": "a MIG instance has no PCIe counter of its own",
    }
    energy = collect({"mj": device.millijoules})
    assert energy.unknown == {"mj": "a MIG instance has no energy counter of its own"}


@pytest.mark.parametrize(
    ("told", "name", "reason"),
    [
        (
            {"refuse": "nvmlDeviceGetPowerUsage=NO_PERMISSION"},
            "watts",
            "nvmlDeviceGetPowerUsage: Insufficient Permissions",
        ),
        (
            {"refuse": "nvmlDeviceGetMemoryInfo=GPU_IS_LOST"},
            "memory_used_bytes",
            "nvmlDeviceGetMemoryInfo: GPU is lost",
        ),
        (
            {"lacks": "nvmlDeviceGetPerformanceState"},
            "performance_state",
            "nvmlDeviceGetPerformanceState: Function Not Found",
        ),
        (
            {"process_mib": -1},
            "process_memory_bytes",
            "NVML does not tell how much memory a process holds here",
        ),
    ],
)
def test_what_nvml_does_not_tell_has_its_reason_alone(gpu, pynvml, told, name, reason):
    device = gpu(**told)
    pynvml.computing(4711)
    assert device.sample(worker_among(4711, ())).unknown == {name: reason}


def test_a_worker_that_nvml_does_not_list_has_no_memory(gpu):
    sample = gpu(others="7").sample(worker_among(4711, {7}))
    assert sample.unknown == {"process_memory_bytes": "NVML does not list the worker's process"}
    assert sample.values["other_processes"] == 1


def test_where_not_even_the_worker_is_listed_others_are_not_known_to_be_none(gpu):
    sample = gpu().sample(worker_among(4711, ()))
    hidden = "NVML does not list the worker's process"
    assert sample.unknown == {"process_memory_bytes": hidden, "other_processes": hidden}


@pytest.mark.parametrize(
    ("uuid", "reason"),
    [
        ("GPU-none", "nvmlDeviceGetHandleByUUID: Not Found"),
        ("", "the device's UUID is not known, so NVML cannot be asked about it"),
    ],
)
def test_a_device_that_nvml_does_not_have_is_told(pynvml, uuid, reason):
    with opened(pynvml) as nvml, pytest.raises(UnknownFactError) as caught:
        find_gpu(nvml, uuid)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("listed", "before", "own"),
    [
        ((4711, 7), (7,), 4711),
        ((990_001, 7), (7,), 990_001),
        ((990_001, 990_002, 7), (7,), None),
        ((7,), (7,), None),
        ((4711,), (), 4711),
    ],
)
def test_the_worker_is_known_by_its_pid_or_as_the_only_one_that_came(listed, before, own):
    pids = dict.fromkeys(listed)
    worker = worker_among(4711, before)
    assert worker(pids) == own
    assert others(pids, worker) == sorted(set(listed) - {own})


@pytest.mark.gpu
def test_a_real_gpu_tells_its_state_and_energy():
    try:
        with opened() as nvml:
            handle = nvml.ask("nvmlDeviceGetHandleByIndex", 0)
            device = find_gpu(nvml, nvml.ask("nvmlDeviceGetUUID", handle))
            sample, millijoules = device.sample(worker_among(0, ())), device.millijoules()
    except UnknownFactError as error:
        pytest.skip(str(error))
    told = sample.values
    assert 0 < told["memory_used_bytes"] < 1 << 40
    assert 1 < told["watts"] < 2000
    assert 5 < told["temperature_c"] < 120
    assert 100 < told["sm_mhz"] < 5000
    assert set(told["clock_reasons"]) <= set(CLOCK_REASONS)
    assert millijoules > 0
