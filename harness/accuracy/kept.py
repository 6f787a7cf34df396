"""Outputs on disk, named by what they follow from; what is damaged is as if it were not there."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from harness.archive import DAMAGE
from harness.prepare.inputs import save

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[Any]


def read(path: Path) -> dict[str, Array] | None:
    """Return the arrays of a file that `write` wrote, or None where it is not there whole."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            types = json.loads(stored["types"].tobytes())
            return {
                name: stored[f"output{k}"].view(np.dtype(getattr(ml_dtypes, dtype, dtype)))
                for k, (name, dtype) in enumerate(types)
            }
    except DAMAGE:
        return None


def write(path: Path, arrays: Mapping[str, Array]) -> None:
    """Keep the arrays; a disk that takes none is no failure, they can be made again."""
    types = [(name, array.dtype.name) for name, array in arrays.items()]
    named: dict[str, Any] = {f"output{k}": array for k, array in enumerate(arrays.values())}
    named["types"] = np.frombuffer(json.dumps(types).encode(), np.uint8)
    with suppress(OSError):
        save(named, path)
