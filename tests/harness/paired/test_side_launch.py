from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from harness.paired.side_launch import block_time_ns, side_launch
from harness.protocol import warmup_rule
from harness.wire import Message
from results.paired import CANDIDATE

WARMED = {"first_query_ns": 9, "elapsed_ns": 100, "queries": 10, "steady": True, "query_ns": 1.0}


def block(*wall_ns, cpu_ns=None, elapsed_ns=None, **more):
    elapsed_ns = sum(wall_ns) if elapsed_ns is None else elapsed_ns
    row = [len(wall_ns), elapsed_ns, elapsed_ns if cpu_ns is None else cpu_ns, 5, 7]
    arrays = {name: np.array(times, np.int64) for name, times in more.items()}
    return Message(
        header={"blocks": [row]}, arrays={"wall_ns": np.array(wall_ns, np.int64), **arrays}
    )


@pytest.fixture
def launch(side):
    """Return the launch of a side whose worker answered these blocks."""

    def make(*blocks, threads=1, loop="blocking", streams=1, disturbed=None):
        options = {"threads": threads, "streams": streams}
        found = side(CANDIDATE)
        planned = replace(found.ready.planned, options=options)
        found = replace(found, ready=replace(found.ready, planned=planned))
        warm = SimpleNamespace(
            rule=warmup_rule("cpu"),
            start_ns=1,
            opened=Message(header={"open_ns": 2, "loop": loop, "clock": "perf_counter_ns"}),
            warmed=Message(header=WARMED),
        )
        closed = Message(header={"facts": {"runtime": "fake"}})
        return side_launch(found, warm, blocks, closed, disturbed)

    return make


def test_a_block_becomes_its_order_statistics_and_usage(launch):
    wall_ns = range(1, 101)
    found = launch(block(*wall_ns, cpu_ns=4900), block(*([7] * 3)))
    blocks = found.blocks
    assert blocks.median_ns.tolist() == [50.5, 7.0]
    assert blocks.mean_ns.tolist() == [50.5, 7.0]
    assert blocks.p95_ns.tolist() == [95.0, 7.0]
    assert blocks.p99_ns.tolist() == [99.0, 7.0]
    assert blocks.queries.tolist() == [100, 3]
    assert blocks.elapsed_ns.tolist() == [5050, 21]
    assert blocks.cpu_ns.tolist() == [4900, 21]
    assert blocks.involuntary_switches.tolist() == [7, 7]
    assert blocks.disturbed.tolist() == [False, False]
    cold = (found.start_ns, found.open_ns, found.first_query_ns, found.warmup_ns)
    assert cold == (1, 2, 9, 100)
    assert (found.warmup_queries, found.steady, found.facts) == (10, True, {"runtime": "fake"})


@pytest.mark.parametrize(("cpu_ns", "disturbed"), [(970, False), (969, True)])
def test_a_single_thread_that_lacked_its_cpu_was_disturbed(launch, cpu_ns, disturbed):
    found = launch(block(1000, cpu_ns=cpu_ns), block(1000))
    assert found.blocks.disturbed.tolist() == [disturbed, False]
    assert found.clean_queries == 2 - disturbed


@pytest.mark.parametrize("more", [{"threads": 2}, {"loop": "host-synchronised"}])
def test_where_cpu_time_says_nothing_nothing_is_said(launch, more):
    found = launch(block(1000, cpu_ns=1), block(1000), **more)
    assert found.blocks.disturbed is None
    assert found.clean_queries == 2


def test_what_the_device_says_goes_before_cpu_time(launch):
    device = np.array([False, True])
    found = launch(block(1000, cpu_ns=1), block(1000), disturbed=device)
    assert found.blocks.disturbed.tolist() == [False, True]


def test_with_several_streams_all_statistics_are_elapsed_time_over_queries(launch):
    queued = {"loop": "device-stamped", "streams": 2}
    found = launch(block(10, 30, 20, 40, elapsed_ns=48), **queued)
    for times in (found.blocks.median_ns, found.blocks.mean_ns, found.blocks.p99_ns):
        assert times.tolist() == [12.0]
    assert (found.p95_ns, found.clean_p99_ns, found.clean_queries) == (12.0, 12.0, 4)


def test_the_devices_own_time_is_the_median_over_all_blocks(launch):
    found = launch(
        block(9, 9, 9, gpu_compute_ns=[1, 2, 3]), block(9, 9, gpu_compute_ns=[8, 9]), threads=2
    )
    assert found.gpu_compute_ns == 3.0
    assert launch(block(9)).gpu_compute_ns is None


def test_a_block_is_timed_by_its_median(launch):
    protocol = launch(block(1)).protocol
    assert block_time_ns(block(1, 2, 90), protocol) == 2.0
