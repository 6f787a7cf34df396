import sys

import numpy as np
import pytest

from engines.contract import Device, EngineError
from engines.cuda import context as contexts
from engines.cuda import driver
from engines.cuda.context import opened


@pytest.fixture
def machine(simulated):
    return simulated(memory_bytes=1 << 30, copy_ns=10, compute_ns=100, enqueue_ns=5)


@pytest.fixture
def device(machine):
    del machine
    return driver.find()


@pytest.fixture
def context(device):
    with opened(device, blocking_sync=False) as context:
        yield context


def test_pycuda_that_is_there_is_not_missing(simulated):
    simulated()
    assert contexts.missing() is None


def test_pycuda_that_is_not_installed_is_a_sentence(monkeypatch):
    monkeypatch.setattr("engines.cuda.context.find_spec", lambda _: None)
    assert contexts.missing() == (
        "pycuda is not installed. Install dyno with the 'cuda' extra (docs/gpu.md)."
    )


def test_pycuda_that_cannot_be_imported_is_told_with_its_reason(monkeypatch, tmp_path):
    (tmp_path / "pycuda").mkdir()
    (tmp_path / "pycuda" / "__init__.py").touch()
    (tmp_path / "pycuda" / "driver.py").write_text(
        "raise ImportError('libcuda.so.1: cannot open shared object file:\\nNo such file')"
    )
    for name in ("pycuda", "pycuda.driver"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert contexts.missing() == (
        "pycuda cannot be imported: libcuda.so.1: cannot open shared object file: No such file. "
        "Install it as docs/gpu.md says."
    )


@pytest.mark.parametrize(("blocking", "flags"), [(False, 1), (True, 4)])
def test_the_primary_context_is_retained_with_its_flags_and_released(
    machine, device, blocking, flags
):
    [simulated_device] = machine.devices
    with opened(device, blocking_sync=blocking):
        assert simulated_device.context_users == 1
        assert simulated_device.context_flags == flags
    assert simulated_device.context_users == 0


def test_after_the_context_no_other_is_current(device):
    from pycuda.driver import LogicError, mem_get_info

    with opened(device, blocking_sync=False):
        mem_get_info()
    with pytest.raises(LogicError, match="no currently active context"):
        mem_get_info()


def test_contexts_open_one_after_another(device):
    for _ in range(2):
        with opened(device, blocking_sync=False) as context:
            assert context.buffer(4)


def test_another_device_than_asked_for_is_refused(machine, device):
    other = Device(kind="cuda", uuid="GPU-7")
    with pytest.raises(EngineError) as refused, opened(other, blocking_sync=False):
        pass
    assert refused.value.kind == "environment"
    assert refused.value.message == f"device: expected GPU-7, got {device.uuid}"
    assert machine.devices[0].context_users == 0


def test_a_driver_that_does_not_start_is_told(simulated):
    simulated(devices=0)
    nothing = Device(kind="cuda")
    with pytest.raises(EngineError) as refused, opened(nothing, blocking_sync=False):
        pass
    assert (refused.value.kind, refused.value.message) == (
        "environment",
        "the NVIDIA driver sees no device. Run nvidia-smi to see why.",
    )


def test_buffers_live_until_the_context_ends(machine, device):
    memory = machine.devices[0].memory
    before = memory.free_bytes
    with opened(device, blocking_sync=False) as context:
        context.buffer(1000)
        context.buffer(0)
        assert (memory.allocations, memory.free_bytes) == (2, before - 1001)
    assert (memory.allocations, memory.free_bytes) == (0, before)


def test_memory_is_told_in_bytes(context):
    assert context.total_bytes() == 1 << 30
    assert context.free_bytes() == (1 << 30) - (256 << 20)
    context.buffer(1 << 20)
    assert context.free_bytes() == (1 << 30) - (257 << 20)


def test_memory_that_is_not_there_is_told_with_what_is(context):
    with pytest.raises(EngineError) as refused:
        context.buffer(1 << 30)
    assert (refused.value.kind, refused.value.message) == (
        "out-of-memory",
        "1073741824 bytes of device memory were wanted, 805306368 of 1073741824 are free",
    )
    assert context.buffer(1 << 20)


def test_pinned_memory_that_is_not_there_is_told(simulated):
    simulated(fail="pinned")
    device = driver.find()
    with pytest.raises(EngineError) as refused, opened(device, blocking_sync=False) as context:
        context.pinned((2, 3), np.float32)
    assert (refused.value.kind, refused.value.message, refused.value.hint) == (
        "out-of-memory",
        "the host gave no 24 bytes of pinned memory: cuMemHostAlloc failed: out of memory",
        "Lower the batch or another dimension, or use transfers: bound.",
    )


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((2, 3), np.float32), ((), np.int64), ((0, 4), np.float16), ((3,), np.bool_)],
)
def test_arrays_go_to_the_device_and_back(context, shape, dtype):
    [stream] = context.streams(1)
    values = np.ones(shape, dtype)
    address = context.buffer(values.nbytes)
    context.upload(address, values, stream)
    found = context.pinned(shape, dtype)
    found[...] = 0
    context.download(found, address, stream)
    assert (found.shape, found.dtype) == (values.shape, values.dtype)
    np.testing.assert_array_equal(found, values)


def test_types_that_numpy_has_not_are_copied_as_bytes(context):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    [stream] = context.streams(1)
    values = np.arange(4).astype(ml_dtypes.bfloat16)
    address = context.buffer(values.nbytes)
    context.upload(address, values, stream)
    found = context.pinned((4,), ml_dtypes.bfloat16)
    context.download(found, address, stream)
    np.testing.assert_array_equal(found, values)


def test_an_array_with_gaps_is_refused(context):
    [stream] = context.streams(1)
    with pytest.raises(ValueError, match="^array: expected a C-contiguous one. Copy it first.$"):
        context.copies_in([(context.buffer(64), np.zeros((4, 4), np.float32)[:, :2])], stream)


def test_copies_are_enqueued_in_order_and_not_waited_for(machine, context):
    [stream] = context.streams(1)
    first, second = (context.pinned((4,), np.float32) for _ in range(2))
    addresses = context.buffer(16), context.buffer(16)
    back = context.pinned((4,), np.float32)
    back[...] = -1
    copy_in = context.copies_in([(addresses[0], first), (addresses[1], second)], stream)
    copy_out = context.copies_out([(back, addresses[1])], stream)
    second[...] = 7
    copy_in()
    copy_out()
    assert machine.clock.now_ns() == 0
    np.testing.assert_array_equal(back, -1)
    stream.synchronize()
    assert machine.clock.now_ns() == 30
    np.testing.assert_array_equal(back, 7)


def test_a_copy_of_memory_that_is_not_pinned_waits(machine, context):
    [stream] = context.streams(1)
    context.copies_in([(context.buffer(16), np.zeros(4, np.float32))], stream)()
    assert machine.clock.now_ns() == 10


def test_streams_do_not_wait_for_each_other(machine, context):
    streams = context.streams(2)
    works = [machine.devices[0].stream(stream.handle) for stream in streams]
    assert works[0] is not works[1]
    works[0].work(1000)
    works[1].work(10)
    streams[1].synchronize()
    assert machine.clock.now_ns() == 10
    context.synchronize()
    assert machine.clock.now_ns() == 1000


def test_a_fence_is_waited_for_where_it_was_put(machine, context):
    [stream] = context.streams(1)
    work = machine.devices[0].stream(stream.handle)
    fence, wait = context.fences([stream, stream])
    work.work(100)
    fence[0]()
    work.work(100)
    fence[1]()
    wait[0]()
    assert machine.clock.now_ns() == 100
    wait[1]()
    assert machine.clock.now_ns() == 200


@pytest.mark.parametrize(("blocking", "flags"), [(False, 2), (True, 3)])
def test_fences_have_no_timing_and_sleep_where_asked(device, blocking, flags):
    with opened(device, blocking_sync=blocking) as context:
        [fence], _ = context.fences(context.streams(1))
        assert fence.func.__self__.flags == flags


def test_after_an_error_of_the_device_everything_is_released_all_the_same(simulated):
    machine = simulated(fail="compute")
    [simulated_device] = machine.devices
    from pycuda.driver import LogicError

    with pytest.raises(LogicError) as broken, opened(driver.find(), blocking_sync=True) as context:
        context.buffer(1000)
        context.pinned((4,), np.float32)
        [stream] = context.streams(1)
        simulated_device.stream(stream.handle).compute()
        stream.synchronize()
    meaning = contexts.explain(broken.value)
    assert (meaning.kind, meaning.message) == (
        "crash",
        "cuStreamSynchronize failed: an illegal memory access was encountered",
    )
    assert (simulated_device.memory.allocations, simulated_device.context_users) == (0, 0)


def test_what_was_given_for_the_end_is_called_the_latest_first(device):
    calls = []
    with opened(device, blocking_sync=False) as context:
        context.at_close(lambda: calls.append("first"))
        context.at_close(lambda: calls.append("second"))
    assert calls == ["second", "first"]
