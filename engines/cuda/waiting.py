"""Whether a call that should only submit work waits until the device has done it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.contract import Call
    from engines.cuda.context import Stream

_AHEAD_BYTES = 64 << 20
_AHEAD = 500
"""So many overwritings take the device some 10 ms, and fit into a stream's queue (about 1024)."""


def waits(call: Call, stream: Stream) -> bool | None:
    """Return whether `call`, which submits work to the stream, returns only once that is done.

    Other work goes ahead of it, so that the device is still busy when a call that does not wait
    returns, however fast the device is. That takes 64 MiB for a moment; None where they are not
    free, and then nothing was called. Raises what pycuda raises.
    """
    from pycuda.driver import MemoryError as NoDeviceMemory
    from pycuda.driver import mem_alloc, memset_d8_async

    try:
        buffer = mem_alloc(_AHEAD_BYTES)
    except NoDeviceMemory:
        return None
    try:
        for _ in range(_AHEAD):
            memset_d8_async(int(buffer), 0, _AHEAD_BYTES, stream.pycuda_stream)
        call()
        is_done = bool(stream.pycuda_stream.is_done())
        stream.synchronize()
    finally:
        buffer.free()
    return is_done
