"""Raw timings as bytes: lossless, checked, versioned; steady ones take under two bytes each."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from results.record import Nanoseconds

    Offsets = NDArray[np.uint64]

PLANES = 1
"""The first version: the bytes of all values, no bit kept apart."""
VERSION = 2
LEVEL = 6
_SAMPLE = 4096
_LOW_BITS = range(0, 24, 2)
_TAIL = struct.Struct("<qIB")
"""The least timing, how many there are, how many low bits are kept apart."""


def encode(timings: Nanoseconds) -> bytes:
    """Return int64 nanoseconds, shape (queries,), as a version byte and a zlib stream.

    Each timing is its distance from the least. Its lowest bits are noise that nothing can compress:
    as many as make a sample shortest are packed as they are. Of the rest the stream holds all
    lowest bytes, then all second ones, and so on (little-endian): the high ones hardly vary.
    """
    import numpy as np

    values = np.ascontiguousarray(timings, dtype="<i8")
    base = int(values.min()) if len(values) else 0
    offsets = values.view("<u8") - _unsigned(base)
    sample = offsets[:_SAMPLE]
    low_bits = min(_LOW_BITS, key=lambda bits: len(_pack(sample, bits, base)))
    return bytes([VERSION]) + _pack(offsets, low_bits, base)


def decode(data: bytes) -> Nanoseconds:
    """Return the timings that `encode` packed, now or once. Raises ValueError for anything else."""
    unpack = {PLANES: _from_planes, VERSION: _unpack}.get(data[0] if data else -1)
    if unpack is None:
        found = data[0] if data else "no bytes"
        raise ValueError(f"expected timings of version {PLANES} or {VERSION}, got {found!r}")
    try:
        return unpack(zlib.decompress(data[1:]))
    except zlib.error as error:
        raise ValueError(f"expected whole timings, got a broken stream ({error})") from error


def _pack(offsets: Offsets, low_bits: int, base: int) -> bytes:
    """Return the stream: planes of the high bits' bytes | planes of the low bits | tail.

    The flush ends a block before the low bits: their noise would spoil the codes of the others.
    """
    import numpy as np

    octets = (offsets >> np.uint64(low_bits)).view(np.uint8).reshape(-1, 8)
    packer = zlib.compressobj(LEVEL)
    parts = [packer.compress(octets.T.tobytes()), packer.flush(zlib.Z_FULL_FLUSH)]
    for bit in range(low_bits):
        plane = np.packbits((offsets >> np.uint64(bit) & np.uint64(1)).astype(np.uint8))
        parts.append(packer.compress(plane.tobytes()))
    parts += [packer.compress(_TAIL.pack(base, len(offsets), low_bits)), packer.flush()]
    return b"".join(parts)


def _unpack(stream: bytes) -> Nanoseconds:
    import numpy as np

    base, count, low_bits = _TAIL.unpack(stream[-_TAIL.size :].rjust(_TAIL.size, b"\0"))
    plane_bytes = (count + 7) // 8
    expected = 8 * count + low_bits * plane_bytes + _TAIL.size
    if len(stream) != expected:
        raise ValueError(f"expected whole timings of {expected} bytes, got {len(stream)}")
    offsets = _from_planes(stream[: 8 * count]).view("<u8") << np.uint64(low_bits)
    for bit in range(low_bits):
        packed = np.frombuffer(stream, np.uint8, plane_bytes, 8 * count + bit * plane_bytes)
        offsets |= np.unpackbits(packed, count=count).astype(np.uint64) << np.uint64(bit)
    return (offsets + _unsigned(base)).view("<i8").astype(np.int64, copy=False)


def _unsigned(base: int) -> np.uint64:
    """Return the number that differences wrap round to, so that none overflows."""
    import numpy as np

    return np.int64(base).view(np.uint64)


def _from_planes(planes: bytes) -> Nanoseconds:
    import numpy as np

    if len(planes) % 8:
        raise ValueError(f"expected whole timings, got {len(planes)} bytes, not a multiple of 8")
    octets = np.frombuffer(planes, dtype=np.uint8).reshape(8, -1)
    return np.ascontiguousarray(octets.T).reshape(-1).view("<i8").astype(np.int64, copy=False)
