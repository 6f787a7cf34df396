"""The inputs of cases: arrays as files named by their hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.durable import replacing
from harness.archive import DAMAGE
from harness.child import ChildError
from suites.inputs import make_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.folders import Folders
    from harness.inspect import Inspected
    from suites.case import Case
    from suites.suite import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """A stored set of inputs: entry k of the file is the array of name k."""

    path: Path
    sha256: str
    names: tuple[str, ...]
    dtypes: tuple[str, ...]


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
    sha256 = digest(arrays)
    path = folders.inputs / f"{sha256}.npz"
    # by position: savez would make archive paths of names such as `a/b`
    stored = {f"input{k}": array for k, array in enumerate(arrays.values())}
    if not is_whole(path, stored):
        save(stored, path)
    return Inputs(
        path=path,
        sha256=sha256,
        names=tuple(arrays),
        dtypes=tuple(str(array.dtype) for array in arrays.values()),
    )


def digest(arrays: Mapping[str, NDArray[np.generic]]) -> str:
    """Return a hash of the arrays with their names, types and shapes."""
    found = hashlib.sha256()
    for name, array in arrays.items():
        found.update(f"{name}\0{array.dtype}\0{array.shape}\0".encode())
        found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def save(arrays: Mapping[str, Any], path: Path) -> None:
    """Write the arrays in one step. Raises OSError naming the file."""
    with replacing(path) as stream:
        np.savez(stream, **arrays)


def is_whole(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> bool:
    """Return whether the file holds these arrays; one that a crash or a disk damaged does not."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return all(
                stored[name].shape == array.shape and stored[name].tobytes() == array.tobytes()
                for name, array in arrays.items()
            )
    except DAMAGE:
        return False
