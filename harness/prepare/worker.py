"""The child that prepares a model: stores it by its hash, converts it, counts what it costs.

A child, because parsing and checking somebody's file can crash a process.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.contract import EngineError
from engines.durable import replacing
from harness.serve import serve
from harness.timing import stopwatch
from harness.wire import Message
from harness.worker import typed
from suites.errors import reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto

_CHUNK_BYTES = 1 << 20
_KEPT_GRAPHS = 8
"""A model at several precisions, asked about at one size after the other."""


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


def convert(header: Mapping[str, Any]) -> Message:
    """Write the model at another precision, and answer what that changed and took."""
    from engines.precision.convert import convert as convert_file
    from engines.precision.recipe import Calibration

    given = header["calibration"] or {"method": "", "samples": 0}
    calibration = Calibration(samples=_samples(given), method=given["method"])
    shapes = {name: tuple(shape) for name, shape in header["shapes"].items()}
    source, target, precision = Path(header["source"]), Path(header["target"]), header["precision"]
    passed_ns = stopwatch()
    try:
        effect = convert_file(source, target, precision, calibration, shapes)
    except (EngineError, OSError, MemoryError, ImportError):
        raise
    except Exception as error:
        told = " ".join(str(error).split()) or type(error).__name__
        hint = "Exclude this precision for the model, and tell dyno's makers."
        raise EngineError("build", f"{precision}: the recipe failed: {told}", hint) from error
    return Message(header={"effect": asdict(effect), "build_ns": passed_ns()})


def _samples(given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the samples of a calibration's file, whose entries `harness` names by position."""
    if not given["samples"]:
        return []
    kinds = list(zip(given["names"], given["dtypes"], strict=True))
    with np.load(given["path"]) as stored:
        return [
            {
                name: typed(stored[f"sample{k}input{j}"], kind)
                for j, (name, kind) in enumerate(kinds)
            }
            for k in range(given["samples"])
        ]


def cost(header: Mapping[str, Any]) -> Message:
    """Answer the operations of the model as it came, and the bytes of each graph made of it."""
    from engines.graph.cost import cost as cost_of

    shapes = {name: tuple(shape) for name, shape in header["shapes"].items()}
    own = cost_of(_graph(header["own"]), shapes)
    traffic = {}
    for precision, path in header["graphs"].items():
        found = own if path == header["own"] else cost_of(_graph(path), shapes)
        traffic[precision] = {
            "parameter_bytes": found.parameter_bytes,
            "activation_bytes": found.activation_bytes,
        }
    return Message(
        header={"flops": own.flops, "uncounted": dict(own.uncounted), "traffic": traffic}
    )


@lru_cache(maxsize=_KEPT_GRAPHS)
def _graph(path: str) -> ModelProto:
    from engines.graph.signature import load_graph

    return load_graph(path)


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
    """Serve `prepare`, `convert`, `cost` and `close`."""
    verbs = {
        "prepare": prepare,
        "convert": convert,
        "cost": cost,
        "close": lambda _: Message(header={}),
    }
    serve(read_fd, write_fd, verbs, _explain)
