"""The same layer on a real device. Work is copies and overwriting: there are no kernels here."""

import numpy as np
import pytest

from engines.contract import CaptureError, Mark
from engines.cuda import context as contexts
from engines.cuda import driver
from engines.cuda.clock import EventClock
from engines.cuda.context import opened
from engines.cuda.flush import flushing
from engines.cuda.graph import capture

pytestmark = pytest.mark.gpu
SIZE_BYTES = 64 << 20


@pytest.fixture(params=[False, True], ids=["spin", "block"])
def context(request):
    reason = driver.missing() or contexts.missing()
    if reason:
        pytest.skip(reason)
    with opened(driver.find(), blocking_sync=request.param) as context:
        yield context


def test_a_device_tells_what_engines_depend_on(context):
    device = driver.find()
    assert device.uuid.startswith(("GPU-", "MIG-"))
    assert device.sm.startswith("sm")
    assert device.name == device.name.strip()
    assert device.name.isprintable()
    assert 0 < context.free_bytes() <= context.total_bytes() <= device.memory_bytes
    assert context.l2_bytes() > 0


def test_what_is_captured_is_launched_and_timed(context):
    [stream] = context.streams(1)
    source, target = (context.pinned((SIZE_BYTES,), np.uint8) for _ in range(2))
    address = context.buffer(SIZE_BYTES)
    copies = (
        context.copies_in([(address, source)], stream),
        context.copies_out([(target, address)], stream),
    )
    launch = capture(context, stream, lambda: [copy() for copy in copies])
    clock = EventClock([stream])
    starts, ends = (clock.recorders(mark, [0, 0]) for mark in (Mark.START, Mark.END))
    [fence], [wait] = context.fences([stream])
    source[...], target[...] = 7, 0
    for start, end in zip(starts, ends, strict=True):
        start()
        launch()
        end()
    fence()
    wait()
    np.testing.assert_array_equal(target[::4096], 7)
    fastest_bytes_per_s = 1e12
    for elapsed_ns in clock.elapsed_ns(Mark.START, Mark.END):
        assert elapsed_ns > 2 * SIZE_BYTES / fastest_bytes_per_s * 1e9


def test_a_refused_capture_leaves_the_stream_usable(context):
    [stream] = context.streams(1)
    with pytest.raises(CaptureError, match="^the CUDA graph could not be captured: "):
        capture(context, stream, stream.synchronize)
    with pytest.raises(CaptureError, match="^the captured CUDA graph is empty: "):
        capture(context, stream, lambda: None)
    values = np.arange(4, dtype=np.float32)
    found, address = context.pinned((4,), np.float32), context.buffer(16)
    context.upload(address, values, stream)
    context.download(found, address, stream)
    np.testing.assert_array_equal(found, values)


def test_a_flush_overwrites_twice_the_cache(context):
    [stream] = context.streams(1)
    overwrite, wait = flushing(context, stream)
    clock = EventClock([stream])
    [start], [end] = (clock.recorders(mark, [0]) for mark in (Mark.START, Mark.END))
    start()
    overwrite()
    end()
    wait()
    [elapsed_ns] = clock.elapsed_ns(Mark.START, Mark.END)
    fastest_bytes_per_s = 2e13
    assert elapsed_ns > 2 * context.l2_bytes() / fastest_bytes_per_s * 1e9
