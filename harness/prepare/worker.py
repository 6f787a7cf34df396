"""The child that prepares a model: makes or reads it, checks it, stores it by its hash.

A child, because parsing and checking somebody's file can crash a process.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.contract import EngineError
from engines.durable import replacing
from harness.serve import serve
from harness.wire import Message
from suites.errors import reason

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHUNK_BYTES = 1 << 20


def prepare(header: Mapping[str, Any]) -> Message:
    """Answer path and hash of the prepared model, and whether weights lie outside it."""
    from engines.graph.check import check
    from engines.graph.signature import load_graph
    from harness.external_data import external_files

    path = _materialise(header)
    external = external_files(load_graph(path), path)
    check(path)
    sha256 = _hash([path, *external])
    stored = path if external else _store(path, Path(header["folder"]) / f"{sha256}.onnx", sha256)
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
    sha256 = hashlib.sha256(data).hexdigest()
    path = Path(header["folder"]) / f"{sha256}.onnx"
    if not _is_whole(path, sha256):
        write_model(path, data)
    return path


def _store(path: Path, target: Path, sha256: str) -> Path:
    """Return the copy named by the hash, written anew where what is there is damaged."""
    if not _is_whole(target, sha256):
        write_model(target, path.read_bytes())
    return target


def _is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and _hash([path]) == sha256


def _hash(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def write_model(path: Path, data: bytes) -> None:
    """Write a file of the store. Raises EngineError of kind `disk`, whatever forbids it."""
    try:
        with replacing(path) as stream:
            stream.write(data)
    except OSError as error:
        raise EngineError(
            "disk",
            f"{error.filename or path}: {reason(error)}",
            "Mend that, or choose another --store.",
        ) from error


def _explain(error: Exception) -> EngineError:
    from engines.graph.errors import GraphError

    if isinstance(error, GraphError):
        return EngineError("invalid-model", str(error), "Export the model again.")
    return EngineError("invalid-model", str(error), "Check the file with onnx.checker.")


def main(read_fd: int, write_fd: int) -> None:
    """Serve `prepare` and `close`."""
    verbs = {"prepare": prepare, "close": lambda _: Message(header={})}
    serve(read_fd, write_fd, verbs, _explain)
