"""An ONNX file copied with its weights, and the shapes of its inputs, by protobuf's fields."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from engines.ort.protobuf import BYTES, contents, fields, varint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engines.contract import PreparedModel

_TENSORS_WITHIN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
"""The fields of a message that hold messages with tensors in them."""
_KEY, _VALUE = 1, 2
_GRAPH, _INITIALIZER, _INPUT, _NAME, _TENSOR_NAME = 7, 5, 11, 1, 8
_TYPE_TENSOR_SHAPE_DIM = (2, 1, 2, 1)
_DIM_VALUE, _DIM_PARAM = 1, 2


def copy_model(model: PreparedModel, path: Path) -> None:
    """Copy the model to `path`, and files with its weights beside it.

    Those are named `<name of the path>.<k>.data`. Raises OSError.
    """
    if not model.external_data:
        shutil.copyfile(model.path, path)
        return
    names: dict[str, str] = {}
    path.write_bytes(_renamed(memoryview(model.path.read_bytes()), "model", path.name, names))
    for location, name in names.items():
        shutil.copyfile(model.path.parent / location, path.parent / name)


def input_shapes(path: Path, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]] | None:
    """Return the shape of each input of a model; None where `sizes` lack a dimension's name."""
    graph = next(contents(memoryview(path.read_bytes()), _GRAPH))
    fed = {bytes(next(contents(tensor, _TENSOR_NAME))) for tensor in contents(graph, _INITIALIZER)}
    shapes: dict[str, tuple[int, ...]] = {}
    for given in contents(graph, _INPUT):
        name = bytes(next(contents(given, _NAME)))
        dims = [_size(dim, sizes) for dim in _dims(given)]
        if name in fed:
            continue
        known = tuple(size for size in dims if size is not None)
        if len(known) < len(dims):
            return None
        shapes[name.decode()] = known
    return shapes


def _dims(given: memoryview) -> list[memoryview]:
    """Return the dimensions of an input: those of its type's tensor type's shape."""
    found = [given]
    for number in _TYPE_TENSOR_SHAPE_DIM:
        found = [content for message in found for content in contents(message, number)]
    return found


def _size(dim: memoryview, sizes: Mapping[str, int]) -> int | None:
    for number, whole, content in fields(dim):
        if number == _DIM_VALUE and content is None:
            return varint(whole, 1)[0]
        if number == _DIM_PARAM and content is not None:
            return sizes.get(bytes(content).decode())
    return None


def _renamed(message: memoryview, kind: str, prefix: str, names: dict[str, str]) -> bytes:
    """Return the message with other names of its files, which go into `names` by the old ones."""
    within = _TENSORS_WITHIN[kind]
    parts: list[bytes | memoryview] = []
    for number, whole, content in fields(message):
        if content is None or number not in within:
            parts.append(whole)
        elif within[number] == "external":
            parts.append(_field(number, _renamed_entry(content, prefix, names)))
        else:
            parts.append(_field(number, _renamed(content, within[number], prefix, names)))
    return b"".join(parts)


def _renamed_entry(entry: memoryview, prefix: str, names: dict[str, str]) -> bytes:
    texts = {number: bytes(content) for number, _, content in fields(entry) if content is not None}
    if texts.get(_KEY) != b"location":
        return bytes(entry)
    location = texts[_VALUE].decode()
    name = names.setdefault(location, f"{prefix}.{len(names)}.data")
    return _field(_KEY, b"location") + _field(_VALUE, name.encode())


def _field(number: int, content: bytes) -> bytes:
    return _as_varint(number << 3 | BYTES) + _as_varint(len(content)) + content


def _as_varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
