"""The files beside a model that hold its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engines.contract import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import GraphProto, ModelProto, TensorProto

_TOGETHER = "Keep the model and its files together, or save it again."


def external_files(model: ModelProto, path: Path) -> list[Path]:
    """Return the files of the external data of the model in `path`, sorted.

    Raises EngineError for one outside the model's folder, missing or too short.
    """
    from onnx.external_data_helper import ExternalDataInfo, uses_external_data

    needed: dict[str, int] = {}
    for tensor in _tensors(model):
        if uses_external_data(tensor):
            info = ExternalDataInfo(tensor)
            end = (info.offset or 0) + (info.length or 0)
            needed[info.location] = max(end, needed.get(info.location, 0))
    return [_checked(path.parent, name, needed[name]) for name in sorted(needed)]


def _checked(folder: Path, name: str, needed_bytes: int) -> Path:
    """Return the file's path. Reading elsewhere is refused: the file may be a stranger's."""
    file = folder / name
    if not file.resolve().is_relative_to(folder.resolve()):
        got = f"got {name!r}, which is outside it"
        raise _invalid(f"expected weights in the model's folder, {got}", "Save the model again.")
    if not file.is_file():
        raise _invalid(f"expected weights in {name!r} beside the model, got no file", _TOGETHER)
    found_bytes = file.stat().st_size
    if found_bytes < needed_bytes:
        expected = f"expected at least {needed_bytes} bytes of weights in {name!r}"
        raise _invalid(f"{expected}, got {found_bytes}", _TOGETHER)
    return file


def _invalid(message: str, hint: str) -> EngineError:
    return EngineError("invalid-model", message, hint)


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    from engines.graph.walk import every_graph

    for graph in every_graph(model.graph):
        yield from graph.initializer
        yield from _constants(graph)


def _constants(graph: GraphProto) -> Iterator[TensorProto]:
    """Return the tensors that are attributes of the graph's nodes."""
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
