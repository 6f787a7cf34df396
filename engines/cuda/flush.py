"""Cooling the L2 cache down: overwrite twice its size on the device, and wait for that."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.contract import Call
    from engines.cuda.context import Context, Stream

TIMES_L2 = 2
"""Once would do if the cache replaced the oldest line first, which is not documented."""


def flushing(context: Context, stream: Stream) -> tuple[Call, Call]:
    """Return the two calls of a flush: overwrite, on the query's stream, and wait.

    The buffer is the context's.
    """
    from pycuda.driver import memset_d8_async

    size_bytes = TIMES_L2 * context.l2_bytes()
    address = context.buffer(size_bytes)
    overwrite = partial(memset_d8_async, address, 0, size_bytes, stream.pycuda_stream)
    return overwrite, stream.synchronize
