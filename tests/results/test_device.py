from dataclasses import replace

import numpy as np
import pytest

from results.device import device_times, shared_share, throttling
from results.summary import DeviceTimes, Percentile, TooFewQueries


def seen(**gpu):
    return {"load1": 0.5, "gpu": gpu}


def test_device_times_are_medians_over_queries_where_every_launch_has_them(make_launch):
    times = np.arange(10, dtype=np.int64)
    launches = [
        make_launch(0, enqueue_ns=times, gpu_compute_ns=times),
        make_launch(1, enqueue_ns=times + 10),
    ]

    assert device_times(launches) == DeviceTimes(
        enqueue_ns=9.5, gpu_compute_ns=None, h2d_ns=None, d2h_ns=None
    )


def test_an_enqueue_that_waits_for_the_device_is_no_time_of_its_own(make_launch):
    times = np.full(10, 1000, np.int64)
    launch = make_launch(0, enqueue_ns=times, gpu_compute_ns=times, facts={"enqueue_waits": True})

    found = device_times([launch])

    assert (found.enqueue_ns, found.enqueue_share) == (None, None)
    assert found.gpu_compute_ns == 1000.0
    free = replace(launch, facts={})
    assert device_times([free]).enqueue_share == 1.0
    assert device_times([free, launch]).enqueue_ns is None


def test_host_latency_is_of_each_query_its_copies_and_its_computation(make_launch):
    compute = np.array([100, 200, 300], np.int64)
    copies = {"h2d_ns": np.array([70, 5, 5], np.int64), "d2h_ns": np.array([40, 1, 1], np.int64)}
    launch = make_launch(0, (1000,) * 3, gpu_compute_ns=compute, **copies)

    found = device_times([launch])
    assert (found.h2d_ns, found.gpu_compute_ns, found.d2h_ns) == (5.0, 200.0, 1.0)
    assert found.host_latency_ns == 210.0
    assert device_times([replace(launch, d2h_ns=None)]).host_latency_ns == 205.0


def test_without_copies_host_latency_is_gpu_compute(make_launch):
    compute = np.array([100, 200, 300], np.int64)

    found = device_times([make_launch(0, (1000,) * 3, gpu_compute_ns=compute)])

    assert found.host_latency_ns == found.gpu_compute_ns == 200.0


def test_p99_of_gpu_compute_needs_as_many_queries_as_any_percentile(make_launch):
    compute = np.random.default_rng(0).permutation(np.arange(1, 2001)) * 1000
    many = [make_launch(n, (1_000_000,) * 2000, gpu_compute_ns=compute) for n in range(2)]
    few = [make_launch(0, (1_000_000,) * 10, gpu_compute_ns=compute[:10])]

    p99 = device_times(many).gpu_compute_p99
    assert isinstance(p99, Percentile)
    assert p99.value_ns == 1_980_000
    assert device_times(few).gpu_compute_p99 == TooFewQueries(have=10, need=368)


def test_several_streams_have_no_latency_of_their_own(make_launch, protocol):
    compute = np.full(10, 1000, np.int64)
    launch = make_launch(0, protocol=replace(protocol, streams=2), gpu_compute_ns=compute)

    found = device_times([launch])

    assert found.gpu_compute_ns == 1000.0
    assert (found.host_latency_ns, found.gpu_compute_p99) == (None, None)


@pytest.mark.parametrize(("compute_ns", "share"), [(400, 0.25), (0, None)])
def test_enqueue_is_told_as_a_share_of_gpu_compute(make_launch, compute_ns, share):
    times = {"enqueue_ns": np.full(10, 100), "gpu_compute_ns": np.full(10, compute_ns)}

    assert device_times([make_launch(0, **times)]).enqueue_share == share


def test_a_launch_was_throttled_where_a_reason_held_before_or_after_it(make_launch):
    idle, capped = ["gpu_idle"], ["sw_power_cap", "gpu_idle"]
    launches = [
        make_launch(0, covariates={"before": seen(clock_reasons=idle)}),
        make_launch(1, covariates={"before": seen(clock_reasons=capped), "after": {}}),
        make_launch(
            2,
            covariates={
                "before": seen(clock_reasons=None),
                "after": seen(clock_reasons=[*capped, "hw_slowdown"]),
            },
        ),
        make_launch(3),
    ]

    assert throttling(launches) == {"hw_slowdown": 0.25, "sw_power_cap": 0.5}


def test_a_gpu_is_shared_where_others_computed_beside_a_launch(make_launch):
    launches = [
        make_launch(0, covariates={"before": seen(other_processes=0)}),
        make_launch(
            1, covariates={"before": seen(other_processes=0), "after": seen(other_processes=2)}
        ),
        make_launch(2, covariates={"before": seen(other_processes=None)}),
    ]

    assert shared_share(launches) == 0.5
    assert shared_share(launches[2:]) is None
    assert shared_share([make_launch(0)]) is None
