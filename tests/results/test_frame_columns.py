from dataclasses import replace

import numpy as np
import pytest

from results.aggregate import summarise
from results.frame_columns import PATHS, READERS, TEXTS, WHOLE


@pytest.fixture
def device(make_case, make_cost, make_launch, make_telemetry, protocol):
    """A summary with everything that a summary can have."""
    times = np.random.default_rng(0).permutation(np.arange(1_000_000, 1_004_000))
    names = ("enqueue_ns", "gpu_compute_ns", "h2d_ns", "d2h_ns")
    loop = replace(protocol, loop="device-stamped")
    covariates = {"before": {"gpu": {"clock_reasons": ["hw_slowdown"], "other_processes": 1}}}
    launches = [
        make_launch(
            n, times, protocol=loop, covariates=covariates, **dict.fromkeys(names, times // 3)
        )
        for n in range(2)
    ]
    return summarise(make_case(cost=make_cost()), launches, make_telemetry())


def test_every_column_is_read_from_a_summary_that_has_everything(device):
    missing = {name for name, read in READERS.items() if read(device) is None}

    assert missing == {
        "disturbed_share",
        *(f"{field}_need" for field in ("p90", "p95", "p99", "p99_9")),
    }


def test_columns_of_text_and_of_whole_numbers_are_such(device):
    assert {type(READERS[name](device)) for name in TEXTS} == {str}
    assert {type(READERS[name](device)) for name in WHOLE} == {int}
    numbers = {type(READERS[name](device)) for name in PATHS if name not in (*TEXTS, *WHOLE)}
    assert numbers - {int, type(None)} == {float}


def test_the_readings_of_telemetry_are_columns(device):
    found = {name: READERS[name](device) for name in ("watts", "idle_watts", "joules_per_sample")}

    assert found == {"watts": 200.5, "idle_watts": 20.5, "joules_per_sample": 0.1}
    assert READERS["other_processes"](device) == 3


def test_throttling_has_the_greater_share_of_launches_and_telemetry(device):
    assert READERS["throttling"](device) == "hw_slowdown 1; sw_power_cap 0.5"


def test_what_could_not_be_read_is_a_text(device):
    assert READERS["telemetry_unknown"](device) == "performance_state: not supported"


def test_several_streams_leave_latencies_empty_and_bound_the_time_per_query(
    make_case, make_launch, protocol
):
    streams = replace(protocol, streams=2)
    found = summarise(make_case(), [make_launch(n, protocol=streams) for n in range(2)])

    empty = ("p50_ns", "p50_low_ns", "p99_ns", "p99_have", "mean_ns", "cv")
    assert {READERS[name](found) for name in empty} == {None}
    assert READERS["per_query_low_ns"](found) == pytest.approx(1e6)
