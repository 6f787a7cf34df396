"""The child that prepares a model: makes or reads it, checks it, stores it by its hash.

A child, because parsing and checking somebody's file can crash a process.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.contract import EngineError
from harness.serve import serve
from harness.wire import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHUNK_BYTES = 1 << 20


def prepare(header: Mapping[str, Any]) -> Message:
    """Answer path and hash of the prepared model, and whether weights lie outside it."""
    import onnx

    from engines.graph.check import check

    path = _materialise(header)
    check(path)
    model = onnx.load(path, load_external_data=False)
    external = _external_files(model, path)
    sha256 = _hash([path, *external])
    stored = path if external else _store(path, Path(header["folder"]) / f"{sha256}.onnx")
    return Message(
        header={
            "path": str(stored),
            "sha256": sha256,
            "external_data": bool(external),
        }
    )


def _materialise(header: Mapping[str, Any]) -> Path:
    """Return the path of the model's file; a built-in is built into the folder first."""
    if "file" in header:
        return Path(header["file"])
    from suites.models.builtin import get

    data = get(header["builtin"]).build(header["params"]).SerializeToString(deterministic=True)
    path = Path(header["folder"]) / f"{hashlib.sha256(data).hexdigest()}.onnx"
    _write_atomically(path, data)
    return path


def _external_files(model: Any, path: Path) -> list[Path]:
    """Return the files of the model's external data, sorted."""
    from onnx.external_data_helper import ExternalDataInfo, uses_external_data

    from engines.graph.walk import every_graph

    tensors = [
        tensor
        for graph in every_graph(model.graph)
        for tensor in (*graph.initializer, *_constants(graph))
    ]
    names = {ExternalDataInfo(tensor).location for tensor in tensors if uses_external_data(tensor)}
    return [path.parent / name for name in sorted(names)]


def _constants(graph: Any) -> list[Any]:
    """Return the tensors that are attributes of the graph's nodes."""
    return [
        tensor
        for node in graph.node
        for attribute in node.attribute
        for tensor in (attribute.t, *attribute.tensors)
    ]


def _hash(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def _store(path: Path, target: Path) -> Path:
    if not target.exists():
        _write_atomically(target, path.read_bytes())
    return target


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
    Path(name).replace(path)


def _explain(error: Exception) -> EngineError:
    from engines.graph.errors import GraphError

    if isinstance(error, GraphError):
        return EngineError("invalid-model", str(error), "Export the model again.")
    return EngineError("invalid-model", str(error), "Check the file with onnx.checker.")


def main(read_fd: int, write_fd: int) -> None:
    """Serve `prepare` and `close`."""
    verbs = {"prepare": prepare, "close": lambda _: Message(header={})}
    serve(read_fd, write_fd, verbs, _explain)
