from harness.machine.reading import Facts
from harness.telemetry.around import Around
from harness.telemetry.watch import Watch

IDLE = Facts(values={"idle_watts": None}, unknown={})


def test_a_launch_has_the_state_of_its_busy_device(gpu, pynvml, device):
    around = Around(Watch(device=device, gpu=gpu(others="7"), idle=IDLE))
    pynvml.computing(4711)
    assert around.read(4711) == {
        "gpu": {
            "memory_used_bytes": 1 << 30,
            "watts": 300.0,
            "temperature_c": 55,
            "sm_mhz": 1980,
            "memory_mhz": 2619,
            "clock_reasons": ["sw_power_cap"],
            "performance_state": "P0",
            "other_pids": [7],
            "other_processes": 1,
        }
    }


def test_in_a_container_the_worker_is_not_taken_for_another(gpu, pynvml, device):
    around = Around(Watch(device=device, gpu=gpu(others="7"), idle=IDLE))
    pynvml.computing(990_001)
    assert around.read(4711)["gpu"]["other_pids"] == [7]


def test_what_nvml_hides_is_none(gpu, device):
    watch = Watch(
        device=device,
        gpu=gpu(refuse="nvmlDeviceGetComputeRunningProcesses,nvmlDeviceGetPowerUsage"),
        idle=IDLE,
    )
    found = Around(watch).read(4711)["gpu"]
    assert (found["watts"], found["other_pids"], found["other_processes"]) == (None, None, None)


def test_where_not_even_the_worker_is_listed_nobody_knows_of_others(gpu, device):
    found = Around(Watch(device=device, gpu=gpu(), idle=IDLE)).read(4711)["gpu"]
    assert (found["other_pids"], found["other_processes"]) == (None, None)


def test_without_a_device_that_is_watched_there_is_nothing(device):
    assert Around(None).read(4711) == {}
    assert Around(Watch(device=device, reason="gone", idle=IDLE)).read(4711) == {}
