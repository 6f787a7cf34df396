"""Preparing: every model and every set of inputs once, as files named by their hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.durable import replacing
from harness.archive import DAMAGE
from harness.child import Child, ChildError, child_pool
from harness.outcome import failed
from suites.inputs import make_inputs
from suites.shapes import model_signature
from suites.suite import BuiltinSource, FixedInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.folders import Folders
    from harness.inspect import Inspected
    from results.record import Failed
    from suites.case import Case
    from suites.signature import Dim
    from suites.suite import Model, Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A model's ONNX file as every backend gets it, with what the suite says of its inputs.

    `dims` and `values` are those of `engines.contract.PreparedModel`.
    """

    path: Path
    sha256: str
    external_data: bool
    precision: str
    dims: Mapping[str, tuple[Dim, ...]] = field(default_factory=dict)
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """A stored set of inputs: entry k of the file is the array of name k."""

    path: Path
    sha256: str
    names: tuple[str, ...]
    dtypes: tuple[str, ...]


def prepare_models(
    suite: Suite, models: Mapping[str, Inspected], wanted: Sequence[str], folders: Folders
) -> dict[str, Prepared | Failed]:
    """Return each wanted model prepared, or why it could not be; all cores work on it."""
    chosen = [model for model in suite.models if model.name in set(wanted)]

    def prepare(model: Model) -> Prepared | Failed:
        return _prepare(model, models[model.name], suite.measure.timeout_s, folders)

    with child_pool() as pool:
        done = pool.map(prepare, chosen)
        return {model.name: result for model, result in zip(chosen, done, strict=True)}


def _prepare(
    model: Model, inspected: Inspected, timeout_s: float, folders: Folders
) -> Prepared | Failed:
    log = folders.log(f"prepare-{model.name}")
    source = _source(model, inspected.path)
    try:
        with Child("harness.prepare_worker", log=log) as child:
            reply = child.ask("prepare", timeout_s=timeout_s, folder=str(folders.models), **source)
            child.ask("close", timeout_s=timeout_s)
    except ChildError as error:
        return failed(error)
    applied = model_signature(model, inspected.signature, model.name)
    return Prepared(
        path=Path(reply.header["path"]),
        sha256=reply.header["sha256"],
        external_data=reply.header["external_data"],
        precision=inspected.precision,
        dims={spec.name: spec.dims for spec in applied.inputs},
        values=_whole_numbers(model),
    )


def _whole_numbers(model: Model) -> dict[str, int]:
    """Return the inputs that the suite gives one whole number."""
    return {
        name: source.value
        for name, source in model.inputs
        if isinstance(source, FixedInput)
        and isinstance(source.value, int)
        and not isinstance(source.value, bool)
    }


def _source(model: Model, path: Path | None) -> dict[str, object]:
    """Return what tells the child where the model comes from."""
    if isinstance(model.source, BuiltinSource):
        from suites.models.builtin import get, resolve

        params = resolve(get(model.source.name), dict(model.source.params))
        return {"builtin": model.source.name, "params": params}
    return {"file": str(path)}


def store_inputs(
    model: Model, inspected: Inspected, case: Case, *, seed: int, folders: Folders
) -> Inputs:
    """Return the case's inputs as a file, made unless it is there whole.

    Raises SuiteError, ChildError of kind `out-of-memory` for inputs larger than what is free, and
    OSError naming the file that cannot be written.
    """
    try:
        return _store_inputs(model, inspected, case, seed=seed, folders=folders)
    except MemoryError as error:
        told = f"inputs of {case.id}: {error or 'no memory'}"
        raise ChildError("out-of-memory", told, "Lower the batch, or free memory.") from error


def _store_inputs(
    model: Model, inspected: Inspected, case: Case, *, seed: int, folders: Folders
) -> Inputs:
    arrays = make_inputs(model, inspected.signature, case, seed)
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name}\0{array.dtype}\0{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    path = folders.inputs / f"{digest.hexdigest()}.npz"
    if not _is_whole(path, arrays):
        _save(arrays, path)
    return Inputs(
        path=path,
        sha256=digest.hexdigest(),
        names=tuple(arrays),
        dtypes=tuple(str(array.dtype) for array in arrays.values()),
    )


def _save(arrays: Mapping[str, NDArray[np.generic]], path: Path) -> None:
    """Write the arrays by position: savez would make archive paths of names such as `a/b`."""
    named: dict[str, Any] = {f"input{k}": array for k, array in enumerate(arrays.values())}
    with replacing(path) as stream:
        np.savez(stream, **named)


def _is_whole(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> bool:
    """Return whether the file holds these arrays; one that a crash or a disk damaged does not."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return all(
                stored[f"input{k}"].shape == array.shape
                and stored[f"input{k}"].tobytes() == array.tobytes()
                for k, array in enumerate(arrays.values())
            )
    except DAMAGE:
        return False
