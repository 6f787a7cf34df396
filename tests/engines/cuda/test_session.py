"""A small session over the whole layer, timed by the real loops on the virtual clock."""

from functools import partial

import numpy as np
import pytest

from engines.cuda import driver, options
from engines.cuda.clock import EventClock
from engines.cuda.context import opened
from engines.cuda.flush import flushing
from engines.cuda.graph import capture
from harness.timing import make_loop

COMPUTE_NS, ENQUEUE_NS, LAUNCH_NS, COPY_NS, MEMSET_NS = 200_000, 5_000, 1_000, 10_000, 20_000
DEFAULTS = {option.name: option.default for option in options.OPTIONS}


class SmallSession:
    """Doubles its input, as a runtime's adapter would be written."""

    def __init__(self, context, machine, asked):
        self._context = context
        self._streams = context.streams(asked.streams)
        works = [machine.devices[0].stream(stream.handle) for stream in self._streams]
        self._buffers = [(context.buffer(16), context.buffer(16)) for _ in self._streams]
        self._stream_of = [self._streams[k] for k in asked.stream_of]
        values = np.arange(4, dtype=np.float32)
        for stream, (source, _) in zip(self._streams, self._buffers, strict=True):
            context.upload(source, values, stream)
        queries = [
            partial(work.compute, partial(self._double, machine, *buffers))
            for work, buffers in zip(works, self._buffers, strict=True)
        ]
        self.enqueue = [queries[k] for k in asked.stream_of]
        self.copy_in, self.copy_out = (), ()
        if asked.copied:
            self._copied(asked, values)
        self.fence, self.wait = context.fences(self._stream_of)
        self.flush = flushing(context, self._streams[0]) if asked.flushed else ()
        self.clock = EventClock(self._stream_of)
        self.host_clock = machine.clock.now_ns

    def capture(self):
        captured = [
            capture(self._context, stream, call)
            for stream, call in zip(self._stream_of, self.enqueue, strict=True)
        ]
        self.enqueue = captured

    def output(self):
        found = self._context.pinned((4,), np.float32)
        self._context.download(found, self._buffers[0][1], self._streams[0])
        return found.copy()

    def _copied(self, asked, values):
        ins = [self._context.pinned((4,), np.float32) for _ in asked.stream_of]
        outs = [self._context.pinned((4,), np.float32) for _ in asked.stream_of]
        for each in ins:
            each[...] = values
        self.copy_in = [
            self._context.copies_in([(self._buffers[k][0], ins[i])], self._streams[k])
            for i, k in enumerate(asked.stream_of)
        ]
        self.copy_out = [
            self._context.copies_out([(outs[i], self._buffers[k][1])], self._streams[k])
            for i, k in enumerate(asked.stream_of)
        ]

    @staticmethod
    def _double(machine, source, target):
        memory = machine.devices[0].memory
        values = memory.view(source, 16).view(np.float32)
        memory.view(target, 16).view(np.float32)[...] = values * 2


@pytest.fixture
def session(simulated):
    """Returns a function that opens a session with the device options given."""
    contexts = []

    def begin(fail="", **given):
        machine = simulated(fail=fail)
        context = opened(driver.find(), blocking_sync=False)
        contexts.append(context)
        made = context.__enter__()
        return SmallSession(made, machine, options.read({**DEFAULTS, **given}))

    yield begin
    for context in contexts:
        context.__exit__(None, None, None)


def timed(session, queries):
    return make_loop(session)(queries)()


def test_one_query_at_a_time_is_timed_to_the_nanosecond(session):
    opened_session = session()
    timings = timed(opened_session, 5)
    assert timings.wall_ns.tolist() == [COMPUTE_NS + ENQUEUE_NS] * 5
    assert timings.gpu_compute_ns.tolist() == [COMPUTE_NS + ENQUEUE_NS] * 5
    assert timings.enqueue_ns.tolist() == [ENQUEUE_NS] * 5
    assert timings.elapsed_ns == 5 * (COMPUTE_NS + ENQUEUE_NS)
    assert timings.h2d_ns is None
    np.testing.assert_array_equal(opened_session.output(), [0, 2, 4, 6])


def test_copies_are_timed_apart_from_the_compute(session):
    timings = timed(session(transfers="copied"), 3)
    assert timings.h2d_ns.tolist() == [COPY_NS] * 3
    assert timings.gpu_compute_ns.tolist() == [COMPUTE_NS] * 3
    assert timings.d2h_ns.tolist() == [COPY_NS] * 3
    assert timings.wall_ns.tolist() == [COMPUTE_NS + 2 * COPY_NS] * 3


def test_a_queue_hides_the_enqueueing(session):
    timings = timed(session(queue_depth=2), 6)
    assert timings.elapsed_ns == 6 * COMPUTE_NS
    assert timings.gpu_compute_ns.tolist() == [COMPUTE_NS] * 6
    assert timings.wall_ns.tolist() == [2 * COMPUTE_NS] * 6


def test_two_streams_work_side_by_side(session):
    timings = timed(session(streams=2), 6)
    assert timings.elapsed_ns == 3 * (COMPUTE_NS + ENQUEUE_NS)
    assert timings.gpu_compute_ns.tolist() == [COMPUTE_NS + ENQUEUE_NS] * 6


def test_a_captured_graph_is_launched_for_less(session):
    opened_session = session(cuda_graph=True)
    timed(opened_session, 1)
    opened_session.capture()
    timings = timed(opened_session, 4)
    assert timings.enqueue_ns.tolist() == [LAUNCH_NS] * 4
    assert timings.wall_ns.tolist() == [COMPUTE_NS + LAUNCH_NS] * 4
    np.testing.assert_array_equal(opened_session.output(), [0, 2, 4, 6])


def test_flushing_is_waited_for_and_not_timed(session):
    opened_session = session(l2="flushed")
    before = opened_session.host_clock()
    timings = timed(opened_session, 4)
    assert timings.wall_ns.tolist() == [COMPUTE_NS + ENQUEUE_NS] * 4
    assert timings.elapsed_ns == 4 * (COMPUTE_NS + ENQUEUE_NS)
    assert opened_session.host_clock() - before == timings.elapsed_ns + 4 * MEMSET_NS


def test_an_error_in_a_query_is_told_by_its_wait(session):
    opened_session = session(fail="compute@3")
    with pytest.raises(Exception, match="^cuEventSynchronize failed: an illegal memory access"):
        timed(opened_session, 5)


def test_an_output_that_was_not_waited_for_is_an_old_one(session):
    opened_session = session()
    address = opened_session._buffers[0][1]
    memory = opened_session._context
    opened_session.enqueue[0]()
    stale = memory.pinned((4,), np.float32)
    stale[...] = -1
    memory.copies_out([(stale, address)], opened_session._streams[0])()
    np.testing.assert_array_equal(stale, -1)
    opened_session._streams[0].synchronize()
    np.testing.assert_array_equal(stale, [0, 2, 4, 6])
