from dataclasses import replace

import numpy as np
import pytest

from results.aggregate import summarise
from results.upkeep.plausible import launch_problem, summary_problem, telemetry_problem


@pytest.fixture
def device(make_launch, protocol):
    """A launch of two slots, in which queries overlap."""
    loop = replace(protocol, loop="host-synchronised", queue_depth=2)
    return make_launch(0, protocol=loop)


def test_a_launch_that_agrees_has_no_problem(make_launch, device):
    assert launch_problem(make_launch()) is None
    assert launch_problem(device) is None
    assert launch_problem(replace(device, wall_ns=device.wall_ns * 2)) is None


def test_raw_timings_are_as_many_as_the_queries_of_the_blocks(make_launch):
    launch = make_launch()

    assert launch_problem(replace(launch, wall_ns=launch.wall_ns[1:])) == (
        "expected wall_ns of its 10 queries, got 9"
    )
    assert launch_problem(replace(launch, gpu_compute_ns=launch.wall_ns[2:])) == (
        "expected gpu_compute_ns of its 10 queries, got 8"
    )


def test_no_time_is_negative(make_launch):
    launch = make_launch()
    times = np.array([5] * 9 + [-3])

    assert launch_problem(replace(launch, enqueue_ns=times)) == (
        "expected enqueue_ns of 0 and up, got -3"
    )


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_queries_that_block_fill_their_blocks(make_launch, factor):
    launch = make_launch()
    off = (launch.wall_ns * factor).astype(np.int64)

    assert launch_problem(replace(launch, wall_ns=off)) == (
        f"expected queries of 10000000 ns together, as its blocks took, got {off.sum()} ns"
    )


def test_queries_in_slots_take_no_longer_than_all_slots_together(device):
    longer = device.wall_ns * 3

    assert launch_problem(replace(device, wall_ns=longer)) == (
        "expected queries of 10000000 ns together, as its blocks took, got 30000000 ns"
    )


def test_a_summary_is_of_the_launches_that_there_are(make_case, make_launch):
    summary = summarise(make_case(), [make_launch(number) for number in range(2)])

    assert summary_problem(summary, launches=2, queries=20) is None
    assert summary_problem(summary, launches=3, queries=30) is None
    assert summary_problem(summary, launches=1, queries=10) == (
        "expected at most the case's 1 launches, got 2"
    )
    assert summary_problem(summary, launches=2, queries=19) == (
        "expected the case's 19 queries, got 20"
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"samples": {"watts": (None, None)}}, None),
        ({"samples": {"watts": (3.0, -1.0)}}, "expected watts of 0 and up, got -1.0"),
        (
            {"clock_reasons": {"hw_slowdown": 1.5}},
            "expected a fraction of its samples with 'hw_slowdown', got 1.5",
        ),
        (
            {"energy_queries": None},
            "expected energy and the queries it was for, got one without the other",
        ),
    ],
)
def test_telemetry_agrees_with_itself(make_telemetry, changes, problem):
    assert telemetry_problem(make_telemetry(**changes)) == problem
