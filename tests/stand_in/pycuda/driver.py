"""Stands in for `pycuda.driver` 2026.1: what dyno uses of it, and refuses what pycuda refuses."""

import threading
from functools import wraps

import numpy as np
from simulated.errors import SimulatedError
from simulated.machine import machine
from simulated.stream import Event as SimulatedEvent


class Error(Exception):
    pass


class MemoryError(Error):
    pass


class LogicError(Error):
    pass


class LaunchError(Error):
    pass


class RuntimeError(Error):
    pass


_CLASSES = {
    "CUDA_ERROR_OUT_OF_MEMORY": MemoryError,
    "CUDA_ERROR_LAUNCH_FAILED": LaunchError,
    "CUDA_ERROR_NO_DEVICE": RuntimeError,
    "CUDA_ERROR_NOT_READY": RuntimeError,
    "CUDA_ERROR_ECC_UNCORRECTABLE": RuntimeError,
}


def _told(error, routine):
    return _CLASSES.get(error.name, LogicError)(f"{routine} failed: {error.text}")


def _calls(routine):
    """Tell an error of the simulated driver in pycuda's class and words."""

    def decorate(function):
        @wraps(function)
        def call(*arguments, **named):
            try:
                return function(*arguments, **named)
            except SimulatedError as error:
                raise _told(error, routine) from None

        return call

    return decorate


class device_attribute:
    L2_CACHE_SIZE = 38


class event_flags:
    DEFAULT = 0
    BLOCKING_SYNC = 1
    DISABLE_TIMING = 2


_state = threading.local()


def _stack():
    if not hasattr(_state, "contexts"):
        _state.contexts = []
    return _state.contexts


def _current(routine="explicit_context_dependent"):
    if not _stack():
        raise LogicError(f"{routine} failed: invalid device context - no currently active context?")
    return _stack()[-1]


@_calls("cuInit")
def init(flags=0):
    if machine().fails("init"):
        raise SimulatedError("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH")
    if not machine().devices:
        raise SimulatedError("CUDA_ERROR_NO_DEVICE")


class Device:
    @_calls("cuDeviceGet")
    def __init__(self, number):
        if not 0 <= number < len(machine().devices):
            raise SimulatedError("CUDA_ERROR_INVALID_DEVICE")
        self._device = machine().devices[number]

    def get_attribute(self, attribute):
        return {device_attribute.L2_CACHE_SIZE: self._device.l2_bytes}[attribute]

    def retain_primary_context(self):
        self._device.context_users += 1
        return Context(self._device)


class Context:
    def __init__(self, device):
        self._device = device
        self._valid = True

    def push(self):
        _stack().append(self)

    @staticmethod
    @_calls("cuCtxPopCurrent")
    def pop():
        if not _stack():
            raise LogicError(
                "context::pop failed: invalid device context - cannot pop non-current context"
            )
        _stack().pop()._device.check()

    def detach(self):
        if not self._valid:
            problem = "invalid device context - cannot detach from invalid context"
            raise LogicError(f"context::detach failed: {problem}")
        self._valid = False
        self._device.context_users -= 1
        machine().left_current = self  # pycuda takes a primary context off no thread

    @staticmethod
    def get_device():
        device = object.__new__(Device)
        device._device = _current()._device
        return device

    @staticmethod
    @_calls("cuCtxSynchronize")
    def synchronize():
        _current("cuCtxSynchronize")._device.synchronize()


class Stream:
    @_calls("cuStreamCreate")
    def __init__(self, flags=0):
        if flags not in (0, 1):
            raise SimulatedError("CUDA_ERROR_INVALID_VALUE")
        device = _current()._device
        device.check()
        self._stream = device.new_stream()

    @property
    def handle(self):
        return self._stream.handle

    @_calls("cuStreamSynchronize")
    def synchronize(self):
        self._stream.synchronize()

    @_calls("cuStreamQuery")
    def is_done(self):
        return self._stream.is_done()

    @_calls("cuStreamWaitEvent")
    def wait_for_event(self, event):
        self._stream.wait_for(event._event)


class Event:
    @_calls("cuEventCreate")
    def __init__(self, flags=0):
        _current()._device.check()
        self.flags = flags
        self._event = SimulatedEvent(timing=not flags & event_flags.DISABLE_TIMING)

    @_calls("cuEventRecord")
    def record(self, stream=None):
        if not isinstance(stream, Stream):
            raise TypeError(
                "No registered converter was able to produce a C++ rvalue of type stream"
            )
        self._event.record(stream._stream)
        return self

    @_calls("cuEventSynchronize")
    def synchronize(self):
        self._event.synchronize()
        return self

    @_calls("cuEventElapsedTime")
    def time_since(self, event):
        return float(np.float32(self._event.elapsed_ns(event._event) / 1e6))


class DeviceAllocation:
    def __init__(self, memory, address):
        self._memory, self._address = memory, address

    def __int__(self):
        return self._address

    __index__ = __int__

    def free(self):
        if self._memory is None:
            raise LogicError("device_allocation::free failed: invalid resource handle")
        self._memory.free(self._address)
        self._memory = None


@_calls("cuMemAlloc")
def mem_alloc(size):
    device = _current()._device
    device.check()
    _refuse_in_captures(device)
    if machine().fails("memory"):
        raise SimulatedError("CUDA_ERROR_OUT_OF_MEMORY")
    return DeviceAllocation(device.memory, device.memory.allocate(size))


def _refuse_in_captures(device):
    """Refuse what a thread-local capture of this thread refuses, and spoil it."""
    for stream in device.streams:
        stream.refuse_while_capturing()


@_calls("cuMemGetInfo")
def mem_get_info():
    device = _current()._device
    device.check()
    return device.memory.free_bytes, device.memory.total_bytes


_pinned = {}


class PagelockedHostAllocation:
    """What owns a page-locked array: its `base`."""

    def __init__(self, array):
        self._array = array
        self.__array_interface__ = array.__array_interface__
        _pinned[array.ctypes.data] = array.nbytes

    def free(self):
        if _pinned.pop(self._array.ctypes.data, None) is None:
            raise LogicError("pagelocked_host_allocation::free failed: invalid resource handle")


@_calls("cuMemHostAlloc")
def pagelocked_empty(shape, dtype, order="C", mem_flags=0):
    _current()._device.check()
    if machine().fails("pinned"):
        raise SimulatedError("CUDA_ERROR_OUT_OF_MEMORY")
    return np.asarray(PagelockedHostAllocation(np.empty(shape, dtype, order)))


def _is_pinned(array):
    address = array.ctypes.data
    return any(start <= address < start + size for start, size in _pinned.items())


def _flat(array, *, writable):
    """Return the bytes of what has a contiguous buffer; raises as pycuda does."""
    view = memoryview(array)
    if not view.contiguous:
        raise ValueError("ndarray is not contiguous")
    if writable and view.readonly:
        raise ValueError("buffer source array is read-only")
    return np.frombuffer(view, np.uint8)


@_calls("cuMemcpyHtoDAsync")
def memcpy_htod_async(dest, src, stream=None):
    source = _flat(src, writable=False)
    target = _device_bytes(dest, source.nbytes)
    _copy(target, source, stream, host=source)


@_calls("cuMemcpyDtoHAsync")
def memcpy_dtoh_async(dest, src, stream=None):
    target = _flat(dest, writable=True)
    source = _device_bytes(src, target.nbytes)
    _copy(target, source, stream, host=target)


def _device_bytes(address, size):
    try:
        return _current()._device.memory.view(int(address), size)
    except SimulatedError:
        raise SimulatedError("CUDA_ERROR_INVALID_VALUE") from None


def _copy(target, source, stream, *, host):
    """Enqueue a copy; where the host's memory is not pinned, the host waits for it."""
    stream._stream.work(machine().script.copy_ns, lambda: np.copyto(target, source))
    if not _is_pinned(host):
        stream._stream.synchronize()


class _Fill:
    """Overwrites memory; right after the same once more it takes the device's time alone."""

    def __init__(self, target, value, *, after):
        self._target, self._value = target, value
        self.what = target.ctypes.data, target.size, value
        self._is_again = isinstance(after, _Fill) and after.what == self.what

    def __call__(self):
        if not self._is_again:
            self._target.fill(self._value)


_MEMSET_BYTES = 64 << 20
"""What is overwritten in `memset_ns`; more takes longer."""


@_calls("cuMemsetD8Async")
def memset_d8_async(dest, data, size, stream=None):
    fill = _Fill(_device_bytes(dest, size), data, after=stream._stream.last)
    share = max(1, size // _MEMSET_BYTES)
    stream._stream.work(share * machine().script.memset_ns, fill)
