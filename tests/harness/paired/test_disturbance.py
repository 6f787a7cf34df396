import numpy as np
import pytest

from harness.machine.reading import Facts
from harness.paired.disturbance import Disturbance
from harness.telemetry.watch import Watch

IDLE = Facts(values={"idle_watts": None}, unknown={})


@pytest.fixture
def told(pynvml, gpu):
    """Return what is known of blocks between which NVML tells these things, in turn.

    Two workers, 11 and 12, are on the device.
    """

    def read(*states, pids=(11, 12)):
        def tell(**state):
            pynvml.restart(**state)
            pynvml.nvmlInit()
            pynvml.computing(*pids)

        found = gpu()
        pynvml.computing()
        device = Disturbance(Watch(device=None, gpu=found, idle=IDLE))
        for count, pid in enumerate((11, 12), start=1):
            pynvml.computing(*pids[:count])
            device.arrived(pid)
        for state in states:
            tell(**state)
            device.read()
        return device

    return read


def test_a_steady_device_disturbs_nothing(told):
    device = told(*[{"sm_mhz": 1980}] * 5)
    assert device.disturbed().tolist() == [False] * 4
    assert device.sm_mhz().tolist() == [1980.0] * 4


@pytest.mark.parametrize("reasons", [0x8, 0x20, 0x40, 0x80, 0x8 | 0x4])
def test_a_throttled_reading_disturbs_the_blocks_on_both_its_sides(told, reasons):
    device = told({}, {}, {"reasons": reasons}, {}, {})
    assert device.disturbed().tolist() == [False, True, True, False]


@pytest.mark.parametrize("reasons", [0x1, 0x2, 0x4, 0x10, 0x100])
def test_a_power_cap_and_what_somebody_set_disturb_nothing(told, reasons):
    assert not told(*[{"reasons": reasons}] * 5).disturbed().any()


@pytest.mark.parametrize(
    ("mhz", "disturbed"),
    [
        ((2000, 1960, 2000, 2000), [False] * 4),
        ((2000, 1959, 2000, 2000), [True, True, False, False]),
        ((2000, 2000, 1900, 1940), [False, False, True, True]),
        ((2000, 2000, 1900, 1900), [False] * 4),
    ],
)
def test_the_clock_is_held_against_that_of_the_other_sides_block_beside_it(told, mhz, disturbed):
    device = told({"sm_mhz": 345}, *[{"sm_mhz": each} for each in mhz])
    assert device.disturbed().tolist() == disturbed


def test_a_stranger_disturbs_and_the_workers_do_not(told):
    device = told({}, {}, {"others": "99"}, {}, {})
    assert device.disturbed().tolist() == [False, True, True, False]
    assert device.covariates()["gpu"]["other_pids"] == []


def test_in_a_container_workers_are_known_by_having_come(told):
    device = told({}, {"others": "99"}, {}, {}, {}, pids=(990_001, 990_002))
    assert device.disturbed().tolist() == [True, True, False, False]


def test_where_processes_are_hidden_the_clocks_still_tell(told):
    hidden = {"refuse": "nvmlDeviceGetComputeRunningProcesses", "others": "99"}
    device = told(hidden, hidden, {**hidden, "reasons": 0x40}, hidden, hidden)
    assert device.disturbed().tolist() == [False, True, True, False]
    assert device.covariates()["gpu"]["other_processes"] is None


@pytest.mark.parametrize(
    "refused", ["nvmlDeviceGetClockInfo", "nvmlDeviceGetCurrentClocksEventReasons"]
)
def test_a_reading_that_is_missing_disturbs_the_blocks_beside_it(told, refused):
    device = told({}, {}, {"refuse": refused}, {}, {})
    assert device.disturbed().tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    "refused", ["nvmlDeviceGetClockInfo", "nvmlDeviceGetCurrentClocksEventReasons"]
)
def test_a_device_that_never_tells_leaves_the_pair_untold(told, refused):
    assert told(*[{"refuse": refused}] * 5).disturbed() is None


def test_a_clock_that_is_not_told_is_no_number(told):
    device = told({}, {"refuse": "nvmlDeviceGetClockInfo"}, {})
    assert np.isnan(device.sm_mhz()).tolist() == [True, False]


@pytest.mark.parametrize("watch", [None, Watch(device=None, reason="gone", idle=IDLE)])
def test_without_a_device_that_is_watched_there_is_nothing(watch):
    device = Disturbance(watch)
    device.arrived(11)
    for _ in range(5):
        device.read()
    assert (device.disturbed(), device.covariates()) == (None, {})
