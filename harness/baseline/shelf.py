"""The files of baselines below a store: copies named by hash, which several baselines share."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from engines.contract import EngineError
from engines.durable import file_sha256, replacing
from engines.graph.errors import GraphError
from harness.archive import DAMAGE
from harness.external_data import external_files
from harness.prepare.inputs import digest
from harness.worker import typed
from results.record import Failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.prepare.inputs import Inputs
    from harness.prepare.models import Prepared
    from results.baseline import Baseline

_NAMES = ("model.onnx", "graph.onnx")
"""What a pinned model is called; the second where its weights lie in a file called as the first."""
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The folder `baselines` of a store. What one object has kept it does not check again."""

    root: Path
    _models: dict[str, Mapping[str, str] | Failed] = field(default_factory=dict)
    _inputs: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, store: Path) -> Shelf:
        """Return the shelf of a store."""
        return cls(root=store / "baselines")

    def model_folder(self, sha256: str) -> Path:
        """Return the folder of a model and its external data."""
        return self.root / "models" / sha256

    def inputs_file(self, sha256: str) -> Path:
        """Return the file of a set of inputs."""
        return self.root / "inputs" / f"{sha256}.npz"

    def keep_model(self, prepared: Prepared) -> Mapping[str, str] | Failed:
        """Copy the model unless it is there whole; return the hashes of its files, the model first.

        A model that is no longer what was prepared is Failed. Raises OSError.
        """
        if prepared.sha256 not in self._models:
            self._models[prepared.sha256] = self._kept_model(prepared)
        return self._models[prepared.sha256]

    def keep_inputs(self, inputs: Inputs) -> None:
        """Copy the inputs unless they are there whole. Raises OSError."""
        target = self.inputs_file(inputs.sha256)
        if inputs.sha256 in self._inputs:
            return
        if inputs_sha256(target, inputs.names, inputs.dtypes) != inputs.sha256:
            _copy(inputs.path, target)
        os.utime(target)  # what no baseline names is pruned by its age
        self._inputs.add(inputs.sha256)

    def size_bytes(self, baseline: Baseline) -> int:
        """Return what the baseline's files take, those that it shares with others included."""
        files = {self.inputs_file(case.inputs_sha256) for case in baseline.cases}
        for case in baseline.cases:
            folder = self.model_folder(case.model_sha256)
            files |= {folder / name for name in case.model["files"]}
        return sum(path.stat().st_size for path in files if path.is_file())

    def _kept_model(self, prepared: Prepared) -> Mapping[str, str] | Failed:
        try:
            sources = _sources(prepared)
        except (EngineError, GraphError) as error:
            hint = "Mend the model's files, and pin again."
            return Failed(kind="invalid-model", message=str(error), hint=hint)
        hashes, whole = _hashes(sources.values())
        if prepared.sha256 not in (whole, _joined(hashes)):
            return Failed(
                kind="invalid-model",
                message=f"{prepared.path}: expected the model as it was prepared, got another one",
                hint="Let nothing write to it, and pin again.",
            )
        files = dict(zip(sources, hashes, strict=True))
        folder = self.model_folder(prepared.sha256)
        for name, source in sources.items():
            if sha256_of(folder / name) != files[name]:
                _copy(source, folder / name)
        os.utime(folder)
        return files


def sha256_of(path: Path) -> str | None:
    """Return the hash of the file's bytes, None where there is no file. Raises OSError."""
    return file_sha256(path) if path.is_file() else None


def inputs_sha256(path: Path, names: Sequence[str], dtypes: Sequence[str]) -> str | None:
    """Return the hash of the arrays in the file; None where it is not there, "" where damaged."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            kinds = enumerate(zip(names, dtypes, strict=True))
            return digest({name: typed(stored[f"input{k}"], kind) for k, (name, kind) in kinds})
    except DAMAGE:
        return ""


def _sources(prepared: Prepared) -> dict[str, Path]:
    """Return the model's files by the names that their copies get, the model first."""
    if not prepared.external_data:
        return {_NAMES[0]: prepared.path}
    from engines.graph.signature import load_graph

    folder = prepared.path.parent
    external = external_files(load_graph(prepared.path), prepared.path)
    beside = {str(path.relative_to(folder)): path for path in external}
    name = next(name for name in _NAMES if name not in beside)
    return {name: prepared.path, **beside}


def _hashes(files: Iterable[Path]) -> tuple[list[str], str]:
    """Return the hash of each file, and that of all their bytes one after another."""
    each, whole = [], hashlib.sha256()
    for path in files:
        own = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                own.update(chunk)
                whole.update(chunk)
        each.append(own.hexdigest())
    return each, whole.hexdigest()


def _joined(hashes: Sequence[str]) -> str:
    """Return what the engine cache names a model of several files by; see `harness/prepare`."""
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _copy(source: Path, target: Path) -> None:
    """Copy the file: whole or not at all, and on the disk once this returns."""
    with source.open("rb") as read, replacing(target) as written:
        shutil.copyfileobj(read, written, _CHUNK_BYTES)
