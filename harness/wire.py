"""Messages between dyno and its children: a JSON header and arrays, length-prefixed.

Frame: two little-endian lengths (header u32, payload u64), the header in UTF-8, the arrays' bytes
one after the other. They travel on file descriptors of their own, so what a runtime prints cannot
mix with them. Needs numpy and the standard library only: it travels with the worker.
"""

from __future__ import annotations

import json
import os
import selectors
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_PREFIX = struct.Struct("<IQ")
_CHUNK_BYTES = 1 << 20


class ClosedError(Exception):
    """The other end is gone; a message was not, or only partly, there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A header of JSON values, and arrays by name."""

    header: Mapping[str, Any]
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


def send(fd: int, message: Message) -> None:
    """Write the message. Raises ClosedError when nobody reads."""
    shapes = [[name, _type_name(array), array.shape] for name, array in message.arrays.items()]
    header = json.dumps({"header": dict(message.header), "arrays": shapes}).encode()
    payload = b"".join(array.tobytes() for array in message.arrays.values())
    try:
        for part in (_PREFIX.pack(len(header), len(payload)), header, payload):
            _write(fd, part)
    except BrokenPipeError:
        raise ClosedError("the other end closed the wire") from None


def receive(fd: int, *, timeout_s: float | None = None) -> Message:
    """Return the next message. Raises ClosedError at the end, TimeoutError after `timeout_s`."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    header_bytes, payload_bytes = _PREFIX.unpack(_read(fd, _PREFIX.size, deadline))
    head = json.loads(_read(fd, header_bytes, deadline))
    payload = _read(fd, payload_bytes, deadline)
    arrays: dict[str, NDArray[np.generic]] = {}
    offset = 0
    for name, type_name, shape in head["arrays"]:
        dtype = _dtype(type_name)
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(payload, dtype, count, offset).reshape(shape)
        offset += count * dtype.itemsize
    return Message(header=head["header"], arrays=arrays)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view[:_CHUNK_BYTES]) :]


def _read(fd: int, size: int, deadline: float | None) -> bytes:
    data = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while len(data) < size:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not selector.select(left):
                raise TimeoutError("no answer in time")
            chunk = os.read(fd, min(_CHUNK_BYTES, size - len(data)))
            if not chunk:
                raise ClosedError("the other end closed the wire")
            data += chunk
    return bytes(data)


def _type_name(array: NDArray[np.generic]) -> str:
    """Return numpy's type string, or the plain name of a type that numpy does not know itself."""
    return array.dtype.name if array.dtype.kind == "V" else array.dtype.str


def _dtype(name: str) -> np.dtype[Any]:
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes

        named: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return named
