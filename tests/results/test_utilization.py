import pytest

from results.summary import Utilization
from results.telemetry import TelemetryRecord
from results.utilization import utilization


def record(**changes):
    fields = {
        "attempt": 0,
        "started_at": 1_767_323_060.5,
        "elapsed_ns": 5_000_000_000,
        "queries": 1000,
        "device_uuid": "GPU-1",
        "at_s": (0.05, 0.1, 0.15, 0.2),
    }
    return TelemetryRecord(**{**fields, **changes})


def test_each_series_has_the_figure_that_says_most_of_it():
    samples = {
        "sm_percent": (80.0, 90.0, None, 100.0),
        "memory_percent": (10.0, 20.0, 30.0, 40.0),
        "memory_used_bytes": (1e9, 3e9, 2e9, None),
        "process_memory_bytes": (5e8, 6e8, 6e8, 4e8),
        "watts": (200.0, 210.0, 220.0, 230.0),
        "temperature_c": (60.0, 64.0, 63.0, 61.0),
        "sm_mhz": (1700.0, 1000.0, 1740.0, 1720.0),
        "memory_mhz": (9501.0, 9501.0, 405.0, 9501.0),
        "pcie_rx_bytes_per_s": (1e6, 3e6, None, None),
        "pcie_tx_bytes_per_s": (None, None, None, 5e6),
    }

    assert utilization(record(samples=samples), batch=8) == Utilization(
        sm_percent=90.0,
        memory_percent=25.0,
        memory_used_bytes=3_000_000_000,
        process_memory_bytes=600_000_000,
        watts=215.0,
        sm_mhz=1710.0,
        sm_mhz_least=1000.0,
        memory_mhz=9501.0,
        temperature_c=64.0,
        pcie_rx_bytes_per_s=2e6,
        pcie_tx_bytes_per_s=5e6,
    )


def test_the_energy_of_a_sample_is_the_counter_s_over_the_samples_done_meanwhile():
    told = utilization(record(energy_joules=900.0, energy_queries=450.0, idle_watts=20.5), batch=8)

    assert (told.joules_per_sample, told.idle_watts) == (0.25, 20.5)


@pytest.mark.parametrize(
    "counted",
    [
        {"energy_joules": None, "energy_queries": 450.0},
        {"energy_joules": 900.0, "energy_queries": None},
        {"energy_joules": 900.0, "energy_queries": 0.0},
    ],
)
def test_without_the_counter_there_is_no_energy_whatever_the_power(counted):
    found = record(samples={"watts": (200.0,) * 4}, **counted)

    assert utilization(found, batch=8).joules_per_sample is None


def test_reasons_that_throttle_are_told_apart_from_settings_and_those_that_never_held():
    reasons = {"sw_power_cap": 0.8, "gpu_idle": 0.1, "hw_slowdown": 0.0, "board_limit": 0.2}

    told = utilization(record(clock_reasons=reasons), batch=1)

    assert told.throttling == {"board_limit": 0.2, "sw_power_cap": 0.8}
    assert told.clock_settings == {"gpu_idle": 0.1}


def test_a_pass_that_failed_says_why_and_nothing_else():
    failed = record(at_s=(), unknown={"telemetry": "the worker died"})

    assert utilization(failed, batch=1) == Utilization(unknown={"telemetry": "the worker died"})


def test_a_series_that_was_never_read_is_none():
    told = utilization(record(samples={"watts": (None,) * 4, "sm_mhz": (None,) * 4}), batch=1)

    assert (told.watts, told.sm_mhz, told.sm_mhz_least) == (None, None, None)
