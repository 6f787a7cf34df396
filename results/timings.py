"""Raw timings as bytes: lossless, versioned, about a quarter of their size in memory."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.record import Nanoseconds

VERSION = 1
LEVEL = 6
"""On 333 333 timings of 1.5 µs: 50 ms to 13.6 %; level 1 16 ms to 14.8 %, 9 585 ms to 13.3 %."""


def encode(timings: Nanoseconds) -> bytes:
    """Return int64 nanoseconds, shape (queries,), as one version byte and a zlib stream.

    The stream holds all lowest bytes, then all second ones, and so on (little-endian): the high
    bytes of timings hardly vary, so they all but vanish once they stand together.
    """
    import numpy as np

    octets = np.ascontiguousarray(timings, dtype="<i8").view(np.uint8).reshape(-1, 8)
    return bytes([VERSION]) + zlib.compress(octets.T.tobytes(), LEVEL)


def decode(data: bytes) -> Nanoseconds:
    """Return the timings that `encode` packed. Raises ValueError for anything else."""
    import numpy as np

    if data[:1] != bytes([VERSION]):
        found = data[0] if data else "no bytes"
        raise ValueError(f"expected timings of version {VERSION}, got {found!r}")
    try:
        planes = zlib.decompress(data[1:])
    except zlib.error as error:
        raise ValueError(f"expected whole timings, got a broken stream ({error})") from error
    if len(planes) % 8:
        raise ValueError(f"expected whole timings, got {len(planes)} bytes, not a multiple of 8")
    octets = np.frombuffer(planes, dtype=np.uint8).reshape(8, -1)
    return np.ascontiguousarray(octets.T).reshape(-1).view("<i8").astype(np.int64, copy=False)
