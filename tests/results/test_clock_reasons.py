import pytest

from harness.machine.nvml import CLOCK_REASONS
from results.clock_reasons import throttles

SETTINGS = ("gpu_idle", "applications_clocks_setting", "sync_boost", "display_clock_setting")


@pytest.mark.parametrize("name", [*SETTINGS, "GpuIdle", "user-defined clocks", "None"])
def test_an_idle_gpu_and_a_clock_that_somebody_set_are_not_throttled(name):
    assert not throttles(name)


def test_every_other_reason_that_nvml_has_is_throttling():
    assert [name for name in CLOCK_REASONS if not throttles(name)] == list(SETTINGS)
    assert {"sw_power_cap", "hw_slowdown", "hw_thermal_slowdown"} <= set(CLOCK_REASONS)


def test_a_reason_of_a_newer_driver_is_throttling():
    assert throttles("unlisted_0x1000")
