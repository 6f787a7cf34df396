"""The arrays that a data set of the user's has in its `.npz` file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from suites.errors import SuiteError, did_you_mean
from suites.wording import spell_place, spell_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from suites.suite import FileDataset

_DAMAGE = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the file has for each input and, where the data set is labelled, as labels."""

    inputs: Mapping[str, NDArray[Any]]
    labels: NDArray[Any] | None


def read_npz(dataset: FileDataset, place: str) -> Stored:
    """Return the arrays. `place` is the data set's. Raises SuiteError; nothing is unpickled."""
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(dataset.path.open("rb"))
            archive = np.load(stream, allow_pickle=False)
        except _DAMAGE as error:
            raise _unreadable(dataset, place, _reason(error)) from error
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise _unreadable(dataset, place, "it holds one array and no names")
        inputs = {
            name: _read(archive, key, f"{place}{spell_place(('_', 'inputs', name))[1:]}")
            for name, key in dataset.inputs
        }
        key = dataset.labels
        labels = None if key is None else _read(archive, key, f"{place}.labels")
    return Stored(inputs=inputs, labels=labels)


def _read(archive: Mapping[str, NDArray[Any]], key: str, place: str) -> NDArray[Any]:
    if key not in archive:
        hint = did_you_mean(key, archive)
        expected = f"one of {spell_words(archive)}" if archive else "a file with arrays"
        raise SuiteError(f"{place}: expected {expected}, got {key!r}.{hint}")
    try:
        return archive[key]
    except MemoryError as error:
        raise SuiteError(
            f"{place}: expected an array that fits into memory, got {key!r}: {error}. "
            "Save fewer samples."
        ) from error
    except _DAMAGE as error:
        raise SuiteError(
            f"{place}: expected an array of numbers, got {key!r}: {_reason(error)}. Save it again."
        ) from error


def _unreadable(dataset: FileDataset, place: str, reason: str) -> SuiteError:
    return SuiteError(
        f"{place}.npz: expected a .npz file as numpy saves it, got {dataset.given!r}: {reason}. "
        "Save it again with numpy.savez."
    )


def _reason(error: Exception) -> str:
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (told or type(error).__name__).rstrip(".")
