"""Protobuf messages read field by field: workers have no onnx, and need a few fields of its files.

The encoding is protobuf.dev's; field numbers are those of onnx.proto (IR version 13).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BYTES = 2
"""The wire type of fields that say their own length; the others are numbers."""
_FIXED_BYTES = {1: 8, 5: 4}


def fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview | None]]:
    """Yield number, all bytes, and content of each field; the content of a number is None."""
    position = 0
    while position < len(message):
        start = position
        tag, position = varint(message, position)
        wire_type = tag & 7
        if wire_type == BYTES:
            length, position = varint(message, position)
            end = position + length
            yield tag >> 3, message[start:end], message[position:end]
        else:
            fixed = _FIXED_BYTES.get(wire_type)
            end = varint(message, position)[1] if fixed is None else position + fixed
            yield tag >> 3, message[start:end], None
        position = end


def contents(message: memoryview, number: int) -> Iterator[memoryview]:
    """Yield the content of each field of that number."""
    for found, _, content in fields(message):
        if found == number and content is not None:
            yield content


def texts(message: memoryview, number: int) -> tuple[str, ...]:
    """Return the text of each field of that number."""
    return tuple(bytes(content).decode() for content in contents(message, number))


def varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the number at the position, and the position after it."""
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def integer(message: memoryview, number: int) -> int:
    """Return the last number of a field that holds one, and 0 where it is not there.

    Field numbers below 16 only, whose tag is one byte.
    """
    found = 0
    for given, whole, content in fields(message):
        if given == number and content is None:
            found = varint(whole, 1)[0]
    return found
