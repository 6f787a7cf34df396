from dataclasses import replace

import pytest

from results.aggregate import summarise
from results.notes import notes
from results.summary import DeviceTimes, Utilization

TIMES = DeviceTimes(enqueue_ns=40.0, gpu_compute_ns=50.0, h2d_ns=None, d2h_ns=None)


@pytest.fixture
def noted(make_case, make_launch, protocol):
    """Return the codes of a summary with these changes."""
    launches = [make_launch(number, started_at=100.0 * number) for number in range(5)]
    made = summarise(make_case(), launches)

    def run(*, streams=1, **changes):
        found = replace(made, protocol=replace(protocol, streams=streams), **changes)
        return set(notes(make_case(), launches, found)) - {"few-queries"}

    return run


def test_a_host_that_enqueues_within_80_percent_of_the_computation_is_quick_enough(noted):
    assert noted(device=replace(TIMES, enqueue_share=0.8)) == set()
    assert noted(device=replace(TIMES, enqueue_share=0.81)) == {"enqueue-bound"}
    assert noted(device=TIMES) == set()


def test_one_host_thread_enqueues_for_all_streams(noted):
    device = replace(TIMES, enqueue_share=0.21)

    assert noted(device=device, streams=3) == {"streams"}
    assert noted(device=device, streams=4) == {"streams", "enqueue-bound"}


@pytest.mark.parametrize(
    ("h2d_ns", "d2h_ns", "bound"),
    [(30.0, 20.0, False), (30.0, 21.0, True), (51.0, None, True), (None, None, False)],
)
def test_copies_that_take_longer_than_the_computation_are_noted(noted, h2d_ns, d2h_ns, bound):
    device = replace(TIMES, h2d_ns=h2d_ns, d2h_ns=d2h_ns)

    assert noted(device=device) == ({"transfer-bound"} if bound else set())
    assert noted(device=replace(device, gpu_compute_ns=None)) == set()


def test_throttling_is_noted_from_telemetry_and_from_launches(noted, make_launch, make_case):
    load = summarise(make_case(), [make_launch(0)]).load

    assert noted(utilization=Utilization(throttling={"sw_power_cap": 0.01})) == {"throttled"}
    assert noted(load=replace(load, throttling={"hw_slowdown": 0.2})) == {"throttled"}
    assert noted(utilization=Utilization(clock_settings={"gpu_idle": 1.0})) == set()


def test_other_processes_are_noted_from_telemetry_and_from_launches(noted, make_launch, make_case):
    load = summarise(make_case(), [make_launch(0)]).load

    assert noted(utilization=Utilization(other_processes=1)) == {"shared-gpu"}
    assert noted(load=replace(load, shared_share=0.2)) == {"shared-gpu"}
    assert noted(utilization=Utilization(other_processes=0)) == set()
    assert noted(load=replace(load, shared_share=0.0)) == set()
