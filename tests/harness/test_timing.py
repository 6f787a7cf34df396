import time
from dataclasses import replace

import numpy as np
import pytest

from engines.backends.fake import Fake
from engines.contract import resolve_options
from engines.fake.device import FakeSession
from harness.timing import clock_name, loop_name, make_loop, untimed_queries
from suites.case import Case

CASE = Case(model="m", backend="fake", precision="fp32", batch=1)


def session(**options):
    settings = {"cold_queries": 0, **options}
    case = replace(CASE, options=tuple(settings.items()))
    return FakeSession(resolve_options(Fake(), case), {"x": np.ones(3)})


def test_a_blocking_query_lasts_from_the_end_of_the_one_before_to_its_own():
    timings = make_loop(session(cold_queries=2))(5)()
    assert timings.wall_ns.tolist() == [10_000_000, 10_000_000, 1_000_000, 1_000_000, 1_000_000]
    assert timings.elapsed_ns == 23_000_000
    assert timings.wall_ns.sum() == timings.elapsed_ns
    assert timings.enqueue_ns is timings.gpu_compute_ns is timings.h2d_ns is timings.d2h_ns is None


def test_a_host_synchronised_query_lasts_from_its_first_call_to_its_wait():
    timings = make_loop(session(loop="host-synchronised"))(3)()
    assert timings.wall_ns.tolist() == [1_010_000] * 3
    assert timings.enqueue_ns.tolist() == [10_000] * 3
    assert timings.gpu_compute_ns is None
    assert timings.elapsed_ns == 3 * 1_010_000


def test_copies_are_inside_the_wall_time_and_outside_the_enqueue_time():
    timings = make_loop(session(loop="host-synchronised", transfers="copied"))(2)()
    assert timings.wall_ns.tolist() == [1_100_000] * 2
    assert timings.enqueue_ns.tolist() == [10_000] * 2


def test_events_split_a_query_into_copies_and_compute():
    timings = make_loop(session(loop="device-stamped", transfers="copied"))(4)()
    assert timings.h2d_ns.tolist() == [50_000] * 4
    assert timings.gpu_compute_ns.tolist() == [1_000_000] * 4
    assert timings.d2h_ns.tolist() == [50_000] * 4
    assert timings.wall_ns.tolist() == [1_100_000] * 4


def test_on_an_idle_stream_compute_time_holds_the_enqueue_before_it():
    timings = make_loop(session(loop="device-stamped"))(2)()
    assert timings.gpu_compute_ns.tolist() == [1_010_000] * 2
    assert timings.h2d_ns is None
    assert timings.d2h_ns is None


def test_a_queue_of_two_hides_the_enqueue_and_lengthens_the_latency():
    timings = make_loop(session(loop="host-synchronised", queue_depth=2))(4)()
    assert timings.wall_ns.tolist() == [2_000_000] * 4
    assert timings.elapsed_ns == 4 * 1_000_000


def test_two_streams_work_side_by_side():
    timings = make_loop(session(loop="device-stamped", streams=2))(4)()
    assert timings.elapsed_ns == 2 * 1_010_000
    assert timings.wall_ns.tolist() == [1_010_000] * 4


def test_fewer_queries_than_slots_are_timed_in_a_full_device_too():
    timings = make_loop(session(loop="device-stamped", streams=2, queue_depth=2))(1)()
    assert timings.wall_ns.tolist() == [2_000_000] * 4


@pytest.mark.parametrize("queries", [3, 20, 50])
def test_a_block_is_whole_rounds_so_that_its_rate_is_that_of_the_device(queries):
    options = {"loop": "host-synchronised", "enqueue_ns": 0, "latency_ns": 8_000_000}
    timings = make_loop(session(**options, streams=8, queue_depth=2))(queries)()
    assert len(timings.wall_ns) == {3: 16, 20: 32, 50: 64}[queries]
    assert timings.elapsed_ns == len(timings.wall_ns) * 1_000_000


@pytest.mark.parametrize("loop", ["host-synchronised", "device-stamped"])
def test_a_query_alone_is_the_only_one_also_with_several_slots(loop):
    opened = session(loop=loop, streams=2, queue_depth=2, cold_queries=1)
    assert make_loop(opened)(1, alone=True)().wall_ns.tolist() == [10_010_000]
    assert opened._queries == 1


def edges(opened, queries):
    """Return how many queries had begun, and the host's time, at each edge of a block."""
    seen = []
    make_loop(opened)(
        queries, edge=lambda: seen.append((opened._queries, opened.host_clock() // 1_000_000))
    )
    return seen


@pytest.mark.parametrize("loop", ["blocking", "host-synchronised"])
def test_the_edges_of_a_block_are_around_its_queries(loop):
    assert edges(session(loop=loop, enqueue_ns=0), 3) == [(0, 0), (3, 3)]


def test_the_untimed_queries_are_outside_the_edges():
    opened = session(loop="device-stamped", enqueue_ns=0, queue_depth=2)
    assert edges(opened, 4) == [(4, 2), (8, 6)]


def test_nothing_but_the_queries_is_between_the_edges():
    opened = session(loop="device-stamped", transfers="copied")
    made = []
    recorders = opened.clock.recorders
    opened.clock.recorders = lambda *asked: made.append("events") or recorders(*asked)
    make_loop(opened)(2, edge=lambda: made.append("edge"))
    assert made == ["events"] * 4 + ["edge"] * 2


@pytest.mark.parametrize(
    ("transfers", "stamped"),
    [
        ("bound", {"inputs-ready", "compute-done"}),
        ("copied", {"start", "inputs-ready", "compute-done", "end"}),
    ],
)
def test_a_query_records_no_event_that_times_nothing(transfers, stamped):
    opened = session(loop="device-stamped", transfers=transfers)
    asked = []
    recorders = opened.clock.recorders
    opened.clock.recorders = lambda mark, slots: asked.append(mark.value) or recorders(mark, slots)
    make_loop(opened)(2)
    assert (set(asked), len(asked)) == (stamped, len(stamped))


@pytest.mark.parametrize(("streams", "depth"), [(1, 2), (1, 4), (4, 1), (4, 2), (8, 2)])
def test_the_filling_and_the_emptying_of_the_device_do_not_bias_the_rate(streams, depth):
    options = {"loop": "host-synchronised", "enqueue_ns": 0, "latency_ns": 40_000_000}
    queries = 3 * streams * depth
    timings = make_loop(session(**options, streams=streams, queue_depth=depth))(queries)()
    assert timings.elapsed_ns / queries == pytest.approx(40_000_000 / streams)


def test_flushed_queries_are_slower_and_the_flushing_counts_nowhere():
    options = {"loop": "device-stamped", "l2": "flushed"}
    timings = make_loop(session(**options))(3)()
    assert timings.wall_ns.tolist() == [1_510_000] * 3
    assert timings.gpu_compute_ns.tolist() == [1_510_000] * 3
    assert timings.elapsed_ns == 3 * 1_510_000


def test_each_query_has_events_of_its_own_and_they_are_read_after_the_loop():
    opened = session(loop="device-stamped", cold_queries=2, queue_depth=2)
    clock, read = opened.clock, []
    elapsed_ns = clock.elapsed_ns
    clock.elapsed_ns = lambda *marks: read.append(marks) or elapsed_ns(*marks)
    finish = make_loop(opened)(4)
    assert read == []
    assert finish().gpu_compute_ns.tolist() == [1_000_000] * 4
    assert [(start.value, end.value) for start, end in read] == [("inputs-ready", "compute-done")]


def test_a_fence_is_the_last_call_of_a_query():
    opened = session(loop="device-stamped", transfers="copied")
    called = []
    opened.fence = (lambda: called.append("fence"),)
    opened.copy_out = (lambda: called.append("copy out"),)
    opened.enqueue = (lambda: called.append("enqueue"),)
    opened.wait = (lambda: called.append("wait"),)
    make_loop(opened)(2)
    assert called == ["enqueue", "copy out", "fence", "wait"] * 2


def test_caches_cannot_be_flushed_under_queries_in_flight():
    with pytest.raises(
        ValueError, match="^session: expected one slot where caches are flushed between queries$"
    ):
        make_loop(session(loop="device-stamped", l2="flushed", queue_depth=2))


def test_a_captured_graph_enqueues_in_a_tenth():
    captured = session(loop="host-synchronised", cuda_graph=True)
    captured.capture()
    assert make_loop(captured)(1)().enqueue_ns.tolist() == [1_000]


def test_the_loop_and_the_clock_are_named():
    assert loop_name(session()) == "blocking"
    assert loop_name(session(loop="host-synchronised")) == "host-synchronised"
    assert loop_name(session(loop="device-stamped")) == "device-stamped"
    real = session()
    assert clock_name(real) == "simulated"
    real.host_clock = None
    assert clock_name(real) == "perf_counter_ns"


def test_without_a_simulated_clock_the_monotonic_one_is_read():
    real = session()
    real.host_clock = None
    before = time.perf_counter_ns()
    timings = make_loop(real)(10)()
    assert 0 < timings.elapsed_ns <= time.perf_counter_ns() - before
    assert timings.wall_ns.sum() == timings.elapsed_ns


@pytest.mark.parametrize("options", [{"streams": 2}, {"transfers": "copied"}, {"l2": "flushed"}])
def test_a_session_that_blocks_and_yet_queues_or_copies_is_refused(options):
    with pytest.raises(
        ValueError, match="^session: expected one slot and no copies where enqueue blocks$"
    ):
        make_loop(session(**options))


@pytest.mark.parametrize(("slots", "untimed"), [(1, 0), (2, 4), (8, 16)])
def test_as_many_queries_as_slots_run_untimed_before_and_after(slots, untimed):
    assert untimed_queries(slots) == untimed
