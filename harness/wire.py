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
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_PREFIX = struct.Struct("<IQ")
_CHUNK_BYTES = 1 << 20
_PIPE_BYTES = 4096
"""What a pipe that is ready takes without blocking (PIPE_BUF, pipe(7))."""


class ClosedError(Exception):
    """The other end is gone; a message was not, or only partly, there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A header of JSON values, and arrays by name."""

    header: Mapping[str, Any]
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


def send(
    fd: int, message: Message, *, deadline: float | None = None, exit_fd: int | None = None
) -> None:
    """Write the message. Raises ClosedError when nobody reads, TimeoutError past `deadline`.

    `deadline` is on the monotonic clock [s]; `exit_fd`, a pidfd, tells when the reader has died.
    """
    shapes = [[name, _type_name(array), array.shape] for name, array in message.arrays.items()]
    header = json.dumps({"header": dict(message.header), "arrays": shapes}).encode()
    payload = b"".join(array.tobytes() for array in message.arrays.values())
    waiting = _Ready(fd, selectors.EVENT_WRITE, deadline=deadline, exit_fd=exit_fd)
    try:
        with closing(waiting) as ready:
            for part in (_PREFIX.pack(len(header), len(payload)), header, payload):
                _write(fd, part, ready)
    except BrokenPipeError:
        raise ClosedError("the other end closed the wire") from None


def receive(fd: int, *, deadline: float | None = None, exit_fd: int | None = None) -> Message:
    """Return the next message. Raises ClosedError at the end, TimeoutError past `deadline`.

    The arguments are those of `send`; a writer that died may have left the wire to its children.
    """
    waiting = _Ready(fd, selectors.EVENT_READ, deadline=deadline, exit_fd=exit_fd)
    with closing(waiting) as ready:
        header_bytes, payload_bytes = _PREFIX.unpack(_read(fd, _PREFIX.size, ready))
        head = json.loads(_read(fd, header_bytes, ready))
        payload = _read(fd, payload_bytes, ready)
    arrays: dict[str, NDArray[np.generic]] = {}
    offset = 0
    for name, type_name, shape in head["arrays"]:
        dtype = _dtype(type_name)
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(payload, dtype, count, offset).reshape(shape)
        offset += count * dtype.itemsize
    return Message(header=head["header"], arrays=arrays)


class _Ready:
    """Waits until a descriptor can be used, its peer has died, or time is up."""

    def __init__(self, fd: int, event: int, *, deadline: float | None, exit_fd: int | None) -> None:
        self._deadline = deadline
        self._selector = selectors.DefaultSelector()
        self._selector.register(fd, event, "wire")
        if exit_fd is not None:
            self._selector.register(exit_fd, selectors.EVENT_READ, "exit")

    def wait(self) -> None:
        """Return when the wire is ready. Raises ClosedError or TimeoutError."""
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        ready = {key.data for key, _ in self._selector.select(left)}
        if not ready:
            raise TimeoutError("no answer in time")
        if "wire" not in ready:
            raise ClosedError("the other end died")

    def close(self) -> None:
        """Give the selector's own descriptor back."""
        self._selector.close()


def _write(fd: int, data: bytes, ready: _Ready) -> None:
    view = memoryview(data)
    while view:
        ready.wait()
        view = view[os.write(fd, view[:_PIPE_BYTES]) :]


def _read(fd: int, size: int, ready: _Ready) -> bytes:
    data = bytearray()
    while len(data) < size:
        ready.wait()
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
