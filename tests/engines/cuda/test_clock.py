import pytest

from engines.contract import Mark
from engines.cuda import driver
from engines.cuda.clock import EventClock
from engines.cuda.context import opened


@pytest.fixture
def machine(simulated):
    return simulated(enqueue_ns=5)


@pytest.fixture
def context(machine):
    del machine
    with opened(driver.find(), blocking_sync=False) as context:
        yield context


def test_the_clock_is_named_after_its_events(context):
    assert EventClock(context.streams(1)).name == "cuda-event"


def test_each_query_of_a_block_has_events_of_its_own(machine, context):
    streams = context.streams(2)
    works = [machine.devices[0].stream(stream.handle) for stream in streams]
    clock = EventClock(streams)
    starts = clock.recorders(Mark.INPUTS_READY, [0, 1, 0])
    ends = clock.recorders(Mark.COMPUTE_DONE, [0, 1, 0])
    for query, (slot, duration_ns) in enumerate([(0, 3000), (1, 500), (0, 7000)]):
        starts[query]()
        works[slot].work(duration_ns)
        ends[query]()
    context.synchronize()
    assert clock.elapsed_ns(Mark.INPUTS_READY, Mark.COMPUTE_DONE) == [3000, 500, 7000]


def test_a_shorter_block_reuses_the_events_and_tells_its_own_queries(machine, context):
    [stream] = context.streams(1)
    work = machine.devices[0].stream(stream.handle)
    clock = EventClock([stream])
    made = set()
    for durations_ns in ([10, 20, 30], [40, 50], [60, 70, 80]):
        slots = [0] * len(durations_ns)
        starts, ends = (clock.recorders(mark, slots) for mark in (Mark.START, Mark.END))
        made |= {id(call.func.__self__) for call in (*starts, *ends)}
        for start, end, duration_ns in zip(starts, ends, durations_ns, strict=True):
            start()
            work.work(duration_ns)
            end()
        stream.synchronize()
        assert clock.elapsed_ns(Mark.START, Mark.END) == durations_ns
    assert len(made) == 6


def test_times_are_rounded_from_the_driver_s_single_precision(machine, context):
    [stream] = context.streams(1)
    work = machine.devices[0].stream(stream.handle)
    clock = EventClock([stream])
    [start], [end] = (clock.recorders(mark, [0]) for mark in (Mark.START, Mark.END))
    start()
    work.work(123_456_789)
    end()
    stream.synchronize()
    assert clock.elapsed_ns(Mark.START, Mark.END) == [123_456_787]


def test_events_that_were_not_waited_for_are_refused_as_by_the_driver(machine, context):
    [stream] = context.streams(1)
    work = machine.devices[0].stream(stream.handle)
    clock = EventClock([stream])
    [start], [end] = (clock.recorders(mark, [0]) for mark in (Mark.START, Mark.END))
    start()
    work.work(100)
    end()
    with pytest.raises(Exception, match="^cuEventElapsedTime failed: device not ready$"):
        clock.elapsed_ns(Mark.START, Mark.END)
