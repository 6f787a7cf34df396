"""A context on the one visible device: streams, device and pinned buffers, copies. On pycuda.

Nothing here decides: buffers live until the context ends, and every call does what it is named.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from engines.contract import EngineError
from engines.cuda import driver
from engines.cuda.explain import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import DTypeLike, NDArray

    from engines.contract import Call, Device

    Array = NDArray[np.generic]

_NO_PINNED = "Lower the batch or another dimension, or use transfers: bound."
_NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING: the stream never waits for the default one, so it can be captured."""


def missing() -> str | None:
    """Return why pycuda cannot be used here and what to do, or None; tries to import it."""
    if find_spec("pycuda") is None:
        return "pycuda is not installed. Install dyno with the 'cuda' extra (docs/gpu.md)."
    try:
        import pycuda.driver  # noqa: F401
    except ImportError as error:
        core = " ".join(str(error).split())
        return f"pycuda cannot be imported: {core}. Install it as docs/gpu.md says."
    return None


@contextmanager
def opened(device: Device, *, blocking_sync: bool) -> Iterator[Context]:
    """Make the device's primary context current, and release all that was made in it at the end.

    `device` must be the first one that this process sees. The host sleeps while it waits, where
    `blocking_sync`, else it spins. Runtimes that use the CUDA runtime API share the context. Raises
    EngineError; what the releasing itself fails with is dropped, for after an error of the device
    every call fails.
    """
    try:
        _expect(device)
        context = _retained(blocking_sync=blocking_sync)
    except driver.DeviceError as error:
        raise EngineError("environment", str(error), "Run `dyno doctor`.") from error
    except Exception as error:
        raise explain(error, default="environment") from error
    try:
        yield context
    finally:
        context.close()


class Stream:
    """A stream of the context; `handle` is its `CUstream` as an integer."""

    def __init__(self, pycuda_stream: Any) -> None:
        self.pycuda_stream = pycuda_stream
        self.handle = int(pycuda_stream.handle)
        self.synchronize: Call = pycuda_stream.synchronize


class Context:
    """What lives on the device until `close`. Sizes are in bytes, addresses the device's own."""

    def __init__(self, pycuda_context: Any, *, blocking_sync: bool) -> None:
        self._blocking_sync = blocking_sync
        self._stack = ExitStack()
        self.at_close(_pop_current)
        self.at_close(pycuda_context.detach)
        self.at_close(pycuda_context.pop)

    def at_close(self, release: Callable[[], object]) -> None:
        """Call `release` when the context ends, the latest first, whatever it raises."""
        self._stack.callback(_quietly, release)

    def close(self) -> None:
        """Wait for the device, then release everything."""
        self.at_close(self.synchronize)
        self._stack.close()

    def synchronize(self) -> None:
        """Wait for all streams. Raises pycuda's errors."""
        from pycuda.driver import Context as PycudaContext

        PycudaContext.synchronize()

    def streams(self, count: int) -> tuple[Stream, ...]:
        """Return new streams that do not wait for the default one, nor it for them."""
        from pycuda.driver import Stream as PycudaStream

        return tuple(Stream(PycudaStream(_NON_BLOCKING)) for _ in range(count))

    def buffer(self, size_bytes: int) -> int:
        """Return the address of new device memory, one byte at least. Raises EngineError."""
        from pycuda.driver import Error, mem_alloc

        try:
            allocation = mem_alloc(max(1, size_bytes))
        except Error as error:
            raise self._no_room(error, size_bytes) from error
        self.at_close(allocation.free)
        return int(allocation)

    def pinned(self, shape: Sequence[int], dtype: DTypeLike) -> Array:
        """Return a new page-locked array, its values undefined. Raises EngineError."""
        import numpy as np
        from pycuda.driver import Error, pagelocked_empty

        wanted = np.dtype(dtype)
        size_bytes = int(np.prod(shape, dtype=np.int64)) * wanted.itemsize
        try:
            raw = pagelocked_empty(max(1, size_bytes), np.uint8)
        except Error as error:
            meaning = explain(error, default="build")
            text = f"the host gave no {size_bytes} bytes of pinned memory: {meaning.message}"
            hint = _NO_PINNED if meaning.kind == "out-of-memory" else meaning.hint
            raise EngineError(meaning.kind, text, hint) from error
        self.at_close(raw.base.free)
        array: Array = raw[:size_bytes].view(wanted).reshape(tuple(shape))
        return array

    def upload(self, address: int, array: Array, stream: Stream) -> None:
        """Copy an array to the device on the stream, and wait for that."""
        self.copies_in([(address, array)], stream)()
        stream.synchronize()

    def download(self, array: Array, address: int, stream: Stream) -> None:
        """Fill a contiguous array from the device on the stream, and wait for that."""
        self.copies_out([(array, address)], stream)()
        stream.synchronize()

    def copies_in(self, pairs: Sequence[tuple[int, Array]], stream: Stream) -> Call:
        """Return the call that enqueues a copy to each address from its array, in order.

        The arrays are pinned, or the copies wait; they are read when the device comes to them.
        """
        from pycuda.driver import memcpy_htod_async

        queue = stream.pycuda_stream
        return _one_after_the_other(
            [partial(memcpy_htod_async, to, _bytes(array), queue) for to, array in pairs]
        )

    def copies_out(self, pairs: Sequence[tuple[Array, int]], stream: Stream) -> Call:
        """Return the call that enqueues a copy to each array from its address, in order."""
        from pycuda.driver import memcpy_dtoh_async

        queue = stream.pycuda_stream
        return _one_after_the_other(
            [partial(memcpy_dtoh_async, _bytes(array), source, queue) for array, source in pairs]
        )

    def fences(self, stream_of: Sequence[Stream]) -> tuple[Sequence[Call], Sequence[Call]]:
        """Return each slot's `fence` and `wait`: an event without timing, recorded and waited for.

        `stream_of` has the stream of each slot.
        """
        from pycuda.driver import Event, event_flags

        flags = int(event_flags.DISABLE_TIMING)
        if self._blocking_sync:
            flags |= int(event_flags.BLOCKING_SYNC)
        events = [Event(flags) for _ in stream_of]
        fence = [
            partial(event.record, stream.pycuda_stream)
            for event, stream in zip(events, stream_of, strict=True)
        ]
        return fence, [event.synchronize for event in events]

    def free_bytes(self) -> int:
        """Return the device memory that is free now, for all processes."""
        from pycuda.driver import mem_get_info

        return int(mem_get_info()[0])

    def total_bytes(self) -> int:
        """Return all of the device's memory."""
        from pycuda.driver import mem_get_info

        return int(mem_get_info()[1])

    def l2_bytes(self) -> int:
        """Return the size of the device's L2 cache."""
        from pycuda.driver import Context as PycudaContext
        from pycuda.driver import device_attribute

        return int(PycudaContext.get_device().get_attribute(device_attribute.L2_CACHE_SIZE))

    def _no_room(self, error: Exception, size_bytes: int) -> EngineError:
        meaning = explain(error, default="build")
        if meaning.kind != "out-of-memory":
            return meaning
        free, total = self.free_bytes(), self.total_bytes()
        text = f"{size_bytes} bytes of device memory were wanted, {free} of {total} are free"
        return EngineError(meaning.kind, text, meaning.hint)


def _expect(device: Device) -> None:
    first = driver.devices()[0]
    if device.uuid and first.uuid != device.uuid:
        raise driver.DeviceError(f"device: expected {device.uuid}, got {first.uuid}")


def _retained(*, blocking_sync: bool) -> Context:
    """Return the primary context, its flags set before it is made."""
    import pycuda.driver
    from cuda.bindings import driver as bindings

    flags = bindings.CUctx_flags
    schedule = flags.CU_CTX_SCHED_BLOCKING_SYNC if blocking_sync else flags.CU_CTX_SCHED_SPIN
    handle = driver.checked("cuDeviceGet", bindings.cuDeviceGet(0))
    set_flags = bindings.cuDevicePrimaryCtxSetFlags(handle, int(schedule))
    driver.checked("cuDevicePrimaryCtxSetFlags", set_flags)
    pycuda.driver.init()
    primary = pycuda.driver.Device(0).retain_primary_context()
    primary.push()
    return Context(primary, blocking_sync=blocking_sync)


def _pop_current() -> None:
    """Take the context off the thread: pycuda's `detach` leaves a primary one there."""
    from cuda.bindings import driver as bindings

    bindings.cuCtxPopCurrent()


def _quietly(release: Callable[[], object]) -> None:
    from pycuda.driver import Error

    try:
        release()
    except Error:
        return


def _bytes(array: Array) -> NDArray[np.uint8]:
    """Return the array's own bytes, flat: not every type has a buffer that pycuda can read."""
    import numpy as np

    if not array.flags.c_contiguous:
        raise ValueError("array: expected a C-contiguous one. Copy it first.")
    return array.reshape(-1).view(np.uint8)


def _one_after_the_other(calls: Sequence[Call]) -> Call:
    if len(calls) == 1:
        return calls[0]

    def run() -> None:
        for call in calls:
            call()

    return run
