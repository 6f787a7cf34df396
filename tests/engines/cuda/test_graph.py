import numpy as np
import pytest

from engines.contract import CaptureError, EngineError
from engines.cuda import driver
from engines.cuda.context import opened
from engines.cuda.graph import capture

HINT = "Run the case with cuda_graph: false."


@pytest.fixture
def start(simulated):
    """Returns a function that opens a context on a machine: its parts."""
    contexts = []

    def begin(**script):
        machine = simulated(enqueue_ns=50, launch_ns=7, compute_ns=1000, **script)
        context = opened(driver.find(), blocking_sync=False)
        contexts.append(context)
        made = context.__enter__()
        [stream] = made.streams(1)
        return machine, made, stream, machine.devices[0].stream(stream.handle)

    yield begin
    for context in contexts:
        context.__exit__(None, None, None)


def test_a_launch_does_all_that_was_captured_at_the_cost_of_one_call(start):
    machine, context, stream, work = start()
    done = []

    def query():
        work.compute(lambda: done.append("first"))
        work.compute(lambda: done.append("second"))

    launch = capture(context, stream, query)
    assert (done, machine.clock.now_ns()) == ([], 100)
    stream.synchronize()
    assert (done, machine.clock.now_ns()) == ([], 100)
    launch()
    launch()
    assert machine.clock.now_ns() == 114
    stream.synchronize()
    assert done == ["first", "second"] * 2
    assert machine.clock.now_ns() == 107 + 4000


def test_without_a_graph_every_query_costs_what_it_enqueues(start):
    machine, _, stream, work = start()
    work.compute()
    work.compute()
    assert machine.clock.now_ns() == 100
    stream.synchronize()
    assert machine.clock.now_ns() == 2050


def test_copies_can_be_captured(start):
    _, context, stream, _ = start()
    source, target = (context.pinned((4,), np.float32) for _ in range(2))
    address = context.buffer(16)
    copies = [
        context.copies_in([(address, source)], stream),
        context.copies_out([(target, address)], stream),
    ]
    launch = capture(context, stream, lambda: [copy() for copy in copies])
    source[...], target[...] = 3, 0
    launch()
    stream.synchronize()
    np.testing.assert_array_equal(target, 3)


def works_as_before(machine, stream, work):
    before = machine.clock.now_ns()
    work.compute()
    stream.synchronize()
    return machine.clock.now_ns() - before == 1050


def test_a_refused_capture_is_told_and_the_stream_works_on(start):
    machine, context, stream, work = start(fail="capture")
    with pytest.raises(CaptureError) as refused:
        capture(context, stream, work.compute)
    assert refused.value.message == (
        "the CUDA graph could not be captured: cuStreamEndCapture failed: "
        "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED "
        "(operation failed due to a previous error during capture)"
    )
    assert refused.value.hint == HINT
    assert works_as_before(machine, stream, work)


def test_a_query_that_waits_cannot_be_captured(start):
    machine, context, stream, work = start()

    def query():
        work.compute()
        stream.synchronize()

    with pytest.raises(CaptureError) as refused:
        capture(context, stream, query)
    assert refused.value.message == (
        "the CUDA graph could not be captured: cuStreamSynchronize failed: "
        "operation not permitted when stream is capturing"
    )
    assert works_as_before(machine, stream, work)


def test_a_query_that_allocates_cannot_be_captured(start):
    machine, context, stream, work = start()
    with pytest.raises(CaptureError) as refused:
        capture(context, stream, lambda: context.buffer(4))
    assert refused.value.message == (
        "the CUDA graph could not be captured: cuMemAlloc failed: "
        "operation not permitted when stream is capturing"
    )
    assert works_as_before(machine, stream, work)


def test_a_query_that_raises_is_no_graph(start):
    machine, context, stream, work = start()

    def query():
        raise EngineError("build", "the runtime said no", "")

    with pytest.raises(CaptureError) as refused:
        capture(context, stream, query)
    assert refused.value.message == ("the CUDA graph could not be captured: the runtime said no")
    assert works_as_before(machine, stream, work)


def test_a_query_on_another_stream_is_no_empty_graph(start):
    machine, context, stream, work = start()
    [other] = context.streams(1)
    with pytest.raises(CaptureError) as refused:
        capture(context, stream, machine.devices[0].stream(other.handle).compute)
    assert refused.value.message == "the captured CUDA graph is empty: the query ran elsewhere"
    assert works_as_before(machine, stream, work)


def test_memory_that_ends_at_instantiation_is_told_as_such(start):
    machine, context, stream, work = start(fail="instantiate")
    with pytest.raises(EngineError) as refused:
        capture(context, stream, work.compute)
    assert (refused.value.kind, refused.value.message) == (
        "out-of-memory",
        "cuGraphInstantiate failed: CUDA_ERROR_OUT_OF_MEMORY (out of memory)",
    )
    assert works_as_before(machine, stream, work)


def test_a_launch_that_fails_raises(start):
    _, context, stream, work = start(fail="launch@2")
    launch = capture(context, stream, work.compute)
    launch()
    with pytest.raises(driver.DriverError) as failed:
        launch()
    assert str(failed.value) == (
        "cuGraphLaunch failed: CUDA_ERROR_LAUNCH_FAILED (unspecified launch failure)"
    )


def test_a_capture_on_a_device_that_broke_is_a_crash(start):
    _, context, stream, work = start(fail="compute@1")
    work.compute()
    with pytest.raises(Exception, match="illegal memory access"):
        stream.synchronize()
    with pytest.raises(EngineError) as refused:
        capture(context, stream, work.compute)
    assert refused.value.kind == "crash"


def test_graphs_end_with_their_context(simulated):
    machine = simulated()
    with opened(driver.find(), blocking_sync=False) as context:
        [stream] = context.streams(1)
        launch = capture(context, stream, machine.devices[0].stream(stream.handle).compute)
    with pytest.raises(driver.DriverError, match="^cuGraphLaunch failed: CUDA_ERROR_INVALID_VALUE"):
        launch()
