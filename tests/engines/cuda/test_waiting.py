import pytest

from engines.contract import Device
from engines.cuda.context import opened
from engines.cuda.waiting import waits

DEVICE = Device(kind="cuda", uuid="GPU-00000000-5171-4a7e-8000-00000000c0de")


def test_work_that_is_only_submitted_does_not_wait(simulated):
    simulated(compute_ns=1_000)
    with opened(DEVICE, blocking_sync=False) as context:
        (stream,) = context.streams(1)
        assert waits(stream.pycuda_stream._stream.compute, stream) is False
        assert stream.pycuda_stream.is_done(), "nothing of it is left on the stream"


def test_a_call_that_synchronises_waits_however_long_it_takes(simulated):
    simulated(compute_ns=1_000)
    with opened(DEVICE, blocking_sync=False) as context:
        (stream,) = context.streams(1)
        assert waits(stream.synchronize, stream) is True


def test_a_call_that_takes_the_host_long_is_asked_again_with_more_work(simulated):
    machine = simulated(compute_ns=1_000)
    with opened(DEVICE, blocking_sync=False) as context:
        (stream,) = context.streams(1)

        def call():
            stream.pycuda_stream._stream.compute()
            machine.clock.spend(30_000_000)

        assert waits(call, stream) is False


def test_without_the_memory_for_more_work_it_is_not_known(simulated):
    simulated(memory_bytes=600 << 20)
    with opened(DEVICE, blocking_sync=False) as context:
        (stream,) = context.streams(1)
        assert waits(stream.synchronize, stream) is None


def test_the_memory_for_the_work_ahead_is_given_back(simulated):
    machine = simulated()
    with opened(DEVICE, blocking_sync=False) as context:
        (stream,) = context.streams(1)
        waits(stream.synchronize, stream)
        assert machine.devices[0].memory.allocations == 0


def test_without_the_memory_for_it_nothing_is_called(simulated):
    simulated(memory_bytes=300 << 20)
    with opened(DEVICE, blocking_sync=False) as context:
        (stream,) = context.streams(1)
        assert waits(pytest.fail, stream) is None
