"""Whether a call that should only submit work waits until the device has done it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.contract import Call
    from engines.cuda.context import Stream

_AHEAD = 500
"""So many overwritings fit into a stream's queue (about 1024)."""
_SIZES_BYTES = (64 << 20, 512 << 20)
"""They take a fast device some 10 ms, and some 80 ms where a call seems to have waited for them."""


def waits(call: Call, stream: Stream) -> bool | None:
    """Return whether `call`, which submits work to the stream, returns only once that is done.

    Other work goes ahead of it, so that the device is still busy when a call that does not wait
    returns, however fast the device is. A call that took the host as long is asked again with more
    work. None where the memory for that is not free for a moment. Raises what pycuda raises.
    """
    for size_bytes in _SIZES_BYTES:
        is_done = _done_behind(call, stream, size_bytes)
        if not is_done:
            return is_done
    return True


def _done_behind(call: Call, stream: Stream, size_bytes: int) -> bool | None:
    """Return whether the stream is empty once `call` returns; None where nothing was called."""
    from pycuda.driver import MemoryError as NoDeviceMemory
    from pycuda.driver import mem_alloc, memset_d8_async

    try:
        buffer = mem_alloc(size_bytes)
    except NoDeviceMemory:
        return None
    try:
        for _ in range(_AHEAD):
            memset_d8_async(int(buffer), 0, size_bytes, stream.pycuda_stream)
        call()
        is_done = bool(stream.pycuda_stream.is_done())
        stream.synchronize()
    finally:
        buffer.free()
    return is_done
